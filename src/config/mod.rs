//! Configuration: one file a section, validated whole before a socket opens. The only layer that reads the environment.
//!
//! A setting comes from, the later winning: its default, the file, the variable `PASSERELLE__SECTION__KEY`, the argument `--data`.

mod archives;
mod egress;
mod environment;
mod error;
mod limits;
mod listen;
mod log;
mod mail;
mod public_url;
mod secrets;
mod setting;
mod sources;
mod store;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use archives::Archives;
pub use egress::Egress;
pub use environment::{environment, variable};
pub use error::{ConfigError, Place, Problem};
pub use limits::Limits;
pub use listen::Listen;
pub use log::{Format, Level, Log};
pub use mail::{Mail, Security};
pub use secrets::{MasterKey, Secrets};
pub use setting::{Accepted, Setting};
pub use store::Store;

use sources::Sources;

/// Everything that can be set, checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address people and applications use, without a path and without a trailing slash: every issuer starts with it.
    pub public_url: String,
    /// Where the gateway listens.
    pub listen: Listen,
    /// Where the gateway keeps what it remembers.
    pub store: Store,
    /// The server that takes letters.
    pub mail: Mail,
    /// The key that seals other secrets.
    pub secrets: Secrets,
    /// What may be called of what clients name.
    pub egress: Egress,
    /// Bounds and lifetimes.
    pub limits: Limits,
    /// What the gateway writes about its own work.
    pub log: Log,
    /// Archives that the gateway writes by itself.
    pub archives: Archives,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: public_url::DEFAULT.to_owned(),
            listen: Listen::default(),
            store: Store::default(),
            mail: Mail::default(),
            secrets: Secrets::default(),
            egress: Egress::default(),
            limits: Limits::default(),
            log: Log::default(),
            archives: Archives::default(),
        }
    }
}

impl Config {
    /// Reads the file when there is one, lets the environment win over it and `--data DIR` over both, and checks all of it.
    ///
    /// `env` is the whole environment ([`environment`] gives it): variables that do not start with `PASSERELLE__` are passed over.
    ///
    /// # Errors
    /// `ConfigError` names every wrong setting: where it stands, its key, what was given and what is accepted.
    pub fn load(file: Option<&Path>, env: impl Iterator<Item = (String, String)>, data: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = Sources::default();
        if let Some(path) = file {
            sources.read_file(path)?;
        }
        sources.read_environment(env);
        if let Some(folder) = data {
            sources.read_data_argument(folder);
        }
        sources.check();
        let config = sources.build()?;
        sources.refuse_contradictions(&config.contradictions());
        sources.into_problems()?;
        Ok(config)
    }

    /// Where the master key is: given in the configuration, or in a file that stands in the store's folder unless told otherwise.
    pub fn master_key(&self) -> MasterKey<'_> {
        match (&self.secrets.master_key, &self.secrets.master_key_file) {
            (Some(key), _) => MasterKey::Given(key),
            (None, Some(path)) => MasterKey::File(path.clone()),
            (None, None) => MasterKey::File(self.store.folder().join(secrets::FILE_NAME)),
        }
    }

    /// Whether the public address is this machine itself, which nobody elsewhere reaches.
    pub fn is_of_this_machine(&self) -> bool {
        public_url::is_of_this_machine(&self.public_url)
    }

    /// The folder of the stores, as `store.url` names it, or of what stands beside a database.
    pub fn folder(&self) -> PathBuf {
        self.store.folder()
    }

    /// Settings that are right alone and wrong together: the key to change, and why.
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        self.limits.contradictions().into_iter().chain(self.mail.contradictions()).chain(self.secrets.contradiction()).collect()
    }
}

/// Every setting, in the order of the file.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    [
        public_url::SETTINGS,
        listen::SETTINGS,
        store::SETTINGS,
        mail::SETTINGS,
        secrets::SETTINGS,
        egress::SETTINGS,
        limits::SETTINGS,
        log::SETTINGS,
        archives::SETTINGS,
    ]
    .into_iter()
    .flatten()
}
