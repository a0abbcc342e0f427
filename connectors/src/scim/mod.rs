//! A SCIM 2.0 service (RFC 7643, RFC 7644) read as its client: whole, for its changes, step by step, one resource. The one door to this folder.
//!
//! A reading is complete only when its outcome is `Ok`: every page arrived, and all of them together are what the service announced. Nothing is
//! ever written there.

mod address;
mod changes;
mod check;
mod client;
mod fault;
mod fed;
mod http;
mod members;
mod one;
mod paging;
pub(crate) mod path;
mod place;
mod reading;
mod resource;
mod service;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

pub use address::Address;
pub use fault::Fault;
pub use fed::FeedMapping;
pub use http::Admission;
pub use settings::{Grant, Groups, Method, Paging, Settings};

use crate::changes::{Bookmark, Changes};
use crate::ldap::{self, Cause, CheckStep, Error, One, Reading};
use crate::secret::Password;

/// One SCIM source; cheap to clone.
#[derive(Clone)]
pub struct Scim {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    secret: Option<Password>,
    tls: Option<Arc<ClientConfig>>,
    admission: Arc<dyn Admission>,
    /// Groups as they were read last, where each has to be asked for.
    kept: members::Kept,
}

impl Scim {
    /// Prepares a source: reads certificate files, opens no socket. The secret is the token, or the client's secret when the settings name a
    /// client.
    ///
    /// # Errors
    /// A certificate file that cannot be used, no trusted authority, or a client without its secret.
    pub async fn new(settings: Settings, secret: Option<Password>, admission: Arc<dyn Admission>) -> Result<Self, Error> {
        let at = |cause: Cause| cause.at(&settings.address.text);
        let secret = secret.filter(|secret| !secret.is_empty());
        if settings.grant.is_some() && secret.is_none() {
            return Err(at(Fault::SecretMissing.cause()));
        }
        let secure = settings.address.secure || settings.grant.as_ref().is_some_and(|grant| grant.address.secure);
        let tls = if secure { Some(ldap::tls::client(&settings.tls).await.map_err(at)?) } else { None };
        Ok(Self { shared: Arc::new(Shared { settings, secret, tls, admission, kept: members::Kept::default() }) })
    }

    /// Streams everything, people first, then groups, within the deadline. Must be called within a Tokio runtime.
    pub fn read(&self, deadline: Duration) -> Reading {
        reading::start(self, deadline)
    }

    /// Streams what changed since a bookmark, within the deadline. None when it is no bookmark of this kind of source.
    pub fn changes(&self, since: &Bookmark, deadline: Duration) -> Option<Changes> {
        changes::start(self, since, deadline)
    }

    /// A digest of everything that makes a bookmark of this source valid.
    pub fn belongs_to(&self) -> String {
        changes::belongs_to(self)
    }

    /// Tries the source step by step and shows some records as they would arrive. `now` in seconds since 1970.
    pub async fn check(&self, now: i64) -> Vec<CheckStep> {
        check::run(self, now).await
    }

    /// Reads one resource by its `id`, or by the DN that was made of it, with the way each field came.
    ///
    /// # Errors
    /// [`Error`] when the service could not tell.
    pub async fn one(&self, named: &str) -> Result<One, Error> {
        one::read(self, named).await.map_err(|cause| self.at(cause))
    }

    /// The settings this source was made from.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    fn at(&self, cause: Cause) -> Error {
        cause.at(&self.settings().address.text)
    }

    fn secret(&self) -> Option<&str> {
        self.shared.secret.as_ref().map(Password::expose)
    }

    fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.shared.tls.clone()
    }

    fn admission(&self) -> Arc<dyn Admission> {
        Arc::clone(&self.shared.admission)
    }

    fn kept(&self) -> &members::Kept {
        &self.shared.kept
    }
}

impl fmt::Debug for Scim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scim").field("url", &self.settings().address.text).finish_non_exhaustive()
    }
}
