//! Rules: listed, made, changed and removed. Every change recomputes everyone in the same transaction.

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::authority::{may_give, may_take, where_it_holds};
use super::compile::{Compiled, RuleFields};
use super::edges;
use super::effects;
use super::own::Own;
use super::place::check_place_of;
use super::recompute::{self, Changed};
use super::save::hold_losses_in;
use super::sourced::check_sources;
use super::window::Window;
use super::work::Work;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::rule::{self, Condition, Rule};
use crate::types::Invalid;
use crate::types::id::RuleId;
use crate::types::permission::{APPLICATION, Bound, GatewayRole, Permission};
use crate::types::time::Timestamp;

/// Most rules of an establishment.
pub const RULES_MAX: usize = 1_000;

/// All rules, by application, priority and age.
pub async fn list(ctx: &Context) -> Result<Vec<Rule>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(rule::list(&mut tx).await?)
}

/// One rule.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: RuleId) -> Result<Rule, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    get_in(&mut tx, id).await
}

async fn get_in(tx: &mut Tx, id: RuleId) -> Result<Rule, Error> {
    rule::find(tx, id).await?.ok_or_else(|| Error::not_found("rule"))
}

/// Adds a rule.
///
/// # Errors
/// `Invalid` when it does not compile, names a role that the catalogue does not have, gives a role of the gateway by groups of any source, says
/// what another says at the same time, or is one too many; `Forbidden` when it would give
/// a role of the gateway that the caller does not hold.
pub async fn create(ctx: &Context, fields: &RuleFields) -> Result<Rule, Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    edges::announce_rules(ctx, std::slice::from_ref(fields)).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = rule::list(&mut tx).await?;
    if standing.len() >= RULES_MAX {
        return Err(Error::Conflict(format!(
            "an establishment has at most {RULES_MAX} rules: write one rule with a capture instead of many"
        )));
    }
    let application = checked_in(&mut tx, ctx, fields).await?;
    let made = fields.made(&application, RuleId::new(), ctx.now);
    refuse_overlap(&standing, &made, ctx.now)?;
    let own = Own::of_gateway_in(&mut tx, ctx).await?;
    rule::insert(&mut tx, &made).await?;
    let changed = recompute_all_in(&mut tx, ctx, own).await?;
    record_in(&mut tx, ctx, "rule.created", &made, changed).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(made)
}

/// Writes a rule anew.
///
/// # Errors
/// As for [`create`], `NotFound`, `Stale` when it is not the rule any more that the caller read, and `Held` when it takes many roles away.
pub async fn update(ctx: &Context, read: &Rule, fields: &RuleFields) -> Result<Rule, Error> {
    update_confirmed(ctx, read, fields, None).await
}

/// The same, where a person accepts that exactly so many roles are taken away.
///
/// # Errors
/// As for [`update`].
pub async fn update_confirmed(ctx: &Context, read: &Rule, fields: &RuleFields, confirm_losses: Option<u64>) -> Result<Rule, Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    edges::announce_rules(ctx, std::slice::from_ref(fields)).await?;
    let mut tx = ctx.store.begin().await?;
    let mut changed_rule = get_in(&mut tx, read.id).await?;
    Error::unless_same(read, &changed_rule)?;
    // What the rule gives today goes away with the change.
    may_take(ctx, &changed_rule.application, &changed_rule.role)?;
    let application = checked_in(&mut tx, ctx, fields).await?;
    changed_rule = Rule { created_at: changed_rule.created_at, ..fields.made(&application, changed_rule.id, ctx.now) };
    refuse_overlap(&rule::list(&mut tx).await?, &changed_rule, ctx.now)?;
    let own = Own::of_gateway_in(&mut tx, ctx).await?;
    rule::update(&mut tx, &changed_rule).await?;
    let changed = recompute_all_in(&mut tx, ctx, own).await?;
    hold_losses_in(&mut tx, ctx, changed.lost, confirm_losses).await?;
    record_in(&mut tx, ctx, "rule.updated", &changed_rule, changed).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(changed_rule)
}

/// Removes a rule, and takes away what it alone gave.
///
/// # Errors
/// `NotFound`, `Forbidden`, and `Held` when it takes many roles away.
pub async fn delete(ctx: &Context, id: RuleId) -> Result<(), Error> {
    delete_confirmed(ctx, id, None).await
}

/// The same, where a person accepts that exactly so many roles are taken away.
///
/// # Errors
/// As for [`delete`].
pub async fn delete_confirmed(ctx: &Context, id: RuleId, confirm_losses: Option<u64>) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut gone = get_in(&mut tx, id).await?;
    may_take(ctx, &gone.application, &gone.role)?;
    // Assignments name their rule: it gives nothing first, and goes when nothing names it any more.
    let own = Own::of_gateway_in(&mut tx, ctx).await?;
    gone.enabled = false;
    rule::update(&mut tx, &gone).await?;
    let changed = recompute_all_in(&mut tx, ctx, own).await?;
    hold_losses_in(&mut tx, ctx, changed.lost, confirm_losses).await?;
    rule::delete(&mut tx, id).await?;
    record_in(&mut tx, ctx, "rule.deleted", &gone, changed).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(())
}

