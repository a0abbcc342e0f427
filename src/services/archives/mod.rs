//! Archives: a whole establishment in one portable, encrypted file; taken in again here or elsewhere, put back in place, and rehearsed.
//!
//! The format is age around gzip around tar (docs/decisions/0006-archive-format.md). Writing and reading go row by row, so an archive of any size
//! takes little memory. Nothing is written before an archive was read to its end once.

mod envelope;
mod export;
mod format;
mod import;
mod landing;
mod leftover;
mod places;
mod progress;
mod read;
mod refusal;
mod rehearse;
mod relocate;
mod restore;
mod save;
mod scheduled;
mod secrets;
mod stream;
mod write;

pub use envelope::{Key, Lock, PASSPHRASE_LENGTH_MIN};
pub use export::export;
pub use format::{Header, Manifest, Secrets, Stated, TableSum};
pub use import::{Imported, Notice, import};
pub use leftover::{clear_away, clear_uploads, take_back};
pub use progress::Progress;
pub use read::Checked;
pub use rehearse::{Rehearsed, TableCheck, rehearse};
pub use relocate::{Relocated, relocate};
pub use restore::{Restored, restore};
pub use save::{Saved, save};
pub use scheduled::{plan, round, write_apart, write_scheduled};
pub use stream::{Chunks, UPLOAD_BYTES_MAX, Upload, stream};

use std::path::Path;
use std::sync::Arc;

use super::context::Gateway;
use super::error::Error;
use read::Reader;

/// Reads a whole archive and says what it is. Nothing is written.
///
/// # Errors
/// `Archive` with the reason: another key, not an archive, damaged or cut short, newer.
pub async fn verify(gateway: &Arc<Gateway>, path: &Path, key: &Key, progress: &Arc<Progress>) -> Result<Checked, Error> {
    let reader = Reader { gateway: gateway.clone(), key: key.clone(), progress: progress.clone(), rows: None };
    let path = path.to_owned();
    apart(move || reader.read(&path)).await
}

/// Runs work that blocks on a thread of its own.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|e| Error::Internal(format!("work on an archive ended early: {e}")))?
}
