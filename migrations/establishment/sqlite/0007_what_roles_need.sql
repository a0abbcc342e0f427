-- What an application declares beside its roles, and the services that roles give access to.
ALTER TABLE applications ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN services TEXT NOT NULL DEFAULT '[]';

-- When a rule counts, and the day of each year on which what it gives ends.
ALTER TABLE rules ADD COLUMN valid_from INTEGER;
ALTER TABLE rules ADD COLUMN valid_until INTEGER;
ALTER TABLE rules ADD COLUMN ends TEXT;

-- Who gave a role by hand.
ALTER TABLE assignments ADD COLUMN given_by TEXT;
CREATE INDEX assignments_from ON assignments (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX assignments_until ON assignments (valid_until) WHERE valid_until IS NOT NULL;

-- One row: until when it was seen to what time alone changes.
CREATE TABLE role_edges (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seen_until INTEGER NOT NULL
) STRICT;

-- What people held: with what they hold, it says who held what on any day.
CREATE TABLE ended_assignments (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    origin TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_assignments_user ON ended_assignments (user_id);
CREATE INDEX ended_assignments_ended ON ended_assignments (ended_at);

-- What a person decided that someone is not to hold, whatever rules give.
CREATE TABLE exclusions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id BLOB NOT NULL REFERENCES applications (id),
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    reason TEXT NOT NULL,
    given_by TEXT NOT NULL,
    valid_until INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, application_id, role, scope)
) STRICT;
CREATE INDEX exclusions_application ON exclusions (application_id);

-- Departments, classes, organisational units: a tree.
CREATE TABLE units (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    search TEXT NOT NULL,
    -- Looked at when a transaction ends: archives come back in the order of keys, and a unit may be older than the one above it.
    parent_id BLOB REFERENCES units (id) DEFERRABLE INITIALLY DEFERRED,
    source_id BLOB REFERENCES sources (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX units_parent ON units (parent_id);
CREATE INDEX units_source ON units (source_id);

-- Who stands in which relation to whom: the tutor of an apprentice, the guardian of a pupil.
CREATE TABLE relations (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    other_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source_id BLOB REFERENCES sources (id) ON DELETE CASCADE,
    valid_from INTEGER,
    valid_until INTEGER,
    reason TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, user_id, other_id)
) STRICT;
CREATE INDEX relations_user ON relations (user_id, kind);
CREATE INDEX relations_other ON relations (other_id, kind);
CREATE INDEX relations_source ON relations (source_id);

-- Rules prepared for a date, with what stood before them.
CREATE TABLE rule_sets (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    rules TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('prepared', 'scheduled', 'applied', 'held', 'rolled_back', 'cancelled')),
    apply_at INTEGER,
    -- What a simulation foretold, and the rules that stood before.
    expected TEXT,
    previous TEXT,
    note TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    applied_at INTEGER
) STRICT;

-- When someone last signed in to an application, to the day.
CREATE TABLE uses (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id BLOB NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, application_id)
) STRICT;
CREATE INDEX uses_application ON uses (application_id);

-- Reviews: whether people are to keep what they hold.
CREATE TABLE campaigns (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    -- Which roles are looked at, and who decides on which of them.
    extent TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    due_at INTEGER NOT NULL,
    reminded_at INTEGER,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

CREATE TABLE review_items (
    id BLOB NOT NULL PRIMARY KEY,
    campaign_id BLOB NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    reviewer_id BLOB REFERENCES users (id) ON DELETE SET NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    origin TEXT NOT NULL,
    last_used_at INTEGER,
    last_sign_in_at INTEGER,
    decision TEXT CHECK (decision IN ('keep', 'withdraw')),
    reason TEXT,
    decided_by TEXT,
    decided_at INTEGER,
    -- What became of the decision.
    outcome TEXT,
    UNIQUE (campaign_id, user_id, application, role, scope, origin)
) STRICT;
CREATE INDEX review_items_reviewer ON review_items (reviewer_id, campaign_id);
CREATE INDEX review_items_user ON review_items (user_id);

-- Where the role of a token holds: a unit, an application, or one service of it.
ALTER TABLE api_tokens ADD COLUMN within TEXT;
