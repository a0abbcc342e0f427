//! SCIM services that sources read, standing ready: one `connectors::scim::Scim` a source. Opens sealed tokens and gives them to the connector, to
//! nobody else. What is pushed here by others is no business of this module.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use connectors::Password;
use connectors::scim::{Scim, Settings};
use moka::sync::Cache;
use serde_json::Value;

use super::directories;
use super::egress::Egress;
use super::error::Error;
use super::vault::Vault;
use crate::store::establishment::source::{Source, SourceKind};
use crate::types::Invalid;

/// Services kept ready at most; those used least recently go first.
const READY_MAX: u64 = 256;
/// A service that nobody read for so long goes, and what is remembered of its groups with it.
const READY_IDLE: Duration = Duration::from_hours(2);
/// The keys of the settings that hold addresses.
const ADDRESSES: [&str; 2] = ["url", "token_url"];

/// The services that stand ready, by everything that makes them: a changed source is another service.
pub struct ScimServices(Cache<[u8; 32], Scim>);

impl fmt::Debug for ScimServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimServices").field("ready", &self.0.entry_count()).finish()
    }
}

impl Default for ScimServices {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(READY_MAX).time_to_idle(READY_IDLE).build())
    }
}

impl ScimServices {
    /// The service of a source, made ready when it is not.
    ///
    /// # Errors
    /// `Invalid` when its settings or files cannot be used, `Internal` when the sealed token does not open.
    pub async fn of(&self, vault: &Vault, egress: &Egress, slug: &str, source: &Source) -> Result<Scim, Error> {
        let key = directories::key(slug, source);
        if let Some(ready) = self.0.get(&key) {
            return Ok(ready);
        }
        let secret = match &source.secret_sealed {
            Some(sealed) => Some(directories::open_password(vault, slug, source.id, sealed)?),
            None => None,
        };
        let service = prepare(egress, &source.settings, secret).await?;
        self.0.insert(key, service.clone());
        Ok(service)
    }
}

/// Whether the settings of a SCIM source name a service to read: without one, it is fed by those who push to it.
pub fn is_pulled(settings: &Value) -> bool {
    settings.get("url").is_some_and(|url| !url.is_null())
}

/// Whether a source is pushed into, and not read.
pub fn is_pushed(source: &Source) -> bool {
    source.kind == SourceKind::Scim && !is_pulled(&source.settings)
}

/// The key of the secret within the settings: the token, or the secret of the client that the settings name.
pub fn secret_key(settings: &Value) -> &'static str {
    let names = |key: &str| settings.get(key).is_some_and(|value| !value.is_null());
    if names("token_url") || names("client_id") { "client_secret" } else { "token" }
}

/// A service from settings as they are stored, without keeping it.
///
/// # Errors
/// `Invalid` naming the key, or saying which file cannot be used.
pub async fn prepare(egress: &Egress, settings: &Value, secret: Option<Password>) -> Result<Scim, Error> {
    Scim::new(parse(settings)?, secret, Arc::new(egress.policy())).await.map_err(|refused| Error::invalid("settings", refused.to_string()))
}

/// The addresses that are not called, among those that a change names: what stood before may stand, and is looked at again when it is called.
///
/// # Errors
/// `Invalid` naming them.
pub fn check_addresses(egress: &Egress, before: &Value, after: &Value) -> Result<(), Error> {
    let changed = ADDRESSES.iter().filter(|key| before.get(**key) != after.get(**key));
    let refused = changed.filter_map(|key| {
        let refusal = egress.check(after.get(*key)?.as_str()?.trim()).err()?;
        Some(Invalid::new(format!("settings.{key}"), refusal.to_string()))
    });
    let refused: Vec<Invalid> = refused.collect();
    if refused.is_empty() { Ok(()) } else { Err(Error::Invalid(refused)) }
}

fn parse(settings: &Value) -> Result<Settings, Error> {
    Ok(Settings::parse(settings).map_err(|refused| Invalid::new(format!("settings.{}", refused.key), refused.reason))?)
}

/// Whether a secret given for these settings would travel to another address, be it another path of the same server, for another client, or to a
/// server vouched for by others.
pub fn leads_elsewhere(before: &Value, after: &Scim) -> bool {
    let (Ok(before), after) = (parse(before), after.settings()) else { return true };
    let same_receiver = match (&before.grant, &after.grant) {
        (None, None) => before.address.leads_where(&after.address),
        (Some(before), Some(after)) => before.address.leads_where(&after.address) && before.client_id == after.client_id,
        _ => false,
    };
    // Whoever reads the token that a secret gives could as well have the secret.
    !same_receiver || !before.address.leads_where(&after.address) || before.tls.ca_file != after.tls.ca_file
}
