//! Deciding: what is kept stays, what is withdrawn ends or is excluded, in the transaction that writes the decision.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::roles::{effects, exclusions, may_take, not_oneself, recompute_by_hand_in};
use super::seat::Seat;
use super::{open_in, reviewer};
use crate::store::Tx;
use crate::store::establishment::application;
use crate::store::establishment::assignment::{self, Assignment, Origin};
use crate::store::establishment::campaign::Campaign;
use crate::store::establishment::ended_assignment;
use crate::store::establishment::exclusion::Exclusion;
use crate::store::establishment::review_item::{self, Decision, Outcome, ReviewItem};
use crate::types::Invalid;
use crate::types::id::{CampaignId, ExclusionId, ReviewItemId, UserId};
use crate::types::permission::Permission;
use crate::types::wording;

/// Most decisions of one call.
pub const DECISIONS_MAX: usize = 500;
/// Most decisions that one event of the trail names; it always has their number.
const TRACED_MAX: usize = 100;

/// What is decided on one role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The role under review.
    pub item: ReviewItemId,
    /// Keep it or withdraw it.
    pub decision: Decision,
    /// Why; needed where something is withdrawn.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Decides on roles of a review, whoever was asked. A person to whom something else was delegated decides on what was laid before them.
///
/// # Errors
/// `NotFound`; `Invalid`; `Conflict` when the review has ended, and for a role that was withdrawn already; `Forbidden` on roles of one's own,
/// and on roles of the gateway that the caller does not hold.
pub async fn decide(ctx: &Context, id: CampaignId, verdicts: &[Verdict]) -> Result<Vec<ReviewItem>, Error> {
    let in_person = matches!(ctx.actor, Actor::User { .. }) && ctx.actor.may_somewhere(Permission::SeePeople);
    if in_person && !ctx.actor.may(Permission::ManageRoles) {
        return decide_own(ctx, id, verdicts).await;
    }
    ctx.require(Permission::ManageRoles)?;
    carry_out(ctx, id, verdicts, None).await
}

/// Decides on roles that a review laid before whoever asks.
///
/// # Errors
/// As for [`decide`]; `NotFound` also for what was laid before someone else; `Forbidden` also when they were asked as administrator of a unit
/// and are not any more.
pub async fn decide_own(ctx: &Context, id: CampaignId, verdicts: &[Verdict]) -> Result<Vec<ReviewItem>, Error> {
    let reviewer = reviewer(ctx)?;
    carry_out(ctx, id, verdicts, Some(reviewer)).await
}

async fn carry_out(ctx: &Context, id: CampaignId, verdicts: &[Verdict], only_of: Option<UserId>) -> Result<Vec<ReviewItem>, Error> {
    check(verdicts)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let campaign = open_in(&mut tx, id).await?;
    let seat = match only_of {
        Some(reviewer) => Some(Seat::of_in(&mut tx, ctx, reviewer).await?),
        None => None,
    };
    let mut of_people: BTreeMap<UserId, Vec<(ReviewItem, &Verdict)>> = BTreeMap::new();
    for verdict in verdicts {
        let found = review_item::find(&mut tx, verdict.item).await?.filter(|item| item.campaign_id == id);
        let item = found.filter(|item| only_of.is_none_or(|reviewer| item.reviewer_id == Some(reviewer)));
        let item = item.ok_or_else(|| Error::not_found("role under review"))?;
        not_oneself(ctx, item.user_id)?;
        match &seat {
            Some(seat) => seat.require_in(&mut tx, &campaign, &item).await?,
            None => may_take(ctx, &item.application, &item.role)?,
        }
        of_people.entry(item.user_id).or_default().push((item, verdict));
    }
    let withdrawing = |items: &[(ReviewItem, &Verdict)]| items.iter().any(|(_, verdict)| verdict.decision == Decision::Withdraw);
    let losing: Vec<UserId> = of_people.iter().filter(|(_, items)| withdrawing(items)).map(|(user, _)| *user).collect();
    let before = effects::before_in(&mut tx, &losing).await?;
    let mut decided = Vec::with_capacity(verdicts.len());
    for (item, verdict) in of_people.into_values().flatten() {
        decided.push(one_in(&mut tx, ctx, &campaign, item, verdict).await?);
    }
    if !losing.is_empty() {
        recompute_by_hand_in(&mut tx, ctx, before).await?;
    }
    let named: Vec<Value> = decided.iter().take(TRACED_MAX).map(traced).collect();
    let detail = json!({ "name": campaign.name, "decided": decided.len(), "decisions": named });
    audit::record_in(&mut tx, ctx, "review.decided", ("review", &id.to_string()), detail).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(decided)
}

