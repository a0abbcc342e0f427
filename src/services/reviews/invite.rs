//! Letters to reviewers: when a review begins, halfway, and two days before it is due; and its end when that day is over. Decides nothing.

use serde_json::json;

use super::super::audit;
use super::super::context::{Context, Gateway};
use super::super::error::Error;
use super::super::mail::{self, Letter, Recipient, ReviewWaits};
use super::super::outbox::{self, Announced};
use super::read::Review;
use super::seat;
use super::{close, open_in};
use crate::store::establishment::campaign::{self, Campaign, CampaignState, Filter};
use crate::store::establishment::review_item;
use crate::store::establishment::user::{self, UserStatus};
use crate::store::registry::job::{self, Kind};
use crate::store::{Store, Tx};
use crate::types::id::{CampaignId, UserId};
use crate::types::page::PageRequest;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// How long before a review is due its reviewers are reminded the last time, in seconds: two days.
const LAST_S: i64 = 2 * 24 * 3600;

/// How long lies between two letters that somebody has sent, in seconds: a day.
const BETWEEN_S: i64 = 24 * 3600;

/// When reviewers are reminded: halfway, and two days before, where there is that much time.
fn reminders(campaign: &Campaign) -> Vec<Timestamp> {
    let length_s = campaign.due_at.seconds() - campaign.created_at.seconds();
    let mut instants = vec![campaign.created_at.plus_s(length_s / 2), campaign.due_at.plus_s(-LAST_S)];
    instants.retain(|at| *at > campaign.created_at && *at < campaign.due_at);
    instants.sort_unstable();
    instants.dedup();
    instants
}

/// The first reminder that has not been sent, whether it is due or not.
fn next_reminder(campaign: &Campaign) -> Option<Timestamp> {
    reminders(campaign).into_iter().find(|at| campaign.reminded_at.is_none_or(|reminded| *at > reminded))
}

/// Letters and reminders of a review, announced before its transaction.
#[derive(Debug)]
pub(super) struct Invitations(Option<Announced>);

impl Invitations {
    /// Announces them.
    ///
    /// # Errors
    /// When the registry cannot be written.
    pub(super) async fn announce(ctx: &Context) -> Result<Self, Error> {
        let sends = ctx.gateway.mailer.is_configured();
        Ok(Self(if sends { Some(outbox::announce(ctx).await?) } else { None }))
    }

