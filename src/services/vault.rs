//! The master key, and the sealing of secrets at rest: AES-256-GCM, bound to establishment, table, column and row.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use zeroize::Zeroizing;

use crate::config::MasterKey;
use crate::types::secret::fill_random;

/// Bytes of the master key.
const KEY_BYTES: usize = 32;

/// Why the master key cannot be used, or a sealed value not be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file could not be read or made.
    #[error("the master key file {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There are stores, and the key they were sealed with is not there.
    #[error(
        "the master key file {0} is missing, and the stores were sealed with it: copy it from another node, or put it back from your copy"
    )]
    Lost(String),
    /// The key has another form.
    #[error(
        "the master key {0} is not 32 bytes in base64: restore the right file; `openssl rand -base64 32` makes a new one for an empty store"
    )]
    Form(String),
    /// A sealed value does not open.
    #[error(
        "a sealed secret does not open: the master key is not the one it was sealed with, or the row was moved; restore the right master key"
    )]
    Sealed,
}

/// Where a sealed value stands: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The establishment's slug.
    pub establishment: &'a str,
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's key.
    pub row: &'a str,
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        // Lengths stand before the parts, so that no two places give the same bytes.
        [self.establishment, self.table, self.column, self.row]
            .iter()
            .flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.bytes()))
            .collect()
    }
}

/// Seals and opens.
pub struct Vault(LessSafeKey);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// Reads the master key. For a `fresh` folder, a file that is not there is made with a new key, readable by its owner only.
    ///
    /// # Errors
    /// `Lost` when it is not there and the stores are; when the file cannot be read or made, or does not hold 32 bytes in base64.
    pub fn open(key: &MasterKey<'_>, fresh: bool) -> Result<Self, VaultError> {
        match key {
            MasterKey::Given(secret) => Self::from_base64(secret.expose(), "given in the configuration"),
            MasterKey::File(path) if !fresh && !path.exists() => Err(VaultError::Lost(path.display().to_string())),
            MasterKey::File(path) => Self::from_file(path),
        }
    }

    fn from_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: path.display().to_string(), source };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_base64(Zeroizing::new(text).trim(), &path.display().to_string()),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
                fill_random(bytes.as_mut_slice());
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(failed)?;
                }
                let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
                let text = Zeroizing::new(BASE64_STANDARD.encode(bytes.as_slice()));
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                Self::from_bytes(bytes.as_slice(), "just made")
            }
            Err(source) => Err(failed(source)),
        }
    }

    fn from_base64(text: &str, whence: &str) -> Result<Self, VaultError> {
        let decoded = BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text));
        let bytes = Zeroizing::new(decoded.map_err(|_| VaultError::Form(whence.to_owned()))?);
        Self::from_bytes(&bytes, whence)
    }

    fn from_bytes(bytes: &[u8], whence: &str) -> Result<Self, VaultError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| VaultError::Form(whence.to_owned()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals a secret for one place. The nonce is random, and stands before the sealed bytes.
    ///
    /// # Errors
    /// `Sealed` when the value is too long for the cipher (64 GiB), which no secret is.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0_u8; NONCE_LEN];
        fill_random(&mut nonce);
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.aad()), &mut sealed)
            .map_err(|_| VaultError::Sealed)?;
        Ok(nonce.into_iter().chain(sealed).collect())
    }

    /// Opens a secret sealed for this very place.
    ///
    /// # Errors
    /// `Sealed` when key, place or bytes are not those it was sealed with.
    pub fn open_sealed(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Sealed)?;
        let mut opened = Zeroizing::new(rest.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(place.aad()), &mut opened).map_err(|_| VaultError::Sealed)?.len();
        opened.truncate(length);
        Ok(opened)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_the_key_of_standing_stores_is_told_where_it_is() {
        let nowhere = MasterKey::File("/nowhere/master.key".into());
        let told = Vault::open(&nowhere, false).unwrap_err().to_string();
        assert!(told.contains("/nowhere/master.key") && told.contains("another node") && told.contains("your copy"), "{told}");
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_row_only() {
        let vault = Vault::from_bytes(&[7; KEY_BYTES], "test").unwrap();
        let here = Place { establishment: "a", table: "sources", column: "secret", row: "1" };
        let sealed = vault.seal(here, b"bind").unwrap();
        assert_eq!(vault.open_sealed(here, &sealed).unwrap().as_slice(), b"bind");
        assert!(vault.open_sealed(Place { establishment: "b", ..here }, &sealed).is_err());
        assert!(vault.open_sealed(Place { table: "source", column: "ssecret", ..here }, &sealed).is_err());
        assert!(Vault::from_bytes(&[8; KEY_BYTES], "test").unwrap().open_sealed(here, &sealed).is_err());
    }
}
