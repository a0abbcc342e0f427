//! What people held: with what they hold now, it says who held what on any day. Whoever takes an assignment away keeps it here first.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use super::assignment::Origin;
use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, AssignmentId, UserId};
use crate::types::time::Timestamp;

/// Which way a role went between two instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Way {
    /// Held at the later instant alone.
    Gained,
    /// Held at the earlier instant alone.
    Lost,
}

/// One role that someone held at one of two instants and not at the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Compared {
    /// Which way it went.
    pub change: Way,
    /// The person.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it held; empty is everywhere.
    pub scope: String,
}

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The earlier instant.
    pub from: Timestamp,
    /// The later instant.
    pub to: Timestamp,
    /// The application's name.
    pub application: Option<String>,
    /// The person.
    pub user: Option<UserId>,
    /// Exact role.
    pub role: Option<String>,
    /// One way only.
    pub change: Option<Way>,
}

/// How an assignment is kept: from when it counted until when it did. One that never counted is not.
const KEEP: &str = "INSERT INTO ended_assignments (id, user_id, application, role, scope, origin, given_at, ended_at) \
     SELECT e.id, e.user_id, e.application, e.role, e.scope, e.origin, e.given_at, e.ended_at FROM (SELECT x.id, x.user_id, \
     a.name AS application, x.role, x.scope, x.origin, \
     CASE WHEN x.valid_from IS NOT NULL AND x.valid_from > x.created_at THEN x.valid_from ELSE x.created_at END AS given_at, \
     CASE WHEN x.valid_until IS NOT NULL AND x.valid_until < ";
const KEPT: &str = " END AS ended_at FROM assignments x JOIN applications a ON a.id = x.application_id WHERE ";

/// Keeps some assignments that are about to go.
pub async fn keep_all(tx: &mut Tx, ids: &[AssignmentId], at: Timestamp) -> Result<(), Error> {
    for chunk in ids.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new(KEEP);
            query.push_bind(at).push(" THEN x.valid_until ELSE ").push_bind(at).push(KEPT).push("x.id IN (");
            let mut listed = query.separated(", ");
            for id in chunk {
                listed.push_bind(*id);
            }
            query.push(")) e WHERE e.given_at < e.ended_at ON CONFLICT (id) DO NOTHING");
            query.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Keeps what was computed for a person and is about to go.
pub async fn keep_computed_of_user(tx: &mut Tx, user: UserId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO ended_assignments (id, user_id, application, role, scope, origin, given_at, ended_at) \
         SELECT x.id, x.user_id, a.name, x.role, x.scope, x.origin, x.created_at, $3 FROM assignments x \
         JOIN applications a ON a.id = x.application_id WHERE x.user_id = $1 AND x.origin <> $2 AND x.created_at < $3 \
         ON CONFLICT (id) DO NOTHING";
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(Origin::Manual).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Keeps what was computed for an application and is about to go.
pub async fn keep_computed_of_application(tx: &mut Tx, application: ApplicationId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO ended_assignments (id, user_id, application, role, scope, origin, given_at, ended_at) \
         SELECT x.id, x.user_id, a.name, x.role, x.scope, x.origin, x.created_at, $3 FROM assignments x \
         JOIN applications a ON a.id = x.application_id WHERE x.application_id = $1 AND x.origin <> $2 AND x.created_at < $3 \
         ON CONFLICT (id) DO NOTHING";
    on!(tx, |c| sqlx::query(SQL).bind(application).bind(Origin::Manual).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Lets what was held follow an application to another name.
pub async fn rename_application(tx: &mut Tx, before: &str, after: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE ended_assignments SET application = $2 WHERE application = $1";
    on!(tx, |c| sqlx::query(SQL).bind(before).bind(after).execute(c).await.map(drop))?;
    Ok(())
}

/// Who held at one of two instants what they did not hold at the other, by user name, from a place on; and how many that are in all.
pub async fn compare(tx: &mut Tx, span: &Span, from_place: i64, limit: i64) -> Result<(Vec<Compared>, i64), Error> {
    const SQL: &str = "WITH before (user_id, application, role, scope) AS (SELECT x.user_id, a.name, x.role, x.scope FROM assignments x \
         JOIN applications a ON a.id = x.application_id WHERE x.created_at <= $1 AND (x.valid_from IS NULL OR x.valid_from <= $1) \
         AND (x.valid_until IS NULL OR x.valid_until > $1) AND ($3 IS NULL OR a.name = $3) AND ($4 IS NULL OR x.user_id = $4) \
         AND ($5 IS NULL OR x.role = $5) UNION SELECT user_id, application, role, scope FROM ended_assignments \
         WHERE given_at <= $1 AND ended_at > $1 AND ($3 IS NULL OR application = $3) AND ($4 IS NULL OR user_id = $4) \
         AND ($5 IS NULL OR role = $5)), \
         afterwards (user_id, application, role, scope) AS (SELECT x.user_id, a.name, x.role, x.scope FROM assignments x \
         JOIN applications a ON a.id = x.application_id WHERE x.created_at <= $2 AND (x.valid_from IS NULL OR x.valid_from <= $2) \
         AND (x.valid_until IS NULL OR x.valid_until > $2) AND ($3 IS NULL OR a.name = $3) AND ($4 IS NULL OR x.user_id = $4) \
         AND ($5 IS NULL OR x.role = $5) UNION SELECT user_id, application, role, scope FROM ended_assignments \
         WHERE given_at <= $2 AND ended_at > $2 AND ($3 IS NULL OR application = $3) AND ($4 IS NULL OR user_id = $4) \
         AND ($5 IS NULL OR role = $5)), \
         gained AS (SELECT * FROM afterwards EXCEPT SELECT * FROM before), \
         lost AS (SELECT * FROM before EXCEPT SELECT * FROM afterwards), \
         differs (change, user_id, application, role, scope) AS (SELECT 'gained', user_id, application, role, scope FROM gained \
         UNION ALL SELECT 'lost', user_id, application, role, scope FROM lost) \
         SELECT d.change, d.user_id, u.username, u.display_name, d.application, d.role, d.scope, \
         CAST(count(*) OVER () AS BIGINT) AS total FROM differs d JOIN users u ON u.id = d.user_id WHERE ($6 IS NULL OR d.change = $6) \
         ORDER BY u.username, d.user_id, d.application, d.role, d.scope, d.change LIMIT $7 OFFSET $8";
    let Span { from, to, application, user, role, change } = span;
    let rows: Vec<Row> = on!(tx, |c| {
        let compared = sqlx::query_as(SQL).bind(from).bind(to).bind(application).bind(user).bind(role);
        compared.bind(change).bind(limit).bind(from_place).fetch_all(c).await
    })?;
    let total = rows.first().map_or(0, |row| row.total);
    Ok((rows.into_iter().map(|row| row.compared).collect(), total))
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    compared: Compared,
    total: i64,
}

/// Forgets what a person held.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM ended_assignments WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what ended before an instant, up to so many rows. Answers how many.
pub async fn delete_before(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, Error> {
    const SQL: &str =
        "DELETE FROM ended_assignments WHERE id IN (SELECT id FROM ended_assignments WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(before).bind(limit).execute(c).await.map(|d| d.rows_affected()))?)
}
