//! Stands between the directory's socket and the LDAP library: whole messages pass, checked, and nothing else does.
//! Entries of a search pass by the library, which would take each apart and copy it: they go to the reader as they came.
//! The guard keeps the reason a connection ended, which the library would lose. It never waits without someone else's deadline.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::ber::{self, Element, Elements, Malformed, Message, Outcome, op};

/// How much is asked of a socket at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// A buffer that grew beyond this for one message is given back.
const KEPT_BYTES_MAX: usize = 1024 * 1024;
/// Requests that may wait for an answer on one connection.
const PENDING_MAX: usize = 64;

/// Chunks of entries that may wait for the reader; beyond, the directory waits.
pub(crate) const CHUNKS_WAITING_MAX: usize = 32;

/// Whole, checked messages of the searches at work, in their order: entries, and what a server says between them.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    count: usize,
}

impl Chunk {
    /// How many entries, other messages not counted.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// How many bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// True when these bytes stand somewhere in it.
    pub(crate) fn holds(&self, wanted: &[u8]) -> bool {
        self.bytes.windows(wanted.len()).any(|window| window == wanted)
    }

    /// Adds an entry by its content.
    pub(crate) fn push(&mut self, entry: &[u8]) {
        let mut message = vec![ber::INTEGER, 1, 0];
        ber::write(op::SEARCH_ENTRY, entry, &mut message);
        ber::write(ber::SEQUENCE, &message, &mut self.bytes);
        self.count += 1;
    }

    /// Each entry's content (`SearchResultEntry`, RFC 4511 §4.5.2).
    pub(crate) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        self.messages().filter(|message| message.op == op::SEARCH_ENTRY).map(|message| message.content)
    }

    /// Each message.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Held<'_>> {
        let mut rest = Elements(&self.bytes);
        std::iter::from_fn(move || {
            let mut parts = Elements(rest.next().ok()??.content);
            parts.next().ok()??;
            let Element { tag: op, content } = parts.next().ok()??;
            let controls = parts.next().ok()?.map(|controls| controls.content).unwrap_or_default();
            Some(Held { op, content, controls })
        })
    }
}

/// One message of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    /// [`op::SEARCH_ENTRY`] or [`op::INTERMEDIATE_RESPONSE`].
    pub(crate) op: u8,
    pub(crate) content: &'a [u8],
    /// Its controls, side by side.
    pub(crate) controls: &'a [u8],
}

/// Where a message goes.
enum Way {
    Library,
    Reader,
}

/// Why a connection ended.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// The peer closed, or the network broke.
    Closed,
    /// TLS ended it, in these words: a server may refuse the client's certificate only after the handshake (RFC 8446 §4.4.2.4).
    Tls(String),
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

    fn asked(&self, message: Message<'_>) -> Result<Way, Malformed> {
        if matches!(message.op, op::BIND_REQUEST | op::SEARCH_REQUEST) {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if pending.len() >= PENDING_MAX {
                return Err(Malformed::Shape("too many requests wait for an answer"));
            }
            pending.insert(message.id, message.op);
        }
        Ok(Way::Library)
    }

    /// Answers must belong to a request and be of its kind; the library trusts both.
    fn answered(&self, message: Message<'_>) -> Result<Way, Ending> {
        if message.id == 0 {
            let outcome = (message.op == op::EXTENDED_RESPONSE).then(|| Outcome::read(message.content));
            return Err(match outcome {
                Some(Ok(outcome)) => Ending::Notice { code: outcome.code, text: outcome.text.to_owned() },
                _ => Ending::Malformed(Malformed::Shape("an unsolicited message is not a notice")),
            });
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match (pending.get(&message.id), message.op) {
            (Some(&op::SEARCH_REQUEST), op::SEARCH_ENTRY | op::INTERMEDIATE_RESPONSE) => return Ok(Way::Reader),
            (Some(&op::SEARCH_REQUEST), op::SEARCH_REFERENCE) => false,
            (Some(&op::SEARCH_REQUEST), op::SEARCH_DONE) | (Some(&op::BIND_REQUEST), op::BIND_RESPONSE) => true,
            (Some(_), _) => return Err(Ending::Malformed(Malformed::Shape("an answer is of another kind than its request"))),
            (None, _) => return Err(Ending::Malformed(Malformed::Shape("an answer belongs to no request"))),
        };
        if last {
            pending.remove(&message.id);
        }
        Ok(Way::Library)
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

    /// Takes the whole messages at the front, sorted by their way, until one is refused.
    fn sort<E: From<Malformed>>(&mut self, mut way: impl FnMut(Message<'_>) -> Result<Way, E>) -> (Chunk, Vec<u8>, Result<(), E>) {
        let (mut reader, mut library, mut at) = (Chunk::default(), Vec::new(), 0);
        let outcome = loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let frame = match ber::frame_size(rest) {
                Ok(size) => size.and_then(|size| rest.get(..size)),
                Err(malformed) => break Err(malformed.into()),
            };
            let Some(frame) = frame else { break Ok(()) };
            match ber::message(frame).map_err(E::from).and_then(|message| Ok((way(message)?, message.op))) {
                Ok((Way::Library, _)) => library.extend_from_slice(frame),
                Ok((Way::Reader, op)) => {
                    reader.bytes.extend_from_slice(frame);
                    reader.count += usize::from(op == op::SEARCH_ENTRY);
                }
                Err(refused) => break Err(refused),
            }
            at += frame.len();
        };
        self.bytes.drain(..at);
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        (reader, library, outcome)
    }
}

impl Ending {
    fn of(error: &std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => Self::Tls(tls.to_string()),
            None => Self::Closed,
        }
    }
}

impl From<Malformed> for Ending {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Copies messages both ways until either side ends; the reason is in `watch` before the library's side closes.
pub(crate) async fn run<S, L>(server: S, library: L, entries: mpsc::Sender<Chunk>, watch: &Watch)
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: AsyncRead + AsyncWrite + Unpin,
{
    let (mut server_out, mut server_in) = tokio::io::split(server);
    let (mut library_out, mut library_in) = tokio::io::split(library);
    let ending = tokio::select! {
        ending = answers(&mut server_out, &mut library_in, &entries, watch) => ending,
        ending = requests(&mut library_out, &mut server_in, watch) => ending,
    };
    watch.end(ending);
    // Whatever happens here, the connection is over.
    let _ = server_in.shutdown().await;
}

async fn answers(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    entries: &mpsc::Sender<Chunk>,
    watch: &Watch,
) -> Ending {
    let mut frames = Frames::default();
    loop {
        match frames.fill(from).await {
            Ok(true) => {}
            Ok(false) => return Ending::Closed,
            Err(error) => return Ending::of(&error),
        }
        let (chunk, rest, outcome) = frames.sort(|message| watch.answered(message));
        // Entries first: whoever learns from the library that a search is done finds all of them waiting.
        if !chunk.bytes.is_empty() && entries.send(chunk).await.is_err() {
            return Ending::Closed;
        }
        if !rest.is_empty() && to.write_all(&rest).await.is_err() {
            return Ending::Closed;
        }
        if let Err(ending) = outcome {
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
        let (_, requests, outcome) = frames.sort(|message| watch.asked(message));
        if to.write_all(&requests).await.is_err() || to.flush().await.is_err() {
            return Ending::Closed;
        }
        if let Err(malformed) = outcome {
            return Ending::Malformed(malformed);
        }
    }
}
