//! This process among those that share the stores: its name, and whether it is about to stop. Knows no job.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use uuid::Uuid;

/// One running program.
#[derive(Debug)]
pub struct Node {
    name: String,
    holds: AtomicU64,
    stopping: AtomicBool,
    awake: Notify,
}

impl Default for Node {
    fn default() -> Self {
        // A program that was killed and starts again is another node: what it held runs out.
        Self { name: Uuid::now_v7().to_string(), holds: AtomicU64::new(0), stopping: AtomicBool::new(false), awake: Notify::new() }
    }
}

impl Node {
    /// As the registry names it where it holds something.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A name for one hold of this node. Each hold has its own, so that one that ran out unnoticed is not taken for a later one.
    pub fn holder(&self) -> String {
        format!("{}:{}", self.name, self.holds.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells this node's worker that there is something to do now.
    pub fn wake(&self) {
        self.awake.notify_one();
    }

    /// Ends when there is something to do, at once when there was since the last time.
    pub async fn woken(&self) {
        self.awake.notified().await;
    }

    /// From now on nothing new is begun here.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Whether nothing new is to be begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
