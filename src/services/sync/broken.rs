//! Runs that nobody carries on: their node is gone, and its hold ran out. Whoever finds one that had begun to write finishes it; others end.

use std::sync::Arc;
use std::time::Duration;

use super::super::context::{Actor, Context, Gateway};
use super::super::error::Error;
use super::super::leases::{self, Lease};
use super::feed::Feed;
use super::run::{self, PARTLY};
use super::undo;
use crate::store::establishment::change;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::sync_run::{self, Mode, Run, State};
use crate::store::registry::job::Kind;
use crate::types::id::RunId;
use crate::types::time::Timestamp;

/// Said of a run that nobody carries on.
const BROKEN_OFF: &str = "the program ended while the run was under way. Nothing was changed: start it again";

/// How often a hold is asked for: who ends a run says so first, and lets go of it a moment later.
const HOLD_TRIES: u32 = 20;
/// From one time to the next.
const HOLD_PAUSE: Duration = Duration::from_millis(50);

/// Holds a run for this node, before its row is written: a row without a hold is known to be broken off.
///
/// # Errors
/// `Conflict` while another holds it.
pub async fn hold(ctx: &Context, id: RunId) -> Result<Lease, Error> {
    for _ in 1..HOLD_TRIES {
        if let Some(lease) = leases::begin(&ctx.gateway, Kind::Sync, ctx.slug(), &id.to_string(), ctx.now).await? {
            return Ok(lease);
        }
        tokio::time::sleep(HOLD_PAUSE).await;
    }
    let lease = leases::begin(&ctx.gateway, Kind::Sync, ctx.slug(), &id.to_string(), ctx.now).await?;
    lease.ok_or_else(|| Error::Conflict("this run is being carried out already: wait for its end".to_owned()))
}

/// Lets go of a run that ended, or never began.
pub async fn let_go(lease: Lease) {
    if let Err(error) = lease.finish(None).await {
        tracing::warn!(%error, "the hold of a run that ended runs out by itself");
    }
}

/// Ends the runs whose node is gone, wherever they are; establishments without such a run are not opened. To be called when the program
/// starts to serve; afterwards its worker does the same.
///
/// # Errors
/// When the registry fails; an establishment that cannot be opened is logged, and looked at again later.
pub async fn recover(gateway: &Arc<Gateway>, now: Timestamp) -> Result<u64, Error> {
    let mut ended = 0;
    while let Some(lease) = leases::take(gateway, &[Kind::Sync], now).await? {
        let slug = lease.job().slug.clone();
        let there = async {
            let ctx = Context::open(gateway, &slug, Actor::System, now).await?;
            match (half_done(&ctx, &lease.job().subject).await?, half_undone(&ctx, &lease.job().subject).await?) {
                (Some(_), _) | (_, Some(_)) => Ok(None),
                (None, None) => end_broken(&ctx, &lease.job().subject).await.map(Some),
            }
        };
        match there.await {
            // Reading a source takes a while: the worker does that, once the program serves.
            Ok(None) => {
                lease.finish(Some(now.plus_s(1))).await?;
            }
            Ok(Some(one)) => {
                ended += u64::from(one);
                let_go(lease).await;
            }
            Err(Error::NotFound(_)) => let_go(lease).await,
            // Its hold is kept, so that it is taken again when that runs out, and not at once.
            Err(error) => tracing::error!(establishment = slug, %error, "a run cannot be ended"),
        }
    }
    Ok(ended)
}

/// Goes on with a run whose hold ran out, when it had begun to write; ends it otherwise.
///
/// # Errors
/// When the store fails; how the run itself ended is in its row.
pub async fn carry_on(ctx: &Context, lease: &Lease) -> Result<(), Error> {
    let subject = &lease.job().subject;
    if let Some(run) = half_undone(ctx, subject).await? {
        tracing::warn!(run.id = %run.id, establishment = ctx.slug(), "an undo that was broken off is gone on with");
        return undo::carry_on(ctx, run, lease).await;
    }
    let Some((source, run)) = half_done(ctx, subject).await? else {
        end_broken(ctx, subject).await?;
        return Ok(());
    };
    tracing::warn!(run.id = %run.id, establishment = ctx.slug(), "a run that was broken off is gone on with");
    run::go(&run::for_source(ctx, &source), &source, run, lease, Feed::Source).await.map(drop)
}

/// An undo that is under way: whether it had begun to write or not, it goes on.
async fn half_undone(ctx: &Context, subject: &str) -> Result<Option<Run>, Error> {
    let run = sync_run::find(&mut ctx.store.read().await?, parse(subject)?).await?;
    Ok(run.filter(|run| run.state == State::Running && run.mode == Mode::Undo))
}

/// A run that is under way and had begun to write, with its source when that is still to be read.
async fn half_done(ctx: &Context, subject: &str) -> Result<Option<(Source, Run)>, Error> {
    let mut tx = ctx.store.read().await?;
    let run = sync_run::find(&mut tx, parse(subject)?).await?;
    let Some(run) = run.filter(|run| run.state == State::Running && run.progress.is_some() && run.undoes.is_none()) else {
        return Ok(None);
    };
    let source = source::find(&mut tx, run.source_id).await?;
    Ok(source.filter(|source| source.enabled).map(|source| (source, run)))
}

fn parse(subject: &str) -> Result<RunId, Error> {
    subject.parse().map_err(|_| Error::Internal(format!("a sync job names «{subject}», which is no run")))
}

/// Ends one run whose hold ran out. False when it had ended already.
pub async fn end_broken(ctx: &Context, subject: &str) -> Result<bool, Error> {
    let id = parse(subject)?;
    let mut tx = ctx.store.begin().await?;
    let begun = sync_run::find(&mut tx, id).await?.is_some_and(|run| run.progress.is_some());
    let why = if begun { format!("the program ended while the run was under way. {PARTLY}") } else { BROKEN_OFF.to_owned() };
    let ended = sync_run::fail(&mut tx, id, &why).await?;
    if ended && !begun {
        change::delete_of_run(&mut tx, id).await?;
    }
    tx.commit().await?;
    if ended {
        tracing::warn!(run.id = %id, establishment = ctx.slug(), "a run that nobody carried on was ended");
    }
    Ok(ended)
}

/// Ends the run of a source that nobody carries on, if there is one: it must not stand in the way of the next.
pub async fn end_of_source(ctx: &Context, name: &str) -> Result<(), Error> {
    let mut tx = ctx.store.read().await?;
    let unfinished = match source::find_by_name(&mut tx, name).await? {
        Some(source) => sync_run::find_unfinished(&mut tx, source.id).await?,
        None => None,
    };
    drop(tx);
    let Some(id) = unfinished else { return Ok(()) };
    let subject = id.to_string();
    if !leases::is_held(&ctx.gateway, Kind::Sync, ctx.slug(), &subject, ctx.now).await? {
        end_broken(ctx, &subject).await?;
    }
    Ok(())
}
