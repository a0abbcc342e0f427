//! Requests of SCIM feeds that a person has to see to. Decides nothing.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Why a request was refused until a person decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum HeldReason {
    /// The feed took away more than its guard allows.
    Guard,
    /// The user name is someone's whom the feed does not state.
    Taken,
    /// It may be someone who is known: see the proposals.
    Asked,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum HeldState {
    /// Nothing yet.
    Open,
    /// It is done when the feed asks again.
    Approved,
    /// It stays refused.
    Refused,
}

/// One request that waits.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Held {
    /// Key.
    pub id: Uuid,
    /// The feed.
    #[serde(skip)]
    pub source_id: SourceId,
    /// Why.
    pub reason: HeldReason,
    /// What was asked: `create`, `deactivate`, `delete`, `remove_members` or `rename`.
    pub operation: String,
    /// Of whom or what, when it is known.
    pub subject_id: Option<Uuid>,
    /// The same as the feed names it.
    pub subject: String,
    /// What people read.
    pub name: String,
    /// What else there is to say.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// What was decided.
    pub state: HeldState,
    /// How often it was asked.
    pub times: i64,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
}

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact reason.
    pub reason: Option<String>,
    /// Exact operation.
    pub operation: Option<String>,
    /// Exact state.
    pub state: Option<String>,
}

/// A page of what a feed's requests wait for, oldest first.
pub async fn list(tx: &mut Tx, source: SourceId, page: &PageRequest, f: &Filter) -> Result<Page<Held>, Error> {
    const SQL: &str = "SELECT id, source_id, reason, operation, subject_id, subject, name, detail, state, times, first_at, last_at, decided_at, \
         decided_by FROM scim_held WHERE source_id = $1 AND ($2 IS NULL OR id > $2) AND ($3 IS NULL OR lower(name) LIKE $3 ESCAPE '\\') \
         AND ($4 IS NULL OR reason = $4) AND ($5 IS NULL OR operation = $5) AND ($6 IS NULL OR state = $6) ORDER BY id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM scim_held WHERE source_id = $1 AND ($2 IS NULL OR lower(name) LIKE $2 ESCAPE '\\') \
         AND ($3 IS NULL OR reason = $3) AND ($4 IS NULL OR operation = $4) AND ($5 IS NULL OR state = $5)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(source).bind(page.after).bind(&query).bind(&f.reason).bind(&f.operation);
        listed.bind(&f.state).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(source).bind(&query).bind(&f.reason).bind(&f.operation);
        counted.bind(&f.state).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |held: &Held| held.id))
}

/// Everything that waits or was decided, of any feed, after a key and in bounded steps.
pub async fn list_after(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<Held>, Error> {
    const SQL: &str = "SELECT id, source_id, reason, operation, subject_id, subject, name, detail, state, times, first_at, last_at, decided_at,          decided_by FROM scim_held WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(c).await)?)
}

/// One of a feed.
pub async fn find(tx: &mut Tx, source: SourceId, id: Uuid) -> Result<Option<Held>, Error> {
    const SQL: &str = "SELECT id, source_id, reason, operation, subject_id, subject, name, detail, state, times, first_at, last_at, decided_at, \
         decided_by FROM scim_held WHERE source_id = $1 AND id = $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(id).fetch_optional(c).await)?)
}

/// What is known of a request that was asked before.
pub async fn find_same(tx: &mut Tx, held: &Held) -> Result<Option<Held>, Error> {
    const SQL: &str = "SELECT id, source_id, reason, operation, subject_id, subject, name, detail, state, times, first_at, last_at, decided_at, \
         decided_by FROM scim_held WHERE source_id = $1 AND reason = $2 AND operation = $3 AND subject = $4";
    Ok(on!(tx, |c| {
        sqlx::query_as(SQL).bind(held.source_id).bind(held.reason).bind(&held.operation).bind(&held.subject).fetch_optional(c).await
    })?)
}

/// Notes that a request waits, or waits still: what was decided of it before counts no more. It keeps its key, unless its guard gives it another.
pub async fn hold(tx: &mut Tx, h: &Held) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO scim_held (id, source_id, reason, operation, subject_id, subject, name, detail, state, times, first_at, last_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (source_id, reason, operation, subject) DO UPDATE SET \
         times = scim_held.times + 1, last_at = excluded.last_at, name = excluded.name, detail = excluded.detail, state = excluded.state, \
         decided_at = NULL, decided_by = NULL, id = CASE excluded.reason WHEN 'guard' THEN excluded.id ELSE scim_held.id END";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(h.id).bind(h.source_id).bind(h.reason).bind(&h.operation).bind(h.subject_id).bind(&h.subject);
        let row = row.bind(&h.name).bind(Json(&h.detail)).bind(h.state).bind(h.times).bind(h.first_at).bind(h.last_at);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what was decided of one.
pub async fn decide(tx: &mut Tx, h: &Held) -> Result<(), Error> {
    const SQL: &str = "UPDATE scim_held SET state = $2, decided_at = $3, decided_by = $4 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(h.id).bind(h.state).bind(h.decided_at).bind(&h.decided_by).execute(c).await.map(drop))?;
    Ok(())
}

/// Decides of everything of a feed that waits for its guard. Answers how many.
pub async fn decide_guarded(tx: &mut Tx, source: SourceId, state: HeldState, at: Timestamp, by: &str) -> Result<u64, Error> {
    const SQL: &str = "UPDATE scim_held SET state = $4, decided_at = $2, decided_by = $3 \
         WHERE source_id = $1 AND reason = 'guard' AND state = 'open'";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).bind(at).bind(by).bind(state).execute(c).await.map(|d| d.rows_affected()))?)
}

/// How many requests of a feed wait for a person.
pub async fn count_open(tx: &mut Tx, source: SourceId) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM scim_held WHERE source_id = $1 AND state = 'open'";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_one(c).await)?)
}

/// Forgets what no longer waits: it was done.
pub async fn settle(tx: &mut Tx, source: SourceId, reason: HeldReason, operation: &str, subject: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_held WHERE source_id = $1 AND reason = $2 AND operation = $3 AND subject = $4";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(reason).bind(operation).bind(subject).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets one.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_held WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what was asked of one person or group.
pub async fn delete_of_subject(tx: &mut Tx, subject: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_held WHERE subject_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(subject).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what was last asked before an instant: of what still matters, the feed asks again.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_held WHERE last_at < $1";
    on!(tx, |c| sqlx::query(SQL).bind(before).execute(c).await.map(drop))?;
    Ok(())
}
