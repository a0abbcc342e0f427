//! What an archive holds: every table that is saved with its columns, in the order in which rows may be written, and every table that is not, with
//! the reason. It knows no row and no file.

/// The last migration of the establishment's store that this list describes.
pub const SCHEMA_VERSION: i64 = 6;

/// What a column holds, whatever the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier.
    Uuid,
    /// Bytes.
    Bytes,
    /// Text.
    Text,
    /// A whole number, and every instant.
    Int,
    /// Yes or no.
    Bool,
    /// A JSON value.
    Json,
}

/// What stands in a column that an older archive does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The archive is not whole.
    Refused,
    /// Nothing.
    Null,
    /// No.
    No,
    /// This text.
    Default(&'static str),
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be empty.
    pub nullable: bool,
    /// What stands there when an older archive has no such column.
    pub missing: Missing,
    /// Whether its value is sealed under the master key at rest.
    pub sealed: bool,
}

/// One table: the first `key` columns are its primary key.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of the columns, from the first, make the primary key.
    pub key: usize,
    /// Every column.
    pub columns: &'static [Column],
    /// Whether rows that are there already stay: the trail only ever grows.
    pub keeps: bool,
}

impl Table {
    /// The place of a column among the others.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// Every table that is saved. A table stands after those it refers to.
pub const TABLES: &[Table] = &[
    table("sources", 1, SOURCES),
    table("users", 1, USERS),
    table("credentials", 1, &[uuid("user_id"), text("password_hash"), int("updated_at")]),
    table("links", 2, LINKS),
    table("groups", 1, GROUPS),
    table("memberships", 2, &[uuid("group_id"), uuid("user_id")]),
    table("nestings", 2, &[uuid("parent_id"), uuid("child_id")]),
    table("runs", 1, RUNS),
    table("changes", 2, CHANGES),
    table("proposals", 1, PROPOSALS),
    table("source_files", 1, SOURCE_FILES),
    table("applications", 1, APPLICATIONS),
    table("rules", 1, RULES),
    table("assignments", 1, ASSIGNMENTS),
    table("clients", 1, CLIENTS),
    table("signing_keys", 1, SIGNING_KEYS),
    table("consents", 2, &[uuid("user_id"), text("client_id"), text("scope"), int("granted_at")]),
    table("api_tokens", 1, API_TOKENS),
    Table { keeps: true, ..table("audit_events", 1, AUDIT_EVENTS) },
];

/// Every table that is not saved, and why. The last word says whether putting an archive back empties it.
pub const LEFT_OUT: &[(&str, &str, bool)] = &[
    ("access_tokens", "what is in circulation ends with the state it was given in", true),
    ("refresh_tokens", "what is in circulation ends with the state it was given in", true),
    ("authorization_codes", "they live for a minute", true),
    ("grants", "they hang on sessions", true),
    ("sessions", "everyone signs in again", true),
    ("interactions", "sign-ins half-way begin again", true),
    ("one_time_links", "a link is of its day, and must not come back to life", true),
    ("throttles", "counters of failures are of the moment; putting an archive back must not clear them", false),
    ("idempotency_keys", "they are of the request under way, for a day", false),
    ("source_states", "where a source was read up to is of the moment: what an archive puts back is compared with the whole source", true),
    ("outbox", "what is still to be sent is sent once, from where it was written", false),
    ("bulk_runs", "acts on many establishments are the platform's, and go on where they were begun", false),
    ("bulk_items", "acts on many establishments are the platform's, and go on where they were begun", false),
    ("routed_parts", "where the records of the platform's sources go is the platform's, and told anew by the next reading", false),
    ("write_turn", "it holds nothing: writers take turns on it", false),
    ("_sqlx_migrations", "the program keeps it", false),
];

/// What archives leave out and a store that moves takes along: sessions and tokens go on, and what is to be sent is sent from there.
pub const FLEETING: &[Table] = &[
    table("sessions", 1, SESSIONS),
    table("interactions", 1, INTERACTIONS),
    table("grants", 1, GRANTS),
    table("authorization_codes", 1, AUTHORIZATION_CODES),
    table("refresh_tokens", 1, &[bytes("token_hash"), uuid("grant_id"), int("expires_at"), nullable(int("rotated_at"))]),
    table("access_tokens", 1, &[bytes("token_hash"), uuid("grant_id"), text("scope"), int("expires_at")]),
    table("one_time_links", 1, ONE_TIME_LINKS),
    table("throttles", 1, &[bytes("key_hash"), int("failures"), int("window_started_at"), int("blocked_until")]),
    table("idempotency_keys", 1, IDEMPOTENCY_KEYS),
    table("outbox", 1, OUTBOX),
    table("source_states", 1, SOURCE_STATES),
];

const SESSIONS: &[Column] =
    &[bytes("token_hash"), uuid("id"), uuid("user_id"), text("method"), int("auth_time"), int("last_seen_at"), int("expires_at")];

const INTERACTIONS: &[Column] = &[
    bytes("id_hash"),
    bytes("browser_hash"),
    json("request"),
    nullable(uuid("signed_in_session")),
    nullable(text("consent")),
    nullable(uuid("consent_session")),
    int("created_at"),
    int("expires_at"),
];

const GRANTS: &[Column] = &[
    uuid("id"),
    uuid("user_id"),
    text("client_id"),
    uuid("session_id"),
    text("scope"),
    nullable(text("nonce")),
    int("auth_time"),
    int("created_at"),
    int("expires_at"),
    nullable(int("revoked_at")),
    since(uuid("sid")),
];

const AUTHORIZATION_CODES: &[Column] = &[
    bytes("code_hash"),
    uuid("grant_id"),
    text("redirect_uri"),
    nullable(text("code_challenge")),
    int("expires_at"),
    nullable(int("spent_at")),
];

const ONE_TIME_LINKS: &[Column] =
    &[bytes("token_hash"), uuid("user_id"), text("purpose"), int("created_at"), int("expires_at"), nullable(int("used_at"))];

const IDEMPOTENCY_KEYS: &[Column] =
    &[bytes("key_hash"), bytes("request_hash"), Column { sealed: true, ..nullable(bytes("answer_sealed")) }, int("created_at")];

const OUTBOX: &[Column] = &[
    uuid("id"),
    text("kind"),
    text("recipient"),
    text("topic"),
    Column { sealed: true, ..nullable(bytes("content_sealed")) },
    nullable(uuid("batch")),
    text("state"),
    int("attempts"),
    int("due_at"),
    nullable(text("error")),
    int("created_at"),
    nullable(int("ended_at")),
];

const SOURCES: &[Column] = &[
    uuid("id"),
    text("name"),
    text("kind"),
    json("settings"),
    Column { sealed: true, ..nullable(bytes("secret_sealed")) },
    json("guard"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
    since(json("schedule")),
    since(json("leaving")),
    since(json("matching")),
    since(text("route")),
    since(uuid("routed_from")),
];

const USERS: &[Column] = &[
    uuid("id"),
    text("username"),
    text("username_folded"),
    nullable(text("given_name")),
    nullable(text("family_name")),
    text("display_name"),
    nullable(text("email")),
    nullable(text("locale")),
    text("search"),
    text("status"),
    nullable(text("disabled_by")),
    nullable(text("home_unit")),
    json("units"),
    json("attributes"),
    nullable(int("last_sign_in_at")),
    int("created_at"),
    int("updated_at"),
    since(int("erased_at")),
];

const LINKS: &[Column] = &[
    uuid("source_id"),
    text("external_id"),
    uuid("user_id"),
    nullable(text("dn")),
    bytes("content_hash"),
    bool("present"),
    bool("active"),
    since(bytes("place")),
    since(int("left_at")),
];

const GROUPS: &[Column] = &[
    uuid("id"),
    nullable(uuid("source_id")),
    nullable(text("external_id")),
    text("name"),
    nullable(text("display_name")),
    nullable(text("dn")),
    nullable(text("dn_key")),
    text("search"),
    bytes("content_hash"),
    bytes("members_hash"),
    int("member_count"),
    int("created_at"),
    int("updated_at"),
    since(bytes("place")),
    since(bytes("dangling")),
];

const RUNS: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    text("mode"),
    text("state"),
    json("counts"),
    nullable(text("error")),
    nullable(text("approved_by")),
    int("started_at"),
    nullable(int("duration_ms")),
    since(json("progress")),
    since(uuid("undoes")),
    Column { missing: Missing::Default("hand"), ..text("started_by") },
    since(text("note")),
];

const CHANGES: &[Column] =
    &[uuid("run_id"), int("seq"), text("kind"), text("operation"), nullable(uuid("subject_id")), text("name"), nullable(json("detail"))];

const PROPOSALS: &[Column] = &[
    uuid("id"),
    uuid("source_id"),
    text("external_id"),
    uuid("user_id"),
    text("rule"),
    json("detail"),
    text("state"),
    int("created_at"),
    nullable(int("decided_at")),
    nullable(text("decided_by")),
];

const SOURCE_FILES: &[Column] = &[uuid("source_id"), text("name"), bytes("content"), bytes("digest"), text("given_by"), int("given_at")];

const SOURCE_STATES: &[Column] = &[
    uuid("source_id"),
    nullable(text("bookmark")),
    nullable(int("bookmark_at")),
    nullable(int("full_at")),
    nullable(int("succeeded_at")),
    nullable(int("failed_at")),
    int("failures"),
    nullable(text("error")),
    json("taken"),
    bool("roles_due"),
    nullable(text("server")),
    nullable(int("paused_until")),
];

const APPLICATIONS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("title"),
    text("cardinality"),
    nullable(text("default_role")),
    text("scope_kind"),
    json("roles"),
    json("claim_shape"),
    int("created_at"),
    int("updated_at"),
];

