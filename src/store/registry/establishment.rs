//! Establishments as the platform knows them. Their people are in stores of their own.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::dialect::{ROWS_MAX, like_part};
use crate::store::notices::announce;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::EstablishmentId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// The placement that `store.url` names.
pub const DEFAULT_PLACEMENT: &str = "default";

/// Whether people may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum EstablishmentStatus {
    /// Serving.
    Active,
    /// Blocked by an operator (SAC-26).
    Blocked,
}

/// The person an establishment is reached by (SAC-8). Not an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Contact {
    /// Family name.
    #[sqlx(rename = "contact_family_name")]
    pub family_name: Option<String>,
    /// Given name.
    #[sqlx(rename = "contact_given_name")]
    pub given_name: Option<String>,
    /// Address for letters.
    #[sqlx(rename = "contact_email")]
    pub email: Option<String>,
}

/// One school, department or commune.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Establishment {
    /// Key.
    pub id: EstablishmentId,
    /// Its number, counted up unless given (SAC-3).
    pub number: i64,
    /// Its name in addresses; never changes.
    pub slug: String,
    /// What people read.
    pub name: String,
    /// Its official number, when it has one (SAC-7).
    pub uai: Option<String>,
    /// A zone of the operator's list.
    pub zone: Option<String>,
    /// Postcode and town, as free text.
    pub locality: Option<String>,
    /// Whom to write to.
    #[sqlx(flatten)]
    pub contact: Contact,
    /// Whether people may sign in.
    pub status: EstablishmentStatus,
    /// Where its store lies: `default`, or a name of `store.placements`.
    pub placement: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a list of establishments may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact slug.
    pub slug: Option<String>,
    /// Exact number.
    pub number: Option<i64>,
    /// Exact name.
    pub name: Option<String>,
    /// Exact UAI.
    pub uai: Option<String>,
    /// Exact zone.
    pub zone: Option<String>,
    /// Exact locality.
    pub locality: Option<String>,
    /// Exact status.
    pub status: Option<String>,
    /// Exact placement.
    pub placement: Option<String>,
}

/// One establishment by its slug.
pub async fn find(tx: &mut Tx, slug: &str) -> Result<Option<Establishment>, Error> {
    const SQL: &str = "SELECT id, number, slug, name, uai, zone, locality, contact_family_name, contact_given_name, contact_email, \
         status, placement, created_at, updated_at FROM establishments WHERE slug = $1 AND deleting_at IS NULL";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(slug).fetch_optional(c).await)?)
}

/// A page of establishments, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<Establishment>, Error> {
    const SQL: &str = "SELECT id, number, slug, name, uai, zone, locality, contact_family_name, contact_given_name, contact_email, \
         status, placement, created_at, updated_at FROM establishments \
         WHERE deleting_at IS NULL AND ($1 IS NULL OR id > $1) AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR slug = $3) \
         AND ($4 IS NULL OR number = $4) AND ($5 IS NULL OR name = $5) AND ($6 IS NULL OR uai = $6) AND ($7 IS NULL OR zone = $7) \
         AND ($8 IS NULL OR locality = $8) AND ($9 IS NULL OR status = $9) AND ($10 IS NULL OR placement = $10) \
         ORDER BY id LIMIT $11";
    const COUNT: &str = "SELECT count(*) FROM establishments \
         WHERE deleting_at IS NULL AND ($1 IS NULL OR search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR slug = $2) \
         AND ($3 IS NULL OR number = $3) AND ($4 IS NULL OR name = $4) AND ($5 IS NULL OR uai = $5) AND ($6 IS NULL OR zone = $6) \
         AND ($7 IS NULL OR locality = $7) AND ($8 IS NULL OR status = $8) AND ($9 IS NULL OR placement = $9)";
    let query = page.query.as_deref().map(like_part);
    let Filter { slug, number, name, uai, zone, locality, status, placement } = filter;
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(slug).bind(number).bind(name).bind(uai).bind(zone);
        listed.bind(locality).bind(status).bind(placement).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(slug).bind(number).bind(name).bind(uai).bind(zone);
        counted.bind(locality).bind(status).bind(placement).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |e: &Establishment| e.id.uuid()))
}

