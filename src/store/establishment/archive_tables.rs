//! What an archive holds: every table that is saved with its columns, in the order in which rows may be written, and every table that is not, with
//! the reason. It knows no row and no file.

/// The last migration of the establishment's store that this list describes.
pub const SCHEMA_VERSION: i64 = 2;

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
    ("outbox", "what is still to be sent is sent once, from where it was written", false),
    ("write_turn", "it holds nothing: writers take turns on it", false),
    ("_sqlx_migrations", "the program keeps it", false),
];

const SOURCES: &[Column] = &[
    uuid("id"),
    text("name"),
    text("kind"),
    json("settings"),
    Column { sealed: true, ..nullable(column("secret_sealed", Kind::Bytes)) },
    json("guard"),
    bool("enabled"),
    int("created_at"),
    int("updated_at"),
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
];

const LINKS: &[Column] = &[
    uuid("source_id"),
    text("external_id"),
    uuid("user_id"),
    nullable(text("dn")),
    column("content_hash", Kind::Bytes),
    bool("present"),
    bool("active"),
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
    column("content_hash", Kind::Bytes),
    column("members_hash", Kind::Bytes),
    int("member_count"),
    int("created_at"),
    int("updated_at"),
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
];

const CHANGES: &[Column] =
    &[uuid("run_id"), int("seq"), text("kind"), text("operation"), nullable(uuid("subject_id")), text("name"), nullable(json("detail"))];

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
    json("reason"),
    int("created_at"),
];

const CLIENTS: &[Column] = &[
    uuid("id"),
    text("client_id"),
    text("name"),
    text("search"),
    nullable(uuid("application_id")),
    nullable(column("secret_hash", Kind::Bytes)),
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
    Column { missing: Missing::Null, ..nullable(text("backchannel_logout_uri")) },
    Column { missing: Missing::No, ..bool("backchannel_logout_session_required") },
];

const SIGNING_KEYS: &[Column] = &[
    text("kid"),
    text("algorithm"),
    json("public_jwk"),
    Column { sealed: true, ..column("private_sealed", Kind::Bytes) },
    text("state"),
    int("created_at"),
];

const API_TOKENS: &[Column] = &[
    uuid("id"),
    text("name"),
    text("search"),
    text("kind"),
    text("scope"),
    column("secret_hash", Kind::Bytes),
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

const fn uuid(name: &'static str) -> Column {
    column(name, Kind::Uuid)
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
