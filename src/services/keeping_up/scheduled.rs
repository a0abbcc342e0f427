//! A schedule's turn: whatever is due is run once, and the next time is found.

use super::super::context::Context;
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::routing::{self, Outcomes};
use super::super::schedules::{self, Pace};
use super::{subject, wanted};
use crate::store::establishment::sync_run::StartedBy;
use crate::store::registry::job::{self, Kind};
use crate::types::time::Timestamp;

/// Runs a source if it is due, and answers when it is next; never for one that does not keep up by itself any more.
///
/// # Errors
/// When a store fails. A run that fails is no error: the schedule goes on.
pub async fn take_turn(ctx: &Context, lease: &Lease) -> Result<Option<Timestamp>, Error> {
    let id = subject(&lease.job().subject)?;
    let Some(pace) = wanted(ctx, id).await? else {
        schedules::forget(ctx, id).await?;
        return Ok(None);
    };
    listen_too(ctx, &pace).await?;
    let Some(due) = pace.due() else { return Ok(None) };
    if due.at > ctx.now || ctx.gateway.node.is_stopping() {
        schedules::tell(ctx, &pace).await?;
        return Ok(Some(due.at));
    }
    let mode = due.mode(ctx.now);
    schedules::serve(ctx, &pace, mode).await?;
    match routing::run_by(ctx, &pace.source.name, mode, StartedBy::Schedule).await.map(Outcomes::into_run) {
        Ok(run) => tracing::debug!(run.id = %run.id, establishment = ctx.slug(), source = run.source, "a scheduled run ended"),
        // Someone runs it by hand, or just turned it off: this time is served all the same.
        Err(Error::Conflict(why)) => {
            tracing::info!(establishment = ctx.slug(), source = pace.source.name, why, "a scheduled run was left out");
        }
        Err(Error::NotFound(_)) => return Ok(None),
        // What kept the run from beginning counts like one that failed.
        Err(error) => schedules::note(ctx, id, lease.now(), Err(&error.to_string())).await?,
    }
    let ctx = Context { now: lease.now(), ..ctx.clone() };
    match wanted(&ctx, id).await? {
        Some(pace) => {
            schedules::tell(&ctx, &pace).await?;
            Ok(pace.due().map(|due| due.at))
        }
        None => Ok(None),
    }
}

/// Has a live source listened to, unless some node does already.
async fn listen_too(ctx: &Context, pace: &Pace) -> Result<(), Error> {
    if !pace.source.schedule.as_ref().is_some_and(|schedule| schedule.live) {
        return Ok(());
    }
    let subject = pace.source.id.to_string();
    let mut registry = ctx.gateway.stores.registry().begin().await?;
    if job::find(&mut registry, Kind::Live, ctx.slug(), &subject).await?.is_none() {
        job::ask_about(&mut registry, Kind::Live, (ctx.slug(), &subject), ctx.now).await?;
    }
    registry.commit().await?;
    ctx.gateway.node.wake();
    Ok(())
}
