//! A source's settings: read from JSON, completed by the profile, validated whole. Opens no file and no socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fields::Fields;
pub use super::profile::{Profile, Server};
use crate::dn;
use crate::mapping::Mapping;
use crate::route::Route;

/// How many servers a source may name.
pub const URLS_MAX: usize = 8;
/// The longest filter, in bytes, and the deepest.
pub const FILTER_BYTES_MAX: usize = 4096;
/// How deep a filter may nest.
pub const FILTER_DEPTH_MAX: usize = 32;
/// Entries asked for at once when nothing is said: within what every known server allows.
pub const PAGE_SIZE_DEFAULT: u16 = 1000;
/// The bounds of `page_size`.
pub const PAGE_SIZES: std::ops::RangeInclusive<u16> = 10..=5000;

const KEYS: [&str; 12] = [
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
    "sign_in",
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
    /// Where people are.
    pub base_dn: String,
    /// Which entries are people (RFC 4515).
    pub user_filter: String,
    /// Where groups are.
    pub group_base_dn: String,
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
    /// The attribute that `mapping.external_id` names, instead of the server's own key.
    pub external_id: Option<String>,
    /// Entries asked for at once.
    pub page_size: u16,
    /// Whether people may sign in with their directory password.
    pub sign_in: SignIn,
    /// Which establishments an entry names, for a source that feeds several; not part of the JSON.
    pub route: Option<Route>,
    /// Deadlines and bounds; not part of the JSON.
    pub limits: Limits,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// As it was written.
    pub text: String,
    /// A name or an address, without brackets.
    pub host: String,
    /// 389 or 636 when nothing is said.
    pub port: u16,
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
        let base_dn = fields.text("base_dn")?.ok_or_else(|| fields.refuse("base_dn", "needed: the DN under which people are"))?;
        let (mapping, external_id) = mapping(profile, fields.value("mapping"))?;
        let settings = Self {
            urls,
            bind_dn: fields.text("bind_dn")?,
            group_base_dn: fields.text("group_base_dn")?.unwrap_or_else(|| base_dn.clone()),
            base_dn,
            user_filter: fields.text("user_filter")?.unwrap_or_else(|| profile.user_filter().to_owned()),
            group_filter: fields.text("group_filter")?.unwrap_or_else(|| profile.group_filter().to_owned()),
            server: fields.choice("server", &Server::NAMES)?.unwrap_or(by_default),
            profile,
            tls: Tls { mode, ca_file: tls.text("ca_file")?.map(PathBuf::from), client: client_files(&tls)? },
            mapping,
            external_id,
            page_size: fields.number("page_size", &PAGE_SIZES)?.unwrap_or(PAGE_SIZE_DEFAULT),
            sign_in: fields.choice("sign_in", &SignIn::NAMES)?.unwrap_or(SignIn::Bind),
            route: None,
            limits: Limits::default(),
        };
        settings.check(&fields)?;
        Ok(settings)
    }

    fn check(&self, fields: &Fields<'_>) -> Result<(), SettingsError> {
        // An Active Directory account may also be `user@domain` or `DOMAIN\user` (MS-ADTS §5.1.1.1.1).
        let bind_dn = self.bind_dn.as_deref().filter(|dn| !(dn.contains('@') || dn.contains('\\')) || dn.contains('='));
        for (key, value) in [("bind_dn", bind_dn), ("base_dn", Some(self.base_dn.as_str())), ("group_base_dn", Some(&self.group_base_dn))] {
            if let Some(Err(error)) = value.map(dn::normalise) {
                return Err(fields.refuse(key, &format!("not a DN such as `ou=people,dc=example,dc=fr`: {error}")));
            }
        }
        for (key, filter) in [("user_filter", &self.user_filter), ("group_filter", &self.group_filter)] {
            let depth = filter.bytes().scan(0_usize, |depth, byte| {
                *depth = if byte == b'(' { *depth + 1 } else { depth.saturating_sub(usize::from(byte == b')')) };
                Some(*depth)
            });
            if filter.len() > FILTER_BYTES_MAX || depth.max().unwrap_or_default() > FILTER_DEPTH_MAX {
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

impl TlsMode {
    const NAMES: [(&'static str, Self); 3] = [("ldaps", Self::Ldaps), ("starttls", Self::StartTls), ("none", Self::None)];
}

impl SignIn {
    const NAMES: [(&'static str, Self); 2] = [("bind", Self::Bind), ("none", Self::None)];
}

impl Url {
    fn parse(text: &str) -> Result<(Self, bool), String> {
        const FORM: &str = "accepted are `ldaps://host[:port]` and `ldap://host[:port]`";
        let parsed = url::Url::parse(text).map_err(|error| format!("`{text}` is not a URL ({error}); {FORM}"))?;
        let secure = match parsed.scheme() {
            "ldaps" => true,
            "ldap" => false,
            other => return Err(format!("`{other}` is not a scheme for a directory; {FORM}")),
        };
        let bare = matches!(parsed.path(), "" | "/") && parsed.query().is_none() && parsed.fragment().is_none();
        if !bare || !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(format!("`{text}` holds more than a host and a port; {FORM}"));
        }
        let host = match parsed.host() {
            Some(url::Host::Domain(name)) if !name.is_empty() && !name.contains('%') => name.to_ascii_lowercase(),
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
            _ => return Err(format!("`{text}` names no host; {FORM}")),
        };
        let port = parsed.port().unwrap_or(if secure { 636 } else { 389 });
        Ok((Self { text: text.to_owned(), host, port }, secure))
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The servers and when TLS starts. Unsaid, it is what the scheme says; for `ldap://` that is StartTLS, unless nothing leaves the machine.
fn servers(texts: &[String], said: Option<TlsMode>) -> Result<(Vec<Url>, TlsMode), SettingsError> {
    let refuse = |key: &str, reason: String| SettingsError { key: key.to_owned(), reason };
    if texts.is_empty() || texts.len() > URLS_MAX {
        return Err(refuse("urls", format!("needed: 1 to {URLS_MAX} servers, for instance [\"ldaps://ldap.example.fr\"]")));
    }
    let parsed = texts.iter().map(|text| Url::parse(text)).collect::<Result<Vec<_>, _>>().map_err(|reason| refuse("urls", reason))?;
    let (urls, secure): (Vec<Url>, Vec<bool>) = parsed.into_iter().unzip();
    let all_secure = secure.iter().all(|s| *s);
    if !all_secure && secure.iter().any(|s| *s) {
        return Err(refuse("urls", "all servers of a source use the same scheme: `ldaps://` or `ldap://`".to_owned()));
    }
    let mode = match (all_secure, said) {
        (true, None | Some(TlsMode::Ldaps)) => TlsMode::Ldaps,
        (false, None) if urls.iter().all(Url::is_loopback) => TlsMode::None,
        (false, None | Some(TlsMode::StartTls)) => TlsMode::StartTls,
        (false, Some(TlsMode::None)) => TlsMode::None,
        (true, Some(_)) => return Err(refuse("tls.mode", "with `ldaps://` only `ldaps` is accepted".to_owned())),
        (false, Some(TlsMode::Ldaps)) => {
            return Err(refuse("tls.mode", "with `ldap://` accepted are `starttls` and `none`; for `ldaps` write `ldaps://`".to_owned()));
        }
    };
    Ok((urls, mode))
}

fn client_files(tls: &Fields<'_>) -> Result<Option<(PathBuf, PathBuf)>, SettingsError> {
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
