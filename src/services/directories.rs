//! Directories that stand ready: one `connectors::Directory` a source, with its sign-in connections, kept between requests.
//!
//! Opens sealed bind passwords and gives them to the connector, to nobody else.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Context as Digest, SHA256};
use connectors::ldap::SignIn;
use connectors::{Directory, Password, Route, Settings, Verdict};
use moka::sync::Cache;

use super::context::Context;
use super::error::Error;
use super::vault::{Place, Vault};
use crate::store::establishment::source::{self, Source, SourceKind};
use crate::store::establishment::{link, user};
use crate::types::Invalid;
use crate::types::id::SourceId;
use crate::types::secret::Secret;
use crate::types::slug::PLATFORM;

/// Directories kept ready at most; those used least recently go first.
const READY_MAX: u64 = 1024;
/// A directory that nobody asked for so long goes, and its connections with it.
const READY_IDLE: Duration = Duration::from_mins(30);
/// The keys of the settings that say what becomes of establishments that are not there: no connector's business.
pub const ROUTING_KEYS: [&str; 2] = ["unknown_establishments", "new_establishments"];

/// The directories that stand ready, by everything that makes them: a changed source is another directory.
pub struct Directories(Cache<[u8; 32], Directory>);

impl fmt::Debug for Directories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directories").field("ready", &self.0.entry_count()).finish()
    }
}

impl Default for Directories {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(READY_MAX).time_to_idle(READY_IDLE).build())
    }
}

impl Directories {
    /// The directory of a source, made ready when it is not.
    ///
    /// # Errors
    /// `Invalid` when its settings or files cannot be used, `Internal` when the sealed password does not open.
    pub async fn of(&self, vault: &Vault, slug: &str, source: &Source) -> Result<Directory, Error> {
        let key = key(slug, source);
        if let Some(ready) = self.0.get(&key) {
            return Ok(ready);
        }
        let password = match &source.secret_sealed {
            Some(sealed) => Some(open_password(vault, slug, source.id, sealed)?),
            None => None,
        };
        let directory = prepare(&source.settings, source.route.as_deref(), password).await?;
        self.0.insert(key, directory.clone());
        Ok(directory)
    }
}

/// A directory from settings as they are stored, without keeping it; with what gives each record its establishments, when it has such.
///
/// # Errors
/// `Invalid` naming the key, or saying which file cannot be used.
pub async fn prepare(settings: &serde_json::Value, route: Option<&str>, password: Option<Password>) -> Result<Directory, Error> {
    let route = route.map(Route::parse).transpose().map_err(|reason| Invalid::new("route", reason))?;
    let settings = Settings { route, ..parse(settings)? };
    Directory::new(settings, password).await.map_err(|refused| Error::invalid("settings", refused.to_string()))
}

/// The connector's part of stored settings.
///
/// # Errors
/// `Invalid` naming the key.
pub fn parse(settings: &serde_json::Value) -> Result<Settings, Error> {
    let mut settings = settings.clone();
    if let Some(keys) = settings.as_object_mut() {
        for key in ROUTING_KEYS {
            keys.remove(key);
        }
    }
    Ok(Settings::parse(&settings).map_err(|refused| Invalid::new(format!("settings.{}", refused.key), refused.reason.clone()))?)
}

/// Seals the secret of a source for its source's row.
///
/// # Errors
/// `Internal` when the cipher refuses.
pub fn seal_password(vault: &Vault, slug: &str, source: SourceId, password: &Secret) -> Result<Vec<u8>, Error> {
    let row = source.to_string();
    // The vault is the one place that may see it.
    vault.seal(place(slug, &row), password.expose().as_bytes()).map_err(|refused| Error::Internal(refused.to_string()))
}

/// Opens the secret of a source.
///
/// # Errors
/// `Internal` when it does not open.
pub(in crate::services) fn open_password(vault: &Vault, slug: &str, source: SourceId, sealed: &[u8]) -> Result<Password, Error> {
    let row = source.to_string();
    let opened = vault.open_sealed(place(slug, &row), sealed).map_err(|refused| Error::Internal(refused.to_string()))?;
    let text = std::str::from_utf8(&opened)
        .map_err(|_| Error::Internal("the sealed secret of a source is not text, though text is sealed".into()))?;
    Ok(Password::from(text))
}

