//! Resources of SCIM feeds, as the feeds state them. Members of groups are memberships, and stand elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::columns::JsonText;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{GroupId, SourceId};
use crate::types::time::Timestamp;
use crate::types::{fold, fold_case};

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
}

/// One resource of one feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The feed.
    pub source_id: SourceId,
    /// Key: the person's or the group's.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// The feed's own key, unique within the feed and kind.
    pub external_id: Option<String>,
    /// `userName` or `displayName`.
    pub name: String,
    /// Whether the feed lets the person in; always of a group.
    pub active: bool,
    /// What the feed states, without members and without what the gateway adds.
    pub body: Map<String, Value>,
    /// Counts its changes: the entity tag.
    pub rev: i64,
    /// When the feed first stated it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Since when the feed states it no more.
    pub deleted_at: Option<Timestamp>,
}

/// A row as the store has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct Row {
    source_id: SourceId,
    id: Uuid,
    kind: Kind,
    external_id: Option<String>,
    name: String,
    active: bool,
    body: JsonText<Map<String, Value>>,
    rev: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

impl From<Row> for Resource {
    fn from(row: Row) -> Self {
        let Row { source_id, id, kind, external_id, name, active, body, rev, created_at, updated_at, deleted_at } = row;
        Self { source_id, id, kind, external_id, name, active, body: body.0, rev, created_at, updated_at, deleted_at }
    }
}

/// One value of a resource, for filters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedValue {
    /// The attribute's path.
    pub attribute: String,
    /// The element of a multi-valued attribute it belongs to.
    pub element: i64,
    /// Whether lists are ordered by it.
    pub leading: bool,
    /// The text as it is compared.
    pub text: Option<String>,
    /// The number as it is compared.
    pub number: Option<i64>,
    /// The beginning of the text, where an index knows it.
    pub head: Option<String>,
}

/// One resource by key, also one that the feed states no more.
pub async fn find(tx: &mut Tx, source: SourceId, kind: Kind, id: Uuid) -> Result<Option<Resource>, Error> {
    const SQL: &str = "SELECT source_id, id, kind, external_id, name, active, body, rev, created_at, updated_at, deleted_at FROM scim_resources \
         WHERE source_id = $1 AND id = $2 AND kind = $3";
    let row: Option<Row> = on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(id).bind(kind).fetch_optional(c).await)?;
    Ok(row.map(Resource::from))
}

/// Whom or what a name and an external id lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// What has the name now, in any letter case.
    pub named: Option<Uuid>,
    /// What has the external id now.
    pub external: Option<Uuid>,
    /// What the feed stated last under the external id, and states no more.
    pub left: Option<Uuid>,
}

/// What is called so in a feed.
pub async fn called(tx: &mut Tx, source: SourceId, kind: Kind, name: &str, external_id: Option<&str>) -> Result<Called, Error> {
    const SQL: &str = "SELECT CAST(1 AS BIGINT), id FROM scim_resources WHERE source_id = $1 AND kind = $2 AND name_folded = $3 AND deleted_at IS NULL \
         UNION ALL SELECT CAST(2 AS BIGINT), id FROM scim_resources WHERE source_id = $1 AND kind = $2 AND external_id = $4 AND deleted_at IS NULL \
         UNION ALL SELECT CAST(3 AS BIGINT), id FROM (SELECT id FROM scim_resources WHERE source_id = $1 AND external_id = $4 \
         AND deleted_at IS NOT NULL AND kind = $2 ORDER BY deleted_at DESC LIMIT 1) AS gone";
    let rows: Vec<(i64, Uuid)> =
        on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(kind).bind(fold_case(name)).bind(external_id).fetch_all(c).await)?;
    let of = |what: i64| rows.iter().find(|(found, _)| *found == what).map(|(_, id)| *id);
    Ok(Called { named: of(1), external: of(2), left: of(3) })
}

/// Which of some keys are resources of a feed now.
pub async fn kinds_of(tx: &mut Tx, source: SourceId, ids: &[Uuid]) -> Result<Vec<(Uuid, Kind)>, Error> {
    const HEAD: &str = "SELECT id, kind FROM scim_resources WHERE deleted_at IS NULL AND source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND id IN ("), ids, ")").await
}

/// Writes a new resource with its values.
///
/// # Errors
/// `Taken` when the name or the external id is another's; then the transaction is to be dropped.
pub async fn insert(tx: &mut Tx, r: &Resource, values: &[IndexedValue]) -> Result<(), Error> {
    insert_all(tx, &[(r, values)]).await
}

