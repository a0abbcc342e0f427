//! The life of a run: started, carried out, held, approved or refused, and ended whatever happens.

use std::time::Instant;

use serde_json::json;

use super::super::audit;
use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::logout_notices;
use super::super::schedules;
use super::super::sources;
use super::guard::{self, Approved};
use super::{apply, broken, inbox, known, plan};
use crate::store::Tx;
use crate::store::establishment::change::{self, Operation};
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::sync_run::{self, Counts, Mode, Run, StartedBy, State};
use crate::types::id::RunId;
use crate::types::permission::Permission;

/// Said of a run whose node was thought to be gone.
const LOST: &str = "this program was away for too long, and another ended the run. Nothing was changed: start it again";

/// A run that began, held by this node.
#[derive(Debug)]
struct Begun {
    source: Source,
    run: Run,
    lease: Lease,
}

/// Starts a run; the work goes on by itself.
///
/// # Errors
/// `NotFound`, `Invalid` for a mode the source does not offer, `Conflict` when one is under way or the source is disabled.
pub async fn start(ctx: &Context, name: &str, mode: Mode) -> Result<Run, Error> {
    Ok(go_on(ctx, begin(ctx, name, mode).await?))
}

/// Runs a source and waits for the end.
///
/// # Errors
/// As `start`; how the run itself ended is in its `state`.
pub async fn run_to_end(ctx: &Context, name: &str, mode: Mode) -> Result<Run, Error> {
    let begun = begin(ctx, name, mode).await?;
    carry_out(&for_source(ctx, &begun.source), begun).await
}

/// Approves a held run: it reads the source again, and what it named while it was held does not count against the guard.
///
/// # Errors
/// `NotFound`, `Conflict` when the run is not held, the source is disabled, or another run is under way.
pub async fn approve(ctx: &Context, id: RunId) -> Result<Run, Error> {
    Ok(go_on(ctx, begin_approved(ctx, id).await?))
}

/// Approves a held run and waits for its end.
///
/// # Errors
/// As `approve`; how the run itself ended is in its `state`.
pub async fn approve_to_end(ctx: &Context, id: RunId) -> Result<Run, Error> {
    let begun = begin_approved(ctx, id).await?;
    carry_out(&for_source(ctx, &begun.source), begun).await
}

async fn begin_approved(ctx: &Context, id: RunId) -> Result<Begun, Error> {
    ctx.require(Permission::ManageSources)?;
    let held = held_in(&mut ctx.store.read().await?, id).await?;
    broken::end_of_source(ctx, &held.source).await?;
    let lease = broken::hold(ctx, id).await?;
    match approve_held(ctx, id).await {
        Ok((source, run)) => Ok(Begun { source, run, lease }),
        Err(error) => {
            broken::let_go(lease).await;
            Err(error)
        }
    }
}

async fn approve_held(ctx: &Context, id: RunId) -> Result<(Source, Run), Error> {
    let mut tx = ctx.store.begin().await?;
    let held = held_in(&mut tx, id).await?;
    let source = source::find(&mut tx, held.source_id).await?.ok_or_else(|| Error::not_found("source"))?;
    may_run_in(&mut tx, &source).await?;
    let label = Some(ctx.actor.label());
    let run = Run { state: State::Running, approved_by: label, error: None, started_at: ctx.now, duration_ms: None, ..held };
    sync_run::update(&mut tx, &run).await?;
    audit::record_in(&mut tx, ctx, "run.approved", ("run", &id.to_string()), json!({ "source": run.source })).await?;
    tx.commit().await?;
    Ok((source, run))
}

/// Refuses a held run: nothing of it is ever done.
///
/// # Errors
/// `NotFound`, `Conflict` when the run is not held.
pub async fn refuse(ctx: &Context, id: RunId) -> Result<Run, Error> {
    ctx.require(Permission::ManageSources)?;
    let mut tx = ctx.store.begin().await?;
    let refused = Run { state: State::Refused, approved_by: Some(ctx.actor.label()), ..held_in(&mut tx, id).await? };
    sync_run::update(&mut tx, &refused).await?;
    audit::record_in(&mut tx, ctx, "run.refused", ("run", &id.to_string()), json!({ "source": refused.source })).await?;
    tx.commit().await?;
    Ok(refused)
}

