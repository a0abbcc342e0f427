//! The address of a service, read and checked. Calls nobody.

use crate::ldap::Url;

/// An address to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As it was written.
    pub text: String,
    /// The server.
    pub(super) server: Url,
    /// Whether it is called under TLS.
    pub(super) secure: bool,
    /// What stands after the server, without a slash at its end.
    pub(super) path: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is accepted.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "accepted is `https://host[:port]/path`";
        let parsed = url::Url::parse(text).map_err(|error| format!("`{text}` is not a URL ({error}); {FORM}"))?;
        let host = match parsed.host() {
            Some(url::Host::Domain(name)) if !name.is_empty() && !name.contains('%') => name.to_ascii_lowercase(),
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
            _ => return Err(format!("`{text}` names no host; {FORM}")),
        };
        let (secure, usual) = match parsed.scheme() {
            "https" => (true, 443),
            "http" => (false, 80),
            other => return Err(format!("`{other}` is not a scheme for a SCIM service; {FORM}")),
        };
        if parsed.query().is_some() || parsed.fragment().is_some() || !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(format!("`{text}` holds more than a host, a port and a path; {FORM}"));
        }
        let server = Url { text: text.to_owned(), host, port: parsed.port().unwrap_or(usual) };
        if !secure && !server.is_loopback() {
            return Err("use `https://`: a token never leaves this machine in clear".to_owned());
        }
        Ok(Self { text: text.to_owned(), server, secure, path: parsed.path().trim_end_matches('/').to_owned() })
    }

    /// Whether both lead to one place in one way: what may be told to one of them may be told to the other. Another path of the same server may be
    /// another tenant's, or one that shows what it is sent.
    pub fn leads_where(&self, other: &Self) -> bool {
        (&self.server.host, self.server.port, self.secure, &self.path) == (&other.server.host, other.server.port, other.secure, &other.path)
    }

    /// The value of the `Host` header (RFC 9110 §7.2).
    pub(super) fn authority(&self) -> String {
        let host = if self.server.host.contains(':') { format!("[{}]", self.server.host) } else { self.server.host.clone() };
        let usual = if self.secure { 443 } else { 80 };
        if self.server.port == usual { host } else { format!("{host}:{}", self.server.port) }
    }
}
