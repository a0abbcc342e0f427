//! One connection to a service, by HTTP/1.1: guarded, bounded, each step with its deadline. Follows no redirect and knows no SCIM.

use std::fmt;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HOST, HeaderMap, HeaderName, IF_NONE_MATCH, LOCATION, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::address::Address;
use super::fault::Fault;
use crate::ldap::transport::{self, Stream};
use crate::ldap::{Cause, Limits, TlsMode};

/// Bytes of one answer's body.
pub(super) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of an answer's head, and of what is read at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// How the gateway names itself.
const NAME: &str = concat!("passerelle/", env!("CARGO_PKG_VERSION"));

/// Which addresses may be called: the gateway's policy, asked before each connection.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Whether this host may be called at this address.
    fn admits(&self, host: &str, address: IpAddr) -> bool;
}

/// A service at the other end of at most one connection.
pub(super) struct Http {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
    admission: Arc<dyn Admission>,
    limits: Limits,
    link: Option<Link>,
}

struct Link {
    sender: SendRequest<String>,
    /// Ends with the link.
    _driving: JoinSet<()>,
    used: bool,
}

/// What is asked.
#[derive(Clone)]
pub(super) enum Asked {
    /// `GET`, unless what is there is still of this entity tag.
    Get(Option<String>),
    /// `POST` of a form.
    Form(Zeroizing<String>),
}

/// What came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The service's clock, in seconds since 1970.
    pub(super) clock: Option<i64>,
    /// How long to wait before asking again.
    pub(super) wait: Option<Duration>,
    pub(super) content_type: String,
    pub(super) location: String,
    pub(super) etag: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Http {
    pub(super) fn new(address: Address, tls: Option<Arc<ClientConfig>>, admission: Arc<dyn Admission>, limits: Limits) -> Self {
        let tls = tls.filter(|_| address.secure);
        Self { address, tls, admission, limits, link: None }
    }

    /// The addresses behind the host, each of which may be called.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, Cause> {
        let found = transport::resolve(&self.address.server, &self.limits).await?;
        // One private address among public ones is refused as well: which is taken would be the name's to choose.
        match found.iter().find(|address| !self.admission.admits(&self.address.server.host, address.ip())) {
            Some(refused) => {
                tracing::warn!(host = self.address.server.host, address = %refused.ip(), "a private address is not called");
                Err(Fault::PrivateAddress.cause())
            }
            None => Ok(found),
        }
    }

    pub(super) async fn dial(&self, addresses: &[SocketAddr]) -> Result<(SocketAddr, TcpStream), Cause> {
        transport::dial(addresses, &self.limits).await
    }

    pub(super) async fn secure(&self, stream: TcpStream) -> Result<Stream, Cause> {
        let mode = if self.address.secure { TlsMode::Ldaps } else { TlsMode::None };
        let secured = transport::secure(stream, &self.address.server.host, mode, self.tls.clone(), &self.limits).await;
        secured.map_err(|cause| if matches!(cause, Cause::NotTls) { Fault::NotHttps.cause() } else { cause })
    }

    /// Speaks HTTP over a connection.
    pub(super) async fn speak(&mut self, stream: Stream) -> Result<(), Cause> {
        let (sender, connection) =
            http1::Builder::new().max_buf_size(BUFFER_BYTES).handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        let mut driving = JoinSet::new();
        driving.spawn(async move {
            // How it ended, the request under way says.
            let _ = connection.await;
        });
        self.link = Some(Link { sender, _driving: driving, used: false });
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Cause> {
        let (_, stream) = self.dial(&self.resolve().await?).await?;
        let stream = self.secure(stream).await?;
        self.speak(stream).await
    }

    /// Asks, and reads the answer to its end. A connection that was closed since it was last used is opened again once.
    pub(super) async fn ask(&mut self, target: &str, asked: &Asked, authorization: Option<&str>) -> Result<Answer, Cause> {
        loop {
            let link = self.link.take().filter(|link| !link.sender.is_closed());
            let Some(mut link) = link else {
                self.open().await?;
                continue;
            };
            let request = self.request(target, asked, authorization)?;
            let sent = timeout(self.limits.answer, async {
                link.sender.ready().await?;
                link.sender.send_request(request).await
            });
            match sent.await {
                Err(_) => return Err(Cause::Silent { what: "answer", within: self.limits.answer }),
                // Services close what was idle for a while, and this request came too late to be seen.
                Ok(Err(_)) if std::mem::take(&mut link.used) && matches!(asked, Asked::Get(_)) => {}
                Ok(Err(error)) => return Err(broken(&error)),
                Ok(Ok(response)) => {
                    let answer = read(response, self.limits.stall).await?;
                    link.used = true;
                    self.link = Some(link);
                    return Ok(answer);
                }
            }
        }
    }

    fn request(&self, target: &str, asked: &Asked, authorization: Option<&str>) -> Result<Request<String>, Cause> {
        let request = Request::builder().uri(target).header(HOST, self.address.authority()).header(USER_AGENT, NAME);
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        let request = match asked {
            Asked::Get(etag) => {
                let request = request.method(Method::GET).header(ACCEPT, "application/scim+json, application/json;q=0.9");
                let request = if let Some(etag) = etag { request.header(IF_NONE_MATCH, etag) } else { request };
                request.body(String::new())
            }
            Asked::Form(form) => {
                let request = request.method(Method::POST).header(ACCEPT, "application/json");
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.to_string())
            }
        };
        // What cannot stand in a header is a token with a character that no token has.
        request.map_err(|error| Fault::TokenRefused(format!("it cannot be sent: {error}")).cause())
    }
}