    /// Writes a letter to whoever has still to decide. Says how many.
    pub(super) async fn write_in(&self, tx: &mut Tx, ctx: &Context, campaign: &Campaign, again: bool) -> Result<u64, Error> {
        if self.0.is_none() {
            return Ok(0);
        }
        let waiting = review_item::list_waiting(tx, campaign.id).await?;
        let keys: Vec<UserId> = waiting.iter().map(|(id, _)| *id).collect();
        let people = user::list_by_ids(tx, &keys).await?;
        let mut written = 0;
        for person in people.iter().filter(|person| person.status == UserStatus::Active) {
            let count = waiting.iter().find(|(id, _)| *id == person.id).map_or(0, |(_, count)| *count);
            let Some(recipient) = Recipient::of(person) else { continue };
            let letter = Letter::ReviewWaits(Box::new(ReviewWaits {
                establishment: ctx.establishment.name.clone(),
                title: campaign.title.clone(),
                count: u64::try_from(count).unwrap_or_default(),
                due_at: campaign.due_at,
                url: format!("{}/reviews/{}", ctx.issuer(), campaign.id),
                again,
            }));
            match mail::write_in(tx, ctx, &recipient, &letter, None).await {
                Ok(_) => written += 1,
                Err(Error::Invalid(_)) => tracing::info!(user.id = %person.id, "a reviewer's address takes no letter"),
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Has the letters sent, after the commit.
    pub(super) async fn hurry(self, ctx: &Context) {
        if let Some(announced) = self.0 {
            announced.hurry(ctx).await;
        }
    }
}

/// Has reminders of a new review come. Should that fail, the next sweep asks for them.
pub(super) async fn begin(ctx: &Context, campaign: &Campaign) {
    if let Err(error) = ask(&ctx.gateway, ctx.slug(), campaign).await {
        tracing::warn!(establishment = ctx.slug(), %error, "a review's reminders are asked for by the next sweep");
    }
}

async fn ask(gateway: &Gateway, slug: &str, campaign: &Campaign) -> Result<(), Error> {
    let at = next_reminder(campaign).unwrap_or(campaign.due_at);
    let mut registry = gateway.stores.registry().begin().await?;
    job::ask_about(&mut registry, Kind::Review, (slug, &campaign.id.to_string()), at).await?;
    Ok(registry.commit().await?)
}

/// Has reminders come in an establishment where reviews go on and none are asked for, as after an archive was put back.
///
/// # Errors
/// When a store fails.
pub async fn plan(gateway: &Gateway, slug: &str, store: &Store) -> Result<(), Error> {
    let filter = Filter { state: Some("open".to_owned()), ..Filter::default() };
    let open = campaign::list(&mut store.read().await?, &PageRequest::first(500), &filter).await?.items;
    for campaign in &open {
        let known = job::find(&mut gateway.stores.registry().read().await?, Kind::Review, slug, &campaign.id.to_string()).await?;
        if known.is_none() {
            ask(gateway, slug, campaign).await?;
        }
    }
    Ok(())
}

/// Reminds whoever has still to decide, now.
///
/// # Errors
/// `NotFound`; `Conflict` when the review has ended, and where no server takes mail; `TooMany` within a day after the last letter.
pub async fn remind(ctx: &Context, id: CampaignId) -> Result<Review, Error> {
    ctx.require(Permission::ManageRoles)?;
    let open = open_in(&mut ctx.store.read().await?, id).await?;
    if !ctx.gateway.mailer.is_configured() {
        return Err(Error::Conflict("no server takes mail: set mail.host and mail.from in the configuration".to_owned()));
    }
    let again_at = open.reminded_at.unwrap_or(open.created_at).max(open.created_at).plus_s(BETWEEN_S);
    if again_at > ctx.now {
        let wait_s = again_at.seconds().saturating_sub(ctx.now.seconds());
        return Err(Error::TooMany { retry_after_s: u32::try_from(wait_s).unwrap_or(u32::MAX) });
    }
    let reminded = send(ctx, id).await?;
    let progress = review_item::progress(&mut ctx.store.read().await?, id, None).await?;
    Ok(Review { campaign: reminded, progress })
}

/// Reminds whoever has still to decide when the time has come, and ends the review when it was due. Answers when to look again; never once the
/// review has ended.
///
/// # Errors
/// When a store fails.
pub async fn remind_when_due(ctx: &Context, subject: &str) -> Result<Option<Timestamp>, Error> {
    let Ok(id) = subject.parse::<CampaignId>() else { return Ok(None) };
    let found = campaign::find(&mut ctx.store.read().await?, id).await?;
    let Some(mut open) = found.filter(|one| one.state == CampaignState::Open) else { return Ok(None) };
    if open.due_at <= ctx.now {
        return match close(ctx, id).await {
            // Somebody ended it in this very moment.
            Ok(_) | Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        };
    }
    if next_reminder(&open).is_some_and(|at| at <= ctx.now) {
        open = match send(ctx, id).await {
            Ok(reminded) => reminded,
            // Somebody ended it meanwhile.
            Err(Error::Conflict(_) | Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
    }
    Ok(next_reminder(&open).or(Some(open.due_at)))
}

async fn send(ctx: &Context, id: CampaignId) -> Result<Campaign, Error> {
    let invitations = Invitations::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut open = open_in(&mut tx, id).await?;
    let released = seat::release_in(&mut tx, ctx, &open).await?;
    let written = invitations.write_in(&mut tx, ctx, &open, true).await?;
    open.reminded_at = Some(ctx.now);
    campaign::update(&mut tx, &open).await?;
    let detail = json!({ "name": open.name, "letters": written, "released": released });
    audit::record_in(&mut tx, ctx, "review.reminded", ("review", &id.to_string()), detail).await?;
    tx.commit().await?;
    invitations.hurry(ctx).await;
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::establishment::campaign::Extent;

    fn lasting(days: i64) -> Campaign {
        Campaign {
            id: CampaignId::new(),
            name: "rentree".to_owned(),
            title: String::new(),
            extent: Extent::default(),
            state: CampaignState::Open,
            due_at: Timestamp::from_seconds(days * 24 * 3600),
            reminded_at: None,
            created_by: "system".to_owned(),
            created_at: Timestamp::default(),
            closed_at: None,
        }
    }

    #[test]
    fn reviewers_are_reminded_halfway_and_two_days_before() {
        let days = |campaign: &Campaign| reminders(campaign).iter().map(|at| at.seconds() / 3600).collect::<Vec<_>>();
        assert_eq!(days(&lasting(14)), [7 * 24, 12 * 24]);
        assert_eq!(days(&lasting(4)), [2 * 24], "both are one");
        assert_eq!(days(&lasting(1)), [12], "there are no two days");
        let first = Campaign { reminded_at: Some(Timestamp::from_seconds(8 * 24 * 3600)), ..lasting(14) };
        assert_eq!(next_reminder(&first), Some(Timestamp::from_seconds(12 * 24 * 3600)));
        assert_eq!(next_reminder(&Campaign { reminded_at: Some(first.due_at), ..first }), None);
    }
}
