//! The few texts in which engines differ, and the sizes of bulk statements. The only place that assembles SQL from parts.

use std::fmt;

use sqlx::AssertSqlSafe;

use crate::types::id::EstablishmentId;

/// What a store lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A SQLite file.
    Sqlite,
    /// A PostgreSQL schema.
    Postgres,
}

/// Rows of one multi-row `INSERT`: measured best between 500 and 1,000 on both engines, and below SQLite's 32,766 parameters.
pub const ROWS_PER_INSERT: usize = 500;
/// Rows of a narrow table (two columns) in one multi-row `INSERT`.
pub const NARROW_ROWS_PER_INSERT: usize = 1000;
/// Keys that one packed value holds at most.
pub const PACKED_KEYS_MAX: usize = 10_000;
/// Memberships of one group ($1) from the keys of people, one after another in one value ($2), so many of them ($3, at least one).
pub fn insert_packed(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "INSERT INTO memberships (group_id, user_id) \
             WITH RECURSIVE place (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < $3) \
             SELECT $1, substr($2, at * 16 + 1, 16) FROM place WHERE true ON CONFLICT DO NOTHING"
        }
        Engine::Postgres => {
            "INSERT INTO memberships (group_id, user_id) \
             SELECT $1, CAST(encode(substr($2, CAST(at AS INTEGER) * 16 + 1, 16), 'hex') AS UUID) FROM generate_series(0, $3 - 1) AS at \
             ON CONFLICT DO NOTHING"
        }
    }
}
/// Bytes that a store's tables and indexes take.
pub fn size_of_store(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        Engine::Postgres => {
            "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_catalog.pg_class c \
             WHERE c.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace) AND c.relkind = 'r'"
        }
    }
}
/// Most rows that a list without pages reads.
pub const ROWS_MAX: i64 = 10_000;

/// Escapes what `LIKE` would take as a wildcard and adds the wildcards of a search for a part.
pub fn like_part(folded: &str) -> String {
    let mut pattern = String::with_capacity(folded.len() + 2);
    pattern.push('%');
    for c in folded.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Cache of a connection that applies a large run, in KiB: 22k memberships a second with 2 MB, 122k with 16 MB.
pub const APPLY_CACHE: &str = "PRAGMA cache_size = -24000";
/// Cache of a connection otherwise.
pub const NORMAL_CACHE: &str = "PRAGMA cache_size = -2000";

/// Notes the last migration done. A pragma takes no bound value; the number is our own migration's.
pub fn set_user_version(version: i64) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("PRAGMA user_version = {version}"))
}

/// Puts a table of a SQLite file out of reach of whoever still has the file open.
pub fn retire_table(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("ALTER TABLE \"{table}\" RENAME TO \"gone_{table}\""))
}

/// A PostgreSQL schema, and the SQL role of the same name that owns it. Letters, digits and underscores by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName(Option<EstablishmentId>);

impl SchemaName {
    /// The registry's: it belongs to the gateway's own login.
    pub fn registry() -> Self {
        Self(None)
    }

    /// A store's. Keys are random, so that two installations on one server do not meet in its roles.
    pub fn establishment(id: EstablishmentId) -> Self {
        Self(Some(id))
    }

    /// Whether it is the registry's.
    pub fn is_registry(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("passerelle"),
            Some(id) => write!(f, "est_{}", id.uuid().simple()),
        }
    }
}

/// Begins a transaction in a schema, under its role; `pg_temp` comes last, so that no temporary table shadows a real one.
pub fn begin(name: &SchemaName, mode: &str, writes: bool) -> String {
    let role = if name.is_registry() { String::new() } else { format!("SET LOCAL ROLE {name}; ") };
    let turn = if writes { "; LOCK TABLE write_turn IN EXCLUSIVE MODE" } else { "" };
    format!("BEGIN {mode}; {role}SET LOCAL search_path = {name}, pg_temp{turn}")
}

/// Carries out a text of [`begin`].
pub fn constant(text: &str) -> AssertSqlSafe<&str> {
    AssertSqlSafe(text)
}

/// Keeps other nodes from making, migrating or removing the same schema until the end of the transaction.
pub fn lock_schema(name: &SchemaName) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT pg_advisory_xact_lock(hashtextextended('passerelle {name}', 0))"))
}

/// Takes the schema's role and path for the rest of the transaction.
pub fn enter(name: &SchemaName) -> AssertSqlSafe<String> {
    let role = if name.is_registry() { String::new() } else { format!("SET LOCAL ROLE {name}; ") };
    AssertSqlSafe(format!("{role}SET LOCAL search_path = {name}, pg_temp"))
}

/// Makes the schema and its role, where they are not there.
pub fn make_schema(name: &SchemaName) -> Vec<AssertSqlSafe<String>> {
    if name.is_registry() {
        return vec![AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {name}"))];
    }
    let role = format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN NOINHERIT; END IF; END $$"
    );
    let grant = format!("GRANT {name} TO CURRENT_USER");
    [role, grant, format!("CREATE SCHEMA IF NOT EXISTS {name} AUTHORIZATION {name}")].map(AssertSqlSafe).into()
}

/// Whether the schema's role is there: one row, or none.
pub fn find_role(name: &SchemaName) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = '{name}'"))
}

/// Removes the schema with all that is in it, as its owner, and then the role.
pub fn remove_schema(name: &SchemaName) -> [AssertSqlSafe<String>; 4] {
    [
        format!("SET LOCAL ROLE {name}"),
        format!("DROP SCHEMA IF EXISTS {name} CASCADE"),
        "SET LOCAL ROLE NONE".to_owned(),
        format!("DROP ROLE {name}"),
    ]
    .map(AssertSqlSafe)
}
