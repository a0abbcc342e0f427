//! Acts on many establishments at once, in the platform's own store: what is wanted, and how far it came.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::BulkRunId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// What is done with each establishment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Verb {
    /// A letter is written (SAC-30).
    Mail,
    /// It is counted (SAC-31).
    Stats,
    /// It is archived (SAC-32).
    Export,
    /// It is blocked.
    Block,
    /// It is opened again.
    Unblock,
    /// It is deleted (SAC-33).
    Delete,
}

/// How far an act came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum BulkState {
    /// Some establishments wait.
    Running,
    /// Each one is done, or failed.
    Done,
}

/// One act on many establishments.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct BulkRun {
    /// Key; also the batch of the letters that it writes.
    pub id: BulkRunId,
    /// What is done with each establishment.
    pub verb: Verb,
    /// How far it came.
    pub state: BulkState,
    /// The rest of what was asked for.
    #[serde(skip)]
    #[sqlx(json)]
    pub wanted: Value,
    /// How many establishments were chosen.
    pub total: i64,
    /// How many are done.
    pub done: i64,
    /// How many failed; the run's items tell why.
    pub failed: i64,
    /// Every number that the items' details state, added up over those that are done.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub sums: Value,
    /// Who asked for it, as the audit trail names them.
    pub started_by: String,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When the last establishment was done or failed.
    pub ended_at: Option<Timestamp>,
}

/// Writes a new run.
pub async fn insert(tx: &mut Tx, r: &BulkRun) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO bulk_runs (id, verb, state, wanted, total, done, failed, sums, started_by, started_at, ended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.verb).bind(r.state).bind(Json(&r.wanted)).bind(r.total).bind(r.done).bind(r.failed);
        row.bind(Json(&r.sums)).bind(&r.started_by).bind(r.started_at).bind(r.ended_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// One by its key.
pub async fn find(tx: &mut Tx, id: BulkRunId) -> Result<Option<BulkRun>, Error> {
    const SQL: &str =
        "SELECT id, verb, state, wanted, total, done, failed, sums, started_by, started_at, ended_at FROM bulk_runs WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of runs, newest first; of one verb when it is named. Words are looked for in the verb and in who asked.
pub async fn list(tx: &mut Tx, page: &PageRequest, verb: Option<Verb>) -> Result<Page<BulkRun>, Error> {
    const SQL: &str = "SELECT id, verb, state, wanted, total, done, failed, sums, started_by, started_at, ended_at FROM bulk_runs \
         WHERE ($1 IS NULL OR id < $1) AND ($2 IS NULL OR verb = $2) AND ($3 IS NULL OR verb || ' ' || started_by LIKE $3 ESCAPE '\\') \
         ORDER BY id DESC LIMIT $4";
    const COUNT: &str = "SELECT count(*) FROM bulk_runs \
         WHERE ($1 IS NULL OR verb = $1) AND ($2 IS NULL OR verb || ' ' || started_by LIKE $2 ESCAPE '\\')";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| sqlx::query_as(SQL).bind(page.after).bind(verb).bind(&query).bind(page.limit + 1).fetch_all(c).await)?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(verb).bind(&query).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |r: &BulkRun| r.id.uuid()))
}

/// Writes how far a run came: its state, its counts and its sums.
pub async fn update(tx: &mut Tx, r: &BulkRun) -> Result<(), Error> {
    const SQL: &str = "UPDATE bulk_runs SET state = $2, done = $3, failed = $4, sums = $5, ended_at = $6 WHERE id = $1";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.state).bind(r.done).bind(r.failed).bind(Json(&r.sums)).bind(r.ended_at);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Removes the runs that ended before an instant, with their items.
pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM bulk_runs WHERE ended_at < $1";
    on!(tx, |c| sqlx::query(SQL).bind(before).execute(c).await.map(drop))?;
    Ok(())
}
