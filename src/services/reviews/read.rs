//! Reading reviews: all of them for whoever reads in the establishment, and to each reviewer what was laid before them.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::laid;
use super::reviewer;
use super::seat::{Seat, kept_by};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::campaign::{self, Campaign, CampaignState};
use crate::store::establishment::review_item::{self, Filter, Progress, ReviewItem};
use crate::types::id::CampaignId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// A review with how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Review {
    /// The review.
    #[serde(flatten)]
    pub campaign: Campaign,
    /// How far it is.
    pub progress: Progress,
}

/// A page of reviews, oldest first. Whoever may not read in the establishment is shown those that go on of which something was laid before them.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &campaign::Filter) -> Result<Page<Review>, Error> {
    if !ctx.actor.may(Permission::Read) {
        return laid::list(ctx, page, filter).await;
    }
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let Page { items, next_cursor, total } = campaign::list(&mut tx, page, filter).await?;
    let mut reviews = Vec::with_capacity(items.len());
    for campaign in items {
        let progress = review_item::progress(&mut tx, campaign.id, None).await?;
        reviews.push(Review { campaign, progress });
    }
    Ok(Page { items: reviews, next_cursor, total })
}

/// One review, by key or name.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: &str) -> Result<Review, Error> {
    if !ctx.actor.may(Permission::Read) {
        return laid::get(ctx, id).await;
    }
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let campaign = named_in(&mut tx, id).await?;
    let progress = review_item::progress(&mut tx, campaign.id, None).await?;
    Ok(Review { campaign, progress })
}

/// A review by key or name.
pub(super) async fn named_in(tx: &mut Tx, id: &str) -> Result<Campaign, Error> {
    let found = match id.parse::<CampaignId>() {
        Ok(id) => campaign::find(tx, id).await?,
        Err(_) => campaign::find_by_name(tx, id).await?,
    };
    found.ok_or_else(|| Error::not_found("review"))
}

/// A page of what a review looks at: to whoever may not read in the establishment, of what was laid before them.
///
/// # Errors
/// `NotFound`.
pub async fn items(ctx: &Context, id: CampaignId, page: &PageRequest, filter: &Filter) -> Result<Page<ReviewItem>, Error> {
    if !ctx.actor.may(Permission::Read) {
        return laid::items(ctx, id, page, filter).await;
    }
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    campaign::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("review"))?;
    Ok(review_item::list(&mut tx, id, page, filter).await?)
}

/// One review, as far as it was laid before one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The review.
    pub campaign: Campaign,
    /// How far their part is.
    pub progress: Progress,
}

/// A role that was laid before someone, by the names that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnItem {
    /// The item.
    pub item: ReviewItem,
    /// The application's title.
    pub application: String,
    /// The role's title.
    pub role: String,
}

/// The open reviews that were laid before whoever asks, the first due first.
///
/// # Errors
/// `Unauthenticated` for anyone but a person.
pub async fn own(ctx: &Context) -> Result<Vec<Own>, Error> {
    let reviewer = reviewer(ctx)?;
    let mut tx = ctx.store.read().await?;
    let seat = Seat::of_in(&mut tx, ctx, reviewer).await?;
    let mut found = Vec::new();
    for campaign in campaign::list_open_of(&mut tx, reviewer).await?.into_iter().filter(|campaign| seat.is_in(campaign)) {
        let progress = review_item::progress(&mut tx, campaign.id, Some(reviewer)).await?;
        found.push(Own { campaign, progress });
    }
    Ok(found)
}

/// A page of what one review laid before whoever asks, of all of it or of what is still to be decided.
///
/// # Errors
/// `Unauthenticated` for anyone but a person; `NotFound` also for a review of which nothing was laid before them, and for one that has ended.
pub async fn own_items(ctx: &Context, id: CampaignId, page: &PageRequest, decided: Option<bool>) -> Result<(Own, Page<OwnItem>), Error> {
    let reviewer = reviewer(ctx)?;
    let mut tx = ctx.store.read().await?;
    let seat = Seat::of_in(&mut tx, ctx, reviewer).await?;
    let open = campaign::find(&mut tx, id).await?.filter(|campaign| campaign.state == CampaignState::Open && seat.is_in(campaign));
    let campaign = open.ok_or_else(|| Error::not_found("review"))?;
    let progress = review_item::progress(&mut tx, id, Some(reviewer)).await?;
    if progress.items == 0 {
        return Err(Error::not_found("review"));
    }
    let filter = Filter { reviewer: Some(reviewer), decided, ..Filter::default() };
    let mut listed = review_item::list(&mut tx, id, page, &filter).await?;
    // What is not theirs any more is shown to them no more, though it is counted until it is laid before somebody else.
    listed.items = kept_by(&mut tx, &seat, &campaign, listed.items, true).await?;
    let applications = application::list(&mut tx).await?;
    Ok((Own { campaign, progress }, listed.map(|item| titled(&applications, item))))
}

fn titled(applications: &[Application], item: ReviewItem) -> OwnItem {
    let known = applications.iter().find(|a| a.name == item.application);
    let role = known.and_then(|a| a.roles.iter().find(|role| role.name == item.role));
    let or_name =
        |title: Option<&String>, name: &str| title.filter(|title| !title.is_empty()).map_or_else(|| name.to_owned(), String::clone);
    let (application, role) = (or_name(known.map(|a| &a.title), &item.application), or_name(role.map(|role| &role.title), &item.role));
    OwnItem { item, application, role }
}
