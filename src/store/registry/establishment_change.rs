//! What becomes of an establishment's row after it was made: changed, on its way out, gone.

use crate::store::registry::establishment::Establishment;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::EstablishmentId;

/// Writes what may change of an establishment; `search` is the folded text that lists look in. Its key and its slug stay.
///
/// # Errors
/// `NotFound`; `Taken` when its number or UAI is another's; `Referenced` for a zone that is not on the list.
pub async fn update(tx: &mut Tx, e: &Establishment, search: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE establishments SET number = $2, name = $3, search = $4, uai = $5, zone = $6, locality = $7, \
         contact_family_name = $8, contact_given_name = $9, contact_email = $10, status = $11, updated_at = $12 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(e.id).bind(e.number).bind(&e.name).bind(search).bind(&e.uai).bind(&e.zone);
        let row = row.bind(&e.locality).bind(&e.contact.family_name).bind(&e.contact.given_name).bind(&e.contact.email);
        row.bind(e.status).bind(e.updated_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("establishment")) } else { Ok(()) }
}

/// Removes an establishment's row; true when it was there, so that of two removals one is told.
pub async fn delete(tx: &mut Tx, id: EstablishmentId) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM establishments WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))? > 0)
}
