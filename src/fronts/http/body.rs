//! Bodies in JSON: read with errors that name the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{FieldError, Problem};
use crate::types::{merge_patch, nul};

/// A body of this shape.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read(request, state).await?;
        // An absent body is an object without members: what is optional need not be sent.
        let text = if bytes.is_empty() { &b"{}"[..] } else { &bytes };
        let value: Value =
            serde_json::from_slice(text).map_err(|e| Problem::malformed(format!("the body is not JSON: {e}"), Vec::new()))?;
        // Serde would take a list for a structure, member by member.
        if !value.is_object() {
            let message = "an object is expected: {…}".to_owned();
            return Err(Problem::invalid(vec![FieldError { field: "body".to_owned(), message }]));
        }
        nul::refuse("", &value)?;
        shaped(value).map(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).map(|v| v.to_str().unwrap_or_default().to_owned());
    let bytes = Bytes::from_request(request, state).await.map_err(|rejected| {
        let (kind, title) = if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ("too-large", "The body is too large")
        } else {
            ("malformed", "The request cannot be read")
        };
        Problem::new(kind, title, rejected.status(), rejected.body_text())
    })?;
    let essence = media_type.as_deref().map(|m| m.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let json = essence.is_none_or(|m| m == "application/json" || (m.starts_with("application/") && m.ends_with("+json")));
    if json || bytes.is_empty() {
        return Ok(bytes);
    }
    let detail = "the body has another media type: send JSON, with the header Content-Type: application/json";
    Err(Problem::new("media-type", "JSON is needed", StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// A value as a shape of ours.
///
/// # Errors
/// A 422 that names the field.
pub fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let outer = if path == "." { String::new() } else { path };
        let message = error.inner().to_string();
        // What is missing has no place in the text, so that only serde's words name it.
        match message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            Some(name) => {
                let message = "is required".to_owned();
                let missing = Problem::invalid(vec![FieldError { field: name.to_owned(), message }]);
                if outer.is_empty() { missing } else { missing.within(&outer) }
            }
            None => Problem::invalid(vec![FieldError { field: outer, message }]),
        }
    })
}

/// Fields as a merge patch (RFC 7396) makes them of what stands.
///
/// # Errors
/// A 422 that names the field, also when the patch is no object.
pub fn patched<F: Serialize + DeserializeOwned>(standing: &F, patch: Value) -> Result<F, Problem> {
    if !patch.is_object() {
        let message = "a merge patch is an object of the fields to change (RFC 7396)".to_owned();
        return Err(Problem::invalid(vec![FieldError { field: String::new(), message }]));
    }
    let before = serde_json::to_value(standing).map_err(|e| Problem::internal(format!("fields do not serialise: {e}")))?;
    shaped(merge_patch::apply(before, patch))
}
