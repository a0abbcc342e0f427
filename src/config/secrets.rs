//! `[secrets]`: where the master key is. It neither reads nor makes the key.

use std::path::PathBuf;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::setting::{Accepted, Setting};
use crate::types::secret::Secret;

/// Name of the key's file in the store's folder.
pub(super) const FILE_NAME: &str = "master.key";
/// Size of the master key.
const MASTER_KEY_BYTES: usize = 32;

/// The key that seals other secrets: given, or in a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// The key itself: 32 bytes in base64.
    #[serde(skip_serializing, deserialize_with = "secret")]
    pub master_key: Option<Secret>,
    /// A file that holds the key, in the same form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key_file: Option<PathBuf>,
}

/// Where the master key is.
#[derive(Debug)]
pub enum MasterKey<'a> {
    /// In the configuration: 32 bytes in base64, checked.
    Given(&'a Secret),
    /// In this file.
    File(PathBuf),
}

impl Secrets {
    pub(super) fn contradiction(&self) -> Option<(&'static str, String)> {
        let both = self.master_key.is_some() && self.master_key_file.is_some();
        both.then(|| ("secrets.master_key", "is given together with secrets.master_key_file: keep one of them".to_owned()))
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "secrets.master_key",
        accepted: Accepted::Text { form: "32 bytes in base64, such as `openssl rand -base64 32` prints", check: check_key, secret: true },
        meaning: "The key that seals signing keys and directory passwords in the stores, for those who hand it over in the environment. \
                  Not set by default: the key is in `secrets.master_key_file`.",
    },
    Setting {
        key: "secrets.master_key_file",
        accepted: Accepted::Text { form: "the path of a file", check: check_file, secret: false },
        meaning: "A file that holds the master key. By default `master.key` in the store's folder, made at the first start. \
                  Keep a copy of it away from the stores: without it the sealed secrets are lost.",
    },
];

fn check_key(raw: &str) -> Result<(), String> {
    let decoded = BASE64_STANDARD.decode(raw).or_else(|_| BASE64_URL_SAFE.decode(raw)).map(Zeroizing::new);
    match decoded {
        Ok(key) if key.len() == MASTER_KEY_BYTES => Ok(()),
        Ok(key) => Err(format!("has {} bytes", key.len())),
        Err(_) => Err("is not base64".to_owned()),
    }
}

pub(super) fn check_file(raw: &str) -> Result<(), String> {
    if raw.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(())
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let raw = String::deserialize(deserializer)?;
    Secret::parse("secrets.master_key", raw).map(Some).map_err(serde::de::Error::custom)
}
