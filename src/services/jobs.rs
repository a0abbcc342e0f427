//! What every node does besides answering: due jobs, taken one by one so that no other node does them too.

use std::sync::Arc;

use super::context::Gateway;
use super::dispatch;
use super::error::Error;
use super::leases::{self, Lease};
use crate::types::time::Timestamp;

/// Most jobs of one call of [`run_due`].
const DUE_MAX: usize = 10_000;

/// Takes one due job, if there is any.
pub async fn take(gateway: &Arc<Gateway>, now: Timestamp) -> Result<Option<Lease>, Error> {
    leases::take(gateway, dispatch::KINDS, now).await
}

/// Does all that is due at an instant, one after another. Answers how many jobs that were.
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
