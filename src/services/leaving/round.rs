//! The daily round over one establishment.

use serde::Serialize;
use serde_json::json;

use super::super::audit;
use super::super::context::{Context, Gateway};
use super::super::error::Error;
use super::super::logout_notices;
use super::super::scim_services::is_pushed;
use super::super::users;
use crate::store::establishment::link::NamedLink;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::user::UserStatus;
use crate::store::establishment::{assignment, audit_event, link, source_state, user};
use crate::store::registry::job::{self, Kind};
use crate::store::{Store, Tx};
use crate::types::id::UserId;
use crate::types::leaving::Afterwards;
use crate::types::time::Timestamp;

/// Time between two rounds, in seconds: a day.
const EVERY_S: i64 = 24 * 3600;
/// Most people erased in one round, the rest the day after: a mistake that nobody saw is at least seen before it is whole.
pub const ERASED_MAX: usize = 1000;
/// People looked at in one step, within one short transaction.
const STEP: i64 = 50;
/// Most steps over one source in one round.
const STEPS_MAX: usize = 20_000;

/// What a round did, and whom it left as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Round {
    /// People of whom nothing but the identifier is left.
    pub anonymised: usize,
    /// People removed.
    pub purged: usize,
    /// People kept because someone gave them a role by hand.
    pub kept_for_a_role: usize,
    /// People kept because someone made them by hand.
    pub kept_as_made_by_hand: usize,
    /// Sources that were not read whole since the first of their leavers was due: nobody of theirs is erased.
    pub sources_unread: usize,
}

impl Round {
    const fn erased(&self) -> usize {
        self.anonymised + self.purged
    }
}

/// Has rounds begin in an establishment where a source erases whoever left it, and where they have not begun.
///
/// # Errors
/// When a store fails.
pub async fn plan(gateway: &Gateway, slug: &str, store: &Store, now: Timestamp) -> Result<(), Error> {
    if !is_wanted(&source::list(&mut store.read().await?).await?) {
        return Ok(());
    }
    if job::find(&mut gateway.stores.registry().read().await?, Kind::Leaving, slug, "").await?.is_none() {
        let mut registry = gateway.stores.registry().begin().await?;
        job::ask(&mut registry, Kind::Leaving, slug, now).await?;
        registry.commit().await?;
    }
    Ok(())
}

fn is_wanted(sources: &[Source]) -> bool {
    sources.iter().any(|source| policy(source) != Afterwards::Keep)
}

fn policy(source: &Source) -> Afterwards {
    source.leaving.unwrap_or_default().then
}

/// One round: erases whoever is due, at most a thousand people. Answers what it did, and when the next one is due: never once no source
/// erases anybody any more.
///
/// # Errors
/// When the store fails; whoever was erased until then is.
pub async fn round(ctx: &Context) -> Result<(Round, Option<Timestamp>), Error> {
    let sources = source::list(&mut ctx.store.read().await?).await?;
    let mut done = Round::default();
    for source in sources.iter().filter(|source| policy(source) != Afterwards::Keep) {
        over(ctx, source, &mut done).await?;
    }
    if done != Round::default() {
        let mut tx = ctx.store.begin().await?;
        audit::record_in(&mut tx, ctx, "leaving.round", ("establishment", ctx.slug()), json!(done)).await?;
        tx.commit().await?;
        let Round { anonymised, purged, kept_for_a_role, kept_as_made_by_hand, sources_unread } = done;
        tracing::info!(
            establishment = ctx.slug(),
            anonymised,
            purged,
            kept_for_a_role,
            kept_as_made_by_hand,
            sources_unread,
            "people who left were seen to"
        );
    }
    Ok((done, is_wanted(&sources).then(|| ctx.now.plus_s(EVERY_S))))
}

/// Goes over the leavers of one source.
async fn over(ctx: &Context, source: &Source, done: &mut Round) -> Result<(), Error> {
    let leaving = source.leaving.unwrap_or_default();
    // Whoever left after this instant is still within the days of grace.
    let until = leaving.ends(Timestamp::default()).map(|grace| ctx.now.plus_s(-grace.seconds()));
    let Some(until) = until else { return Ok(()) };
    // A feed says itself who leaves: it is never read whole.
    let read_at = if is_pushed(source) { Some(ctx.now) } else { source_state::get(&mut ctx.store.read().await?, source.id).await?.full_at };
    let mut after: Option<UserId> = None;
    let mut unread = false;
    for _ in 0..STEPS_MAX {
        let due = link::list_left(&mut ctx.store.read().await?, source.id, until, after, STEP).await?;
        let Some(last) = due.last() else { break };
        after = Some(*last);
        unread |= step(ctx, &due, read_at, done).await?;
        if done.erased() >= ERASED_MAX {
            break;
        }
    }
    done.sources_unread += usize::from(unread);
    Ok(())
}

/// Sees to some people in one transaction. Answers whether some stay because the source was not read since they were due.
async fn step(ctx: &Context, due: &[UserId], read_at: Option<Timestamp>, done: &mut Round) -> Result<bool, Error> {
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut unread = false;
    for id in due {
        if done.erased() >= ERASED_MAX {
            break;
        }
        let links = link::list_of_user(&mut tx, *id).await?;
        // Somebody else may have seen to them, or they may have come back, a moment ago.
        let still_shut = user::find(&mut tx, *id).await?.is_some_and(|user| user.status == UserStatus::Disabled);
        let Some((ends, then)) = users::departure(&links).filter(|(ends, _)| still_shut && *ends <= ctx.now) else { continue };
        if read_at.is_none_or(|read_at| read_at < ends) {
            unread = true;
            continue;
        }
        match is_kept(&mut tx, ctx, *id).await? {
            Some(Kept::ForARole) => done.kept_for_a_role += 1,
            Some(Kept::MadeByHand) => done.kept_as_made_by_hand += 1,
            None => erase_in(&mut tx, ctx, *id, then, &links, done).await?,
        }
    }
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(unread)
}

async fn erase_in(tx: &mut Tx, ctx: &Context, id: UserId, then: Afterwards, links: &[NamedLink], done: &mut Round) -> Result<(), Error> {
    let sources: Vec<&str> = links.iter().map(|link| link.source.as_str()).collect();
    match then {
        Afterwards::Keep => {}
        Afterwards::Anonymise => {
            users::anonymise_in(tx, ctx, id, users::by_policy(&sources)).await?;
            done.anonymised += 1;
        }
        Afterwards::Purge => {
            users::purge_in(tx, ctx, id, users::by_policy(&sources)).await?;
            done.purged += 1;
        }
    }
    Ok(())
}

/// Why someone is kept whom a source's policy would erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// They were given a role by hand that still holds, or will.
    ForARole,
    /// Their account was made by hand.
    MadeByHand,
}

/// Whether a person's decision stands against erasing someone.
pub(super) async fn is_kept(tx: &mut Tx, ctx: &Context, id: UserId) -> Result<Option<Kept>, Error> {
    if assignment::any_manual_of_user(tx, id, ctx.now).await? {
        return Ok(Some(Kept::ForARole));
    }
    let by_hand = audit_event::any(tx, "user.created", "user", &id.to_string()).await?;
    Ok(by_hand.then_some(Kept::MadeByHand))
}
