//! What becomes of a rule set: scheduled, applied, rolled back, cancelled. Who applies it at its time is another file's work.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::{Context, Gateway};
use super::super::error::Error;
use super::super::roles::{self, Consent, Replaced, RuleFields};
use super::{get_in, kept, record_in, rules_of, word};
use crate::store::establishment::rule;
use crate::store::establishment::rule_set::{self, Foretold, RuleSet, RuleSetState};
use crate::store::registry::job::{self, Kind};
use crate::store::{Tx, notices};
use crate::types::id::RuleSetId;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// A rule set that was applied or rolled back, and what that did.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Applied {
    /// The rule set.
    #[serde(flatten)]
    pub set: RuleSet,
    /// What it did.
    pub changes: Replaced,
}

/// Has a rule set applied by itself at an instant. What is lost then is compared with what is foretold now.
///
/// # Errors
/// `NotFound`; `Invalid` for an instant that is not to come; `Conflict` for one that stands; `Held` when it would take much away and
/// `confirm_losses` is not that number; `Forbidden` as for creating one.
pub async fn schedule(ctx: &Context, name: &str, apply_at: Timestamp, confirm_losses: Option<u64>) -> Result<RuleSet, Error> {
    ctx.require(Permission::ManageRoles)?;
    if apply_at <= ctx.now {
        return Err(Error::invalid("apply_at", "must lie in the future; to apply it now, apply it"));
    }
    let read = super::get(ctx, name).await?;
    let rules = rules_of(&read.rules)?;
    roles::check(ctx, &rules).await?;
    let expected = foretold(ctx, &rules, Consent { foretold: 0, confirmed: confirm_losses }).await?.0;
    ask(&ctx.gateway, ctx.slug(), read.id, apply_at).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, name).await?;
    Error::unless_same(&read, &standing)?;
    refuse(&standing, &[RuleSetState::Applied], "scheduled")?;
    let (state, note) = (RuleSetState::Scheduled, None);
    let set = RuleSet { state, apply_at: Some(apply_at), expected: Some(expected), note, updated_at: ctx.now, ..standing };
    rule_set::update(&mut tx, &set).await?;
    record_in(&mut tx, ctx, "rule_set.scheduled", &set).await?;
    tx.commit().await?;
    Ok(set)
}

/// Applies a rule set now: its rules stand in the place of all others.
///
/// # Errors
/// `NotFound`; `Conflict` for one that stands already; `Held` when it takes much away and `confirm_losses` is not that number; `Forbidden` when
/// a rule that comes or goes gives a role of the gateway that the caller does not hold.
pub async fn apply(ctx: &Context, name: &str, confirm_losses: Option<u64>) -> Result<Applied, Error> {
    ctx.require(Permission::ManageRoles)?;
    let read = super::get(ctx, name).await?;
    apply_as_read(ctx, &read, Consent { foretold: 0, confirmed: confirm_losses }).await
}

/// Applies a rule set as it was read.
///
/// # Errors
/// As for [`apply`], and `Stale` when it is another by now.
pub(super) async fn apply_as_read(ctx: &Context, read: &RuleSet, consent: Consent) -> Result<Applied, Error> {
    let rules = rules_of(&read.rules)?;
    let (_, stays) = foretold(ctx, &rules, consent).await?;
    roles::edges::announce_rules(ctx, &rules).await?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, &read.name).await?;
    Error::unless_same(read, &standing)?;
    refuse(&standing, &[RuleSetState::Applied], "applied")?;
    let changes = roles::replace_in(&mut tx, ctx, &rules, consent, stays).await?;
    let set = RuleSet {
        state: RuleSetState::Applied,
        previous: Some(kept(&changes.before)?),
        note: None,
        applied_at: Some(ctx.now),
        updated_at: ctx.now,
        ..standing
    };
    let applied = ended_in(tx, ctx, "rule_set.applied", set, changes).await?;
    told.hurry(ctx).await;
    Ok(applied)
}

