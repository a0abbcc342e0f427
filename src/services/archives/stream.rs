//! Streams: an archive to a caller as it is written, and one from a caller into a file of its own, bounded and removed when it was used.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::envelope::Lock;
use super::export;
use super::leftover::UPLOAD;
use super::places::{Place, Purpose};
use super::progress::Progress;
use super::refusal;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::types::permission::Permission;

/// Bytes handed over at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for a slow caller.
const CHUNKS_WAITING: usize = 8;
/// Largest archive taken from a caller.
pub const UPLOAD_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// How long a caller may take to read an archive: until then it holds a thread and a moment of the store.
const EXPORT_DEADLINE: Duration = Duration::from_mins(30);

/// Bytes of an archive, in order; an error ends them, and then what came before is no archive.
pub type Chunks = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Writes an archive to a caller while it is read from the store.
///
/// # Errors
/// `Forbidden`; `TooMany` while another is written for this establishment, or many for others. What goes wrong later ends the stream, and so does a
/// caller who reads too slowly.
pub fn stream(ctx: &Context, lock: &Lock) -> Result<Chunks, Error> {
    ctx.require(Permission::Archive)?;
    let place = Place::take(ctx, Purpose::Export)?;
    let (chunks, taken) = mpsc::channel(CHUNKS_WAITING);
    let until = Instant::now() + EXPORT_DEADLINE;
    let (ctx, lock) = (ctx.clone(), lock.clone());
    tokio::spawn(async move {
        let out = BufWriter::with_capacity(CHUNK_BYTES, Pipe { chunks: chunks.clone(), until });
        let written = export(&ctx, &lock, out, &Arc::new(Progress::default())).await.map(drop);
        // Nothing is held for a caller who has only to read the end.
        drop(place);
        if let Err(error) = written {
            tracing::warn!(establishment = ctx.slug(), %error, "an archive was not written to its end");
            // A caller who is gone hears nothing.
            let _told = chunks.send(Err(io::Error::other(error.to_string()))).await;
        }
    });
    Ok(taken)
}

/// Hands over what is written to it. It blocks while the caller is slow, and no longer than until its deadline.
struct Pipe {
    chunks: mpsc::Sender<io::Result<Vec<u8>>>,
    until: Instant,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the caller reads too slowly");
        if Instant::now() >= self.until {
            return Err(late());
        }
        let sent = Handle::current().block_on(async { timeout_at(self.until, self.chunks.send(Ok(bytes.to_vec()))).await });
        sent.map_err(|_| late())?.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the caller is gone"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An archive that a caller sends, in a file that goes with this.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    file: tokio::fs::File,
    size_bytes: u64,
    _place: Place,
}

impl Upload {
    /// Begins to take an archive, for whoever may put one back here: on the platform, to take one in.
    ///
    /// # Errors
    /// `Forbidden`; `TooMany` while another is taken for this establishment, or some for others.
    pub async fn begin(ctx: &Context) -> Result<Self, Error> {
        ctx.require(if ctx.is_platform() { Permission::ManageEstablishments } else { Permission::Archive })?;
        let place = Place::take(ctx, Purpose::Upload)?;
        let path = ctx.gateway.folder.join(format!("{}{}{}", UPLOAD.0, Uuid::now_v7().simple(), UPLOAD.1));
        let opened = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await;
        let file = opened.map_err(|e| failed(&e))?;
        Ok(Self { path, file, size_bytes: 0, _place: place })
    }

    /// Takes more of it.
    ///
    /// # Errors
    /// A refusal when it is too large.
    pub async fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size_bytes = self.size_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size_bytes > UPLOAD_BYTES_MAX {
            let told = "this archive is larger than the API takes (4 GiB): put it back with the command on the gateway's machine";
            return Err(refusal::too_much(told));
        }
        self.file.write_all(bytes).await.map_err(|e| failed(&e))
    }

    /// All of it came.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn end(&mut self) -> Result<&Path, Error> {
        self.file.flush().await.map_err(|e| failed(&e))?;
        Ok(&self.path)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an archive that was sent could not be removed: remove it");
        }
    }
}

fn failed(error: &io::Error) -> Error {
    Error::Outside(format!("the archive that was sent cannot be put aside: {error}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    async fn write(mut pipe: Pipe) -> io::Result<usize> {
        tokio::task::spawn_blocking(move || pipe.write(b"more")).await.unwrap()
    }

    #[tokio::test]
    async fn a_caller_who_takes_nothing_holds_no_thread_past_the_deadline() {
        let (chunks, mut taken) = mpsc::channel(1);
        let soon = Instant::now() + Duration::from_millis(20);
        chunks.send(Ok(b"first".to_vec())).await.unwrap();
        assert_eq!(write(Pipe { chunks: chunks.clone(), until: soon }).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(taken.recv().await.unwrap().unwrap(), b"first");
        // Nor does one who takes a little now and then.
        assert_eq!(write(Pipe { chunks: chunks.clone(), until: soon }).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(write(Pipe { chunks, until: Instant::now() + EXPORT_DEADLINE }).await.unwrap(), 4);
        drop(taken);
    }

    #[tokio::test]
    async fn a_caller_who_is_gone_ends_it() {
        let (chunks, taken) = mpsc::channel(1);
        drop(taken);
        let pipe = Pipe { chunks, until: Instant::now() + EXPORT_DEADLINE };
        assert_eq!(write(pipe).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
