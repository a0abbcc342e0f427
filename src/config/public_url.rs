//! The public address: the one every link and issuer starts with. It comes from here and never from a request's `Host`.

use url::{Host, Url};

use super::setting::{Accepted, Setting};

/// Where `passerelle serve` answers when nothing is set.
pub(super) const DEFAULT: &str = "http://127.0.0.1:8080";

pub(super) const SETTINGS: &[Setting] = &[Setting {
    key: "public_url",
    accepted: Accepted::Text {
        form: "an https address without path or trailing slash, such as https://id.example.fr (http only on this machine itself)",
        check,
        secret: false,
    },
    meaning: "The address people and applications use. Every link and every issuer starts with it, so changing it later changes the issuers. \
              A reverse proxy that ends TLS passes requests on to `listen.address`.",
}];

fn check(raw: &str) -> Result<(), String> {
    let url = Url::parse(raw).map_err(|error| format!("is not an absolute address ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme {}, which browsers do not sign in with", url.scheme()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or a password".to_owned());
    }
    let origin = url.origin().ascii_serialization();
    if url.path() != "/" {
        return Err(format!("has a path, and cookies and discovery need the root of a host: write \"{origin}\""));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("is plain http on a host other than this machine, so passwords would travel in clear".to_owned());
    }
    // Issuers are compared as texts (OpenID Connect Core §3.1.3.7), so there is one way to write the address.
    if raw != origin {
        return Err(format!("is not in its plain form: write \"{origin}\""));
    }
    Ok(())
}

/// Whether an address is this machine's own.
pub(super) fn is_of_this_machine(public_url: &str) -> bool {
    Url::parse(public_url).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
