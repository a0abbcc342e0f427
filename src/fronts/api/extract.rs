//! What handlers take from a request besides body and query: where, who and which one.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use utoipa::IntoParams;

use crate::fronts::http::problem::Problem;
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::store::establishment::client::Client;

/// The context that authentication opened: in the establishment of the path, or on the platform where the path names none.
#[derive(Debug)]
pub struct Here(pub Context);

impl<S: Send + Sync> FromRequestParts<S> for Here {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let opened = parts.extensions.get::<Context>().cloned();
        opened.map(Self).ok_or_else(|| Problem::internal("a route of the API was reached without authentication"))
    }
}

/// The same on the platform.
#[derive(Debug)]
pub struct OnPlatform(pub PlatformContext);

impl<S: Send + Sync> FromRequestParts<S> for OnPlatform {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Here(ctx) = Here::from_request_parts(parts, state).await?;
        Ok(Self(PlatformContext::from_context(ctx)?))
    }
}

/// The client that asks for its own application, where that is taken instead of a token.
#[derive(Clone, Debug)]
pub struct Asking(pub Option<Client>);

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or(Self(None)))
    }
}

/// The last part of the path that stands for one thing.
#[derive(Debug)]
pub struct Key<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Key<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|rejected| Problem::malformed(rejected.body_text(), Vec::new()))?;
        let last = params.iter().last().map(|(_, value)| value.to_owned()).unwrap_or_default();
        // What is not the form of a key is the key of nothing.
        last.parse().map(Self).map_err(|_| Error::not_found(format!("thing as «{last}»")).into())
    }
}

/// Path parameters of a collection in an establishment, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct Of {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
}

/// Path parameters of one thing with a UUID in an establishment, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct OneOf {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
    /// The thing's identifier.
    #[param(value_type = String, format = Uuid)]
    id: String,
}

/// Path parameters of one thing with a name in an establishment, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct NamedOf {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
    /// The thing's name.
    name: String,
}

/// A value of a closed set as the store's filters have it: by its name.
pub fn named(value: Option<&impl serde::Serialize>) -> Option<String> {
    value.and_then(|v| serde_json::to_value(v).ok()).and_then(|v| v.as_str().map(str::to_owned))
}
