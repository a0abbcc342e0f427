-- Where each establishment's store lies, what is known of the installation itself, and work that some node does once.
ALTER TABLE establishments ADD COLUMN placement TEXT NOT NULL DEFAULT 'default';
ALTER TABLE establishments ADD COLUMN schema_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE establishments ADD COLUMN deleting_at INTEGER;
CREATE INDEX establishments_behind ON establishments (schema_version);

-- One row. The check is a constant sealed under the master key: a node with another key is told before it seals anything.
CREATE TABLE installation (
    id BLOB NOT NULL PRIMARY KEY,
    key_check BLOB,
    created_at INTEGER NOT NULL
) STRICT;

-- Work to be done once, by whichever node takes it. `seq` counts the askings, so that one made meanwhile is not lost.
CREATE TABLE jobs (
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    holder TEXT,
    held_until INTEGER,
    PRIMARY KEY (kind, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (due_at);
