//! An LDAP directory: read whole, checked step by step, asked about a password. The one door to this folder.
//!
//! A reading is complete only when its [`Reading::outcome`] is `Ok`: every page arrived, each with result code 0 and its paging control,
//! the last with an empty cookie, and no server referred elsewhere. Records seen before an error are not the whole and must not be
//! taken for it.

mod answering;
mod ber;
mod bind;
mod changes;
mod check;
mod connection;
pub(crate) mod dynamic;
pub(crate) mod entry;
mod error;
pub(crate) mod fields;
pub(crate) mod generalized_time;
mod guard;
mod identity;
mod moment;
mod one;
mod primary;
mod profile;
mod range;
mod reading;
mod rootdse;
mod search;
mod servers;
mod settings;
pub mod state;
pub(crate) mod tls;
pub(crate) mod transport;
mod units;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ldap3::LdapResult;
use rustls::ClientConfig;

use answering::Servers;
use bind::Binds;
use connection::Connection;
use entry::Entries;
use identity::Claim;
use search::Query;

pub use bind::{Bar, Verdict};
pub(crate) use check::certificate_step;
pub use check::{CODES as CHECK_CODES, CheckStep, Level, STEPS as CHECK_STEPS, Sample};
pub use entry::Routed;
pub(crate) use error::words;
pub use error::{Cause, Error, Malformed};
pub use one::{Absent, One};
pub use reading::{Reading, Summary};
pub(crate) use settings::client_files;
pub use settings::{Limits, Profile, Referrals, Scope, Server, Settings, SettingsError, SignIn, Tls, TlsMode, Url};
pub use units::{StatedUnit, Units};

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
    /// The attributes asked for, of people and of groups.
    asked: [Vec<String>; 2],
    binds: Binds,
    servers: Servers,
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
        let mut asked = [Kind::Person, Kind::Group].map(|kind| entries.names(kind).to_vec());
        if settings.is_active_directory() {
            asked.iter_mut().for_each(primary::ask);
        }
        Ok(Self { shared: Arc::new(Shared { settings, password, tls, entries, asked, binds, servers: Servers::default() }) })
    }

    /// Streams the whole directory, people first, then groups, within the deadline. Must be called within a Tokio runtime.
    /// At most two pages wait for the reader; dropping the [`Reading`] ends it.
    pub fn read(&self, deadline: Duration) -> Reading {
        reading::start(self.clone(), deadline, |_, _, records| records)
    }

    /// The same with what each entry says of the establishments it belongs to, by the settings' [`Settings::route`].
    pub fn read_routed(&self, deadline: Duration) -> Reading<Routed> {
        reading::start(self.clone(), deadline, |directory, page, records| directory.entries().routed(page, records))
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

    /// Tries the source step by step and shows some records as they would arrive. `now` in seconds since 1970.
    pub async fn check(&self, now: i64) -> Vec<CheckStep> {
        check::run(self, now).await
    }

    /// Reads one entry as a run would, with the way each field came.
    ///
    /// # Errors
    /// [`Error`] when the directory could not tell, or the text is not a DN.
    pub async fn one(&self, dn: &str) -> Result<One, Error> {
        one::read(self, dn).await
    }

    /// Reads the units that the directory keeps entries of. None when the settings name no place for them.
    ///
    /// # Errors
    /// [`Error`] when they could not be read to the end.
    pub async fn units(&self) -> Result<Option<Vec<StatedUnit>>, Error> {
        units::read(self).await
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

    /// The server that answered a reader last; the first of them before any did.
    pub fn answering(&self) -> Option<&str> {
        self.servers().reading.address(&self.settings().urls)
    }

    /// Has readers try this server first, if it is one of the source's: it answered last, as an earlier program remembers.
    pub fn prefer(&self, server: &str) {
        self.servers().reading.prefer(&self.settings().urls, server);
    }

    fn servers(&self) -> &Servers {
        &self.shared.servers
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

    /// What is searched for one kind, base after base.
    fn queries(&self, kind: Kind) -> impl Iterator<Item = Query<'_>> {
        let settings = self.settings();
        let (bases, scope, filter) = match kind {
            Kind::Person => (&settings.base_dns, settings.scope, settings.user_filter.as_str()),
            Kind::Group => (&settings.group_base_dns, settings.group_scope, settings.group_filter.as_str()),
        };
        let scope = match scope {
            Scope::Subtree => ldap3::Scope::Subtree,
            Scope::OneLevel => ldap3::Scope::OneLevel,
        };
        bases.iter().map(move |base| Query {
            base,
            scope,
            filter,
            names: match (kind, &self.shared.asked) {
                (Kind::Person, [people, _]) => people,
                (Kind::Group, [_, groups]) => groups,
            },
            page_size: settings.page_size,
            limits: settings.limits,
            references_expected: settings.referrals == Referrals::Ignore,
        })
    }

    /// Binds at the first server that answers, the one that did last before the others; of several, none takes more than its share of the
    /// sign-in's deadline.
    async fn bind_at_first(&self, dn: &str, password: &Password) -> Result<(String, Connection, LdapResult), Error> {
        let (limits, urls) = (self.settings().limits, &self.settings().urls);
        let share = limits.sign_in / u32::try_from(urls.len() + 1).unwrap_or(u32::MAX);
        let within = if urls.len() > 1 { share } else { limits.sign_in };
        let limits = Limits { connect: limits.connect.min(share), handshake: limits.handshake.min(within), ..limits };
        let mut failed = Cause::GivenUp.at(self.first_server());
        for url in self.servers().sign_in.first(urls) {
            let bound = async {
                let mut connection = self.connect_to(url, &limits).await?;
                let answer = connection.bind(dn, password, within).await?;
                Ok((connection, answer))
            };
            match bound.await {
                Ok((connection, answer)) => {
                    self.servers().sign_in.answered(urls, url);
                    return Ok((url.text.clone(), connection, answer));
                }
                Err(cause) => {
                    let cause: Cause = cause;
                    let last = !cause.concerns_one_server();
                    tracing::debug!(server = %url.text, cause = cause.code(), "directory server left out");
                    failed = cause.at(&url.text);
                    if last {
                        break;
                    }
                }
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
        let urls = &self.settings().urls;
        for url in self.servers().reading.first(urls) {
            match self.open_at(url).await {
                Ok(connection) => {
                    self.servers().reading.answered(urls, url);
                    return Ok((url.text.clone(), connection));
                }
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
