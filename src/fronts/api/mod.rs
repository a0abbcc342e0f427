//! The admin API: `/api/v1`, its description at `/api/openapi.json`, and a page to try it at `/api/docs`. Each handler extracts, calls
//! one service function and renders.

#![expect(unused_qualifications, reason = "what utoipa makes of a path's parameters names them in full")]

mod applications;
mod archives;
mod assignments;
mod audit;
mod authentication;
mod bulk;
mod campaigns;
mod catalogues;
mod checks;
mod clients;
mod description;
mod docs;
mod establishments;
mod exclusions;
mod extract;
mod feed_requests;
mod groups;
mod held;
mod idempotency;
mod keys;
mod outbox;
mod proposals;
mod provisioning;
mod relations;
mod rule_sets;
mod rules;
mod runs;
mod seen;
mod source_files;
mod sources;
mod tokens;
mod units;
mod unused;
mod users;
mod zones;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::request;
use crate::services::context::Gateway;
use description::{Declared, Description};

/// Where the resources are.
const BASE: &str = "/api/v1";

/// What handlers share.
#[derive(Clone, Debug)]
pub struct Api {
    gateway: Arc<Gateway>,
}

/// Every resource, below [`BASE`].
fn resources() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(establishments::list, establishments::create))
        .routes(routes!(establishments::show, establishments::update, establishments::delete))
        .routes(routes!(establishments::block))
        .routes(routes!(establishments::unblock))
        .routes(routes!(establishments::receipt))
        .routes(routes!(establishments::administrators))
        .routes(routes!(establishments::reset_administrator))
        .routes(routes!(archives::import))
        .routes(routes!(archives::export))
        .routes(routes!(archives::restore))
        .routes(routes!(zones::list))
        .routes(routes!(zones::save, zones::delete))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::update))
        .routes(routes!(users::disable))
        .routes(routes!(users::enable))
        .routes(routes!(users::delete))
        .routes(routes!(users::invite))
        .routes(routes!(users::reset))
        .routes(routes!(users::explain))
        .routes(routes!(groups::list))
        .routes(routes!(groups::show))
        .routes(routes!(groups::members))
        .routes(routes!(clients::list, clients::create))
        .routes(routes!(clients::show, clients::update, clients::delete))
        .routes(routes!(clients::rotate_secret))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::show, tokens::revoke))
        .routes(routes!(tokens::rotate))
        .routes(routes!(keys::list))
        .routes(routes!(audit::list))
        .routes(routes!(outbox::list))
        .routes(routes!(outbox::retry))
        .merge(resources_of_sources())
        .merge(resources_of_units())
        .merge(resources_of_reviews())
        .merge(resources_of_roles())
        .merge(resources_of_many())
}

/// Where people come from: read, given as files, or pushed; what it did, and what waits for a person.
fn resources_of_sources() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::show, sources::update, sources::delete))
        .routes(routes!(source_files::show, source_files::give, source_files::forget))
        .routes(routes!(sources::check))
        .routes(routes!(sources::preview))
        .routes(routes!(feed_requests::list))
        .routes(routes!(feed_requests::show))
        .routes(routes!(feed_requests::replay))
        .routes(routes!(sources::resume))
        .routes(routes!(sources::sync_now))
        .routes(routes!(sources::parts))
        .routes(routes!(held::list))
        .routes(routes!(held::approve))
        .routes(routes!(held::refuse))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::changes))
        .routes(routes!(runs::approve))
        .routes(routes!(runs::refuse))
        .routes(routes!(runs::undo))
        .routes(routes!(proposals::list))
        .routes(routes!(proposals::show))
        .routes(routes!(proposals::accept))
        .routes(routes!(proposals::reject))
}

/// Units, and who stands in which relation to whom.
fn resources_of_units() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(units::list, units::create))
        .routes(routes!(units::show, units::update, units::delete))
        .routes(routes!(relations::list, relations::create))
        .routes(routes!(relations::show, relations::delete))
        .routes(routes!(relations::import))
        .routes(routes!(assignments::import))
}

