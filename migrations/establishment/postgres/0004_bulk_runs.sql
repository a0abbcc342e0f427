-- One act on many establishments, and how each of them fared. Rows are written in the platform's own store only.
CREATE TABLE bulk_runs (
    id UUID NOT NULL PRIMARY KEY,
    verb TEXT COLLATE "C" NOT NULL CHECK (verb IN ('mail', 'stats', 'export', 'block', 'unblock', 'delete')),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('running', 'done')),
    wanted JSONB NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    sums JSONB NOT NULL,
    started_by TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT
);

CREATE TABLE bulk_items (
    id UUID NOT NULL PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES bulk_runs (id) ON DELETE CASCADE,
    slug TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('waiting', 'working', 'done', 'failed')),
    attempts BIGINT NOT NULL,
    error TEXT COLLATE "C",
    detail JSONB,
    ended_at BIGINT
);
CREATE INDEX bulk_items_run ON bulk_items (run_id, id);
CREATE INDEX bulk_items_outcome ON bulk_items (run_id, outcome);
