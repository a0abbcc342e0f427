//! A source's settings: read from JSON, completed by the profile, validated whole. Opens no file and no socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Fields;
pub use super::profile::{Profile, Server};
pub use super::servers::Url;
use super::servers::servers;
use super::state::AccountState;
use super::units::Units;
use crate::dn;
use crate::mapping::Mapping;
use crate::route::Route;

/// The longest filter, in bytes, and the deepest.
pub const FILTER_BYTES_MAX: usize = 4096;
/// How deep a filter may nest.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Entries asked for at once when nothing is said: within what every known server allows.
pub const PAGE_SIZE_DEFAULT: u16 = 1000;
/// The bounds of `page_size`.
pub const PAGE_SIZES: std::ops::RangeInclusive<u16> = 10..=5000;
/// The bounds of `page_pause_ms`.
pub const PAGE_PAUSES_MS: std::ops::RangeInclusive<u16> = 0..=10_000;

/// How many bases people or groups may have.
pub const BASES_MAX: usize = 64;

const KEYS: [&str; 22] = [
    "urls",
    "bind_dn",
    "base_dn",
    "user_filter",
    "group_base_dn",
    "group_filter",
    "server",
    "profile",
    "tls",
    "mapping",
    "page_size",
    "page_pause_ms",
    "sign_in",
    "scope",
    "group_scope",
    "referrals",
    "account_state",
    "unit_base_dn",
    "unit_filter",
    "unit_name",
    "unit_title",
    "unit_parent",
];
const TLS_KEYS: [&str; 4] = ["mode", "ca_file", "client_cert_file", "client_key_file"];

/// Why settings were refused: the key, and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct SettingsError {
    /// The key, with its path (`tls.mode`, `mapping.email`).
    pub key: String,
    /// What is wrong and what is accepted.
    pub reason: String,
}

/// One LDAP source, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The servers, tried in this order.
    pub urls: Vec<Url>,
    /// The account that reads; none reads anonymously, or by the client certificate.
    pub bind_dn: Option<String>,
    /// Where people are: one base, or several of which none lies within another.
    pub base_dns: Vec<String>,
    /// How deep below their bases people are.
    pub scope: Scope,
    /// Which entries are people (RFC 4515).
    pub user_filter: String,
    /// Where groups are.
    pub group_base_dns: Vec<String>,
    /// How deep below their bases groups are.
    pub group_scope: Scope,
    /// Which entries are groups (RFC 4515).
    pub group_filter: String,
    /// The make of server.
    pub server: Server,
    /// The schema.
    pub profile: Profile,
    /// How the connection is protected.
    pub tls: Tls,
    /// Field → attribute or template, the profile's included.
    pub mapping: Mapping,
    /// What says that an account is closed, over the mapping's attributes.
    pub account_state: AccountState,
    /// What to do when the server points to other servers.
    pub referrals: Referrals,
    /// Where units are, when the directory keeps entries of them.
    pub units: Option<Units>,
    /// The attribute that `mapping.external_id` names, instead of the server's own key.
    pub external_id: Option<String>,
    /// Entries asked for at once.
    pub page_size: u16,
    /// Pause between two pages, to spare a directory that is busy.
    pub page_pause: Duration,
    /// Whether people may sign in with their directory password.
    pub sign_in: SignIn,
    /// Which establishments an entry names, for a source that feeds several; not part of the JSON.
    pub route: Option<Route>,
    /// Deadlines and bounds; not part of the JSON.
    pub limits: Limits,
}

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// LDAPS, StartTLS or nothing.
    pub mode: TlsMode,
    /// The only authorities trusted (PEM); the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// A client certificate (PEM) and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// When TLS starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// With the connection.
    Ldaps,
    /// By request on the plain port (RFC 4511 §4.14).
    StartTls,
    /// Never.
    None,
}

/// Whether a person's password is checked by a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// By a simple bind as the person.
    Bind,
    /// Not by this source.
    None,
}

/// How deep a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base and everything below.
    Subtree,
    /// What lies right below the base.
    OneLevel,
}

/// What a reference to another server means (RFC 4511 §4.5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrals {
    /// Part of what was asked for lies elsewhere: the reading is not complete.
    Refuse,
    /// What lies elsewhere is not wanted.
    Ignore,
}

