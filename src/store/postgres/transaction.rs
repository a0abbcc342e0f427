//! A transaction that leaves nothing behind, however it ends: committed, dropped, failed, or cancelled while it begins.
//!
//! sqlx's own transaction counts as begun only once the answer to `BEGIN` is read: cancelled before, it returns a connection to the pool
//! with the transaction, its role and its lock still standing. This one counts as begun before it asks.

use std::fmt;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, PgConnection, Pool, Postgres};
use tokio::sync::OwnedMutexGuard;

use super::STATEMENT_DEADLINE;
use crate::store::{Error, dialect};

/// A transaction in one schema.
pub struct PgTransaction {
    connection: Option<PoolConnection<Postgres>>,
    failed: bool,
    turn: Option<OwnedMutexGuard<()>>,
}

impl fmt::Debug for PgTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgTransaction").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl PgTransaction {
    /// Begins one by a text that also takes role, path and lock, in one round trip.
    pub(super) async fn begin(pool: &Pool<Postgres>, text: &str) -> Result<Self, sqlx::Error> {
        let begun = async {
            let mut begun = Self { connection: Some(pool.acquire().await?), failed: false, turn: None };
            let asked = begun.parts().0.execute(dialect::constant(text)).await;
            asked.map(|_| begun)
        };
        let late = |_| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time")));
        tokio::time::timeout(STATEMENT_DEADLINE, begun).await.unwrap_or_else(late)
    }

    /// Keeps the writer's turn on this node until the end.
    pub(super) fn with_turn(mut self, turn: OwnedMutexGuard<()>) -> Self {
        self.turn = Some(turn);
        self
    }

    /// The connection, and whether a statement failed.
    pub fn parts(&mut self) -> (&mut PgConnection, &mut bool) {
        let Self { connection, failed, .. } = self;
        match connection {
            Some(connection) => (connection, failed),
            None => unreachable!("the connection leaves in `commit` and `drop` alone, which end the transaction"),
        }
    }

    /// Makes what was written last.
    ///
    /// # Errors
    /// `Broken` when a statement had failed: the server would roll back and say nothing.
    pub async fn commit(mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Broken);
        }
        let Some(connection) = &mut self.connection else { return Err(Error::Broken) };
        let late = |_| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time")));
        // Whether it was carried out is not known when no answer comes; the connection is then not used again.
        tokio::time::timeout(STATEMENT_DEADLINE, connection.execute("COMMIT")).await.unwrap_or_else(late)?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for PgTransaction {
    fn drop(&mut self) {
        let (Some(mut connection), turn) = (self.connection.take(), self.turn.take()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Nothing can be awaited any more: the connection goes, and the server rolls back.
            drop(connection.detach());
            return;
        };
        runtime.spawn(async move {
            let rolled_back = tokio::time::timeout(STATEMENT_DEADLINE, async {
                match connection.execute("ROLLBACK").await {
                    // The refusal of a statement that was given up, which nobody had read yet.
                    Err(sqlx::Error::Database(_)) => connection.execute("ROLLBACK").await,
                    ended => ended,
                }
            });
            if !matches!(rolled_back.await, Ok(Ok(_))) {
                // Not `leak`, which would count it as taken for ever, and so shrink the pool.
                drop(connection.detach());
            }
            drop(turn);
        });
    }
}
