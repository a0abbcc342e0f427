//! What a node does besides answering: it looks for due jobs, does a few of each sort at a time, and at the stop ends those under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::services::context::Gateway;
use crate::services::{dispatch, leases};
use crate::store::registry::job::Kind;
use crate::types::time::Timestamp;

/// How often a node looks for due jobs when nothing wakes it: so long a job waits that another node asked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Most jobs that one node does at once, of those that people wait for.
const PROMPT_AT_ONCE_MAX: usize = 4;
/// Most long jobs besides: they come in numbers, and never take the place of the others, nor wait for them.
const BULK_AT_ONCE_MAX: usize = 1;
/// Most applications outside that one node writes to at once.
const OUTWARD_AT_ONCE_MAX: usize = 4;
/// How long jobs under way may take to end once the gateway is asked to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Jobs of one sort: they wait for one another, and for no other sort.
struct Lane {
    kinds: &'static [Kind],
    at_once_max: usize,
    busy: usize,
}

/// Jobs under way, each in its lane.
struct Work {
    lanes: Vec<Lane>,
    under_way: JoinSet<()>,
    lane_of: HashMap<Id, usize>,
}

/// Does due jobs until the node stops; then ends those under way, and lets go of what it holds.
pub async fn work(gateway: Arc<Gateway>) {
    let limits = &gateway.limits;
    let mut work = Work::new(&[
        (dispatch::PROMPT, PROMPT_AT_ONCE_MAX),
        (dispatch::RUNS, limits.sync_runs_at_once),
        (dispatch::LIVE, limits.live_sources_max),
        (dispatch::OUTWARD, OUTWARD_AT_ONCE_MAX),
        (dispatch::BULK, BULK_AT_ONCE_MAX),
    ]);
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !gateway.node.is_stopping() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = gateway.node.woken() => {}
            Some(ended) = work.under_way.join_next_with_id() => work.note_end(&ended),
        }
        for lane in 0..work.lanes.len() {
            while work.take_up(&gateway, lane).await {}
        }
    }
    let ended = async { while work.under_way.join_next().await.is_some() {} };
    if timeout(STOP_DEADLINE, ended).await.is_err() {
        tracing::warn!(jobs = work.under_way.len(), "jobs under way are broken off");
        work.under_way.shutdown().await;
    }
    if let Err(error) = leases::release_all(&gateway).await {
        tracing::warn!(%error, "what this node holds is not let go of: it runs out by itself");
    }
}

impl Work {
    fn new(lanes: &[(&'static [Kind], usize)]) -> Self {
        let lanes = lanes.iter().map(|&(kinds, at_once_max)| Lane { kinds, at_once_max, busy: 0 });
        Self { lanes: lanes.collect(), under_way: JoinSet::new(), lane_of: HashMap::new() }
    }

    /// Frees a place. The job of one that panicked has been logged by the runtime, and its hold runs out.
    fn note_end(&mut self, ended: &Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(panicked) => panicked.id(),
        };
        if let Some(lane) = self.lane_of.remove(&id).and_then(|lane| self.lanes.get_mut(lane)) {
            lane.busy -= 1;
        }
    }

    /// Begins one due job of a lane, if there is any. False when there is none to begin now.
    async fn take_up(&mut self, gateway: &Arc<Gateway>, number: usize) -> bool {
        let Some(lane) = self.lanes.get_mut(number).filter(|lane| lane.busy < lane.at_once_max) else { return false };
        if gateway.node.is_stopping() {
            return false;
        }
        match leases::take(gateway, lane.kinds, Timestamp::now()).await {
            Ok(Some(lease)) => {
                let gateway = gateway.clone();
                let begun = self.under_way.spawn(async move { dispatch::carry_out(&gateway, lease).await });
                lane.busy += 1;
                self.lane_of.insert(begun.id(), number);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "due jobs are looked for again in a moment");
                false
            }
        }
    }
}
