//! SCIM (RFC 7644, RFC 9865) below `/e/{slug}/scim/v2`: identity providers push people and groups with the token of a feed. Each handler extracts,
//! calls a service and renders. Addresses beside it tell where it is. The service describes itself (`/Schemas`, `/ResourceTypes`, `/ServiceProviderConfig`): OpenAPI does not.

mod answer;
mod attend;
mod body;
mod bulk;
mod caller;
mod conditions;
mod discovery;
mod json;
mod me;
mod query;
mod resources;
mod search;
mod witness;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use crate::fronts::http::request::SCIM_BASE;
use crate::services::context::Gateway;
use crate::services::scim::limits::PAYLOAD_MAX_BYTES;
use crate::services::scim::schema::Kind;

/// Every endpoint.
pub fn routes(gateway: &Arc<Gateway>) -> Router<Arc<Gateway>> {
    let endpoints = Kind::ALL.into_iter().fold(Router::new(), |router, kind| router.merge(resources::endpoint(kind)));
    let service = endpoints
        .route("/.search", post(search::everything_by_body))
        .route("/Bulk", post(bulk::carry_out))
        .route("/Me", get(me::read).fallback(me::refuse))
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .fallback(any(answer::nowhere));
    // The root of the service is an endpoint too, with and without its slash.
    let beside = ["/scim", "/scim/{*rest}", "/e/{slug}/scim", "/e/{slug}/scim/", "/e/{slug}/scim/{*rest}"];
    let beside = beside.into_iter().fold(Router::new(), |router, path| router.route(path, any(answer::beside)));
    Router::new()
        .merge(beside)
        .nest(SCIM_BASE, service)
        .route(SCIM_BASE, get(search::everything))
        .route(&format!("{SCIM_BASE}/"), get(search::everything))
        .method_not_allowed_fallback(answer::other_method)
        .layer(DefaultBodyLimit::max(PAYLOAD_MAX_BYTES))
        .layer(from_fn_with_state(gateway.clone(), attend::attend))
}
