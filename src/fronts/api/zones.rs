//! `/zones`: the operator's own list of zones.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::{Key, OnPlatform};
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::services::establishments;
use crate::store::registry::zone::Zone;

/// What is said of a zone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneFields {
    /// What people read.
    title: String,
}

/// Lists the zones.
#[utoipa::path(get, path = "/zones", operation_id = "list_zones", tag = "zones", responses((status = 200, body = Listing<Zone>), Refusals))]
pub async fn list(OnPlatform(platform): OnPlatform) -> Result<Json<Listing<Zone>>, Problem> {
    Ok(Json(Listing::whole(establishments::zones(&platform).await?)))
}

/// Adds a zone, or gives it another title.
#[utoipa::path(put, path = "/zones/{name}", operation_id = "save_zone", tag = "zones",
    params(("name" = String, Path, description = "The zone's short name.")),
    request_body = ZoneFields, responses((status = 200, body = Zone), Refusals))]
pub async fn save(OnPlatform(platform): OnPlatform, Key(name): Key<String>, Body(fields): Body<ZoneFields>) -> Result<Json<Zone>, Problem> {
    let zone = Zone { name, title: fields.title };
    establishments::save_zone(&platform, &zone).await?;
    Ok(Json(zone))
}

/// Takes a zone off the list.
#[utoipa::path(delete, path = "/zones/{name}", operation_id = "delete_zone", tag = "zones",
    params(("name" = String, Path, description = "The zone's short name.")), responses((status = 204), Refusals))]
pub async fn delete(OnPlatform(platform): OnPlatform, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    establishments::delete_zone(&platform, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
