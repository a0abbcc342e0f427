-- What a sync run leaves for the next one: where a source was read up to, where entries stand, which members nobody answers to yet.
ALTER TABLE sources ADD COLUMN schedule TEXT;
ALTER TABLE sources ADD COLUMN leaving TEXT;
ALTER TABLE sources ADD COLUMN matching TEXT;
-- On the platform: which establishments a record goes to. Elsewhere: the platform's source that feeds this one.
ALTER TABLE sources ADD COLUMN route TEXT;
ALTER TABLE sources ADD COLUMN routed_from BLOB;

CREATE TABLE source_states (
    source_id BLOB NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    -- Where the source was read up to, with everything that makes it valid.
    bookmark TEXT,
    bookmark_at INTEGER,
    -- The last complete reading, the last run that ended well, and what failed since.
    full_at INTEGER,
    succeeded_at INTEGER,
    failed_at INTEGER,
    failures INTEGER NOT NULL,
    error TEXT,
    -- What runs of changes took away since the last whole reading: the guard counts them together.
    taken TEXT NOT NULL,
    -- Whether a run that broke off left roles to be computed again.
    roles_due INTEGER NOT NULL CHECK (roles_due IN (0, 1)),
    -- When an account next opens or closes by a date of its own: from then on only a whole reading will do.
    turns_at INTEGER,
    -- The server that answered last, and until when none is asked.
    server TEXT,
    paused_until INTEGER
) STRICT;

-- Where an entry stands, as a digest of its normalised DN: groups name their members by it.
ALTER TABLE links ADD COLUMN place BLOB;
ALTER TABLE links ADD COLUMN left_at INTEGER;
CREATE INDEX links_place ON links (source_id, place);
CREATE INDEX links_left ON links (left_at) WHERE left_at IS NOT NULL;

-- Up to when a source's schedule is served, and when it last began a complete reading.
CREATE TABLE source_turns (
    source_id BLOB NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    served_at INTEGER NOT NULL,
    full_begun_at INTEGER
) STRICT;

ALTER TABLE groups ADD COLUMN place BLOB;
-- Digests of members that name nobody yet, sixteen bytes each.
ALTER TABLE groups ADD COLUMN dangling BLOB;
CREATE INDEX groups_place ON groups (source_id, place);

ALTER TABLE users ADD COLUMN erased_at INTEGER;

-- How far a run that began to write came; the run it takes back; what started it; what else there is to say of it.
ALTER TABLE runs ADD COLUMN progress TEXT;
ALTER TABLE runs ADD COLUMN undoes BLOB;
ALTER TABLE runs ADD COLUMN started_by TEXT NOT NULL DEFAULT 'hand' CHECK (started_by IN ('hand', 'schedule', 'live'));
ALTER TABLE runs ADD COLUMN note TEXT;

-- People of two sources who may be one: for a person to decide.
CREATE TABLE proposals (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rule TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected')),
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    UNIQUE (source_id, external_id, user_id)
) STRICT;
CREATE INDEX proposals_user ON proposals (user_id);

-- What each of several sources says of one person; of someone whom one source states, the person's own row says it.
CREATE TABLE statements (
    source_id BLOB NOT NULL,
    external_id TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    stated TEXT NOT NULL,
    PRIMARY KEY (source_id, external_id),
    FOREIGN KEY (source_id, external_id) REFERENCES links (source_id, external_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX statements_user ON statements (user_id);

-- The file that a source of files was given last: compressed, sealed, in parts that a line of an archive can hold.
CREATE TABLE source_files (
    source_id BLOB NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    given_by TEXT NOT NULL,
    given_at INTEGER NOT NULL
) STRICT;
CREATE TABLE source_file_parts (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB NOT NULL REFERENCES source_files (source_id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    content_sealed BLOB NOT NULL,
    UNIQUE (source_id, part)
) STRICT;

-- On the platform: the establishments that a routed source feeds, and what its last reading became in each.
CREATE TABLE routed_parts (
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'unchanged', 'held', 'failed', 'skipped')),
    run_id BLOB,
    people INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    counts TEXT NOT NULL,
    error TEXT,
    fed_at INTEGER NOT NULL,
    PRIMARY KEY (source_id, slug)
) STRICT, WITHOUT ROWID;
