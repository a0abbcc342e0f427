//! (source, immutable external id) ↔ person: what survives renames and moves.

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{SourceId, UserId};

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
    /// Hash of the record as last applied.
    #[serde(skip)]
    pub content_hash: Vec<u8>,
    /// Whether the last complete run saw the entry.
    pub present: bool,
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
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
}

/// Every link of a source, by external id.
pub async fn list_of_source(tx: &mut Tx, source: SourceId) -> Result<Vec<Link>, Error> {
    const SQL: &str =
        "SELECT source_id, external_id, user_id, dn, content_hash, present FROM links WHERE source_id = $1 ORDER BY external_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_all(c).await)?)
}

/// A person's links.
pub async fn list_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<NamedLink>, Error> {
    const SQL: &str = "SELECT s.name AS source, l.external_id, l.dn, l.present, l.source_id FROM links l JOIN sources s ON s.id = l.source_id \
         WHERE l.user_id = $1 ORDER BY s.name LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Sources and places of entries that are present, of people within a range of keys (`after` excluded, `last` included), by person.
pub async fn present_between(tx: &mut Tx, after: Option<UserId>, last: UserId) -> Result<Vec<(UserId, SourceId, Option<String>)>, Error> {
    const SQL: &str = "SELECT user_id, source_id, dn FROM links WHERE user_id > $1 AND user_id <= $2 AND present = $3 \
         ORDER BY user_id, source_id, external_id";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(last).bind(true).fetch_all(c).await)?)
}

/// Writes links, new ones and changed ones.
pub async fn upsert_all(tx: &mut Tx, links: &[Link]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO links (source_id, external_id, user_id, dn, content_hash, present) ";
    const TAIL: &str = " ON CONFLICT (source_id, external_id) DO UPDATE SET user_id = excluded.user_id, dn = excluded.dn, \
         content_hash = excluded.content_hash, present = excluded.present";
    for chunk in links.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, l| {
                row.push_bind(l.source_id).push_bind(&l.external_id).push_bind(l.user_id).push_bind(&l.dn);
                row.push_bind(&l.content_hash).push_bind(l.present);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await
        })?;
    }
    Ok(())
}

/// Marks an entry as gone from its source.
pub async fn mark_gone(tx: &mut Tx, source: SourceId, external_id: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE links SET present = $3 WHERE source_id = $1 AND external_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(external_id).bind(false).execute(c).await)?;
    Ok(())
}
