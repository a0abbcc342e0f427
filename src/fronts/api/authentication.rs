//! Who calls, and where: the bearer token is looked at once, before any handler, and a context is opened in the establishment of the path.
//! One question alone may be asked with a client's secret.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::extract::Asking;
use super::{Api, idempotency};
use crate::fronts::edge;
use crate::fronts::http::problem::Problem;
use crate::fronts::http::request::RequestId;
use crate::services::context::{Actor, Context};
use crate::services::error::Error;
use crate::services::oidc;
use crate::services::oidc::clients;
use crate::services::oidc::error::OAuthError;
use crate::services::oidc::failure::Failure;
use crate::services::oidc::parameters::Parameters;
use crate::services::tokens::{self, Caller};
use crate::types::locale::Locale;
use crate::types::slug::PLATFORM;
use crate::types::time::Timestamp;

/// Opens the context that handlers take, or answers 401, 403 or 404.
pub async fn authenticate(
    State(api): State<Api>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let params = match params {
        Ok(params) => params,
        Err(rejected) => return Problem::malformed(format!("the path: {}", rejected.body_text()), Vec::new()).into_response(),
    };
    let slug = params.iter().find(|(name, _)| *name == "slug").map(|(_, value)| value.to_owned());
    let (mut parts, body) = request.into_parts();
    let opened = match slug.as_deref().filter(|_| is_asked_by_clients(&parts)) {
        Some(slug) => open_for_client(&api, slug, &mut parts).await,
        None => open(&api, slug.as_deref(), &parts).await,
    };
    match opened {
        Ok(ctx) => {
            parts.extensions.insert(ctx);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whether an application's client asks what it may ask with its own secret (RFC 6749 §2.3.1): may someone do something there?
fn is_asked_by_clients(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let basic = edge::header(&parts.headers, AUTHORIZATION).and_then(|header| header.split_once(' '));
    parts.method == Method::POST
        && route.and_then(|route| route.strip_prefix(super::BASE)) == Some("/establishments/{slug}/check")
        && basic.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
}

/// A context in which nobody acts, and the client beside it: all that it may do is to ask.
async fn open_for_client(api: &Api, slug: &str, parts: &mut Parts) -> Result<Context, Problem> {
    let refused = || Problem::unauthenticated("the client is unknown or disabled, or its secret is wrong");
    let opened = match Context::open(&api.gateway, slug, Actor::Anonymous, Timestamp::now()).await {
        Err(Error::NotFound(_)) => return Err(refused()),
        opened => opened?,
    };
    let proof = edge::header(&parts.headers, AUTHORIZATION);
    let address = edge::address(parts, &api.gateway);
    let client = match clients::authenticate(&opened, proof, &Parameters::decode(""), address).await {
        Ok(client) if client.secret_hash.is_some() => client,
        Ok(_) => return Err(Problem::unauthenticated("a public client proves nothing: ask with one that has a secret")),
        Err(Failure::Refused(OAuthError::SlowDown(why))) => {
            return Err(Problem::new("too-many", "Too many attempts", StatusCode::TOO_MANY_REQUESTS, why));
        }
        Err(Failure::Refused(_)) => return Err(refused()),
        Err(Failure::Failed(error)) => return Err(error.into()),
    };
    // An answer changes nothing, so none is kept under a key: keys are told apart by who acts, and here nobody does.
    parts.headers.remove(idempotency::HEADER_NAME);
    parts.extensions.insert(Asking(Some(client)));
    let request_id = parts.extensions.get::<RequestId>().map_or(opened.request_id, |id| id.0);
    Ok(Context { request_id, ..opened })
}

async fn open(api: &Api, slug: Option<&str>, parts: &Parts) -> Result<Context, Problem> {
    let now = Timestamp::now();
    let caller = caller(api, slug, bearer(&parts.headers)?, now).await?;
    let slug = match slug {
        Some(slug) if caller.sees(slug) => slug,
        Some(slug) => return Err(Error::not_found(format!("establishment «{slug}»")).into()),
        // Routes without an establishment are the platform's. They are no secret, so whoever is not of the platform is told.
        None if caller.home == PLATFORM => PLATFORM,
        None => return Err(Error::Forbidden("this is for operators of the platform".to_owned()).into()),
    };
    let opened = match Context::open(&api.gateway, slug, caller.actor.clone(), now).await {
        // An establishment that is being deleted is nowhere any more. Its deletion can be asked for again: on the platform.
        Err(Error::NotFound(_)) if caller.home == PLATFORM && deletes_establishment(parts) => {
            Context::open(&api.gateway, PLATFORM, caller.actor, now).await?
        }
        opened => opened?,
    };
    let request_id = parts.extensions.get::<RequestId>().map_or(opened.request_id, |id| id.0);
    let wanted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let locale = wanted.and_then(|tags| tags.split(',').find_map(Locale::from_tag)).unwrap_or(opened.locale);
    Ok(Context { request_id, locale, ..opened })
}

/// Whether a request deletes an establishment itself, and no thing in one.
fn deletes_establishment(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    parts.method == Method::DELETE && route.and_then(|route| route.strip_prefix(super::BASE)) == Some("/establishments/{slug}")
}

/// The bearer token of a request (RFC 6750 §2.1). One in a query or a form is never looked at.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthenticated("send a bearer token: Authorization: Bearer …");
    let header = headers.get(AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, token) = header.trim().split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() { Ok(token.trim()) } else { Err(missing()) }
}

/// API tokens name their home. An access token is looked for in the establishment of the path, then on the platform.
async fn caller(api: &Api, slug: Option<&str>, bearer: &str, now: Timestamp) -> Result<Caller, Problem> {
    let refused = || Problem::unauthenticated("this bearer token is unknown, expired or revoked: make another");
    if bearer.starts_with(tokens::PREFIX) {
        return tokens::authenticate(&api.gateway, bearer, now).await?.ok_or_else(refused);
    }
    let mut blocked = None;
    for home in slug.into_iter().filter(|slug| *slug != PLATFORM).chain([PLATFORM]) {
        let ctx = match Context::open(&api.gateway, home, Actor::Anonymous, now).await {
            Ok(ctx) => ctx,
            Err(Error::NotFound(_)) => continue,
            Err(other) => return Err(other.into()),
        };
        if let Some(actor) = oidc::protected::actor(&ctx, bearer).await? {
            return Ok(Caller { home: home.to_owned(), actor });
        }
        if !ctx.is_open() {
            blocked = Some(ctx.establishment.name.clone());
        }
    }
    // A blocked establishment's own tokens have all ended: whoever holds one is told why.
    Err(blocked.map_or_else(refused, |name| Error::Blocked(name).into()))
}
