-- Two runs may go on in one establishment, each held by its own node: a job is known by the thing it is about, too. Nothing was kept here before.
DROP TABLE jobs;
CREATE TABLE jobs (
    kind TEXT COLLATE "C" NOT NULL,
    slug TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    holder TEXT COLLATE "C",
    held_until BIGINT,
    PRIMARY KEY (kind, slug, subject)
);
CREATE INDEX jobs_due ON jobs (due_at);
CREATE INDEX jobs_slug ON jobs (slug);