const RULES: &[Column] = &[
    uuid("id"),
    uuid("application_id"),
    json("conditions"),
    text("role"),
    nullable(text("scope")),
    int("priority"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
];

const ASSIGNMENTS: &[Column] = &[
    uuid("id"),
    uuid("user_id"),
    uuid("application_id"),
    text("role"),
    text("scope"),
    text("origin"),
    nullable(uuid("rule_id")),
    nullable(int("valid_from")),
    nullable(int("valid_until")),
    text("reason"),
    int("created_at"),
];

const CLIENTS: &[Column] = &[
    uuid("id"),
    text("client_id"),
    text("name"),
    text("search"),
    nullable(uuid("application_id")),
    nullable(bytes("secret_hash")),
    json("redirect_uris"),
    json("post_logout_redirect_uris"),
    text("token_endpoint_auth_method"),
    text("id_token_signed_response_alg"),
    json("scopes"),
    text("pkce"),
    text("consent"),
    bool("claims_in_id_token"),
    bool("require_role"),
    json("claim_shape"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
    since(text("backchannel_logout_uri")),
    Column { missing: Missing::No, ..bool("backchannel_logout_session_required") },
];

const SIGNING_KEYS: &[Column] = &[
    text("kid"),
    text("algorithm"),
    json("public_jwk"),
    Column { sealed: true, ..bytes("private_sealed") },
    text("state"),
    int("created_at"),
];

const API_TOKENS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("search"),
    text("kind"),
    text("scope"),
    bytes("secret_hash"),
    int("created_at"),
    nullable(int("last_used_at")),
    nullable(int("expires_at")),
    nullable(uuid("created_by")),
];

const AUDIT_EVENTS: &[Column] =
    &[uuid("id"), int("at"), text("actor"), text("action"), text("subject_kind"), text("subject_id"), json("detail")];

const fn table(name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, key, columns, keeps: false }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false, missing: Missing::Refused, sealed: false }
}

const fn nullable(column: Column) -> Column {
    Column { nullable: true, ..column }
}

/// A column that may be empty, and is in older archives.
const fn since(column: Column) -> Column {
    Column { missing: Missing::Null, ..nullable(column) }
}

const fn uuid(name: &'static str) -> Column {
    column(name, Kind::Uuid)
}

const fn bytes(name: &'static str) -> Column {
    column(name, Kind::Bytes)
}

const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

const fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}

const fn bool(name: &'static str) -> Column {
    column(name, Kind::Bool)
}

const fn json(name: &'static str) -> Column {
    column(name, Kind::Json)
}
