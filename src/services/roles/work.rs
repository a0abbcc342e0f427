//! The heavy work of rules, off the runtime's threads: a few bounded pieces at a time, and none for whoever is gone. Knows no rule.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::super::error::Error;

/// Pieces at work at once in the whole process. Others wait in the order they came, so a small establishment waits for a few pieces and
/// never for the whole evaluation of a large one.
const PIECES_MAX: usize = 2;
/// Pieces of one evaluation at once.
pub const AT_ONCE: usize = PIECES_MAX;
/// Simulations at once in the whole process: each keeps its compiled patterns for as long as it runs.
const SIMULATIONS_MAX: usize = 2;
/// Longest simulation, waiting included.
pub const SIMULATION_TIME_MAX: Duration = Duration::from_secs(20);

static PIECES: Semaphore = Semaphore::const_new(PIECES_MAX);
static SIMULATIONS: Semaphore = Semaphore::const_new(SIMULATIONS_MAX);

/// Whether an evaluation is not wanted any more. What comes of a stopped piece is incomplete, and nobody is there to read it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it is.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One evaluation. Dropped with the request or at the deadline, it stops the piece that is at work.
#[derive(Debug, Default)]
pub struct Work {
    stop: Stop,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
    }
}

impl Work {
    /// What tells its pieces to stop.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Does one piece on a blocking thread. It owns what it needs; its place is free again when it ends, whether someone waits or not.
    pub async fn piece<T: Send + 'static>(&self, piece: impl FnOnce(&Stop) -> T + Send + 'static) -> Result<T, Error> {
        let place = acquire(&PIECES).await?;
        let stop = self.stop();
        let done = tokio::task::spawn_blocking(move || {
            let done = piece(&stop);
            drop(place);
            done
        });
        done.await.map_err(|error| Error::Internal(format!("a piece of evaluating rules ends, and did not: {error}")))
    }
}

/// A simulation, when there is room for it, and no longer than `limit`.
///
/// # Errors
/// `Invalid` at the deadline; whatever the simulation fails with.
pub async fn simulating<T>(limit: Duration, simulation: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let in_turn = async {
        let _place = acquire(&SIMULATIONS).await?;
        simulation.await
    };
    tokio::time::timeout(limit, in_turn).await.unwrap_or_else(|_| {
        let why = "these rules take too long to evaluate";
        let next = "write fewer or simpler patterns, or try again when the machine is less busy";
        Err(Error::invalid("rules", format!("{why}, more than {} seconds: {next}", limit.as_secs())))
    })
}

async fn acquire(places: &'static Semaphore) -> Result<SemaphorePermit<'static>, Error> {
    places.acquire().await.map_err(|error| Error::Internal(format!("places for evaluating rules are never closed, and are: {error}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_simulation_past_its_deadline_is_refused_and_its_piece_stops() {
        let (ended, end) = tokio::sync::oneshot::channel();
        let work = Work::default();
        let simulation = async move {
            let endless = |stop: &Stop| {
                while !stop.is_set() {
                    std::thread::yield_now();
                }
                ended.send(())
            };
            work.piece(endless).await
        };
        let Err(Error::Invalid(wrong)) = simulating(Duration::from_millis(200), simulation).await else { panic!("it never ends") };
        assert_eq!(wrong.first().unwrap().field, "rules");
        assert!(wrong.first().unwrap().message.starts_with("these rules take too long to evaluate"));
        // A piece that had not begun when its request went never begins; one that had ends now. Neither keeps its place.
        let _ended_or_never_begun = end.await;
        assert!(!Work::default().piece(Stop::is_set).await.unwrap());
    }
}
