//! Reviews: whether people are to keep what they hold (OME-51, OME-52). A review is a picture of roles on one day; each is kept or withdrawn by
//! whoever was asked, with a reason. What is withdrawn ends, or rules give it no more; what was decided stays written.

mod begin;
mod decide;
mod invite;
mod laid;
mod read;
mod seat;

pub use begin::{NewCampaign, create};
pub use decide::{DECISIONS_MAX, Verdict, decide, decide_own};
pub use invite::{plan, remind, remind_when_due};
pub use read::{Own, OwnItem, Review, get, items, list, own, own_items};

use super::audit;
use super::context::{Actor, Context};
use super::error::Error;
use crate::store::Tx;
use crate::store::establishment::campaign::{self, Campaign, CampaignState};
use crate::store::establishment::review_item;
use crate::types::id::{CampaignId, UserId};
use crate::types::permission::Permission;

/// Ends a review. What was decided stays as it is, and what was not is listed as such.
///
/// # Errors
/// `NotFound`; `Conflict` when it has ended already.
pub async fn close(ctx: &Context, id: CampaignId) -> Result<Review, Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.begin().await?;
    let mut closed = open_in(&mut tx, id).await?;
    closed.state = CampaignState::Closed;
    closed.closed_at = Some(ctx.now);
    campaign::update(&mut tx, &closed).await?;
    let progress = review_item::progress(&mut tx, id, None).await?;
    audit::record_in(
        &mut tx,
        ctx,
        "review.closed",
        ("review", &id.to_string()),
        serde_json::json!({ "name": closed.name, "progress": progress }),
    )
    .await?;
    tx.commit().await?;
    Ok(Review { campaign: closed, progress })
}

/// A review that goes on.
async fn open_in(tx: &mut Tx, id: CampaignId) -> Result<Campaign, Error> {
    let found = campaign::find(tx, id).await?.ok_or_else(|| Error::not_found("review"))?;
    match found.state {
        CampaignState::Open => Ok(found),
        CampaignState::Closed => Err(Error::Conflict(format!("the review «{}» has ended: begin another one", found.name))),
    }
}

/// The person who asks for what was laid before them.
fn reviewer(ctx: &Context) -> Result<UserId, Error> {
    match &ctx.actor {
        Actor::User { id, .. } => Ok(*id),
        _ => Err(Error::Unauthenticated),
    }
}
