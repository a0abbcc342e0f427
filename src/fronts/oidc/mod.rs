//! The endpoints that applications call (OpenID Connect Core, RFC 6749, RFC 6750): JSON in and out. What browsers are sent to is in `web`.

mod answer;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;

use crate::fronts::edge;
use crate::services::context::{Context, Gateway};
use crate::services::oidc::failure::Failure;
use crate::services::oidc::parameters::Parameters;
use crate::services::oidc::{bearer, discovery, introspection, protected, tokens};

/// Largest form read: a refresh token, a code and a verifier are below 4 KiB together.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The endpoints of one issuer. Any origin may call them from a browser: they take no cookie.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata).options(answer::preflight))
        .route("/jwks", get(jwks).options(answer::preflight))
        .route("/token", axum::routing::post(token).options(answer::preflight))
        .route("/introspect", axum::routing::post(introspect).options(answer::preflight))
        .route("/userinfo", get(user_info).post(user_info).options(answer::preflight))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// One call of an application, in an establishment.
struct Call {
    ctx: Context,
    address: std::net::IpAddr,
    authorization: Option<HeaderValue>,
}

impl Call {
    /// The `Authorization` header. One that is no text is passed on as what it is: wrong.
    fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(|value| value.to_str().unwrap_or_default())
    }
}

impl FromRequestParts<Arc<Gateway>> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Response> {
        let ctx = edge::context(parts, gateway).await.map_err(|error| answer::no_issuer(&error))?;
        Ok(Self { ctx, address: edge::address(parts, gateway), authorization: parts.headers.get(AUTHORIZATION).cloned() })
    }
}

/// `GET /.well-known/openid-configuration` (Discovery §4).
async fn metadata(call: Call) -> Response {
    answer::public(&discovery::metadata(&call.ctx.issuer()))
}

/// `GET /jwks` (RFC 7517 §5).
async fn jwks(call: Call) -> Response {
    match call.ctx.ring().await {
        Ok(ring) => answer::public(ring.jwks()),
        Err(error) => answer::refused(&call.ctx, &Failure::from(error), false),
    }
}

/// `POST /token` (RFC 6749 §3.2).
async fn token(call: Call, headers: HeaderMap, body: Bytes) -> Response {
    let issued = match form(&headers, &body) {
        Ok(form) => tokens::answer(&call.ctx, call.authorization(), &form, call.address).await,
        Err(failure) => Err(failure),
    };
    match issued {
        Ok(issued) => answer::private(&issued.body()),
        Err(failure) => answer::refused(&call.ctx, &failure, false),
    }
}

/// `POST /introspect` (RFC 7662 §2).
async fn introspect(call: Call, headers: HeaderMap, body: Bytes) -> Response {
    let told = match form(&headers, &body) {
        Ok(form) => introspection::answer(&call.ctx, call.authorization(), &form, call.address).await,
        Err(failure) => Err(failure),
    };
    match told {
        Ok(told) => answer::private(&told),
        Err(failure) => answer::refused(&call.ctx, &failure, false),
    }
}

/// `GET` and `POST /userinfo` (OpenID Connect Core §5.3.1).
async fn user_info(call: Call, headers: HeaderMap, body: Bytes) -> Response {
    let form = if body.is_empty() { Ok(None) } else { form(&headers, &body).map(Some) };
    let read = form.and_then(|form| Ok(bearer::read(call.authorization(), form.as_ref())?));
    let claims = match read {
        // RFC 6750 §3.1: without any token, the challenge names no error.
        Ok(None) => return answer::challenge(),
        Ok(Some(token)) => protected::user_info(&call.ctx, token.expose()).await,
        Err(failure) => Err(failure),
    };
    match claims {
        Ok(claims) => answer::private(&claims),
        Err(failure) => answer::refused(&call.ctx, &failure, true),
    }
}

fn form(headers: &HeaderMap, body: &Bytes) -> Result<Parameters, Failure> {
    use crate::services::oidc::error::OAuthError;
    let declared = edge::header(headers, axum::http::header::CONTENT_TYPE).unwrap_or_default();
    if !declared.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(OAuthError::InvalidRequest("send a form: Content-Type application/x-www-form-urlencoded".into()).into());
    }
    let text = std::str::from_utf8(body).map_err(|_| OAuthError::InvalidRequest("the form is not UTF-8".into()))?;
    // A percent-encoded one, or the byte itself.
    if text.contains("%00") || text.contains('\0') {
        return Err(OAuthError::InvalidRequest("the form holds the NUL character (%00): leave it out".into()).into());
    }
    Ok(Parameters::decode(text))
}
