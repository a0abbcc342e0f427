//! What one establishment has, in numbers: counted when asked, kept nowhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::dialect::{ROWS_MAX, size_of_store};
use crate::store::establishment::sync_run::State;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::time::Timestamp;

/// Numbers of one establishment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct Counts {
    /// People who were invited and have not answered.
    pub pending: i64,
    /// People who may sign in.
    pub active: i64,
    /// People who may not.
    pub disabled: i64,
    /// People who signed in since the instant asked about.
    pub signed_in_since: i64,
    /// People who ever signed in.
    pub signed_in_ever: i64,
    /// Sessions that live.
    pub sessions: i64,
    /// Clients.
    pub clients: i64,
}

/// How many people hold a role now.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RoleCount {
    /// The application.
    pub application: String,
    /// The role.
    pub role: String,
    /// How many people.
    pub count: i64,
}

/// The last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct LastSync {
    /// When it began.
    pub at: Timestamp,
    /// How far it came.
    pub state: State,
}

/// Counts people, sessions and clients.
pub async fn get(tx: &mut Tx, since: Timestamp, now: Timestamp) -> Result<Counts, Error> {
    const SQL: &str = "SELECT (SELECT count(*) FROM users WHERE status = 'pending') AS pending, \
         (SELECT count(*) FROM users WHERE status = 'active') AS active, \
         (SELECT count(*) FROM users WHERE status = 'disabled') AS disabled, \
         (SELECT count(*) FROM users WHERE last_sign_in_at >= $1) AS signed_in_since, \
         (SELECT count(*) FROM users WHERE last_sign_in_at IS NOT NULL) AS signed_in_ever, \
         (SELECT count(*) FROM sessions WHERE expires_at > $2) AS sessions, \
         (SELECT count(*) FROM clients) AS clients";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(since).bind(now).fetch_one(c).await)?)
}

/// Counts people who hold a role now, by application and role.
pub async fn list_roles(tx: &mut Tx, now: Timestamp) -> Result<Vec<RoleCount>, Error> {
    const SQL: &str = "SELECT p.name AS application, a.role AS role, count(DISTINCT a.user_id) AS count FROM assignments a \
         JOIN applications p ON p.id = a.application_id \
         WHERE (a.valid_from IS NULL OR a.valid_from <= $1) AND (a.valid_until IS NULL OR a.valid_until > $1) \
         GROUP BY p.name, a.role ORDER BY p.name, a.role LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// The last sync that was not a preview, if there was any.
pub async fn find_last_sync(tx: &mut Tx) -> Result<Option<LastSync>, Error> {
    const SQL: &str = "SELECT started_at AS at, state FROM runs WHERE mode IN ('full', 'changes') ORDER BY id DESC LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_optional(c).await)?)
}

/// Bytes that the store's tables take: the pages of a file, or the schema's tables with their indexes.
pub async fn get_size(tx: &mut Tx) -> Result<i64, Error> {
    let sql = size_of_store(tx.engine());
    Ok(on!(tx, |c| sqlx::query_scalar(sql).fetch_one(c).await)?)
}