fn place<'a>(slug: &'a str, row: &'a str) -> Place<'a> {
    Place { establishment: slug, table: "sources", column: "secret_sealed", row }
}

/// What a source is kept ready by: everything that makes it.
pub(in crate::services) fn key(slug: &str, source: &Source) -> [u8; 32] {
    let mut digest = Digest::new(&SHA256);
    digest.update(slug.as_bytes());
    digest.update(source.id.uuid().as_bytes());
    digest.update(source.settings.to_string().as_bytes());
    digest.update(source.route.as_deref().unwrap_or_default().as_bytes());
    digest.update(source.secret_sealed.as_deref().unwrap_or_default());
    let mut key = [0; 32];
    key.copy_from_slice(digest.finish().as_ref());
    key
}

/// Checks a person's password in the directory that states them now, on connections of its own. `None` when no directory does,
/// or the one that does takes no sign-ins: then a local password may serve. A disabled source lets nobody in, by no password.
///
/// # Errors
/// `Outside` when the directory could not tell; the text says which and why.
pub async fn verify_password(ctx: &Context, person: &user::User, password: &Secret) -> Result<Option<Verdict>, Error> {
    let mut verdict = None;
    for (source, entry) in stated_by(ctx, person).await? {
        let Some(Origin { slug, source: origin }) = origin(ctx, &source).await? else {
            // Without the platform's source nobody can tell: as if it were disabled.
            verdict = Some(Verdict::Refused);
            continue;
        };
        if !(source.enabled && origin.enabled) {
            if parse(&origin.settings)?.sign_in == SignIn::Bind {
                verdict = Some(Verdict::Refused);
            }
            continue;
        }
        let directory = ctx.gateway.directories.of(&ctx.gateway.vault, &slug, &origin).await?;
        let (SignIn::Bind, Some(dn)) = (directory.settings().sign_in, &entry.dn) else { continue };
        // The bind request is where a password typed at sign-in has to go.
        let said = directory.verify_password(dn, &entry.external_id, &Password::from(password.expose())).await;
        match said.map_err(|failed| Error::Outside(failed.to_string()))? {
            Verdict::Accepted => return Ok(Some(Verdict::Accepted)),
            // A reason that was told to a right password outweighs another directory's refusal.
            other => verdict = verdict.filter(|said| matches!(said, Verdict::Barred(_))).or(Some(other)),
        }
    }
    Ok(verdict)
}

/// Where a source's settings and its secret stand.
#[derive(Debug)]
pub struct Origin {
    /// In which establishment.
    pub slug: String,
    /// The source that has them.
    pub source: Source,
}

/// Where a source's settings and its secret stand: with itself, or with the platform's source that feeds it. None when that one is gone.
///
/// # Errors
/// When the platform's store fails.
pub async fn origin(ctx: &Context, source: &Source) -> Result<Option<Origin>, Error> {
    let Some(from) = source.routed_from else {
        return Ok(Some(Origin { slug: ctx.slug().to_owned(), source: source.clone() }));
    };
    let platform = ctx.gateway.stores.platform().await?;
    let found = source::find(&mut platform.read().await?, from).await?;
    Ok(found.filter(|found| found.route.is_some()).map(|source| Origin { slug: PLATFORM.to_owned(), source }))
}

/// The directories that state a person now, with the person's entry in each. Nothing waits on the network with a connection of the
/// store in hand: it is given back here.
async fn stated_by(ctx: &Context, person: &user::User) -> Result<Vec<(Source, link::NamedLink)>, Error> {
    let mut tx = ctx.store.read().await?;
    let mut stated = Vec::new();
    for entry in link::list_of_user(&mut tx, person.id).await?.into_iter().filter(|entry| entry.present) {
        if let Some(source) = source::find(&mut tx, entry.source_id).await?
            && source.kind == SourceKind::Ldap
        {
            stated.push((source, entry));
        }
    }
    Ok(stated)
}
