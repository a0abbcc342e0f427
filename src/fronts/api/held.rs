//! `…/sources/{name}/held`: what a feed asked for and a person has to see to.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::extract::{Here, Key, NamedOf, named};
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::scim::held;
use crate::store::establishment::scim_held::{Filter, Held, HeldReason, HeldState};

/// What a list of held requests may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact reason.
    #[param(inline)]
    reason: Option<HeldReason>,
    /// Exact operation.
    operation: Option<String>,
    /// Exact state.
    #[param(inline)]
    state: Option<HeldState>,
}

/// Which held requests a decision is about.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Chosen {
    /// These; everything that the guard holds when left out.
    ids: Option<Vec<Uuid>>,
}

/// How many were decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decided {
    /// Requests.
    decided: u64,
}

/// Lists what a feed asked for and a person has to see to, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/held", operation_id = "list_held", tag = "sources", params(NamedOf, Wanted),
    responses((status = 200, body = Listing<Held>), Refusals))]
pub async fn list(Here(ctx): Here, Key(name): Key<String>, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Held>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let filter = Filter { reason: named(wanted.reason.as_ref()), operation: wanted.operation, state: named(wanted.state.as_ref()) };
    Ok(Json(held::list(&ctx, &name, &page, &filter).await?.into()))
}

/// Lets held requests pass: they are done when the feed asks again.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/held/approve", operation_id = "approve_held", tag = "sources",
    params(NamedOf), request_body = Chosen, responses((status = 200, body = Decided), Refusals))]
pub async fn approve(Here(ctx): Here, Key(name): Key<String>, Body(chosen): Body<Chosen>) -> Result<Json<Decided>, Problem> {
    Ok(Json(Decided { decided: held::approve(&ctx, &name, chosen.ids.as_deref()).await? }))
}

/// Refuses held requests for good.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/held/refuse", operation_id = "refuse_held", tag = "sources",
    params(NamedOf), request_body = Chosen, responses((status = 200, body = Decided), Refusals))]
pub async fn refuse(Here(ctx): Here, Key(name): Key<String>, Body(chosen): Body<Chosen>) -> Result<Json<Decided>, Problem> {
    Ok(Json(Decided { decided: held::refuse(&ctx, &name, chosen.ids.as_deref()).await? }))
}
