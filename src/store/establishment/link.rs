//! (source, immutable external id) ↔ person: what survives renames and moves.

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{SourceId, UserId};
use crate::types::leaving::{Afterwards, Leaving};
use crate::types::time::Timestamp;

/// Bytes of a content hash.
pub const HASH_BYTES: usize = 16;

/// One person in one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Link {
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// The source's immutable key, in its canonical text.
    pub external_id: String,
    /// The person.
    #[serde(skip)]
    pub user_id: UserId,
    /// Where the entry lies, as last read.
    pub dn: Option<String>,
    /// Digest of the same, normalised: groups name their members by it.
    #[serde(skip)]
    pub place: Option<Vec<u8>>,
    /// Hash of the record as last applied.
    #[serde(skip)]
    pub content_hash: Vec<u8>,
    /// Whether the last complete run saw the entry.
    pub present: bool,
    /// Whether the source lets the person in, as last read.
    pub active: bool,
}

/// A person's links, with the sources' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct NamedLink {
    /// The source's name.
    pub source: String,
    /// The source's immutable key.
    pub external_id: String,
    /// Where the entry lies.
    pub dn: Option<String>,
    /// Whether the last complete run saw the entry.
    pub present: bool,
    /// Whether the source lets the person in, as last read.
    pub active: bool,
    /// Since when the entry is gone.
    pub left_at: Option<Timestamp>,
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// What the source says of whoever left it.
    #[serde(skip)]
    #[sqlx(json(nullable))]
    pub leaving: Option<Leaving>,
}

impl NamedLink {
    /// When the source no longer keeps whoever left it, and what follows; none while it states them, or keeps them for ever.
    pub fn ends(&self) -> Option<(Timestamp, Afterwards)> {
        let policy = self.leaving.unwrap_or_default();
        let left_at = self.left_at.filter(|_| !self.present)?;
        Some((policy.ends(left_at)?, policy.then))
    }
}

/// Every link of a source, by external id.
pub async fn list_of_source(tx: &mut Tx, source: SourceId) -> Result<Vec<Link>, Error> {
    const SQL: &str = "SELECT source_id, external_id, user_id, dn, place, content_hash, present, active FROM links WHERE source_id = $1 ORDER BY external_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_all(c).await)?)
}

/// A person's links.
pub async fn list_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<NamedLink>, Error> {
    const SQL: &str = "SELECT s.name AS source, l.external_id, l.dn, l.present, l.active, l.left_at, l.source_id, s.leaving \
         FROM links l JOIN sources s ON s.id = l.source_id \
         WHERE l.user_id = $1 ORDER BY s.name LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// A link beside its person's key.
#[derive(sqlx::FromRow)]
struct OfUser {
    user_id: UserId,
    #[sqlx(flatten)]
    link: NamedLink,
}

/// The links of several people with the sources' names, by person: what a page of people shows beside them.
pub async fn list_named_of_users(tx: &mut Tx, users: &[UserId]) -> Result<Vec<(UserId, NamedLink)>, Error> {
    const HEAD: &str = "SELECT l.user_id, s.name AS source, l.external_id, l.dn, l.present, l.active, l.left_at, l.source_id, s.leaving FROM links l \
         JOIN sources s ON s.id = l.source_id WHERE l.user_id IN (";
    const TAIL: &str = ") ORDER BY l.user_id, s.name";
    let mut found = Vec::new();
    for chunk in users.chunks(ROWS_PER_INSERT) {
        let rows: Vec<OfUser> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            let mut keys = query.separated(", ");
            for user in chunk {
                keys.push_bind(*user);
            }
            query.push(TAIL);
            query.build_query_as().persistent(false).fetch_all(c).await
        })?;
        found.extend(rows.into_iter().map(|row| (row.user_id, row.link)));
    }
    Ok(found)
}

/// Writes new links.
///
/// # Errors
/// `Taken` when there is one of the same external id; then the transaction is to be dropped.
pub async fn insert_all(tx: &mut Tx, links: &[Link]) -> Result<(), Error> {
    bulk::insert_all(tx, links).await
}

impl NewRow for Link {
    const INTO: &'static str = "links (source_id, external_id, user_id, dn, place, content_hash, present, active)";

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.source_id).put(&self.external_id).put(self.user_id).put(&self.dn).put(&self.place);
        row.put(&self.content_hash).put(self.present).put(self.active);
    }
}