async fn held_in(tx: &mut Tx, id: RunId) -> Result<Run, Error> {
    let run = sync_run::find(tx, id).await?.ok_or_else(|| Error::not_found("run"))?;
    if run.state == State::Held { Ok(run) } else { Err(Error::Conflict("only a run that is held can be approved or refused".to_owned())) }
}

async fn begin(ctx: &Context, name: &str, mode: Mode) -> Result<Begun, Error> {
    ctx.require(Permission::ManageSources)?;
    if !matches!(mode, Mode::Full | Mode::Preview) {
        return Err(Error::invalid("mode", "a directory is read whole: accepted are `full` and, by the preview, `preview`"));
    }
    broken::end_of_source(ctx, name).await?;
    let id = RunId::new();
    let lease = broken::hold(ctx, id).await?;
    match insert(ctx, name, mode, id).await {
        Ok((source, run)) => Ok(Begun { source, run, lease }),
        Err(error) => {
            broken::let_go(lease).await;
            Err(error)
        }
    }
}

async fn insert(ctx: &Context, name: &str, mode: Mode, id: RunId) -> Result<(Source, Run), Error> {
    let mut tx = ctx.store.begin().await?;
    let source = source::find_by_name(&mut tx, name).await?.ok_or_else(|| Error::not_found(format!("source «{name}»")))?;
    may_run_in(&mut tx, &source).await?;
    let run = fresh(ctx, &source, mode, id);
    sync_run::insert(&mut tx, &run).await?;
    let detail = json!({ "source": source.name, "mode": run.mode });
    audit::record_in(&mut tx, ctx, "run.started", ("run", &run.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok((source, run))
}

async fn may_run_in(tx: &mut Tx, source: &Source) -> Result<(), Error> {
    if !source.enabled {
        return Err(Error::Conflict(format!("the source «{}» is disabled: enable it first", source.name)));
    }
    match sync_run::find_unfinished(tx, source.id).await? {
        Some(other) => Err(Error::Conflict(format!("a run of «{}» is under way ({other}): wait for its end", source.name))),
        None => Ok(()),
    }
}

fn fresh(ctx: &Context, source: &Source, mode: Mode, id: RunId) -> Run {
    Run {
        id,
        source_id: source.id,
        source: source.name.clone(),
        mode,
        state: State::Running,
        counts: Counts::default(),
        error: None,
        approved_by: None,
        started_at: ctx.now,
        duration_ms: None,
        progress: None,
        undoes: None,
        started_by: StartedBy::Hand,
    }
}

/// What a run does, it does in its source's name.
fn for_source(ctx: &Context, source: &Source) -> Context {
    Context { actor: Actor::Source(source.name.clone()), ..ctx.clone() }
}

fn go_on(ctx: &Context, begun: Begun) -> Run {
    let ctx = for_source(ctx, &begun.source);
    let run = begun.run.clone();
    let started = run.clone();
    tokio::spawn(async move {
        let work_ctx = ctx.clone();
        let work = tokio::spawn(async move { carry_out(&work_ctx, begun).await.map(|_| ()) });
        let broken = match work.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(ended) => Error::Internal(format!("the run broke off: {ended}")),
        };
        tracing::error!(run.id = %run.id, error = %broken, "run broken off");
        if let Err(error) = end(&ctx, Run { state: State::Failed, error: Some(broken.to_string()), ..run }).await {
            tracing::error!(%error, "the end of a run cannot be written down");
        }
    });
    started
}

/// Carries a run out and writes its end down, whichever it is.
async fn carry_out(ctx: &Context, begun: Begun) -> Result<Run, Error> {
    let Begun { source, run, lease } = begun;
    let clock = Instant::now();
    let elapsed = || i64::try_from(clock.elapsed().as_millis()).unwrap_or(i64::MAX);
    let ended = match attempt(ctx, &source, run.clone(), &lease, elapsed).await {
        Ok(ended) => ended,
        Err(error) => {
            let failed = Run { state: State::Failed, error: Some(error.to_string()), duration_ms: Some(elapsed()), ..run };
            end(ctx, failed).await?
        }
    };
    if let Err(error) = schedules::note_end(ctx, &ended).await {
        tracing::warn!(run.id = %ended.id, %error, "how a run ended is not told to its schedule");
    }
    // Only now: a run that is not held and has not ended is known to be broken off.
    broken::let_go(lease).await;
    let Counts { read, created, updated, disabled, enabled, quarantined, .. } = ended.counts;
    tracing::info!(run.id = %ended.id, source = %ended.source, state = ?ended.state, duration_ms = ended.duration_ms,
        read, created, updated, disabled, enabled, quarantined, error = ended.error.as_deref(), "run ended");
    Ok(ended)
}

/// Writes the end of a run, unless another ended it before: then that end stands.
async fn end(ctx: &Context, run: Run) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    if let Some(ended) = sync_run::find(&mut tx, run.id).await?.filter(|known| known.state != State::Running) {
        return Ok(ended);
    }
    sync_run::update(&mut tx, &run).await?;
    tx.commit().await?;
    Ok(run)
}

