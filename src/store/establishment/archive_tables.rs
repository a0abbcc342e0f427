//! What an archive holds: every table that is saved with its columns, in the order in which rows may be written, and every table that is not, with
//! the reason. It knows no row and no file.

mod columns;
mod feeds;
mod provisioning_columns;

use columns::{
    API_TOKENS, APPLICATIONS, ASSIGNMENTS, AUDIT_EVENTS, AUTHORIZATION_CODES, CAMPAIGNS, CHANGES, CLIENTS, ENDED_ASSIGNMENTS, EXCLUSIONS,
    GRANTS, GROUPS, IDEMPOTENCY_KEYS, INTERACTIONS, LINKS, ONE_TIME_LINKS, OUTBOX, PROPOSALS, RELATIONS, REVIEW_ITEMS, ROUTED_PARTS,
    RULE_SETS, RULES, RUNS, SESSIONS, SIGNING_KEYS, SOURCE_FILE_PARTS, SOURCE_FILES, SOURCE_STATES, SOURCES, UNITS, USERS,
};
use feeds::{SCIM_HELD, SCIM_REQUESTS, SCIM_RESOURCES, SCIM_VALUES};
use provisioning_columns::{PROVISIONED, PROVISIONING_DRIFTS, PROVISIONING_STATES, PROVISIONINGS};

/// The last migration of the establishment's store that this list describes.
pub const SCHEMA_VERSION: i64 = 11;

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
    table("statements", 2, &[uuid("source_id"), text("external_id"), uuid("user_id"), json("stated")]),
    table("scim_feeds", 1, &[uuid("source_id"), int("users"), int("groups"), nullable(int("requested_at"))]),
    table("scim_resources", 2, SCIM_RESOURCES),
    table("scim_values", 3, SCIM_VALUES),
    table("scim_held", 1, SCIM_HELD),
    table("source_files", 1, SOURCE_FILES),
    table("source_file_parts", 1, SOURCE_FILE_PARTS),
    table("applications", 1, APPLICATIONS),
    table("rules", 1, RULES),
    table("assignments", 1, ASSIGNMENTS),
    table("ended_assignments", 1, ENDED_ASSIGNMENTS),
    table("exclusions", 1, EXCLUSIONS),
    table("units", 1, UNITS),
    table("relations", 1, RELATIONS),
    table("rule_sets", 1, RULE_SETS),
    table("uses", 2, &[uuid("user_id"), uuid("application_id"), int("used_at")]),
    table("campaigns", 1, CAMPAIGNS),
    table("review_items", 1, REVIEW_ITEMS),
    table("clients", 1, CLIENTS),
    table("signing_keys", 1, SIGNING_KEYS),
    table("consents", 2, &[uuid("user_id"), text("client_id"), text("scope"), int("granted_at")]),
    table("api_tokens", 1, API_TOKENS),
    // After all that it watches: what is put back is not noted as changed.
    table("provisionings", 1, PROVISIONINGS),
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
    ("source_turns", "up to when a schedule is served is of the moment: what an archive puts back is read again at once", true),
    ("scim_taken", "what feeds took away of late is of the moment", true),
    ("scim_requests", "the last requests of feeds are for whoever looks into them today", true),
    ("role_edges", "up to when it was seen to what time changes is of the moment: what an archive puts back is looked at anew", true),
    ("outbox", "what is still to be sent is sent once, from where it was written", false),
    ("bulk_runs", "acts on many establishments are the platform's, and go on where they were begun", false),
    ("bulk_items", "acts on many establishments are the platform's, and go on where they were begun", false),
    ("routed_parts", "where the records of the platform's sources go is the platform's, and told anew by the next reading", true),
    ("provisioned", "what an application has of whom is looked up there: what an archive puts back is written anew", true),
    ("provisioned_members", "they hang on what an application has", true),
    ("provisioning_states", "how it goes with an application is of the moment: after an archive is put back, everyone is looked at", true),
    ("provisioning_marks", "who changed is of the moment: after an archive is put back, everyone is looked at", true),
    ("provisioning_drifts", "they are of the day of a comparison", true),
    ("provisioning_taken", "what applications had taken away of late is of the moment", true),
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
    table("source_turns", 1, &[uuid("source_id"), int("served_at"), nullable(int("full_begun_at"))]),
    table("routed_parts", 2, ROUTED_PARTS),
    table("scim_taken", 2, &[uuid("source_id"), int("hour"), int("people"), int("groups"), int("memberships")]),
    table("scim_requests", 1, SCIM_REQUESTS),
    table("role_edges", 1, &[int("id"), int("seen_until")]),
    table("provisioning_states", 1, PROVISIONING_STATES),
    table("provisioned", 1, PROVISIONED),
    table("provisioned_members", 2, &[uuid("provisioned_id"), uuid("user_id"), bool("wanted"), bool("written")]),
    table("provisioning_drifts", 1, PROVISIONING_DRIFTS),
    table("provisioning_taken", 2, &[uuid("provisioning_id"), int("hour"), int("removals")]),
    table("provisioning_marks", 2, &[text("kind"), uuid("subject")]),
];

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
