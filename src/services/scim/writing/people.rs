//! People of a feed: made, joined to someone known, changed, taken away.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::super::super::sync::state;
use super::super::super::users::facts;
use super::super::change::{Done, Stop};
use super::super::correlate::{self, Meant};
use super::super::error::ScimError;
use super::super::patch::{self, Op};
use super::super::person;
use super::super::resources::standing_in;
use super::super::schema::Kind;
use super::super::shown::Shown;
use super::fresh::Fresh;
use super::named::Named;
use super::plan::{Plan, Said, newcomer};
use super::{Work, indexed, row_kind};
use crate::store::establishment::link::{self, Link};
use crate::store::establishment::member;
use crate::store::establishment::scim_resource::{self, Resource};
use crate::store::establishment::statement::Stated;
use crate::store::establishment::user::{self, DisabledBy, User, UserStatus};
use crate::types::id::UserId;
use crate::types::username::Username;

/// What a body states of a person, and whether it lets them in.
fn stated_by(work: &Work<'_>, body: &Map<String, Value>) -> Result<(Stated, bool), Stop> {
    let facts = person::stated_by(body, work.feed.mapping.as_deref()).map_err(Stop::refused)?;
    Username::parse(&facts.stated.username)
        .map_err(|refused| Stop::refused(ScimError::invalid_value(format!("userName: {}", refused.message))))?;
    Ok((facts.stated, facts.active))
}

/// Someone whom the feed states for the first time, or again.
pub async fn create(work: &mut Work<'_>, body: &Map<String, Value>) -> Result<Done, Stop> {
    let named = Named::of(Kind::User, body)?;
    let (stated, active) = stated_by(work, body)?;
    work.batch.make_room_in(work.tx, work.feed, &named, &stated.username).await?;
    let left = named.free_in(work, Kind::User, None).await?;
    let meant = correlate::meant(work, &named, &stated, left).await?;
    let waited = named.clone();
    let done = match meant {
        Meant::Nobody => fresh(work, named, (stated, active), body),
        Meant::Known(user, by) => join(work, named, (stated, active), body, (*user, by)).await?,
    };
    correlate::settle(work, &waited).await?;
    Ok(done)
}

/// Someone new.
fn fresh(work: &mut Work<'_>, named: Named, (stated, active): (Stated, bool), body: &Map<String, Value>) -> Done {
    let now = work.ctx().now;
    let mut user = User {
        id: UserId::new(),
        username: String::new(),
        given_name: None,
        family_name: None,
        display_name: String::new(),
        email: None,
        locale: None,
        status: if active { UserStatus::Active } else { UserStatus::Disabled },
        disabled_by: (!active).then_some(DisabledBy::Source),
        home_unit: None,
        units: Vec::new(),
        attributes: BTreeMap::new(),
        last_sign_in_at: None,
        created_at: now,
        updated_at: now,
        erased_at: None,
    };
    let units: Vec<String> = stated.units.iter().chain(stated.home_unit.as_ref()).cloned().collect();
    let detail = newcomer(&stated);
    state(&mut user, stated);
    let link = link_of(work, user.id, active);
    correlate::note(work, &user);
    if !units.is_empty() {
        work.batch.units.entry(work.feed.source.id).or_default().extend(units);
    }
    let resource = resource_of(work, user.id, named, active, body);
    work.came(Kind::User, 1);
    work.note("user.stated", ("user", &user.id.to_string()), detail);
    work.batch.touched.insert(user.id);
    // Nobody is in a group before they are there.
    let done = Done::Stored(Box::new(Shown::default().of(work.feed, resource.clone())));
    work.batch.bring(Fresh { user, link, values: indexed(Kind::User, body), resource });
    done
}

