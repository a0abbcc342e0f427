//! The one handle every store function takes, and the dispatch over engines.

use std::future::Future;
use std::time::Duration;

use sqlx::{PgConnection, Sqlite, SqliteConnection, Transaction};

use super::Error;
use super::dialect::{APPLY_CACHE, Engine, NORMAL_CACHE};
use super::postgres::{PgTransaction, STATEMENT_DEADLINE};
use super::reading::Reading;

/// A connection of a store: reading, or in a writing transaction. Dropped without [`Tx::commit`], it rolls back.
#[derive(Debug)]
pub enum Tx {
    /// A reading connection to a SQLite file, in autocommit.
    SqliteRead(Reading),
    /// A transaction on a SQLite file: the one writing transaction (`BEGIN IMMEDIATE`), or one that reads a single moment.
    SqliteTransaction {
        /// What SQLite has of it.
        transaction: Transaction<'static, Sqlite>,
        /// Whether a statement failed.
        failed: bool,
    },
    /// A transaction in a PostgreSQL schema, under its own SQL role.
    Postgres(PgTransaction),
}

/// A borrowed connection of one engine. Only `on!` looks inside.
#[derive(Debug)]
pub enum Connection<'a> {
    /// SQLite, and whether the transaction has failed, where it is one.
    Sqlite(&'a mut SqliteConnection, Note<'a>),
    /// PostgreSQL, and whether the transaction has failed.
    Postgres(&'a mut PgConnection, Watch<'a>),
}

/// Notes that a statement failed. SQLite would undo that statement alone and commit the rest: then what is right on one engine would be
/// refused on the other.
#[derive(Debug)]
pub struct Note<'a>(Option<&'a mut bool>);

impl Note<'_> {
    /// Notes how a statement ended.
    pub fn of<T>(self, ended: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if let Some(failed) = self.0 {
            *failed |= ended.as_ref().is_err_and(|error| !is_harmless(error));
        }
        ended
    }
}

/// What was answered and does not fit the caller has harmed nothing on the other side.
fn is_harmless(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_))
}

/// Notes that a statement failed: PostgreSQL answers a later `COMMIT` with a silent rollback.
#[derive(Debug)]
pub struct Watch<'a>(&'a mut bool);

impl Watch<'_> {
    /// Runs a statement within the deadline, and notes whether it failed.
    pub async fn over<T>(self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
        let late = |_| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database did not answer in time")));
        let ended = tokio::time::timeout(STATEMENT_DEADLINE, work).await.unwrap_or_else(late);
        *self.0 |= ended.as_ref().is_err_and(|error| !is_harmless(error));
        ended
    }
}

impl Tx {
    /// The connection underneath, for `on!`.
    pub fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::SqliteRead(reading) => Connection::Sqlite(reading.connection(), Note(None)),
            Self::SqliteTransaction { transaction, failed } => Connection::Sqlite(transaction, Note(Some(failed))),
            Self::Postgres(transaction) => {
                let (connection, failed) = transaction.parts();
                Connection::Postgres(connection, Watch(failed))
            }
        }
    }

    /// Which engine it is a transaction of.
    pub fn engine(&self) -> Engine {
        match self {
            Self::SqliteRead(_) | Self::SqliteTransaction { .. } => Engine::Sqlite,
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
            Connection::Sqlite(connection, _) => sqlx::query(cache).execute(connection).await.map(drop)?,
            // Its cache is the server's own, shared by all.
            Connection::Postgres(..) => {}
        }
        Ok(())
    }

    /// Has what a reading connection is asked from now on broken off when it is not answered in time, with [`Error::Late`]. Servers have a deadline of
    /// their own, and transactions are what others wait for: these take their time.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn give_up_after(&mut self, most: Duration) -> Result<(), Error> {
        match self {
            Self::SqliteRead(reading) => Ok(reading.give_up_after(most).await?),
            Self::SqliteTransaction { .. } | Self::Postgres(_) => Ok(()),
        }
    }

    /// Has what is asked from now on take what time it takes.
    pub fn take_time(&mut self) {
        match self {
            Self::SqliteRead(reading) => reading.take_time(),
            Self::SqliteTransaction { .. } | Self::Postgres(_) => {}
        }
    }

    /// Makes what was written last.
    ///
    /// # Errors
    /// When the engine could not write it down, or a statement of the transaction had failed; then nothing of it is kept.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::SqliteRead(_) => Ok(()),
            Self::SqliteTransaction { failed: true, .. } => Err(Error::Broken),
            Self::SqliteTransaction { transaction, failed: false } => Ok(transaction.commit().await?),
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

/// Runs one body on whichever engine the transaction belongs to: `on!(tx, |c| sqlx::query(SQL).execute(c).await)`.
macro_rules! on {
    ($tx:expr, |$connection:ident| $body:expr) => {
        match $tx.connection() {
            $crate::store::tx::Connection::Sqlite($connection, note) => note.of($body),
            $crate::store::tx::Connection::Postgres($connection, watch) => watch.over(async { $body }).await,
        }
    };
}
pub(in crate::store) use on;
