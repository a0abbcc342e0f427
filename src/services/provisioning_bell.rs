//! Says that somebody changed who may be known to a provisioned application, so that it is seen to at once. Who it is stands in the store
//! already, noted in the transaction of the change: a bell that fails loses nothing.

use super::context::{Context, Gateway};
use super::error::Error;
use crate::store::establishment::provisioning_mark;
use crate::store::notices;
use crate::store::registry::job::{self, Kind};
use crate::types::time::Timestamp;

/// Has those who changed looked at now, if there are any. To be called after the commit; when it fails, they are at the next sweep.
pub async fn ring(ctx: &Context) {
    let rung = async {
        if provisioning_mark::any(&mut ctx.store.read().await?).await? {
            ask(&ctx.gateway, ctx.slug(), "", ctx.now).await?;
        }
        Ok::<_, Error>(())
    };
    if let Err(error) = rung.await {
        tracing::warn!(establishment = ctx.slug(), %error, "who changed is written to applications a little later");
    }
}

/// Asks for the work on one provisioning, or for finding out who changed when `subject` is empty.
///
/// # Errors
/// When the registry cannot be written.
pub async fn ask(gateway: &Gateway, slug: &str, subject: &str, due_at: Timestamp) -> Result<(), Error> {
    let mut registry = gateway.stores.registry().begin().await?;
    job::ask_about(&mut registry, Kind::Provision, (slug, subject), due_at).await?;
    notices::announce_jobs(&mut registry, gateway.node.name()).await?;
    registry.commit().await?;
    gateway.node.wake();
    Ok(())
}
