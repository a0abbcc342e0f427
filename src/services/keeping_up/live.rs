//! A live source: one node listens to it for as long as it can, takes over what changed as it is told, and begins anew when the connection
//! ends, the source is edited, or its establishment is blocked. One that announces nothing is asked at short intervals.

use std::sync::Arc;
use std::time::Duration;

use connectors::{Batch, Following};
use metrics::gauge;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use super::super::context::{Actor, Context, Gateway};
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::schedules::{self, Pace, share};
use super::super::{sources, sync};
use super::{subject, wanted};
use crate::store::establishment::source::Source;
use crate::store::establishment::sync_run::{Mode, Run, StartedBy, State};
use crate::types::id::SourceId;
use crate::types::schedule::Schedule;
use crate::types::time::Timestamp;

/// How often it is looked whether the source is still what it was: another node may have changed it.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
/// How often a source that is listened to and says nothing is written down as current.
const PULSE_INTERVAL: Duration = Duration::from_mins(1);
/// Wait before listening again after a connection ended; each failure in a row doubles it.
const AGAIN_MIN_MS: u64 = 1000;
/// The longest such wait; the breaker adds its own.
const AGAIN_MAX_MS: u64 = 60_000;
/// How long a source whose change was held is left to whoever decides, unless something changes before.
const HELD_INTERVAL: Duration = Duration::from_mins(5);
/// How long another run of the source is waited for.
const BUSY_INTERVAL: Duration = Duration::from_secs(2);
/// How long after a complete reading a source that gives no bookmark is read whole again, in seconds.
const WHOLE_AGAIN_S: i64 = 3600;

/// Why listening paused.
enum Pause {
    /// The source is not what it was, or was read to its end: it is looked at again at once.
    Changed,
    /// For so long.
    For(Duration),
    /// The node stops, or another one listens by now.
    Over,
}

impl Pause {
    fn until(at: Timestamp, now: Timestamp) -> Self {
        Self::For(Duration::from_secs(u64::try_from(at.seconds() - now.seconds()).unwrap_or_default()))
    }
}

/// Listens to a source until it is not wanted any more. Answers when it is to be listened to again.
///
/// # Errors
/// When a store fails.
pub async fn listen(gateway: &Arc<Gateway>, lease: &Lease) -> Result<Option<Timestamp>, Error> {
    let id = subject(&lease.job().subject)?;
    let mut listener = Listener { gateway, lease, id, changed: gateway.node.sources_watched() };
    loop {
        let ctx = listener.context().await?;
        let Some(pace) = wanted(&ctx, id).await?.filter(|pace| schedule(pace).live) else { return Ok(None) };
        let pause = listener.session(&ctx, &pace).await?;
        let pause = match pause {
            Pause::For(wait) => listener.wait(&pace.source, wait).await?,
            other => other,
        };
        if matches!(pause, Pause::Over) {
            return Ok(Some(lease.now()));
        }
    }
}

/// The schedule of a source that has one.
fn schedule(pace: &Pace) -> Schedule {
    pace.source.schedule.clone().unwrap_or_default()
}

struct Listener<'a> {
    gateway: &'a Arc<Gateway>,
    lease: &'a Lease,
    id: SourceId,
    changed: watch::Receiver<u64>,
}

