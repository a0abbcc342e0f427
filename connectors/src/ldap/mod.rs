//! An LDAP directory: read whole, checked step by step, asked about a password. The one door to this folder.
//!
//! A reading is complete only when its [`Reading::outcome`] is `Ok`: every page arrived, each with result code 0 and its paging control,
//! the last with an empty cookie, and no server referred elsewhere. Records seen before an error are not the whole and must not be
//! taken for it.

mod ber;
mod bind;
mod changes;
mod check;
mod connection;
mod entry;
mod error;
mod fields;
mod guard;
mod identity;
mod profile;
mod range;
mod reading;
mod search;
mod settings;
mod tls;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use bind::Binds;
use connection::Connection;
use entry::Entries;
use identity::Claim;
use search::Query;

pub use bind::Verdict;
pub use check::CheckStep;
pub use entry::Routed;
pub use error::{Cause, Error, Malformed};
pub use reading::{Reading, Summary};
pub use settings::{Limits, Profile, Server, Settings, SettingsError, SignIn, Tls, TlsMode, Url};

use crate::changes::{Bookmark, Changes, Following};
use crate::record::Kind;
use crate::secret::Password;

/// One LDAP source; cheap to clone, its sign-in connections shared by the clones.
#[derive(Clone)]
pub struct Directory {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    password: Option<Password>,
    tls: Option<Arc<ClientConfig>>,
    entries: Entries,
    binds: Binds,
}

impl Directory {
    /// Prepares a source: reads certificate files, opens no socket.
    ///
    /// # Errors
    /// A certificate file that cannot be used, no trusted authority, or a `bind_dn` without its password.
    pub async fn new(settings: Settings, password: Option<Password>) -> Result<Self, Error> {
        let server = settings.urls.first().map(|url| url.text.clone()).unwrap_or_default();
        let password = password.filter(|password| !password.is_empty());
        if settings.bind_dn.is_some() && password.is_none() {
            return Err(Cause::NoBindPassword.at(&server));
        }
        let tls = match settings.tls.mode {
            TlsMode::None => None,
            TlsMode::Ldaps | TlsMode::StartTls => Some(tls::client(&settings.tls).await.map_err(|cause| cause.at(&server))?),
        };
        let (entries, binds) = (Entries::new(&settings), Binds::new(settings.limits.sign_ins_at_once));
        Ok(Self { shared: Arc::new(Shared { settings, password, tls, entries, binds }) })
    }

    /// Streams the whole directory, people first, then groups, within the deadline. Must be called within a Tokio runtime.
    /// At most two pages wait for the reader; dropping the [`Reading`] ends it.
    pub fn read(&self, deadline: Duration) -> Reading {
        reading::start(self.clone(), deadline, |directory, kind, page| directory.entries().records(kind, page))
    }

    /// The same with what each entry says of the establishments it belongs to, by the settings' [`Settings::route`].
    pub fn read_routed(&self, deadline: Duration) -> Reading<Routed> {
        reading::start(self.clone(), deadline, |directory, kind, page| directory.entries().routed(kind, page))
    }

    /// Streams what changed since a bookmark, within the deadline. None when this server is read whole.
    pub fn changes(&self, since: &Bookmark, deadline: Duration) -> Option<Changes> {
        changes::start(self, since, deadline)
    }

    /// Listens for changes from a bookmark on (RFC 4533 §3.4). None when this server announces none.
    pub fn follow(&self, since: &Bookmark) -> Option<Following> {
        changes::follow(self, since)
    }

    /// A digest of everything that makes a bookmark of this source valid: servers, bases, filters, attributes asked for, account.
    pub fn belongs_to(&self) -> String {
        changes::belongs_to(self)
    }

    /// Tries the source step by step and shows some records as they would arrive.
    pub async fn check(&self) -> Vec<CheckStep> {
        check::run(self).await
    }

    /// Checks a person's password by a simple bind (RFC 4513 §5.1.3) on connections of its own. An empty password is refused unasked,
    /// and so is a right one once the entry at this DN has another key than `external_id`: it is somebody else's.
    ///
    /// # Errors
    /// [`Error`] when the directory could not tell.
    pub async fn verify_password(&self, dn: &str, external_id: &str, password: &Password) -> Result<Verdict, Error> {
        bind::verify(self, &Claim { dn, external_id }, password).await
    }

