//! Who may give which role: nobody more than they hold, and nobody to themselves (SECURITY 24, OME-69). Decides; writes nothing.

use super::super::context::{Context, Subject};
use super::super::error::Error;
use super::super::unit_tree::Tree;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{Assignment, Within};
use crate::store::establishment::user::{self, User};
use crate::types::Invalid;
use crate::types::id::UserId;
use crate::types::permission::{APPLICATION, Bound, Extent, GatewayRole, Held, Permission};
use crate::types::time::Timestamp;

/// Checks that the actor holds a role of the gateway, wherever it may hold, at least until a rule would give it, or for ever. Roles of other
/// applications are free to whoever manages roles.
///
/// # Errors
/// `Forbidden`.
pub fn may_give(ctx: &Context, application: &str, role: &str, until: Option<Timestamp>) -> Result<(), Error> {
    if application != APPLICATION {
        return Ok(());
    }
    // A role that the gateway does not know, `{captures}` among them, is nobody's to give.
    may_hand_on(ctx, role, GatewayRole::from_name(role).map(Held::from), until, None)
}

/// The same of what is taken away.
///
/// # Errors
/// `Forbidden`.
pub fn may_take(ctx: &Context, application: &str, role: &str) -> Result<(), Error> {
    may_give(ctx, application, role, Some(ctx.now))
}

/// The same of one person's role of the gateway, where it holds.
///
/// # Errors
/// `Forbidden`.
pub fn may_take_from(ctx: &Context, person: &User, role: &str, scope: &str) -> Result<(), Error> {
    may_hand_on(ctx, role, wanted(role, scope), Some(ctx.now), Some(person))
}

/// What cannot hold where it was given gives nothing, and is to be taken away by whoever holds it everywhere.
fn wanted(role: &str, scope: &str) -> Option<Held> {
    Held::parse(role, scope).or_else(|| GatewayRole::from_name(role).map(Held::from))
}

/// Checks that the actor may give someone a role until then, or with [`Permission::RevokeAccess`] take it away: in an application that they
/// answer for, in a unit of theirs, or as administrator; a role of the gateway only when they hold it as long and may hand it on.
///
/// # Errors
/// `Forbidden`; `NotFound` for a person whom the actor may not see.
pub fn may_assign(
    ctx: &Context,
    permission: Permission,
    person: &User,
    (application, role, scope): (&Application, &str, &str),
    until: Option<Timestamp>,
) -> Result<(), Error> {
    not_oneself(ctx, person.id)?;
    if application.name != APPLICATION {
        return ctx.require_for(permission, &Subject::Access { person, application, role, scope });
    }
    ctx.require_somewhere(Permission::Delegate)?;
    ctx.require_for(Permission::SeePeople, &Subject::Person(person))?;
    may_hand_on(ctx, role, wanted(role, scope), until, Some(person))
}

fn may_hand_on(ctx: &Context, role: &str, wanted: Option<Held>, until: Option<Timestamp>, person: Option<&User>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return if ctx.actor.may_delegate_all() { Ok(()) } else { Err(too_much(role)) } };
    let wanted = wanted.lasting(until);
    if ctx.actor.may_delegate(&wanted, person) {
        return Ok(());
    }
    // Whoever holds it, and not as long, is told until when they may give it.
    let ends = ctx.actor.held().iter().filter_map(|held| held.until);
    let latest = ends.filter(|end| ctx.actor.may_delegate(&wanted.clone().lasting(Some(*end)), person)).max();
    Err(latest.map_or_else(|| too_much(role), |end| too_long(role, end)))
}

fn too_much(role: &str) -> Error {
    Error::Forbidden(format!("nobody gives or takes away the role «{role}» of {APPLICATION} without holding it: ask someone who does"))
}

fn too_long(role: &str, end: Timestamp) -> Error {
    Error::Forbidden(format!("nobody gives the role «{role}» of {APPLICATION} for longer than they hold it: let it end on {end} or before"))
}

