//! One client's connection: reads requests, keeps who is bound, writes answers within deadlines. What a request means is said elsewhere.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{LdapBindCred, LdapBindRequest, LdapBindResponse, LdapMsg, LdapOp, LdapResult, LdapResultCode};
use ldap3_proto::{DisconnectionNotice, LdapCodec};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

use super::key::Key;
use super::search::PagedSearches;
use super::{Refusal, Shared, extended, write};
use crate::types::time::Timestamp;

/// How long the last word to a client may take.
const FAREWELL_DEADLINE: Duration = Duration::from_millis(500);
/// Requests kept while a search runs; a client that sends more waits.
const PIPELINE_MAX: usize = 16;
/// How deep a request's elements may nest; filters are what nests.
const DEPTH_MAX: usize = 64;

/// Who is bound, and so what is seen.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Anonymous,
    Person { dn: String, key: Key },
    Service { dn: String, base: Key },
}

impl Identity {
    /// The top of what this client sees; `None` for nothing but the root DSE. A person sees their own entry.
    pub(super) fn visible(&self) -> Option<&Key> {
        match self {
            Self::Anonymous => None,
            Self::Person { key, .. } => Some(key),
            Self::Service { base, .. } => Some(base),
        }
    }
}

/// Why the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The client said so, or went away.
    Silent,
    Stopping,
    Idle,
    Busy,
    Malformed,
}

/// Whether the connection goes on.
pub(super) type Flow = Result<(), Farewell>;

