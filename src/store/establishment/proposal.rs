//! Two entries that may be one person, for a person to decide; what was decided is remembered.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::{ROWS_MAX, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ProposalId, SourceId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ProposalState {
    /// Nothing yet.
    Open,
    /// They are one.
    Accepted,
    /// They are not, and it is not proposed again.
    Rejected,
}

/// One proposal: an entry of a source, and the person it may be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Proposal {
    /// Key.
    pub id: ProposalId,
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// The source's name.
    pub source: String,
    /// The entry's immutable key in the source.
    pub external_id: String,
    /// Whom it may be.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The person's user name.
    pub username: String,
    /// The fields in which they are alike.
    pub rule: String,
    /// The entry as it was read last, under `entry`.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// What was decided.
    pub state: ProposalState,
    /// When it was first proposed.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub decided_by: Option<String>,
}

/// What a list of proposals may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The source's name.
    pub source: Option<String>,
    /// Exact state.
    pub state: Option<String>,
}

/// One proposal by key.
pub async fn find(tx: &mut Tx, id: ProposalId) -> Result<Option<Proposal>, Error> {
    const SQL: &str = "SELECT p.id, p.source_id, s.name AS source, p.external_id, p.user_id, u.username, p.rule, p.detail, p.state, \
         p.created_at, p.decided_at, p.decided_by FROM proposals p JOIN sources s ON s.id = p.source_id \
         JOIN users u ON u.id = p.user_id WHERE p.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of proposals, oldest first. Words are looked for in the person's names.
pub async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<Proposal>, Error> {
    const SQL: &str = "SELECT p.id, p.source_id, s.name AS source, p.external_id, p.user_id, u.username, p.rule, p.detail, p.state, \
         p.created_at, p.decided_at, p.decided_by FROM proposals p JOIN sources s ON s.id = p.source_id \
         JOIN users u ON u.id = p.user_id WHERE ($1 IS NULL OR p.id > $1) AND ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\') \
         AND ($3 IS NULL OR s.name = $3) AND ($4 IS NULL OR p.state = $4) ORDER BY p.id LIMIT $5";
    const COUNT: &str = "SELECT count(*) FROM proposals p JOIN sources s ON s.id = p.source_id JOIN users u ON u.id = p.user_id \
         WHERE ($1 IS NULL OR u.search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR s.name = $2) AND ($3 IS NULL OR p.state = $3)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(&filter.source).bind(&filter.state);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(&query).bind(&filter.source).bind(&filter.state).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |proposal: &Proposal| proposal.id.uuid()))
}

/// What is known of one entry and one person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Pair {
    /// Key.
    pub id: ProposalId,
    /// The entry's immutable key in the source.
    pub external_id: String,
    /// The person.
    pub user_id: UserId,
    /// What was decided.
    pub state: ProposalState,
}

/// Everything that was proposed of a source's entries, after a key and in bounded steps.
pub async fn list_pairs_after(tx: &mut Tx, source: SourceId, after: ProposalId, limit: i64) -> Result<Vec<Pair>, Error> {
    const SQL: &str = "SELECT id, external_id, user_id, state FROM proposals WHERE source_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Proposes, or brings an open proposal up to date. What was decided stands.
pub async fn propose(tx: &mut Tx, p: &Proposal) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO proposals (id, source_id, external_id, user_id, rule, detail, state, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source_id, external_id, user_id) \
         DO UPDATE SET rule = excluded.rule, detail = excluded.detail WHERE proposals.state = 'open'";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.id).bind(p.source_id).bind(&p.external_id).bind(p.user_id).bind(&p.rule);
        row.bind(Json(&p.detail)).bind(p.state).bind(p.created_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what was decided.
///
/// # Errors
/// `NotFound`.
pub async fn decide(tx: &mut Tx, p: &Proposal) -> Result<(), Error> {
    const SQL: &str = "UPDATE proposals SET state = $2, decided_at = $3, decided_by = $4 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.id).bind(p.state).bind(p.decided_at).bind(&p.decided_by);
        row.execute(c).await.map(|done| done.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("proposal")) } else { Ok(()) }
}

/// Takes back a proposal that nobody decided.
pub async fn withdraw(tx: &mut Tx, id: ProposalId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM proposals WHERE id = $1 AND state = 'open'";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// What a person decided of one entry: about whom, and what.
pub async fn list_decided_of_entry(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<Vec<(UserId, ProposalState)>, Error> {
    const SQL: &str = "SELECT user_id, state FROM proposals WHERE source_id = $1 AND external_id = $2 AND state <> 'open' ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(external_id).fetch_all(c).await)?)
}

/// The entries that were proposed to be a person's, by their keys in whatever source.
pub async fn entries_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT external_id FROM proposals WHERE user_id = $1 ORDER BY id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Forgets everything that was proposed of a person.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM proposals WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets everything that was proposed of an entry, what was decided too.
pub async fn delete_of_entry(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM proposals WHERE source_id = $1 AND external_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(external_id).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes back what nobody decided of one entry.
pub async fn withdraw_of_entry(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM proposals WHERE source_id = $1 AND external_id = $2 AND state = 'open'";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(external_id).execute(c).await.map(drop))?;
    Ok(())
}
