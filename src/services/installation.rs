//! The installation: every node must have the master key that its secrets were sealed with.

use super::error::Error;
use super::vault::{Place, Vault, VaultError};
use crate::store::Stores;
use crate::store::registry::installation;

/// What is sealed to prove a key by.
const CONSTANT: &[u8] = b"passerelle";
/// Where it stands.
const PLACE: Place<'static> = Place { establishment: "", table: "installation", column: "key_check", row: "" };

/// Checks that this is the key of the installation, and makes it so on the first node's first start. Nodes that start together with
/// different keys are told before they seal anything.
///
/// # Errors
/// `Conflict` when the installation has another key.
pub async fn prove_key(stores: &Stores, vault: &Vault) -> Result<(), Error> {
    let found = installation::get_or_insert(stores.registry()).await?;
    let sealed = if let Some(sealed) = found.key_check {
        sealed
    } else {
        let mut tx = stores.registry().begin().await?;
        let Some(sealed) = installation::find(&mut tx).await?.and_then(|now| now.key_check) else {
            let sealed = vault.seal(PLACE, CONSTANT).map_err(|failed| Error::Internal(failed.to_string()))?;
            installation::set_key_check(&mut tx, &sealed).await?;
            tx.commit().await?;
            return Ok(());
        };
        sealed
    };
    opens(vault, &sealed)
}

/// Checks that this is still the key of the installation, and writes nothing: for whoever asks whether this node may answer.
///
/// # Errors
/// `Conflict` when the installation has another key by now, with another database put back for instance.
pub async fn check_key(stores: &Stores, vault: &Vault) -> Result<(), Error> {
    let mut tx = stores.registry().read().await?;
    match installation::find(&mut tx).await?.and_then(|found| found.key_check) {
        Some(sealed) => opens(vault, &sealed),
        None => Err(Error::Conflict("the installation has no master key by now: start this node again".to_owned())),
    }
}

fn opens(vault: &Vault, sealed: &[u8]) -> Result<(), Error> {
    match vault.open_sealed(PLACE, sealed) {
        Ok(opened) if opened.as_slice() == CONSTANT => Ok(()),
        Ok(_) | Err(VaultError::Sealed) => Err(Error::Conflict(
            "this master key is not the one of the installation: every node needs the same; copy the file from another node, or restore it"
                .to_owned(),
        )),
        Err(other) => Err(Error::Internal(other.to_string())),
    }
}
