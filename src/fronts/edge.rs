//! The edge: what is read of any request before a front looks at it (which establishment, when, from where), and what is measured and added
//! on the way out. It is the one place of the fronts that reads the clock.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{CONNECTION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::fronts::http::problem::Problem;
use crate::fronts::http::request::deadline;
use crate::services::context::{Actor, Context, Gateway};
use crate::services::error::Error;
use crate::types::slug::PLATFORM;
use crate::types::time::Timestamp;

/// Browsers keep to https for a year (RFC 6797 §6.1.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Wait proposed to whoever was not answered in time, in seconds.
const LATE_RETRY_S: u32 = 5;
/// Who a proxy says it speaks for.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A context where the address says, for nobody known yet: an establishment below `/e/{slug}`, and the platform elsewhere.
///
/// # Errors
/// `NotFound` for an unknown slug, and for an address that is not UTF-8: it is in no establishment, and not the platform's.
pub async fn context(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Context, Error> {
    let parameters = match RawPathParams::from_request_parts(parts, gateway).await {
        Ok(parameters) => Some(parameters),
        Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => return Err(Error::not_found("address, which is not UTF-8")),
        // The address of this route has none.
        Err(_) => None,
    };
    let slug = parameters.and_then(|p| p.iter().find(|(name, _)| *name == "slug").map(|(_, slug)| slug.to_owned()));
    match slug {
        // The platform has one address, the root: not a second one, which would be a second issuer.
        Some(slug) if slug == PLATFORM => Err(Error::not_found("establishment «platform»")),
        Some(slug) => Context::open(gateway, &slug, Actor::Anonymous, Timestamp::now()).await,
        None => Context::open(gateway, PLATFORM, Actor::Anonymous, Timestamp::now()).await,
    }
}

/// Where a request comes from: the peer, or whom a trusted proxy names.
pub fn address(parts: &Parts, gateway: &Gateway) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    // A proxy may add a header of its own to one that came: the last is the one nearest to us.
    let forwarded_for = parts.headers.get_all(FORWARDED_FOR).iter().next_back().and_then(|value| value.to_str().ok());
    gateway.trusted_proxies.sender(peer.to_canonical(), forwarded_for)
}

/// A header's text.
pub fn header(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Every request passes here: bounded in time, measured by route, and answered with the headers that every answer has.
pub async fn observe(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    // Labels are routes and not addresses, which anyone could make up without end (SECURITY 32).
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = label(request.method());
    let deadline = deadline(&route, Duration::from_secs(u64::from(gateway.limits.request_timeout_s)));
    // SCIM tells it in its own words.
    let mut response = if holds_nul(request.uri()) && !is_of_scim(request.uri().path()) {
        Problem::malformed("the address holds the NUL character (%00), which no text may hold: leave it out", Vec::new()).into_response()
    } else {
        let answered = tokio::time::timeout(deadline, next.run(request)).await;
        let late = |_| (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from(LATE_RETRY_S))]).into_response();
        answered.unwrap_or_else(late)
    };
    let status = response.status().as_u16();
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if gateway.public_url.starts_with("https:") {
        headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if gateway.node.is_stopping() {
        // The next request goes on another connection, and so to another node.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let elapsed = began.elapsed();
    tracing::debug!(http.route = route, http.method = method, http.status = status, elapsed_us = elapsed.as_micros(), "request answered");
    metrics::counter!("passerelle_http_requests_total", "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    metrics::histogram!("passerelle_http_request_seconds", "route" => route, "method" => method).record(elapsed.as_secs_f64());
    response
}

/// Whether an address is below that of a SCIM service, or of one that might be: also where no route is.
fn is_of_scim(path: &str) -> bool {
    let below = path.strip_prefix("/e/").and_then(|rest| rest.split_once('/')).and_then(|(_, rest)| rest.strip_prefix("scim/v2"));
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether something in an address decodes to a NUL character. `%2500` does not: it decodes to `%00`, and is not decoded twice.
pub fn holds_nul(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}

fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
