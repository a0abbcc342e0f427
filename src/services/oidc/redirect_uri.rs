//! Which redirect URIs may be registered, and when one is registered. The only place that reads a redirect URI.
//!
//! Comparison is of exact strings (RFC 9700 §2.1): a URI parsed two ways was a hole elsewhere (CVE-2024-8883, CVE-2026-7504).

use url::{Host, Url};

use crate::types::Invalid;

/// Longest redirect URI, in bytes.
const URI_MAX_BYTES: usize = 2000;
/// Schemes that would run or show something instead of returning to an application.
const SCHEMES_REFUSED: [&str; 9] = ["javascript", "data", "vbscript", "file", "blob", "about", "ws", "wss", "ftp"];

/// Whether a URI sent is one of those registered: the exact string, so also the same case, port, path and query.
pub fn is_registered(sent: &str, registered: &[String]) -> bool {
    registered.iter().any(|known| known == sent)
}

/// Whether a URI may be registered for a client: https, http to the loopback (RFC 8252 §7.3), or an application's own scheme,
/// which has a dot (RFC 8252 §7.1).
///
/// # Errors
/// `Invalid` with what is wrong and what would be accepted.
pub fn registrable_redirect_uri(raw: &str) -> Result<(), Invalid> {
    let refuse = |why: &str| Err(Invalid::new("redirect_uris", format!("«{raw}»: {why}")));
    if raw.is_empty() || raw.len() > URI_MAX_BYTES {
        return refuse("a redirect URI has 1 to 2,000 bytes");
    }
    if !raw.bytes().all(|b| matches!(b, 0x21..=0x7e)) || raw.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}']) {
        return refuse("percent-encode everything but the characters of a URI (RFC 3986)");
    }
    let Ok(parsed) = Url::parse(raw) else {
        return refuse("give an absolute URI, for instance https://app.example.fr/callback");
    };
    if parsed.fragment().is_some() || raw.contains('#') {
        return refuse("leave out the fragment, the part from # on");
    }
    if raw.contains('*') {
        return refuse("wildcards are not accepted: register each URI in full");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return refuse("leave out the user name and password");
    }
    if has_dot_segments(raw) {
        return refuse("leave out the . and .. steps of the path");
    }
    match parsed.scheme() {
        "https" => with_authority(raw, &parsed, refuse),
        "http" if is_loopback(&parsed) => with_authority(raw, &parsed, refuse),
        "http" => refuse("use https; http is accepted for localhost, 127.0.0.1 and [::1] only"),
        scheme if SCHEMES_REFUSED.contains(&scheme) => refuse("this scheme is not one to return to: use https"),
        scheme if scheme.contains('.') => Ok(()),
        _ => refuse("an application's own scheme has a dot, for instance fr.example.app:/callback (RFC 8252)"),
    }
}

/// What a page's `form-action` must list so that a browser may follow the redirect after a form: an origin, or a scheme of an application.
pub fn form_target(redirect_uri: &str) -> Option<String> {
    let parsed = Url::parse(redirect_uri).ok()?;
    match parsed.scheme() {
        "https" | "http" => Some(parsed.origin().ascii_serialization()),
        scheme => Some(format!("{scheme}:")),
    }
}

/// A browser reads `https:host` and `https:///host` as `https://host`: only the plain form is registered.
fn with_authority(raw: &str, parsed: &Url, refuse: impl Fn(&str) -> Result<(), Invalid>) -> Result<(), Invalid> {
    let after = raw.split_once("://").map(|(_, rest)| rest);
    if parsed.host().is_none() || after.is_none_or(|rest| rest.starts_with(['/', '?', ':'])) {
        return refuse("write a host after ://, for instance https://app.example.fr/callback");
    }
    Ok(())
}

fn is_loopback(parsed: &Url) -> bool {
    match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn has_dot_segments(raw: &str) -> bool {
    let path = raw.split('?').next().unwrap_or_default();
    path.split('/').any(|step| {
        let plain = step.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_ones_may_be_registered() {
        for raw in [
            "https://app.example.fr/callback",
            "https://app.example.fr",
            "https://app.example.fr:8443/cb?x=1&y=%C3%A9",
            "http://127.0.0.1:9000/cb",
            "http://localhost/cb",
            "http://[::1]:80/cb",
            "fr.example.app:/cb",
        ] {
            assert_eq!(registrable_redirect_uri(raw), Ok(()), "{raw}");
        }
    }

    #[test]
    fn hostile_and_careless_ones_are_refused() {
        for raw in [
            "",
            "/callback",
            "app.example.fr/callback",
            "http://app.example.fr/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "https://app.example.fr/cb#top",
            "https://app.example.fr/cb#",
            "https://*.example.fr/cb",
            "https://app.example.fr/*",
            "https://user:password@app.example.fr/cb",
            "https://app.example.fr@evil.example/cb",
            "https:app.example.fr/cb",
            "https:///app.example.fr/cb",
            "https:\\\\app.example.fr/cb",
            "https://app.example.fr/a/../b",
            "https://app.example.fr/a/%2e%2E/b",
            "https://app.example.fr/c b",
            "https://app.example.fr/cb\r\nSet-Cookie: a=b",
            "https://café.example/cb",
            "javascript:alert(1)",
            "javascript://app.example.fr/%0aalert(1)",
            "data:text/html,hi",
            "myapp:/cb",
            "file:///etc/passwd",
        ] {
            assert!(registrable_redirect_uri(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn only_the_exact_string_is_registered() {
        let registered = ["https://app.example.fr/cb".to_owned()];
        assert!(is_registered("https://app.example.fr/cb", &registered));
        for sent in [
            "https://app.example.fr/cb/",
            "https://app.example.fr/cb?x=1",
            "https://app.example.fr/CB",
            "https://app.example.fr:443/cb",
            "https://APP.example.fr/cb",
            "https://app.example.fr/cb/../cb",
            "https://app.example.fr/cb%20",
            " https://app.example.fr/cb",
        ] {
            assert!(!is_registered(sent, &registered), "{sent}");
        }
    }

    #[test]
    fn form_targets_are_origins_or_schemes() {
        assert_eq!(form_target("https://app.example.fr:8443/cb?x").as_deref(), Some("https://app.example.fr:8443"));
        assert_eq!(form_target("fr.example.app:/cb").as_deref(), Some("fr.example.app:"));
    }
}
