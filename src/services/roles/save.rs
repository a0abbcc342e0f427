//! Saving what was simulated: a whole set of rules in the place of those that stand, when nothing came between, and not without a person's word
//! when it takes much away.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::authority::{may_give, may_take};
use super::compile::Compiled;
use super::edges;
use super::effects;
use super::fields::RuleFields;
use super::own::{Own, own_stay_in};
use super::recompute::Changed;
use super::rules::recompute_all_in;
use super::simulate::{checked_number, compiled, simulate, with_keys};
use super::window::Window;
use super::work::Work;
use crate::config::Limits;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Filter};
use crate::store::establishment::rule::{self, Rule};
use crate::types::id::RuleId;
use crate::types::page::PageRequest;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// Bytes of a hash that are enough to tell simulations apart.
const STAMP_BYTES: usize = 16;
/// So few roles are taken away without a question, whatever share they are.
const FEW: u64 = 10;

/// What applying a set of rules did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Replaced {
    /// Rules that are new.
    pub added: u64,
    /// Rules that went.
    pub removed: u64,
    /// Rules that stayed as they were.
    pub kept: u64,
    /// Roles that were given.
    pub gained: u64,
    /// Roles that were taken away.
    pub lost: u64,
    /// The rules that stood before.
    #[serde(skip)]
    pub before: Vec<RuleFields>,
}

/// How much may be taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// So many were foretold before, and accepted then.
    pub foretold: u64,
    /// A person accepts that exactly so many are taken away.
    pub confirmed: Option<u64>,
}

/// What a simulation is told apart by: the rules and catalogues that stand, and the rules that were tried.
pub(super) fn stamp(stored: &[Rule], applications: &[Application], proposed: &[RuleFields]) -> Result<String, Error> {
    let catalogues: Vec<Value> =
        applications.iter().map(|a| json!([a.id, a.name, a.cardinality, a.default_role, a.scope_kind, a.roles])).collect();
    let text = serde_json::to_vec(&json!([stored, catalogues, proposed]));
    let text = text.map_err(|e| Error::Internal(format!("rules are always JSON, and are not: {e}")))?;
    let hash = digest(&SHA256, &text);
    Ok(BASE64_URL_SAFE_NO_PAD.encode(hash.as_ref().get(..STAMP_BYTES).unwrap_or_default()))
}

/// Why so many roles may not be taken away without a person's word; none when they may.
pub fn objection(limits: &Limits, held: u64, lost: u64, consent: Consent) -> Option<String> {
    let beyond = lost.saturating_sub(consent.foretold);
    if consent.confirmed == Some(lost) || beyond <= FEW {
        return None;
    }
    let (count_max, percent_max) = (u64::from(limits.role_losses_max), u64::from(limits.role_losses_max_percent));
    if beyond <= count_max && beyond * 100 <= held * percent_max {
        return None;
    }
    let foretold = if consent.foretold > 0 { format!(", where {} were foretold", consent.foretold) } else { String::new() };
    Some(format!(
        "it would take away {lost} of {held} roles{foretold} (limits: {count_max} roles, {percent_max} %). Nothing was changed: look at who \
         loses what, then confirm by naming the number: confirm_losses = {lost}"
    ))
}

/// Puts these rules in the place of all those that stand, as the simulation told that is named.
///
/// # Errors
/// As for [`simulate`]; `Conflict` when it is not what was simulated any more; `Held` when it takes much away and `confirm_losses` is not that
/// number; `Forbidden` when a rule that comes or goes gives a role of the gateway that the caller does not hold.
pub async fn apply(ctx: &Context, rules: &[RuleFields], simulation: &str, confirm_losses: Option<u64>) -> Result<Replaced, Error> {
    ctx.require(Permission::ManageRoles)?;
    let foretold = simulate(ctx, rules).await?;
    if foretold.simulation.as_deref() != Some(simulation) {
        return Err(changed_meanwhile());
    }
    let consent = Consent { foretold: 0, confirmed: confirm_losses };
    refuse_losses(ctx, foretold.unchanged_count, foretold.lost_count, consent)?;
    edges::announce_rules(ctx, rules).await?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = rule::list(&mut tx).await?;
    if stamp(&standing, &application::list(&mut tx).await?, rules)? != simulation {
        return Err(changed_meanwhile());
    }
    let replaced = replace_in(&mut tx, ctx, rules, consent, foretold.unchanged_count).await?;
    let detail = json!({ "added": replaced.added, "removed": replaced.removed, "kept": replaced.kept, "gained": replaced.gained,
        "lost": replaced.lost, "confirmed": confirm_losses });
    audit::record_in(&mut tx, ctx, "rules.applied", ("establishment", ctx.slug()), detail).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(replaced)
}

fn changed_meanwhile() -> Error {
    Error::Conflict("the rules or the catalogues changed since this simulation, or it is of other rules: simulate these again".to_owned())
}

/// Stops what would take away much that nobody agreed to.
///
/// # Errors
/// `Held`.
pub fn refuse_losses(ctx: &Context, stays: u64, lost: u64, consent: Consent) -> Result<(), Error> {
    match objection(&ctx.gateway.limits, stays + lost, lost, consent) {
        Some(why) => Err(Error::Held(sentence(&why))),
        None => Ok(()),
    }
}

/// Holds a change that has taken many roles away in this transaction, which must not be committed then, unless a person accepts just as many.
///
/// # Errors
/// `Held`.
pub(in crate::services) async fn hold_losses_in(tx: &mut Tx, ctx: &Context, lost: u64, confirmed: Option<u64>) -> Result<(), Error> {
    if lost <= FEW {
        return Ok(());
    }
    let by_hand = Filter { origin: Some("manual".to_owned()), ..Filter::default() };
    let all = assignment::list(tx, &PageRequest::first(1), &Filter::default()).await?.total;
    let stays = all.saturating_sub(assignment::list(tx, &PageRequest::first(1), &by_hand).await?.total);
    refuse_losses(ctx, u64::try_from(stays).unwrap_or_default(), lost, Consent { foretold: 0, confirmed })
}

