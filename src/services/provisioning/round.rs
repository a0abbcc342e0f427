//! The work on one provisioning: who changed is looked at, what is due is written in a turn, and how that ended decides when the next one is.

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::desired::Target;
use super::remote::{Fault, Remote};
use super::turn::Turn;
use super::{letters, queue, secret_of};
use crate::store::establishment::provisioned;
use crate::store::establishment::provisioning::{self, Provisioning};
use crate::store::establishment::provisioning_state::{self, Abilities, Asked, ProvisioningState};
use crate::types::id::ProvisioningId;
use crate::types::secret::fill_random;
use crate::types::time::Timestamp;

/// First wait after a failure, in seconds; each further one doubles it.
pub(super) const WAIT_MIN_S: i64 = 30;
/// Longest wait, in seconds.
const WAIT_MAX_S: i64 = 6 * 3600;
/// For how long what a service says it can do is believed, in seconds.
const ABILITIES_KEPT_S: i64 = 24 * 3600;

/// Why a turn ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nothing is left that is due.
    Done,
    /// Others have their turn.
    Turn,
    /// The service is left alone for so long, in seconds.
    Rest(i64),
    /// The service lets the gateway do nothing.
    Denied(String),
    /// The store failed.
    Here(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl From<crate::store::Error> for Stop {
    fn from(error: crate::store::Error) -> Self {
        Self::Here(error.into())
    }
}

/// Does what there is to do: for one provisioning, or to find out for all of them who changed when `subject` is empty. Answers when there is more.
///
/// # Errors
/// When a store fails. What a service does wrong is noted, and no error.
pub async fn round(ctx: &Context, subject: &str) -> Result<Option<Timestamp>, Error> {
    if subject.is_empty() {
        return Ok(queue::spread(ctx).await?.then_some(ctx.now));
    }
    let Ok(id) = subject.parse::<ProvisioningId>() else { return Ok(None) };
    let mut tx = ctx.store.read().await?;
    let Some(found) = provisioning::find(&mut tx, id).await?.filter(|one| one.enabled) else { return Ok(None) };
    let state = provisioning_state::get(&mut tx, id).await?;
    let target = Target::load(&mut tx, found).await?;
    drop(tx);
    if !queue::gather(ctx, &target).await? || !queue::look(ctx, &target).await? {
        return Ok(Some(ctx.now));
    }
    queue::guard(ctx, &target).await?;
    if state.paused.is_some() {
        return Ok(None);
    }
    if let Some(until) = state.rest_until.filter(|until| *until > ctx.now) {
        return Ok(Some(until));
    }
    let due = provisioned::next_due(&mut ctx.store.read().await?, id).await?.is_some_and(|at| at <= ctx.now);
    let dry = target.provisioning.settings.dry_run;
    let asked = state.asked.or_else(|| scheduled(&target.provisioning, &state, ctx.now));
    let state = ProvisioningState { asked, ..state };
    if state.asked.is_none() && (dry || !due) {
        return next(ctx, &target.provisioning).await;
    }
    let stop = work(ctx, &target, &state).await;
    conclude(ctx, &target, stop).await
}

/// When there is something to do again.
async fn next(ctx: &Context, one: &Provisioning) -> Result<Option<Timestamp>, Error> {
    let mut tx = ctx.store.read().await?;
    let due = provisioned::next_due(&mut tx, one.id).await?.filter(|_| !one.settings.dry_run);
    let state = provisioning_state::get(&mut tx, one.id).await?;
    Ok(due.into_iter().chain(compared_next(one, &state)).min())
}

/// When everything is compared next without anybody's asking: so many hours after the last time, or after it was set up.
pub(super) fn compared_next(one: &Provisioning, state: &ProvisioningState) -> Option<Timestamp> {
    let every = i64::from(one.settings.compare_every) * 3600;
    let last = state.report.as_ref().map_or(one.created_at, |report| report.at);
    (every > 0).then(|| last.plus_s(every))
}

/// The comparison that is due.
fn scheduled(one: &Provisioning, state: &ProvisioningState, now: Timestamp) -> Option<Asked> {
    let asked = if one.settings.compare_repairs { Asked::Repair } else { Asked::Report };
    compared_next(one, state).filter(|at| *at <= now).map(|_| asked)
}

/// Writes down how a turn ended, and says when the next one is.
async fn conclude(ctx: &Context, target: &Target, stop: Stop) -> Result<Option<Timestamp>, Error> {
    let id = target.provisioning.id;
    match stop {
        Stop::Done => next(ctx, &target.provisioning).await,
        Stop::Turn => Ok(Some(ctx.now)),
        Stop::Here(error) => Err(error),
        Stop::Rest(wait_s) => {
            let until = ctx.now.plus_s(wait_s);
            let mut tx = ctx.store.begin().await?;
            let state = provisioning_state::get(&mut tx, id).await?;
            let failures = state.failures.saturating_add(1);
            provisioning_state::put(&mut tx, id, &ProvisioningState { rest_until: Some(until), failures, ..state }).await?;
            tx.commit().await?;
            tracing::warn!(
                establishment = ctx.slug(),
                application = target.provisioning.application,
                wait_s,
                "an application is left alone"
            );
            Ok(Some(until))
        }
        Stop::Denied(why) => pause(ctx, &target.provisioning, why).await.map(|()| None),
    }
}

/// Writes nothing more there until a person sees to it, and writes to the administrators.
async fn pause(ctx: &Context, provisioning: &Provisioning, why: String) -> Result<(), Error> {
    let telling = letters::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let state = provisioning_state::get(&mut tx, provisioning.id).await?;
    if state.paused.is_some() {
        return Ok(());
    }
    let paused = ProvisioningState { paused: Some(why.clone()), paused_at: Some(ctx.now), ..state };
    provisioning_state::put(&mut tx, provisioning.id, &paused).await?;
    let detail = json!({ "application": provisioning.application, "why": why });
    audit::record_in(&mut tx, ctx, "provisioning.paused", ("provisioning", &provisioning.id.to_string()), detail).await?;
    if let Some(telling) = &telling {
        telling.write_in(&mut tx, ctx, &provisioning.application, letters::Why::Denied(why)).await?;
    }
    tx.commit().await?;
    if let Some(telling) = telling {
        telling.hurry(ctx).await;
    }
    Ok(())
}

async fn work(ctx: &Context, target: &Target, state: &ProvisioningState) -> Stop {
    let attempt = async {
        let secret = secret_of(ctx, &target.provisioning)?;
        let opened = Remote::open(ctx, &target.provisioning.settings, &secret).await;
        let mut remote = opened.map_err(|fault| stop_of(fault, state.failures))?;
        let abilities = abilities(ctx, target, &mut remote, state).await?;
        let failures = state.failures;
        let mut turn = Turn::begin(ctx, target, (remote, abilities), failures);
        let ended = turn.carry(state).await;
        turn.note().await?;
        ended
    };
    match attempt.await {
        Ok(()) => Stop::Done,
        Err(stop) => stop,
    }
}

/// What a fault outside of any row means for the whole.
pub(super) fn stop_of(fault: Fault, failures: i64) -> Stop {
    match fault {
        Fault::Busy(wait_s, _) | Fault::Later(wait_s, _) => Stop::Rest(wait_s),
        Fault::Down(_) => Stop::Rest(wait_s(failures)),
        other => Stop::Denied(other.told()),
    }
}

/// What the service can do, asked once a day.
async fn abilities(ctx: &Context, target: &Target, remote: &mut Remote<'_>, state: &ProvisioningState) -> Result<Abilities, Stop> {
    let recent = state.abilities_at.is_some_and(|at| at.plus_s(ABILITIES_KEPT_S) > ctx.now);
    if let Some(known) = state.abilities.filter(|_| recent) {
        return Ok(known);
    }
    let told = remote.abilities().await.map_err(|fault| stop_of(fault, state.failures))?;
    let mut tx = ctx.store.begin().await?;
    let standing = provisioning_state::get(&mut tx, target.provisioning.id).await?;
    let known = ProvisioningState { abilities: Some(told), abilities_at: Some(ctx.now), ..standing };
    provisioning_state::put(&mut tx, target.provisioning.id, &known).await?;
    tx.commit().await?;
    Ok(told)
}

/// The wait after so many failures: doubled each time, and spread so that not everybody comes back at once.
pub(super) fn wait_s(failures: i64) -> i64 {
    let doubled =
        u32::try_from(failures).ok().and_then(|n| WAIT_MIN_S.checked_shl(n.min(20))).unwrap_or(WAIT_MAX_S).clamp(WAIT_MIN_S, WAIT_MAX_S);
    let mut bytes = [0_u8; 2];
    fill_random(&mut bytes);
    doubled / 2 + doubled / 2 * i64::from(u16::from_le_bytes(bytes)) / i64::from(u16::MAX)
}