/// Checks that the actor is not the person whose roles change, in person or by a token of theirs.
///
/// # Errors
/// `Forbidden`.
pub fn not_oneself(ctx: &Context, user: UserId) -> Result<(), Error> {
    if ctx.actor.person() == Some(user) {
        return Err(Error::Forbidden("nobody changes their own roles: ask another administrator".to_owned()));
    }
    Ok(())
}

/// What is wrong with where a role of the gateway is to hold: in a unit that is there, for an application that is there, or everywhere.
pub async fn check_extent_in(tx: &mut Tx, tree: &Tree, field: &str, (role, scope): (&str, &str)) -> Result<Option<Invalid>, Error> {
    let Some(known) = GatewayRole::from_name(role) else { return Ok(None) };
    let wrong = |why: String| Ok(Some(Invalid::new(field, why)));
    let (name, service) = match Extent::of(known, scope) {
        None => return wrong(where_it_holds(known)),
        Some(Extent::Everywhere) => return Ok(None),
        Some(Extent::Unit { top, .. }) => return Ok(tree.check(field, &top).err()),
        Some(Extent::Application(name)) => (name, None),
        Some(Extent::Service { application, service }) => (application, Some(service)),
    };
    let Some(found) = application::find_by_name(tx, &name).await? else { return wrong(format!("there is no application «{name}»")) };
    match service {
        Some(service) if !found.services.iter().any(|known| known.name == service) => {
            let known: Vec<&str> = found.services.iter().map(|known| known.name.as_str()).collect();
            wrong(format!("«{service}» is not a service of {name}: {}", known.join(", ")))
        }
        _ => Ok(None),
    }
}

/// What whoever gives a role of the gateway is told of its scope.
pub fn where_it_holds(role: GatewayRole) -> String {
    let name = role.name();
    match role.bound() {
        Bound::Establishment => format!("the role {name} holds in the whole establishment: leave the scope out"),
        Bound::Unit => format!("the role {name} holds in a unit: name it"),
        Bound::UnitOrEstablishment => format!("the role {name} holds in a unit, or everywhere: name one, or leave it out"),
        Bound::Application => {
            format!("the role {name} holds for an application other than {APPLICATION}, or for `application/service`: name it")
        }
    }
}

/// Which assignments the actor may see: all when none is said.
///
/// # Errors
/// `Forbidden`.
pub fn seen(ctx: &Context) -> Result<Option<Within>, Error> {
    if ctx.actor.may(Permission::Read) {
        return ctx.require(Permission::Read).map(|()| None);
    }
    if !ctx.actor.may_somewhere(Permission::ValidateAccess) {
        return ctx.require(Permission::Read).map(|()| None);
    }
    ctx.require_somewhere(Permission::ValidateAccess)?;
    let mut within = Within::default();
    for held in ctx.actor.held().iter().filter(|held| held.role.gives(Permission::ValidateAccess)) {
        match &held.extent {
            Extent::Everywhere => return Ok(None),
            Extent::Unit { all, .. } => within.units.extend(all.iter().cloned()),
            Extent::Application(name) => within.applications.push(name.clone()),
            Extent::Service { application, service } => within.services.push((application.clone(), service.clone())),
        }
    }
    Ok(Some(within))
}

/// One assignment, if the actor may see it.
///
/// # Errors
/// `NotFound`, also for what the actor may not see.
pub async fn seen_in(tx: &mut Tx, within: Option<&Within>, found: Option<Assignment>) -> Result<Assignment, Error> {
    let gone = || Error::not_found("assignment");
    let found = found.ok_or_else(gone)?;
    let Some(within) = within else { return Ok(found) };
    let lies_within = lies_within(tx, within, found.user_id, (&found.application, &found.scope)).await?;
    if lies_within { Ok(found) } else { Err(gone()) }
}

/// Whether a role of someone lies within what the actor may see.
pub async fn lies_within(tx: &mut Tx, within: &Within, user: UserId, (application, scope): (&str, &str)) -> Result<bool, Error> {
    if within.answers(application, scope) {
        return Ok(true);
    }
    Ok(user::find(tx, user).await?.is_some_and(|person| within.administers(person.home_unit.as_deref())))
}
