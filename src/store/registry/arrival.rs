//! An establishment that comes in from an archive: registered before its store is filled, opened when it is, or taken back.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::EstablishmentId;

use super::establishment::EstablishmentStatus;

/// Gives an establishment its status, now that all of it is there.
///
/// # Errors
/// `NotFound`.
pub async fn settle(tx: &mut Tx, id: EstablishmentId, status: EstablishmentStatus) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET status = $2 WHERE id = $1";
    let changed = on!(tx, |c| sqlx::query(SQL).bind(id).bind(status).execute(c).await.map(|d| d.rows_affected()))?;
    if changed == 0 { Err(Error::NotFound("establishment")) } else { Ok(()) }
}

/// Takes an establishment off the list again.
pub async fn withdraw(tx: &mut Tx, id: EstablishmentId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM establishments WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await)?;
    Ok(())
}