/// The next number: above those of all establishments there are, and of those there were.
pub async fn next_number(tx: &mut Tx) -> Result<i64, Error> {
    const SQL: &str = "SELECT coalesce(max(highest), 0) + 1 FROM (SELECT max(number) AS highest FROM establishments \
         UNION ALL SELECT max(last_number) AS highest FROM installation) AS given";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Writes a new establishment; `search` is the folded text that lists look in.
///
/// # Errors
/// `Taken` when its slug, number or UAI is another's.
pub async fn insert(tx: &mut Tx, e: &Establishment, search: &str) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO establishments (id, number, slug, name, search, uai, zone, locality, contact_family_name, \
         contact_given_name, contact_email, status, placement, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(e.id).bind(e.number).bind(&e.slug).bind(&e.name).bind(search).bind(&e.uai);
        let row = row.bind(&e.zone).bind(&e.locality).bind(&e.contact.family_name).bind(&e.contact.given_name);
        row.bind(&e.contact.email).bind(e.status).bind(&e.placement).bind(e.created_at).bind(e.updated_at).execute(c).await.map(drop)
    })?;
    announce(tx, &e.slug).await
}

/// Writes an establishment's fields again; slug, placement and creation stay. Every node drops what it keeps of it.
///
/// # Errors
/// `NotFound`; `Taken` when its number or UAI is another's.
pub async fn update(tx: &mut Tx, e: &Establishment, search: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET number = $2, name = $3, search = $4, uai = $5, zone = $6, locality = $7, \
         contact_family_name = $8, contact_given_name = $9, contact_email = $10, status = $11, updated_at = $12 \
         WHERE id = $1 AND deleting_at IS NULL";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(e.id).bind(e.number).bind(&e.name).bind(search).bind(&e.uai).bind(&e.zone).bind(&e.locality);
        let row = row.bind(&e.contact.family_name).bind(&e.contact.given_name).bind(&e.contact.email).bind(e.status);
        row.bind(e.updated_at).execute(c).await.map(|done| done.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("establishment")) } else { announce(tx, &e.slug).await }
}

/// Writes where an establishment's store lies from now on.
pub async fn set_placement(tx: &mut Tx, e: &Establishment, placement: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET placement = $2 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(e.id).bind(placement).execute(c).await.map(drop))?;
    announce(tx, &e.slug).await
}

/// Says that an establishment is being deleted: from now on nobody finds it but who carries the deletion on.
pub async fn mark_deleting(tx: &mut Tx, e: &Establishment, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET deleting_at = $2 WHERE id = $1 AND deleting_at IS NULL";
    on!(tx, |c| sqlx::query(SQL).bind(e.id).bind(now).execute(c).await.map(drop))?;
    announce(tx, &e.slug).await
}

/// Establishments whose deletion was begun and not ended, oldest first.
pub async fn list_deleting(tx: &mut Tx) -> Result<Vec<Establishment>, Error> {
    const SQL: &str = "SELECT id, number, slug, name, uai, zone, locality, contact_family_name, contact_given_name, contact_email, \
         status, placement, created_at, updated_at FROM establishments WHERE deleting_at IS NOT NULL ORDER BY id LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Removes an establishment's row: its slug is free again. Its number is not given to the next one.
pub async fn delete(tx: &mut Tx, e: &Establishment) -> Result<(), Error> {
    const LAST: &str = "UPDATE installation SET last_number = $1 WHERE last_number < $1";
    const SQL: &str = "DELETE FROM establishments WHERE id = $1";
    on!(tx, |c| sqlx::query(LAST).bind(e.number).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(e.id).execute(c).await.map(drop))?;
    announce(tx, &e.slug).await
}

/// Notes the version of an establishment's store.
pub async fn note_version(tx: &mut Tx, id: EstablishmentId, version: i64) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET schema_version = $2 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(version).execute(c).await.map(drop))?;
    Ok(())
}

/// How many establishments' stores are at an older version than the given one.
pub async fn count_behind(tx: &mut Tx, version: i64) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM establishments WHERE schema_version < $1 AND deleting_at IS NULL";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(version).fetch_one(c).await)?)
}

/// Some establishments after a key whose stores are at an older version than the given one.
pub async fn list_behind(tx: &mut Tx, version: i64, after: Option<EstablishmentId>, limit: i64) -> Result<Vec<Establishment>, Error> {
    const SQL: &str = "SELECT id, number, slug, name, uai, zone, locality, contact_family_name, contact_given_name, contact_email, \
         status, placement, created_at, updated_at FROM establishments WHERE schema_version < $1 AND ($2 IS NULL OR id > $2) \
         AND deleting_at IS NULL ORDER BY id LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(version).bind(after).bind(limit).fetch_all(c).await)?)
}
