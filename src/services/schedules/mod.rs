//! When sources run by themselves: what is due, when next, and how long one that fails is left alone. Runs nothing: `keeping_up` does.

mod pace;

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::context::{Context, Gateway};
use super::error::Error;
use super::leases;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::source_state::{self, SourceState};
use crate::store::establishment::source_turn::{self, SourceTurn};
use crate::store::establishment::sync_run::{Mode, Run, State};
use crate::store::registry::job::{self, Kind};
use crate::store::registry::pulse;
use crate::store::{Tx, notices};
use crate::types::id::SourceId;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;
pub(in crate::services) use pace::share;
pub use pace::{Due, Pace};
use pace::{FAILURES_MAX, pause_s};

/// How long after an announcement a source's schedule is looked at even if nobody hurries, in seconds: longer than any transaction.
const GUARD_S: i64 = 120;

/// How a source keeps up, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// When it next runs by itself.
    pub next_run_at: Option<Timestamp>,
    /// How its last runs went.
    pub state: StandingState,
}

/// How the last runs of a source went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StandingState {
    /// What they left.
    #[serde(flatten)]
    pub kept: SourceState,
    /// Seconds since it was last known to be as the source is.
    pub lag_s: Option<i64>,
    /// Seconds since its bookmark was made: what changes are asked since.
    pub bookmark_age_s: Option<i64>,
    /// Whether nothing ended well for so long that something must be wrong.
    pub late: bool,
    /// Whether some node listens to it now.
    pub listening: bool,
}

/// How a source keeps up.
///
/// # Errors
/// When a store fails.
pub async fn standing(ctx: &Context, source: &Source) -> Result<Standing, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let pace = Pace::of_in(&mut tx, source.clone()).await?;
    drop(tx);
    let since = |at: Option<Timestamp>| at.map(|at| (ctx.now.seconds() - at.seconds()).max(0));
    let is_live = source.enabled && source.schedule.as_ref().is_some_and(|schedule| schedule.live);
    let listening = is_live && leases::is_held(&ctx.gateway, Kind::Live, ctx.slug(), &source.id.to_string(), ctx.now).await?;
    Ok(Standing {
        // A blocked establishment's sources rest.
        next_run_at: pace.due().filter(|_| ctx.is_open()).map(|due| due.at.max(ctx.now)),
        state: StandingState {
            late: source.enabled && pace.late_at().is_some_and(|at| at <= ctx.now),
            lag_s: since(pace.state.succeeded_at),
            bookmark_age_s: since(pace.state.bookmark_at),
            listening,
            kept: pace.state,
        },
    })
}

/// That a source's schedule is to be looked at, written before its cause: a crash right after it loses nothing.
#[derive(Debug)]
#[must_use = "hurry it after the commit, or the schedule is looked at minutes later"]
pub struct Announced(Option<SourceId>);

/// Announces that a source that has, had or gets a schedule is being added, changed or taken away. To be called before the transaction that
/// does it.
///
/// # Errors
/// When the registry cannot be written; then the cause must not be written either.
pub(in crate::services) async fn announce(ctx: &Context, id: SourceId, is_scheduled: bool) -> Result<Announced, Error> {
    if !is_scheduled {
        return Ok(Announced(None));
    }
    let mut tx = ctx.gateway.stores.registry().begin().await?;
    job::ask_about(&mut tx, Kind::Schedule, (ctx.slug(), &id.to_string()), ctx.now.plus_s(GUARD_S)).await?;
    tx.commit().await?;
    Ok(Announced(Some(id)))
}

impl Announced {
    /// Has the schedule looked at now. To be called after the commit; when it fails, the announcement still stands.
    pub(in crate::services) async fn hurry(self, ctx: &Context) {
        let Some(id) = self.0 else { return };
        if let Err(error) = look_now(&ctx.gateway, ctx.slug(), &[id], ctx.now).await {
            tracing::warn!(establishment = ctx.slug(), %error, "a schedule that changed is looked at a little later");
        }
        ctx.gateway.node.tell_sources_changed();
    }
}

/// Has the schedules of all sources looked at in a while, whatever becomes of this process: the establishment is being unblocked.
///
/// # Errors
/// When a store fails; then the cause must not be written either.
pub(in crate::services) async fn announce_all(ctx: &Context) -> Result<(), Error> {
    look_at_all(&Context { now: ctx.now.plus_s(GUARD_S), ..ctx.clone() }).await
}

/// Has the schedules of all sources looked at now: the establishment was unblocked, or came from an archive.
///
/// # Errors
/// When a store fails.
pub(in crate::services) async fn look_at_all(ctx: &Context) -> Result<(), Error> {
    let sources = source::list(&mut ctx.store.read().await?).await?;
    let scheduled: Vec<SourceId> =
        sources.iter().filter(|source| source.enabled && source.schedule.is_some()).map(|source| source.id).collect();
    ctx.gateway.node.tell_sources_changed();
    look_now(&ctx.gateway, ctx.slug(), &scheduled, ctx.now).await
}

async fn look_now(gateway: &Gateway, slug: &str, sources: &[SourceId], now: Timestamp) -> Result<(), Error> {
    if sources.is_empty() {
        return Ok(());
    }
    let mut tx = gateway.stores.registry().begin().await?;
    for id in sources {
        job::ask_about(&mut tx, Kind::Schedule, (slug, &id.to_string()), now).await?;
    }
    notices::announce_jobs(&mut tx, gateway.node.name()).await?;
    tx.commit().await?;
    gateway.node.wake();
    Ok(())
}