/// Checks a rule against the catalogue of its application and the rights of the caller.
async fn checked_in(tx: &mut Tx, ctx: &Context, fields: &RuleFields) -> Result<Application, Error> {
    let written = fields.clone();
    let compiled = Work::default().piece(move |_| Compiled::new(&written, None)).await?.map_err(Error::Invalid)?;
    let Some(application) = application::find_by_name(tx, &fields.application).await? else {
        return Err(Error::invalid("application", format!("there is no application «{}»: add it first", fields.application)));
    };
    check_role(&application, &compiled).map_err(|invalid| Error::Invalid(vec![invalid]))?;
    if fields.enabled {
        check_sources(&compiled).map_err(Error::Invalid)?;
    }
    may_give(ctx, &application.name, &fields.role, compiled.window.end(ctx.now))?;
    Ok(application)
}

/// Refuses a rule that says the same as another while both count: one of them would be forgotten when the other is changed.
fn refuse_overlap(standing: &[Rule], rule: &Rule, now: Timestamp) -> Result<(), Error> {
    let overlaps = |other: &&Rule| {
        other.id != rule.id && other.enabled && says_the_same(other, rule) && Window::of(other).overlaps(&Window::of(rule), now)
    };
    let Some(other) = standing.iter().filter(|_| rule.enabled).find(overlaps) else { return Ok(()) };
    let place = if rule.valid_from.is_some() {
        "valid_from"
    } else if rule.valid_until.is_some() {
        "valid_until"
    } else {
        "when"
    };
    let why =
        format!("the rule {} says the same and counts at the same time: change that one, or let one end where the other begins", other.id);
    Err(Error::invalid(place, why))
}

/// Whether two rules give the same to the same people, priorities and windows aside.
pub(super) fn says_the_same(one: &Rule, other: &Rule) -> bool {
    gives_the_same(one, other) && holds_with(one, other) && holds_with(other, one)
}

/// Whether two rules give the same role of the same application in the same scope.
pub(super) fn gives_the_same(one: &Rule, other: &Rule) -> bool {
    one.application_id == other.application_id && one.role == other.role && one.scope == other.scope
}

/// Whether one rule holds whenever the other does: it has no condition that the other has not, or has for groups of one source.
pub(super) fn holds_with(one: &Rule, other: &Rule) -> bool {
    let of_any = |condition: &Condition| match (&condition.group, condition.not) {
        (Some(_), false) => Condition { source: None, ..condition.clone() },
        _ => condition.clone(),
    };
    one.conditions.iter().all(|condition| other.conditions.iter().any(|same| same == condition || of_any(same) == *condition))
}

/// A role without captures must be in the catalogue; one with captures is looked up for each person.
pub(super) fn check_role(application: &Application, rule: &Compiled) -> Result<(), Invalid> {
    let known = |name: &str| application.roles.iter().any(|role| role.name == name);
    match rule.role.literal() {
        Some(named) if !known(&named) => {
            let catalogue: Vec<&str> = application.roles.iter().map(|role| role.name.as_str()).collect();
            Err(Invalid::new("role", format!("«{named}» is not a role of {}: {}", application.name, catalogue.join(", "))))
        }
        None if application.name == APPLICATION => {
            Err(Invalid::new("role", format!("a rule of {APPLICATION} names its role in full: captures could give any role")))
        }
        Some(named) if application.name == APPLICATION => check_bound(&named, rule.scope.is_some()),
        Some(named) => application.role(&named).map_or(Ok(()), |role| check_place_of(application, role, rule)),
        None => Ok(()),
    }
}

/// A role of the gateway holds where it can: a rule says where, or leaves it out.
fn check_bound(role: &str, scoped: bool) -> Result<(), Invalid> {
    let Some(role) = GatewayRole::from_name(role) else { return Ok(()) };
    let fits = match role.bound() {
        Bound::Establishment => !scoped,
        Bound::Unit | Bound::Application => scoped,
        Bound::UnitOrEstablishment => true,
    };
    if fits { Ok(()) } else { Err(Invalid::new("scope", where_it_holds(role))) }
}

/// Recomputes everyone, unless what was written since `own` was read changed the actor's own roles in the gateway: then nobody's changes.
pub(super) async fn recompute_all_in(tx: &mut Tx, ctx: &Context, own: Own) -> Result<Changed, Error> {
    let changed = recompute::recompute_all_in(tx, ctx).await?;
    own.unchanged_in(tx).await?;
    Ok(changed)
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, rule: &Rule, changed: Changed) -> Result<(), Error> {
    let detail = json!({ "rule": RuleFields::from(rule), "gained": changed.gained, "lost": changed.lost });
    audit::record_in(tx, ctx, action, ("rule", &rule.id.to_string()), detail).await
}
