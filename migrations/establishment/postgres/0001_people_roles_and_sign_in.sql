-- Writing transactions take turns on this table, as they do on a file: one at a time in one store, whatever the node.
CREATE TABLE write_turn ();

-- People, groups and where they come from.
CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    username TEXT COLLATE "C" NOT NULL,
    username_folded TEXT COLLATE "C" NOT NULL UNIQUE,
    given_name TEXT COLLATE "C",
    family_name TEXT COLLATE "C",
    display_name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    locale TEXT COLLATE "C",
    search TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'active', 'disabled')),
    disabled_by TEXT COLLATE "C" CHECK (disabled_by IN ('source', 'administrator')),
    home_unit TEXT COLLATE "C",
    units JSONB NOT NULL,
    attributes JSONB NOT NULL,
    last_sign_in_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE credentials (
    user_id UUID NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sources (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('ldap', 'scim', 'csv', 'ldif')),
    settings JSONB NOT NULL,
    secret_sealed BYTEA,
    guard JSONB NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- One link a person and source: the immutable key that survives renames and moves.
CREATE TABLE links (
    source_id UUID NOT NULL REFERENCES sources (id),
    external_id TEXT COLLATE "C" NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    dn TEXT COLLATE "C",
    content_hash BYTEA NOT NULL,
    present BOOLEAN NOT NULL,
    active BOOLEAN NOT NULL,
    PRIMARY KEY (source_id, external_id)
);
CREATE INDEX links_user ON links (user_id);

CREATE TABLE groups (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID REFERENCES sources (id),
    external_id TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C",
    dn TEXT COLLATE "C",
    dn_key TEXT COLLATE "C",
    search TEXT COLLATE "C" NOT NULL,
    content_hash BYTEA NOT NULL,
    members_hash BYTEA NOT NULL,
    member_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (source_id, external_id)
);

CREATE TABLE memberships (
    group_id UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE nestings (
    parent_id UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    child_id UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (parent_id, child_id)
);
CREATE INDEX nestings_child ON nestings (child_id);

-- Sync runs and every change they made or would make, by name.
CREATE TABLE runs (
    id UUID NOT NULL PRIMARY KEY,
    source_id UUID NOT NULL REFERENCES sources (id),
    mode TEXT COLLATE "C" NOT NULL CHECK (mode IN ('full', 'changes', 'preview', 'undo')),
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'done', 'held', 'refused', 'failed', 'undone')),
    counts JSONB NOT NULL,
    error TEXT COLLATE "C",
    approved_by TEXT COLLATE "C",
    started_at BIGINT NOT NULL,
    duration_ms BIGINT
);
CREATE INDEX runs_source ON runs (source_id, id);

CREATE TABLE changes (
    run_id UUID NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('user', 'group', 'membership')),
    operation TEXT COLLATE "C" NOT NULL,
    subject_id UUID,
    name TEXT COLLATE "C" NOT NULL,
    detail JSONB,
    PRIMARY KEY (run_id, seq)
);

-- Applications, rules and who holds which role, always with the reason.
CREATE TABLE applications (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    title TEXT COLLATE "C" NOT NULL,
    cardinality TEXT COLLATE "C" NOT NULL CHECK (cardinality IN ('multi', 'single', 'single_per_scope')),
    default_role TEXT COLLATE "C",
    scope_kind TEXT COLLATE "C" NOT NULL,
    roles JSONB NOT NULL,
    claim_shape JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE rules (
    id UUID NOT NULL PRIMARY KEY,
    application_id UUID NOT NULL REFERENCES applications (id),
    conditions JSONB NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C",
    priority BIGINT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX rules_application ON rules (application_id);

CREATE TABLE assignments (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id UUID NOT NULL REFERENCES applications (id),
    role TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL CHECK (origin IN ('rule', 'manual', 'default')),
    rule_id UUID REFERENCES rules (id),
    valid_from BIGINT,
    valid_until BIGINT,
    reason TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, application_id, role, scope, origin)
);
CREATE INDEX assignments_application ON assignments (application_id, role);
CREATE INDEX assignments_rule ON assignments (rule_id);

-- Relying parties and what they were given.
CREATE TABLE clients (
    id UUID NOT NULL PRIMARY KEY,
    client_id TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    application_id UUID REFERENCES applications (id),
    secret_hash BYTEA,
    redirect_uris JSONB NOT NULL,
    post_logout_redirect_uris JSONB NOT NULL,
    token_endpoint_auth_method TEXT COLLATE "C" NOT NULL CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'none')),
    id_token_signed_response_alg TEXT COLLATE "C" NOT NULL CHECK (id_token_signed_response_alg IN ('RS256', 'ES256')),
    scopes JSONB NOT NULL,
    pkce TEXT COLLATE "C" NOT NULL CHECK (pkce IN ('required', 'optional')),
    consent TEXT COLLATE "C" NOT NULL CHECK (consent IN ('ask', 'skip')),
    claims_in_id_token BOOLEAN NOT NULL,
    require_role BOOLEAN NOT NULL,
    claim_shape JSONB NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm TEXT COLLATE "C" NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    public_jwk JSONB NOT NULL,
    private_sealed BYTEA NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'retired')),
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT COLLATE "C" NOT NULL,
    auth_time BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE interactions (
    id_hash BYTEA NOT NULL PRIMARY KEY,
    browser_hash BYTEA NOT NULL,
    request JSONB NOT NULL,
    signed_in_session UUID,
    consent TEXT COLLATE "C" CHECK (consent IN ('allowed', 'denied')),
    consent_session UUID,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX interactions_expires ON interactions (expires_at);

CREATE TABLE consents (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);

CREATE TABLE grants (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    session_id UUID NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    nonce TEXT COLLATE "C",
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_user ON grants (user_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_expires ON grants (expires_at);

CREATE TABLE authorization_codes (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT COLLATE "C" NOT NULL,
    code_challenge TEXT COLLATE "C",
    expires_at BIGINT NOT NULL,
    spent_at BIGINT
);
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);

CREATE TABLE refresh_tokens (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL,
    rotated_at BIGINT
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);

CREATE TABLE access_tokens (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    grant_id UUID NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    scope TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expires ON access_tokens (expires_at);

-- One-time links, counters of failed attempts, API tokens, and the trail.
CREATE TABLE one_time_links (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX one_time_links_user ON one_time_links (user_id);

CREATE TABLE throttles (
    key_hash BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    window_started_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX throttles_window ON throttles (window_started_at);

CREATE TABLE api_tokens (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    search TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('api', 'scim')),
    scope TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at BIGINT,
    created_by UUID
);

CREATE TABLE audit_events (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C" NOT NULL,
    detail JSONB NOT NULL
);
CREATE INDEX audit_events_subject ON audit_events (subject_kind, subject_id);

-- Requests of the admin API that must not be carried out twice, for a day. Answers may hold secrets shown once: they are sealed.
CREATE TABLE idempotency_keys (
    key_hash BYTEA NOT NULL PRIMARY KEY,
    request_hash BYTEA NOT NULL,
    answer_sealed BYTEA,
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
