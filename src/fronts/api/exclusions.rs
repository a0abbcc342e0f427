//! `…/exclusions`: what people are not to hold, whatever rules give.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Key, Of, OneOf};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::roles::exclusions::{self, NewExclusion};
use crate::store::establishment::exclusion::{Exclusion, Filter};
use crate::types::id::{ExclusionId, UserId};

/// What a list of exclusions may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the person's names.
    q: Option<String>,
    /// The person.
    user: Option<UserId>,
    /// The application's name.
    application: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Exact scope.
    scope: Option<String>,
}

/// Lists exclusions, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/exclusions", operation_id = "list_exclusions", tag = "assignments", params(Of, Wanted),
    responses((status = 200, body = Listing<Exclusion>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Exclusion>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { user, application, role, scope, .. } = wanted;
    Ok(Json(exclusions::list(&ctx, &page, &Filter { user, application, role, scope, within: None }).await?.into()))
}

/// Decides that someone is not to hold a role, whatever rules give.
#[utoipa::path(post, path = "/establishments/{slug}/exclusions", operation_id = "create_exclusion", tag = "assignments", params(Of),
    request_body = NewExclusion, responses((status = 201, body = Exclusion), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewExclusion>) -> Result<Created<Exclusion>, Problem> {
    let made = exclusions::add(&ctx, &new).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/exclusions/{}", ctx.slug(), made.id), body: made })
}

/// Shows one exclusion.
#[utoipa::path(get, path = "/establishments/{slug}/exclusions/{id}", operation_id = "show_exclusion", tag = "assignments", params(OneOf),
    responses((status = 200, body = Exclusion), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<ExclusionId>) -> Result<Versioned<Exclusion>, Problem> {
    Ok(Versioned(exclusions::get(&ctx, id).await?))
}

/// Ends an exclusion: rules give again what they give.
#[utoipa::path(post, path = "/establishments/{slug}/exclusions/{id}/end", operation_id = "end_exclusion", tag = "assignments",
    params(OneOf), responses((status = 204), Refusals))]
pub async fn end(Here(ctx): Here, Key(id): Key<ExclusionId>) -> Result<StatusCode, Problem> {
    exclusions::end(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
