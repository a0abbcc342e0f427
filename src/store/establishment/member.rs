//! Single members of groups, put in and taken out one by one, and told beside what they are in. Whole groups are `membership`'s.

use std::collections::BTreeSet;

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::store::dialect::{NARROW_ROWS_PER_INSERT, ROWS_PER_INSERT};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{GroupId, SourceId, UserId};
use crate::types::time::Timestamp;

/// A member as it is told.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MemberRow {
    /// The person or the group.
    pub id: Uuid,
    /// What people read.
    pub display: String,
    /// Whether it is a group.
    #[sqlx(default)]
    pub is_group: bool,
}

/// A group that someone is in.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct GroupOfUser {
    /// The person.
    pub user_id: UserId,
    /// The group.
    pub group_id: GroupId,
    /// Its name.
    pub name: String,
}

/// Direct members of a group: people, then groups, up to a number.
pub async fn list(tx: &mut Tx, group: GroupId, limit: i64) -> Result<Vec<MemberRow>, Error> {
    const PEOPLE: &str = "SELECT u.id, u.display_name AS display FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.group_id = $1 \
         ORDER BY m.user_id LIMIT $2";
    const GROUPS: &str = "SELECT g.id, g.name AS display FROM nestings n JOIN groups g ON g.id = n.child_id WHERE n.parent_id = $1 \
         ORDER BY n.child_id LIMIT $2";
    let mut rows: Vec<MemberRow> = on!(tx, |c| sqlx::query_as(PEOPLE).bind(group).bind(limit).fetch_all(c).await)?;
    let groups: Vec<MemberRow> = on!(tx, |c| sqlx::query_as(GROUPS).bind(group).bind(limit).fetch_all(c).await)?;
    rows.extend(groups.into_iter().map(|row| MemberRow { is_group: true, ..row }));
    Ok(rows)
}

/// The groups of a source that some people are in directly, by person.
pub async fn groups_of_users(tx: &mut Tx, source: SourceId, users: &[UserId]) -> Result<Vec<GroupOfUser>, Error> {
    const HEAD: &str = "SELECT m.user_id, m.group_id, g.name FROM memberships m JOIN groups g ON g.id = m.group_id WHERE g.source_id = ";
    let mut found = Vec::new();
    for chunk in users.chunks(ROWS_PER_INSERT) {
        let rows: Vec<GroupOfUser> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_bind(source).push(" AND m.user_id IN (");
            let mut keys = query.separated(", ");
            for user in chunk {
                keys.push_bind(*user);
            }
            query.push(") ORDER BY m.user_id, g.name");
            query.build_query_as().persistent(chunk.len() == 1).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// How many of some people are in a group directly. Identifiers of others count nothing.
pub async fn count_among(tx: &mut Tx, group: GroupId, ids: &BTreeSet<Uuid>) -> Result<i64, Error> {
    const HEAD: &str = "SELECT count(*) FROM memberships WHERE group_id = ";
    let ids: Vec<Uuid> = ids.iter().copied().collect();
    let mut total = 0;
    for chunk in ids.chunks(ROWS_PER_INSERT) {
        let count: i64 = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_bind(group).push(" AND user_id IN (");
            let mut keys = query.separated(", ");
            for id in chunk {
                keys.push_bind(*id);
            }
            query.push(")");
            query.build_query_scalar().persistent(chunk.len() == 1).fetch_one(c).await
        })?;
        total += count;
    }
    Ok(total)
}

/// How many groups of a source someone is in directly.
pub async fn count_of_user(tx: &mut Tx, source: SourceId, user: UserId) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM memberships m JOIN groups g ON g.id = m.group_id WHERE m.user_id = $2 AND g.source_id = $1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).bind(user).fetch_one(c).await)?)
}

/// Puts people into a group; those already there stay. Answers who came.
pub async fn add(tx: &mut Tx, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let mut came = Vec::new();
    for chunk in users.chunks(NARROW_ROWS_PER_INSERT) {
        let rows: Vec<UserId> = on!(tx, |c| {
            let mut rows = QueryBuilder::new("INSERT INTO memberships (group_id, user_id) ");
            rows.push_values(chunk, |mut row, user| {
                row.push_bind(group).push_bind(*user);
            });
            rows.push(" ON CONFLICT DO NOTHING RETURNING user_id");
            rows.build_query_scalar().persistent(chunk.len() == 1).fetch_all(c).await
        })?;
        came.extend(rows);
    }
    Ok(came)
}

