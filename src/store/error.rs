//! What can go wrong in a store, in the words of whoever has to mend it.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::error::ErrorKind;
use sqlx::postgres::PgDatabaseError;

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
    /// The store is not where the registry says.
    #[error(
        "the store {0} is missing: restore it from a backup, or delete the establishment; it is not made anew, so that nothing is hidden"
    )]
    Missing(String),
    /// The store was written by a newer version of the program.
    #[error("the store {place} is at version {found}, this program knows versions up to {known}: upgrade the program")]
    Newer {
        /// Where.
        place: String,
        /// Its version.
        found: i64,
        /// The last version this program knows.
        known: i64,
    },
    /// A migration failed.
    #[error("the store {place} cannot be migrated, and is left as it was: {source}")]
    Migration {
        /// Where.
        place: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The file cannot be opened, or is not a store.
    #[error("the store {path} cannot be opened: {source}; {}", remedy(source))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The database server does not answer, or is ending.
    #[error("the database {place} does not answer: {source}; the gateway tries again with the next request")]
    Unreachable {
        /// Where, without secrets.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The database server answers, and will not serve as it is set up.
    #[error("{place} cannot be used: {reason}")]
    Refused {
        /// Where, without secrets.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The store was moved or deleted while it was asked.
    #[error("the store has just been moved or deleted: try again")]
    Gone,
    /// There is no room left.
    #[error("the disk of the stores is full: nothing was written; make room, and try again")]
    Full,
    /// The store can be read and not written.
    #[error("the store can only be read: {0}; give the program's user the right to write, or use the primary server")]
    ReadOnly(String),
    /// A statement of the transaction had failed, and the transaction with it.
    #[error("the transaction had failed before its end: nothing of it was kept")]
    Broken,
    /// What was asked took longer than whoever asked would wait for.
    #[error("the store took too long to find what was asked: ask for less at once")]
    Late,
    /// A text holds a character that no store keeps.
    #[error("a text holds the NUL character (U+0000), which no store keeps: leave it out")]
    Text,
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
            Self::Gone => Self::Gone,
            Self::Full => Self::Full,
            Self::ReadOnly(said) => Self::ReadOnly(said.clone()),
            Self::Missing(place) => Self::Missing(place.clone()),
            Self::Newer { place, found, known } => Self::Newer { place: place.clone(), found: *found, known: *known },
            _ => Self::Shared(Arc::clone(error)),
        }
    }

    /// Whether the store is gone, too new or broken: trying again opens it no better.
    pub(super) fn never_opens(&self) -> bool {
        match self {
            Self::Gone | Self::Missing(_) | Self::Newer { .. } | Self::Migration { .. } | Self::Unusable { .. } => true,
            Self::Shared(error) => error.never_opens(),
            _ => false,
        }
    }

    /// Whether the same request may well succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy | Self::Gone | Self::Full | Self::ReadOnly(_) | Self::Unreachable { .. } => true,
            Self::Shared(error) => error.is_passing(),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        let unreachable = |source| Self::Unreachable { place: "of the stores".to_owned(), source };
        match &source {
            // The writing connection is in this program's own hands for too long, or every connection is.
            sqlx::Error::PoolTimedOut => Self::Busy,
            // What is broken off in the middle of a message is no message.
            sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => unreachable(source),
            sqlx::Error::Database(db) => match (db.kind(), db.try_downcast_ref::<PgDatabaseError>()) {
                (ErrorKind::UniqueViolation, None) => Self::Taken(constraint_columns(db.message())),
                (ErrorKind::UniqueViolation, Some(said)) => Self::Taken(key_columns(said)),
                (ErrorKind::ForeignKeyViolation, _) => Self::Referenced(db.message().to_owned()),
                (_, None) => sqlite_error(source),
                (_, Some(_)) => postgres_error(source),
            },
            _ => Self::Engine(source),
        }
    }
}

/// What SQLite says by its result codes (https://sqlite.org/rescode.html); extended ones share the low byte.
fn sqlite_error(source: sqlx::Error) -> Error {
    let code = source.as_database_error().and_then(|db| db.code()?.parse::<i64>().ok()).unwrap_or_default();
    match code & 0xff {
        5 => Error::Busy,
        8 => Error::ReadOnly(source.to_string()),
        9 => Error::Late,
        13 => Error::Full,
        _ => Error::Engine(source),
    }
}

