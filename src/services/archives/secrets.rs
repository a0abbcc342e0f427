//! Secrets on their way: opened out of a store, sealed into one, or left sealed in an archive that only its own installation may take back.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroize;

use super::format::Secrets;
use super::refusal;
use crate::services::error::Error;
use crate::services::vault::{Place, Vault};
use crate::store::establishment::archive::{Cell, Row};
use crate::store::establishment::archive_tables::Table;

/// What is not sealed in a store and is in an archive that an administrator wrote: nobody tries passwords on their colleagues' hashes.
const HASHES: (&str, &str) = ("credentials", "password_hash");

/// Opens the sealed columns of a row that was read from an establishment's store.
pub fn open(vault: &Vault, slug: &str, table: &Table, row: &mut Row) -> Result<(), Error> {
    if table.columns.iter().all(|column| !column.sealed) {
        return Ok(());
    }
    let key = key_of(row);
    for (cell, column) in row.iter_mut().zip(table.columns).filter(|(_, column)| column.sealed) {
        if let Cell::Bytes(sealed) = cell {
            let place = Place { establishment: slug, table: table.name, column: column.name, row: &key };
            let opened = vault.open_sealed(place, sealed).map_err(|e| Error::Internal(e.to_string()))?;
            *sealed = opened.to_vec();
        }
    }
    Ok(())
}

/// Seals the open columns of a row for the store it goes into.
pub fn seal(vault: &Vault, slug: &str, table: &Table, row: &mut Row) -> Result<(), Error> {
    if table.columns.iter().all(|column| !column.sealed) {
        return Ok(());
    }
    let key = key_of(row);
    for (cell, column) in row.iter_mut().zip(table.columns).filter(|(_, column)| column.sealed) {
        if let Cell::Bytes(open) = cell {
            let place = Place { establishment: slug, table: table.name, column: column.name, row: &key };
            let sealed = vault.seal(place, open).map_err(|e| Error::Internal(e.to_string()))?;
            open.zeroize();
            *open = sealed;
        }
    }
    Ok(())
}

/// Makes a row as a store has it ready for an archive.
pub fn pack(vault: &Vault, slug: &str, secrets: Secrets, table: &Table, row: &mut Row) -> Result<(), Error> {
    match secrets {
        Secrets::Open => open(vault, slug, table, row),
        Secrets::Sealed => {
            let key = key_of(row);
            if let Some(Cell::Text(hash)) = hash_of(table, row) {
                let sealed = vault.seal(hash_place(slug, &key), hash.as_bytes()).map_err(|e| Error::Internal(e.to_string()))?;
                *hash = BASE64_STANDARD.encode(sealed);
            }
            Ok(())
        }
    }
}

/// Makes a row out of an archive one whose secrets are open.
///
/// # Errors
/// A refusal when they are sealed by another installation.
pub fn unpack(vault: &Vault, slug: &str, secrets: Secrets, table: &Table, row: &mut Row) -> Result<(), Error> {
    if secrets == Secrets::Open {
        return Ok(());
    }
    let elsewhere = || {
        refusal::wrong_key(
            "the secrets in this archive are sealed by another installation: an administrator wrote it there. Have an operator of that \
             installation export the establishment",
        )
    };
    open(vault, slug, table, row).map_err(|_| elsewhere())?;
    let key = key_of(row);
    if let Some(Cell::Text(packed)) = hash_of(table, row) {
        let sealed = BASE64_STANDARD.decode(packed.as_bytes()).map_err(|_| elsewhere())?;
        let opened = vault.open_sealed(hash_place(slug, &key), &sealed).map_err(|_| elsewhere())?;
        std::str::from_utf8(&opened).map_err(|_| elsewhere())?.clone_into(packed);
    }
    Ok(())
}

/// What only this installation can write under an archive's digest, for this establishment.
pub fn sign(vault: &Vault, slug: &str, id: &str, digest: &str) -> Result<String, Error> {
    let row = format!("{id} {digest}");
    let sealed = vault.seal(manifest_place(slug, &row), b"").map_err(|e| Error::Internal(e.to_string()))?;
    Ok(BASE64_STANDARD.encode(sealed))
}

/// Whether this installation wrote an archive of this digest, for this establishment.
pub fn is_signed(vault: &Vault, slug: &str, id: &str, digest: &str, seal: Option<&str>) -> bool {
    let row = format!("{id} {digest}");
    let sealed = seal.and_then(|seal| BASE64_STANDARD.decode(seal).ok());
    sealed.is_some_and(|sealed| vault.open_sealed(manifest_place(slug, &row), &sealed).is_ok())
}

fn manifest_place<'a>(slug: &'a str, row: &'a str) -> Place<'a> {
    Place { establishment: slug, table: "archive", column: "manifest", row }
}

fn hash_place<'a>(slug: &'a str, row: &'a str) -> Place<'a> {
    Place { establishment: slug, table: "archive", column: HASHES.1, row }
}

fn hash_of<'a>(table: &Table, row: &'a mut Row) -> Option<&'a mut Cell> {
    let at = (table.name == HASHES.0).then(|| table.column(HASHES.1))??;
    row.get_mut(at)
}

/// The row's key as [`Place`] has it. Tables with secrets have a key of one column.
fn key_of(row: &Row) -> String {
    match row.first() {
        Some(Cell::Uuid(id)) => id.to_string(),
        Some(Cell::Text(text)) => text.clone(),
        _ => String::new(),
    }
}
