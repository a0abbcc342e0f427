//! The demo's mail tray: a server on this machine that takes every letter and passes none on.

pub mod message;
pub mod session;

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use message::Message;
use session::{Session, Step};

/// Letters kept; older ones go.
const LETTERS_MAX: usize = 500;
/// Connections held at once.
const CONNECTIONS_MAX: usize = 32;
/// Longest line, in bytes (RFC 5321 §4.5.3.1.6 asks for 1,000 at least).
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Longest wait for a line.
const LINE_DEADLINE: Duration = Duration::from_secs(30);
/// Pause after a failed accept: out of descriptors, most of the time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The letters that came, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Tray(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    letters: Mutex<Vec<Message>>,
    came: Notify,
}

impl Tray {
    /// All of them.
    pub fn letters(&self) -> Vec<Message> {
        self.lock().clone()
    }

    /// Adds one, and lets the oldest go when there are too many.
    pub fn keep(&self, message: Message) {
        let mut letters = self.lock();
        if letters.len() >= LETTERS_MAX {
            letters.remove(0);
        }
        letters.push(message);
        drop(letters);
        self.0.came.notify_waiters();
    }

    /// The first letter like this, as soon as it is there.
    pub async fn arrived(&self, wanted: impl Fn(&Message) -> bool) -> Message {
        loop {
            let mut came = pin!(self.0.came.notified());
            // From here on no letter is missed, even one that comes while the others are looked through.
            came.as_mut().enable();
            if let Some(found) = self.lock().iter().find(|letter| wanted(letter)) {
                return found.clone();
            }
            came.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        // A list is whole whoever stopped while holding it.
        self.0.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes letters on a socket until told to stop.
    ///
    /// # Errors
    /// None today: what goes wrong with one connection concerns no other.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            let (Ok((stream, _)), Ok(permit)) = (accepted, Arc::clone(&room).try_acquire_owned()) else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (tray, stopped) = (self.clone(), stop.clone());
            tokio::spawn(async move {
                let ended = tokio::select! {
                    () = stopped.cancelled() => Ok(()),
                    ended = tray.converse(stream) => ended,
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to the mail tray broke off");
                }
                drop(permit);
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.split();
        let mut reading = BufReader::new(reading);
        let mut session = Session::new(&["8BITMIME", "SMTPUTF8"]);
        writing.write_all(format!("{}\r\n", Session::greeting()).as_bytes()).await?;
        loop {
            let mut line = Vec::new();
            let read = timeout(LINE_DEADLINE, (&mut reading).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)).await??;
            // An end without its line feed is one that broke off, or a line that is too long.
            if read == 0 || !line.ends_with(b"\n") {
                return Ok(());
            }
            let (answer, last) = match session.hear(line.trim_ascii_end()) {
                Step::Silence => continue,
                Step::Answer(answer) => (answer, false),
                Step::Farewell(answer) => (answer, true),
                Step::Keep(letter, answer) => {
                    self.keep(Message::read(&letter));
                    (answer, false)
                }
            };
            writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
            if last {
                return Ok(());
            }
        }
    }
}
