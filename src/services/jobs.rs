//! What every node does besides answering: due jobs, taken one by one so that no other node does them too.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::context::{Context, Gateway};
use super::dispatch;
use super::error::Error;
use super::leases::{self, Lease};
use super::logout_notices::{self, Receipt};
use crate::store::registry::job::Kind;
use crate::types::time::Timestamp;

/// Most jobs of one call of [`run_due`].
const DUE_MAX: usize = 10_000;
/// How long whoever asked for something waits to hear what became of what was sent with it.
const AT_ONCE_MAX: Duration = Duration::from_secs(8);
/// How often a node that waits for another one's round looks whether it is over.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Takes one due job that people wait for, if there is any.
pub async fn take_prompt(gateway: &Arc<Gateway>, now: Timestamp) -> Result<Option<Lease>, Error> {
    leases::take(gateway, dispatch::PROMPT, now).await
}

/// Takes one due job that may take long, if there is any.
pub async fn take_bulk(gateway: &Arc<Gateway>, now: Timestamp) -> Result<Option<Lease>, Error> {
    leases::take(gateway, dispatch::BULK, now).await
}

/// Takes one due job that has an end, if there is any: what people wait for goes first.
pub async fn take(gateway: &Arc<Gateway>, now: Timestamp) -> Result<Option<Lease>, Error> {
    for kinds in [dispatch::PROMPT, dispatch::RUNS, dispatch::OUTWARD, dispatch::BULK] {
        if let Some(lease) = leases::take(gateway, kinds, now).await? {
            return Ok(Some(lease));
        }
    }
    Ok(None)
}

/// Does all that is due at an instant and has an end, one after another. Answers how many jobs that were.
///
/// # Errors
/// When the registry fails. A job that fails is told in the log and due again later.
pub async fn run_due(gateway: &Arc<Gateway>, now: Timestamp) -> Result<usize, Error> {
    for done in 0..DUE_MAX {
        match take(gateway, now).await? {
            Some(lease) => dispatch::carry_out(gateway, lease).await,
            None => return Ok(done),
        }
    }
    Ok(DUE_MAX)
}

/// Sends what an establishment's outbox holds now, and comes back when that was tried once, or after a few seconds: the rest goes on by itself.
async fn send_at_once(ctx: &Context) {
    let gateway = ctx.gateway.clone();
    let begun = async {
        loop {
            if let Some(lease) = leases::begin(&gateway, Kind::Outbox, ctx.slug(), "", ctx.now).await? {
                return Ok::<_, Error>(lease);
            }
            // Another round is under way. Once it is over, ours finds what it left.
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    let tried = tokio::time::timeout(AT_ONCE_MAX, async {
        let lease = begun.await?;
        let gateway = ctx.gateway.clone();
        // What is being sent is not broken off when nobody waits for it any more.
        let round = tokio::spawn(async move { dispatch::carry_out(&gateway, lease).await });
        round.await.map_err(|e| Error::Internal(format!("a round of sending ended early: {e}")))
    });
    if let Ok(Err(error)) = tried.await {
        tracing::warn!(establishment = ctx.slug(), %error, "what was written is sent a little later");
    }
}

/// What applications made of a sign-out of everybody, once each was tried or a few seconds are over. None when it is forgotten.
///
/// # Errors
/// When the store fails.
pub async fn receipt_at_once(ctx: &Context, batch: Uuid) -> Result<Option<Receipt>, Error> {
    send_at_once(ctx).await;
    match logout_notices::receipt(ctx, batch).await {
        Ok(receipt) => Ok(Some(receipt)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
