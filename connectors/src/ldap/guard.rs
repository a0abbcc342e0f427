//! Stands between the directory's socket and the LDAP library: whole messages pass, checked, and nothing else does.
//! It keeps the reason a connection ended, which the library would lose. It never waits without someone else's deadline.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::ber::{self, Malformed, Message, Outcome, op};

/// How much is asked of a socket at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// A buffer that grew beyond this for one message is given back.
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Requests that may wait for an answer on one connection.
const PENDING_MAX: usize = 64;

/// Why a connection ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The peer closed, or the network broke.
    Closed,
    /// The peer announced it (RFC 4511 §4.4.1).
    Notice { code: u32, text: String },
    /// A message was refused.
    Malformed(Malformed),
}

/// What the guard tells the connection's user.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    ending: Mutex<Option<Ending>>,
    pending: Mutex<HashMap<u32, u8>>,
}

impl Watch {
    /// Why the connection ended, once it did.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, ending: Ending) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(ending);
    }

    fn asked(&self, message: Message<'_>) -> Result<(), Malformed> {
        if matches!(message.op, op::BIND_REQUEST | op::SEARCH_REQUEST) {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if pending.len() >= PENDING_MAX {
                return Err(Malformed::Shape("too many requests wait for an answer"));
            }
            pending.insert(message.id, message.op);
        }
        Ok(())
    }

    /// Answers must belong to a request and be of its kind; the library trusts both.
    fn answered(&self, message: Message<'_>) -> Result<(), Ending> {
        if message.id == 0 {
            let outcome = (message.op == op::EXTENDED_RESPONSE).then(|| Outcome::read(message.content));
            return Err(match outcome {
                Some(Ok(outcome)) => Ending::Notice { code: outcome.code, text: outcome.text.to_owned() },
                _ => Ending::Malformed(Malformed::Shape("an unsolicited message is not a notice")),
            });
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match (pending.get(&message.id), message.op) {
            (Some(&op::SEARCH_REQUEST), op::SEARCH_ENTRY | op::SEARCH_REFERENCE | op::INTERMEDIATE_RESPONSE) => false,
            (Some(&op::SEARCH_REQUEST), op::SEARCH_DONE) | (Some(&op::BIND_REQUEST), op::BIND_RESPONSE) => true,
            (Some(_), _) => return Err(Ending::Malformed(Malformed::Shape("an answer is of another kind than its request"))),
            (None, _) => return Err(Ending::Malformed(Malformed::Shape("an answer belongs to no request"))),
        };
        if last {
            pending.remove(&message.id);
        }
        Ok(())
    }
}

/// Bytes read from a socket, given out by whole messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Waits for more bytes; false at the end of the stream.
    pub(crate) async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<bool> {
        self.bytes.reserve(CHUNK_BYTES);
        Ok(from.read_buf(&mut self.bytes).await? > 0)
    }

    /// The first whole message, if there is one, as its size.
    pub(crate) fn first(&self) -> Result<Option<&[u8]>, Malformed> {
        Ok(ber::frame_size(&self.bytes)?.and_then(|size| self.bytes.get(..size)))
    }

    /// True when bytes follow the first message.
    pub(crate) fn more_than(&self, size: usize) -> bool {
        self.bytes.len() > size
    }

    /// How many bytes of whole, accepted messages stand at the front.
    fn accepted<E: From<Malformed>>(&self, mut accept: impl FnMut(Message<'_>) -> Result<(), E>) -> (usize, Result<(), E>) {
        let mut at = 0;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let frame = match ber::frame_size(rest) {
                Ok(size) => size.and_then(|size| rest.get(..size)),
                Err(malformed) => return (at, Err(malformed.into())),
            };
            let Some(frame) = frame else { return (at, Ok(())) };
            if let Err(refused) = ber::message(frame).map_err(E::from).and_then(&mut accept) {
                return (at, Err(refused));
            }
            at += frame.len();
        }
    }

    async fn forward(&mut self, size: usize, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        if size > 0 {
            to.write_all(self.bytes.get(..size).unwrap_or_default()).await?;
            to.flush().await?;
            self.bytes.drain(..size);
            if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES_MAX {
                self.bytes = Vec::new();
            }
        }
        Ok(())
    }
}

impl From<Malformed> for Ending {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Copies messages both ways until either side ends; the reason is in `watch` before the library's side closes.
pub(crate) async fn run<S, L>(server: S, library: L, watch: &Watch)
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: AsyncRead + AsyncWrite + Unpin,
{
    let (mut server_out, mut server_in) = tokio::io::split(server);
    let (mut library_out, mut library_in) = tokio::io::split(library);
    let ending = tokio::select! {
        ending = answers(&mut server_out, &mut library_in, watch) => ending,
        ending = requests(&mut library_out, &mut server_in, watch) => ending,
    };
    watch.end(ending);
    // Whatever happens here, the connection is over.
    let _ = server_in.shutdown().await;
}

async fn answers(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), watch: &Watch) -> Ending {
    let mut frames = Frames::default();
    loop {
        match frames.fill(from).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Ending::Closed,
        }
        let (size, refused) = frames.accepted(|message| watch.answered(message));
        if frames.forward(size, to).await.is_err() {
            return Ending::Closed;
        }
        if let Err(ending) = refused {
            return ending;
        }
    }
}

async fn requests(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), watch: &Watch) -> Ending {
    let mut frames = Frames::default();
    loop {
        match frames.fill(from).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Ending::Closed,
        }
        let (size, refused) = frames.accepted(|message| watch.asked(message));
        if frames.forward(size, to).await.is_err() {
            return Ending::Closed;
        }
        if let Err(malformed) = refused {
            return Ending::Malformed(malformed);
        }
    }
}
