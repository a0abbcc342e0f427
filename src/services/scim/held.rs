//! What a feed asked for and a person has to see to: listed, approved, refused. Approving does nothing by itself: the feed asks again.

use serde_json::json;
use uuid::Uuid;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::scim_held::{self, Filter, Held, HeldReason, HeldState};
use crate::store::establishment::source::{self, Source, SourceKind};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// A page of what waits, oldest first.
///
/// # Errors
/// `NotFound` when there is no such feed.
pub async fn list(ctx: &Context, feed: &str, page: &PageRequest, filter: &Filter) -> Result<Page<Held>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let feed = feed_in(&mut tx, feed).await?;
    Ok(scim_held::list(&mut tx, feed.id, page, filter).await?)
}

/// Lets requests pass when the feed asks again: some of them, or everything that its guard holds now. Answers how many.
///
/// # Errors
/// `NotFound`; `Conflict` when one was decided, or is decided elsewhere.
pub async fn approve(ctx: &Context, feed: &str, ids: Option<&[Uuid]>) -> Result<u64, Error> {
    decide(ctx, feed, ids, HeldState::Approved).await
}

/// Refuses requests for good.
///
/// # Errors
/// As [`approve`].
pub async fn refuse(ctx: &Context, feed: &str, ids: Option<&[Uuid]>) -> Result<u64, Error> {
    decide(ctx, feed, ids, HeldState::Refused).await
}

async fn feed_in(tx: &mut Tx, name: &str) -> Result<Source, Error> {
    let found = source::find_by_name(tx, name).await?.filter(|source| source.kind == SourceKind::Scim);
    found.ok_or_else(|| Error::not_found(format!("feed «{name}»")))
}

async fn decide(ctx: &Context, feed: &str, ids: Option<&[Uuid]>, state: HeldState) -> Result<u64, Error> {
    ctx.require(Permission::ManageSources)?;
    let mut tx = ctx.store.begin().await?;
    let feed = feed_in(&mut tx, feed).await?;
    let decided = match ids {
        None => scim_held::decide_guarded(&mut tx, feed.id, state, ctx.now, &ctx.actor.label()).await?,
        Some(ids) => {
            for id in ids {
                let held = scim_held::find(&mut tx, feed.id, *id).await?.ok_or_else(|| Error::not_found("held request"))?;
                may_be_decided(&held, state)?;
                let decided = Held { state, decided_at: Some(ctx.now), decided_by: Some(ctx.actor.label()), ..held };
                scim_held::decide(&mut tx, &decided).await?;
            }
            ids.len() as u64
        }
    };
    let action = if state == HeldState::Approved { "feed.approved" } else { "feed.refused" };
    audit::record_in(&mut tx, ctx, action, ("source", &feed.name), json!({ "requests": decided, "ids": ids })).await?;
    tx.commit().await?;
    Ok(decided)
}

/// What was refused may be approved after all: whoever was to leave would stay for ever otherwise.
fn may_be_decided(held: &Held, decision: HeldState) -> Result<(), Error> {
    let after_all = held.state == HeldState::Refused && decision == HeldState::Approved;
    let elsewhere = match held.reason {
        HeldReason::Guard => None,
        HeldReason::Asked => Some("say who it is with the proposals of the source: it is done then when the feed asks again"),
        HeldReason::Taken => {
            Some("rename one of the two, or declare by what the feed's people are matched: it is done then when the feed asks again")
        }
    };
    match elsewhere {
        Some(told) => Err(Error::Conflict(told.to_owned())),
        None if held.state != HeldState::Open && !after_all => Err(Error::Conflict("it was decided already".to_owned())),
        None => Ok(()),
    }
}
