//! The life of a run: started, carried out, held, approved or refused, and ended whatever happens.

use std::time::Instant;

use connectors::{Batch, Content};
use serde_json::json;

use super::super::audit;
use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::schedules;
use super::super::sources::{self, SourceFields};
use super::attempt::{attempt, elapsed_ms};
use super::broken;
use super::feed::Feed;
use super::routed;
use crate::store::Tx;
use crate::store::establishment::change;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::source_state;
use crate::store::establishment::sync_run::{self, Counts, Mode, Run, StartedBy, State};
use crate::types::id::RunId;
use crate::types::permission::Permission;

/// Said of a run whose node was thought to be gone.
pub(super) const LOST: &str = "this program was away for too long, and another ended the run. Nothing was changed: start it again";

/// Said of a run that had begun to write.
pub(super) const PARTLY: &str = "What it changed before is listed, and the next run goes on from there";

/// A run that began, held by this node.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) source: Source,
    pub(super) run: Run,
    pub(super) lease: Lease,
    pub(super) feed: Feed,
}

/// Starts a run; the work goes on by itself.
///
/// # Errors
/// `NotFound`, `Invalid` for a mode the source does not offer, `Conflict` when one is under way or the source is disabled.
pub async fn start(ctx: &Context, name: &str, mode: Mode) -> Result<Run, Error> {
    Ok(go_on(ctx, begin(ctx, name, mode, StartedBy::Hand, Feed::Source).await?))
}

/// Starts a run that names what a source would change if its fields were others, and writes nothing, these fields least of all.
///
/// # Errors
/// As `start`, and `Invalid` for fields that would not be accepted.
pub async fn preview_with(ctx: &Context, name: &str, fields: &SourceFields) -> Result<Run, Error> {
    Ok(go_on(ctx, begin_with(ctx, name, fields).await?))
}

/// The same, and waits for the end.
///
/// # Errors
/// As `preview_with`; how the run itself ended is in its `state`.
pub async fn preview_with_to_end(ctx: &Context, name: &str, fields: &SourceFields) -> Result<Run, Error> {
    let begun = begin_with(ctx, name, fields).await?;
    carry_out(&for_source(ctx, &begun.source), begun).await
}

async fn begin_with(ctx: &Context, name: &str, fields: &SourceFields) -> Result<Begun, Error> {
    let candidate = sources::candidate(ctx, name, fields).await?;
    let begun = begin(ctx, name, Mode::Preview, StartedBy::Hand, Feed::Source).await?;
    // The name and what is known of it are the standing one's: only what is read, and how much it may take away, are the new one's.
    Ok(Begun { source: Source { name: begun.source.name.clone(), ..candidate }, ..begun })
}

/// Runs a source and waits for the end.
///
/// # Errors
/// As `start`; how the run itself ended is in its `state`.
pub async fn run_to_end(ctx: &Context, name: &str, mode: Mode) -> Result<Run, Error> {
    run_by(ctx, name, mode, StartedBy::Hand).await
}

/// The same, started by something else than a hand: then a run that finds nothing to do leaves no line behind.
///
/// # Errors
/// As `start`.
pub async fn run_by(ctx: &Context, name: &str, mode: Mode, by: StartedBy) -> Result<Run, Error> {
    let begun = begin(ctx, name, mode, by, Feed::Source).await?;
    carry_out(&for_source(ctx, &begun.source), begun).await
}

/// Applies what a source announced, or what was asked of it about a few entries, as a run of changes.
///
/// # Errors
/// As `start`; how the run itself ended is in its `state`.
pub async fn run_batch(ctx: &Context, name: &str, batch: Batch, by: StartedBy) -> Result<Run, Error> {
    let begun = begin(ctx, name, Mode::Changes, by, Feed::Batch(batch)).await?;
    carry_out(&for_source(ctx, &begun.source), begun).await
}