/// Begins a schedule anew: what was due before is not made up for. In the transaction that writes it.
pub(in crate::services) async fn begin_anew_in(tx: &mut Tx, ctx: &Context, id: SourceId) -> Result<(), Error> {
    let before = source_turn::find(tx, id).await?;
    let full_begun_at = before.and_then(|turn| turn.full_begun_at);
    Ok(source_turn::keep(tx, &SourceTurn { source_id: id, served_at: ctx.now, full_begun_at }).await?)
}

/// Writes down that what was due is being done.
pub(in crate::services) async fn serve(ctx: &Context, pace: &Pace, mode: Mode) -> Result<(), Error> {
    let begun = pace.turn.and_then(|turn| turn.full_begun_at);
    let full_begun_at = if mode == Mode::Full { Some(ctx.now) } else { begun };
    let mut tx = ctx.store.begin().await?;
    source_turn::keep(&mut tx, &SourceTurn { source_id: pace.source.id, served_at: ctx.now, full_begun_at }).await?;
    Ok(tx.commit().await?)
}

/// Writes down what a run that ended means for the next ones: one that failed too often in a row is left alone, one that the source answered opens
/// it again. Whether it went well, the run itself wrote down. Previews and undone runs count for nothing.
///
/// # Errors
/// When a store fails.
pub(in crate::services) async fn note_end(ctx: &Context, run: &Run, server: Option<String>) -> Result<(), Error> {
    measure(run);
    if !matches!(run.mode, Mode::Full | Mode::Changes) {
        return Ok(());
    }
    let Some(mut pace) = Pace::find_in(&mut ctx.store.read().await?, run.source_id).await? else { return Ok(()) };
    let before = pace.state.clone();
    pace.state.server = server.or(pace.state.server);
    let ended_at = run.started_at.plus_s(run.duration_ms.unwrap_or_default() / 1000);
    match run.state {
        State::Failed => pause(ctx, &mut pace, ended_at),
        _ => answered(&mut pace.state),
    }
    let after = pace.state.clone();
    if after != before {
        let mut tx = ctx.store.begin().await?;
        // What another wrote meanwhile stands.
        let standing = source_state::get(&mut tx, run.source_id).await?;
        let SourceState { server, paused_until, failures, error, .. } = after;
        source_state::keep(&mut tx, &SourceState { failures, error, server, paused_until, ..standing }).await?;
        tx.commit().await?;
    }
    tell(ctx, &pace).await
}

fn measure(run: &Run) {
    let mode = match run.mode {
        Mode::Full => "full",
        Mode::Changes => "changes",
        Mode::Preview => "preview",
        Mode::Undo => "undo",
    };
    let state = match run.state {
        State::Queued | State::Running => "running",
        State::Done => "done",
        State::Held => "held",
        State::Refused => "refused",
        State::Failed => "failed",
        State::Undone => "undone",
    };
    metrics::counter!("passerelle_sync_runs_total", "mode" => mode, "state" => state).increment(1);
    let duration_s = Duration::from_millis(run.duration_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default()).as_secs_f64();
    metrics::histogram!("passerelle_sync_run_seconds", "mode" => mode).record(duration_s);
}

/// Writes down that a source that is listened to is known to be current at an instant, or why it is not listened to.
///
/// # Errors
/// When a store fails.
pub(in crate::services) async fn note(ctx: &Context, id: SourceId, at: Timestamp, heard: Result<(), &str>) -> Result<(), Error> {
    let mut tx = ctx.store.begin().await?;
    let Some(mut pace) = Pace::find_in(&mut tx, id).await? else { return Ok(()) };
    match heard {
        Ok(()) => {
            answered(&mut pace.state);
            pace.state.succeeded_at = Some(at);
        }
        Err(why) => {
            pace.state.failures = pace.state.failures.saturating_add(1);
            (pace.state.failed_at, pace.state.error) = (Some(at), Some(why.to_owned()));
            pause(ctx, &mut pace, at);
        }
    }
    source_state::keep(&mut tx, &pace.state).await?;
    tx.commit().await?;
    tell(ctx, &pace).await
}

fn answered(state: &mut SourceState) {
    (state.failures, state.error, state.paused_until) = (0, None, None);
}

/// Leaves a source alone for a while, if it failed often enough.
fn pause(ctx: &Context, pace: &mut Pace, at: Timestamp) {
    let is_live = pace.source.schedule.as_ref().is_some_and(|schedule| schedule.live);
    let failures = pace.state.failures;
    let pause = pause_s(failures, is_live);
    pace.state.paused_until = (pause > 0).then(|| at.plus_s(pause));
    if failures == FAILURES_MAX {
        let (source, error) = (pace.source.name.as_str(), pace.state.error.as_deref());
        tracing::warn!(establishment = ctx.slug(), source, failures, error, "a source is left alone for a while");
    }
}

/// Tells the registry how a source goes, or forgets it there when nothing is expected of it any more.
pub(in crate::services) async fn tell(ctx: &Context, pace: &Pace) -> Result<(), Error> {
    let mut tx = ctx.gateway.stores.registry().begin().await?;
    if pace.due().is_some() {
        pulse::keep(&mut tx, &pace.pulse(ctx.slug())).await?;
    } else {
        pulse::delete(&mut tx, ctx.slug(), pace.source.id).await?;
    }
    Ok(tx.commit().await?)
}

/// Forgets in the registry a source that is gone or rests.
pub(in crate::services) async fn forget(ctx: &Context, id: SourceId) -> Result<(), Error> {
    let mut tx = ctx.gateway.stores.registry().begin().await?;
    pulse::delete(&mut tx, ctx.slug(), id).await?;
    Ok(tx.commit().await?)
}
