//! JSON answers of the protocol: headers, and the one table from OAuth errors to HTTP statuses.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL,
    CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::oidc::error::OAuthError;
use crate::services::oidc::failure::Failure;

/// What may be kept for five minutes: keys are published before they sign.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=300");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Any origin: these endpoints read no cookie, so a page elsewhere gains nothing from the browser it runs in.
const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");

/// An answer that anyone may have and keep.
pub(super) fn public(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body, PUBLIC)
}

/// An answer for this caller alone (RFC 6749 §5.1).
pub(super) fn private(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body, NO_STORE)
}

/// No such issuer, or no store behind it.
pub(super) fn no_issuer(error: &Error) -> Response {
    if matches!(error, Error::NotFound(_)) {
        return json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "not_found", "error_description": "no such issuer" }), NO_STORE);
    }
    tracing::error!(%error, "issuer not opened");
    failed(error)
}

/// The gateway's own failure: whether and when to try again, and no more.
fn failed(cause: &Error) -> Response {
    let Some(wait_s) = cause.retry_after_s() else {
        return json(StatusCode::INTERNAL_SERVER_ERROR, &OAuthError::ServerError.body(), NO_STORE);
    };
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, &OAuthError::Unavailable.body(), NO_STORE);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// A refusal or a failure; a protected resource tells it in a Bearer challenge too (RFC 6750 §3).
pub(super) fn refused(ctx: &Context, failure: &Failure, bearer: bool) -> Response {
    let error = match failure {
        Failure::Refused(error) => error,
        Failure::Failed(cause) => {
            tracing::error!(establishment = ctx.slug(), request.id = %ctx.request_id, error = %cause, "protocol request failed");
            return failed(cause);
        }
    };
    let status = status(error);
    let mut response = json(status, &error.body(), NO_STORE);
    let challenge = match (bearer, status) {
        (true, _) => HeaderValue::from_str(&error.bearer_challenge()).ok(),
        // RFC 6749 §5.2: a client refused with 401 is told how it may authenticate.
        (false, StatusCode::UNAUTHORIZED) => Some(HeaderValue::from_static("Basic realm=\"token\", charset=\"UTF-8\"")),
        (false, _) => None,
    };
    if let Some(challenge) = challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(ctx.gateway.limits.sign_in_delay_s));
    }
    response
}

/// RFC 6750 §3.1: who brings no token is told how, and no error.
pub(super) fn challenge() -> Response {
    let headers =
        [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")), (CACHE_CONTROL, NO_STORE), (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN)];
    (StatusCode::UNAUTHORIZED, headers).into_response()
}

/// The answer to a browser that asks before a page elsewhere may call (Fetch, CORS-preflight).
pub(super) async fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN),
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn status(error: &OAuthError) -> StatusCode {
    match error {
        OAuthError::InvalidRequest(_)
        | OAuthError::InvalidGrant(_)
        | OAuthError::UnauthorizedClient(_)
        | OAuthError::UnsupportedGrantType(_)
        | OAuthError::InvalidScope(_) => StatusCode::BAD_REQUEST,
        OAuthError::InvalidClient(_) | OAuthError::InvalidToken(_) => StatusCode::UNAUTHORIZED,
        OAuthError::InsufficientScope(_) => StatusCode::FORBIDDEN,
        OAuthError::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
        OAuthError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        OAuthError::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn json(status: StatusCode, body: &impl Serialize, cache: HeaderValue) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, cache), (ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN)];
            (status, headers, bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
