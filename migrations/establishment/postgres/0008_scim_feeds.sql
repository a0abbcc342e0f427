-- What identity providers push by SCIM: tokens of a feed, its resources as it states them, and what waits for a person.
ALTER TABLE api_tokens ADD COLUMN source_id UUID REFERENCES sources (id) ON DELETE CASCADE;
CREATE INDEX api_tokens_source ON api_tokens (source_id) WHERE source_id IS NOT NULL;

-- How many resources a feed has, and when it last asked for anything.
CREATE TABLE scim_feeds (
    source_id UUID NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    users BIGINT NOT NULL,
    groups BIGINT NOT NULL,
    requested_at BIGINT
);

-- One resource of one feed. Its key is the person's or the group's; it goes with the link or the group.
CREATE TABLE scim_resources (
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    id UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group')),
    -- The key as text, where there is a link of it.
    link TEXT COLLATE "C",
    group_id UUID REFERENCES groups (id) ON DELETE CASCADE,
    external_id TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    name_folded TEXT COLLATE "C" NOT NULL,
    active BOOLEAN NOT NULL,
    -- What the feed states, in canonical form, without members.
    body TEXT COLLATE "C" NOT NULL,
    rev BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (source_id, id),
    FOREIGN KEY (source_id, link) REFERENCES links (source_id, external_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX scim_resources_live ON scim_resources (source_id, kind, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_resources_name ON scim_resources (source_id, kind, name_folded) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_resources_external ON scim_resources (source_id, kind, external_id) WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX scim_resources_left ON scim_resources (source_id, external_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX scim_resources_link ON scim_resources (source_id, link) WHERE link IS NOT NULL;
CREATE INDEX scim_resources_group ON scim_resources (group_id) WHERE group_id IS NOT NULL;

-- The values of a resource, one a row, for filters; `head` begins those that are looked up by an index.
CREATE TABLE scim_values (
    source_id UUID NOT NULL,
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    element BIGINT NOT NULL,
    leads BOOLEAN NOT NULL,
    text TEXT COLLATE "C",
    number BIGINT,
    head TEXT COLLATE "C",
    PRIMARY KEY (source_id, id, seq),
    FOREIGN KEY (source_id, id) REFERENCES scim_resources (source_id, id) ON DELETE CASCADE
);
CREATE INDEX scim_values_head ON scim_values (source_id, attribute, head) WHERE head IS NOT NULL;

-- Requests of a feed that a person has to see to: what the guard held, and whom it may be.
CREATE TABLE scim_held (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    reason TEXT COLLATE "C" NOT NULL CHECK (reason IN ('guard', 'taken', 'asked')),
    operation TEXT COLLATE "C" NOT NULL,
    subject_id UUID,
    subject TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    detail JSONB NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'approved', 'refused')),
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT COLLATE "C",
    UNIQUE (source_id, reason, operation, subject)
);

-- What a feed took away, by the hour: the guard counts the last hours together.
CREATE TABLE scim_taken (
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    people BIGINT NOT NULL,
    groups BIGINT NOT NULL,
    memberships BIGINT NOT NULL,
    PRIMARY KEY (source_id, hour)
);

-- The last requests of a feed, for whoever looks into what an identity provider does.
CREATE TABLE scim_requests (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    dialect TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    subject_id UUID,
    failing TEXT COLLATE "C",
    request TEXT COLLATE "C",
    answer TEXT COLLATE "C",
    changes TEXT COLLATE "C"
);
CREATE INDEX scim_requests_source ON scim_requests (source_id, id);
