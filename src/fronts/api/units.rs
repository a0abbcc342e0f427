//! `…/units`: departments, classes and other units of an establishment, as a tree.

use axum::Json;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::extract::{Here, Key, Of, OneOf};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned, VersionedBy};
use crate::services::units::{self, ChangedUnit, Removed, UnitFields};
use crate::store::establishment::unit::{Filter, Unit};
use crate::types::id::UnitId;

/// What a list of units may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in name and title; accents and letter case are passed over.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// Exact title.
    title: Option<String>,
    /// The name of the unit above; empty for those at the top.
    parent: Option<String>,
    /// The name of the source that states them; empty for those added by hand.
    source: Option<String>,
}

/// Who takes over what hangs on a unit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Heir {
    /// The name of the unit that takes over units below, people, and roles given by hand.
    move_to: Option<String>,
}

/// Lists units, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/units", operation_id = "list_units", tag = "units", params(Of, Wanted),
    responses((status = 200, body = Listing<Unit>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Unit>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { name, title, parent, source, .. } = wanted;
    Ok(Json(units::list(&ctx, &page, &Filter { name, title, parent, source, within: None }).await?.into()))
}

/// Adds a unit.
#[utoipa::path(post, path = "/establishments/{slug}/units", operation_id = "create_unit", tag = "units", params(Of), request_body = UnitFields,
    responses((status = 201, body = Unit), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<UnitFields>) -> Result<Created<Unit>, Problem> {
    let made = units::create(&ctx, &fields).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/units/{}", ctx.slug(), made.id), body: made })
}

/// Shows one unit.
#[utoipa::path(get, path = "/establishments/{slug}/units/{id}", operation_id = "show_unit", tag = "units", params(OneOf),
    responses((status = 200, body = Unit), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<UnitId>) -> Result<Versioned<Unit>, Problem> {
    Ok(Versioned(units::get(&ctx, id).await?))
}

/// Renames or moves a unit, or gives it another title (RFC 7396). People in it and scopes of roles given by hand follow a new name; rules that
/// speak of the old one are told.
#[utoipa::path(patch, path = "/establishments/{slug}/units/{id}", operation_id = "update_unit", tag = "units", params(OneOf, IfMatch),
    request_body(content = UnitFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ChangedUnit), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(id): Key<UnitId>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<VersionedBy<Unit, ChangedUnit>, Problem> {
    let update = async || {
        let standing = units::get(&ctx, id).await?;
        if_match.check(&standing)?;
        let fields = patched(&UnitFields::from(&standing), patch.clone())?;
        let changed = units::update(&ctx, &standing, &fields).await?;
        Ok(VersionedBy(changed.unit.clone(), changed))
    };
    if_match.change(update).await
}

/// Removes a unit. While units, people or roles given by hand hang on it, the unit that takes them over is named by `move_to`.
#[utoipa::path(delete, path = "/establishments/{slug}/units/{id}", operation_id = "delete_unit", tag = "units", params(OneOf, Heir),
    responses((status = 200, body = Removed), Refusals))]
pub async fn delete(Here(ctx): Here, Key(id): Key<UnitId>, Query(heir): Query<Heir>) -> Result<Json<Removed>, Problem> {
    Ok(Json(units::remove(&ctx, id, heir.move_to.as_deref()).await?))
}
