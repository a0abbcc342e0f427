//! Whether whoever a review asked may still decide: on a role of the gateway only while they hold it themselves, and in the place of a unit's
//! administrators only while they are one. Decides nothing on roles.

use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::roles::{gateway_roles_in, may_take_from};
use crate::store::Tx;
use crate::store::establishment::campaign::Campaign;
use crate::store::establishment::review_item::{self, Filter, ReviewItem};
use crate::store::establishment::user::{self, User};
use crate::types::id::{ReviewItemId, UserId};
use crate::types::page::PageRequest;
use crate::types::permission::{APPLICATION, Extent, GatewayRole};

/// Items looked at in one step.
const STEP: i64 = 500;

/// A reviewer with the roles of the gateway that they hold now.
#[derive(Debug)]
pub(super) struct Seat {
    reviewer: UserId,
    acting: Context,
}

impl Seat {
    /// Reads what they hold.
    pub(super) async fn of_in(tx: &mut Tx, ctx: &Context, reviewer: UserId) -> Result<Self, Error> {
        let roles = match user::find(tx, reviewer).await? {
            Some(person) => gateway_roles_in(tx, ctx, &person).await?,
            None => Vec::new(),
        };
        Ok(Self { reviewer, acting: Context { actor: Actor::User { id: reviewer, roles }, ..ctx.clone() } })
    }

    /// Whether the review names them, and does not ask them for a unit's sake.
    fn is_named(&self, campaign: &Campaign) -> bool {
        campaign.extent.reviewers.contains(&self.reviewer)
    }

    /// Whether anything of a review can be theirs to decide.
    pub(super) fn is_in(&self, campaign: &Campaign) -> bool {
        self.is_named(campaign) || self.acting.actor.held().iter().any(|held| held.role == GatewayRole::UnitAdministrator)
    }

    /// Whether they could take a role of the gateway away from someone themselves.
    pub(super) fn takes(&self, person: &User, role: &str, scope: &str) -> bool {
        may_take_from(&self.acting, person, role, scope).is_ok()
    }

    /// Whether a role of someone is theirs to decide.
    pub(super) fn decides(&self, campaign: &Campaign, person: &User, item: &ReviewItem) -> bool {
        if item.application == APPLICATION {
            return self.is_named(campaign) && self.takes(person, &item.role, &item.scope);
        }
        self.is_named(campaign) || self.administers(person)
    }

    /// The same when they come to decide.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) async fn require_in(&self, tx: &mut Tx, campaign: &Campaign, item: &ReviewItem) -> Result<(), Error> {
        let person = user::get(tx, item.user_id).await?;
        if self.decides(campaign, &person, item) {
            return Ok(());
        }
        let why = if item.application == APPLICATION {
            format!("only whoever holds the role «{}» of {APPLICATION} decides on it", item.role)
        } else {
            format!("you do not administer the unit of {} any more", item.username)
        };
        Err(Error::Forbidden(format!("{why}: leave it to an administrator")))
    }

    fn administers(&self, person: &User) -> bool {
        let reaches = |extent: &Extent| match extent {
            Extent::Unit { all, .. } => person.home_unit.as_ref().is_some_and(|home| all.contains(home)),
            Extent::Everywhere | Extent::Application(_) | Extent::Service { .. } => false,
        };
        self.acting.actor.held().iter().any(|held| held.role == GatewayRole::UnitAdministrator && reaches(&held.extent))
    }
}

/// Takes from reviewers what is not theirs to decide any more: it waits for an administrator, who sees it as without a reviewer. Says how much.
pub(super) async fn release_in(tx: &mut Tx, ctx: &Context, campaign: &Campaign) -> Result<u64, Error> {
    let mut released = 0;
    for (reviewer, _) in review_item::list_waiting(tx, campaign.id).await? {
        let seat = Seat::of_in(tx, ctx, reviewer).await?;
        let lost = lost_in(tx, &seat, campaign).await?;
        review_item::release(tx, &lost).await?;
        released += lost.len() as u64;
    }
    Ok(released)
}

async fn lost_in(tx: &mut Tx, seat: &Seat, campaign: &Campaign) -> Result<Vec<ReviewItemId>, Error> {
    let filter = Filter { reviewer: Some(seat.reviewer), decided: Some(false), ..Filter::default() };
    let (mut gone, mut after) = (Vec::new(), None);
    loop {
        let page = PageRequest { after, ..PageRequest::first(STEP) };
        let items = review_item::list(tx, campaign.id, &page, &filter).await?.items;
        let Some(last) = items.last() else { return Ok(gone) };
        after = Some(last.id.uuid());
        gone.extend(kept_by(tx, seat, campaign, items, false).await?.into_iter().map(|item| item.id));
    }
}

/// Of a reviewer's items those that are theirs to decide, or those that are not.
pub(super) async fn kept_by(
    tx: &mut Tx,
    seat: &Seat,
    campaign: &Campaign,
    mut items: Vec<ReviewItem>,
    theirs: bool,
) -> Result<Vec<ReviewItem>, Error> {
    let mut keys: Vec<UserId> = items.iter().map(|item| item.user_id).collect();
    keys.sort_unstable();
    keys.dedup();
    let people = user::list_by_ids(tx, &keys).await?;
    let decides = |item: &ReviewItem| {
        people.iter().find(|person| person.id == item.user_id).is_some_and(|person| seat.decides(campaign, person, item))
    };
    items.retain(|item| decides(item) == theirs);
    Ok(items)
}
