//! `…/tokens`: API tokens.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::tokens::{self, NewToken};
use crate::store::establishment::api_token::{ApiToken, Filter, TokenKind};
use crate::types::id::TokenId;

/// What a list of tokens may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<TokenKind>,
    /// Exact role.
    scope: Option<String>,
    /// Exact place where the role holds.
    within: Option<String>,
}

/// A new token with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewTokenView {
    /// The token.
    #[serde(flatten)]
    token: ApiToken,
    /// What to send as the bearer; shown once.
    secret: String,
}

/// Lists tokens, without their secrets.
#[utoipa::path(get, path = "/establishments/{slug}/tokens", operation_id = "list_tokens", tag = "tokens", params(Of, Wanted),
    responses((status = 200, body = Listing<ApiToken>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<ApiToken>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let filter = Filter { name: wanted.name, kind: named(wanted.kind.as_ref()), scope: wanted.scope, within: wanted.within };
    Ok(Json(tokens::list(&ctx, &page, &filter).await?.into()))
}

/// Makes a token. Its secret is in the answer, this once.
#[utoipa::path(post, path = "/establishments/{slug}/tokens", operation_id = "create_token", tag = "tokens", params(Of),
    request_body = NewToken, responses((status = 201, body = NewTokenView), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewToken>) -> Result<Created<NewTokenView>, Problem> {
    let (token, secret) = tokens::create(&ctx, &new).await?;
    let location = format!("/api/v1/establishments/{}/tokens/{}", ctx.slug(), token.id);
    // This is the one time the secret is shown: to whoever made it.
    Ok(Created { location, body: NewTokenView { token, secret: secret.expose().to_owned() } })
}

/// Shows one token, without its secret.
#[utoipa::path(get, path = "/establishments/{slug}/tokens/{id}", operation_id = "show_token", tag = "tokens", params(OneOf),
    responses((status = 200, body = ApiToken), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<TokenId>) -> Result<Versioned<ApiToken>, Problem> {
    Ok(Versioned(tokens::get(&ctx, id).await?))
}

/// How a token is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Overlap {
    /// For how many seconds the one before lives on: 0 to 90 days.
    overlap_s: i64,
}

/// Makes another token that does the same, and lets the one before live on for a while. The new secret is in the answer, this once.
#[utoipa::path(post, path = "/establishments/{slug}/tokens/{id}/rotate", operation_id = "rotate_token", tag = "tokens", params(OneOf),
    request_body = Overlap, responses((status = 201, body = NewTokenView), Refusals))]
pub async fn rotate(Here(ctx): Here, Key(id): Key<TokenId>, Body(overlap): Body<Overlap>) -> Result<Created<NewTokenView>, Problem> {
    let (token, secret) = tokens::rotate(&ctx, id, overlap.overlap_s).await?;
    let location = format!("/api/v1/establishments/{}/tokens/{}", ctx.slug(), token.id);
    // This is the one time the secret is shown: to whoever made it.
    Ok(Created { location, body: NewTokenView { token, secret: secret.expose().to_owned() } })
}

/// Revokes a token: it opens nothing from now on.
#[utoipa::path(delete, path = "/establishments/{slug}/tokens/{id}", operation_id = "revoke_token", tag = "tokens", params(OneOf),
    responses((status = 204), Refusals))]
pub async fn revoke(Here(ctx): Here, Key(id): Key<TokenId>) -> Result<StatusCode, Problem> {
    tokens::revoke(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
