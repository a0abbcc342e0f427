//! Answers of the SCIM service (RFC 7644 §3.1, §3.12, §3.14): one media type, a resource's version and address in the headers too, refusals in
//! the form of an error. It decides nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::services::context::Gateway;
use crate::services::error::Error;
use crate::services::scim::error::ScimError;

/// The media type of every answer (RFC 7644 §8.1).
const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");
/// People's particulars: nobody on the way keeps them.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What discovery tells is the same for everyone, and changes with the program only.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A refusal or failure, as an answer.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    error: ScimError,
    /// Whether a token came that was not taken (RFC 6750 §3.1).
    token_refused: bool,
}

impl Refusal {
    /// No token came.
    pub(super) fn no_token() -> Self {
        ScimError::new(401, "send the token of a feed: Authorization: Bearer …").into()
    }

    /// A token came that opens nothing here.
    pub(super) fn bad_token() -> Self {
        let error =
            ScimError::new(401, "this token is unknown, expired or revoked, or opens another establishment: make another for the feed");
        Self { error, token_refused: true }
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self { error, token_refused: false }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        ScimError::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::SERVICE_UNAVAILABLE && self.error.cause.is_none() {
            // It waits for a person, or is to come back: nothing of the gateway's failed.
            tracing::warn!(%status, detail = self.error.detail, "SCIM request put off");
        } else if status.is_server_error() {
            tracing::error!(%status, cause = self.error.cause.as_deref().unwrap_or(&self.error.detail), "SCIM request failed");
        } else {
            tracing::debug!(%status, scim_type = self.error.scim_type.map(crate::services::scim::error::ScimType::as_str), "SCIM request refused");
        }
        let mut response = written(status, &self.error.body(), NO_STORE);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = if self.token_refused { "Bearer realm=\"scim\", error=\"invalid_token\"" } else { "Bearer realm=\"scim\"" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.error.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // For the request's witness.
        response.extensions_mut().insert(self.error);
        response
    }
}

/// What is answered of one resource.
pub(super) struct Shown {
    /// 200 or 201.
    pub(super) status: StatusCode,
    /// The resource, as much of it as was asked for.
    pub(super) resource: Map<String, Value>,
    /// Its version.
    pub(super) version: String,
    /// Its address.
    pub(super) location: String,
}

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let mut response = written(self.status, &self.resource, NO_STORE);
        put(&mut response, ETAG, &self.version);
        // RFC 7644 §3.3: the address of what was made; of what is read, RFC 7231's Content-Location says it, and `meta.location`.
        if self.status == StatusCode::CREATED {
            put(&mut response, LOCATION, &self.location);
        }
        response
    }
}

/// 204 with the version that a resource has now.
pub(super) fn changed(version: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    put(&mut response, ETAG, version);
    response
}

/// 304: the caller has it already (RFC 9110 §15.4.5).
pub(super) fn unchanged(version: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    put(&mut response, ETAG, version);
    response
}

/// 200 with something that is for this caller alone.
pub(super) fn private(body: &impl Serialize) -> Response {
    written(StatusCode::OK, body, NO_STORE)
}

/// 200 with something that anyone may have and keep.
pub(super) fn public(body: &impl Serialize) -> Response {
    written(StatusCode::OK, body, PUBLIC)
}

/// The answer where no route is.
pub(super) async fn nowhere() -> Refusal {
    ScimError::not_found("there is no such endpoint: /ResourceTypes lists those of resources").into()
}

/// The answer beside the service: where it is. Whether there is such an establishment is not looked up, and not told.
pub(super) async fn beside(State(gateway): State<Arc<Gateway>>, uri: Uri) -> Refusal {
    let slug = uri.path().strip_prefix("/e/").and_then(|rest| rest.split('/').next()).unwrap_or("{establishment}");
    let told = format!(
        "there is nothing of SCIM at this address: the base of the service is {}/e/{slug}/scim/v2, and /Users, /Groups and the others stand below it",
        gateway.public_url
    );
    ScimError::not_found(told).into()
}

/// The answer to a method that a route does not have. The router adds which it has.
pub(super) async fn other_method() -> Refusal {
    ScimError::new(405, "this endpoint does not have this method").into()
}

fn put(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

fn written(status: StatusCode, body: &impl Serialize, cache: HeaderValue) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, SCIM_JSON), (CACHE_CONTROL, cache)], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
