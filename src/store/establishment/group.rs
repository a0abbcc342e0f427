//! Groups as sources state them.

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::store::bulk;
use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{GroupId, SourceId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// How rules name the source of groups that no source states: the establishment's own. No source bears this name.
pub const LOCAL: &str = "local";

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Group {
    /// Key.
    pub id: GroupId,
    /// The source it comes from; none when made by hand.
    #[serde(skip)]
    pub source_id: Option<SourceId>,
    /// The source's immutable key.
    pub external_id: Option<String>,
    /// Its name in the source.
    pub name: String,
    /// What people read, when the source has it.
    pub display_name: Option<String>,
    /// Where the entry lies, as read.
    pub dn: Option<String>,
    /// The same, normalised: what rules look at.
    #[serde(skip)]
    pub dn_key: Option<String>,
    /// Digest of the same: other groups name it by it.
    #[serde(skip)]
    pub place: Option<Vec<u8>>,
    /// Digests of members that name nobody yet, sixteen bytes each, in order.
    #[serde(skip)]
    pub dangling: Option<Vec<u8>>,
    /// Hash of the record without its members.
    #[serde(skip)]
    pub content_hash: Vec<u8>,
    /// Hash of the resolved direct members.
    #[serde(skip)]
    pub members_hash: Vec<u8>,
    /// Direct members: people and groups.
    pub member_count: i64,
    /// When the gateway first knew it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Group {
    /// An empty group of nobody's.
    pub fn new(id: GroupId, name: &str, at: Timestamp) -> Self {
        Self {
            id,
            source_id: None,
            external_id: None,
            name: name.to_owned(),
            display_name: None,
            dn: None,
            dn_key: None,
            place: None,
            dangling: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            created_at: at,
            updated_at: at,
        }
    }
}

/// A group that someone is in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Above {
    /// The person.
    pub user_id: crate::types::id::UserId,
    /// The group.
    pub id: GroupId,
    /// Its name in the source.
    pub name: String,
    /// What people read, when the source has it.
    pub display_name: Option<String>,
}

/// What a list of groups may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact name.
    pub name: Option<String>,
    /// The source.
    pub source_id: Option<SourceId>,
    /// Exact external id.
    pub external_id: Option<String>,
    /// Exact display name.
    pub display_name: Option<String>,
    /// Exact distinguished name, as the source writes it.
    pub dn: Option<String>,
}

/// One group by key.
pub async fn find(tx: &mut Tx, id: GroupId) -> Result<Option<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of groups, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') \
         AND ($3 IS NULL OR name = $3) AND ($4 IS NULL OR source_id = $4) AND ($5 IS NULL OR external_id = $5) \
         AND ($6 IS NULL OR display_name = $6) AND ($7 IS NULL OR dn = $7) ORDER BY id LIMIT $8";
    const COUNT: &str = "SELECT count(*) FROM groups WHERE ($1 IS NULL OR search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR name = $2) \
         AND ($3 IS NULL OR source_id = $3) AND ($4 IS NULL OR external_id = $4) \
         AND ($5 IS NULL OR display_name = $5) AND ($6 IS NULL OR dn = $6)";
    let query = page.query.as_deref().map(like_part);
    let Filter { name, source_id, external_id, display_name, dn } = filter;
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(name).bind(source_id).bind(external_id);
        listed.bind(display_name).bind(dn).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(name).bind(source_id).bind(external_id);
        counted.bind(display_name).bind(dn).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |g: &Group| g.id.uuid()))
}

/// Every group, by key: small beside people, and what rules are compiled against.
pub async fn list_all(tx: &mut Tx) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// Every group of a source.
pub async fn list_of_source(tx: &mut Tx, source: SourceId) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE source_id = $1 ORDER BY external_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_all(c).await)?)
}

/// Some groups of a source by external id.
pub async fn list_by_keys(tx: &mut Tx, source: SourceId, keys: &[String]) -> Result<Vec<Group>, Error> {
    const HEAD: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND external_id IN ("), keys, ")").await
}

/// The groups of a source that stand at some places: place and group.
pub async fn list_at(tx: &mut Tx, source: SourceId, places: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, GroupId)>, Error> {
    const HEAD: &str = "SELECT place, id FROM groups WHERE source_id = ";
    bulk::select_in_source(tx, (HEAD, source, " AND place IN ("), places, ")").await
}

/// The groups of a source with members that name nobody yet.
pub async fn list_dangling(tx: &mut Tx, source: SourceId) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE source_id = $1 AND dangling IS NOT NULL ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_all(c).await)?)
}

/// The groups of a source that one person is in directly.
pub async fn list_of_member(tx: &mut Tx, source: SourceId, user: crate::types::id::UserId) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE source_id = $1 \
         AND id IN (SELECT group_id FROM memberships WHERE user_id = $2) ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(user).fetch_all(c).await)?)
}

/// The groups of a source that hold one group directly.
pub async fn list_of_child(tx: &mut Tx, source: SourceId, child: GroupId) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT id, source_id, external_id, name, display_name, dn, dn_key, place, dangling, content_hash, members_hash, \
         member_count, created_at, updated_at FROM groups WHERE source_id = $1 \
         AND id IN (SELECT parent_id FROM nestings WHERE child_id = $2) ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(child).fetch_all(c).await)?)
}

