//! The servers of a source, read from their addresses, and when TLS starts with them. Opens no socket.

use super::settings::{SettingsError, TlsMode};

/// How many servers a source may name.
pub const URLS_MAX: usize = 8;

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

    /// True when nothing that is sent there leaves this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The servers and when TLS starts. Unsaid, it is what the scheme says; for `ldap://` that is StartTLS, unless nothing leaves the machine.
pub(super) fn servers(texts: &[String], said: Option<TlsMode>) -> Result<(Vec<Url>, TlsMode), SettingsError> {
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
