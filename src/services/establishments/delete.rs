//! Deleting an establishment (SAC-24, SAC-25): its store with everything in it, what is kept of it in memory, its jobs, its row. The registry
//! says first that it is on its way out: from then on it is nowhere to be found, and whoever comes next carries the deletion through.

use serde_json::json;

use super::super::audit;
use super::super::context::{Context, PlatformContext};
use super::super::error::Error;
use super::super::leases;
use super::block::carry_on_block;
use crate::store::establishment::audit_event::{self, Filter};
use crate::store::registry::establishment::{self, Establishment, EstablishmentStatus};
use crate::store::registry::job::{self, Kind};
use crate::store::registry::pulse;
use crate::store::{Address, Tx};
use crate::types::page::PageRequest;
use crate::types::permission::Permission;

/// What the platform's trail says of it.
const DELETED: &str = "establishment.deleted";
/// When a deletion that failed is carried on, in seconds.
const CARRIED_ON_AFTER_S: i64 = 60;

/// Removes an establishment with everything it has. `confirm` is its slug, typed again. Asked for once more after a failure, it goes on where
/// it stopped; so does the next program that serves.
///
/// # Errors
/// `NotFound`; `Invalid` without the confirmation; `Conflict` while it is being deleted by another node.
pub async fn delete(platform: &PlatformContext, slug: &str, confirm: Option<&str>) -> Result<(), Error> {
    let ctx = platform.context();
    check_confirmation(platform, slug, confirm).await?;
    let gone = || Error::not_found(format!("establishment «{slug}»"));
    // Held before anything is written: when this process dies, another one takes over.
    let lease = leases::begin(&ctx.gateway, Kind::Establishment, slug, "", ctx.now).await?;
    let under_way = || Error::Conflict(format!("«{slug}» is being deleted by another node: look again in a minute"));
    let lease = lease.ok_or_else(under_way)?;
    let mut registry = platform.registry().begin().await?;
    let doomed = standing_in(&mut registry, slug).await?.ok_or_else(gone)?.establishment;
    establishment::mark_deleting(&mut registry, &doomed, ctx.now).await?;
    registry.commit().await?;
    match carry_through(platform, &doomed).await {
        // The job went with its establishment.
        Ok(()) => Ok(()),
        Err(error) => {
            lease.finish(Some(ctx.now.plus_s(CARRIED_ON_AFTER_S))).await?;
            Err(error)
        }
    }
}

/// Whether a deletion would be carried out: the establishment is there, and its slug was said again.
///
/// # Errors
/// `NotFound`; `Invalid` without the confirmation.
pub async fn check_confirmation(platform: &PlatformContext, slug: &str, confirm: Option<&str>) -> Result<(), Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let gone = || Error::not_found(format!("establishment «{slug}»"));
    let doomed = standing_in(&mut platform.registry().read().await?, slug).await?.ok_or_else(gone)?.establishment;
    if confirm == Some(slug) {
        return Ok(());
    }
    let told = format!("this removes {} with everyone and everything in it, for good: say «{slug}» here to confirm it", doomed.name);
    Err(Error::invalid("confirm", told))
}

/// The platform, for an operator who is in an establishment.
///
/// # Errors
/// `Forbidden` for everyone else.
pub async fn platform_of(ctx: &Context) -> Result<PlatformContext, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    PlatformContext::open(&ctx.gateway, ctx.actor.clone(), ctx.now).await
}

/// Carries on what was begun with an establishment and may have been broken off: its deletion, or its blocking. By whoever holds its job.
///
/// # Errors
/// When a store fails.
pub async fn carry_on(platform: &PlatformContext, slug: &str) -> Result<(), Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    match standing_in(&mut platform.registry().read().await?, slug).await? {
        Some(Standing { establishment: doomed, is_deleting: true }) => carry_through(platform, &doomed).await,
        Some(blocked) if blocked.establishment.status == EstablishmentStatus::Blocked => carry_on_block(&platform.enter(slug).await?).await,
        Some(_) | None => Ok(()),
    }
}

/// An establishment as the registry has it, on its way out or not.
struct Standing {
    establishment: Establishment,
    is_deleting: bool,
}

async fn standing_in(registry: &mut Tx, slug: &str) -> Result<Option<Standing>, Error> {
    if let Some(establishment) = establishment::find(registry, slug).await? {
        return Ok(Some(Standing { establishment, is_deleting: false }));
    }
    let leaving = establishment::list_deleting(registry).await?.into_iter().find(|e| e.slug == slug);
    Ok(leaving.map(|establishment| Standing { establishment, is_deleting: true }))
}

/// Every step may be repeated; the row goes last.
async fn carry_through(platform: &PlatformContext, doomed: &Establishment) -> Result<(), Error> {
    let gateway = &platform.context().gateway;
    gateway.establishments.forget(&doomed.slug);
    gateway.stores.remove(doomed).await?;
    // What a move that was broken off left in another placement.
    for placement in gateway.stores.placements().filter(|placement| *placement != doomed.placement) {
        gateway.stores.remove(Address { placement: placement.to_owned(), ..Address::from(doomed) }).await?;
    }
    gateway.keys.forget(&doomed.slug).await;
    record_once(platform, doomed).await?;
    let mut registry = platform.registry().begin().await?;
    job::delete_of_establishment(&mut registry, &doomed.slug).await?;
    pulse::delete_of_establishment(&mut registry, &doomed.slug).await?;
    establishment::delete(&mut registry, doomed).await?;
    registry.commit().await?;
    gateway.establishments.forget(&doomed.slug);
    tracing::info!(establishment = doomed.slug, "establishment deleted");
    Ok(())
}

/// The establishment's own trail is gone with it: the platform's alone tells, once for each that bore the slug.
async fn record_once(platform: &PlatformContext, doomed: &Establishment) -> Result<(), Error> {
    let ctx = platform.context();
    let mut tx = ctx.store.begin().await?;
    let filter = Filter { action: Some(DELETED.to_owned()), subject_id: Some(doomed.slug.clone()), ..Filter::default() };
    let told = audit_event::list(&mut tx, &PageRequest::first(1), &filter).await?.items;
    let id = json!(doomed.id);
    if told.iter().any(|event| event.detail.get("id") == Some(&id)) {
        return Ok(());
    }
    let detail = json!({ "id": id, "number": doomed.number, "name": doomed.name, "uai": doomed.uai });
    audit::record_in(&mut tx, ctx, DELETED, ("establishment", &doomed.slug), detail).await?;
    Ok(tx.commit().await?)
}
