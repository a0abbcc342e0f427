//! The one handle every store function takes, and the dispatch over engines.

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::Error;
use super::dialect::{APPLY_CACHE, NORMAL_CACHE};

/// A connection of a store: reading in autocommit, or in a writing transaction. Dropped without [`Tx::commit`], it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// A reading connection to a SQLite file.
    SqliteRead(PoolConnection<Sqlite>),
    /// The one writing transaction of a SQLite file (`BEGIN IMMEDIATE`).
    SqliteWrite(Transaction<'static, Sqlite>),
}

/// A borrowed connection of one engine. Only `on!` looks inside.
#[derive(Debug)]
pub enum Connection<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
}

impl Tx {
    /// The connection underneath, for `on!`.
    pub fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::SqliteRead(connection) => Connection::Sqlite(connection),
            Self::SqliteWrite(transaction) => Connection::Sqlite(transaction),
        }
    }

    /// Gives the connection a larger cache while it applies a large run, or its normal one again.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn set_large(&mut self, large: bool) -> Result<(), Error> {
        let cache = if large { APPLY_CACHE } else { NORMAL_CACHE };
        match self.connection() {
            Connection::Sqlite(connection) => sqlx::query(cache).execute(connection).await?,
        };
        Ok(())
    }

    /// Makes what was written last.
    ///
    /// # Errors
    /// When the engine could not write it down; then nothing of it is kept.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::SqliteRead(_) => Ok(()),
            Self::SqliteWrite(transaction) => Ok(transaction.commit().await?),
        }
    }
}

/// Runs one body on whichever engine the transaction belongs to: `on!(tx, |c| sqlx::query(SQL).execute(c).await)`.
macro_rules! on {
    ($tx:expr, |$connection:ident| $body:expr) => {
        match $tx.connection() {
            $crate::store::tx::Connection::Sqlite($connection) => $body,
        }
    };
}
pub(in crate::store) use on;