/// Takes people out of a group. Answers who was in it.
pub async fn remove(tx: &mut Tx, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let mut gone = Vec::new();
    for chunk in users.chunks(NARROW_ROWS_PER_INSERT) {
        let rows: Vec<UserId> = on!(tx, |c| {
            let mut query = QueryBuilder::new("DELETE FROM memberships WHERE group_id = ");
            query.push_bind(group).push(" AND user_id IN (");
            let mut keys = query.separated(", ");
            for user in chunk {
                keys.push_bind(*user);
            }
            query.push(") RETURNING user_id");
            query.build_query_scalar().persistent(chunk.len() == 1).fetch_all(c).await
        })?;
        gone.extend(rows);
    }
    Ok(gone)
}

/// Puts a group into a group. False when it is there already.
pub async fn nest(tx: &mut Tx, parent: GroupId, child: GroupId) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO nestings (parent_id, child_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(parent).bind(child).execute(c).await.map(|done| done.rows_affected()))? > 0)
}

/// Takes groups out of a group. Answers how many were in it.
pub async fn unnest(tx: &mut Tx, parent: GroupId, children: &[GroupId]) -> Result<u64, Error> {
    let mut gone = 0;
    for chunk in children.chunks(NARROW_ROWS_PER_INSERT) {
        gone += on!(tx, |c| {
            let mut query = QueryBuilder::new("DELETE FROM nestings WHERE parent_id = ");
            query.push_bind(parent).push(" AND child_id IN (");
            let mut keys = query.separated(", ");
            for child in chunk {
                keys.push_bind(*child);
            }
            query.push(")");
            query.build().persistent(chunk.len() == 1).execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(gone)
}

/// Adds to a group's number of members.
pub async fn count(tx: &mut Tx, group: GroupId, change: i64, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE groups SET member_count = member_count + $2, updated_at = $3 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(group).bind(change).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Everyone in one of some groups, directly or through other groups, once. `UNION` ends cycles.
pub async fn people_inside(tx: &mut Tx, groups: &[GroupId]) -> Result<Vec<UserId>, Error> {
    const HEAD: &str = "WITH RECURSIVE inside (id) AS (SELECT id FROM groups WHERE id IN (";
    const TAIL: &str = ") UNION SELECT n.child_id FROM nestings n JOIN inside i ON n.parent_id = i.id) \
         SELECT DISTINCT m.user_id FROM inside i JOIN memberships m ON m.group_id = i.id";
    let mut found = BTreeSet::new();
    for chunk in groups.chunks(NARROW_ROWS_PER_INSERT) {
        let rows: Vec<UserId> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            let mut keys = query.separated(", ");
            for group in chunk {
                keys.push_bind(*group);
            }
            query.push(TAIL);
            query.build_query_scalar().persistent(chunk.len() == 1).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found.into_iter().collect())
}

/// Counts a group no more among the members of those that it is in: it goes. Those of a feed are another revision then.
pub async fn leave_parents(tx: &mut Tx, group: GroupId, at: Timestamp) -> Result<(), Error> {
    const REVISED: &str =
        "UPDATE scim_resources SET rev = rev + 1, updated_at = $2 WHERE group_id IN (SELECT parent_id FROM nestings WHERE child_id = $1)";
    const SQL: &str = "UPDATE groups SET member_count = member_count - 1 WHERE id IN (SELECT parent_id FROM nestings WHERE child_id = $1)";
    on!(tx, |c| sqlx::query(REVISED).bind(group).bind(at).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(group).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes someone out of every group of a source that is a feed; each of these is another revision then.
pub async fn leave_source(tx: &mut Tx, source: SourceId, user: UserId, at: Timestamp) -> Result<(), Error> {
    const REVISED: &str = "UPDATE scim_resources SET rev = rev + 1, updated_at = $3 WHERE source_id = $1 \
         AND id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = $2)";
    const COUNTED: &str = "UPDATE groups SET member_count = member_count - 1, updated_at = $3 WHERE source_id = $1 \
         AND id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = $2)";
    const SQL: &str = "DELETE FROM memberships WHERE user_id = $2 AND group_id IN (SELECT id FROM groups WHERE source_id = $1)";
    on!(tx, |c| sqlx::query(REVISED).bind(source).bind(user).bind(at).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(COUNTED).bind(source).bind(user).bind(at).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Gives a group another name.
pub async fn rename(tx: &mut Tx, group: GroupId, name: &str, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE groups SET name = $2, search = $3, updated_at = $4 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(group).bind(name).bind(crate::types::fold(name)).bind(at).execute(c).await.map(drop))?;
    Ok(())
}
