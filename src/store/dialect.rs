//! The few texts in which engines differ, and the sizes of bulk statements.

/// Rows of one multi-row `INSERT`: measured best between 500 and 1,000 on both engines, and below SQLite's 32,766 parameters.
pub const ROWS_PER_INSERT: usize = 500;
/// Rows of a narrow table (two columns) in one multi-row `INSERT`.
pub const NARROW_ROWS_PER_INSERT: usize = 1000;
/// Keys that one packed value holds at most.
pub const PACKED_KEYS_MAX: usize = 10_000;
/// Memberships of one group ($1) from the keys of people, one after another in one value ($2), so many of them ($3, at least one).
pub const INSERT_PACKED: &str = "INSERT INTO memberships (group_id, user_id) \
     WITH RECURSIVE place (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < $3) \
     SELECT $1, substr($2, at * 16 + 1, 16) FROM place WHERE true ON CONFLICT DO NOTHING";
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
pub fn set_user_version(version: i64) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"))
}
