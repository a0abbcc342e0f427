//! Blocking and unblocking (SAC-26 to SAC-28). The registry says first that the establishment is blocked: from then on nobody of it gets in,
//! whatever becomes of this process. What lived in its store ends after that, in one transaction, and asking again ends what was left.

use serde_json::json;
use uuid::Uuid;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::logout_notices::{self, Receipt};
use super::super::schedules;
use super::edit::{record_on_platform, standing_in};
use crate::store::Tx;
use crate::store::establishment::audit_event::{self, Filter};
use crate::store::establishment::{grant, interaction, session};
use crate::store::registry::establishment::{self, Establishment, EstablishmentStatus};
use crate::store::registry::job::{self, Kind};
use crate::types::page::PageRequest;
use crate::types::permission::Permission;

/// When a blocking is looked at again in case it was broken off, in seconds: longer than a request takes.
const CARRIED_ON_AFTER_S: i64 = 120;
/// What the trail says of a blocking.
const BLOCKED: &str = "establishment.blocked";
/// What it says of the end of one.
const UNBLOCKED: &str = "establishment.unblocked";

/// A blocking, and the name of what was sent with it.
#[derive(Clone, Debug)]
pub struct Blocking {
    /// The establishment.
    pub establishment: Establishment,
    /// The batch of its notices, by which a [`receipt`] is asked for.
    pub batch: Uuid,
}

/// Blocks an establishment: nobody signs in, sessions and tokens end at once, its API tokens open nothing, and applications that listen are told.
/// Operators still read and administer it. Asked again, it ends what may have been left and answers as it did.
///
/// # Errors
/// `NotFound` for the platform, which nobody blocks.
pub async fn block(ctx: &Context) -> Result<Blocking, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    let establishment = set_status(ctx, EstablishmentStatus::Blocked).await?;
    ctx.gateway.node.tell_sources_changed();
    let batch = Uuid::now_v7();
    let batch = end_sessions(ctx, batch).await?.unwrap_or(batch);
    Ok(Blocking { establishment, batch })
}

/// Ends what a blocking that was broken off may have left; nothing where the establishment is open by now.
///
/// # Errors
/// When a store fails.
pub(super) async fn carry_on_block(ctx: &Context) -> Result<(), Error> {
    ctx.require(Permission::ManageEstablishments)?;
    end_sessions(ctx, Uuid::now_v7()).await.map(drop)
}

/// Ends what lives in the store of an establishment that is blocked, and answers the batch of the notices; none when it is open by now.
async fn end_sessions(ctx: &Context, batch: Uuid) -> Result<Option<Uuid>, Error> {
    let announced = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = standing_batch_in(&mut tx, ctx).await?;
    logout_notices::for_everyone_in(&mut tx, ctx, batch).await?;
    let ended = end_everything_in(&mut tx, ctx).await?;
    if let Some(batch) = standing.filter(|_| ended == 0) {
        // Everything had ended: the notices of then stand, and nothing of this look is kept.
        return Ok(Some(batch));
    }
    // Whoever unblocked it meanwhile is not undone: with this turn of writing, nobody has got a session since.
    if standing_in(&mut ctx.gateway.stores.registry().read().await?, ctx).await?.status != EstablishmentStatus::Blocked {
        return Ok(None);
    }
    audit::record_in(&mut tx, ctx, BLOCKED, ("establishment", ctx.slug()), json!({ "batch": batch, "ended": ended })).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    record_on_platform(ctx, BLOCKED, json!({ "batch": batch })).await?;
    Ok(Some(batch))
}

/// What applications made of a blocking, as far as is known now.
///
/// # Errors
/// `NotFound` for a batch that never was, or of long ago.
pub async fn receipt(ctx: &Context, batch: Uuid) -> Result<Receipt, Error> {
    logout_notices::receipt(ctx, batch).await
}

/// Lets people of an establishment sign in again. Nobody's session from before comes back.
///
/// # Errors
/// `NotFound` for the platform.
pub async fn unblock(ctx: &Context) -> Result<Establishment, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    let standing = standing_in(&mut ctx.gateway.stores.registry().read().await?, ctx).await?;
    if standing.status == EstablishmentStatus::Active {
        return Ok(standing);
    }
    // Someone who was signing in while the block was set may have got a session that nobody could use: it ends before it would count.
    let mut tx = ctx.store.begin().await?;
    end_everything_in(&mut tx, ctx).await?;
    audit::record_in(&mut tx, ctx, UNBLOCKED, ("establishment", ctx.slug()), json!({})).await?;
    tx.commit().await?;
    schedules::announce_all(ctx).await?;
    let open = set_status(ctx, EstablishmentStatus::Active).await?;
    record_on_platform(ctx, UNBLOCKED, json!({})).await?;
    // Its sources rested meanwhile.
    schedules::look_at_all(ctx).await?;
    Ok(open)
}

async fn set_status(ctx: &Context, status: EstablishmentStatus) -> Result<Establishment, Error> {
    let mut registry = ctx.gateway.stores.registry().begin().await?;
    let standing = standing_in(&mut registry, ctx).await?;
    if standing.status == status {
        return Ok(standing);
    }
    let changed = Establishment { status, updated_at: ctx.now, ..standing };
    establishment::update(&mut registry, &changed, &super::search_of(&changed)).await?;
    if status == EstablishmentStatus::Blocked {
        // Should this process end here, another one carries the blocking on.
        job::ask(&mut registry, Kind::Establishment, ctx.slug(), ctx.now.plus_s(CARRIED_ON_AFTER_S)).await?;
    }
    registry.commit().await?;
    ctx.gateway.establishments.forget(ctx.slug());
    Ok(changed)
}

/// Ends every session, interaction and grant, and with the grants their codes and tokens; says how many sessions and grants there were.
async fn end_everything_in(tx: &mut Tx, ctx: &Context) -> Result<u64, Error> {
    let sessions = session::delete_all(tx).await?;
    let grants = grant::revoke_all(tx, ctx.now).await?;
    interaction::delete_all(tx).await?;
    Ok(sessions + grants)
}

/// The batch of the blocking that stands; none when the trail's last word is that the establishment was opened, or says nothing.
async fn standing_batch_in(tx: &mut Tx, ctx: &Context) -> Result<Option<Uuid>, Error> {
    let last = async |tx: &mut Tx, action: &str| {
        let filter = Filter { action: Some(action.to_owned()), subject_id: Some(ctx.slug().to_owned()), ..Filter::default() };
        Ok::<_, Error>(audit_event::list(tx, &PageRequest::first(1), &filter).await?.items.into_iter().next())
    };
    let (Some(blocked), opened) = (last(tx, BLOCKED).await?, last(tx, UNBLOCKED).await?) else { return Ok(None) };
    if opened.is_some_and(|opened| opened.id > blocked.id) {
        return Ok(None);
    }
    Ok(blocked.detail.get("batch").and_then(|batch| batch.as_str()?.parse().ok()))
}
