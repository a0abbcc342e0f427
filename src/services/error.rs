//! What a service refuses or fails with. Fronts turn it into their own answers; no HTTP status is named here.

use crate::store;
use crate::types::Invalid;

/// Wait proposed while the store does not serve, in seconds.
const STORE_RETRY_S: u32 = 5;

/// A service's refusal or failure. Its text is for the person who asked; causes that are not theirs to know stay in the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that do not fit, each with its reason.
    #[error("{}", list(.0))]
    Invalid(Vec<Invalid>),
    /// There is no such thing, or the caller may not see it.
    #[error("no such {0}")]
    NotFound(String),
    /// The caller is known and may not.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The establishment is blocked: nobody of it may do anything.
    #[error("{0} is blocked: ask an operator of the platform")]
    Blocked(String),
    /// The caller is not known.
    #[error("sign in first, or send a valid bearer token")]
    Unauthenticated,
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// The thing changed since the caller read it.
    #[error("it changed since you read it: read it again and repeat the change")]
    Stale,
    /// The deletion guard stopped a run; a person decides.
    #[error("{0}")]
    Held(String),
    /// Too many attempts, or the machine is at its limit.
    #[error("too many attempts: try again in {retry_after_s} seconds")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// A directory or another system outside did not do its part; the text says which and what to do.
    #[error("{0}")]
    Outside(String),
    /// An archive is not what it has to be; nothing of it was taken.
    #[error("{detail}")]
    Archive {
        /// The reason, as scripts read it.
        reason: &'static str,
        /// The same for people, and what to do.
        detail: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
    /// Something that cannot be; the text says why it was thought impossible.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// One field that does not fit.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Invalid::new(field, message)])
    }

    /// After how many seconds the same request may well succeed, where waiting helps.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::TooMany { retry_after_s } => Some(*retry_after_s),
            Self::Store(failed) if failed.is_passing() => Some(STORE_RETRY_S),
            _ => None,
        }
    }

    /// Stands in the way of a change whose caller read something else than what stands. To be asked within the transaction that writes: then no
    /// update is lost, whichever node it comes through.
    ///
    /// # Errors
    /// `Stale`.
    pub fn unless_same<T: PartialEq>(read: &T, standing: &T) -> Result<(), Self> {
        if read == standing { Ok(()) } else { Err(Self::Stale) }
    }

    /// A thing that is not there.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(vec![invalid])
    }
}

impl From<store::Error> for Error {
    fn from(source: store::Error) -> Self {
        match source {
            store::Error::NotFound(what) => Self::NotFound(what.to_owned()),
            store::Error::Taken(what) => Self::Conflict(format!("already taken: {what}")),
            store::Error::Referenced(_) => Self::Conflict("other things still refer to it: remove those first".to_owned()),
            store::Error::Text => Self::invalid("text", source.to_string()),
            other => Self::Store(other),
        }
    }
}

fn list(fields: &[Invalid]) -> String {
    fields.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
