//! Calls to addresses that clients name (SECURITY 8): resolved, refused when private unless allowed, pinned to what was looked at, never
//! redirected, and ended in time. Directories are named by whoever administers their source, and are called by the connector.

mod line;

pub use line::{Answer, Carried, Line, Verb};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

use crate::types::network::{Hosts, is_public};

/// Longest address, in bytes.
const URL_MAX_BYTES: usize = 2000;
/// A call ends after this, wherever it stands: name, connection, TLS, answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// Bytes of an answer's head. Its body is not read: only the status counts.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// How the gateway names itself.
const NAME: &str = concat!("passerelle/", env!("CARGO_PKG_VERSION"));

/// Why an address is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no address to call.
    #[error("{0}")]
    Form(&'static str),
    /// It is private, or this machine's own, and not allowed. Which one is for the log only: what a name leads to within is not told.
    #[error("it is, or leads to, a private address or this machine's own: an operator allows it in egress.private_hosts_allowed")]
    Private(String),
    /// It would be called in plain text.
    #[error("use https; plain http is accepted for hosts in egress.private_hosts_allowed only")]
    Plain,
}

/// Why a call had no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It was not made, and will not be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was tried; another time it may succeed.
    #[error("{0}")]
    Failed(String),
}

fn failed(step: &str, cause: impl fmt::Display) -> CallError {
    CallError::Failed(format!("{step}: {cause}"))
}

/// Calls what clients name.
pub struct Egress {
    allowed: Hosts,
    /// Whether this machine may be called: the gateway itself is served on it alone.
    loopback: bool,
    deadline: Duration,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("allowed", &self.allowed).field("loopback", &self.loopback).finish_non_exhaustive()
    }
}

impl Egress {
    /// A policy. Certificates are checked against the authorities of the system, which are read when first needed.
    pub fn new(allowed: Hosts, loopback: bool) -> Self {
        Self { allowed, loopback, deadline: DEADLINE, tls: OnceCell::new() }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same with authorities of one's own.
    ///
    /// # Errors
    /// When the cryptography offers no version of TLS.
    pub fn with_authorities(self, roots: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self { tls: OnceCell::new_with(Some(client(roots)?)), ..self })
    }

