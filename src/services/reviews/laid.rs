//! Reviews as those read them by the API to whom something was delegated: what was laid before them, and nothing else.

use super::super::context::Context;
use super::super::error::Error;
use super::read::{Review, named_in};
use super::seat::{Seat, kept_by};
use crate::store::Tx;
use crate::store::establishment::campaign::{self, Campaign, CampaignState};
use crate::store::establishment::review_item::{self, Filter, ReviewItem};
use crate::types::fold;
use crate::types::id::{CampaignId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// A page of the reviews that go on, oldest first.
pub(super) async fn list(ctx: &Context, page: &PageRequest, filter: &campaign::Filter) -> Result<Page<Review>, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let Some(reviewer) = ctx.actor.person() else { return Ok(Page { items: Vec::new(), next_cursor: None, total: 0 }) };
    let mut tx = ctx.store.read().await?;
    let seat = Seat::of_in(&mut tx, ctx, reviewer).await?;
    let wanted = |one: &Campaign| {
        let words = page.query.as_ref().is_none_or(|words| fold(&format!("{} {}", one.name, one.title)).contains(words));
        let state = filter.state.as_ref().is_none_or(|state| state == "open");
        words && state && seat.is_in(one) && filter.name.as_ref().is_none_or(|name| *name == one.name)
    };
    let mut laid: Vec<Campaign> = campaign::list_open_of(&mut tx, reviewer).await?.into_iter().filter(wanted).collect();
    laid.sort_unstable_by_key(|one| one.id);
    let total = i64::try_from(laid.len()).unwrap_or(i64::MAX);
    laid.retain(|one| page.after.is_none_or(|after| one.id.uuid() > after));
    let Page { items, next_cursor, .. } = Page::cut(laid, page.limit, total, |one: &Campaign| one.id.uuid());
    let mut reviews = Vec::with_capacity(items.len());
    for campaign in items {
        let progress = review_item::progress(&mut tx, campaign.id, Some(reviewer)).await?;
        reviews.push(Review { campaign, progress });
    }
    Ok(Page { items: reviews, next_cursor, total })
}

/// One review, by key or name, with how far their part is.
///
/// # Errors
/// `NotFound`, also for a review of which nothing was laid before them, and for one that has ended.
pub(super) async fn get(ctx: &Context, id: &str) -> Result<Review, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let mut tx = ctx.store.read().await?;
    let campaign = named_in(&mut tx, id).await?;
    Ok(theirs_in(&mut tx, ctx, campaign).await?.1)
}

/// A page of what it laid before them.
///
/// # Errors
/// As for [`get`].
pub(super) async fn items(ctx: &Context, id: CampaignId, page: &PageRequest, filter: &Filter) -> Result<Page<ReviewItem>, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let mut tx = ctx.store.read().await?;
    let campaign = campaign::find(&mut tx, id).await?.ok_or_else(gone)?;
    let (reviewer, Review { campaign, .. }) = theirs_in(&mut tx, ctx, campaign).await?;
    if filter.reviewer.is_some_and(|wanted| wanted != reviewer) {
        return Ok(Page { items: Vec::new(), next_cursor: None, total: 0 });
    }
    let filter = Filter { reviewer: Some(reviewer), ..filter.clone() };
    let seat = Seat::of_in(&mut tx, ctx, reviewer).await?;
    let mut listed = review_item::list(&mut tx, id, page, &filter).await?;
    listed.items = kept_by(&mut tx, &seat, &campaign, listed.items, true).await?;
    Ok(listed)
}

async fn theirs_in(tx: &mut Tx, ctx: &Context, campaign: Campaign) -> Result<(UserId, Review), Error> {
    let reviewer = ctx.actor.person().ok_or_else(gone)?;
    let seat = Seat::of_in(tx, ctx, reviewer).await?;
    let progress = review_item::progress(tx, campaign.id, Some(reviewer)).await?;
    if campaign.state != CampaignState::Open || progress.items == 0 || !seat.is_in(&campaign) {
        return Err(gone());
    }
    Ok((reviewer, Review { campaign, progress }))
}

fn gone() -> Error {
    Error::not_found("review")
}
