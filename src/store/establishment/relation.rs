//! Who stands in which relation to whom, such as the tutor of an apprentice: what `own` in a catalogue speaks of.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::{ROWS_MAX, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{RelationId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// One relation: `user` is the `kind` of `other`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Relation {
    /// Key.
    pub id: RelationId,
    /// What the one is to the other: `tutor`.
    pub kind: String,
    /// The one: the tutor.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The name the one signs in with.
    pub username: String,
    /// The other: the apprentice.
    #[serde(rename = "other")]
    pub other_id: UserId,
    /// The name the other signs in with.
    pub other_username: String,
    /// It holds from then on.
    pub valid_from: Option<Timestamp>,
    /// It holds until then.
    pub valid_until: Option<Timestamp>,
    /// Why, in a person's words.
    pub reason: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What a list of relations may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact kind.
    pub kind: Option<String>,
    /// The one.
    pub user: Option<UserId>,
    /// The other.
    pub other: Option<UserId>,
}

/// One relation by key.
pub async fn find(tx: &mut Tx, id: RelationId) -> Result<Option<Relation>, Error> {
    const SQL: &str = "SELECT r.id, r.kind, r.user_id, a.username, r.other_id, b.username AS other_username, \
         r.valid_from, r.valid_until, r.reason, r.created_at FROM relations r JOIN users a ON a.id = r.user_id \
         JOIN users b ON b.id = r.other_id WHERE r.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of relations, oldest first; words are looked for in the kind and in the names of both people.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Relation>, Error> {
    const SQL: &str = "SELECT r.id, r.kind, r.user_id, a.username, r.other_id, b.username AS other_username, \
         r.valid_from, r.valid_until, r.reason, r.created_at FROM relations r JOIN users a ON a.id = r.user_id \
         JOIN users b ON b.id = r.other_id WHERE ($1 IS NULL OR r.id > $1) \
         AND ($2 IS NULL OR r.kind LIKE $2 ESCAPE '\\' OR a.search LIKE $2 ESCAPE '\\' OR b.search LIKE $2 ESCAPE '\\') \
         AND ($3 IS NULL OR r.kind = $3) AND ($4 IS NULL OR r.user_id = $4) AND ($5 IS NULL OR r.other_id = $5) \
         ORDER BY r.id LIMIT $6";
    const COUNT: &str = "SELECT count(*) FROM relations r JOIN users a ON a.id = r.user_id JOIN users b ON b.id = r.other_id \
         WHERE ($1 IS NULL OR r.kind LIKE $1 ESCAPE '\\' OR a.search LIKE $1 ESCAPE '\\' OR b.search LIKE $1 ESCAPE '\\') \
         AND ($2 IS NULL OR r.kind = $2) AND ($3 IS NULL OR r.user_id = $3) AND ($4 IS NULL OR r.other_id = $4)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(&f.kind).bind(f.user).bind(f.other);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(&f.kind).bind(f.user).bind(f.other);
        counted.fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |r: &Relation| r.id.uuid()))
}

/// Whether someone stands in a relation to someone else at an instant.
pub async fn exists(tx: &mut Tx, kind: &str, from: UserId, to: UserId, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM relations WHERE kind = $1 AND user_id = $2 AND other_id = $3 \
         AND (valid_from IS NULL OR valid_from <= $4) AND (valid_until IS NULL OR valid_until > $4))";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(kind).bind(from).bind(to).bind(now).fetch_one(c).await)?)
}

/// To whom someone stands in a relation at an instant, by key.
pub async fn others(tx: &mut Tx, kind: &str, from: UserId, now: Timestamp) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT other_id FROM relations WHERE kind = $1 AND user_id = $2 \
         AND (valid_from IS NULL OR valid_from <= $3) AND (valid_until IS NULL OR valid_until > $3) ORDER BY other_id LIMIT $4";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(kind).bind(from).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Every relation of some people to others, whether it holds or not.
pub async fn list_of_users(tx: &mut Tx, users: &[UserId]) -> Result<Vec<Relation>, Error> {
    const HEAD: &str = "SELECT r.id, r.kind, r.user_id, a.username, r.other_id, b.username AS other_username, \
         r.valid_from, r.valid_until, r.reason, r.created_at FROM relations r JOIN users a ON a.id = r.user_id \
         JOIN users b ON b.id = r.other_id WHERE r.user_id IN (";
    bulk::select_in(tx, HEAD, users, ")").await
}

impl NewRow for Relation {
    const INTO: &'static str = "relations (id, kind, user_id, other_id, valid_from, valid_until, reason, created_at)";

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.id).put(&self.kind).put(self.user_id).put(self.other_id);
        row.put(self.valid_from).put(self.valid_until).put(&self.reason).put(self.created_at);
    }
}

/// Writes new relations.
///
/// # Errors
/// `Taken` when the two are in this relation already, `Referenced` when one of them is not there.
pub async fn insert_all(tx: &mut Tx, relations: &[Relation]) -> Result<(), Error> {
    bulk::insert_all(tx, relations).await
}

/// Writes when a relation holds, and why.
///
/// # Errors
/// `NotFound`.
pub async fn update(tx: &mut Tx, r: &Relation) -> Result<(), Error> {
    const SQL: &str = "UPDATE relations SET valid_from = $2, valid_until = $3, reason = $4 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.valid_from).bind(r.valid_until).bind(&r.reason);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("relation")) } else { Ok(()) }
}

/// Removes a relation.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, id: RelationId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM relations WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("relation")) } else { Ok(()) }
}

/// Removes every relation of a person, on either side.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM relations WHERE user_id = $1 OR other_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}
