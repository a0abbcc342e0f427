//! The ways to talk to the gateway. A front extracts, calls one service function and renders; no front imports another.

pub mod api;
pub mod cli;
mod edge;
pub mod http;
pub mod oidc;
mod probes;
pub mod scim;
pub mod web;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;

use crate::services::context::Gateway;

/// Every mount on one page: each establishment is an issuer below `/e/{slug}`, and the platform is one at the root.
pub fn router(gateway: Arc<Gateway>) -> Router {
    let issuer = Router::new().merge(oidc::routes()).merge(web::issuer_routes());
    Router::new()
        .merge(issuer.clone())
        .nest("/e/{slug}", issuer)
        .merge(scim::routes(&gateway))
        .merge(web::root_routes())
        .merge(probes::routes())
        .fallback(web::not_found)
        .layer(DefaultBodyLimit::max(gateway.limits.body_max_bytes))
        .with_state(gateway.clone())
        .merge(api::router(gateway.clone()))
        .layer(from_fn_with_state(gateway, edge::observe))
}