/// What a source would change if it were given this file. The file is not kept.
///
/// # Errors
/// As `start`; how the run itself ended is in its `state`.
pub async fn preview_file(ctx: &Context, name: &str, content: Content) -> Result<Run, Error> {
    let begun = begin(ctx, name, Mode::Preview, StartedBy::Hand, Feed::File(content)).await?;
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
        Ok((source, run)) => Ok(Begun { source, run, lease, feed: Feed::Source }),
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
    let (counts, approved_by) = (Counts::default(), Some(ctx.actor.label()));
    let run = Run {
        state: State::Running,
        counts,
        approved_by,
        error: None,
        note: None,
        started_at: ctx.now,
        duration_ms: None,
        progress: None,
        ..held
    };
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

async fn begin(ctx: &Context, name: &str, mode: Mode, by: StartedBy, feed: Feed) -> Result<Begun, Error> {
    let (source, run, lease) = hold_row(ctx, name, mode, by, false).await?;
    Ok(Begun { source, run, lease, feed })
}

/// Writes the row of a new run, held by this node; of a pass over establishments, or of one source.
pub(super) async fn hold_row(ctx: &Context, name: &str, mode: Mode, by: StartedBy, pass: bool) -> Result<(Source, Run, Lease), Error> {
    ctx.require(Permission::ManageSources)?;
    if mode == Mode::Undo {
        return Err(Error::invalid("mode", "accepted are `full` and `changes`; a run is taken back by its own undo"));
    }
    broken::end_of_source(ctx, name).await?;
    let id = RunId::new();
    let lease = broken::hold(ctx, id).await?;
    match insert(ctx, name, (mode, by), id, pass).await {
        Ok((source, run)) => Ok((source, run, lease)),
        Err(error) => {
            broken::let_go(lease).await;
            Err(error)
        }
    }
}

async fn insert(ctx: &Context, name: &str, (mode, by): (Mode, StartedBy), id: RunId, pass: bool) -> Result<(Source, Run), Error> {
    let mut tx = ctx.store.begin().await?;
    let source = source::find_by_name(&mut tx, name).await?.ok_or_else(|| Error::not_found(format!("source «{name}»")))?;
    routed::may_begin(ctx, &source, pass)?;
    sources::is_read(&source)?;
    may_run_in(&mut tx, &source).await?;
    let run = Run { started_by: by, ..fresh(ctx, &source, mode, id) };
    sync_run::insert(&mut tx, &run).await?;
    if by == StartedBy::Hand {
        // What a schedule starts every minute is told by the runs themselves.
        let detail = json!({ "source": source.name, "mode": run.mode });
        audit::record_in(&mut tx, ctx, "run.started", ("run", &run.id.to_string()), detail).await?;
    }
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

pub(super) fn fresh(ctx: &Context, source: &Source, mode: Mode, id: RunId) -> Run {
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
        note: None,
    }
}

/// What a run does, it does in its source's name.
pub(super) fn for_source(ctx: &Context, source: &Source) -> Context {
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
        if let Err(error) = fail(&ctx, run.id, &broken.to_string(), 0).await {
            tracing::error!(%error, "the end of a run cannot be written down");
        }
    });
    started
}

/// Carries a run out and writes its end down, whichever it is.
pub(super) async fn carry_out(ctx: &Context, begun: Begun) -> Result<Run, Error> {
    let Begun { source, run, lease, feed } = begun;
    let ended = go(ctx, &source, run, &lease, feed).await;
    // Only now: a run that is not held and has not ended is known to be broken off.
    broken::let_go(lease).await;
    ended
}

/// The same under a hold that somebody else lets go of.
pub(super) async fn go(ctx: &Context, source: &Source, run: Run, lease: &Lease, feed: Feed) -> Result<Run, Error> {
    let clock = Instant::now();
    let ended = match Box::pin(attempt(ctx, source, run.clone(), lease, feed)).await {
        Ok(ended) => ended,
        Err(error) => fail(ctx, run.id, &error.to_string(), elapsed_ms(clock)).await?,
    };
    let noted = schedules::note_end(ctx, &ended, sources::answering(ctx, source).await).await;
    if let Err(error) = noted {
        tracing::warn!(run.id = %ended.id, %error, "how a run ended is not told to its schedule");
    }
    let Counts { read, created, updated, disabled, enabled, quarantined, .. } = ended.counts;
    tracing::info!(run.id = %ended.id, source = %ended.source, state = ?ended.state, duration_ms = ended.duration_ms,
        read, created, updated, disabled, enabled, quarantined, error = ended.error.as_deref(), "run ended");
    Ok(ended)
}

/// Ends a run that an error broke off. What it had written stays, and is told.
pub(super) async fn fail(ctx: &Context, id: RunId, error: &str, duration_ms: i64) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    let run = sync_run::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("run"))?;
    if run.state != State::Running {
        return Ok(run);
    }
    let mut state = source_state::get(&mut tx, run.source_id).await?;
    (state.failed_at, state.failures) = (Some(ctx.now), state.failures.saturating_add(1));
    state.error = Some(error.to_owned());
    source_state::keep(&mut tx, &state).await?;
    let error = if run.progress.is_some() {
        format!("{error}. {PARTLY}")
    } else {
        // What it had named only, it did not do.
        change::delete_of_run(&mut tx, id).await?;
        error.to_owned()
    };
    let failed = Run { state: State::Failed, error: Some(error), duration_ms: Some(duration_ms), ..run };
    sync_run::update(&mut tx, &failed).await?;
    tx.commit().await?;
    Ok(failed)
}

/// Fails when another ended the run, believing its node gone. In the writing transaction, nobody can do so any more.
pub(super) async fn still_ours_in(tx: &mut Tx, run: &Run) -> Result<(), Error> {
    match sync_run::find(tx, run.id).await? {
        Some(known) if known.state == State::Running => Ok(()),
        _ => Err(Error::Conflict(LOST.to_owned())),
    }
}
