//! `[store]`: where the gateway keeps what it remembers.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::setting::{Accepted, Setting, without_credentials};

/// Scheme of a folder of SQLite files.
const SQLITE: &str = "sqlite:";
/// Schemes of a PostgreSQL database.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
/// Longest name of a placement, in characters.
const PLACEMENT_LENGTH_MAX: usize = 40;

/// Where the gateway keeps what it remembers.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:` and a folder, or the address of a PostgreSQL database.
    pub url: String,
    /// Further places for establishments' stores: `name=url`, separated by spaces.
    pub placements: String,
    /// The folder of what stands beside the stores, when they lie in a database.
    pub folder: PathBuf,
    /// Connections to one PostgreSQL server.
    pub connections_max: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: format!("{SQLITE}./data"), placements: String::new(), folder: PathBuf::from("./data"), connections_max: 20 }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses may hold passwords.
        let names: Vec<&str> = self.placements().map(|(name, _)| name).collect();
        let shown = &mut f.debug_struct("Store");
        let shown = shown.field("url", &self.label()).field("placements", &names);
        shown.field("folder", &self.folder).field("connections_max", &self.connections_max).finish()
    }
}

impl Store {
    /// The folder of the SQLite files, or of what stands beside a database.
    pub fn folder(&self) -> PathBuf {
        self.url.strip_prefix(SQLITE).map_or_else(|| self.folder.clone(), PathBuf::from)
    }

    /// Where the stores lie, without passwords: for messages.
    pub fn label(&self) -> String {
        match self.url.strip_prefix(SQLITE) {
            Some(folder) => folder.to_owned(),
            None => without_credentials(&self.url),
        }
    }

    /// The further placements: name and URL.
    pub fn placements(&self) -> impl Iterator<Item = (&str, &str)> {
        self.placements.split_whitespace().filter_map(|pair| pair.split_once('='))
    }

    /// The folder of a URL; none when it names a database.
    pub fn folder_of(url: &str) -> Option<PathBuf> {
        url.strip_prefix(SQLITE).map(PathBuf::from)
    }

    /// The URL of a folder.
    pub(super) fn url_of(folder: &str) -> String {
        format!("{SQLITE}{folder}")
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "store.url",
        accepted: Accepted::Text {
            form: "sqlite: and a folder, such as sqlite:/var/lib/passerelle, or postgres://user:password@host/database",
            check,
            secret: false,
        },
        meaning: "Where the stores lie. A folder of SQLite files holds the registry and one file for each establishment; it is made when it \
                  does not exist, and a relative one is relative to where the gateway is started. A PostgreSQL database holds a schema and an \
                  SQL role for each establishment, and serves any number of nodes. The argument `--data DIR` stands for `sqlite:DIR`.",
    },
    Setting {
        key: "store.placements",
        accepted: Accepted::Text { form: "name=url pairs separated by spaces", check: check_placements, secret: true },
        meaning: "Further places where establishments may lie, each of the form of `store.url`: another PostgreSQL server, for instance. \
                  `passerelle establishment move` brings an establishment there. The registry stays where `store.url` says.",
    },
    Setting {
        key: "store.folder",
        accepted: Accepted::Text { form: "the path of a folder", check: check_folder, secret: false },
        meaning: "With PostgreSQL: the folder of what stands beside the database on each node, the master key unless \
                  `secrets.master_key_file` says otherwise, and what a long work puts aside meanwhile. With SQLite it is the folder of `store.url`.",
    },
    Setting {
        key: "store.connections_max",
        accepted: Accepted::Number { min: 4, max: 1_000, unit: "connections" },
        meaning: "With PostgreSQL: connections that this node opens to each server at most, beside four to the registry and one that listens to other nodes. All nodes together \
                  stay below the server's `max_connections`.",
    },
];

fn check(raw: &str) -> Result<(), String> {
    if let Some(address) = POSTGRES.iter().find_map(|scheme| raw.strip_prefix(scheme)) {
        let (_, path) = address.split_once('/').unwrap_or((address, ""));
        return if path.split('?').next().unwrap_or_default().is_empty() {
            Err("names no database: write postgres://user:password@host/database".to_owned())
        } else {
            Ok(())
        };
    }
    let Some(folder) = raw.strip_prefix(SQLITE) else {
        return Err("starts neither with sqlite: nor with postgres://".to_owned());
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

fn check_placements(raw: &str) -> Result<(), String> {
    let mut names = std::collections::BTreeSet::from(["default"]);
    for pair in raw.split_whitespace() {
        let Some((name, url)) = pair.split_once('=') else {
            return Err("has a part that is not name=url".to_owned());
        };
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if name.is_empty() || name.len() > PLACEMENT_LENGTH_MAX || !plain {
            return Err(format!("names a placement «{name}»: use lower-case letters, digits and hyphens"));
        }
        if !names.insert(name) {
            return Err(format!("names «{name}» twice, and `default` is the place of store.url"));
        }
        check(url).map_err(|why| format!("has an address for «{name}» that {why}"))?;
    }
    Ok(())
}

fn check_folder(raw: &str) -> Result<(), String> {
    if raw.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(()) }
}