/// Someone whom the establishment knows already: stated by this feed before, or by another source.
async fn join(
    work: &mut Work<'_>,
    named: Named,
    (stated, active): (Stated, bool),
    body: &Map<String, Value>,
    (user, by): (User, &'static str),
) -> Result<Done, Stop> {
    let id = user.id;
    let plan = Plan::of(work, user, Said::Here(Box::new(stated), active)).await?;
    work.batch.writes();
    facts::keep_links_in(work.tx, &[link_of(work, id, active)]).await?;
    plan.write(work).await?;
    // The link itself is a fact that rules look at.
    work.batch.touched.insert(id);
    let mut resource = resource_of(work, id, named, active, body);
    let values = indexed(Kind::User, body);
    match scim_resource::find(work.tx, work.source(), row_kind(Kind::User), id.uuid()).await? {
        Some(before) => {
            resource.rev = before.rev + 1;
            scim_resource::update(work.tx, &resource, before.rev, &values).await?;
        }
        None => scim_resource::insert(work.tx, &resource, &values).await?,
    }
    work.came(Kind::User, 1);
    work.note("user.joined", ("user", &id.to_string()), json!({ "source": work.feed.source.name, "by": by }));
    work.shown(Kind::User, resource).await
}

/// All of someone is this from now on.
pub async fn replace(work: &mut Work<'_>, id: &str, body: &Map<String, Value>, rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let body = body.clone();
    change(work, before, body).await
}

/// Some of someone is another.
pub async fn patch(work: &mut Work<'_>, id: &str, ops: &[Op], rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let body = patch::apply(Kind::User, before.body.clone(), ops).map_err(Stop::refused)?;
    change(work, before, body).await
}

async fn standing_at(work: &mut Work<'_>, id: &str, rev: Option<i64>) -> Result<Resource, Stop> {
    let before = standing_in(work.tx, work.feed, Kind::User, id).await?;
    if rev.is_some_and(|rev| rev != before.rev) {
        return Err(Stop::refused(ScimError::stale()));
    }
    Ok(before)
}

async fn change(work: &mut Work<'_>, before: Resource, body: Map<String, Value>) -> Result<Done, Stop> {
    let same = body == before.body;
    if same && before.updated_at > work.feed.source.updated_at {
        return work.shown(Kind::User, before).await;
    }
    let named = Named::of(Kind::User, &body)?;
    let (stated, active) = stated_by(work, &body)?;
    named.free_in(work, Kind::User, Some(before.id)).await?;
    let id = UserId::from(before.id);
    let user = user::get(work.tx, id).await?;
    let plan = Plan::of(work, user, Said::Here(Box::new(stated), active)).await?;
    if same {
        // The same words may mean something else since the feed's mapping changed.
        if !plan.is_idle() {
            plan.write(work).await?;
        }
        return work.shown(Kind::User, before).await;
    }
    work.batch.writes();
    if active != before.active {
        facts::keep_links_in(work.tx, &[link_of(work, id, active)]).await?;
    }
    plan.write(work).await?;
    let (rev, now) = (before.rev + 1, work.ctx().now);
    let Named { name, external_id } = named;
    let values = indexed(Kind::User, &body);
    let after = Resource { name, external_id, active, body, rev, updated_at: now, ..before };
    scim_resource::update(work.tx, &after, rev - 1, &values).await?;
    work.shown(Kind::User, after).await
}

/// The feed states someone no more: they are kept as the source's policy says, and have everything again when they are back.
pub async fn remove(work: &mut Work<'_>, id: &str, rev: Option<i64>) -> Result<Done, Stop> {
    let before = standing_at(work, id, rev).await?;
    let id = UserId::from(before.id);
    let user = user::get(work.tx, id).await?;
    let username = user.username.clone();
    let plan = Plan::of(work, user, Said::Gone).await?;
    work.batch.writes();
    let (source, now) = (work.source(), work.ctx().now);
    facts::mark_gone_in(work.tx, source, id, now).await?;
    plan.write(work).await?;
    member::leave_source(work.tx, source, id, now).await?;
    let (rev, was) = (before.rev + 1, before.rev);
    let after = Resource { active: false, rev, updated_at: now, deleted_at: Some(now), ..before };
    scim_resource::update(work.tx, &after, was, &[]).await?;
    work.came(Kind::User, -1);
    work.batch.touched.insert(id);
    work.note("user.left", ("user", &id.to_string()), json!({ "username": username, "source": work.feed.source.name }));
    Ok(Done::Removed)
}

fn link_of(work: &Work<'_>, user: UserId, active: bool) -> Link {
    Link {
        source_id: work.feed.source.id,
        external_id: user.to_string(),
        user_id: user,
        dn: None,
        place: None,
        content_hash: vec![0; link::HASH_BYTES],
        present: true,
        active,
    }
}

fn resource_of(work: &Work<'_>, id: UserId, named: Named, active: bool, body: &Map<String, Value>) -> Resource {
    let now = work.feed.ctx.now;
    Resource {
        source_id: work.feed.source.id,
        id: id.uuid(),
        kind: row_kind(Kind::User),
        external_id: named.external_id,
        name: named.name,
        active,
        body: body.clone(),
        rev: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    }
}
