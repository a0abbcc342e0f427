-- Two runs may go on in one establishment, each held by its own node: a job is known by the thing it is about, too. Nothing was kept here before.
DROP TABLE jobs;
CREATE TABLE jobs (
    kind TEXT NOT NULL,
    slug TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    holder TEXT,
    held_until INTEGER,
    PRIMARY KEY (kind, slug, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (due_at);
CREATE INDEX jobs_slug ON jobs (slug);
