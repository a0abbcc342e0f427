//! Query strings: read into a struct that knows every parameter, so that a mistyped one is told and not passed over.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::problem::{FieldError, Problem};
use crate::types::page::PageRequest;

/// Parameters of a query string. The struct refuses unknown fields.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let raw = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(raw.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let field = error.path().to_string();
            let message = error.inner().to_string();
            Problem::malformed(format!("the query parameter {field}: {message}"), vec![FieldError { field, message }])
        })
    }
}

/// Whether an operation is only tried.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// Answers what would happen, with 200, and writes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The page that a query asks for.
///
/// # Errors
/// A 400 that names the parameter.
pub fn page(limit: Option<i64>, cursor: Option<&str>, q: Option<&str>) -> Result<PageRequest, Problem> {
    PageRequest::parse(limit, cursor, q)
        .map_err(|wrong| Problem::malformed(format!("the query parameter {}: {}", wrong.field, wrong.message), vec![wrong.into()]))
}

/// The place that a cursor of rows without keys of their own names: a number, and nothing else is accepted.
///
/// # Errors
/// A 400 that names the parameter.
pub fn place(cursor: Option<&str>) -> Result<i64, Problem> {
    let message = "this cursor was not given by a list: start again without one";
    let parsed = cursor.filter(|cursor| !cursor.is_empty()).map_or(Ok(0), str::parse::<i64>);
    parsed
        .ok()
        .filter(|place| *place >= 0)
        .ok_or_else(|| Problem::malformed(message.to_owned(), vec![FieldError { field: "cursor".to_owned(), message: message.to_owned() }]))
}