/// How many groups a source has.
pub async fn count_of_source(tx: &mut Tx, source: SourceId) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM groups WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_one(c).await)?)
}

/// The groups a person is in directly, by name.
pub async fn list_direct_of_user(tx: &mut Tx, user: crate::types::id::UserId) -> Result<Vec<Group>, Error> {
    const SQL: &str = "SELECT g.id, g.source_id, g.external_id, g.name, g.display_name, g.dn, g.dn_key, g.place, g.dangling, g.content_hash, \
         g.members_hash, g.member_count, g.created_at, g.updated_at FROM memberships m JOIN groups g ON g.id = m.group_id WHERE m.user_id = $1 \
         ORDER BY g.name, g.id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Names of the groups a person is in, directly or through other groups, by name. `UNION` ends cycles.
pub async fn effective_names_of_user(tx: &mut Tx, user: crate::types::id::UserId) -> Result<Vec<String>, Error> {
    const SQL: &str = "WITH RECURSIVE held (id) AS (SELECT group_id FROM memberships WHERE user_id = $1 \
         UNION SELECT n.parent_id FROM nestings n JOIN held h ON n.child_id = h.id) \
         SELECT DISTINCT g.name FROM held h JOIN groups g ON g.id = h.id ORDER BY g.name LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// The groups that some people are in, directly or through other groups, by key. `UNION` ends cycles.
pub async fn list_above(tx: &mut Tx, users: &[crate::types::id::UserId]) -> Result<Vec<Group>, Error> {
    const HEAD: &str = "WITH RECURSIVE held (id) AS (SELECT group_id FROM memberships WHERE user_id IN (";
    const TAIL: &str = ") UNION SELECT n.parent_id FROM nestings n JOIN held h ON n.child_id = h.id) SELECT g.id, g.source_id, g.external_id, \
         g.name, g.display_name, g.dn, g.dn_key, g.place, g.dangling, g.content_hash, g.members_hash, g.member_count, g.created_at, \
         g.updated_at FROM groups g JOIN held h ON h.id = g.id ORDER BY g.id";
    let mut found: Vec<Group> = bulk::select_in(tx, HEAD, users, TAIL).await?;
    found.sort_by_key(|group| group.id);
    found.dedup_by_key(|group| group.id);
    Ok(found)
}

/// Which groups each of some people is in, directly or through other groups: person, group and its names. `UNION` ends cycles.
pub async fn list_above_each(tx: &mut Tx, users: &[crate::types::id::UserId]) -> Result<Vec<Above>, Error> {
    const HEAD: &str = "WITH RECURSIVE held (user_id, id) AS (SELECT user_id, group_id FROM memberships WHERE user_id IN (";
    const TAIL: &str = ") UNION SELECT h.user_id, n.parent_id FROM nestings n JOIN held h ON n.child_id = h.id) \
         SELECT h.user_id, g.id, g.name, g.display_name FROM held h JOIN groups g ON g.id = h.id ORDER BY h.user_id, g.id";
    bulk::select_in(tx, HEAD, users, TAIL).await
}

/// Writes groups, new ones and changed ones.
pub async fn upsert_all(tx: &mut Tx, groups: &[Group]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO groups (id, source_id, external_id, name, display_name, dn, dn_key, search, content_hash, members_hash, \
         member_count, created_at, updated_at, place, dangling) ";
    const TAIL: &str = " ON CONFLICT (id) DO UPDATE SET name = excluded.name, display_name = excluded.display_name, dn = excluded.dn, \
         dn_key = excluded.dn_key, search = excluded.search, content_hash = excluded.content_hash, \
         members_hash = excluded.members_hash, member_count = excluded.member_count, updated_at = excluded.updated_at, \
         place = excluded.place, dangling = excluded.dangling";
    for chunk in groups.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, g| {
                let search = fold(&format!("{} {}", g.name, g.display_name.as_deref().unwrap_or_default()));
                row.push_bind(g.id).push_bind(g.source_id).push_bind(&g.external_id).push_bind(&g.name).push_bind(&g.display_name);
                row.push_bind(&g.dn).push_bind(&g.dn_key).push_bind(search).push_bind(&g.content_hash).push_bind(&g.members_hash);
                row.push_bind(g.member_count).push_bind(g.created_at).push_bind(g.updated_at).push_bind(&g.place).push_bind(&g.dangling);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Removes a group with its memberships and nestings.
pub async fn delete(tx: &mut Tx, id: GroupId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM groups WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Makes some groups of a source the establishment's own: nobody states them any more. Answers how many.
pub async fn detach(tx: &mut Tx, source: SourceId, limit: i64) -> Result<u64, Error> {
    const SQL: &str =
        "UPDATE groups SET source_id = NULL, external_id = NULL WHERE id IN (SELECT id FROM groups WHERE source_id = $1 LIMIT $2)";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).bind(limit).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Removes some groups of a source with their memberships and nestings. Answers how many.
pub async fn delete_some_of_source(tx: &mut Tx, source: SourceId, limit: i64) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM groups WHERE id IN (SELECT id FROM groups WHERE source_id = $1 LIMIT $2)";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).bind(limit).execute(c).await.map(|d| d.rows_affected()))?)
}
