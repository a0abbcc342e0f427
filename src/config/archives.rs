//! `[archives]`: archives that the gateway writes by itself.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting};

/// How a public key of age begins.
const RECIPIENT: &str = "age1";

/// Archives that the gateway writes by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archives {
    /// Hours from one archive of an establishment to the next.
    pub every_h: u32,
    /// Where they go, in a folder an establishment.
    pub folder: PathBuf,
    /// How many stay of each establishment.
    pub keep: u32,
    /// The public key that closes them, so that nothing that opens them lies with the gateway. Empty, none are written.
    pub recipient: String,
}

impl Default for Archives {
    fn default() -> Self {
        Self { every_h: 24, folder: PathBuf::from("./archives"), keep: 7, recipient: String::new() }
    }
}

impl Archives {
    /// Whether any are written.
    pub fn are_wanted(&self) -> bool {
        !self.recipient.is_empty()
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "archives.every_h",
        accepted: Accepted::Number { min: 1, max: 8760, unit: "hours" },
        meaning: "The time from one archive of an establishment to the next. Nothing is written while `archives.recipient` is empty.",
    },
    Setting {
        key: "archives.folder",
        accepted: Accepted::Text { form: "the path of a folder", check: check_folder, secret: false },
        meaning: "Where archives go: `{folder}/{slug}/{slug}-{instant}.age`. With several nodes, a folder that all of them share.",
    },
    Setting {
        key: "archives.keep",
        accepted: Accepted::Number { min: 1, max: 1000, unit: "archives" },
        meaning: "How many archives of an establishment stay; older ones are removed once a newer one is whole.",
    },
    Setting {
        key: "archives.recipient",
        accepted: Accepted::Text { form: "a public key of age (age1…), or nothing", check: check_recipient, secret: false },
        meaning: "The public key that closes archives written by the gateway itself; empty, the default, writes none. Keep its private key elsewhere: whoever has it reads \
                  everything.",
    },
];

fn check_folder(raw: &str) -> Result<(), String> {
    if raw.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(()) }
}

fn check_recipient(raw: &str) -> Result<(), String> {
    if raw.is_empty() || raw.parse::<age::x25519::Recipient>().is_ok() {
        return Ok(());
    }
    Err(if raw.starts_with(RECIPIENT) { "is not a whole public key" } else { "is not a public key of age" }.to_owned())
}
