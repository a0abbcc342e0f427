//! Moving: an establishment's store from one placement to another, everything in it, while nobody writes.
//!
//! The registry's row is the one point at which it lies elsewhere. A crash before it leaves a store that nobody knows, after it an old one that nobody
//! knows; moving again to the same placement removes either.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::export::next_page;
use super::progress::Progress;
use crate::services::audit;
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::store::establishment::archive;
use crate::store::establishment::archive_tables::{FLEETING, TABLES};
use crate::store::registry::establishment;
use crate::store::{self, Address, Tx};
use crate::types::permission::Permission;

/// A store that was moved.
#[derive(Clone, Debug, Serialize)]
pub struct Relocated {
    /// The establishment.
    pub slug: String,
    /// Where its store lay.
    pub from: String,
    /// Where it lies.
    pub to: String,
    /// Rows that were copied; none when it lay there already.
    pub rows: u64,
}

/// Moves an establishment's store to another placement. People go on reading meanwhile; whoever writes waits, and is told to come back when it takes
/// long. Sessions and tokens go on.
///
/// # Errors
/// `NotFound`; `Invalid` when there is no such placement. Then it lies where it lay.
pub async fn relocate(platform: &PlatformContext, slug: &str, to: &str, progress: &Arc<Progress>) -> Result<Relocated, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let there = platform.enter(slug).await?;
    if there.is_platform() {
        return Err(Error::invalid("slug", "the platform's own store lies with the registry: it moves with store.url"));
    }
    let stores = &there.gateway.stores;
    let known: Vec<&str> = stores.placements().collect();
    if !known.contains(&to) {
        return Err(Error::invalid(
            "to",
            format!("there is no placement «{to}»: store.placements and store.url name {}", known.join(", ")),
        ));
    }
    let from = there.establishment.placement.clone();
    if from == to {
        sweep(&there).await?;
        return Ok(Relocated { slug: slug.to_owned(), from, to: to.to_owned(), rows: 0 });
    }
    let rows = copy(platform, &there, to, progress).await?;
    let ctx = platform.context();
    let mut trail = ctx.store.begin().await?;
    audit::record_in(&mut trail, ctx, "establishment.moved", ("establishment", slug), json!({ "from": from, "to": to })).await?;
    trail.commit().await?;
    Ok(Relocated { slug: slug.to_owned(), from, to: to.to_owned(), rows })
}

async fn copy(platform: &PlatformContext, there: &Context, to: &str, progress: &Arc<Progress>) -> Result<u64, Error> {
    let stores = &there.gateway.stores;
    let target = Address { placement: to.to_owned(), ..Address::from(&*there.establishment) };
    // Both stores and the registry are held at once here, and nowhere else: one establishment moves at a time, by command.
    let mut old_tx = there.store.begin().await?;
    // What an earlier attempt left: the registry says that it is not the store.
    remove_leftover(there, &target).await?;
    let new = stores.provision_new(&target).await?;
    let mut new_tx = new.begin().await?;
    new_tx.set_large(true).await?;
    let rows = copy_rows(&mut old_tx, &mut new_tx, progress).await?;
    let detail = json!({ "from": there.establishment.placement, "to": to });
    audit::record_in(&mut new_tx, there, "establishment.moved", ("establishment", there.slug()), detail).await?;
    new_tx.set_large(false).await?;
    new_tx.commit().await?;
    let mut registry = platform.registry().begin().await?;
    establishment::set_placement(&mut registry, &there.establishment, to).await?;
    registry.commit().await?;
    there.gateway.establishments.forget(there.slug());
    // Whoever waited to write in the old store finds it gone, and the new one when asked again.
    stores.remove_in(&*there.establishment, old_tx).await?;
    Ok(rows)
}

async fn copy_rows(old: &mut Tx, new: &mut Tx, progress: &Arc<Progress>) -> Result<u64, Error> {
    let mut copied = 0_u64;
    for table in TABLES.iter().chain(FLEETING) {
        progress.expect(u64::try_from(archive::count_rows(old, table).await?).unwrap_or_default());
    }
    for table in TABLES.iter().chain(FLEETING) {
        let mut after = None;
        let mut rows = 0_i64;
        loop {
            let page = next_page(old, table, after.as_ref()).await?;
            let Some(last) = page.last().cloned() else { break };
            // Sealed values stay as they are: they are bound to the establishment, and not to where it lies.
            archive::insert_rows(new, table, &page).await?;
            progress.advance(page.len());
            rows += i64::try_from(page.len()).unwrap_or(i64::MAX);
            after = Some(last);
        }
        if archive::count_rows(new, table).await? != rows {
            return Err(Error::Internal(format!(
                "{} has not as many rows after the move as before, and every one was written",
                table.name
            )));
        }
        copied += u64::try_from(rows).unwrap_or_default();
    }
    Ok(copied)
}

/// Removes what a crash left of the store in other placements.
async fn sweep(there: &Context) -> Result<(), Error> {
    let turn = there.store.begin().await?;
    let own = Address::from(&*there.establishment);
    for placement in there.gateway.stores.placements().filter(|placement| *placement != own.placement) {
        remove_leftover(there, &Address { placement: placement.to_owned(), ..own.clone() }).await?;
    }
    drop(turn);
    Ok(())
}

/// Removes a store that the registry does not know. The caller has the store's own turn of writing: when two placements name one place, the removal
/// waits for that turn in vain, and the store is not taken for its own leftover.
async fn remove_leftover(there: &Context, leftover: &Address) -> Result<(), Error> {
    there.gateway.stores.remove(leftover).await.map_err(|error| match error {
        store::Error::Busy => Error::Conflict(format!(
            "what lies in «{}» under this establishment's name is in use: is it the same place as «{}», under two names?",
            leftover.placement, there.establishment.placement
        )),
        other => other.into(),
    })
}
