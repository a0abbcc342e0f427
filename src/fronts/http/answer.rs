//! Answers that more than one resource gives.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::services::links::Link;
use crate::types::time::Timestamp;

/// 201 with the address of what was made. Such answers may hold a secret that is shown once, so nobody stores them.
#[derive(Debug)]
pub struct Created<T> {
    /// Where the thing is.
    pub location: String,
    /// What is shown of it.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let headers = [(LOCATION, self.location), (CACHE_CONTROL, "no-store".to_owned())];
        (StatusCode::CREATED, headers, Json(self.body)).into_response()
    }
}

/// 202 with the address of work that goes on by itself.
#[derive(Debug)]
pub struct Accepted<T> {
    /// Where its progress is.
    pub location: String,
    /// What is shown of it.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, [(LOCATION, self.location)], Json(self.body)).into_response()
    }
}

/// 200 with something that nobody stores on the way.
#[derive(Debug)]
pub struct Secretive<T>(pub T);

impl<T: Serialize> IntoResponse for Secretive<T> {
    fn into_response(self) -> Response {
        ([(CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}

/// A one-time link, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// The address to open.
    pub url: String,
    /// End of its life.
    pub expires_at: Timestamp,
}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        // This is the one time the link is shown: to whoever asked for it.
        Self { url: link.url.expose().to_owned(), expires_at: link.expires_at }
    }
}