async fn read(response: Response<Incoming>, stall: Duration) -> Result<Answer, Cause> {
    let (head, mut incoming) = response.into_parts();
    let text = |name: HeaderName| header(&head.headers, &name).unwrap_or_default().to_owned();
    let mut answer = Answer {
        status: head.status.as_u16(),
        clock: header(&head.headers, &DATE).and_then(date),
        wait: None,
        content_type: text(CONTENT_TYPE),
        location: text(LOCATION),
        etag: header(&head.headers, &ETAG).map(str::to_owned),
        body: Vec::new(),
    };
    answer.wait = header(&head.headers, &RETRY_AFTER).and_then(|value| wait(value, answer.clock));
    let announced = incoming.size_hint().lower();
    if announced > BODY_BYTES_MAX as u64 {
        return Err(Fault::AnswerTooLarge(BODY_BYTES_MAX).cause());
    }
    loop {
        let frame = timeout(stall, poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx))).await;
        match frame.map_err(|_| Cause::Silent { what: "go on with its answer", within: stall })? {
            None => return Ok(answer),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(frame)) => {
                let bytes = frame.into_data().unwrap_or_default();
                if answer.body.len() + bytes.len() > BODY_BYTES_MAX {
                    return Err(Fault::AnswerTooLarge(BODY_BYTES_MAX).cause());
                }
                answer.body.extend_from_slice(&bytes);
            }
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn date(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a time by the service's clock.
fn wait(text: &str, clock: Option<i64>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let ahead = date(text)?.saturating_sub(clock?);
    Some(Duration::from_secs(u64::try_from(ahead).unwrap_or_default()))
}

fn broken(error: &hyper::Error) -> Cause {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Fault::AnswerBroken(format!("{error}{cause}")).cause()
}

#[cfg(test)]
mod tests {
    use super::{Duration, wait};

    #[test]
    fn a_wait_is_told_in_seconds_or_as_a_time_of_the_services_clock() {
        assert_eq!(wait("7", None), Some(Duration::from_secs(7)));
        let clock = super::date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clock, Some(784_111_777));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", clock), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:40:00 GMT", clock), Some(Duration::ZERO));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", None), None);
        assert_eq!(wait("soon", clock), None);
    }
}
