//! `[store]`: where the gateway keeps what it remembers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};

/// Scheme of a folder of SQLite files.
const SQLITE: &str = "sqlite:";

/// Where the gateway keeps what it remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:` and a folder.
    pub url: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: format!("{SQLITE}./data") }
    }
}

impl Store {
    /// The folder of the SQLite files.
    pub fn folder(&self) -> PathBuf {
        PathBuf::from(self.url.strip_prefix(SQLITE).unwrap_or(&self.url))
    }

    /// The URL of a folder.
    pub(super) fn url_of(folder: &str) -> String {
        format!("{SQLITE}{folder}")
    }
}

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "store.url",
    accepted: Accepted::Text { form: "sqlite: and a folder, such as sqlite:./data or sqlite:/var/lib/passerelle", check, secret: false },
    meaning: "The folder of the SQLite files: the registry, and one file for each establishment. It is made when it does not exist; \
              a relative one is relative to where the gateway is started. The argument `--data DIR` stands for `sqlite:DIR`.",
}];

fn check(raw: &str) -> Result<(), String> {
    if raw.starts_with("postgres:") || raw.starts_with("postgresql:") {
        return Err("names PostgreSQL, which is not available in this build yet".to_owned());
    }
    let Some(folder) = raw.strip_prefix(SQLITE) else {
        return Err("does not start with sqlite:".to_owned());
    };
    if folder.is_empty() {
        return Err("names no folder".to_owned());
    }
    // `sqlite://data` reads as a host elsewhere and as the folder `/data` here: neither is what its author meant.
    if folder.starts_with("//") {
        return Err(format!("has slashes after the colon: write \"{SQLITE}{}\"", folder.trim_start_matches("//")));
    }
    if folder.starts_with(':') || folder.contains('?') {
        return Err("names no folder: in-memory stores and parameters are not for a gateway that must remember".to_owned());
    }
    Ok(())
}
