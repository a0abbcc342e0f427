//! What a node does besides answering: it looks for due jobs, does a few at a time, and at the stop ends those under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::services::context::Gateway;
use crate::services::{dispatch, jobs, leases};
use crate::types::time::Timestamp;

/// How often a node looks for due jobs when nothing wakes it: so long a job waits that another node asked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Most jobs that one node does at once.
const AT_ONCE_MAX: usize = 4;
/// How long jobs under way may take to end once the gateway is asked to stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Does due jobs until the node stops; then ends those under way, and lets go of what it holds.
pub async fn work(gateway: Arc<Gateway>) {
    let mut under_way = JoinSet::new();
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !gateway.node.is_stopping() {
        tokio::select! {
            _ = ticks.tick() => {}
            () = gateway.node.woken() => {}
            // One that panicked has been logged by the runtime, and its hold runs out.
            Some(_) = under_way.join_next() => {}
        }
        take_up(&gateway, &mut under_way).await;
    }
    if timeout(STOP_DEADLINE, async { while under_way.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(jobs = under_way.len(), "jobs under way are broken off");
        under_way.shutdown().await;
    }
    if let Err(error) = leases::release_all(&gateway).await {
        tracing::warn!(%error, "what this node holds is not let go of: it runs out by itself");
    }
}

async fn take_up(gateway: &Arc<Gateway>, under_way: &mut JoinSet<()>) {
    while under_way.len() < AT_ONCE_MAX && !gateway.node.is_stopping() {
        match jobs::take(gateway, Timestamp::now()).await {
            Ok(Some(lease)) => {
                let gateway = gateway.clone();
                under_way.spawn(async move { dispatch::carry_out(&gateway, lease).await });
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "due jobs are looked for again in a moment");
                return;
            }
        }
    }
}
