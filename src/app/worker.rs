//! What a node does besides answering: it looks for due jobs, does a few at a time, and at the stop ends those under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::services::context::Gateway;
use crate::services::error::Error;
use crate::services::leases::{self, Lease};
use crate::services::{dispatch, jobs};
use crate::types::time::Timestamp;

/// How often a node looks for due jobs when nothing wakes it: so long a job waits that another node asked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Most jobs that one node does at once, of those that people wait for.
const PROMPT_AT_ONCE_MAX: usize = 4;
/// Most long jobs besides: they come in numbers, and never take the place of the others, nor wait for them.
const BULK_AT_ONCE_MAX: usize = 1;
/// How long jobs under way may take to end once the gateway is asked to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Does due jobs until the node stops; then ends those under way, and lets go of what it holds.
pub async fn work(gateway: Arc<Gateway>) {
    let (mut prompt, mut bulk) = (JoinSet::new(), JoinSet::new());
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !gateway.node.is_stopping() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = gateway.node.woken() => {}
            // One that panicked has been logged by the runtime, and its hold runs out.
            Some(_) = prompt.join_next() => {}
            Some(_) = bulk.join_next() => {}
        }
        while prompt.len() < PROMPT_AT_ONCE_MAX && take_up(&gateway, &mut prompt, jobs::take_prompt).await {}
        while bulk.len() < BULK_AT_ONCE_MAX && take_up(&gateway, &mut bulk, jobs::take_bulk).await {}
    }
    let ended = async { while prompt.join_next().await.is_some() || bulk.join_next().await.is_some() {} };
    if timeout(STOP_DEADLINE, ended).await.is_err() {
        tracing::warn!(jobs = prompt.len() + bulk.len(), "jobs under way are broken off");
        prompt.shutdown().await;
        bulk.shutdown().await;
    }
    if let Err(error) = leases::release_all(&gateway).await {
        tracing::warn!(%error, "what this node holds is not let go of: it runs out by itself");
    }
}

/// Begins one due job, if there is any. False when there is none to begin now.
async fn take_up(
    gateway: &Arc<Gateway>,
    under_way: &mut JoinSet<()>,
    take: impl AsyncFn(&Arc<Gateway>, Timestamp) -> Result<Option<Lease>, Error>,
) -> bool {
    if gateway.node.is_stopping() {
        return false;
    }
    match take(gateway, Timestamp::now()).await {
        Ok(Some(lease)) => {
            let gateway = gateway.clone();
            under_way.spawn(async move { dispatch::carry_out(&gateway, lease).await });
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "due jobs are looked for again in a moment");
            false
        }
    }
}