/// A connection and what it has said so far.
pub(super) struct Connection {
    framed: Framed<TcpStream, LdapCodec>,
    pub(super) shared: Arc<Shared>,
    stop: CancellationToken,
    pub(super) identity: Identity,
    pub(super) paged: PagedSearches,
    waiting: VecDeque<LdapMsg>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, shared: Arc<Shared>, stop: CancellationToken) -> Self {
        let codec = LdapCodec::new(Some(shared.limits.message_max_bytes), Some(DEPTH_MAX));
        Self {
            framed: Framed::new(stream, codec),
            shared,
            stop,
            identity: Identity::Anonymous,
            paged: PagedSearches::default(),
            waiting: VecDeque::new(),
        }
    }

    /// Answers requests until either side ends it.
    pub(super) async fn serve(mut self) {
        loop {
            let flow = match self.next().await {
                Ok(request) => self.answer(request).await,
                Err(farewell) => Err(farewell),
            };
            if let Err(farewell) = flow {
                return self.end(farewell).await;
            }
        }
    }

    /// Says why the connection ends (RFC 4511 §4.4.1) and closes it.
    pub(super) async fn end(mut self, farewell: Farewell) {
        let (code, reason) = match farewell {
            Farewell::Silent => return,
            Farewell::Stopping => (LdapResultCode::Unavailable, "the directory stops"),
            Farewell::Idle => (LdapResultCode::Unavailable, "nothing was asked for too long"),
            Farewell::Busy => (LdapResultCode::Busy, "too many connections"),
            Farewell::Malformed => (LdapResultCode::ProtocolError, "not an LDAP request, or too long or too deep a one"),
        };
        let notice = DisconnectionNotice::gen_response(code, reason);
        let word = async {
            self.framed.send(notice).await?;
            let stream = self.framed.get_mut();
            stream.shutdown().await?;
            // Closing with bytes unread resets the connection, and the notice might be lost with it.
            if farewell == Farewell::Malformed {
                tokio::io::copy(stream, &mut tokio::io::sink()).await?;
            }
            Ok::<(), std::io::Error>(())
        };
        // The connection ends either way: a client that does not read its notice misses nothing else.
        let _ = timeout(FAREWELL_DEADLINE, word).await;
    }

    async fn next(&mut self) -> Result<LdapMsg, Farewell> {
        if let Some(request) = self.waiting.pop_front() {
            return Ok(request);
        }
        let idle = self.shared.limits.idle_deadline;
        tokio::select! {
            () = self.stop.cancelled() => Err(Farewell::Stopping),
            read = timeout(idle, self.framed.next()) => match read {
                Ok(read) => decoded(read),
                Err(_) => Err(Farewell::Idle),
            },
        }
    }

    async fn answer(&mut self, request: LdapMsg) -> Flow {
        let LdapMsg { msgid, op, ctrl } = request;
        if let Some(reply) = unavailable(&op, &ctrl) {
            return self.send(LdapMsg::new(msgid, reply)).await;
        }
        let (shared, now) = (Arc::clone(&self.shared), Timestamp::now());
        let reply = match op {
            LdapOp::UnbindRequest => return Err(Farewell::Silent),
            // What could be abandoned has been answered already: searches look for this themselves.
            LdapOp::AbandonRequest(_) => return Ok(()),
            LdapOp::SearchRequest(wanted) => return self.search(msgid, wanted, &ctrl).await,
            LdapOp::BindRequest(request) => self.bind(request),
            LdapOp::ModifyRequest(wanted) => LdapOp::ModifyResponse(result(write::modify(&shared, &self.identity, &wanted, now))),
            LdapOp::AddRequest(wanted) => LdapOp::AddResponse(result(write::add(&shared, &self.identity, wanted, now))),
            LdapOp::DelRequest(dn) => LdapOp::DelResponse(result(write::delete(&shared, &self.identity, &dn))),
            LdapOp::ModifyDNRequest(wanted) => LdapOp::ModifyDNResponse(result(write::rename(&shared, &self.identity, &wanted, now))),
            LdapOp::CompareRequest(wanted) => LdapOp::CompareResult(extended::compare(&shared, &self.identity, &wanted)),
            LdapOp::ExtendedRequest(wanted) => LdapOp::ExtendedResponse(extended::answer(&self.identity, &wanted)),
            _ => return Err(Farewell::Malformed),
        };
        self.send(LdapMsg::new(msgid, reply)).await
    }

    /// RFC 4511 §4.2: whatever the outcome, who was bound before is not any more.
    fn bind(&mut self, request: LdapBindRequest) -> LdapOp {
        self.identity = Identity::Anonymous;
        self.paged = PagedSearches::default();
        let outcome = match identify(&self.shared, request) {
            Ok(identity) => {
                self.identity = identity;
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        LdapOp::BindResponse(LdapBindResponse { res: result(outcome), saslcreds: None })
    }

    /// Whether a search under way should go on: looks at what the client sent meanwhile without waiting.
    pub(super) fn interrupted(&mut self, msgid: i32) -> Result<bool, Farewell> {
        if self.stop.is_cancelled() {
            return Err(Farewell::Stopping);
        }
        while self.waiting.len() < PIPELINE_MAX {
            let Some(read) = self.framed.next().now_or_never() else { break };
            match decoded(read)? {
                LdapMsg { op: LdapOp::AbandonRequest(wanted), .. } if wanted == msgid => return Ok(true),
                LdapMsg { op: LdapOp::UnbindRequest, .. } => return Err(Farewell::Silent),
                later => self.waiting.push_back(later),
            }
        }
        Ok(false)
    }

    /// Writes one answer.
    pub(super) async fn send(&mut self, message: LdapMsg) -> Flow {
        self.send_all(vec![message]).await
    }

    /// Writes several answers and waits until they are on their way.
    pub(super) async fn send_all(&mut self, messages: Vec<LdapMsg>) -> Flow {
        let (framed, deadline) = (&mut self.framed, self.shared.limits.write_deadline);
        let written = async move {
            for message in messages {
                framed.feed(message).await?;
            }
            framed.flush().await
        };
        tokio::select! {
            () = self.stop.cancelled() => Err(Farewell::Stopping),
            written = timeout(deadline, written) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(Farewell::Silent),
            },
        }
    }
}

fn decoded(read: Option<Result<LdapMsg, std::io::Error>>) -> Result<LdapMsg, Farewell> {
    match read {
        Some(Ok(request)) => Ok(request),
        Some(Err(error)) if is_disconnection(&error) => Err(Farewell::Silent),
        Some(Err(error)) => {
            tracing::debug!(%error, "demo directory met a malformed request");
            Err(Farewell::Malformed)
        }
        None => Err(Farewell::Silent),
    }
}

