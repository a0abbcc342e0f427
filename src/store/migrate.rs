//! Migrations: embedded, forward only, and cheap to check when there is nothing to do.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{Pool, Sqlite};

use super::{Error, dialect};

static REGISTRY: Migrator = sqlx::migrate!("migrations/registry/sqlite");
static ESTABLISHMENT: Migrator = sqlx::migrate!("migrations/establishment/sqlite");

/// Which schema a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The platform's registry.
    Registry,
    /// An establishment's store.
    Establishment,
}

impl Kind {
    fn migrator(self) -> &'static Migrator {
        match self {
            Self::Registry => &REGISTRY,
            Self::Establishment => &ESTABLISHMENT,
        }
    }
}

/// Brings a file to the newest version. `user_version` keeps the last one done, so that opening an up-to-date file is one read.
///
/// All of it is one transaction: of programs that start together one migrates and the others wait, and a crash leaves the version before.
pub async fn bring_up(writer: &Pool<Sqlite>, kind: Kind, path: &Path) -> Result<(), Error> {
    const VERSION: &str = "PRAGMA user_version";
    let migrator = kind.migrator();
    let known = migrator.iter().map(|m| m.version).max().unwrap_or_default();
    let mut found: i64 = sqlx::query_scalar(VERSION).fetch_one(writer).await?;
    if found < known {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        found = sqlx::query_scalar(VERSION).fetch_one(&mut *transaction).await?;
        if found < known {
            // `run` takes anything that can be acquired from, which makes the future unfit for being sent between threads; this one takes a connection.
            let migrated = migrator.run_direct(None, &mut *transaction, false).await;
            migrated.map_err(|source| Error::Migration { path: path.to_owned(), source })?;
            sqlx::query(dialect::set_user_version(known)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            sqlx::query("PRAGMA optimize").execute(writer).await?;
            return Ok(());
        }
    }
    if found > known { Err(Error::Newer { path: path.to_owned(), found, known }) } else { Ok(()) }
}
