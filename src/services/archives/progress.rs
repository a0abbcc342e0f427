//! How far the work on an archive came, for whoever watches.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Steps done of steps to do: rows while one is written, bytes while one is read.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    all: AtomicU64,
}

impl Progress {
    /// Steps done, and steps to do as far as they are known.
    pub fn so_far(&self) -> (u64, u64) {
        (self.done.load(Relaxed), self.all.load(Relaxed))
    }

    /// There is more to do.
    pub(super) fn expect(&self, more: u64) {
        self.all.fetch_add(more, Relaxed);
    }

    /// More is done.
    pub(super) fn advance(&self, more: usize) {
        self.done.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Relaxed);
    }
}
