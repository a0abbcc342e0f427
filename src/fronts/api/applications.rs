//! `…/applications`: relying parties' catalogues of roles.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::extract::{Here, Key, NamedOf, Of};
use super::seen::{Losing, Seen};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::applications::{self, ApplicationFields};
use crate::services::oidc::claim_shape::ClaimShape;
use crate::services::roles::Simulation;
use crate::store::establishment::application::{Application, Cardinality, ScopeKind};
use crate::types::fold;

/// What a list of applications may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in name and title.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// Exact title.
    title: Option<String>,
    /// Exact cardinality.
    #[param(inline)]
    cardinality: Option<Cardinality>,
    /// Exact default role.
    default_role: Option<String>,
    /// Exact kind of scope.
    #[param(inline)]
    scope_kind: Option<ScopeKind>,
}

impl Wanted {
    fn fits(&self, application: &Application, words: Option<&str>) -> bool {
        self.name.as_ref().is_none_or(|name| *name == application.name)
            && self.title.as_ref().is_none_or(|title| *title == application.title)
            && self.cardinality.is_none_or(|cardinality| cardinality == application.cardinality)
            && self.default_role.as_ref().is_none_or(|role| application.default_role.as_ref() == Some(role))
            && self.scope_kind.is_none_or(|kind| kind == application.scope_kind)
            && words.is_none_or(|words| fold(&format!("{} {}", application.name, application.title)).contains(words))
    }
}

/// Lists applications, by name.
#[utoipa::path(get, path = "/establishments/{slug}/applications", operation_id = "list_applications", tag = "applications", params(Of, Wanted),
    responses((status = 200, body = Listing<Application>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Application>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let mut all = applications::list(&ctx).await?;
    all.retain(|application| wanted.fits(application, page.query.as_deref()));
    Ok(Json(Listing::cut(all, &page, |application| application.id.uuid())?))
}

/// Adds an application with its catalogue of roles.
#[utoipa::path(post, path = "/establishments/{slug}/applications", operation_id = "create_application", tag = "applications", params(Of),
    request_body = ApplicationFields, responses((status = 201, body = Application), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<ApplicationFields>) -> Result<Created<Application>, Problem> {
    ClaimShape::parse(&fields.claim_shape)?;
    let made = applications::create(&ctx, &fields).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/applications/{}", ctx.slug(), made.name), body: made })
}

/// Shows one application.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}", operation_id = "show_application", tag = "applications",
    params(NamedOf), responses((status = 200, body = Application), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<Versioned<Application>, Problem> {
    Ok(Versioned(applications::get(&ctx, &name).await?))
}

/// Changes an application (RFC 7396); everyone's roles are recomputed with it. A loss beyond the guard's bounds is confirmed by its number.
#[utoipa::path(patch, path = "/establishments/{slug}/applications/{name}", operation_id = "update_application", tag = "applications",
    params(NamedOf, Losing, IfMatch), request_body(content = ApplicationFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Application), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(name): Key<String>,
    Query(losing): Query<Losing>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<Application>, Problem> {
    let update = async || {
        let standing = applications::get(&ctx, &name).await?;
        if_match.check(&standing)?;
        let fields = patched(&ApplicationFields::from(&standing), patch.clone())?;
        ClaimShape::parse(&fields.claim_shape)?;
        Ok(Versioned(applications::update_confirmed(&ctx, &standing, &fields, losing.confirm_losses).await?))
    };
    if_match.change(update).await
}

/// Tells who would gain and lose what if the application were so (RFC 7396). Nothing is written.
#[utoipa::path(post, path = "/establishments/{slug}/applications/{name}/simulate", operation_id = "simulate_application", tag = "applications",
    params(NamedOf, Seen), request_body = ApplicationFields, responses((status = 200, body = Simulation), Refusals))]
pub async fn simulate(
    Here(ctx): Here,
    Key(name): Key<String>,
    Query(seen): Query<Seen>,
    Body(patch): Body<Value>,
) -> Result<Json<Simulation>, Problem> {
    let standing = applications::get(&ctx, &name).await?;
    let fields = patched(&ApplicationFields::from(&standing), patch)?;
    Ok(Json(applications::simulate(&ctx, &standing, &fields, &seen.view()?).await?))
}

/// Removes an application that no rule, client or assignment by hand needs any more.
#[utoipa::path(delete, path = "/establishments/{slug}/applications/{name}", operation_id = "delete_application", tag = "applications",
    params(NamedOf), responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    applications::delete(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