/// Puts rules in the place of all those that stand, within the transaction that records it. `stays` is about how many roles stay: what share is
/// taken away is measured by it.
///
/// # Errors
/// As for [`apply`]; then the transaction must not be committed.
pub(in crate::services) async fn replace_in(
    tx: &mut Tx,
    ctx: &Context,
    rules: &[RuleFields],
    consent: Consent,
    stays: u64,
) -> Result<Replaced, Error> {
    let stored = rule::list(tx).await?;
    check_in(tx, rules, ctx.now).await?;
    let before = stored.iter().map(RuleFields::from).collect();
    let written = with_keys(rules.to_vec(), &stored);
    let stay: Vec<RuleId> = written.iter().filter_map(|(_, known)| *known).collect();
    let going: Vec<Rule> = stored.into_iter().filter(|rule| !stay.contains(&rule.id)).collect();
    let coming: Vec<RuleFields> = written.into_iter().filter(|(_, known)| known.is_none()).map(|(fields, _)| fields).collect();
    going.iter().try_for_each(|rule| may_take(ctx, &rule.application, &rule.role))?;
    coming.iter().try_for_each(|fields| may_stand(ctx, fields))?;
    let own = Own::of_gateway_in(tx, ctx).await?;
    let applications = application::list(tx).await?;
    for fields in &coming {
        let unknown = || Error::invalid("application", format!("there is no application «{}»", fields.application));
        let of = applications.iter().find(|a| a.name == fields.application).ok_or_else(unknown)?;
        rule::insert(tx, &fields.made(of, RuleId::new(), ctx.now)).await?;
    }
    // Assignments name their rule: those that go give nothing first, and go when nothing names them any more.
    for rule in going.iter().filter(|rule| rule.enabled) {
        rule::update(tx, &Rule { enabled: false, updated_at: ctx.now, ..rule.clone() }).await?;
    }
    let Changed { gained, lost } = recompute_all_in(tx, ctx, own).await?;
    refuse_losses(ctx, stays, lost, consent)?;
    for rule in &going {
        rule::delete(tx, rule.id).await?;
    }
    Ok(Replaced { added: coming.len() as u64, removed: going.len() as u64, kept: stay.len() as u64, gained, lost, before })
}

/// Whether these rules could stand, and the caller may have each of them stand.
///
/// # Errors
/// `Invalid` with the rule's place in the list; `Forbidden`.
pub(in crate::services) async fn check(ctx: &Context, rules: &[RuleFields]) -> Result<(), Error> {
    let mut tx = ctx.store.read().await?;
    let supposed = check_in(&mut tx, rules, ctx.now).await?;
    for (fields, known) in with_keys(rules.to_vec(), &rule::list(&mut tx).await?) {
        // What stands already gives nothing new, but is kept by the caller's word.
        if known.is_some() { may_take(ctx, &fields.application, &fields.role)? } else { may_stand(ctx, &fields)? }
    }
    // They may be applied at a time when the caller is not asked any more.
    own_stay_in(&mut tx, ctx, supposed).await
}

/// Checks that the caller may have a rule give what it gives, as long as it does.
fn may_stand(ctx: &Context, fields: &RuleFields) -> Result<(), Error> {
    let until = Window::new(fields, Some(ctx.now)).unwrap_or_default().end(ctx.now);
    may_give(ctx, &fields.application, &fields.role, until)
}

async fn check_in(tx: &mut Tx, rules: &[RuleFields], now: Timestamp) -> Result<Vec<Compiled>, Error> {
    checked_number(rules)?;
    let ready = compiled(tx, &Work::default(), rules).await?;
    let window = |fields: &RuleFields| Window::new(fields, Some(now)).unwrap_or_default();
    let same = |one: &RuleFields, other: &RuleFields| {
        one.enabled
            && other.enabled
            && (&one.application, &one.role, &one.scope) == (&other.application, &other.role, &other.scope)
            && one.when.len() == other.when.len()
            && one.when.iter().all(|condition| other.when.contains(condition))
            && window(one).overlaps(&window(other), now)
    };
    for (at, rule) in rules.iter().enumerate() {
        if let Some(first) = rules.iter().take(at).position(|earlier| same(earlier, rule)) {
            let why = format!("says the same as rules[{first}] and counts at the same time: let one end where the other begins");
            return Err(Error::invalid(format!("rules[{at}].valid_from"), why));
        }
    }
    Ok(ready)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_losses_pass_and_many_want_their_number() {
        let limits = Limits { role_losses_max: 500, role_losses_max_percent: 10, ..Limits::default() };
        let none = Consent::default();
        assert_eq!(objection(&limits, 10, FEW, none), None);
        assert_eq!(objection(&limits, 1000, 100, none), None);
        assert!(objection(&limits, 1000, 101, none).is_some_and(|why| why.contains("101 of 1000 roles") && why.contains("10 %")));
        assert!(objection(&limits, 100_000, 501, none).is_some_and(|why| why.contains("limits: 500 roles")));
        assert!(objection(&limits, 1000, 101, Consent { confirmed: Some(100), ..none }).is_some());
        assert_eq!(objection(&limits, 1000, 101, Consent { confirmed: Some(101), ..none }), None);
        let foretold = Consent { foretold: 800, confirmed: None };
        assert_eq!(objection(&limits, 1000, 805, foretold), None);
        assert!(objection(&limits, 1000, 950, foretold).is_some_and(|why| why.contains("800 were foretold")));
    }
}
