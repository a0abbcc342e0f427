//! Rule sets whose time comes: applied, or held and told to administrators when they would take away more than was foretold.

use super::super::context::{Actor, Context, Gateway};
use super::super::error::Error;
use super::super::mail::{self, HeldRuleSet, Letter};
use super::super::outbox;
use super::super::roles::{self, Consent};
use super::turn::{apply_as_read, ask};
use super::{get_in, record_in, rules_of};
use crate::store::Store;
use crate::store::establishment::rule_set::{self, RuleSet, RuleSetState};
use crate::store::registry::job::{self, Kind};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// Most names in a letter.
const NAMES_MAX: usize = 20;

/// Applies a rule set whose time has come. Answers when it is to be looked at again: never, unless its time was put off.
///
/// # Errors
/// When the store fails, and `Stale` when somebody changed it in this very moment: then it is tried again.
pub async fn apply_due(ctx: &Context, subject: &str) -> Result<Option<Timestamp>, Error> {
    let id = subject.parse().map_err(|_| Error::Internal(format!("a job names «{subject}», which is no rule set")))?;
    let found = rule_set::find(&mut ctx.store.read().await?, id).await?;
    let Some(set) = found.filter(|set| set.state == RuleSetState::Scheduled) else { return Ok(None) };
    match set.apply_at {
        Some(apply_at) if apply_at > ctx.now => return Ok(Some(apply_at)),
        // Where nobody may sign in, nothing is given either: it is looked at again when the establishment is open, by the sweep.
        _ if !ctx.is_open() => return Ok(None),
        _ => {}
    }
    if let Err(why) = still_accepted(ctx, &set).await? {
        return hold(ctx, &set, why).await;
    }
    let consent = Consent { foretold: set.expected.unwrap_or_default().lost, confirmed: None };
    match apply_as_read(ctx, &set, consent).await {
        Ok(applied) => {
            tracing::info!(rule_set = applied.set.name, gained = applied.changes.gained, lost = applied.changes.lost, "rule set applied");
            Ok(None)
        }
        // What makes it impossible stays so until a person does something.
        Err(Error::Held(why) | Error::Conflict(why) | Error::Forbidden(why)) => hold(ctx, &set, why).await,
        Err(invalid @ Error::Invalid(_)) => hold(ctx, &set, invalid.to_string()).await,
        Err(other) => Err(other),
    }
}

/// Whether whoever had it scheduled, or prepared it where that is not known, could still do what it does: they may have left since, or hold
/// less. Answers why not.
async fn still_accepted(ctx: &Context, set: &RuleSet) -> Result<Result<(), String>, Error> {
    let maker = set.created_by.strip_prefix("user:").and_then(|id| id.parse().ok());
    let Some(id) = set.expected.and_then(|foretold| foretold.accepted_by).or(maker) else { return Ok(Ok(())) };
    let acting = Context { actor: Actor::User { id, roles: roles::present_roles(ctx, id).await? }, ..ctx.clone() };
    let checked = match acting.require(Permission::ManageRoles) {
        Ok(()) => roles::check(&acting, &rules_of(&set.rules)?).await,
        refused => refused,
    };
    match checked {
        Err(Error::Forbidden(why)) => Ok(Err(format!("whoever had it scheduled may not have it applied any more: {why}"))),
        // What does not fit any more is told when it is applied.
        Ok(()) | Err(Error::Invalid(_)) => Ok(Ok(())),
        Err(other) => Err(other),
    }
}

async fn hold(ctx: &Context, set: &RuleSet, why: String) -> Result<Option<Timestamp>, Error> {
    let recipients = if ctx.gateway.mailer.is_configured() { mail::administrators(ctx).await? } else { Vec::new() };
    // Of rules that do not fit any more there is nothing to foretell: the letter says why.
    let simulation = roles::simulate(ctx, &rules_of(&set.rules)?).await.unwrap_or_default();
    let letter = Letter::RuleSetHeld(Box::new(HeldRuleSet {
        establishment: ctx.establishment.name.clone(),
        slug: ctx.slug().to_owned(),
        title: set.title.clone(),
        name: set.name.clone(),
        why: why.clone(),
        gained: simulation.gained_count,
        lost: simulation.lost_count,
        names: simulation.lost.iter().take(NAMES_MAX).map(|row| format!("{}: {} {}", row.user.display_name, row.role, row.scope)).collect(),
        others: simulation.lost_count.saturating_sub(NAMES_MAX as u64),
    }));
    let announced = if recipients.is_empty() { None } else { Some(outbox::announce(ctx).await?) };
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, &set.name).await?;
    Error::unless_same(set, &standing)?;
    let held = RuleSet { state: RuleSetState::Held, note: Some(why), updated_at: ctx.now, ..standing };
    rule_set::update(&mut tx, &held).await?;
    record_in(&mut tx, ctx, "rule_set.held", &held).await?;
    for recipient in &recipients {
        mail::write_in(&mut tx, ctx, recipient, &letter, None).await?;
    }
    tx.commit().await?;
    if let Some(announced) = announced {
        announced.hurry(ctx).await;
    }
    tracing::warn!(rule_set = held.name, "a rule set is held, and waits for somebody to decide");
    Ok(None)
}

/// Has rule sets looked at that are scheduled and of which no job knows: an establishment that moved or came from an archive brings them along.
///
/// # Errors
/// When a store fails.
pub async fn plan(gateway: &Gateway, slug: &str, store: &Store, now: Timestamp) -> Result<(), Error> {
    for (id, apply_at) in rule_set::list_scheduled(&mut store.read().await?).await? {
        let known = job::find(&mut gateway.stores.registry().read().await?, Kind::RuleSet, slug, &id.to_string()).await?;
        if known.is_none() {
            ask(gateway, slug, id, apply_at.max(now)).await?;
        }
    }
    Ok(())
}
