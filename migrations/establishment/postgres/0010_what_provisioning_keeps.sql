-- What stood in an application before and was taken over by its name is never deleted there.
ALTER TABLE provisioned ADD COLUMN adopted BOOLEAN NOT NULL DEFAULT false;
-- An approval holds for a day.
ALTER TABLE provisioned ADD COLUMN approved_at BIGINT;

-- What each application had taken away in the last hours without anyone's approval.
CREATE TABLE provisioning_taken (
    provisioning_id UUID NOT NULL REFERENCES provisionings (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    removals BIGINT NOT NULL,
    PRIMARY KEY (provisioning_id, hour)
);
