//! Problems (RFC 9457), and the one table from a service's error to an HTTP status.

use std::collections::BTreeMap;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use utoipa::openapi::response::Response as Described;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use uuid::Uuid;

use crate::services::error::Error;
use crate::store;
use crate::types::Invalid;

/// The media type of a problem (RFC 9457 §3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The kind of a problem of something that changed since it was read.
const STALE: &str = "stale";

/// One field that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its name, with dots and brackets for what lies inside.
    pub field: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { field: invalid.field, message: invalid.message }
    }
}

/// What went wrong (RFC 9457 §3.1).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem: `urn:passerelle:problem:…`, stable for programs.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, where, and what to do next.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// The request's identifier, which the log names too.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "urn_of_request")]
    #[schema(value_type = Option<String>)]
    pub instance: Option<Uuid>,
    /// Fields that do not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds to wait.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
    /// What the log says and the caller does not read.
    #[serde(skip)]
    pub cause: Option<Box<str>>,
}

impl Problem {
    /// A problem of a kind: its short name, its words, its status.
    pub fn new(kind: &'static str, title: &'static str, status: StatusCode, detail: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
            retry_after_s: None,
            cause: None,
        }
    }

    /// Whether what was to be changed is not what was read.
    pub fn is_stale(&self) -> bool {
        self.kind == STALE
    }

    /// A request that cannot be read, for the named reasons.
    pub fn malformed(detail: impl Into<Box<str>>, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new("malformed", "The request cannot be read", StatusCode::BAD_REQUEST, detail) }
    }

    /// Fields that do not fit.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new("invalid", "Some fields do not fit", StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// The same problem of something that lies within a field.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        for error in &mut self.errors {
            let joint = if error.field.is_empty() || error.field.starts_with('[') { "" } else { "." };
            error.field = format!("{outer}{joint}{}", error.field);
        }
        self
    }

    /// Nobody known asks.
    pub fn unauthenticated(detail: impl Into<Box<str>>) -> Self {
        Self::new("unauthenticated", "Authentication is needed", StatusCode::UNAUTHORIZED, detail)
    }

    /// Something that cannot be; the cause is for the log.
    pub fn internal(cause: impl Into<Box<str>>) -> Self {
        let detail = "the gateway failed; its log has the reason under the request's identifier";
        let cause = Some(cause.into());
        Self { cause, ..Self::new("internal", "The gateway failed", StatusCode::INTERNAL_SERVER_ERROR, detail) }
    }
}

fn urn<S: Serializer>(kind: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:passerelle:problem:{kind}"))
}

#[expect(clippy::ref_option, reason = "serde passes the field as it stands")]
fn urn_of_request<S: Serializer>(instance: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
    match instance {
        Some(id) => serializer.collect_str(&format_args!("urn:uuid:{id}")),
        None => serializer.serialize_none(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let retry_after_s = error.retry_after_s();
        match error {
            Error::Invalid(fields) => Self::invalid(fields.into_iter().map(FieldError::from).collect()),
            Error::NotFound(_) => Self::new("not-found", "There is no such thing here", StatusCode::NOT_FOUND, error.to_string()),
            Error::Forbidden(_) => Self::new("forbidden", "This is not allowed", StatusCode::FORBIDDEN, error.to_string()),
            Error::Blocked(_) => Self::new("blocked", "The establishment is blocked", StatusCode::FORBIDDEN, error.to_string()),
            Error::Unauthenticated => Self::unauthenticated(error.to_string()),
            Error::Conflict(detail) => Self::new("conflict", "It contradicts what is there", StatusCode::CONFLICT, detail),
            Error::Stale => Self::new(STALE, "It changed meanwhile", StatusCode::PRECONDITION_FAILED, error.to_string()),
            Error::Held(detail) => Self::new("held", "A guard stopped it until someone decides", StatusCode::CONFLICT, detail),
            Error::TooMany { .. } => {
                Self { retry_after_s, ..Self::new("too-many", "Too many attempts", StatusCode::TOO_MANY_REQUESTS, error.to_string()) }
            }
            Error::Outside(detail) => Self::new("outside", "Another system did not do its part", StatusCode::BAD_GATEWAY, detail),
            Error::Archive { reason, detail } => Self::new(reason, "The archive cannot be used", StatusCode::UNPROCESSABLE_ENTITY, detail),
            Error::Store(store::Error::Busy) => Self {
                retry_after_s,
                ..Self::new(
                    "busy",
                    "The store is busy",
                    StatusCode::SERVICE_UNAVAILABLE,
                    "a long write is under way: try again in 5 seconds",
                )
            },
            Error::Store(failed) if failed.is_passing() => Self {
                retry_after_s,
                ..Self::new(
                    "unavailable",
                    "The store does not serve at the moment",
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the store cannot be used at the moment: try again in 5 seconds; the log says why",
                )
            },
            Error::Store(_) | Error::Internal(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Error::from(invalid).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3: a challenge comes with every 401.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"passerelle\""));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The request's layer names the instance and writes the log.
        response.extensions_mut().insert(self);
        response
    }
}

/// An answer that refuses, for the API's description.
pub fn refusal(text: &str) -> RefOr<Described> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    RefOr::T(ResponseBuilder::new().description(text).content(MEDIA_TYPE, content).build())
}

/// The problems that any operation may answer with, for the API's description.
#[derive(Debug)]
pub enum Refusals {}

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let all = [
            ("400", "The request cannot be read: malformed JSON, an unknown query parameter"),
            ("401", "No valid bearer token came"),
            ("403", "The caller may not do this"),
            ("404", "There is no such thing, or the caller may not see it"),
            ("409", "It contradicts what is there"),
            ("412", "It changed since it was read (`If-Match`)"),
            ("422", "Fields do not fit: each is named in `errors`"),
            ("429", "Too many attempts"),
        ];
        all.into_iter().map(|(status, text)| (status.to_owned(), refusal(text))).collect()
    }
}