    /// The settings this source was made from.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    fn entries(&self) -> &Entries {
        &self.shared.entries
    }

    fn binds(&self) -> &Binds {
        &self.shared.binds
    }

    fn tls(&self) -> Option<Arc<ClientConfig>> {
        self.shared.tls.clone()
    }

    fn first_server(&self) -> &str {
        self.settings().urls.first().map_or("", |url| url.text.as_str())
    }

    fn query(&self, kind: Kind) -> Query<'_> {
        let settings = self.settings();
        let (base, filter) = match kind {
            Kind::Person => (settings.base_dn.as_str(), settings.user_filter.as_str()),
            Kind::Group => (settings.group_base_dn.as_str(), settings.group_filter.as_str()),
        };
        Query {
            base,
            filter,
            names: self.entries().names(kind),
            page_size: settings.page_size,
            limits: settings.limits,
            references_expected: settings.server == Server::ActiveDirectory,
        }
    }

    /// Connects to the first server that answers, no server taking more than its share of the sign-in's deadline.
    async fn connect_for_sign_in(&self) -> Result<(String, Connection), Error> {
        let limits = self.settings().limits;
        let share = limits.sign_in / u32::try_from(self.settings().urls.len() + 1).unwrap_or(u32::MAX);
        let limits = Limits { connect: limits.connect.min(share), ..limits };
        let mut failed = Cause::GivenUp.at(self.first_server());
        for url in &self.settings().urls {
            match self.connect_to(url, &limits).await {
                Ok(connection) => return Ok((url.text.clone(), connection)),
                Err(cause) if cause.concerns_one_server() => {
                    tracing::debug!(server = %url.text, cause = cause.code(), "directory server left out");
                    failed = cause.at(&url.text);
                }
                Err(cause) => return Err(cause.at(&url.text)),
            }
        }
        Err(failed)
    }

    async fn connect_to(&self, url: &Url, limits: &Limits) -> Result<Connection, Cause> {
        let addresses = transport::resolve(url, limits).await?;
        let (_, stream) = transport::dial(&addresses, limits).await?;
        let stream = transport::secure(stream, &url.host, self.settings().tls.mode, self.tls(), limits).await?;
        Connection::start(stream).await
    }

    /// Connects and binds as the service account; a server that cannot be bound to is passed over like one that does not answer.
    async fn open(&self) -> Result<(String, Connection), Error> {
        let mut failed = Cause::GivenUp.at(self.first_server());
        for url in &self.settings().urls {
            match self.open_at(url).await {
                Ok(connection) => return Ok((url.text.clone(), connection)),
                Err(cause) => {
                    let last = !cause.concerns_one_server();
                    failed = cause.at(&url.text);
                    if last {
                        break;
                    }
                }
            }
        }
        Err(failed)
    }

    /// Connects to this server and binds as the service account.
    async fn open_at(&self, url: &Url) -> Result<Connection, Cause> {
        let mut connection = self.connect_to(url, &self.settings().limits).await?;
        self.bind(&mut connection).await?;
        Ok(connection)
    }

    async fn bind(&self, connection: &mut Connection) -> Result<(), Cause> {
        let within = self.settings().limits.answer;
        let (answer, dn) = match (&self.settings().bind_dn, &self.shared.password) {
            (Some(dn), Some(password)) => (connection.bind(dn, password, within).await?, dn.as_str()),
            (Some(_), None) => return Err(Cause::NoBindPassword),
            (None, _) if self.settings().tls.client.is_some() => (connection.bind_by_certificate(within).await?, "the client certificate"),
            (None, _) => return Ok(()),
        };
        match answer.rc {
            0 => Ok(()),
            32 | 34 | 48 | 49 | 53 => Err(Cause::BindRefused { dn: dn.to_owned(), code: answer.rc, text: answer.text }),
            _ => Err(connection::refusal(answer, dn, 0)),
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("urls", &self.settings().urls).finish_non_exhaustive()
    }
}
