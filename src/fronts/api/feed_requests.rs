//! `…/sources/{name}/requests`: what a SCIM feed asked of late, and what it would come to now.

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::extract::{Here, Key, NamedOf};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::error::Error;
use crate::services::scim::inspector::{self, Replayed};
use crate::store::establishment::scim_request::{Filter, Seen, Whole};

/// What a list of requests may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the address and in the reason of a refusal.
    q: Option<String>,
    /// Exact method, in capitals.
    method: Option<String>,
    /// Exact dialect: `entra`, `okta` or `other`.
    dialect: Option<String>,
    /// Exact status.
    status: Option<i64>,
    /// Only requests that were refused, or only those that were not.
    refused: Option<bool>,
    /// The resource it was about, by identifier.
    subject_id: Option<Uuid>,
}

/// Path parameters of one request, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct RequestOf {
    /// The establishment's slug.
    slug: String,
    /// The source's name.
    name: String,
    /// The request's identifier, as `X-Request-Id` says it.
    #[param(value_type = String, format = Uuid)]
    id: String,
}

/// Which request of which source.
#[derive(Debug)]
pub struct Which {
    source: String,
    id: Uuid,
}

impl<S: Send + Sync> FromRequestParts<S> for Which {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|rejected| Problem::malformed(rejected.body_text(), Vec::new()))?;
        let named = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()).unwrap_or_default();
        let id = named("id");
        // What is not the form of a key is the key of nothing.
        let id = id.parse().map_err(|_| Error::not_found(format!("request «{id}»")))?;
        Ok(Self { source: named("name"), id })
    }
}

/// Lists the last requests of a feed, newest first.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/requests", operation_id = "list_feed_requests", tag = "sources",
    params(NamedOf, Wanted), responses((status = 200, body = Listing<Seen>), Refusals))]
pub async fn list(Here(ctx): Here, Key(name): Key<String>, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Seen>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { method, dialect, status, refused, subject_id, .. } = wanted;
    Ok(Json(inspector::list(&ctx, &name, &page, &Filter { method, dialect, status, refused, subject_id }).await?.into()))
}

/// Shows one request of a feed: what it brought, what it changed, and which operation of it was refused.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/requests/{id}", operation_id = "show_feed_request", tag = "sources",
    params(RequestOf), responses((status = 200, body = Whole), Refusals))]
pub async fn show(Here(ctx): Here, which: Which) -> Result<Json<Whole>, Problem> {
    Ok(Json(inspector::show(&ctx, &which.source, which.id).await?))
}

/// Tries a request of a feed again, against what stands now. Nothing of it stays.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/requests/{id}/replay", operation_id = "replay_feed_request", tag = "sources",
    params(RequestOf), responses((status = 200, body = Replayed), Refusals))]
pub async fn replay(Here(ctx): Here, which: Which) -> Result<Json<Replayed>, Problem> {
    Ok(Json(inspector::replay(&ctx, &which.source, which.id).await?))
}
