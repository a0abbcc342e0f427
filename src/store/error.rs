//! What can go wrong in a store, in the words of whoever has to mend it.

use std::path::PathBuf;

/// A store's failure. Constraint violations that a caller can act on are told apart; the rest keeps its source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row that had to be there is not.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A unique value is already taken.
    #[error("already taken: {0}")]
    Taken(String),
    /// Something else still refers to the row.
    #[error("still referred to: {0}")]
    Referenced(String),
    /// Another writer held the store longer than the busy deadline.
    #[error("the store is busy: another process has been writing to it for too long; try again")]
    Busy,
    /// The store's file is not where the registry says.
    #[error(
        "the store {0} is missing: restore it from a backup, or delete the establishment; it is not made anew, so that nothing is hidden"
    )]
    Missing(PathBuf),
    /// The file was written by a newer version of the program.
    #[error("the store {path} is at version {found}, this program knows versions up to {known}: upgrade the program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version this program knows.
        known: i64,
    },
    /// A migration failed.
    #[error("the store {path} cannot be migrated: {source}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The folder of the stores cannot be used.
    #[error("the folder {path} cannot be used for stores: {source}; check that it exists and belongs to the program's user")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Anything else the engine says.
    #[error("the store failed: {0}")]
    Engine(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        if let sqlx::Error::Database(db) = &source {
            match db.kind() {
                sqlx::error::ErrorKind::UniqueViolation => return Self::Taken(constraint_columns(db.message())),
                sqlx::error::ErrorKind::ForeignKeyViolation => return Self::Referenced(db.message().to_owned()),
                _ => {}
            }
            // SQLITE_BUSY and its extended codes share the low byte 5.
            if db.code().and_then(|c| c.parse::<i64>().ok()).is_some_and(|c| c & 0xff == 5) {
                return Self::Busy;
            }
        }
        Self::Engine(source)
    }
}

/// `UNIQUE constraint failed: users.username_folded` names the columns; people read those.
fn constraint_columns(message: &str) -> String {
    message.rsplit(": ").next().unwrap_or(message).replace("_folded", "")
}