fn is_disconnection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof)
}

/// RFC 4511 §4.2 and §5.1.3 of RFC 4513: who this is, when the password is right.
fn identify(shared: &Shared, request: LdapBindRequest) -> Result<Identity, Refusal> {
    if request.version != 3 {
        return Err(Refusal::new(LdapResultCode::ProtocolError, "this directory speaks LDAP version 3"));
    }
    let LdapBindCred::Simple(password) = request.cred else {
        return Err(Refusal::new(LdapResultCode::AuthMethodNotSupported, "this directory takes simple binds only"));
    };
    let password = zeroize::Zeroizing::new(password);
    if request.dn.is_empty() && password.is_empty() {
        return Ok(Identity::Anonymous);
    }
    if password.is_empty() {
        // RFC 4513 §5.1.2: a name without a password would be anonymous, and mistaken for someone by careless clients.
        return Err(Refusal::new(LdapResultCode::UnwillingToPerform, "a name needs a password"));
    }
    let key = Key::parse(&request.dn).map_err(|error| Refusal::new(LdapResultCode::InvalidDNSyntax, error.to_string()))?;
    // The same answer for an unknown name and a wrong password: a client learns no names.
    let wrong = || Refusal::new(LdapResultCode::InvalidCredentials, "");
    if let Some(account) = shared.accounts.iter().find(|account| account.key == key) {
        let known = account.stated.password.matches(&password);
        let bound = Identity::Service { dn: account.stated.dn.clone(), base: account.base.clone() };
        return known.then_some(bound).ok_or_else(wrong);
    }
    let node = shared.tree().get(&key).cloned().ok_or_else(wrong)?;
    if node.accepts(&password) { Ok(Identity::Person { dn: node.dn, key }) } else { Err(wrong()) }
}

/// RFC 4511 §4.1.11: a critical control that is not understood refuses the whole request.
fn unavailable(op: &LdapOp, controls: &[LdapControl]) -> Option<LdapOp> {
    let critical = controls.iter().any(|control| match control {
        LdapControl::Unknown { criticality, .. }
        | LdapControl::SyncRequest { criticality, .. }
        | LdapControl::PasswordPolicyRequest { criticality }
        | LdapControl::SearchOptions { criticality, .. }
        | LdapControl::ShowDeleted { criticality }
        | LdapControl::SdFlags { criticality, .. }
        | LdapControl::ExtendedDn { criticality, .. } => *criticality,
        _ => false,
    });
    if !critical {
        return None;
    }
    let refused = result(Err(Refusal::new(LdapResultCode::UnavailableCriticalExtension, "a critical control is not offered here")));
    match op {
        LdapOp::SearchRequest(_) => Some(LdapOp::SearchResultDone(refused)),
        LdapOp::BindRequest(_) => Some(LdapOp::BindResponse(LdapBindResponse { res: refused, saslcreds: None })),
        LdapOp::ModifyRequest(_) => Some(LdapOp::ModifyResponse(refused)),
        LdapOp::AddRequest(_) => Some(LdapOp::AddResponse(refused)),
        LdapOp::DelRequest(_) => Some(LdapOp::DelResponse(refused)),
        LdapOp::ModifyDNRequest(_) => Some(LdapOp::ModifyDNResponse(refused)),
        LdapOp::CompareRequest(_) => Some(LdapOp::CompareResult(refused)),
        _ => None,
    }
}

/// What the wire says of an outcome.
pub(super) fn result(outcome: Result<(), Refusal>) -> LdapResult {
    match outcome {
        Ok(()) => LdapResult { code: LdapResultCode::Success, matcheddn: String::new(), message: String::new(), referral: Vec::new() },
        Err(Refusal { code, message, matched }) => LdapResult { code, matcheddn: matched, message, referral: Vec::new() },
    }
}
