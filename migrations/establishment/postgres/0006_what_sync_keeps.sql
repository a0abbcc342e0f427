-- What a sync run leaves for the next one: where a source was read up to, where entries stand, which members nobody answers to yet.
ALTER TABLE sources ADD COLUMN schedule JSONB;
ALTER TABLE sources ADD COLUMN leaving JSONB;
ALTER TABLE sources ADD COLUMN matching JSONB;
-- On the platform: which establishments a record goes to. Elsewhere: the platform's source that feeds this one.
ALTER TABLE sources ADD COLUMN route TEXT COLLATE "C";
ALTER TABLE sources ADD COLUMN routed_from UUID;

CREATE TABLE source_states (
    source_id UUID NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    -- Where the source was read up to, with everything that makes it valid.
    bookmark TEXT COLLATE "C",
    bookmark_at BIGINT,
    -- The last complete reading, the last run that ended well, and what failed since.
    full_at BIGINT,
    succeeded_at BIGINT,
    failed_at BIGINT,
    failures BIGINT NOT NULL,
    error TEXT COLLATE "C",
    -- What runs of changes took away since the last whole reading: the guard counts them together.
    taken JSONB NOT NULL,
    -- Whether a run that broke off left roles to be computed again.
    roles_due BOOLEAN NOT NULL,
    -- When an account next opens or closes by a date of its own: from then on only a whole reading will do.
    turns_at BIGINT,
    -- The server that answered last, and until when none is asked.
    server TEXT COLLATE "C",
    paused_until BIGINT
);

-- Where an entry stands, as a digest of its normalised DN: groups name their members by it.
ALTER TABLE links ADD COLUMN place BYTEA;
ALTER TABLE links ADD COLUMN left_at BIGINT;
CREATE INDEX links_place ON links (source_id, place);
CREATE INDEX links_left ON links (left_at) WHERE left_at IS NOT NULL;

-- Up to when a source's schedule is served, and when it last began a complete reading.
CREATE TABLE source_turns (
    source_id UUID NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    served_at BIGINT NOT NULL,
    full_begun_at BIGINT
);

ALTER TABLE groups ADD COLUMN place BYTEA;
-- Digests of members that name nobody yet, sixteen bytes each.
ALTER TABLE groups ADD COLUMN dangling BYTEA;
CREATE INDEX groups_place ON groups (source_id, place);

ALTER TABLE users ADD COLUMN erased_at BIGINT;

-- How far a run that began to write came; the run it takes back; what started it; what else there is to say of it.
ALTER TABLE runs ADD COLUMN progress JSONB;
ALTER TABLE runs ADD COLUMN undoes UUID;
ALTER TABLE runs ADD COLUMN started_by TEXT COLLATE "C" NOT NULL DEFAULT 'hand' CHECK (started_by IN ('hand', 'schedule', 'live'));
ALTER TABLE runs ADD COLUMN note TEXT COLLATE "C";

-- People of two sources who may be one: for a person to decide.
CREATE TABLE proposals (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    external_id TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rule TEXT COLLATE "C" NOT NULL,
    detail JSONB NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'accepted', 'rejected')),
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT COLLATE "C",
    UNIQUE (source_id, external_id, user_id)
);
CREATE INDEX proposals_user ON proposals (user_id);

-- What each of several sources says of one person; of someone whom one source states, the person's own row says it.
CREATE TABLE statements (
    source_id UUID NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    stated JSONB NOT NULL,
    PRIMARY KEY (source_id, external_id),
    FOREIGN KEY (source_id, external_id) REFERENCES links (source_id, external_id) ON DELETE CASCADE
);
CREATE INDEX statements_user ON statements (user_id);

-- The file that a source of files was given last: compressed, sealed, in parts that a line of an archive can hold.
CREATE TABLE source_files (
    source_id UUID NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    given_by TEXT COLLATE "C" NOT NULL,
    given_at BIGINT NOT NULL
);
CREATE TABLE source_file_parts (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES source_files (source_id) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    content_sealed BYTEA NOT NULL,
    UNIQUE (source_id, part)
);

-- On the platform: the establishments that a routed source feeds, and what its last reading became in each.
CREATE TABLE routed_parts (
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    slug TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'unchanged', 'held', 'failed', 'skipped')),
    run_id UUID,
    people BIGINT NOT NULL,
    groups BIGINT NOT NULL,
    counts JSONB NOT NULL,
    error TEXT COLLATE "C",
    fed_at BIGINT NOT NULL,
    PRIMARY KEY (source_id, slug)
);
