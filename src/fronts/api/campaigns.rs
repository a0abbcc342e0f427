//! `…/campaigns`: reviews of what people hold, their decisions and their results.

use axum::Json;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::reviews::{self, NewCampaign, Review, Verdict};
use crate::store::establishment::campaign::{self, CampaignState};
use crate::store::establishment::review_item::{Decision, Filter, ReviewItem};
use crate::types::id::{CampaignId, UserId};

/// What a list of reviews may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in name and title.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// Exact state.
    #[param(inline)]
    state: Option<CampaignState>,
}

/// What a list of a review's items may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedItems {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the person's names.
    q: Option<String>,
    /// Who decides.
    reviewer: Option<UserId>,
    /// The person.
    user: Option<UserId>,
    /// The application's name.
    application: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Exact scope.
    scope: Option<String>,
    /// Exact decision.
    #[param(inline)]
    decision: Option<Decision>,
    /// Whether it was decided.
    decided: Option<bool>,
}

/// Decisions on some roles of a review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// One a role, at most 500.
    decisions: Vec<Verdict>,
}

/// The roles as they were decided.
#[derive(Debug, serde::Serialize, ToSchema)]
pub struct Decided {
    /// In the order of people.
    items: Vec<ReviewItem>,
}

/// Lists reviews, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/campaigns", operation_id = "list_campaigns", tag = "reviews", params(Of, Wanted),
    responses((status = 200, body = Listing<Review>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Review>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let filter = campaign::Filter { name: wanted.name, state: named(wanted.state.as_ref()) };
    Ok(Json(reviews::list(&ctx, &page, &filter).await?.into()))
}

/// Begins a review, and writes to whoever is to decide.
#[utoipa::path(post, path = "/establishments/{slug}/campaigns", operation_id = "create_campaign", tag = "reviews", params(Of),
    request_body = NewCampaign, responses((status = 201, body = Review), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewCampaign>) -> Result<Created<Review>, Problem> {
    let made = reviews::create(&ctx, &new).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/campaigns/{}", ctx.slug(), made.campaign.id), body: made })
}

/// Shows one review and how far it is.
#[utoipa::path(get, path = "/establishments/{slug}/campaigns/{id}", operation_id = "show_campaign", tag = "reviews", params(OneOf),
    responses((status = 200, body = Review), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<CampaignId>) -> Result<Versioned<Review>, Problem> {
    Ok(Versioned(reviews::get(&ctx, &id.to_string()).await?))
}

/// Lists what a review looks at, with what was decided.
#[utoipa::path(get, path = "/establishments/{slug}/campaigns/{id}/items", operation_id = "list_campaign_items", tag = "reviews",
    params(OneOf, WantedItems), responses((status = 200, body = Listing<ReviewItem>), Refusals))]
pub async fn items(
    Here(ctx): Here,
    Key(id): Key<CampaignId>,
    Query(wanted): Query<WantedItems>,
) -> Result<Json<Listing<ReviewItem>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let WantedItems { reviewer, user, application, role, scope, decision, decided, .. } = wanted;
    let filter = Filter { reviewer, user, application, role, scope, decision: named(decision.as_ref()), decided };
    Ok(Json(reviews::items(&ctx, id, &page, &filter).await?.into()))
}

/// Decides on roles of a review: those kept stay, those withdrawn end or are excluded. All of them or none.
#[utoipa::path(post, path = "/establishments/{slug}/campaigns/{id}/decide", operation_id = "decide_campaign_items", tag = "reviews",
    params(OneOf), request_body = Decisions, responses((status = 200, body = Decided), Refusals))]
pub async fn decide(Here(ctx): Here, Key(id): Key<CampaignId>, Body(decisions): Body<Decisions>) -> Result<Json<Decided>, Problem> {
    Ok(Json(Decided { items: reviews::decide(&ctx, id, &decisions.decisions).await? }))
}

/// Writes to whoever has still to decide.
#[utoipa::path(post, path = "/establishments/{slug}/campaigns/{id}/remind", operation_id = "remind_campaign", tag = "reviews",
    params(OneOf), responses((status = 200, body = Review), Refusals))]
pub async fn remind(Here(ctx): Here, Key(id): Key<CampaignId>) -> Result<Json<Review>, Problem> {
    Ok(Json(reviews::remind(&ctx, id).await?))
}

/// Ends a review: its result stays as it is.
#[utoipa::path(post, path = "/establishments/{slug}/campaigns/{id}/close", operation_id = "close_campaign", tag = "reviews",
    params(OneOf), responses((status = 200, body = Review), Refusals))]
pub async fn close(Here(ctx): Here, Key(id): Key<CampaignId>) -> Result<Json<Review>, Problem> {
    Ok(Json(reviews::close(&ctx, id).await?))
}
