//! The run of a routed source on the platform, and the runs of its parts in establishments. Decides nothing about which there are.

use std::time::Instant;

use serde_json::{Value, json};

use super::super::super::audit;
use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::super::leases::Lease;
use super::super::super::schedules;
use super::super::super::sources;
use super::super::attempt::elapsed_ms;
use super::super::broken;
use super::super::feed::Feed;
use super::super::journal::Journal;
use super::super::run::{self, Begun, LOST, still_ours_in};
use super::gathered::Gathered;
use super::sorted::Part;
use crate::store::Tx;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::source_state;
use crate::store::establishment::sync_run::{self, Counts, Mode, Run, StartedBy, State};
use crate::types::id::{RunId, SourceId};

/// A pass over all establishments that began, held by this node.
#[derive(Debug)]
pub struct Pass {
    source: Source,
    run: Run,
    lease: Lease,
    clock: Instant,
}

/// How a pass ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// What all its runs counted.
    pub counts: Counts,
    /// Why it failed, when it did; when only some establishments failed, which.
    pub error: Option<String>,
    /// It did nothing anywhere.
    pub failed: bool,
    /// The sum of it, in words.
    pub note: Option<String>,
    /// What was set aside: its kind, its name, and why.
    pub aside: Vec<(ChangeKind, String, Value)>,
    /// Whether there was nothing to do and there is nothing to say.
    pub quiet: bool,
}

/// Begins a pass.
///
/// # Errors
/// `NotFound`, `Conflict` when one is under way or the source is disabled.
pub async fn begin_pass(ctx: &Context, name: &str, mode: Mode, by: StartedBy) -> Result<Pass, Error> {
    let (source, run, lease) = run::hold_row(ctx, name, mode, by, true).await?;
    Ok(Pass { source, run, lease, clock: Instant::now() })
}

impl Pass {
    /// The platform's source.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Its run, as it began.
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// Reads the source to its end.
    ///
    /// # Errors
    /// `Outside` when the reading was not complete, `Conflict` when another node took over.
    pub async fn gather(&self, ctx: &Context) -> Result<Gathered, Error> {
        tokio::select! {
            gathered = super::gather(ctx, &self.source) => gathered,
            () = self.lease.lost() => Err(Error::Conflict(LOST.to_owned())),
        }
    }

    /// Whether another node may do this pass by now.
    pub fn is_lost(&self) -> bool {
        self.lease.is_lost()
    }

    /// Writes its end down.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(self, ctx: &Context, ended: Result<Ended, Error>) -> Result<Run, Error> {
        let Self { source, run, lease, clock } = self;
        let ended = match ended {
            Ok(ended) if ended.failed => Err(Error::Conflict(ended.error.unwrap_or_default())),
            other => other,
        };
        let run = match ended {
            Ok(ended) => written(ctx, &source, run, ended, elapsed_ms(clock)).await,
            Err(error) => run::fail(ctx, run.id, &error.to_string(), elapsed_ms(clock)).await,
        };
        if let Ok(run) = &run
            && let Err(error) = schedules::note_end(ctx, run, sources::answering(ctx, &source).await).await
        {
            tracing::warn!(run.id = %run.id, %error, "how a pass ended is not told to its schedule");
        }
        broken::let_go(lease).await;
        let run = run?;
        tracing::info!(run.id = %run.id, source = run.source, state = ?run.state, duration_ms = run.duration_ms, read = run.counts.read,
            note = run.note.as_deref(), error = run.error.as_deref(), "pass over establishments ended");
        Ok(run)
    }
}

async fn written(ctx: &Context, source: &Source, run: Run, ended: Ended, duration_ms: i64) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    still_ours_in(&mut tx, &run).await?;
    let Ended { counts, error, note, aside, quiet, .. } = ended;
    let run = Run { state: State::Done, counts, error, note, duration_ms: Some(duration_ms), ..run };
    if quiet && run.started_by != StartedBy::Hand {
        sync_run::forget(&mut tx, run.id).await?;
    } else {
        let mut journal = Journal::after(run.id, 0);
        for (kind, name, detail) in aside {
            journal.note(&mut tx, (kind, Operation::Quarantined), None, &name, Some(detail)).await?;
        }
        journal.flush(&mut tx).await?;
        sync_run::update(&mut tx, &run).await?;
    }
    if run.mode != Mode::Preview {
        let mut state = source_state::get(&mut tx, source.id).await?;
        (state.full_at, state.succeeded_at) = (Some(ctx.now), Some(ctx.now));
        (state.failures, state.error) = (0, None);
        source_state::keep(&mut tx, &state).await?;
    }
    tx.commit().await?;
    Ok(run)
}

/// The source of an establishment that this source of the platform feeds; made the first time, unless nothing may be written.
///
/// # Errors
/// `Conflict` when another source has its name there.
pub async fn receive(ctx: &Context, origin: &Source, writes: bool) -> Result<Option<Source>, Error> {
    if let Some(known) = fed_by(&mut ctx.store.read().await?, origin.id).await? {
        return Ok(Some(known));
    }
    if !writes {
        return Ok(None);
    }
    let mut tx = ctx.store.begin().await?;
    if let Some(known) = fed_by(&mut tx, origin.id).await? {
        return Ok(Some(known));
    }
    let new = Source {
        id: SourceId::new(),
        settings: json!({}),
        secret_sealed: None,
        schedule: None,
        route: None,
        routed_from: Some(origin.id),
        enabled: true,
        created_at: ctx.now,
        updated_at: ctx.now,
        ..origin.clone()
    };
    source::insert(&mut tx, &new).await.map_err(|error| match error {
        crate::store::Error::Taken(_) => Error::Conflict(format!("another source is named «{}» here: give it another name", new.name)),
        other => other.into(),
    })?;
    let detail = json!({ "name": new.name, "routed": true, "guard": new.guard });
    audit::record_in(&mut tx, ctx, "source.created", ("source", &new.name), detail).await?;
    tx.commit().await?;
    Ok(Some(new))
}

async fn fed_by(tx: &mut Tx, origin: SourceId) -> Result<Option<Source>, Error> {
    Ok(source::list(tx).await?.into_iter().find(|source| source.routed_from == Some(origin)))
}

/// Runs an establishment's part to its end.
///
/// # Errors
/// `Conflict` when a run is under way there; how the run itself ended is in its `state`.
pub async fn run_part(ctx: &Context, name: &str, mode: Mode, by: StartedBy, part: Part) -> Result<Run, Error> {
    let (source, run, lease) = run::hold_row(ctx, name, mode, by, false).await?;
    run::carry_out(&run::for_source(ctx, &source), Begun { source, run, lease, feed: Feed::Records(part) }).await
}

/// What a part would be the first of, where nothing may be written and nothing was fed before: everything in it is new.
pub fn would_be(ctx: &Context, origin: &Source, part: &Part) -> Run {
    let all = (part.people() + part.groups()) as u64;
    let counts = Counts { read: all, created: all, ..Counts::default() };
    Run { state: State::Done, counts, ..run::fresh(ctx, origin, Mode::Preview, RunId::new()) }
}
