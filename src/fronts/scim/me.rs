//! `/Me` (RFC 7644 §3.11): people read their own resource with an access token. A feed is nobody, and people change nothing here.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::{self, Refusal, Shown};
use super::caller::Bearing;
use super::conditions::Conditions;
use super::query::Wanted;
use crate::services::scim::error::ScimError;
use crate::services::scim::me;
use crate::services::scim::schema::Kind;
use crate::services::scim::versions::tag;
use crate::services::tokens;

/// `GET /Me`.
pub(super) async fn read(bearing: Bearing, wanted: Wanted, conditions: Conditions) -> Result<Response, Refusal> {
    let found = person(&bearing).await?;
    let version = tag(found.rev);
    if conditions.none_matching.is_some_and(|known| known.name(&version)) {
        return Ok(answer::unchanged(&version));
    }
    let resource = wanted.projection(Kind::User).apply(Kind::User, &found.resource);
    Ok(Shown { status: StatusCode::OK, resource, version, location: found.location }.into_response())
}

/// Any other method of `/Me`: whoever asks is known first.
pub(super) async fn refuse(bearing: Bearing) -> Result<Response, Refusal> {
    person(&bearing).await?;
    Err(ScimError::new(501, "people change nothing about themselves here: their account is kept by its source").into())
}

async fn person(bearing: &Bearing) -> Result<me::Me, Refusal> {
    let token = bearing.token.as_ref().ok_or_else(Refusal::no_token)?;
    if token.expose().starts_with(tokens::PREFIX) {
        bearing.feed().await?;
        return Err(ScimError::new(501, "a feed is no person: /Me is for people, with an access token").into());
    }
    match me::read(&bearing.ctx, token.expose()).await? {
        Some(found) => Ok(found),
        None => Err(bearing.refused().await),
    }
}