/// Fails when another ended the run, believing its node gone. In the writing transaction, nobody can do so any more.
async fn still_ours_in(tx: &mut Tx, run: &Run) -> Result<(), Error> {
    match sync_run::find(tx, run.id).await? {
        Some(known) if known.state == State::Running => Ok(()),
        _ => Err(Error::Conflict(LOST.to_owned())),
    }
}

async fn attempt(ctx: &Context, source: &Source, mut run: Run, lease: &Lease, elapsed: impl Fn() -> i64) -> Result<Run, Error> {
    let directory = sources::directory(ctx, source).await?;
    let approved = approved(ctx, &run).await?;
    let known = known::load(ctx, source.id).await?;
    let loaded_ms = elapsed();
    let inbox = tokio::select! {
        filled = inbox::fill(ctx, source.id, &directory, known) => filled?,
        () = lease.lost() => return Err(Error::Conflict(LOST.to_owned())),
    };
    let read_ms = elapsed();
    let mut reader = ctx.store.read().await?;
    let plan = plan::make(&mut reader, &inbox).await?;
    drop(reader);
    tracing::debug!(run.id = %run.id, loaded_ms, read_ms, planned_ms = elapsed(), "run planned");
    let losses = plan.losses(&inbox, approved.as_ref());
    let objection = guard::objection(&source.guard, &losses);
    let writes = run.mode == Mode::Full && objection.is_none();

    // Whoever the run disables is signed out, and applications hear of it.
    let notices = if writes { Some(logout_notices::announce(ctx).await?) } else { None };
    let mut tx = ctx.store.begin().await?;
    still_ours_in(&mut tx, &run).await?;
    tx.set_large(true).await?;
    if approved.is_some() {
        // What it named while it was held gives way to what it does now.
        change::delete_of_run(&mut tx, run.id).await?;
    }
    let carried = apply::carry(&mut tx, ctx, &run, &inbox, &plan, writes).await;
    // Whatever came of it, the connection serves others next.
    tx.set_large(false).await?;
    run.counts = carried?;
    (run.state, run.error) = match (run.mode, objection) {
        (Mode::Full, Some(why)) => (State::Held, Some(why)),
        (_, Some(why)) => (State::Done, Some(format!("A run would be held. {why}"))),
        (_, None) => (State::Done, None),
    };
    if run.state == State::Held {
        // Held again for more than was approved: the decision is open again.
        run.approved_by = None;
    }
    run.duration_ms = Some(elapsed());
    // The end of the run and what it changed stand or fall together.
    sync_run::update(&mut tx, &run).await?;
    tx.commit().await?;
    if let Some(notices) = notices {
        notices.hurry(ctx).await;
    }
    Ok(run)
}

/// What an approved run named while it was held.
async fn approved(ctx: &Context, run: &Run) -> Result<Option<Approved>, Error> {
    if run.approved_by.is_none() {
        return Ok(None);
    }
    let mut tx = ctx.store.read().await?;
    let mut approved = Approved::default();
    for operation in [Operation::Disabled, Operation::Removed, Operation::MembersRemoved] {
        for change in change::list_of_operation(&mut tx, run.id, operation).await? {
            approved.add(&change);
        }
    }
    Ok(Some(approved))
}
