//! What a node does when others speak: it drops what it keeps of an establishment that changed, and looks for jobs that are due.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::services::context::Gateway;
use crate::store::{Address, Error, Notice, Notices};
use crate::types::slug::PLATFORM;

/// Wait before the first attempt to hear again; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// Longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Listens for as long as the node answers; whatever fails, it begins anew. Where there is one node, there is nothing to hear.
pub async fn listen(gateway: Arc<Gateway>) {
    let mut backoff = BACKOFF_MIN;
    loop {
        match gateway.stores.notices().await {
            Ok(None) => return,
            Ok(Some(notices)) => {
                backoff = BACKOFF_MIN;
                let failed = heed_all(&gateway, notices).await;
                tracing::warn!(error = %failed, "what other nodes say is not heard for a moment");
            }
            Err(error) => tracing::warn!(%error, "what other nodes say is not heard for a moment"),
        }
        sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

async fn heed_all(gateway: &Gateway, mut notices: Notices) -> Error {
    // What was said before is not known.
    forget_all(gateway);
    loop {
        match notices.next().await {
            Ok(Some(Notice::Establishment(slug))) => forget(gateway, &slug).await,
            Ok(Some(Notice::Jobs(node))) if node != gateway.node.name() => gateway.node.wake(),
            Ok(Some(Notice::Jobs(_) | Notice::Unknown)) => {}
            Ok(None) => forget_all(gateway),
            Err(error) => return error,
        }
    }
}

/// Drops what is kept of an establishment; its store stays open if it is still the same one at the same place.
async fn forget(gateway: &Gateway, slug: &str) {
    gateway.establishments.forget(slug);
    gateway.keys.forget(slug).await;
    // The platform's store stays where it is.
    if slug == PLATFORM || !gateway.stores.is_open(slug) {
        return;
    }
    match gateway.establishments.find(&gateway.stores, slug).await {
        Ok(found) => gateway.stores.forget_named(slug, found.as_deref().map(Address::from).as_ref()).await,
        Err(error) => {
            tracing::warn!(establishment = slug, %error, "whether a store has moved is not known: it is opened again when wanted");
            gateway.stores.forget_named(slug, None).await;
        }
    }
}

/// Anything may have changed. Stores that moved or went are found out when they are asked.
fn forget_all(gateway: &Gateway) {
    gateway.establishments.forget_all();
    gateway.keys.forget_all();
    gateway.node.wake();
}
