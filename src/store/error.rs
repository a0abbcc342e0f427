//! What can go wrong in a store, in the words of whoever has to mend it.

use std::path::PathBuf;
use std::sync::Arc;

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
    #[error("the store is busy: someone else has been writing to it for too long; try again")]
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
    /// The file cannot be opened, or is not a store.
    #[error("the store {path} cannot be opened: {source}; check that it belongs to the program's user, or restore it from a backup")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// Any other error of an opening that several callers waited for.
    #[error(transparent)]
    Shared(Arc<Error>),
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

impl Error {
    /// The error of one opening, for each of those who waited for it.
    pub(super) fn shared(error: &Arc<Self>) -> Self {
        match &**error {
            Self::Busy => Self::Busy,
            Self::Missing(path) => Self::Missing(path.clone()),
            Self::Newer { path, found, known } => Self::Newer { path: path.clone(), found: *found, known: *known },
            _ => Self::Shared(Arc::clone(error)),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        // The writing connection is in this program's own hands for too long.
        if matches!(source, sqlx::Error::PoolTimedOut) {
            return Self::Busy;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_too_long_for_the_writing_connection_is_told_as_busy() {
        assert!(matches!(Error::from(sqlx::Error::PoolTimedOut), Error::Busy));
    }
}