fn check(verdicts: &[Verdict]) -> Result<(), Error> {
    if verdicts.is_empty() || verdicts.len() > DECISIONS_MAX {
        return Err(Error::invalid("decisions", format!("are 1 to {DECISIONS_MAX}")));
    }
    let mut wrong = Vec::new();
    for (at, verdict) in verdicts.iter().enumerate() {
        let reason = verdict.reason.as_deref().unwrap_or_default();
        if verdict.decision == Decision::Withdraw && reason.trim().is_empty() {
            wrong.push(Invalid::new(format!("decisions.{at}.reason"), "say why it is withdrawn: whoever asks later reads it"));
        }
        wrong.extend(wording::wrong_reason(&format!("decisions.{at}.reason"), Some(reason)));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = verdicts.iter().find(|verdict| !seen.insert(verdict.item)) {
        wrong.push(Invalid::new("decisions", format!("{} is there twice", twice.item)));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

async fn one_in(tx: &mut Tx, ctx: &Context, campaign: &Campaign, mut item: ReviewItem, verdict: &Verdict) -> Result<ReviewItem, Error> {
    if item.decision == Some(Decision::Withdraw) {
        let held = format!("«{}» of {} was withdrawn already: give it back by hand if that was wrong", item.role, item.username);
        return if verdict.decision == Decision::Withdraw { Ok(item) } else { Err(Error::Conflict(held)) };
    }
    let reason = wording::words(verdict.reason.as_deref());
    item.outcome = Some(match verdict.decision {
        Decision::Keep => Outcome::Kept,
        Decision::Withdraw => withdraw_in(tx, ctx, campaign, &item, reason.unwrap_or_default()).await?,
    });
    item.decision = Some(verdict.decision);
    item.reason = reason.map(str::to_owned);
    item.decided_by = Some(ctx.actor.label());
    item.decided_at = Some(ctx.now);
    review_item::decide(tx, &item).await?;
    Ok(item)
}

/// Ends what was given by hand; what a rule gives is excluded.
async fn withdraw_in(tx: &mut Tx, ctx: &Context, campaign: &Campaign, item: &ReviewItem, reason: &str) -> Result<Outcome, Error> {
    let same = |one: &Assignment| {
        one.application == item.application && one.role == item.role && one.scope == item.scope && one.origin == item.origin
    };
    let Some(held) = assignment::list_of_user(tx, item.user_id).await?.into_iter().find(same) else { return Ok(Outcome::Gone) };
    if item.origin == Origin::Manual {
        ended_assignment::keep_all(tx, &[held.id], ctx.now).await?;
        assignment::delete(tx, held.id).await?;
        let detail = json!({ "assignment": held.id, "application": held.application, "role": held.role, "scope": held.scope, "reason": reason,
            "review": campaign.name });
        audit::record_in(tx, ctx, "assignment.ended", ("user", &item.user_id.to_string()), detail).await?;
        return Ok(Outcome::Ended);
    }
    let known = application::find(tx, held.application_id).await?;
    if known.is_some_and(|a| a.default_role.as_deref() == Some(item.role.as_str())) {
        let why = format!("«{}» is the default role of {} by now: everyone has it who has no other", item.role, item.application);
        return Err(Error::Conflict(why));
    }
    let made = Exclusion {
        id: ExclusionId::new(),
        user_id: item.user_id,
        username: item.username.clone(),
        application_id: held.application_id,
        application: held.application,
        role: held.role,
        scope: held.scope,
        reason: format!("{}: {reason}", campaign.title),
        given_by: ctx.actor.label(),
        valid_until: None,
        created_at: ctx.now,
    };
    exclusions::insert_in(tx, ctx, &made).await?;
    Ok(Outcome::Excluded)
}

fn traced(item: &ReviewItem) -> Value {
    json!({ "item": item.id, "user": item.user_id, "application": item.application, "role": item.role, "scope": item.scope,
        "decision": item.decision, "reason": item.reason, "outcome": item.outcome })
}
