//! Cookies: their names, their attributes, and how they are read. What their values mean is decided by `services::login`.
//!
//! Names carry the establishment, so that two of them never read each other's cookie. Over https the names begin with `__Host-`, which
//! browsers accept with `Secure`, the path `/` and no domain only: no neighbouring host can plant one (RFC 6265bis §4.1.3.2).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// Most cookies read of one request.
const COOKIES_MAX: usize = 200;
/// How long the choice of an establishment is remembered, in seconds: a school year.
const LAST_LIFETIME_S: u32 = 31_536_000;

/// A cookie of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name<'a> {
    /// The session in an establishment.
    Session(&'a str),
    /// The browser, as an establishment's interactions know it.
    Browser(&'a str),
    /// The establishment chosen last.
    Last,
}

impl Name<'_> {
    fn text(self, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        match self {
            Self::Session(slug) => format!("{prefix}passerelle-session-{slug}"),
            Self::Browser(slug) => format!("{prefix}passerelle-browser-{slug}"),
            Self::Last => format!("{prefix}passerelle-last"),
        }
    }
}

/// The value of a cookie. One that came twice is nobody's: one of the two was planted.
pub(super) fn read(headers: &HeaderMap, name: Name<'_>, secure: bool) -> Option<String> {
    let wanted = name.text(secure);
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    let mut found = pairs.take(COOKIES_MAX).filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == wanted);
    let (_, value) = found.next()?;
    if found.next().is_some() || value.is_empty() { None } else { Some(value.to_owned()) }
}

/// The `Set-Cookie` line of a new value.
pub(super) fn set(name: Name<'_>, value: &str, secure: bool) -> String {
    let lifetime = match name {
        // Until the browser is closed: computers are shared (SECURITY 4).
        Name::Session(_) | Name::Browser(_) => String::new(),
        Name::Last => format!("; Max-Age={LAST_LIFETIME_S}"),
    };
    line(name, value, &lifetime, secure)
}

/// The `Set-Cookie` line that removes a cookie.
pub(super) fn remove(name: Name<'_>, secure: bool) -> String {
    line(name, "", "; Max-Age=0", secure)
}

fn line(name: Name<'_>, value: &str, lifetime: &str, secure: bool) -> String {
    let secure_flag = if secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{lifetime}{secure_flag}", name.text(secure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn establishments_never_read_each_others_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("passerelle-session-a=1; passerelle-session-b=2; passerelle-browser-a=3"));
        assert_eq!(read(&headers, Name::Session("a"), false).as_deref(), Some("1"));
        assert_eq!(read(&headers, Name::Session("b"), false).as_deref(), Some("2"));
        assert_eq!(read(&headers, Name::Session("c"), false), None);
        assert_eq!(read(&headers, Name::Session("a"), true), None);
    }

    #[test]
    fn a_cookie_planted_beside_ours_makes_both_worthless() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("passerelle-session-a=1"));
        headers.append(COOKIE, HeaderValue::from_static("passerelle-session-a=2"));
        assert_eq!(read(&headers, Name::Session("a"), false), None);
    }

    #[test]
    fn over_https_cookies_are_bound_to_the_host() {
        let made = set(Name::Session("a"), "v", true);
        assert_eq!(made, "__Host-passerelle-session-a=v; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert!(remove(Name::Session("a"), true).contains("Max-Age=0"));
    }
}