/// Every deadline and bound of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To resolve a name, and to open one connection.
    pub connect: Duration,
    /// For StartTLS and the TLS handshake together.
    pub handshake: Duration,
    /// For a bind, or the answer to a base search.
    pub answer: Duration,
    /// Between two entries.
    pub stall: Duration,
    /// How long a server that is listened to may say nothing before it is asked whether it is still there.
    pub keepalive: Duration,
    /// To check a person's password, connection included.
    pub sign_in: Duration,
    /// Passwords checked at once.
    pub sign_ins_at_once: usize,
    /// Pages of one search.
    pub pages_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            answer: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            keepalive: Duration::from_mins(1),
            sign_in: Duration::from_secs(5),
            sign_ins_at_once: 16,
            pages_max: 100_000,
        }
    }
}

impl Settings {
    /// Reads and validates the `settings` of a source; `bind_password` is handed over apart.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key and the accepted values.
    pub fn parse(json: &Value) -> Result<Self, SettingsError> {
        let fields = Fields::new(json, "", &KEYS)?;
        let profile = fields.choice("profile", &Profile::NAMES)?.unwrap_or(Profile::InetOrgPerson);
        let by_default = if profile == Profile::ActiveDirectory { Server::ActiveDirectory } else { Server::Auto };
        let urls = fields.texts("urls")?;
        let tls = Fields::maybe(fields.value("tls"), "tls.", &TLS_KEYS)?;
        let (urls, mode) = servers(&urls, tls.choice("mode", &TlsMode::NAMES)?)?;
        let base_dns = fields.one_or_more("base_dn")?;
        if base_dns.is_empty() {
            return Err(fields.refuse("base_dn", "needed: the DN under which people are, or a list of them"));
        }
        let group_base_dns = Some(fields.one_or_more("group_base_dn")?).filter(|said| !said.is_empty());
        let (mut mapping, external_id) = mapping(profile, fields.value("mapping"))?;
        let account_state = AccountState::compile(fields.value("account_state"), profile.account_state(), &mut mapping)
            .map_err(|reason| fields.refuse("account_state", &reason))?;
        let scope = fields.choice("scope", &Scope::NAMES)?.unwrap_or(Scope::Subtree);
        // Active Directory answers a search of its root with references to its other naming contexts; elsewhere they hide people.
        let server = fields.choice("server", &Server::NAMES)?.unwrap_or(by_default);
        let usual = if server == Server::ActiveDirectory { Referrals::Ignore } else { Referrals::Refuse };
        let settings = Self {
            urls,
            bind_dn: fields.text("bind_dn")?,
            group_base_dns: group_base_dns.unwrap_or_else(|| base_dns.clone()),
            base_dns,
            scope,
            group_scope: fields.choice("group_scope", &Scope::NAMES)?.unwrap_or(Scope::Subtree),
            user_filter: fields.text("user_filter")?.unwrap_or_else(|| profile.user_filter().to_owned()),
            group_filter: fields.text("group_filter")?.unwrap_or_else(|| profile.group_filter().to_owned()),
            server,
            profile,
            tls: Tls { mode, ca_file: tls.text("ca_file")?.map(PathBuf::from), client: client_files(&tls)? },
            mapping,
            account_state,
            referrals: fields.choice("referrals", &Referrals::NAMES)?.unwrap_or(usual),
            units: Units::parse(&fields, profile)?,
            external_id,
            page_size: fields.number("page_size", &PAGE_SIZES)?.unwrap_or(PAGE_SIZE_DEFAULT),
            page_pause: Duration::from_millis(fields.number("page_pause_ms", &PAGE_PAUSES_MS)?.unwrap_or_default().into()),
            sign_in: fields.choice("sign_in", &SignIn::NAMES)?.unwrap_or(SignIn::Bind),
            route: None,
            limits: Limits::default(),
        };
        settings.check(&fields)?;
        Ok(settings)
    }

    /// True when the settings say that this is Active Directory, by its name or by its schema.
    pub(super) fn is_active_directory(&self) -> bool {
        self.server == Server::ActiveDirectory || self.profile == Profile::ActiveDirectory
    }

