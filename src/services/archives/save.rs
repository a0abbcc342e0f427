//! Saving: an archive into a file that is whole or not there.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::envelope::Lock;
use super::progress::Progress;
use super::{apart, export};
use crate::services::context::Context;
use crate::services::error::Error;

/// An archive in a file.
#[derive(Clone, Debug, Serialize)]
pub struct Saved {
    /// The establishment.
    pub slug: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of what is in it, as its manifest states it.
    pub sha256: String,
}

/// Writes an archive beside its place, lets it reach the disk, and gives it its name only then. A file that is there is not touched unless `over` it.
///
/// # Errors
/// `Conflict` when the file is there, `Outside` when it cannot be written.
pub async fn save(ctx: &Context, lock: &Lock, path: &Path, over: bool, progress: &Arc<Progress>) -> Result<Saved, Error> {
    let part = part_of(path)?;
    let begun = apart({
        let (path, part) = (path.to_owned(), part.clone());
        move || {
            refuse_existing(&path, over)?;
            // Whoever else may read the folder must not read the archive: a passphrase can be tried without end.
            let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
            opened.map_err(|e| failed(&part, &e))
        }
    });
    let file = begun.await?;
    let written = match export(ctx, lock, BufWriter::new(file), progress).await {
        Ok((manifest, out)) => {
            apart({
                let (path, part) = (path.to_owned(), part.clone());
                move || finish(out, &part, &path, over).map(|size_bytes| (manifest, size_bytes))
            })
            .await
        }
        Err(error) => Err(error),
    };
    match written {
        Ok((manifest, size_bytes)) => {
            let (slug, path) = (ctx.slug().to_owned(), path.to_owned());
            Ok(Saved { slug, path, size_bytes, rows: manifest.rows, sha256: manifest.sha256 })
        }
        Err(error) => {
            // What is left of it is of no use; that it cannot be removed is told by the next attempt.
            let _removed = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

fn finish(out: BufWriter<File>, part: &Path, path: &Path, over: bool) -> Result<u64, Error> {
    let file = out.into_inner().map_err(|e| failed(part, e.error()))?;
    file.sync_all().map_err(|e| failed(part, &e))?;
    let size = file.metadata().map_err(|e| failed(part, &e))?.len();
    refuse_existing(path, over)?;
    std::fs::rename(part, path).map_err(|e| failed(path, &e))?;
    // The name is on the disk too before anyone is told.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| failed(folder, &e))?;
    Ok(size)
}

fn part_of(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().ok_or_else(|| Error::invalid("output", "names no file"))?;
    let mut part = name.to_owned();
    part.push(".part");
    Ok(path.with_file_name(part))
}

fn refuse_existing(path: &Path, over: bool) -> Result<(), Error> {
    if over || !path.exists() {
        return Ok(());
    }
    Err(Error::Conflict(format!("{} is there already: choose another file", path.display())))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::Outside(format!("{} cannot be written: {error}", path.display()))
}