/// Writes links, new ones and changed ones.
pub async fn upsert_all(tx: &mut Tx, links: &[Link]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO links (source_id, external_id, user_id, dn, place, content_hash, present, active) ";
    const TAIL: &str = " ON CONFLICT (source_id, external_id) DO UPDATE SET user_id = excluded.user_id, dn = excluded.dn, \
         place = excluded.place, content_hash = excluded.content_hash, present = excluded.present, active = excluded.active, \
         left_at = CASE WHEN excluded.present THEN NULL ELSE links.left_at END";
    for chunk in links.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, l| {
                row.push_bind(l.source_id).push_bind(&l.external_id).push_bind(l.user_id).push_bind(&l.dn).push_bind(&l.place);
                row.push_bind(&l.content_hash).push_bind(l.present).push_bind(l.active);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Marks a person's entry as gone from its source since an instant; one that is gone already left when it did. The record is applied again
/// when it comes back, whatever it says.
pub async fn mark_gone(tx: &mut Tx, source: SourceId, user: UserId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE links SET present = $3, left_at = CASE WHEN present THEN $4 ELSE left_at END WHERE user_id = $2 AND source_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(user).bind(false).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// People who left a source at an instant or before it and may not sign in, after a key, in bounded steps.
pub async fn list_left(tx: &mut Tx, source: SourceId, until: Timestamp, after: Option<UserId>, limit: i64) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT DISTINCT l.user_id FROM links l JOIN users u ON u.id = l.user_id WHERE l.left_at <= $2 AND l.source_id = $1 \
         AND l.present = $5 AND u.status = 'disabled' AND l.user_id > $3 ORDER BY l.user_id LIMIT $4";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).bind(until).bind(after).bind(limit).bind(false).fetch_all(c).await)?)
}

/// Forgets one entry of a source.
pub async fn delete(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM links WHERE source_id = $1 AND external_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(external_id).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what was last applied of a person's entries, so that it is applied again.
pub async fn forget_hashes_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "UPDATE links SET content_hash = $2 WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(Vec::<u8>::new()).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what was last applied of the entries of everyone whom several sources state, so that their words are weighed again.
pub async fn forget_hashes_of_shared(tx: &mut Tx) -> Result<(), Error> {
    const SQL: &str = "UPDATE links SET content_hash = $1 WHERE user_id IN \
         (SELECT user_id FROM links WHERE present = $2 GROUP BY user_id HAVING count(*) > 1)";
    on!(tx, |c| sqlx::query(SQL).bind(Vec::<u8>::new()).bind(true).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets a person in every source: whoever is there under the same key afterwards is somebody new.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM links WHERE user_id = $1";
    const PROPOSED: &str = "DELETE FROM proposals WHERE user_id = $1";
    on!(tx, |c| sqlx::query(PROPOSED).bind(user).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// What a run compares a source's people with.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Known {
    /// The source's immutable key.
    pub external_id: String,
    /// The person.
    pub user_id: UserId,
    /// Hash of the record as last applied.
    pub content_hash: Vec<u8>,
    /// Whether the last complete run saw the entry.
    pub present: bool,
}

/// A source's people after an external id, in bounded steps.
pub async fn list_known_after(tx: &mut Tx, source: SourceId, after: &str, limit: i64) -> Result<Vec<Known>, Error> {
    const SQL: &str = "SELECT external_id, user_id, content_hash, present FROM links \
         WHERE source_id = $1 AND external_id > $2 ORDER BY external_id LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(after).bind(limit).fetch_all(c).await)?)
}

/// The links of some people in one source: at most as many as one statement takes rows.
pub async fn list_of_users_from(tx: &mut Tx, source: SourceId, users: &[UserId]) -> Result<Vec<Link>, Error> {
    const HEAD: &str = "SELECT source_id, external_id, user_id, dn, place, content_hash, present, active FROM links WHERE source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND user_id IN ("), users, ")").await
}

/// How many people came from a source, there now or before.
pub async fn count_of_source(tx: &mut Tx, source: SourceId) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM links WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_one(c).await)?)
}

/// Some of a source's people by external id.
pub async fn list_known_by_keys(tx: &mut Tx, source: SourceId, keys: &[String]) -> Result<Vec<Known>, Error> {
    const HEAD: &str = "SELECT external_id, user_id, content_hash, present FROM links WHERE source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND external_id IN ("), keys, ")").await
}

/// Who stands at some places of a source now: place and person.
pub async fn list_at(tx: &mut Tx, source: SourceId, places: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, UserId)>, Error> {
    const HEAD: &str = "SELECT place, user_id FROM links WHERE source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND present AND place IN ("), places, ")").await
}

/// How many people a source states who may sign in.
pub async fn count_free_of_source(tx: &mut Tx, source: SourceId) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM links l JOIN users u ON u.id = l.user_id WHERE l.source_id = $1 AND u.status <> 'disabled'";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_one(c).await)?)
}
