-- Where each establishment's store lies, what is known of the installation itself, and work that some node does once.
ALTER TABLE establishments ADD COLUMN placement TEXT COLLATE "C" NOT NULL DEFAULT 'default';
ALTER TABLE establishments ADD COLUMN schema_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE establishments ADD COLUMN deleting_at BIGINT;
CREATE INDEX establishments_behind ON establishments (schema_version);

-- One row. The check is a constant sealed under the master key: a node with another key is told before it seals anything.
CREATE TABLE installation (
    id UUID NOT NULL PRIMARY KEY,
    key_check BYTEA,
    created_at BIGINT NOT NULL
);

-- Work to be done once, by whichever node takes it. `seq` counts the askings, so that one made meanwhile is not lost.
CREATE TABLE jobs (
    kind TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    holder TEXT COLLATE "C",
    held_until BIGINT,
    PRIMARY KEY (kind, slug)
);
CREATE INDEX jobs_due ON jobs (due_at);