/// Puts the rules back that stood before a rule set was applied.
///
/// # Errors
/// `NotFound`; `Conflict` for one that was not applied, or when rules changed since; `Held` when it takes much away and `confirm_losses` is not
/// that number; `Forbidden` as for [`apply`].
pub async fn roll_back(ctx: &Context, name: &str, confirm_losses: Option<u64>) -> Result<Applied, Error> {
    ctx.require(Permission::ManageRoles)?;
    let read = super::get(ctx, name).await?;
    let (RuleSetState::Applied, Some(previous)) = (read.state, &read.previous) else {
        return Err(Error::Conflict(format!("«{name}» is {}: only a rule set that was applied can be rolled back", word(read.state))));
    };
    let (previous, consent) = (rules_of(previous)?, Consent { foretold: 0, confirmed: confirm_losses });
    let (_, stays) = foretold(ctx, &previous, consent).await?;
    roles::edges::announce_rules(ctx, &previous).await?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, name).await?;
    Error::unless_same(&read, &standing)?;
    let now: Vec<RuleFields> = rule::list(&mut tx).await?.iter().map(RuleFields::from).collect();
    if !same(&now, &rules_of(&standing.rules)?) {
        let next = "what stood before is its `previous`: write another rule set of what you want of both";
        return Err(Error::Conflict(format!("rules changed since «{name}» was applied, and rolling back would lose that: {next}")));
    }
    let changes = roles::replace_in(&mut tx, ctx, &previous, consent, stays).await?;
    let set = RuleSet { state: RuleSetState::RolledBack, updated_at: ctx.now, ..standing };
    let applied = ended_in(tx, ctx, "rule_set.rolled_back", set, changes).await?;
    told.hurry(ctx).await;
    Ok(applied)
}

/// Has a rule set that is scheduled or held not applied.
///
/// # Errors
/// `NotFound`; `Conflict` for one that stands or stood.
pub async fn cancel(ctx: &Context, name: &str) -> Result<RuleSet, Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, name).await?;
    refuse(&standing, &[RuleSetState::Applied, RuleSetState::RolledBack], "cancelled")?;
    let set = RuleSet { state: RuleSetState::Cancelled, apply_at: None, updated_at: ctx.now, ..standing };
    rule_set::update(&mut tx, &set).await?;
    record_in(&mut tx, ctx, "rule_set.cancelled", &set).await?;
    tx.commit().await?;
    Ok(set)
}

/// What these rules would do now, and how many roles would stay.
async fn foretold(ctx: &Context, rules: &[RuleFields], consent: Consent) -> Result<(Foretold, u64), Error> {
    let simulation = roles::simulate(ctx, rules).await?;
    let (stays, lost) = (simulation.unchanged_count, simulation.lost_count);
    roles::refuse_losses(ctx, stays, lost, consent)?;
    Ok((Foretold { gained: simulation.gained_count, lost, accepted_by: ctx.actor.person() }, stays))
}

async fn ended_in(mut tx: Tx, ctx: &Context, action: &str, set: RuleSet, changes: Replaced) -> Result<Applied, Error> {
    rule_set::update(&mut tx, &set).await?;
    let detail = json!({ "name": set.name, "added": changes.added, "removed": changes.removed, "kept": changes.kept,
        "gained": changes.gained, "lost": changes.lost });
    audit::record_in(&mut tx, ctx, action, ("rule_set", &set.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok(Applied { set, changes })
}

fn refuse(set: &RuleSet, states: &[RuleSetState], what: &str) -> Result<(), Error> {
    if states.contains(&set.state) {
        return Err(Error::Conflict(format!("«{}» is {}: it cannot be {what}", set.name, word(set.state))));
    }
    Ok(())
}

/// Whether two lists have the same rules, in whatever order.
fn same(one: &[RuleFields], other: &[RuleFields]) -> bool {
    let mut left: Vec<&RuleFields> = other.iter().collect();
    one.len() == other.len() && one.iter().all(|rule| left.iter().position(|same| *same == rule).map(|at| left.swap_remove(at)).is_some())
}

/// Has a rule set looked at when its time comes, whatever becomes of this process.
pub(super) async fn ask(gateway: &Gateway, slug: &str, id: RuleSetId, apply_at: Timestamp) -> Result<(), Error> {
    let mut registry = gateway.stores.registry().begin().await?;
    job::ask_about(&mut registry, Kind::RuleSet, (slug, &id.to_string()), apply_at).await?;
    notices::announce_jobs(&mut registry, gateway.node.name()).await?;
    Ok(registry.commit().await?)
}
