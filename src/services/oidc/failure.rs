//! How a call to the token or UserInfo endpoint ends badly: refused, with what the client is told, or failed, with what the log is told.

use super::error::OAuthError;
use crate::services::error::Error;
use crate::store;

/// A refusal for the client to read, or a failure of the gateway.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client is told.
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// The log is told; the client learns only that it failed.
    #[error(transparent)]
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::TooMany { retry_after_s } => {
                Self::Refused(OAuthError::SlowDown(format!("too many attempts: try again in {retry_after_s} seconds")))
            }
            other => Self::Failed(other),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(source: store::Error) -> Self {
        Self::Failed(source.into())
    }
}
