//! Runs that nobody carries on: their node is gone, and its hold ran out. They are ended by whoever finds them first.

use std::sync::Arc;

use super::super::context::{Actor, Context, Gateway};
use super::super::error::Error;
use super::super::leases::{self, Lease};
use crate::store::establishment::{source, sync_run};
use crate::store::registry::job::Kind;
use crate::types::id::RunId;
use crate::types::time::Timestamp;

/// Said of a run that nobody carries on.
const BROKEN_OFF: &str = "the program ended while the run was under way. Nothing was changed: start it again";

/// Holds a run for this node, before its row is written: a row without a hold is known to be broken off.
///
/// # Errors
/// `Conflict` while another holds it.
pub async fn hold(ctx: &Context, id: RunId) -> Result<Lease, Error> {
    let lease = leases::begin(&ctx.gateway, Kind::Sync, ctx.slug(), &id.to_string(), ctx.now).await?;
    lease.ok_or_else(|| Error::Conflict("this run is being carried out already: wait for its end".to_owned()))
}

/// Lets go of a run that ended, or never began.
pub async fn let_go(lease: Lease) {
    if let Err(error) = lease.finish(None).await {
        tracing::warn!(%error, "the hold of a run that ended runs out by itself");
    }
}

/// Ends the runs whose node is gone, wherever they are; establishments without such a run are not opened. To be called when the program
/// starts to serve; afterwards its worker does the same.
///
/// # Errors
/// When the registry fails; an establishment that cannot be opened is logged, and looked at again later.
pub async fn recover(gateway: &Arc<Gateway>, now: Timestamp) -> Result<u64, Error> {
    let mut ended = 0;
    while let Some(lease) = leases::take(gateway, &[Kind::Sync], now).await? {
        let slug = lease.job().slug.clone();
        let there = async { end_broken(&Context::open(gateway, &slug, Actor::System, now).await?, &lease.job().subject).await };
        match there.await {
            Ok(one) => {
                ended += u64::from(one);
                let_go(lease).await;
            }
            Err(Error::NotFound(_)) => let_go(lease).await,
            // Its hold is kept, so that it is taken again when that runs out, and not at once.
            Err(error) => tracing::error!(establishment = slug, %error, "a run cannot be ended"),
        }
    }
    Ok(ended)
}

/// Ends one run whose hold ran out. False when it had ended already.
pub async fn end_broken(ctx: &Context, subject: &str) -> Result<bool, Error> {
    let id: RunId = subject.parse().map_err(|_| Error::Internal(format!("a sync job names «{subject}», which is no run")))?;
    let mut tx = ctx.store.begin().await?;
    let ended = sync_run::fail(&mut tx, id, BROKEN_OFF).await?;
    tx.commit().await?;
    if ended {
        tracing::warn!(run.id = %id, establishment = ctx.slug(), "a run that nobody carried on was ended");
    }
    Ok(ended)
}

/// Ends the run of a source that nobody carries on, if there is one: it must not stand in the way of the next.
pub async fn end_of_source(ctx: &Context, name: &str) -> Result<(), Error> {
    let mut tx = ctx.store.read().await?;
    let unfinished = match source::find_by_name(&mut tx, name).await? {
        Some(source) => sync_run::find_unfinished(&mut tx, source.id).await?,
        None => None,
    };
    drop(tx);
    let Some(id) = unfinished else { return Ok(()) };
    let subject = id.to_string();
    if !leases::is_held(&ctx.gateway, Kind::Sync, ctx.slug(), &subject, ctx.now).await? {
        end_broken(ctx, &subject).await?;
    }
    Ok(())
}
