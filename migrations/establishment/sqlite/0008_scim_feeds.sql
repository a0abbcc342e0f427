-- What identity providers push by SCIM: tokens of a feed, its resources as it states them, and what waits for a person.
ALTER TABLE api_tokens ADD COLUMN source_id BLOB REFERENCES sources (id) ON DELETE CASCADE;
CREATE INDEX api_tokens_source ON api_tokens (source_id) WHERE source_id IS NOT NULL;

-- How many resources a feed has, and when it last asked for anything.
CREATE TABLE scim_feeds (
    source_id BLOB NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    users INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    requested_at INTEGER
) STRICT;

-- One resource of one feed. Its key is the person's or the group's; it goes with the link or the group.
CREATE TABLE scim_resources (
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    -- The key as text, where there is a link of it.
    link TEXT,
    group_id BLOB REFERENCES groups (id) ON DELETE CASCADE,
    external_id TEXT,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    -- What the feed states, in canonical form, without members.
    body TEXT NOT NULL,
    rev INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (source_id, id),
    FOREIGN KEY (source_id, link) REFERENCES links (source_id, external_id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX scim_resources_live ON scim_resources (source_id, kind, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_resources_name ON scim_resources (source_id, kind, name_folded) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_resources_external ON scim_resources (source_id, kind, external_id) WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX scim_resources_left ON scim_resources (source_id, external_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX scim_resources_link ON scim_resources (source_id, link) WHERE link IS NOT NULL;
CREATE INDEX scim_resources_group ON scim_resources (group_id) WHERE group_id IS NOT NULL;

-- The values of a resource, one a row, for filters; `head` begins those that are looked up by an index.
CREATE TABLE scim_values (
    source_id BLOB NOT NULL,
    id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    attribute TEXT NOT NULL,
    element INTEGER NOT NULL,
    leads INTEGER NOT NULL CHECK (leads IN (0, 1)),
    text TEXT,
    number INTEGER,
    head TEXT,
    PRIMARY KEY (source_id, id, seq),
    FOREIGN KEY (source_id, id) REFERENCES scim_resources (source_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_values_head ON scim_values (source_id, attribute, head) WHERE head IS NOT NULL;

-- Requests of a feed that a person has to see to: what the guard held, and whom it may be.
CREATE TABLE scim_held (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    reason TEXT NOT NULL CHECK (reason IN ('guard', 'taken', 'asked')),
    operation TEXT NOT NULL,
    subject_id BLOB,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'approved', 'refused')),
    times INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT,
    UNIQUE (source_id, reason, operation, subject)
) STRICT;

-- What a feed took away, by the hour: the guard counts the last hours together.
CREATE TABLE scim_taken (
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    people INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    memberships INTEGER NOT NULL,
    PRIMARY KEY (source_id, hour)
) STRICT, WITHOUT ROWID;

-- The last requests of a feed, for whoever looks into what an identity provider does.
CREATE TABLE scim_requests (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    dialect TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    subject_id BLOB,
    failing TEXT,
    request TEXT,
    answer TEXT,
    changes TEXT
) STRICT;
CREATE INDEX scim_requests_source ON scim_requests (source_id, id);
