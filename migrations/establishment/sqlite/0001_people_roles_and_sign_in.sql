-- People, groups and where they come from.
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_folded TEXT NOT NULL UNIQUE,
    given_name TEXT,
    family_name TEXT,
    display_name TEXT NOT NULL,
    email TEXT,
    locale TEXT,
    search TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'disabled')),
    disabled_by TEXT CHECK (disabled_by IN ('source', 'administrator')),
    home_unit TEXT,
    units TEXT NOT NULL,
    attributes TEXT NOT NULL,
    last_sign_in_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sources (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('ldap', 'scim', 'csv', 'ldif')),
    settings TEXT NOT NULL,
    secret_sealed BLOB,
    guard TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- One link a person and source: the immutable key that survives renames and moves.
CREATE TABLE links (
    source_id BLOB NOT NULL REFERENCES sources (id),
    external_id TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    dn TEXT,
    content_hash BLOB NOT NULL,
    present INTEGER NOT NULL CHECK (present IN (0, 1)),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    PRIMARY KEY (source_id, external_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_user ON links (user_id);

CREATE TABLE groups (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB REFERENCES sources (id),
    external_id TEXT,
    name TEXT NOT NULL,
    display_name TEXT,
    dn TEXT,
    dn_key TEXT,
    search TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    members_hash BLOB NOT NULL,
    member_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (source_id, external_id)
) STRICT;

CREATE TABLE memberships (
    group_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE nestings (
    parent_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    child_id BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX nestings_child ON nestings (child_id);

-- Sync runs and every change they made or would make, by name.
CREATE TABLE runs (
    id BLOB NOT NULL PRIMARY KEY,
    source_id BLOB NOT NULL REFERENCES sources (id),
    mode TEXT NOT NULL CHECK (mode IN ('full', 'changes', 'preview', 'undo')),
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'held', 'refused', 'failed', 'undone')),
    counts TEXT NOT NULL,
    error TEXT,
    approved_by TEXT,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER
) STRICT;
CREATE INDEX runs_source ON runs (source_id, id);

CREATE TABLE changes (
    run_id BLOB NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group', 'membership')),
    operation TEXT NOT NULL,
    subject_id BLOB,
    name TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- Applications, rules and who holds which role, always with the reason.
CREATE TABLE applications (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    cardinality TEXT NOT NULL CHECK (cardinality IN ('multi', 'single', 'single_per_scope')),
    default_role TEXT,
    scope_kind TEXT NOT NULL,
    roles TEXT NOT NULL,
    claim_shape TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE rules (
    id BLOB NOT NULL PRIMARY KEY,
    application_id BLOB NOT NULL REFERENCES applications (id),
    conditions TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT,
    priority INTEGER NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rules_application ON rules (application_id);

CREATE TABLE assignments (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    application_id BLOB NOT NULL REFERENCES applications (id),
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('rule', 'manual', 'default')),
    rule_id BLOB REFERENCES rules (id),
    valid_from INTEGER,
    valid_until INTEGER,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, application_id, role, scope, origin)
) STRICT;
CREATE INDEX assignments_application ON assignments (application_id, role);
CREATE INDEX assignments_rule ON assignments (rule_id);

-- Relying parties and what they were given.
CREATE TABLE clients (
    id BLOB NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    application_id BLOB REFERENCES applications (id),
    secret_hash BLOB,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    token_endpoint_auth_method TEXT NOT NULL CHECK (token_endpoint_auth_method IN ('client_secret_basic', 'client_secret_post', 'none')),
    id_token_signed_response_alg TEXT NOT NULL CHECK (id_token_signed_response_alg IN ('RS256', 'ES256')),
    scopes TEXT NOT NULL,
    pkce TEXT NOT NULL CHECK (pkce IN ('required', 'optional')),
    consent TEXT NOT NULL CHECK (consent IN ('ask', 'skip')),
    claims_in_id_token INTEGER NOT NULL CHECK (claims_in_id_token IN (0, 1)),
    require_role INTEGER NOT NULL CHECK (require_role IN (0, 1)),
    claim_shape TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    public_jwk TEXT NOT NULL,
    private_sealed BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'retired')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    auth_time INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

CREATE TABLE interactions (
    id_hash BLOB NOT NULL PRIMARY KEY,
    browser_hash BLOB NOT NULL,
    request TEXT NOT NULL,
    signed_in_session BLOB,
    consent TEXT CHECK (consent IN ('allowed', 'denied')),
    consent_session BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX interactions_expires ON interactions (expires_at);

CREATE TABLE consents (
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    session_id BLOB NOT NULL,
    scope TEXT NOT NULL,
    nonce TEXT,
    auth_time INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX grants_user ON grants (user_id);
CREATE INDEX grants_session ON grants (session_id);
CREATE INDEX grants_client ON grants (client_id);
CREATE INDEX grants_expires ON grants (expires_at);

CREATE TABLE authorization_codes (
    code_hash BLOB NOT NULL PRIMARY KEY,
    grant_id BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT,
    expires_at INTEGER NOT NULL,
    spent_at INTEGER
) STRICT;
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);

CREATE TABLE refresh_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    grant_id BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    rotated_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);

CREATE TABLE access_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    grant_id BLOB NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX access_tokens_grant ON access_tokens (grant_id);
CREATE INDEX access_tokens_expires ON access_tokens (expires_at);

-- One-time links, counters of failed attempts, API tokens, and the trail.
CREATE TABLE one_time_links (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX one_time_links_user ON one_time_links (user_id);

CREATE TABLE throttles (
    key_hash BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    window_started_at INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL
) STRICT;
CREATE INDEX throttles_window ON throttles (window_started_at);

CREATE TABLE api_tokens (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    search TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('api', 'scim')),
    scope TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at INTEGER,
    created_by BLOB
) STRICT;

CREATE TABLE audit_events (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_events_subject ON audit_events (subject_kind, subject_id);

-- Requests of the admin API that must not be carried out twice, for a day. Answers may hold secrets shown once: they are sealed.
CREATE TABLE idempotency_keys (
    key_hash BLOB NOT NULL PRIMARY KEY,
    request_hash BLOB NOT NULL,
    answer_sealed BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