impl Listener<'_> {
    async fn context(&self) -> Result<Context, Error> {
        Context::open(self.gateway, &self.lease.job().slug, Actor::System, self.lease.now()).await
    }

    /// Reads the source whole if it has to be, then listens to it, or asks it once.
    async fn session(&mut self, ctx: &Context, pace: &Pace) -> Result<Pause, Error> {
        if let Some(until) = pace.state.paused_until.filter(|until| *until > ctx.now) {
            return Ok(Pause::until(until, ctx.now));
        }
        let connector = match sources::connector(ctx, &pace.source).await {
            Ok(connector) => connector,
            Err(error) => return self.failed(ctx, &error.to_string()).await,
        };
        let kept = pace.state.bookmark.as_deref();
        let Some(bookmark) = kept.and_then(|text| connector.bookmark(text).ok()) else {
            let at = whole_at(ctx, pace);
            return if at > ctx.now { Ok(Pause::until(at, ctx.now)) } else { self.run(ctx, pace, Mode::Full, Pause::Changed).await };
        };
        if let Some(following) = connector.follow(&bookmark) {
            return self.follow(pace, following).await;
        }
        let rest = Pause::For(Duration::from_secs(schedule(pace).poll_s.into()));
        self.run(ctx, pace, Mode::Changes, rest).await
    }

    /// Runs the source once; `rest` is what follows when that went well.
    async fn run(&self, ctx: &Context, pace: &Pace, mode: Mode, rest: Pause) -> Result<Pause, Error> {
        self.after(ctx, sync::run_by(ctx, &pace.source.name, mode, StartedBy::Live).await, rest).await
    }

    /// What follows a run.
    async fn after(&self, ctx: &Context, ended: Result<Run, Error>, rest: Pause) -> Result<Pause, Error> {
        match ended {
            Ok(run) => match run.state {
                State::Done => Ok(rest),
                State::Held => Ok(Pause::For(HELD_INTERVAL)),
                _ => self.again(ctx).await,
            },
            Err(Error::Conflict(_)) => Ok(Pause::For(BUSY_INTERVAL)),
            Err(error) => self.failed(ctx, &error.to_string()).await,
        }
    }

    /// Takes over what the source says, until it ends, the source is not what it was, or the node stops.
    async fn follow(&mut self, pace: &Pace, mut following: Following) -> Result<Pause, Error> {
        let _counted = Counted::new();
        let mut looks = every(LOOK_INTERVAL);
        let mut pulses = every(PULSE_INTERVAL);
        loop {
            tokio::select! {
                said = following.batches.recv() => {
                    let Some(batch) = said else { break };
                    let ctx = self.context().await?;
                    if let Some(pause) = self.take_over(&ctx, pace, batch).await? {
                        return Ok(pause);
                    }
                }
                () = self.gateway.node.stopped() => return Ok(Pause::Over),
                () = self.lease.lost() => return Ok(Pause::Over),
                _ = self.changed.changed() => if self.is_changed(&pace.source).await? { return Ok(Pause::Changed) },
                _ = looks.tick() => if self.is_changed(&pace.source).await? { return Ok(Pause::Changed) },
                _ = pulses.tick() => {
                    let ctx = self.context().await?;
                    schedules::note(&ctx, self.id, ctx.now, Ok(())).await?;
                }
            }
        }
        let ctx = self.context().await?;
        match following.outcome.await {
            Ok(Ok(())) => Ok(Pause::Changed),
            // A run of changes finds the same, reads everything instead, and says why; or goes on where listening could not.
            Ok(Err(ended)) if ended.cause.bookmark_refused() => {
                let rest = Pause::For(Duration::from_secs(schedule(pace).poll_s.into()));
                self.run(&ctx, pace, Mode::Changes, rest).await
            }
            Ok(Err(ended)) => self.failed(&ctx, &ended.to_string()).await,
            Err(broken) => self.failed(&ctx, &format!("listening broke off: {broken}")).await,
        }
    }

    /// Takes over one batch. None when listening goes on; otherwise it begins anew from the bookmark, which names the last batch that was taken.
    async fn take_over(&self, ctx: &Context, pace: &Pace, batch: Batch) -> Result<Option<Pause>, Error> {
        let ended = sync::run_batch(ctx, &pace.source.name, batch, StartedBy::Live).await;
        match self.after(ctx, ended, Pause::Changed).await? {
            Pause::Changed => Ok(None),
            other => Ok(Some(other)),
        }
    }

    /// Writes a failure down, and says how long to wait after it.
    async fn failed(&self, ctx: &Context, why: &str) -> Result<Pause, Error> {
        tracing::info!(establishment = ctx.slug(), source.id = %self.id, error = why, "a source is listened to again in a moment");
        schedules::note(ctx, self.id, self.lease.now(), Err(why)).await?;
        self.again(ctx).await
    }

    /// How long to wait after so many failures as were written down.
    async fn again(&self, ctx: &Context) -> Result<Pause, Error> {
        let failures = Pace::find_in(&mut ctx.store.read().await?, self.id).await?.map_or(1, |pace| pace.state.failures);
        Ok(Pause::For(wait_after(failures, share(self.id))))
    }

    /// Waits, but not longer than the source stays what it is.
    async fn wait(&mut self, source: &Source, wait: Duration) -> Result<Pause, Error> {
        let end = sleep(wait);
        tokio::pin!(end);
        let mut looks = every(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = &mut end => return Ok(Pause::Changed),
                () = self.gateway.node.stopped() => return Ok(Pause::Over),
                () = self.lease.lost() => return Ok(Pause::Over),
                _ = self.changed.changed() => {}
                _ = looks.tick() => {}
            }
            if self.is_changed(source).await? {
                return Ok(Pause::Changed);
            }
        }
    }

    async fn is_changed(&self, source: &Source) -> Result<bool, Error> {
        Ok(wanted(&self.context().await?, self.id).await?.is_none_or(|pace| pace.source != *source))
    }
}

/// Ticks that begin after one interval.
fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The wait after failures in a row: doubled by each, and half as long again for some sources, so that not all come back at once.
fn wait_after(failures: i64, share: i64) -> Duration {
    let doublings = u32::try_from((failures - 1).clamp(0, 30)).unwrap_or_default();
    let wait_ms = AGAIN_MIN_MS.saturating_mul(1 << doublings).min(AGAIN_MAX_MS);
    let spread_ms = wait_ms * u64::try_from(share.rem_euclid(1000)).unwrap_or_default() / 2000;
    Duration::from_millis(wait_ms + spread_ms)
}

/// Counts a connection that listens, for as long as it is kept.
struct Counted;

impl Counted {
    fn new() -> Self {
        gauge!("passerelle_sources_live").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("passerelle_sources_live").decrement(1.0);
    }
}

/// When a source without a bookmark that fits is read whole: at once when it never was, or was edited since; else an hour after the last time,
/// because a source that gives none is read whole each time.
fn whole_at(ctx: &Context, pace: &Pace) -> Timestamp {
    let again = pace.state.full_at.filter(|read_at| *read_at >= pace.source.updated_at).map(|read_at| read_at.plus_s(WHOLE_AGAIN_S));
    schedule(pace).out_of_quiet(again.map_or(ctx.now, |at| at.max(ctx.now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_spread() {
        let waits = [1, 2, 3, 7, 8, i64::MAX].map(|failures| wait_after(failures, 0).as_secs());
        assert_eq!(waits, [1, 2, 4, 60, 60, 60]);
        assert_eq!(wait_after(2, 999).as_millis(), 2999, "at most half as long again");
    }
}
