//! Groups of a feed: made, renamed, removed. Their members are `membership`'s.

use serde_json::{Map, Value, json};

use super::super::super::users::facts;
use super::super::change::{Done, Stop};
use super::super::error::ScimError;
use super::super::guard::{self, Taking};
use super::super::members::{self, MemberOp, MemberRef, split_members};
use super::super::patch::{self, Op};
use super::super::resources::standing_in;
use super::super::schema::Kind;
use super::membership::Members;
use super::named::Named;
use super::{Work, indexed, row_kind};
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::member;
use crate::store::establishment::scim_resource::{self, Resource};
use crate::store::establishment::source_state::Taken;
use crate::types::id::{GroupId, UserId};

/// A new group with its members.
pub async fn create(work: &mut Work<'_>, body: &Map<String, Value>) -> Result<Done, Stop> {
    let mut body = body.clone();
    let wanted = members::take(&mut body).map_err(Stop::refused)?.unwrap_or_default();
    let named = Named::of(Kind::Group, &body)?;
    named.free_in(work, Kind::Group, None).await?;
    let id = GroupId::new();
    let mut changes = Members::of(work, id, 0, &[MemberOp::Add(wanted)]).await?;
    let now = work.ctx().now;
    work.batch.writes();
    facts::keep_groups_in(work.tx, &[row(work, id, &named.name)]).await?;
    let resource = Resource {
        source_id: work.source(),
        id: id.uuid(),
        kind: row_kind(Kind::Group),
        external_id: named.external_id,
        name: named.name,
        active: true,
        body,
        rev: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    scim_resource::insert(work.tx, &resource, &indexed(Kind::Group, &resource.body)).await?;
    changes.write(work).await?;
    work.came(Kind::Group, 1);
    work.note("group.created", ("group", &id.to_string()), json!({ "name": resource.name, "members": changes.told() }));
    work.shown(Kind::Group, resource).await
}

/// All of a group is this from now on; without members it has none.
pub async fn replace(work: &mut Work<'_>, id: &str, body: &Map<String, Value>, rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let mut body = body.clone();
    let wanted: Vec<MemberRef> = members::take(&mut body).map_err(Stop::refused)?.unwrap_or_default();
    change(work, before, body, &[MemberOp::Replace(wanted)]).await
}

/// Some of a group is another. Members come and go one by one: the others are not read.
pub async fn patch(work: &mut Work<'_>, id: &str, ops: &[Op], rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let (rest, member_ops) = split_members(ops).map_err(Stop::refused)?;
    let body = patch::apply(Kind::Group, before.body.clone(), &rest).map_err(Stop::refused)?;
    change(work, before, body, &member_ops).await
}

async fn standing_at(work: &mut Work<'_>, id: &str, rev: Option<i64>) -> Result<Resource, Stop> {
    let before = standing_in(work.tx, work.feed, Kind::Group, id).await?;
    if rev.is_some_and(|rev| rev != before.rev) {
        return Err(Stop::refused(ScimError::stale()));
    }
    Ok(before)
}

async fn change(work: &mut Work<'_>, before: Resource, body: Map<String, Value>, ops: &[MemberOp]) -> Result<Done, Stop> {
    let id = GroupId::from(before.id);
    let count = count_of(work, id, ops).await?;
    let mut changes = Members::of(work, id, count, ops).await?;
    let named = Named::of(Kind::Group, &body)?;
    let (same_body, renamed) = (body == before.body, named.name != before.name);
    if same_body && changes.is_empty() {
        return work.shown(Kind::Group, before).await;
    }
    if !same_body {
        named.free_in(work, Kind::Group, Some(before.id)).await?;
    }
    // Rules look at groups by name: whoever is in it may gain and lose by the new one.
    let inside = if renamed { member::people_inside(work.tx, &[id]).await? } else { Vec::new() };
    let taking = if renamed {
        Taking::name(before.id, &before.name, changes.leaving().max(inside.len() as u64))
    } else {
        Taking::members(before.id, &before.name, changes.leaving())
    };
    guard::look(work, &taking).await?;
    work.batch.writes();
    changes.write(work).await?;
    // Whoever was in it already, and whoever was not, makes no new version (RFC 7644 §3.5.2.1).
    if same_body && !changes.changed() {
        return work.shown(Kind::Group, before).await;
    }
    let (rev, now) = (before.rev + 1, work.ctx().now);
    let mut after = Resource { rev, updated_at: now, ..before.clone() };
    if same_body {
        scim_resource::touch(work.tx, work.source(), before.id, rev, now).await?;
    } else {
        after = Resource { name: named.name, external_id: named.external_id, body, ..after };
        scim_resource::update(work.tx, &after, before.rev, &indexed(Kind::Group, &after.body)).await?;
    }
    if renamed {
        member::rename(work.tx, id, &after.name, now).await?;
    }
    guard::count(work, guard::memberships(changes.taken().max(inside.len() as u64))).await?;
    work.batch.touched.extend(inside);
    let mut detail = changes.told();
    if renamed && let Value::Object(detail) = &mut detail {
        detail.insert("name".to_owned(), json!({ "before": before.name, "after": after.name }));
    }
    work.note("group.updated", ("group", &id.to_string()), detail);
    work.shown(Kind::Group, after).await
}

/// How many members a group has, where that matters.
async fn count_of(work: &mut Work<'_>, id: GroupId, ops: &[MemberOp]) -> Result<i64, Stop> {
    let all = ops.iter().any(|op| matches!(op, MemberOp::RemoveAll | MemberOp::Replace(_)));
    Ok(if all { group::find(work.tx, id).await?.map_or(0, |group| group.member_count) } else { 0 })
}

/// A group goes, with its memberships.
pub async fn remove(work: &mut Work<'_>, id: &str, rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let id = GroupId::from(before.id);
    let inside: Vec<UserId> = member::people_inside(work.tx, &[id]).await?;
    let direct = group::find(work.tx, id).await?.map_or(0, |group| group.member_count).unsigned_abs();
    let members = direct.max(inside.len() as u64);
    guard::look(work, &Taking::group(before.id, &before.name, members)).await?;
    work.batch.writes();
    member::leave_parents(work.tx, id, work.feed.ctx.now).await?;
    // The resource goes with the group.
    facts::remove_group_in(work.tx, id).await?;
    guard::count(work, Taken { people: 0, groups: 1, memberships: members }).await?;
    work.came(Kind::Group, -1);
    work.batch.touched.extend(inside);
    work.note("group.deleted", ("group", &id.to_string()), json!({ "name": before.name, "members": members }));
    Ok(Done::Removed)
}

fn row(work: &Work<'_>, id: GroupId, name: &str) -> Group {
    let external_id = Some(id.to_string());
    Group { source_id: Some(work.feed.source.id), external_id, ..Group::new(id, name, work.feed.ctx.now) }
}
