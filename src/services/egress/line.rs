//! One connection after another to one place, over which request follows request: for services that are written to all the time. The policy is
//! that of `Egress`; the line resolves, looks at and pins the address each time it connects, and never follows a redirect.

use std::future::poll_fn;
use std::pin::Pin;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, HeaderMap, HeaderName, IF_MATCH, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::{CallError, Egress, HEAD_MAX_BYTES, NAME, Refusal, connect, failed, system_client};

/// Longest answer that is read, in bytes.
const ANSWER_MAX_BYTES: usize = 8 * 1024 * 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// To read.
    Get,
    /// To create.
    Post,
    /// To put in the place of what stands.
    Put,
    /// To change.
    Patch,
    /// To delete.
    Delete,
}

impl Verb {
    const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// What a request carries beside its target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried<'a> {
    /// The whole `Authorization`.
    pub authorization: Option<&'a str>,
    /// What is accepted.
    pub accept: &'a str,
    /// What the body is, and the body.
    pub body: Option<(&'a str, &'a str)>,
    /// The version that is to be changed (RFC 9110 §13.1.1).
    pub if_match: Option<&'a str>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After` as it came.
    pub retry_after: Option<String>,
    /// `ETag` as it came.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection under way.
struct Standing {
    sender: SendRequest<String>,
    // It ends with the line, whatever the other side still sends.
    _driving: AbortOnDropHandle<Result<(), hyper::Error>>,
}

/// A line to one place.
pub struct Line<'e> {
    egress: &'e Egress,
    origin: Url,
    standing: Option<Standing>,
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("host", &self.origin.host_str()).finish_non_exhaustive()
    }
}

impl Egress {
    /// A line to where an address leads. Nothing is connected yet.
    ///
    /// # Errors
    /// `Refusal` when the policy is against it.
    pub fn line(&self, raw: &str) -> Result<Line<'_>, Refusal> {
        Ok(Line { egress: self, origin: self.check(raw)?, standing: None })
    }
}

impl Line<'_> {
    /// Sends one request, and reads the answer whole. `target` is path and query.
    ///
    /// # Errors
    /// `Refused` when the policy is against it, `Failed` when nobody answered in time, or more than is read.
    pub async fn send(&mut self, verb: Verb, target: &str, carried: Carried<'_>) -> Result<Answer, CallError> {
        let deadline = self.egress.deadline;
        let called = timeout(deadline, self.exchange(verb, target, carried)).await;
        let outcome = called.unwrap_or_else(|_| Err(CallError::Failed(format!("no answer within {} seconds", deadline.as_secs()))));
        if outcome.is_err() {
            // Whatever still comes over it belongs to a question nobody waits for.
            self.standing = None;
        }
        outcome
    }

    async fn exchange(&mut self, verb: Verb, target: &str, carried: Carried<'_>) -> Result<Answer, CallError> {
        let fresh = match &mut self.standing {
            Some(standing) => standing.sender.ready().await.is_err(),
            None => true,
        };
        if fresh {
            self.standing = Some(self.open().await?);
        }
        let request = self.request(verb, target, carried)?;
        let Some(standing) = &mut self.standing else { return Err(CallError::Failed("the connection is gone".to_owned())) };
        let answer = standing.sender.send_request(request).await.map_err(|error| failed("no answer in HTTP", error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = read(answer.into_body()).await?;
        Ok(Answer { status, retry_after: header(&headers, &RETRY_AFTER), etag: header(&headers, &ETAG), body })
    }

    fn request(&self, verb: Verb, target: &str, carried: Carried<'_>) -> Result<Request<String>, CallError> {
        let name = self.origin.host_str().unwrap_or_default();
        let host = self.origin.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let mut request = Request::builder().method(verb.method()).uri(target).header(HOST, host).header(USER_AGENT, NAME);
        request = request.header(ACCEPT, carried.accept);
        for (header, value) in [(AUTHORIZATION, carried.authorization), (IF_MATCH, carried.if_match)] {
            if let Some(value) = value {
                request = request.header(header, value);
            }
        }
        if let Some((media_type, _)) = carried.body {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let body = carried.body.map(|(_, text)| text.to_owned()).unwrap_or_default();
        request.body(body).map_err(|error| failed("the request cannot be written", error))
    }

    async fn open(&self) -> Result<Standing, CallError> {
        let stream = connect(&self.egress.resolve(&self.origin).await?).await?;
        // Small requests follow one another.
        stream.set_nodelay(true).map_err(|error| failed("no connection", error))?;
        if self.origin.scheme() == "http" {
            return standing(stream).await;
        }
        let name = self.origin.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|error| failed("no name for a certificate", error))?;
        let tls = self.egress.tls.get_or_try_init(system_client).await?.clone();
        let sealed = TlsConnector::from(tls).connect(name, stream).await.map_err(|error| failed("the TLS handshake failed", error))?;
        standing(sealed).await
    }
}

async fn standing(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Standing, CallError> {
    let begun = http1::Builder::new().max_buf_size(HEAD_MAX_BYTES.max(64 * 1024)).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = begun.map_err(|error| failed("no answer in HTTP", error))?;
    Ok(Standing { sender, _driving: AbortOnDropHandle::new(tokio::spawn(connection)) })
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

async fn read(mut body: Incoming) -> Result<Vec<u8>, CallError> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| failed("the answer broke off", error))?;
        if let Ok(part) = frame.into_data() {
            if whole.len() + part.len() > ANSWER_MAX_BYTES {
                return Err(CallError::Failed(format!("the answer is longer than {ANSWER_MAX_BYTES} bytes")));
            }
            whole.extend_from_slice(&part);
        }
    }
    Ok(whole)
}