/// What people are not to hold, and reviews of what they hold.
fn resources_of_reviews() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(unused::roles))
        .routes(routes!(unused::accounts))
        .routes(routes!(exclusions::list, exclusions::create))
        .routes(routes!(exclusions::show))
        .routes(routes!(exclusions::end))
        .routes(routes!(campaigns::list, campaigns::create))
        .routes(routes!(campaigns::show))
        .routes(routes!(campaigns::items))
        .routes(routes!(campaigns::decide))
        .routes(routes!(campaigns::remind))
        .routes(routes!(campaigns::close))
}

/// Applications, rules, and who holds what by them.
fn resources_of_roles() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(applications::list, applications::create))
        .routes(routes!(applications::show, applications::update, applications::delete))
        .routes(routes!(applications::simulate))
        .merge(resources_of_provisioning())
        .routes(routes!(catalogues::list))
        .routes(routes!(catalogues::import))
        .routes(routes!(catalogues::export))
        .routes(routes!(catalogues::matrix))
        .routes(routes!(catalogues::pending))
        .routes(routes!(checks::check))
        .routes(routes!(rules::list, rules::create))
        .routes(routes!(rules::lint))
        .routes(routes!(rules::simulate))
        .routes(routes!(rules::apply))
        .routes(routes!(rules::show, rules::update, rules::delete))
        .routes(routes!(assignments::list, assignments::create))
        .routes(routes!(assignments::compare))
        .routes(routes!(assignments::show, assignments::update))
        .routes(routes!(assignments::end))
        .routes(routes!(rule_sets::list, rule_sets::create))
        .routes(routes!(rule_sets::show, rule_sets::update, rule_sets::delete))
        .routes(routes!(rule_sets::simulate))
        .routes(routes!(rule_sets::schedule))
        .routes(routes!(rule_sets::apply))
        .routes(routes!(rule_sets::roll_back))
        .routes(routes!(rule_sets::cancel))
}

/// People written to applications that have a SCIM service of their own.
fn resources_of_provisioning() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(provisioning::show, provisioning::save, provisioning::update, provisioning::delete))
        .routes(routes!(provisioning::check))
        .routes(routes!(provisioning::reconcile))
        .routes(routes!(provisioning::approve))
        .routes(routes!(provisioning::retry))
        .routes(routes!(provisioning::queue))
        .routes(routes!(provisioning::drift))
}

/// Acts on many establishments, and those on one that are the same.
fn resources_of_many() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(bulk::write_one))
        .routes(routes!(bulk::count_one))
        .routes(routes!(bulk::mail))
        .routes(routes!(bulk::stats))
        .routes(routes!(bulk::export))
        .routes(routes!(bulk::block))
        .routes(routes!(bulk::unblock))
        .routes(routes!(bulk::delete))
        .routes(routes!(bulk::list))
        .routes(routes!(bulk::show))
        .routes(routes!(bulk::items))
}

/// The API's description (OpenAPI 3.1), made of the routes themselves.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(Description::openapi()).nest(BASE, resources()).into_openapi();
    description::complete(&mut document);
    document
}

/// Everything under `/api`.
pub fn router(gateway: Arc<Gateway>) -> Router {
    // A little before the edge cuts every request off, so that the caller reads a problem.
    let longest = Duration::from_secs(gateway.limits.request_timeout_s.into()) * 19 / 20;
    let body_max = gateway.limits.body_max_bytes;
    let api = Api { gateway };
    let document = Arc::new(openapi());
    let declared = Arc::new(Declared::of(&document));
    let (resources, _) = resources().split_for_parts();
    let resources = resources
        .route_layer(from_fn(idempotency::once))
        .route_layer(from_fn_with_state(declared, description::declared_only))
        .route_layer(from_fn_with_state(api.clone(), authentication::authenticate))
        .with_state(api);
    let below = Router::new()
        .nest("/v1", resources)
        .route("/openapi.json", get(move || async move { Json(document) }))
        .fallback(request::nowhere)
        .method_not_allowed_fallback(request::other_method)
        .layer(DefaultBodyLimit::max(body_max))
        .layer(from_fn_with_state(longest, request::accompany));
    Router::new().nest("/api", below).merge(docs::router())
}