/// What to do with a store that does not open. On a full disk SQLite cannot make its journal, and says that reading or writing failed: a backup put
/// in its place would lose what is whole.
fn remedy(source: &sqlx::Error) -> &'static str {
    let code = source.as_database_error().and_then(|db| db.code()?.parse::<i64>().ok()).unwrap_or_default();
    match code & 0xff {
        10 | 13 => {
            "the store itself is as it was: see whether the disk is full, make room, and try again; if there is room, see whether the disk is sound"
        }
        _ => "check that it belongs to the program's user, or restore it from a backup",
    }
}

/// What PostgreSQL says by SQLSTATE (PostgreSQL manual, appendix A).
fn postgres_error(source: sqlx::Error) -> Error {
    let code = source.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    match code.as_str() {
        // lock_not_available, query_canceled, deadlock_detected, too_many_connections, idle_in_transaction_session_timeout.
        "55P03" | "57014" | "40P01" | "53300" | "25P03" => Error::Busy,
        // undefined_table, undefined_object, invalid_schema_name; and a role that is not there, which is no valid value.
        "42P01" | "42704" | "3F000" | "22023" => Error::Gone,
        "25006" => Error::ReadOnly(source.to_string()),
        "53100" => Error::Full,
        // character_not_in_repertoire, untranslatable_character: a NUL in a text, and in a JSON value.
        "22021" | "22P05" => Error::Text,
        _ if code.starts_with("57P") || code.starts_with("08") => Error::Unreachable { place: "of the stores".to_owned(), source },
        _ => Error::Engine(source),
    }
}

/// `UNIQUE constraint failed: users.username_folded` names the columns; people read those.
fn constraint_columns(message: &str) -> String {
    message.rsplit(": ").next().unwrap_or(message).replace("_folded", "")
}

/// The same from PostgreSQL, whose detail is `Key (username_folded)=(élodie) already exists.` in the server's language.
fn key_columns(said: &PgDatabaseError) -> String {
    let table = said.table().unwrap_or_default();
    let columns = said.detail().and_then(|detail| detail.split_once(")=(")).and_then(|(before, _)| before.split_once('('));
    let Some((_, columns)) = columns else { return said.constraint().unwrap_or(table).to_owned() };
    let named: Vec<String> = columns.split(", ").map(|column| format!("{table}.{column}")).collect();
    named.join(", ").replace("_folded", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite says, by its code.
    #[derive(Debug)]
    struct Said(&'static str);

    impl std::fmt::Display for Said {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("disk I/O error")
        }
    }

    impl std::error::Error for Said {}

    impl sqlx::error::DatabaseError for Said {
        fn message(&self) -> &'static str {
            "disk I/O error"
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_full_disk_asks_for_room_and_a_broken_file_for_a_backup() {
        // SQLITE_IOERR_SHMSIZE and SQLITE_FULL; SQLITE_NOTADB.
        for (code, room) in [("4874", true), ("13", true), ("26", false)] {
            let source = sqlx::Error::Database(Box::new(Said(code)));
            let told = Error::Unusable { path: "a.sqlite".into(), source }.to_string();
            assert_eq!((told.contains("make room"), told.contains("backup")), (room, !room), "{told}");
        }
    }

    #[test]
    fn waiting_too_long_for_the_writing_connection_is_told_as_busy() {
        assert!(matches!(Error::from(sqlx::Error::PoolTimedOut), Error::Busy));
    }

    #[test]
    fn only_what_can_never_be_opened_is_removed_unopened() {
        let (place, source) = (|| "here".to_owned(), || sqlx::Error::PoolTimedOut);
        let unusable = || Error::Unusable { path: PathBuf::from("here"), source: source() };
        let lost = [Error::Gone, Error::Missing(place()), Error::Newer { place: place(), found: 2, known: 1 }, unusable()];
        assert!(lost.iter().all(Error::never_opens));
        assert!(Error::Shared(Arc::new(unusable())).never_opens());
        let in_use = [Error::Busy, Error::Full, Error::ReadOnly(place()), Error::Unreachable { place: place(), source: source() }];
        assert!(!in_use.iter().any(Error::never_opens));
        assert!(!Error::Shared(Arc::new(Error::Engine(source()))).never_opens());
    }
}
