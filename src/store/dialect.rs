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
/// New rows from which on PostgreSQL takes them by `COPY`: below, its two round trips cost more than they save.
pub const COPY_ROWS_MIN: usize = 20;
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

/// The groups of someone in one text, as [`packed`](super::establishment::facts) reads it.
pub fn packed_groups(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "string_agg(hex(group_id), '')",
        Engine::Postgres => "string_agg(encode(uuid_send(group_id), 'hex'), '')",
    }
}

/// What someone holds in one text, as [`packed`](super::establishment::facts) reads it; the reasons only when they are wanted.
pub fn packed_assignments(engine: Engine, with_reasons: bool) -> &'static str {
    match (engine, with_reasons) {
        (Engine::Sqlite, true) => {
            "string_agg(format('%s %s %s %s %s %s %s %s %s|%s%s%s', hex(id), hex(application_id), origin, hex(rule_id), valid_from, \
             valid_until, octet_length(role), octet_length(scope), octet_length(reason), role, scope, reason), '')"
        }
        (Engine::Sqlite, false) => {
            "string_agg(format('%s %s %s %s %s %s %s %s 0|%s%s', hex(id), hex(application_id), origin, hex(rule_id), valid_from, \
             valid_until, octet_length(role), octet_length(scope), role, scope), '')"
        }
        (Engine::Postgres, true) => {
            "string_agg(format('%s %s %s %s %s %s %s %s %s|%s%s%s', encode(uuid_send(id), 'hex'), \
             encode(uuid_send(application_id), 'hex'), origin, encode(uuid_send(rule_id), 'hex'), valid_from, valid_until, \
             octet_length(role), octet_length(scope), octet_length(reason), role, scope, reason), '')"
        }
        (Engine::Postgres, false) => {
            "string_agg(format('%s %s %s %s %s %s %s %s 0|%s%s', encode(uuid_send(id), 'hex'), \
             encode(uuid_send(application_id), 'hex'), origin, encode(uuid_send(rule_id), 'hex'), valid_from, valid_until, \
             octet_length(role), octet_length(scope), role, scope), '')"
        }
    }
}

/// Takes rows of a table in PostgreSQL's binary form; `into` is the table with its columns.
pub fn copy_into(into: &str) -> String {
    format!("COPY {into} FROM STDIN (FORMAT binary)")
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
pub const APPLY_CACHE: &str = "PRAGMA cache_size = -16000";
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

/// A PostgreSQL schema, and the SQL role that owns it. Letters, digits and underscores by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName {
    establishment: Option<EstablishmentId>,
    role_number: u32,
}

impl SchemaName {
    /// The registry's: it belongs to the gateway's own login.
    pub fn registry() -> Self {
        Self { establishment: None, role_number: 1 }
    }

    /// A store's. Keys are random, so that two installations on one server do not meet in its roles.
    pub fn establishment(id: EstablishmentId) -> Self {
        Self { establishment: Some(id), role_number: 1 }
    }

    /// Whether it is the registry's.
    pub fn is_registry(&self) -> bool {
        self.establishment.is_none()
    }

    /// The name of the schema's role. It is the schema's own, unless that was taken: roles are the whole server's, and while a store moves
    /// from one database of a server to another, each of the two has one.
    pub fn role(&self) -> String {
        if self.role_number == 1 { self.to_string() } else { format!("{self}_{}", self.role_number) }
    }

    /// The same schema under a role that has this name; none when it is no name of this schema's roles.
    pub fn under(&self, role: &str) -> Option<Self> {
        let rest = role.strip_prefix(&self.to_string())?;
        let role_number = if rest.is_empty() { 1 } else { rest.strip_prefix('_')?.parse().ok()? };
        let named = Self { role_number, ..self.clone() };
        (named.role() == role).then_some(named)
    }

    /// The same schema under the first role whose name is not among these.
    #[must_use]
    pub fn under_new_role(&self, taken: &[String]) -> Self {
        let mut named = Self { role_number: 1, ..self.clone() };
        while taken.contains(&named.role()) {
            named.role_number += 1;
        }
        named
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.establishment {
            None => f.write_str("passerelle"),
            Some(id) => write!(f, "est_{}", id.uuid().simple()),
        }
    }
}

/// Begins a transaction in a schema, under its role; `pg_temp` comes last, so that no temporary table shadows a real one.
pub fn begin(name: &SchemaName, mode: &str, writes: bool) -> String {
    let role = if name.is_registry() { String::new() } else { format!("SET LOCAL ROLE {}; ", name.role()) };
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
    let role = if name.is_registry() { String::new() } else { format!("SET LOCAL ROLE {}; ", name.role()) };
    AssertSqlSafe(format!("{role}SET LOCAL search_path = {name}, pg_temp"))
}

/// Makes the schema, and its role where it has one of its own. The login is given the role in so many words: PostgreSQL 16 and newer give whoever
/// makes a role the right to pass it on and not the right to take it, and there a membership says for itself whether it inherits.
pub fn make_schema(name: &SchemaName) -> Vec<AssertSqlSafe<String>> {
    if name.is_registry() {
        return vec![AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {name}"))];
    }
    let role = name.role();
    let made = format!("CREATE ROLE {role} NOLOGIN NOINHERIT");
    let granted = format!(
        "DO $$ BEGIN IF CAST(current_setting('server_version_num') AS INTEGER) < 160000 THEN GRANT {role} TO CURRENT_USER; \
         ELSE EXECUTE 'GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE'; END IF; END $$"
    );
    [made, granted, format!("CREATE SCHEMA {name} AUTHORIZATION {role}")].map(AssertSqlSafe).into()
}

/// Removes the schema with all that is in it, as its owner, and then the role: unless it has something in another database, which a copy of this
/// database made by the server's own means brings about, or belongs to another login.
pub fn remove_schema(name: &SchemaName) -> [AssertSqlSafe<String>; 4] {
    let role = name.role();
    [
        format!("SET LOCAL ROLE {role}"),
        format!("DROP SCHEMA IF EXISTS {name} CASCADE"),
        "SET LOCAL ROLE NONE".to_owned(),
        format!("DO $$ BEGIN DROP ROLE {role}; EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL; END $$"),
    ]
    .map(AssertSqlSafe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_after_its_schema_and_counted_when_that_name_is_taken() {
        let schema = SchemaName::establishment(EstablishmentId::new());
        let (name, other) = (schema.to_string(), SchemaName::establishment(EstablishmentId::new()).to_string());
        assert_eq!(schema.role(), name);
        let second = schema.under_new_role(&[format!("{name}_3"), name.clone()]);
        assert_eq!(second.role(), format!("{name}_2"));
        assert_eq!(schema.under(&second.role()).as_ref(), Some(&second));
        for wrong in [&*other, "postgres", &format!("{name}_02"), &format!("{name}_1"), &format!("{name}_2; DROP"), &format!("{name}2")] {
            assert_eq!(schema.under(wrong), None, "{wrong}");
        }
    }
}
