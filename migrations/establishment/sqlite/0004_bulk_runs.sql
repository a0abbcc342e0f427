-- One act on many establishments, and how each of them fared. Rows are written in the platform's own store only.
CREATE TABLE bulk_runs (
    id BLOB NOT NULL PRIMARY KEY,
    verb TEXT NOT NULL CHECK (verb IN ('mail', 'stats', 'export', 'block', 'unblock', 'delete')),
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    wanted TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    sums TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE TABLE bulk_items (
    id BLOB NOT NULL PRIMARY KEY,
    run_id BLOB NOT NULL REFERENCES bulk_runs (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('waiting', 'working', 'done', 'failed')),
    attempts INTEGER NOT NULL,
    error TEXT,
    detail TEXT,
    ended_at INTEGER
) STRICT;
CREATE INDEX bulk_items_run ON bulk_items (run_id, id);
CREATE INDEX bulk_items_outcome ON bulk_items (run_id, outcome);
