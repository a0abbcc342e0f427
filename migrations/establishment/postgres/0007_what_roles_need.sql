-- What an application declares beside its roles, and the services that roles give access to.
ALTER TABLE applications ADD COLUMN policy JSONB NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN services JSONB NOT NULL DEFAULT '[]';

-- When a rule counts, and the day of each year on which what it gives ends.
ALTER TABLE rules ADD COLUMN valid_from BIGINT;
ALTER TABLE rules ADD COLUMN valid_until BIGINT;
ALTER TABLE rules ADD COLUMN ends TEXT COLLATE "C";

-- Who gave a role by hand.
ALTER TABLE assignments ADD COLUMN given_by TEXT COLLATE "C";
CREATE INDEX assignments_from ON assignments (valid_from) WHERE valid_from IS NOT NULL;
CREATE INDEX assignments_until ON assignments (valid_until) WHERE valid_until IS NOT NULL;

-- One row: until when it was seen to what time alone changes.
CREATE TABLE role_edges (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seen_until BIGINT NOT NULL
);

-- What people held: with what they hold, it says who held what on any day.
CREATE TABLE ended_assignments (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    given_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL
);
CREATE INDEX ended_assignments_user ON ended_assignments (user_id);
CREATE INDEX ended_assignments_ended ON ended_assignments (ended_at);

-- What a person decided that someone is not to hold, whatever rules give.
CREATE TABLE exclusions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id UUID NOT NULL REFERENCES applications (id),
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    given_by TEXT COLLATE "C" NOT NULL,
    valid_until BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, application_id, role, scope)
);
CREATE INDEX exclusions_application ON exclusions (application_id);

-- Departments, classes, organisational units: a tree.
CREATE TABLE units (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    -- Looked at when a transaction ends: archives come back in the order of keys, and a unit may be older than the one above it.
    parent_id UUID REFERENCES units (id) DEFERRABLE INITIALLY DEFERRED,
    source_id UUID REFERENCES sources (id) ON DELETE SET NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX units_parent ON units (parent_id);
CREATE INDEX units_source ON units (source_id);

-- Who stands in which relation to whom: the tutor of an apprentice, the guardian of a pupil.
CREATE TABLE relations (
    id UUID NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    other_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source_id UUID REFERENCES sources (id) ON DELETE CASCADE,
    valid_from BIGINT,
    valid_until BIGINT,
    reason TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    UNIQUE (kind, user_id, other_id)
);
CREATE INDEX relations_user ON relations (user_id, kind);
CREATE INDEX relations_other ON relations (other_id, kind);
CREATE INDEX relations_source ON relations (source_id);

-- Rules prepared for a date, with what stood before them.
CREATE TABLE rule_sets (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    rules JSONB NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('prepared', 'scheduled', 'applied', 'held', 'rolled_back', 'cancelled')),
    apply_at BIGINT,
    -- What a simulation foretold, and the rules that stood before.
    expected JSONB,
    previous JSONB,
    note TEXT COLLATE "C",
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    applied_at BIGINT
);

-- When someone last signed in to an application, to the day.
CREATE TABLE uses (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id UUID NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, application_id)
);
CREATE INDEX uses_application ON uses (application_id);

-- Reviews: whether people are to keep what they hold.
CREATE TABLE campaigns (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    -- Which roles are looked at, and who decides on which of them.
    extent JSONB NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'closed')),
    due_at BIGINT NOT NULL,
    reminded_at BIGINT,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT
);

CREATE TABLE review_items (
    id UUID NOT NULL PRIMARY KEY,
    campaign_id UUID NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    reviewer_id UUID REFERENCES users (id) ON DELETE SET NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT,
    last_sign_in_at BIGINT,
    decision TEXT COLLATE "C" CHECK (decision IN ('keep', 'withdraw')),
    reason TEXT COLLATE "C",
    decided_by TEXT COLLATE "C",
    decided_at BIGINT,
    -- What became of the decision.
    outcome TEXT COLLATE "C",
    UNIQUE (campaign_id, user_id, application, role, scope, origin)
);
CREATE INDEX review_items_reviewer ON review_items (reviewer_id, campaign_id);
CREATE INDEX review_items_user ON review_items (user_id);

-- Where the role of a token holds: a unit, an application, or one service of it.
ALTER TABLE api_tokens ADD COLUMN within TEXT;
