//! `Idempotency-Key` on POST: the second request with a key gets the first one's answer.

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::fronts::http::problem::Problem;
use crate::fronts::http::request::carries_archives;
use crate::services::context::Context;
use crate::services::idempotency::{self, Answer, Key, Step};

/// The request's header, as people write it.
pub const HEADER_NAME: &str = "Idempotency-Key";
/// The request's header.
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells that an answer is a repeated one.
const REPEATED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Headers of an answer that are kept with it.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];
/// Largest answer that is kept; those of POST are far smaller.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Carries a POST with a key out once.
pub async fn once(request: Request, next: Next) -> Response {
    // An archive is too large to be read whole here. Putting the same one back twice does what once does, and an import finds its slug taken.
    let route = request.extensions().get::<MatchedPath>();
    if route.is_some_and(|route| carries_archives(route.as_str())) {
        return next.run(request).await;
    }
    let given = request.headers().get(&HEADER).cloned();
    match given {
        Some(raw) if request.method() == Method::POST => guarded(&raw, request, next).await.unwrap_or_else(IntoResponse::into_response),
        _ => next.run(request).await,
    }
}

async fn guarded(raw: &HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
    let ctx = request.extensions().get::<Context>().cloned();
    let ctx = ctx.ok_or_else(|| Problem::internal("a request with a key came without a context"))?;
    let raw = raw.to_str().map_err(|_| Problem::malformed("Idempotency-Key is not text", Vec::new()))?;
    let (parts, body) = request.into_parts();
    let too_large = |_| Problem::new("too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE, "send a smaller body");
    let body = to_bytes(body, ctx.gateway.limits.body_max_bytes).await.map_err(too_large)?;
    let route = format!("{} {}", parts.method, parts.uri);
    let key = Key::parse(&ctx, raw, &route, &body)?;
    match idempotency::begin(&ctx, &key).await? {
        Step::Repeat(answer) => Ok(repeated(answer)),
        Step::CarryOut => {
            let request = Request::from_parts(parts, Body::from(body));
            // A caller who hangs up must not leave the key without an answer: the work goes on by itself.
            let work = tokio::spawn(async move { carried_out(&ctx, &key, next.run(request).await).await });
            work.await.map_err(|error| Problem::internal(format!("a request with a key ended early: {error}")))?
        }
    }
}

async fn carried_out(ctx: &Context, key: &Key, response: Response) -> Result<Response, Problem> {
    if !response.status().is_success() {
        idempotency::release(ctx, key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_MAX_BYTES).await.map_err(|e| Problem::internal(format!("an answer could not be kept: {e}")))?;
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = KEPT.iter().filter_map(|name| Some((name.to_string(), text(parts.headers.get(name)?)?))).collect();
    let answer = Answer { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() };
    idempotency::keep(ctx, key, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn repeated(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPEATED, HeaderValue::from_static("true"));
    response
}
