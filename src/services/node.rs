//! This process among those that share the stores: its name, and whether it is about to stop. Knows no job.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One running program.
#[derive(Debug)]
pub struct Node {
    name: String,
    holds: AtomicU64,
    serves: AtomicBool,
    stopping: CancellationToken,
    awake: Notify,
    sources: watch::Sender<u64>,
}

impl Default for Node {
    fn default() -> Self {
        // A program that was killed and starts again is another node: what it held runs out.
        Self {
            name: Uuid::now_v7().to_string(),
            holds: AtomicU64::new(0),
            serves: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            awake: Notify::new(),
            sources: watch::Sender::new(0),
        }
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

    /// From now on people sign in here: whoever waits to write into a file of this installation is nearly always of this very program.
    pub fn serve(&self) {
        self.serves.store(true, Ordering::Relaxed);
    }

    /// Whether people sign in here. A command beside a gateway that runs does not know who waits for it.
    pub fn serves(&self) -> bool {
        self.serves.load(Ordering::Relaxed)
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
        self.stopping.cancel();
        self.wake();
    }

    /// Whether nothing new is to be begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Ends when nothing new is to be begun.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
    }

    /// Tells whoever listens to a source here that sources, or an establishment's right to have any, changed.
    pub fn tell_sources_changed(&self) {
        self.sources.send_modify(|count| *count += 1);
    }

    /// Tells when sources change, from now on.
    pub fn sources_watched(&self) -> watch::Receiver<u64> {
        self.sources.subscribe()
    }
}