    fn check(&self, fields: &Fields<'_>) -> Result<(), SettingsError> {
        // An Active Directory account may also be `user@domain` or `DOMAIN\user` (MS-ADTS §5.1.1.1.1).
        let bind_dn = self.bind_dn.as_deref().filter(|dn| !(dn.contains('@') || dn.contains('\\')) || dn.contains('='));
        let refuse_dn = |key: &str, error| fields.refuse(key, &format!("not a DN such as `ou=people,dc=example,dc=fr`: {error}"));
        if let Some(Err(error)) = bind_dn.map(dn::normalise) {
            return Err(refuse_dn("bind_dn", error));
        }
        for (key, bases) in [("base_dn", &self.base_dns), ("group_base_dn", &self.group_base_dns)] {
            let normal =
                bases.iter().map(|base| dn::normalise(base)).collect::<Result<Vec<_>, _>>().map_err(|error| refuse_dn(key, error))?;
            let apart =
                |(at, one): (usize, &String)| normal.iter().skip(at + 1).all(|other| !dn::within(one, other) && !dn::within(other, one));
            if bases.len() > BASES_MAX || !normal.iter().enumerate().all(apart) {
                return Err(fields.refuse(key, &format!("accepted: one DN, or at most {BASES_MAX} of which none lies within another")));
            }
        }
        for (key, filter) in [("user_filter", &self.user_filter), ("group_filter", &self.group_filter)] {
            if !is_bounded(filter) {
                return Err(fields.refuse(key, &format!("longer than {FILTER_BYTES_MAX} bytes or nested deeper than {FILTER_DEPTH_MAX}")));
            }
            if ldap3::parse_filter(filter).is_err() {
                return Err(fields.refuse(key, "not a filter such as `(objectClass=inetOrgPerson)` (RFC 4515)"));
            }
        }
        if self.tls.mode == TlsMode::None && (self.tls.ca_file.is_some() || self.tls.client.is_some()) {
            return Err(fields.refuse("tls.mode", "`none` uses no certificate file; accepted with them: `ldaps`, `starttls`"));
        }
        Ok(())
    }
}

/// Whether a filter is short and flat enough to be read: reading it recurses.
pub(super) fn is_bounded(filter: &str) -> bool {
    let depth = filter.bytes().scan(0_usize, |depth, byte| {
        *depth = if byte == b'(' { *depth + 1 } else { depth.saturating_sub(usize::from(byte == b')')) };
        Some(*depth)
    });
    filter.len() <= FILTER_BYTES_MAX && depth.max().unwrap_or_default() <= FILTER_DEPTH_MAX
}

impl TlsMode {
    const NAMES: [(&'static str, Self); 3] = [("ldaps", Self::Ldaps), ("starttls", Self::StartTls), ("none", Self::None)];
}

impl Scope {
    const NAMES: [(&'static str, Self); 2] = [("subtree", Self::Subtree), ("one_level", Self::OneLevel)];
}

impl Referrals {
    const NAMES: [(&'static str, Self); 2] = [("refuse", Self::Refuse), ("ignore", Self::Ignore)];
}

impl SignIn {
    const NAMES: [(&'static str, Self); 2] = [("bind", Self::Bind), ("none", Self::None)];
}

pub(crate) fn client_files(tls: &Fields<'_>) -> Result<Option<(PathBuf, PathBuf)>, SettingsError> {
    match (tls.text("client_cert_file")?, tls.text("client_key_file")?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate.into(), key.into()))),
        (Some(_), None) => Err(tls.refuse("client_key_file", "needed with `client_cert_file`")),
        (None, Some(_)) => Err(tls.refuse("client_cert_file", "needed with `client_key_file`")),
    }
}

/// The profile's declarations with the source's own over them; an empty text takes a field of the profile away.
fn mapping(profile: Profile, said: Option<&Value>) -> Result<(Mapping, Option<String>), SettingsError> {
    let empty = Map::new();
    let own = match said {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(own)) => own,
        Some(_) => return Err(SettingsError { key: "mapping".into(), reason: "accepted: {field: attribute or template}".into() }),
    };
    let mut declared: BTreeMap<String, String> = profile.mapping();
    for (field, value) in own {
        let Value::String(text) = value else {
            return Err(SettingsError { key: format!("mapping.{field}"), reason: "accepted: an attribute or a template, as text".into() });
        };
        if text.trim().is_empty() {
            declared.remove(field);
        } else {
            declared.insert(field.clone(), text.trim().to_owned());
        }
    }
    let refuse = |error: crate::mapping::MappingError| SettingsError { key: format!("mapping.{}", error.field), reason: error.reason };
    let external_id = declared.remove("external_id");
    if let Some(name) = &external_id
        && !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
    {
        return Err(SettingsError { key: "mapping.external_id".into(), reason: "accepted: one attribute that never changes".into() });
    }
    Ok((Mapping::compile(&declared).map_err(refuse)?, external_id))
}
