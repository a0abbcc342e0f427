//! Units of an establishment: departments, classes, organisational units, as a tree.

mod within;

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::{ROWS_MAX, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{SourceId, UnitId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Most units of an establishment: a tree is read whole.
pub const UNITS_MAX: usize = 10_000;

/// One unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Unit {
    /// Key.
    pub id: UnitId,
    /// Its name: what people's units, rules and scopes say.
    pub name: String,
    /// What people read.
    pub title: String,
    /// The key of the unit above.
    #[serde(skip)]
    pub parent_id: Option<UnitId>,
    /// The name of the unit above; none at the top.
    pub parent: Option<String>,
    /// The key of the source that states it.
    #[serde(skip)]
    pub source_id: Option<SourceId>,
    /// The name of the source that states it; none when it was added by hand.
    pub source: Option<String>,
    /// When the gateway first knew it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a list of units may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact name.
    pub name: Option<String>,
    /// Exact title.
    pub title: Option<String>,
    /// The name of the unit above; empty for those at the top.
    pub parent: Option<String>,
    /// The name of the source; empty for those added by hand.
    pub source: Option<String>,
    /// Their names, for someone who may see these alone.
    pub within: Option<Vec<String>>,
}

/// Where a unit stands: all that a tree is made of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Place {
    /// Key.
    pub id: UnitId,
    /// Its name.
    pub name: String,
    /// The unit above.
    pub parent_id: Option<UnitId>,
    /// The source that states it.
    pub source_id: Option<SourceId>,
}

/// One unit by key.
pub async fn find(tx: &mut Tx, id: UnitId) -> Result<Option<Unit>, Error> {
    const SQL: &str = "SELECT u.id, u.name, u.title, u.parent_id, p.name AS parent, u.source_id, s.name AS source, u.created_at, \
         u.updated_at FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id WHERE u.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One unit by name.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Unit>, Error> {
    const SQL: &str = "SELECT u.id, u.name, u.title, u.parent_id, p.name AS parent, u.source_id, s.name AS source, u.created_at, \
         u.updated_at FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id WHERE u.name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// A page of units, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Unit>, Error> {
    const SQL: &str = "SELECT u.id, u.name, u.title, u.parent_id, p.name AS parent, u.source_id, s.name AS source, u.created_at, \
         u.updated_at FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id \
         WHERE ($1 IS NULL OR u.id > $1) AND ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR u.name = $3) \
         AND ($4 IS NULL OR u.title = $4) AND ($5 IS NULL OR coalesce(p.name, '') = $5) AND ($6 IS NULL OR coalesce(s.name, '') = $6) \
         ORDER BY u.id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id \
         WHERE ($1 IS NULL OR u.search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR u.name = $2) AND ($3 IS NULL OR u.title = $3) \
         AND ($4 IS NULL OR coalesce(p.name, '') = $4) AND ($5 IS NULL OR coalesce(s.name, '') = $5)";
    if let Some(names) = &f.within {
        return within::list(tx, page, f, names).await;
    }
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(&f.name).bind(&f.title);
        listed.bind(&f.parent).bind(&f.source).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(&f.name).bind(&f.title);
        counted.bind(&f.parent).bind(&f.source).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |u: &Unit| u.id.uuid()))
}

/// Every unit that a source states, by name.
pub async fn list_of_source(tx: &mut Tx, source: SourceId) -> Result<Vec<Unit>, Error> {
    const SQL: &str = "SELECT u.id, u.name, u.title, u.parent_id, p.name AS parent, u.source_id, s.name AS source, u.created_at, \
         u.updated_at FROM units u LEFT JOIN units p ON p.id = u.parent_id LEFT JOIN sources s ON s.id = u.source_id \
         WHERE u.source_id = $1 ORDER BY u.name LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Where every unit stands, by name.
pub async fn list_places(tx: &mut Tx) -> Result<Vec<Place>, Error> {
    const SQL: &str = "SELECT id, name, parent_id, source_id FROM units ORDER BY name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// The names of the units above one, in any order: for one question, without reading the whole tree. `UNION` ends cycles.
pub async fn ancestors(tx: &mut Tx, name: &str) -> Result<Vec<String>, Error> {
    const SQL: &str = "WITH RECURSIVE above (id) AS (SELECT parent_id FROM units WHERE name = $1 \
         UNION SELECT u.parent_id FROM units u JOIN above a ON u.id = a.id) \
         SELECT u.name FROM above a JOIN units u ON u.id = a.id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(name).bind(ROWS_MAX).fetch_all(c).await)?)
}

impl NewRow for Unit {
    const INTO: &'static str = "units (id, name, title, search, parent_id, source_id, created_at, updated_at)";

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.id).put(&self.name).put(&self.title).put(self.search()).put(self.parent_id).put(self.source_id);
        row.put(self.created_at).put(self.updated_at);
    }
}

impl Unit {
    /// The folded text that searches look in.
    fn search(&self) -> String {
        fold(&format!("{} {}", self.name, self.title))
    }
}

/// Writes new units.
///
/// # Errors
/// `Taken` when a name is another's; a unit above that is not there is told when the transaction ends.
pub async fn insert_all(tx: &mut Tx, units: &[Unit]) -> Result<(), Error> {
    bulk::insert_all(tx, units).await
}

/// Writes what may change of a unit: everything but its key and creation.
///
/// # Errors
/// `Taken`, `NotFound`.
pub async fn update(tx: &mut Tx, u: &Unit) -> Result<(), Error> {
    const SQL: &str = "UPDATE units SET name = $2, title = $3, search = $4, parent_id = $5, source_id = $6, updated_at = $7 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(u.id).bind(&u.name).bind(&u.title).bind(u.search()).bind(u.parent_id);
        row.bind(u.source_id).bind(u.updated_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("unit")) } else { Ok(()) }
}

/// Puts the units below one under another one, or at the top.
pub async fn move_children(tx: &mut Tx, from: UnitId, to: Option<UnitId>, at: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "UPDATE units SET parent_id = $2, updated_at = $3 WHERE parent_id = $1";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(from).bind(to).bind(at).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Removes a unit.
///
/// # Errors
/// `NotFound`; units that stand below it are told when the transaction ends.
pub async fn delete(tx: &mut Tx, id: UnitId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM units WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("unit")) } else { Ok(()) }
}
