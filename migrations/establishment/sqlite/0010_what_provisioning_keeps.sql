-- What stood in an application before and was taken over by its name is never deleted there.
ALTER TABLE provisioned ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;
-- An approval holds for a day.
ALTER TABLE provisioned ADD COLUMN approved_at INTEGER;

-- What each application had taken away in the last hours without anyone's approval.
CREATE TABLE provisioning_taken (
    provisioning_id BLOB NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    removals INTEGER NOT NULL,
    PRIMARY KEY (provisioning_id, hour)
) STRICT, WITHOUT ROWID;
