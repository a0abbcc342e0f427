//! A reading connection of a SQLite file, and how long what it is asked may take: SQLite itself never gives up. It reads nothing by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

/// After so many of its steps SQLite looks whether it has to give up: some ten microseconds.
const STEPS: i32 = 1000;

/// A reading connection, from when it is taken until it is given back.
#[derive(Debug)]
pub struct Reading {
    connection: PoolConnection<Sqlite>,
    /// Whether the deadline holds still, where there is one.
    limited: Option<Arc<AtomicBool>>,
}

impl Reading {
    /// Without a deadline.
    pub fn new(connection: PoolConnection<Sqlite>) -> Self {
        Self { connection, limited: None }
    }

    /// The connection underneath.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Has what is asked from now on broken off when it is not answered in time.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn give_up_after(&mut self, most: Duration) -> Result<(), sqlx::Error> {
        let limited = Arc::new(AtomicBool::new(true));
        let (holds, until) = (limited.clone(), Instant::now() + most);
        let goes_on = move || !holds.load(Ordering::Relaxed) || Instant::now() < until;
        self.connection.lock_handle().await?.set_progress_handler(STEPS, goes_on);
        self.limited = Some(limited);
        Ok(())
    }

    /// Has what is asked from now on take what time it takes.
    pub fn take_time(&mut self) {
        if let Some(limited) = self.limited.take() {
            limited.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Reading {
    /// Whoever went away while something was asked leaves it running: its deadline stays with it, and nobody else gets the connection.
    fn drop(&mut self) {
        if self.limited.is_some() {
            self.connection.close_on_drop();
        }
    }
}