/// Writes several new resources with their values.
///
/// # Errors
/// As [`insert`].
pub async fn insert_all(tx: &mut Tx, resources: &[(&Resource, &[IndexedValue])]) -> Result<(), Error> {
    let rows: Vec<NewResource<'_>> = resources.iter().map(|(resource, _)| NewResource(resource)).collect();
    bulk::insert_all(tx, &rows).await?;
    let values: Vec<ValueRow<'_>> =
        resources.iter().flat_map(|(of, values)| (0_i64..).zip(*values).map(move |(seq, value)| ValueRow { of, seq, value })).collect();
    bulk::insert_all(tx, &values).await
}

/// A resource that is new.
struct NewResource<'a>(&'a Resource);

impl NewRow for NewResource<'_> {
    const INTO: &'static str = "scim_resources (source_id, id, kind, link, group_id, external_id, name, name_folded, name_sorted, active, body, \
         rev, created_at, updated_at, deleted_at)";

    fn put_in(&self, row: &mut impl Cells) {
        let r = self.0;
        row.put(r.source_id).put(r.id).put(r.kind).put((r.kind == Kind::User).then(|| r.id.to_string()));
        row.put((r.kind == Kind::Group).then(|| GroupId::from(r.id)))
            .put(&r.external_id)
            .put(&r.name)
            .put(fold_case(&r.name))
            .put(sorted(&fold_case(&r.name)));
        row.put(r.active).put(JsonText(&r.body)).put(r.rev).put(r.created_at).put(r.updated_at).put(r.deleted_at);
    }
}

/// Writes what may change of a resource that has a revision still, and its values in place of those before. False when it has another one by now.
///
/// # Errors
/// `Taken` when the name or the external id is another's; then the transaction is to be dropped.
pub async fn update(tx: &mut Tx, r: &Resource, was: i64, values: &[IndexedValue]) -> Result<bool, Error> {
    const SQL: &str = "UPDATE scim_resources SET external_id = $3, name = $4, name_folded = $5, active = $6, body = $7, rev = $8, \
         updated_at = $9, deleted_at = $10, name_sorted = $12 WHERE source_id = $1 AND id = $2 AND rev = $11";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.source_id).bind(r.id).bind(&r.external_id).bind(&r.name).bind(fold_case(&r.name));
        let row = row.bind(r.active).bind(JsonText(&r.body)).bind(r.rev).bind(r.updated_at).bind(r.deleted_at).bind(was);
        let row = row.bind(sorted(&fold_case(&r.name)));
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 {
        return Ok(false);
    }
    delete_values(tx, r.source_id, r.id).await?;
    insert_values(tx, r, values).await?;
    Ok(true)
}

/// Notes that members of a group changed: nothing else of it did.
pub async fn touch(tx: &mut Tx, source: SourceId, id: Uuid, rev: i64, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE scim_resources SET rev = $3, updated_at = $4 WHERE source_id = $1 AND id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(id).bind(rev).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes a resource with its values.
pub async fn delete(tx: &mut Tx, source: SourceId, id: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_resources WHERE source_id = $1 AND id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

async fn delete_values(tx: &mut Tx, source: SourceId, id: Uuid) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_values WHERE source_id = $1 AND id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

async fn insert_values(tx: &mut Tx, r: &Resource, values: &[IndexedValue]) -> Result<(), Error> {
    let rows: Vec<ValueRow<'_>> = (0_i64..).zip(values).map(|(seq, value)| ValueRow { of: r, seq, value }).collect();
    bulk::insert_all(tx, &rows).await
}

/// What a text is sorted by, where that is not the text itself: é stands beside e, and not behind z.
fn sorted(text: &str) -> Option<String> {
    Some(fold(text)).filter(|folded| folded != text)
}

/// A value with the resource it is of.
struct ValueRow<'a> {
    of: &'a Resource,
    seq: i64,
    value: &'a IndexedValue,
}

impl NewRow for ValueRow<'_> {
    const INTO: &'static str = "scim_values (source_id, id, seq, attribute, element, leads, text, number, head, sorted)";

    fn put_in(&self, row: &mut impl Cells) {
        let IndexedValue { attribute, element, leading, text, number, head } = self.value;
        row.put(self.of.source_id).put(self.of.id).put(self.seq).put(attribute).put(*element).put(*leading);
        row.put(text).put(*number).put(head).put(text.as_deref().filter(|_| *leading).and_then(sorted));
    }
}