    /// Whether an address may be registered: its form, and its host when that is an address itself. A name is looked at when it is called.
    ///
    /// # Errors
    /// `Refusal` says what is wrong and what would be accepted.
    pub fn check(&self, raw: &str) -> Result<Url, Refusal> {
        if raw.is_empty() || raw.len() > URL_MAX_BYTES {
            return Err(Refusal::Form("an address has 1 to 2,000 bytes"));
        }
        if !raw.bytes().all(|b| matches!(b, 0x21..=0x7e)) || raw.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}']) {
            return Err(Refusal::Form("percent-encode everything but the characters of a URI (RFC 3986)"));
        }
        if raw.contains('#') {
            return Err(Refusal::Form("leave out the fragment, the part from # on"));
        }
        let absolute = Refusal::Form("give an absolute address, for instance https://app.example.fr/path");
        let parsed = Url::parse(raw).map_err(|_| absolute.clone())?;
        if !matches!(parsed.scheme(), "https" | "http") {
            return Err(Refusal::Form("use https"));
        }
        // `https:host` and `https:///host` are read as `https://host` by some and not by others.
        if raw.split_once("://").is_none_or(|(_, rest)| rest.starts_with(['/', '?', ':'])) {
            return Err(absolute);
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(Refusal::Form("leave out the user name and password"));
        }
        let host = parsed.host().ok_or(absolute)?;
        let (known, here) = match &host {
            Host::Domain(name) => (self.allowed.names(name), is_own_name(name)),
            Host::Ipv4(v4) => self.admit(IpAddr::V4(*v4)).map(|()| (self.allowed.contains(IpAddr::V4(*v4)), v4.is_loopback()))?,
            Host::Ipv6(v6) => self.admit(IpAddr::V6(*v6)).map(|()| (self.allowed.contains(IpAddr::V6(*v6)), v6.is_loopback()))?,
        };
        if here && !known && !self.loopback {
            return Err(Refusal::Private(host.to_string()));
        }
        if parsed.scheme() == "http" && !known && !here { Err(Refusal::Plain) } else { Ok(parsed) }
    }

    fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        let own = self.loopback && address.to_canonical().is_loopback();
        if is_public(address) || own || self.allowed.contains(address) { Ok(()) } else { Err(Refusal::Private(address.to_string())) }
    }

    /// The same policy by itself, for connectors, which call on their own.
    #[must_use]
    pub fn policy(&self) -> Self {
        Self::new(self.allowed.clone(), self.loopback)
    }

    /// Posts a form, and answers the status. A redirect is an answer like any other.
    ///
    /// # Errors
    /// `Refused` when the policy is against it, `Failed` when nobody answered in time.
    pub async fn post_form(&self, raw: &str, form: &[(&str, &str)]) -> Result<u16, CallError> {
        let url = self.check(raw)?;
        let body = serde_urlencoded::to_string(form).map_err(|error| failed("the form cannot be written", error))?;
        let called = timeout(self.deadline, self.call(&url, body)).await;
        called.map_err(|_| CallError::Failed(format!("no answer within {} seconds", self.deadline.as_secs())))?
    }

    async fn call(&self, url: &Url, body: String) -> Result<u16, CallError> {
        let stream = connect(&self.resolve(url).await?).await?;
        if url.scheme() == "http" {
            return post(stream, url, body).await;
        }
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|error| failed("no name for a certificate", error))?;
        let tls = self.tls.get_or_try_init(system_client).await?.clone();
        let sealed = TlsConnector::from(tls).connect(name, stream).await.map_err(|error| failed("the TLS handshake failed", error))?;
        post(sealed, url, body).await
    }

    /// The addresses behind a host, each of which may be called. The connection goes to one of them and to nothing looked up again, so that
    /// a name cannot turn to another address meanwhile.
    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, CallError> {
        let port = url.port_or_known_default().ok_or(Refusal::Form("name a port"))?;
        let addresses: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(v4)) => vec![(v4, port).into()],
            Some(Host::Ipv6(v6)) => vec![(v6, port).into()],
            Some(Host::Domain(name)) => {
                let found = lookup_host((name, port)).await.map_err(|error| failed("the host is not found", error))?;
                let found: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
                if !self.allowed.names(name) {
                    // One private address among public ones is refused as well: which is taken would be the name's to choose.
                    let admitted = found.iter().try_for_each(|address| self.admit(address.ip()));
                    admitted.inspect_err(|refusal| tracing::warn!(host = name, ?refusal, "a private address is not called"))?;
                }
                found
            }
            None => Vec::new(),
        };
        if addresses.is_empty() { Err(CallError::Failed("the host has no address".to_owned())) } else { Ok(addresses) }
    }
}

impl connectors::scim::Admission for Egress {
    fn admits(&self, host: &str, address: IpAddr) -> bool {
        self.allowed.names(host) || self.admit(address).is_ok()
    }
}

/// Names that mean this machine, whatever they resolve to (RFC 6761 §6.3).
fn is_own_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, CallError> {
    let mut last = CallError::Failed("the host has no address".to_owned());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failed("no connection", error),
        }
    }
    Err(last)
}

async fn post(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, url: &Url, body: String) -> Result<u16, CallError> {
    let broken = |error: hyper::Error| failed("no answer in HTTP", error);
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_MAX_BYTES).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with this call, whatever the other side still sends.
    let _driving = AbortOnDropHandle::new(tokio::spawn(connection));
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = url
        .port()
        .map_or_else(|| url.host_str().unwrap_or_default().to_owned(), |port| format!("{}:{port}", url.host_str().unwrap_or_default()));
    let request = Request::builder()
        .method(Method::POST)
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, NAME)
        .header(ACCEPT, "*/*")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .map_err(|error| failed("the request cannot be written", error))?;
    let answer = sender.send_request(request).await.map_err(broken)?;
    Ok(answer.status().as_u16())
}

async fn system_client() -> Result<Arc<ClientConfig>, CallError> {
    let read = spawn_blocking(|| {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, ignored) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(added, ignored, errors = found.errors.len(), "system authorities read");
        roots
    });
    let roots = read.await.map_err(|error| failed("the system's authorities cannot be read", error))?;
    if roots.is_empty() {
        return Err(CallError::Failed("this machine knows no certificate authority: install the package ca-certificates".to_owned()));
    }
    client(roots).map_err(|error| failed("TLS is not available", error))
}

fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
