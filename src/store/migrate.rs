//! Migrations: embedded, forward only, and cheap to check when there is nothing to do.

use std::path::Path;
use std::sync::LazyLock;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgConnection, Pool, Sqlite};

use super::{Error, dialect};

static REGISTRY_SQLITE: Migrator = sqlx::migrate!("migrations/registry/sqlite");
static ESTABLISHMENT_SQLITE: Migrator = sqlx::migrate!("migrations/establishment/sqlite");
static REGISTRY_POSTGRES: LazyLock<Migrator> = LazyLock::new(|| unlocked(sqlx::migrate!("migrations/registry/postgres")));
static ESTABLISHMENT_POSTGRES: LazyLock<Migrator> = LazyLock::new(|| unlocked(sqlx::migrate!("migrations/establishment/postgres")));

/// sqlx's own lock is the whole database's: stores would wait for each other. The caller holds one of the schema's.
fn unlocked(mut migrator: Migrator) -> Migrator {
    migrator.set_locking(false);
    migrator
}

/// Which schema a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The platform's registry.
    Registry,
    /// An establishment's store.
    Establishment,
}

impl Kind {
    fn sqlite(self) -> &'static Migrator {
        match self {
            Self::Registry => &REGISTRY_SQLITE,
            Self::Establishment => &ESTABLISHMENT_SQLITE,
        }
    }

    fn postgres(self) -> &'static Migrator {
        match self {
            Self::Registry => &REGISTRY_POSTGRES,
            Self::Establishment => &ESTABLISHMENT_POSTGRES,
        }
    }

    /// The last version this program knows. Both engines have the same numbers: a test compares them.
    pub fn newest(self) -> i64 {
        self.sqlite().iter().map(|m| m.version).max().unwrap_or_default()
    }
}

/// Brings a file to the newest version. `user_version` keeps the last one done, so that opening an up-to-date file is one read.
///
/// All of it is one transaction: of programs that start together one migrates and the others wait, and a crash leaves the version before.
pub async fn bring_up(writer: &Pool<Sqlite>, kind: Kind, path: &Path) -> Result<(), Error> {
    const VERSION: &str = "PRAGMA user_version";
    let known = kind.newest();
    let mut found: i64 = sqlx::query_scalar(VERSION).fetch_one(writer).await?;
    if found < known {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        found = sqlx::query_scalar(VERSION).fetch_one(&mut *transaction).await?;
        if found < known {
            // `run` takes anything that can be acquired from, which makes the future unfit for being sent between threads; this one takes a connection.
            let migrated = kind.sqlite().run_direct(None, &mut *transaction, false).await;
            migrated.map_err(|source| Error::Migration { place: path.display().to_string(), source })?;
            sqlx::query(dialect::set_user_version(known)).execute(&mut *transaction).await?;
            transaction.commit().await?;
            sqlx::query("PRAGMA optimize").execute(writer).await?;
            return Ok(());
        }
    }
    if found > known { Err(Error::Newer { place: path.display().to_string(), found, known }) } else { Ok(()) }
}

/// Brings the schema that stands first in the search path to the newest version, within the caller's transaction and under the caller's lock.
pub async fn bring_up_postgres(connection: &mut PgConnection, kind: Kind) -> Result<(), MigrateError> {
    kind.postgres().run_direct(None, connection, false).await
}
