//! Pages for people, and the addresses that browsers are sent to: sign-in, consent, sign-out, invitations, reviews,
//! the choice of an establishment.

mod answer;
mod authorize;
mod choice;
mod consent;
mod cookies;
pub mod csp;
pub mod error_page;
mod invitation;
mod login;
mod logout;
pub mod pages;
mod review_rows;
mod reviews;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::services::context::Gateway;
use answer::Answer;
use error_page::Problem;
use visit::Visit;

/// Largest form read: a name and a password.
const FORM_MAX_BYTES: usize = 64 * 1024;

/// The pages of one issuer.
pub fn issuer_routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/login", get(login::show).post(login::submit))
        .route("/consent", get(consent::show).post(consent::submit))
        .route("/logout", get(logout::get).post(logout::post))
        .route("/reviews", get(reviews::list))
        .route("/reviews/{id}", get(reviews::show).post(reviews::submit))
        .route("/invitation/saved", get(invitation::saved))
        .route("/invitation/{token}", get(invitation::show).post(invitation::submit))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

/// The pages at the root.
pub fn root_routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/", get(choice::show))
        .route("/e/{slug}", get(login::home))
        .route("/e/{slug}/", get(login::home))
        .route("/accessibility", get(accessibility))
        .route(pages::STYLESHEET_PATH, get(stylesheet))
        .route(pages::ICON_PATH, get(icon))
}

/// Whatever is not there.
pub async fn not_found(visit: Visit) -> Response {
    let answer = Answer::problem(&visit, Problem::NotFound);
    visit.respond(Ok(answer))
}

async fn accessibility(visit: Visit) -> Response {
    let page = pages::AccessibilityPage { chrome: visit.chrome() };
    visit.respond(Ok(Answer::page(&page)))
}

/// The address carries the sheet's hash, so it may be kept for a year.
async fn stylesheet() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=31536000, immutable")], pages::STYLESHEET)
}

async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "public, max-age=86400")], pages::ICON)
}
