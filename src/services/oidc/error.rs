//! The errors OAuth clients read: codes, sentences in printable ASCII, JSON bodies. No HTTP status: the front decides it.

use serde_json::{Value, json};

/// Longest description sent, in bytes.
const DESCRIPTION_MAX: usize = 300;

/// An error of the token, UserInfo or another back-channel endpoint (RFC 6749 §5.2, RFC 6750 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// A parameter is missing, repeated or malformed.
    #[error("invalid_request: {0}")]
    InvalidRequest(String),
    /// The client is unknown, disabled, or its authentication failed: always the same sentence for the three.
    #[error("invalid_client: {0}")]
    InvalidClient(String),
    /// The code or refresh token is unknown, spent, expired, or another client's.
    #[error("invalid_grant: {0}")]
    InvalidGrant(String),
    /// The client may not use this grant.
    #[error("unauthorized_client: {0}")]
    UnauthorizedClient(String),
    /// The grant type is not one the gateway knows.
    #[error("unsupported_grant_type: {0}")]
    UnsupportedGrantType(String),
    /// The scope asked passes what was granted.
    #[error("invalid_scope: {0}")]
    InvalidScope(String),
    /// The access token is unknown, expired or revoked (RFC 6750 §3.1).
    #[error("invalid_token: {0}")]
    InvalidToken(String),
    /// The access token does not reach so far (RFC 6750 §3.1).
    #[error("insufficient_scope: {0}")]
    InsufficientScope(String),
    /// Too many attempts: try again later.
    #[error("slow_down: {0}")]
    SlowDown(String),
    /// The store does not serve at the moment: try again later. The name is that of RFC 6749 §4.1.2.1, as §5.2 has none for it.
    #[error("temporarily_unavailable: the gateway cannot answer at the moment; try again")]
    Unavailable,
    /// The gateway failed; the log says why, the client is not told.
    #[error("server_error: the gateway could not answer; try again")]
    ServerError,
}

impl OAuthError {
    /// The value of `error`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient(_) => "invalid_client",
            Self::InvalidGrant(_) => "invalid_grant",
            Self::UnauthorizedClient(_) => "unauthorized_client",
            Self::UnsupportedGrantType(_) => "unsupported_grant_type",
            Self::InvalidScope(_) => "invalid_scope",
            Self::InvalidToken(_) => "invalid_token",
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::SlowDown(_) => "slow_down",
            Self::Unavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }

    /// The value of `error_description`, printable ASCII (RFC 6749 §5.2).
    pub fn description(&self) -> String {
        match self {
            Self::InvalidRequest(why)
            | Self::InvalidClient(why)
            | Self::InvalidGrant(why)
            | Self::UnauthorizedClient(why)
            | Self::UnsupportedGrantType(why)
            | Self::InvalidScope(why)
            | Self::InvalidToken(why)
            | Self::InsufficientScope(why)
            | Self::SlowDown(why) => printable(why),
            Self::Unavailable => "the gateway cannot answer at the moment; try again".to_owned(),
            Self::ServerError => "the gateway could not answer; try again".to_owned(),
        }
    }

    /// The JSON body (RFC 6749 §5.2). It goes out with `Cache-Control: no-store`.
    pub fn body(&self) -> Value {
        json!({ "error": self.code(), "error_description": self.description() })
    }

    /// The `WWW-Authenticate` value of a protected resource (RFC 6750 §3).
    pub fn bearer_challenge(&self) -> String {
        format!(r#"Bearer error="{}", error_description="{}""#, self.code(), self.description())
    }
}

/// Keeps what RFC 6749 §4.1.2.1 allows in a description: %x20-21, %x23-5B, %x5D-7E.
pub fn printable(text: &str) -> String {
    let fit = |c: char| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' };
    text.chars().map(|c| if c == '"' { '\'' } else { fit(c) }).take(DESCRIPTION_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_a_code_and_a_printable_sentence() {
        let body = OAuthError::InvalidGrant("the code «é\"\\\n» is spent".into()).body();
        assert_eq!(body, json!({ "error": "invalid_grant", "error_description": "the code ??'??? is spent" }));
    }

    #[test]
    fn a_challenge_cannot_be_broken_out_of() {
        let challenge = OAuthError::InvalidToken("x\", realm=\"y\r\nSet-Cookie: a".into()).bearer_challenge();
        assert_eq!(challenge.matches('"').count(), 4);
        assert!(!challenge.contains(['\r', '\n']));
    }
}
