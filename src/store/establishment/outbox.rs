//! What is to be sent: letters, and notices to applications. Written with its cause; its content is sealed, and gone once sent.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::OutboxId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// By which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// A letter to a person.
    Mail,
    /// A logout notice to an application (OpenID Connect Back-Channel Logout 1.0 §2.5).
    Logout,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum State {
    /// To be sent when it is due.
    Waiting,
    /// Being sent.
    Sending,
    /// Accepted by the other side.
    Sent,
    /// Given up; its error tells why.
    Dead,
}

/// One thing to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Outgoing {
    /// Key.
    pub id: OutboxId,
    /// By which way.
    pub kind: Kind,
    /// To whom: an address, or an application's identifier.
    pub recipient: String,
    /// What it is about, in a word.
    pub topic: String,
    /// What is said, sealed; gone once sent.
    #[serde(skip)]
    pub content_sealed: Option<Vec<u8>>,
    /// What was sent together.
    pub batch: Option<Uuid>,
    /// How far it came.
    pub state: State,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, or was last.
    pub due_at: Timestamp,
    /// Why the last attempt failed, in words.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was sent or given up.
    pub ended_at: Option<Timestamp>,
}

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact way.
    pub kind: Option<String>,
    /// Exact state.
    pub state: Option<String>,
    /// Exact recipient.
    pub recipient: Option<String>,
    /// Exact topic.
    pub topic: Option<String>,
    /// Exact batch.
    pub batch: Option<Uuid>,
}

/// Writes something new to send.
pub async fn insert(tx: &mut Tx, o: &Outgoing) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO outbox (id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, \
         created_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(o.id).bind(o.kind).bind(&o.recipient).bind(&o.topic).bind(&o.content_sealed).bind(o.batch);
        let row = row.bind(o.state).bind(o.attempts).bind(o.due_at).bind(&o.error).bind(o.created_at).bind(o.ended_at);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes many new ones.
pub async fn insert_all(tx: &mut Tx, all: &[Outgoing]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO outbox (id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, \
         ended_at) ";
    for chunk in all.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, o| {
                row.push_bind(o.id).push_bind(o.kind).push_bind(&o.recipient).push_bind(&o.topic).push_bind(&o.content_sealed);
                row.push_bind(o.batch).push_bind(o.state).push_bind(o.attempts).push_bind(o.due_at).push_bind(&o.error);
                row.push_bind(o.created_at).push_bind(o.ended_at);
            });
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Takes what is due, oldest first and at most so many: it is `sending` from now on, and one attempt more was made.
pub async fn take(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<Outgoing>, Error> {
    const SQL: &str = "UPDATE outbox SET state = 'sending', attempts = attempts + 1, due_at = $1 WHERE id IN (SELECT id FROM outbox \
         WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at, id LIMIT $2) \
         RETURNING id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, ended_at";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(now).bind(limit).fetch_all(c).await)?)
}

/// Writes how an attempt ended, also one that was believed lost. False when another attempt was made since, or this one was settled.
pub async fn settle(tx: &mut Tx, o: &Outgoing) -> Result<bool, Error> {
    const SQL: &str = "UPDATE outbox SET state = $3, content_sealed = $4, due_at = $5, error = $6, ended_at = $7 \
         WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'dead')";
    let settled = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(o.id).bind(o.attempts).bind(o.state).bind(&o.content_sealed).bind(o.due_at).bind(&o.error);
        row.bind(o.ended_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(settled > 0)
}

/// Puts off what waits for one recipient by one way: it is not due before that instant. Answers how many were put off.
pub async fn put_off(tx: &mut Tx, kind: Kind, recipient: &str, until: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "UPDATE outbox SET due_at = $3 WHERE kind = $1 AND recipient = $2 AND state = 'waiting' AND due_at < $3";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(kind).bind(recipient).bind(until).execute(c).await.map(|d| d.rows_affected()))?)
}

/// What is being sent, or was when its node went away.
pub async fn list_sending(tx: &mut Tx) -> Result<Vec<Outgoing>, Error> {
    const SQL: &str = "SELECT id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, ended_at \
         FROM outbox WHERE state = 'sending' ORDER BY id LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// When the next one is due, if any waits.
pub async fn next_due(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT min(due_at) FROM outbox WHERE state = 'waiting'";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// One by its key.
pub async fn find(tx: &mut Tx, id: OutboxId) -> Result<Option<Outgoing>, Error> {
    const SQL: &str = "SELECT id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, ended_at \
         FROM outbox WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of the outbox, newest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Outgoing>, Error> {
    const SQL: &str = "SELECT id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, ended_at \
         FROM outbox WHERE ($1 IS NULL OR id < $1) AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR state = $3) \
         AND ($4 IS NULL OR recipient = $4) AND ($5 IS NULL OR topic = $5) AND ($6 IS NULL OR batch = $6) \
         AND ($7 IS NULL OR lower(recipient || ' ' || topic) LIKE $7 ESCAPE '\\') ORDER BY id DESC LIMIT $8";
    const COUNT: &str = "SELECT count(*) FROM outbox WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR state = $2) \
         AND ($3 IS NULL OR recipient = $3) AND ($4 IS NULL OR topic = $4) AND ($5 IS NULL OR batch = $5) \
         AND ($6 IS NULL OR lower(recipient || ' ' || topic) LIKE $6 ESCAPE '\\')";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&f.kind).bind(&f.state).bind(&f.recipient).bind(&f.topic);
        listed.bind(f.batch).bind(&query).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&f.kind).bind(&f.state).bind(&f.recipient).bind(&f.topic);
        counted.bind(f.batch).bind(&query).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |o: &Outgoing| o.id.uuid()))
}

/// Everything of one batch, in the order it was written.
pub async fn list_of_batch(tx: &mut Tx, batch: Uuid) -> Result<Vec<Outgoing>, Error> {
    const SQL: &str = "SELECT id, kind, recipient, topic, content_sealed, batch, state, attempts, due_at, error, created_at, ended_at \
         FROM outbox WHERE batch = $1 ORDER BY id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(batch).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// How many of a batch came how far at one recipient.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Tally {
    /// To whom.
    pub recipient: String,
    /// How far.
    pub state: State,
    /// How many.
    pub count: i64,
    /// Why the last attempt of one of them failed.
    pub error: Option<String>,
}

/// Counts a batch by recipient and by how far it came.
pub async fn tally(tx: &mut Tx, batch: Uuid) -> Result<Vec<Tally>, Error> {
    const SQL: &str = "SELECT recipient, state, count(*) AS count, max(error) AS error FROM outbox WHERE batch = $1 \
         GROUP BY recipient, state ORDER BY recipient, state LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(batch).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Makes what was given up wait again. Attempts are counted on, so that none from before passes for one that comes. False when it was not
/// given up, or its content is gone.
pub async fn retry(tx: &mut Tx, id: OutboxId, due_at: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "UPDATE outbox SET state = 'waiting', due_at = $2, ended_at = NULL \
         WHERE id = $1 AND state = 'dead' AND content_sealed IS NOT NULL";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(id).bind(due_at).execute(c).await.map(|d| d.rows_affected()))? > 0)
}

/// Removes what was sent, or given up, before two instants.
pub async fn delete_ended(tx: &mut Tx, sent_before: Timestamp, dead_before: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM outbox WHERE (state = 'sent' AND ended_at < $1) OR (state = 'dead' AND ended_at < $2)";
    on!(tx, |c| sqlx::query(SQL).bind(sent_before).bind(dead_before).execute(c).await.map(drop))?;
    Ok(())
}
