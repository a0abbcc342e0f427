//! The one handle every store function takes, and the dispatch over engines.

use std::future::Future;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Sqlite, SqliteConnection, Transaction};

use super::Error;
use super::dialect::{APPLY_CACHE, Engine, NORMAL_CACHE};
use super::postgres::{PgTransaction, STATEMENT_DEADLINE};

/// A connection of a store: reading, or in a writing transaction. Dropped without [`Tx::commit`], it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// A reading connection to a SQLite file, in autocommit.
    SqliteRead(PoolConnection<Sqlite>),
    /// A transaction on a SQLite file: the one writing transaction (`BEGIN IMMEDIATE`), or one that reads a single moment.
    SqliteTransaction(Transaction<'static, Sqlite>),
    /// A transaction in a PostgreSQL schema, under its own SQL role.
    Postgres(PgTransaction),
}

/// A borrowed connection of one engine. Only `on!` looks inside.
#[derive(Debug)]
pub enum Connection<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL, and whether the transaction has failed.
    Postgres(&'a mut PgConnection, Watch<'a>),
}

/// Notes that a statement failed: PostgreSQL answers a later `COMMIT` with a silent rollback.
#[derive(Debug)]
pub struct Watch<'a>(&'a mut bool);

impl Watch<'_> {
    /// Runs a statement within the deadline, and notes whether it failed.
    pub async fn over<T>(self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        let late = |_| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time")));
        let ended = tokio::time::timeout(STATEMENT_DEADLINE, work).await.unwrap_or_else(late);
        // What was answered and does not fit the caller has harmed nothing on the other side.
        let harmless = |error: &sqlx::Error| {
            matches!(
                error,
                sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_)
            )
        };
        *self.0 |= ended.as_ref().is_err_and(|error| !harmless(error));
        ended
    }
}

impl Tx {
    /// The connection underneath, for `on!`.
    pub fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::SqliteRead(connection) => Connection::Sqlite(connection),
            Self::SqliteTransaction(transaction) => Connection::Sqlite(transaction),
            Self::Postgres(transaction) => {
                let (connection, failed) = transaction.parts();
                Connection::Postgres(connection, Watch(failed))
            }
        }
    }

    /// Which engine it is a transaction of.
    pub fn engine(&self) -> Engine {
        match self {
            Self::SqliteRead(_) | Self::SqliteTransaction(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Gives the connection a larger cache while it applies a large run, or its normal one again.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn set_large(&mut self, large: bool) -> Result<(), Error> {
        let cache = if large { APPLY_CACHE } else { NORMAL_CACHE };
        match self.connection() {
            Connection::Sqlite(connection) => sqlx::query(cache).execute(connection).await.map(drop)?,
            // Its cache is the server's own, shared by all.
            Connection::Postgres(..) => {}
        }
        Ok(())
    }

    /// Makes what was written last.
    ///
    /// # Errors
    /// When the engine could not write it down, or a statement of the transaction had failed; then nothing of it is kept.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::SqliteRead(_) => Ok(()),
            Self::SqliteTransaction(transaction) => Ok(transaction.commit().await?),
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// Runs one body on whichever engine the transaction belongs to: `on!(tx, |c| sqlx::query(SQL).execute(c).await)`.
macro_rules! on {
    ($tx:expr, |$connection:ident| $body:expr) => {
        match $tx.connection() {
            $crate::store::tx::Connection::Sqlite($connection) => $body,
            $crate::store::tx::Connection::Postgres($connection, watch) => watch.over(async { $body }).await,
        }
    };
}
pub(in crate::store) use on;
