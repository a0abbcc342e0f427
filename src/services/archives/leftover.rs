//! What a killed program left of its work on archives: the store of a rehearsal, an establishment half taken in, an archive that was sent. Each is
//! removed once nobody holds it any more.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::apart;
use crate::services::context::{Gateway, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments;
use crate::store::Address;
use crate::store::registry::establishment::{self, EstablishmentStatus};
use crate::types::slug::SCRATCH;
use crate::types::time::Timestamp;

/// When what could not be removed is tried again, in seconds.
pub(super) const AGAIN_AFTER_S: i64 = 60;
/// How old an archive that was sent is when nobody can be reading it any more, in seconds: a day.
const UPLOAD_AGE_MAX_S: i64 = 24 * 3600;
/// How the files of archives that are sent begin, and what they end in.
pub(super) const UPLOAD: (&str, &str) = ("upload-", ".age");
/// Files looked at in one sweep.
const FILES_MAX: usize = 100_000;

/// Which store a rehearsal works in, as a job names it.
pub(super) fn subject(scratch: &Address) -> String {
    format!("{} {} {}", scratch.slug, scratch.id, scratch.placement)
}

fn scratch(subject: &str) -> Option<Address> {
    let mut words = subject.splitn(3, ' ');
    let (slug, id, placement) = (words.next()?, words.next()?, words.next()?);
    let id = id.parse().ok()?;
    // Whatever the registry may say, only what was made for a rehearsal is removed.
    slug.starts_with(SCRATCH).then(|| Address { id, slug: slug.to_owned(), placement: placement.to_owned() })
}

/// Removes the store of a rehearsal that was broken off.
///
/// # Errors
/// When it cannot be removed now.
pub async fn clear_away(gateway: &Gateway, subject: &str) -> Result<(), Error> {
    let Some(left) = scratch(subject) else { return Ok(()) };
    gateway.stores.remove(&left).await?;
    tracing::info!(store = left.slug, "removed the store of a rehearsal that was broken off");
    Ok(())
}

/// Deletes an establishment whose taking in was broken off: nobody could ever enter it. By whoever holds its job.
///
/// # Errors
/// When a store fails.
pub async fn take_back(platform: &PlatformContext, slug: &str, id: &str) -> Result<(), Error> {
    let known = establishment::find(&mut platform.registry().read().await?, slug).await?;
    match known {
        Some(half) if half.id.to_string() == id && half.status == EstablishmentStatus::Blocked => {
            tracing::warn!(establishment = slug, "an import was broken off: what it had made is deleted, import it again");
            establishments::delete(platform, slug, Some(slug)).await
        }
        Some(_) => Ok(()),
        // Its deletion may have been begun already.
        None => establishments::carry_on(platform, slug).await,
    }
}

/// Removes archives that callers sent long ago: whoever took them was killed.
///
/// # Errors
/// When the folder cannot be read.
pub async fn clear_uploads(folder: &Path, now: Timestamp) -> Result<(), Error> {
    let folder = folder.to_owned();
    let failed = |path: &Path, e: &std::io::Error| Error::Outside(format!("{} cannot be tidied: {e}", path.display()));
    apart(move || {
        for entry in std::fs::read_dir(&folder).map_err(|e| failed(&folder, &e))?.take(FILES_MAX) {
            let entry = entry.map_err(|e| failed(&folder, &e))?;
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| name.starts_with(UPLOAD.0) && name.ends_with(UPLOAD.1));
            let written = entry.metadata().and_then(|found| found.modified());
            let age_s = |at: Duration| now.seconds() - i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
            let written = written.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            if ours && written.is_some_and(|at| age_s(at) > UPLOAD_AGE_MAX_S) {
                std::fs::remove_file(entry.path()).map_err(|e| failed(&entry.path(), &e))?;
                tracing::info!(path = %entry.path().display(), "removed an archive that was sent and never used up");
            }
        }
        Ok(())
    })
    .await
}
