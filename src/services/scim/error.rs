//! What a SCIM request is refused with (RFC 7644 §3.12), as its own answer or as that of one operation of a Bulk. It writes no log and no answer.

use serde_json::{Map, Value, json};

use crate::services::error::Error;
use crate::store;

/// The schema of an error's body.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The reasons that SCIM has a word for (RFC 7644 §3.12 table 9, RFC 9865 §2.3), as far as they come up: one version is spoken, cursors do not expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is not one, or asks what cannot be filtered.
    InvalidFilter,
    /// More results than the server gives.
    TooMany,
    /// Another resource has this value already.
    Uniqueness,
    /// The attribute cannot be changed like that.
    Mutability,
    /// The body is not what the request needs.
    InvalidSyntax,
    /// The path of a PATCH operation is not one.
    InvalidPath,
    /// The path of a PATCH operation leads to nothing.
    NoTarget,
    /// A value does not fit its attribute, or a required one is missing.
    InvalidValue,
    /// The cursor is not one of ours (RFC 9865).
    InvalidCursor,
    /// The size of a page is not one that is given (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The status that goes with it: 409 for what is taken, 400 for the rest.
    pub const fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            _ => 400,
        }
    }
}

/// A refusal or failure, told as SCIM tells it. The statuses are the protocol's own: a Bulk states one per operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The reason, where SCIM has a word for it.
    pub scim_type: Option<ScimType>,
    /// The same for people: what is wrong, where, and what would be accepted.
    pub detail: String,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<u32>,
    /// Which operation of a PATCH failed, from 0.
    pub operation: Option<usize>,
    /// What failed inside: for the log, never for whoever asked.
    pub cause: Option<Box<str>>,
}

impl ScimError {
    /// An error without a word of SCIM's.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), retry_after_s: None, operation: None, cause: None }
    }

    /// An error with its word, and the status that goes with it.
    pub fn of(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { scim_type: Some(scim_type), ..Self::new(scim_type.status(), detail) }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidFilter, detail)
    }

    /// 400 `tooMany`.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::of(ScimType::TooMany, detail)
    }

    /// 409 `uniqueness`.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::of(ScimType::Uniqueness, detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::of(ScimType::Mutability, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::of(ScimType::NoTarget, detail)
    }

    /// 400 `invalidValue`.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidCursor`.
    pub fn invalid_cursor(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidCursor, detail)
    }

    /// 400 `invalidCount`.
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidCount, detail)
    }

    /// 404: there is no such resource, or it is not this feed's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// 412: the resource changed since the caller read it.
    pub fn stale() -> Self {
        Self::from(Error::Stale)
    }

    /// The same, asking to come back after some seconds.
    #[must_use]
    pub fn after_s(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The same, naming the operation of a PATCH that it stopped. What was named first stays.
    #[must_use]
    pub fn at_operation(self, at: usize) -> Self {
        if self.operation.is_some() {
            return self;
        }
        Self { detail: format!("operation {}: {}", at + 1, self.detail), operation: Some(at), ..self }
    }

    /// The body (RFC 7644 §3.12): the status is a text there.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!([ERROR_URN]));
        body.insert("status".to_owned(), Value::String(self.status.to_string()));
        if let Some(word) = self.scim_type {
            body.insert("scimType".to_owned(), Value::String(word.as_str().to_owned()));
        }
        body.insert("detail".to_owned(), Value::String(self.detail.clone()));
        body
    }
}

impl From<Error> for ScimError {
    fn from(error: Error) -> Self {
        let retry_after_s = error.retry_after_s();
        let passing = retry_after_s.is_some();
        let (status, scim_type) = match &error {
            Error::Invalid(_) => (400, Some(ScimType::InvalidValue)),
            Error::Archive { .. } => (400, None),
            Error::Unauthenticated => (401, None),
            Error::Forbidden(_) | Error::Blocked(_) => (403, None),
            Error::NotFound(_) => (404, None),
            Error::Conflict(_) => (409, None),
            Error::Stale => (412, None),
            Error::TooMany { .. } => (429, None),
            Error::Held(_) | Error::Outside(_) => (503, None),
            Error::Store(_) if passing => (503, None),
            Error::Store(_) | Error::Internal(_) => (500, None),
        };
        // What failed inside is for the log, not for whoever asked.
        let cause = matches!(error, Error::Store(_) | Error::Internal(_)).then(|| error.to_string().into());
        let detail = match &error {
            Error::Store(_) if passing => "the store does not answer at the moment: try again".to_owned(),
            Error::Store(_) | Error::Internal(_) => "the gateway failed: its log says why".to_owned(),
            told => told.to_string(),
        };
        Self { status, scim_type, detail, retry_after_s, operation: None, cause }
    }
}

impl From<store::Error> for ScimError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Taken(what) => Self::uniqueness(format!("already taken: {what}")),
            store::Error::Late => Self::too_many(
                "this takes too long to find: compare fewer attributes in one filter, or begin with one of userName, externalId or emails by eq",
            ),
            other => Self::from(Error::from(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_text_in_the_body() {
        let body = ScimError::uniqueness("userName: taken").body();
        assert_eq!(body.get("status"), Some(&json!("409")));
        assert_eq!(body.get("scimType"), Some(&json!("uniqueness")));
        assert_eq!(body.get("schemas"), Some(&json!([ERROR_URN])));
    }

    #[test]
    fn what_failed_inside_is_not_told() {
        let told = ScimError::from(Error::Internal("a row without its person".to_owned()));
        assert_eq!(told.status, 500);
        assert!(!told.detail.contains("row"));
    }

    #[test]
    fn what_takes_too_long_to_find_is_asked_for_in_another_way() {
        let told = ScimError::from(store::Error::Late);
        assert_eq!((told.status, told.scim_type), (400, Some(ScimType::TooMany)));
        assert!(told.detail.contains("fewer"));
    }

    #[test]
    fn the_first_operation_named_stays() {
        let told = ScimError::no_target("nothing there").at_operation(1).at_operation(4);
        assert_eq!(told.operation, Some(1));
        assert_eq!(told.detail, "operation 2: nothing there");
    }

    #[test]
    fn a_service_conflict_is_409_without_a_word_and_a_taken_name_has_one() {
        assert_eq!(ScimError::from(Error::Conflict("two of them".to_owned())).scim_type, None);
        assert_eq!(ScimError::from(Error::Stale).status, 412);
        assert_eq!(ScimError::from(store::Error::Taken("username".to_owned())).scim_type, Some(ScimType::Uniqueness));
    }
}
