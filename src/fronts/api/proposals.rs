//! `…/proposals`: entries that may be someone known already, for a person to decide.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::sync::proposals;
use crate::store::establishment::proposal::{Filter, Proposal, ProposalState};
use crate::types::id::ProposalId;

/// What a list of proposals may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the person's names.
    q: Option<String>,
    /// The source's name.
    source: Option<String>,
    /// Exact state.
    #[param(inline)]
    state: Option<ProposalState>,
}

/// Lists what runs propose, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/proposals", operation_id = "list_proposals", tag = "proposals", params(Of, Wanted),
    responses((status = 200, body = Listing<Proposal>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Proposal>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let filter = Filter { source: wanted.source, state: named(wanted.state.as_ref()) };
    Ok(Json(proposals::list(&ctx, &page, &filter).await?.into()))
}

/// Shows one proposal.
#[utoipa::path(get, path = "/establishments/{slug}/proposals/{id}", operation_id = "show_proposal", tag = "proposals", params(OneOf),
    responses((status = 200, body = Proposal), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<ProposalId>) -> Result<Versioned<Proposal>, Problem> {
    Ok(Versioned(proposals::show(&ctx, id).await?))
}

/// Says that they are one person: the entry is theirs at once.
#[utoipa::path(post, path = "/establishments/{slug}/proposals/{id}/accept", operation_id = "accept_proposal", tag = "proposals", params(OneOf),
    responses((status = 200, body = Proposal), Refusals))]
pub async fn accept(Here(ctx): Here, Key(id): Key<ProposalId>) -> Result<Json<Proposal>, Problem> {
    Ok(Json(proposals::accept(&ctx, id).await?))
}

/// Says that they are two: it is not proposed again, and the next run makes someone of the entry.
#[utoipa::path(post, path = "/establishments/{slug}/proposals/{id}/reject", operation_id = "reject_proposal", tag = "proposals", params(OneOf),
    responses((status = 200, body = Proposal), Refusals))]
pub async fn reject(Here(ctx): Here, Key(id): Key<ProposalId>) -> Result<Json<Proposal>, Problem> {
    Ok(Json(proposals::reject(&ctx, id).await?))
}
