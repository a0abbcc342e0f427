//! What someone holds now: rules, default roles and what was given by hand, as one.

use std::sync::Arc;

use super::super::context::{Context, PlatformContext};
use super::super::error::Error;
use super::super::unit_tree::Tree;
use super::decide::Catalogue;
use crate::store::Tx;
use crate::store::establishment::application;
use crate::store::establishment::assignment::{self, Assignment, Origin, Standing};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::id::{ApplicationId, UserId};
use crate::types::permission::{APPLICATION, Extent, GatewayRole, Held};
use crate::types::time::Timestamp;

/// One role that someone holds now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldRole {
    /// The role.
    pub role: String,
    /// Where it holds; everywhere when absent.
    pub scope: Option<String>,
    /// Until when; for ever when absent.
    pub until: Option<Timestamp>,
}

/// What someone holds now in an application, strongest first; nothing for whoever is not active.
pub async fn held_in(tx: &mut Tx, ctx: &Context, user: &User, id: ApplicationId) -> Result<Vec<HeldRole>, Error> {
    if user.status != UserStatus::Active {
        return Ok(Vec::new());
    }
    let Some(application) = application::find(tx, id).await? else { return Ok(Vec::new()) };
    let assignments = assignment::list_held(tx, user.id, id, ctx.now).await?;
    let counting = counting(&Catalogue::from(&application), assignments);
    let mut held: Vec<HeldRole> = Vec::new();
    for assignment in counting {
        let scope = Some(assignment.scope).filter(|scope| !scope.is_empty());
        // The same role in the same scope by rule and by hand is held until the later end.
        match held.iter_mut().find(|h| h.role == assignment.role && h.scope == scope) {
            Some(known) => known.until = known.until.zip(assignment.valid_until).map(|(one, other)| one.max(other)),
            None => held.push(HeldRole { role: assignment.role, scope, until: assignment.valid_until }),
        }
    }
    Ok(held)
}

/// What someone holds now in every application, by its name.
pub async fn all_held_in(tx: &mut Tx, ctx: &Context, user: &User) -> Result<Vec<(String, HeldRole)>, Error> {
    let mut held = Vec::new();
    for application in application::list(tx).await? {
        let here = held_in(tx, ctx, user, application.id).await?;
        held.extend(here.into_iter().map(|role| (application.name.clone(), role)));
    }
    Ok(held)
}

/// What decides whether an assignment counts.
pub trait Holding {
    /// The role.
    fn role(&self) -> &str;
    /// Where it holds; empty is everywhere.
    fn scope(&self) -> &str;
    /// Where it comes from.
    fn origin(&self) -> Origin;
}

impl Holding for Assignment {
    fn role(&self) -> &str {
        &self.role
    }
    fn scope(&self) -> &str {
        &self.scope
    }
    fn origin(&self) -> Origin {
        self.origin
    }
}

impl Holding for &Standing {
    fn role(&self) -> &str {
        &self.role
    }
    fn scope(&self) -> &str {
        &self.scope
    }
    fn origin(&self) -> Origin {
        self.origin
    }
}

/// Of assignments that hold now in one application, those that count: admitted by the catalogue, within the cardinality, and the default role
/// only when there is nothing else.
pub fn counting<T: Holding>(catalogue: &Catalogue, assignments: Vec<T>) -> Vec<T> {
    let mut known: Vec<T> = assignments.into_iter().filter(|a| catalogue.admits(a.role(), a.scope())).collect();
    if known.iter().any(|a| a.origin() != Origin::Default) {
        known.retain(|a| a.origin() != Origin::Default);
    }
    let winners: Vec<(String, String)> = {
        let pairs = known.iter().map(|a| (a.role().to_owned(), a.scope().to_owned())).collect::<std::collections::BTreeSet<_>>();
        let key = |pair: &(String, String)| (catalogue.rank(&pair.0), pair.1.clone());
        catalogue.keep(pairs.into_iter().collect(), key, |pair| pair.1.as_str())
    };
    known.retain(|a| winners.iter().any(|(role, scope)| role == a.role() && scope == a.scope()));
    known.sort_by_key(|a| (catalogue.rank(a.role()), a.scope().to_owned()));
    known
}

/// Someone's roles in the gateway itself, each where it holds.
pub async fn gateway_roles_in(tx: &mut Tx, ctx: &Context, user: &User) -> Result<Vec<Held>, Error> {
    let Some(own) = application::find_by_name(tx, APPLICATION).await? else { return Ok(Vec::new()) };
    let held = held_in(tx, ctx, user, own.id).await?;
    // A role where it cannot hold gives nothing: an administrator of a unit is none of the establishment.
    let roles = held.iter().filter_map(|h| Some(Held::parse(&h.role, h.scope.as_deref().unwrap_or_default())?.lasting(h.until)));
    // Operators are the platform's, whatever an establishment's store says.
    let roles = roles.filter(|held| ctx.is_platform() || held.role != GatewayRole::Operator).collect();
    with_units_below_in(tx, roles).await
}

/// The roles of the gateway that a person holds now, as operators do who are found on the platform: none for whoever is gone or not active.
///
/// # Errors
/// When a store fails.
pub async fn present_roles(ctx: &Context, person: UserId) -> Result<Vec<Held>, Error> {
    let platform = PlatformContext::open(&ctx.gateway, ctx.actor.clone(), ctx.now).await?.context().clone();
    for place in [ctx.clone(), platform] {
        let mut tx = place.store.read().await?;
        if let Some(person) = user::find(&mut tx, person).await? {
            return gateway_roles_in(&mut tx, &place, &person).await;
        }
    }
    Ok(Vec::new())
}

/// Roles of the gateway with what lies in their reach now: a role in a unit holds in those below it too.
pub async fn with_units_below_in(tx: &mut Tx, mut roles: Vec<Held>) -> Result<Vec<Held>, Error> {
    if roles.iter().all(|held| !matches!(held.extent, Extent::Unit { .. })) {
        return Ok(roles);
    }
    let tree = Tree::load(tx).await?;
    for held in &mut roles {
        if let Extent::Unit { top, all } = &mut held.extent {
            let below = tree.within(top).into_iter().map(str::to_owned);
            *all = Arc::new(below.chain([top.clone()]).collect());
        }
    }
    Ok(roles)
}
