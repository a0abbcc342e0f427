//! How each establishment fares in an act on many: marked before anything is done with it, and after.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::{ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{BulkItemId, BulkRunId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// How one establishment fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ItemOutcome {
    /// Its turn comes.
    Waiting,
    /// It is under way, or was when its node went away.
    Working,
    /// It went well.
    Done,
    /// It did not; the error tells why.
    Failed,
}

/// One establishment's part in an act on many.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct BulkItem {
    /// Key.
    pub id: BulkItemId,
    /// The run it belongs to.
    #[serde(skip)]
    pub run_id: BulkRunId,
    /// The establishment.
    pub slug: String,
    /// How it fared.
    pub outcome: ItemOutcome,
    /// How often it was begun: more than once when a node went away meanwhile.
    pub attempts: i64,
    /// Why it failed, and what to do.
    pub error: Option<String>,
    /// What came of it: figures, the batch of letters or notices, the archive's file.
    #[sqlx(json(nullable))]
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Value>,
    /// When it was done or failed.
    pub ended_at: Option<Timestamp>,
}

/// Writes many new ones.
pub async fn insert_all(tx: &mut Tx, all: &[BulkItem]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO bulk_items (id, run_id, slug, outcome, attempts, error, detail, ended_at) ";
    for chunk in all.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, i| {
                row.push_bind(i.id).push_bind(i.run_id).push_bind(&i.slug).push_bind(i.outcome).push_bind(i.attempts);
                row.push_bind(&i.error).push_bind(i.detail.as_ref().map(Json)).push_bind(i.ended_at);
            });
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Takes the next one: one that was under way when its node went away, or one that waits. It is `working` from now on.
pub async fn take(tx: &mut Tx, run: BulkRunId) -> Result<Option<BulkItem>, Error> {
    const SQL: &str = "UPDATE bulk_items SET outcome = 'working', attempts = attempts + 1 WHERE id = (SELECT id FROM bulk_items \
         WHERE run_id = $1 AND outcome IN ('working', 'waiting') ORDER BY outcome DESC, id LIMIT 1) \
         RETURNING id, run_id, slug, outcome, attempts, error, detail, ended_at";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(run).fetch_optional(c).await)?)
}

/// Writes how one fared. False when it was begun again since, or ended already.
pub async fn settle(tx: &mut Tx, i: &BulkItem) -> Result<bool, Error> {
    const SQL: &str = "UPDATE bulk_items SET outcome = $3, error = $4, detail = $5, ended_at = $6 \
         WHERE id = $1 AND attempts = $2 AND outcome = 'working'";
    let settled = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(i.id).bind(i.attempts).bind(i.outcome).bind(&i.error).bind(i.detail.as_ref().map(Json));
        row.bind(i.ended_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(settled > 0)
}

/// A page of a run's items, in the order in which they were chosen; of one outcome when it is named. Words are looked for in the slug.
pub async fn list(tx: &mut Tx, run: BulkRunId, page: &PageRequest, outcome: Option<ItemOutcome>) -> Result<Page<BulkItem>, Error> {
    const SQL: &str = "SELECT id, run_id, slug, outcome, attempts, error, detail, ended_at FROM bulk_items \
         WHERE run_id = $1 AND ($2 IS NULL OR id > $2) AND ($3 IS NULL OR outcome = $3) AND ($4 IS NULL OR slug LIKE $4 ESCAPE '\\') \
         ORDER BY id LIMIT $5";
    const COUNT: &str = "SELECT count(*) FROM bulk_items \
         WHERE run_id = $1 AND ($2 IS NULL OR outcome = $2) AND ($3 IS NULL OR slug LIKE $3 ESCAPE '\\')";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(run).bind(page.after).bind(outcome).bind(&query);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(run).bind(outcome).bind(&query).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |i: &BulkItem| i.id.uuid()))
}
