//! Stores that an older program left: brought to this program's version a few at a time, so that no request waits for it.
//!
//! A store is brought up by whoever opens it first; that notes nothing, because requests are not to wait for the registry. Here those that
//! nobody opened are opened, and all are noted.

use std::sync::Arc;

use super::context::{Actor, Context, Gateway, PlatformContext};
use super::error::Error;
use super::establishments;
use crate::store;
use crate::store::registry::establishment::{self, Establishment};
use crate::types::id::EstablishmentId;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// Stores brought up before the next pause.
const BATCH: i64 = 20;

/// What became of one batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Stores that are of this version now.
    pub brought_up: usize,
    /// Stores that could not be opened; each was told in the log, and is tried again at the next start.
    pub failed: usize,
    /// Where the next batch goes on; nothing when there is none.
    pub last: Option<EstablishmentId>,
}

/// Brings up some stores that are behind, after a key. One that cannot be opened is told and passed over.
///
/// # Errors
/// When the registry does not answer.
pub async fn bring_some_up(gateway: &Arc<Gateway>, after: Option<EstablishmentId>, now: Timestamp) -> Result<Batch, Error> {
    let version = store::newest_version();
    let behind = establishment::list_behind(&mut gateway.stores.registry().read().await?, version, after, BATCH).await?;
    let (mut done, mut failed) = (Vec::new(), 0);
    for there in behind.iter().take_while(|_| !gateway.node.is_stopping()) {
        match bring_up(gateway, there, now).await {
            Ok(()) => done.push(there),
            Err(error) => {
                failed += 1;
                tracing::warn!(establishment = there.slug, %error, "the store stays at its older version");
            }
        }
    }
    note(gateway, &done, version).await?;
    let last = behind.last().filter(|_| !gateway.node.is_stopping()).map(|there| there.id);
    Ok(Batch { brought_up: done.len(), failed, last })
}

/// A store of this program's version holds what this program prepares a new one with.
async fn bring_up(gateway: &Arc<Gateway>, there: &Establishment, now: Timestamp) -> Result<(), Error> {
    let store = gateway.stores.establishment(there).await?;
    let ctx = Context::over(gateway, Arc::new(there.clone()), store, Actor::System, now);
    establishments::prepare(&ctx).await
}

async fn note(gateway: &Gateway, done: &[&Establishment], version: i64) -> Result<(), Error> {
    if done.is_empty() {
        return Ok(());
    }
    let mut tx = gateway.stores.registry().begin().await?;
    for there in done {
        establishment::note_version(&mut tx, there.id, version).await?;
    }
    Ok(tx.commit().await?)
}

/// How many stores are known to be at an older version.
pub async fn behind(platform: &PlatformContext) -> Result<i64, Error> {
    platform.context().require(Permission::Read)?;
    Ok(establishment::count_behind(&mut platform.registry().read().await?, store::newest_version()).await?)
}
