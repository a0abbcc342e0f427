//! Who is in which group, and which group is in which.

use serde::Serialize;
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::{Engine, NARROW_ROWS_PER_INSERT, PACKED_KEYS_MAX, insert_packed as packed_text, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{GroupId, UserId};
use crate::types::page::{Page, PageRequest};

/// A member of a group, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Member {
    /// The person.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
}

/// A page of a group's people: direct ones, or through other groups too.
pub async fn list_members(tx: &mut Tx, group: GroupId, transitive: bool, page: &PageRequest) -> Result<Page<Member>, Error> {
    const DIRECT: &str = "SELECT u.id, u.username, u.display_name FROM memberships m JOIN users u ON u.id = m.user_id \
         WHERE m.group_id = $1 AND ($2 IS NULL OR u.id > $2) AND ($3 IS NULL OR u.search LIKE $3 ESCAPE '\\') ORDER BY u.id LIMIT $4";
    const DIRECT_COUNT: &str = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id \
         WHERE m.group_id = $1 AND ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\')";
    const ALL: &str = "WITH RECURSIVE inside (id) AS (SELECT $1 UNION SELECT n.child_id FROM nestings n JOIN inside i ON n.parent_id = i.id) \
         SELECT DISTINCT u.id, u.username, u.display_name FROM inside i JOIN memberships m ON m.group_id = i.id \
         JOIN users u ON u.id = m.user_id WHERE ($2 IS NULL OR u.id > $2) AND ($3 IS NULL OR u.search LIKE $3 ESCAPE '\\') \
         ORDER BY u.id LIMIT $4";
    const ALL_COUNT: &str = "WITH RECURSIVE inside (id) AS (SELECT $1 UNION SELECT n.child_id FROM nestings n \
         JOIN inside i ON n.parent_id = i.id) SELECT count(DISTINCT m.user_id) FROM inside i JOIN memberships m ON m.group_id = i.id \
         JOIN users u ON u.id = m.user_id WHERE ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\')";
    let (sql, count) = if transitive { (ALL, ALL_COUNT) } else { (DIRECT, DIRECT_COUNT) };
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| sqlx::query_as(sql).bind(group).bind(page.after).bind(&query).bind(page.limit + 1).fetch_all(c).await)?;
    let total = on!(tx, |c| sqlx::query_scalar(count).bind(group).bind(&query).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |m: &Member| m.id.uuid()))
}

/// Direct members of one group.
pub async fn users_of_group(tx: &mut Tx, group: GroupId) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM memberships WHERE group_id = $1 ORDER BY user_id";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(group).fetch_all(c).await)?)
}

/// Everyone in one group, directly or through other groups.
pub async fn users_below_group(tx: &mut Tx, group: GroupId) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "WITH RECURSIVE inside (id) AS (SELECT $1 UNION SELECT n.child_id FROM nestings n JOIN inside i ON n.parent_id = i.id) \
         SELECT DISTINCT m.user_id FROM inside i JOIN memberships m ON m.group_id = i.id";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(group).fetch_all(c).await)?)
}

/// Groups directly inside one group.
pub async fn children_of_group(tx: &mut Tx, group: GroupId) -> Result<Vec<GroupId>, Error> {
    const SQL: &str = "SELECT child_id FROM nestings WHERE parent_id = $1 ORDER BY child_id";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(group).fetch_all(c).await)?)
}

/// The groups a person is in directly.
pub async fn groups_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<GroupId>, Error> {
    const SQL: &str = "SELECT group_id FROM memberships WHERE user_id = $1 ORDER BY group_id";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).fetch_all(c).await)?)
}

