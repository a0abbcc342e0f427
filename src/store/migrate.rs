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
pub async fn bring_up(writer: &Pool<Sqlite>, kind: Kind, path: &Path) -> Result<(), Error> {
    let migrator = kind.migrator();
    let known = migrator.iter().map(|m| m.version).max().unwrap_or_default();
    let mut connection = writer.acquire().await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    if found == known {
        return Ok(());
    }
    // `run` takes anything that can be acquired from, which makes the future unfit for being sent between threads; this one takes a connection.
    migrator.run_direct(None, &mut *connection, false).await.map_err(|source| Error::Migration { path: path.to_owned(), source })?;
    sqlx::query("PRAGMA optimize").execute(&mut *connection).await?;
    sqlx::query(dialect::set_user_version(known)).execute(&mut *connection).await?;
    Ok(())
}