/// Every nesting: (parent, child).
pub async fn list_nestings(tx: &mut Tx) -> Result<Vec<(GroupId, GroupId)>, Error> {
    const SQL: &str = "SELECT parent_id, child_id FROM nestings ORDER BY parent_id, child_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// Nestings of the groups that some people are in, directly or through other groups: (parent, child).
pub async fn list_nestings_above(tx: &mut Tx, users: &[UserId]) -> Result<Vec<(GroupId, GroupId)>, Error> {
    const HEAD: &str = "WITH RECURSIVE held (id) AS (SELECT group_id FROM memberships WHERE user_id IN (";
    const TAIL: &str = ") UNION SELECT n.parent_id FROM nestings n JOIN held h ON n.child_id = h.id) \
         SELECT n.parent_id, n.child_id FROM nestings n JOIN held h ON h.id = n.child_id ORDER BY n.parent_id, n.child_id";
    let mut found: Vec<(GroupId, GroupId)> = bulk::select_in(tx, HEAD, users, TAIL).await?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Adds memberships; those already there stay.
pub async fn insert_all(tx: &mut Tx, pairs: &[(GroupId, UserId)]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO memberships (group_id, user_id) ";
    for chunk in pairs.chunks(NARROW_ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, (group, user)| {
                row.push_bind(*group).push_bind(*user);
            });
            rows.push(" ON CONFLICT DO NOTHING");
            rows.build().persistent(chunk.len() == NARROW_ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Takes one membership away.
pub async fn delete(tx: &mut Tx, group: GroupId, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM memberships WHERE group_id = $1 AND user_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(group).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes a person out of every group. What the next run finds in these is compared again.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const COUNTED: &str = "UPDATE groups SET member_count = member_count - 1, members_hash = $2 \
         WHERE id IN (SELECT group_id FROM memberships WHERE user_id = $1)";
    const SQL: &str = "DELETE FROM memberships WHERE user_id = $1";
    on!(tx, |c| sqlx::query(COUNTED).bind(user).bind(Vec::<u8>::new()).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Adds a nesting; one already there stays.
pub async fn insert_nesting(tx: &mut Tx, parent: GroupId, child: GroupId) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO nestings (parent_id, child_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    on!(tx, |c| sqlx::query(SQL).bind(parent).bind(child).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes a nesting away.
pub async fn delete_nesting(tx: &mut Tx, parent: GroupId, child: GroupId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM nestings WHERE parent_id = $1 AND child_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(parent).bind(child).execute(c).await.map(drop))?;
    Ok(())
}

/// How many memberships groups of a source hold.
pub async fn count_of_source(tx: &mut Tx, source: crate::types::id::SourceId) -> Result<i64, Error> {
    const SQL: &str = "SELECT CAST(coalesce(sum(member_count), 0) AS BIGINT) FROM groups WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_one(c).await)?)
}

/// Puts many people into one group: their keys travel as one value, some ten times cheaper than one bind each.
pub async fn insert_packed(tx: &mut Tx, group: GroupId, users: &[UserId]) -> Result<(), Error> {
    for chunk in users.chunks(PACKED_KEYS_MAX) {
        let packed: Vec<u8> = chunk.iter().flat_map(|user| *user.uuid().as_bytes()).collect();
        let count = i64::try_from(chunk.len()).unwrap_or_default();
        let sql = packed_text(tx.engine());
        on!(tx, |c| sqlx::query(sql).bind(group).bind(packed).bind(count).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Whether anyone is in a group.
pub async fn any(tx: &mut Tx) -> Result<bool, Error> {
    const SQL: &str = "SELECT group_id FROM memberships LIMIT 1";
    let found: Option<GroupId> = on!(tx, |c| sqlx::query_scalar(SQL).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Drops the index of memberships by person, where rows are put into it one by one; [`build_index`] must follow in the same transaction.
pub async fn drop_index(tx: &mut Tx) -> Result<(), Error> {
    const SQL: &str = "DROP INDEX memberships_user";
    if tx.engine() == Engine::Sqlite {
        on!(tx, |c| sqlx::query(SQL).persistent(false).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Builds the index that [`drop_index`] dropped.
pub async fn build_index(tx: &mut Tx) -> Result<(), Error> {
    const SQL: &str = "CREATE INDEX memberships_user ON memberships (user_id)";
    if tx.engine() == Engine::Sqlite {
        on!(tx, |c| sqlx::query(SQL).persistent(false).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Puts people into groups of which nobody is a member yet, some groups at a time.
///
/// # Errors
/// `Taken` when someone is a member already; then the transaction is to be dropped.
pub async fn insert_new(tx: &mut Tx, groups: &[(GroupId, Vec<UserId>)]) -> Result<(), Error> {
    if tx.engine() == Engine::Postgres {
        let pairs: Vec<Pair> = groups.iter().flat_map(|(group, users)| users.iter().map(|user| Pair(*group, *user))).collect();
        return bulk::insert_all(tx, &pairs).await;
    }
    for (group, users) in groups {
        insert_packed(tx, *group, users).await?;
    }
    Ok(())
}

/// One new membership.
struct Pair(GroupId, UserId);

impl NewRow for Pair {
    const INTO: &'static str = "memberships (group_id, user_id)";
    const AT_ONCE: usize = NARROW_ROWS_PER_INSERT;

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.0).put(self.1);
    }
}
