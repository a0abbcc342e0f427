//! A folder of SQLite files: the registry, and one file an establishment.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::Error;
use crate::store::migrate::Kind;
use crate::store::sqlite::SqliteFile;

/// A file, and the two that SQLite keeps beside one that is open.
const ENDINGS: [&str; 3] = ["sqlite", "sqlite-wal", "sqlite-shm"];

/// A folder that is there and may be written.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes it when it is new.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let establishments = path.join("establishments");
        // Stores hold password hashes: what is made here is for the program's own user only. A folder that was there keeps its rights.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&establishments);
        made.map_err(|source| Error::Folder { path: establishments.clone(), source })?;
        restrict(&establishments, 0o700)?;
        Ok(Self(path.to_owned()))
    }

    /// One that cannot be made at the moment.
    pub fn unmade(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The registry, made when it is not there.
    pub async fn registry(&self) -> Result<Arc<SqliteFile>, Error> {
        let path = self.0.join("registry.sqlite");
        Ok(Arc::new(SqliteFile::open(&path, Kind::Registry, true).await?))
    }

    /// One establishment's file.
    pub async fn establishment(&self, slug: &str, create: bool) -> Result<Arc<SqliteFile>, Error> {
        Ok(Arc::new(SqliteFile::open(&self.file(slug, "sqlite"), Kind::Establishment, create).await?))
    }

    /// Puts a file under another name.
    pub fn set_aside(&self, slug: &str) -> Result<(), Error> {
        let stamp = uuid::Uuid::now_v7().simple();
        for ending in ENDINGS {
            let path = self.file(slug, ending);
            present(&path, std::fs::rename(&path, self.file(&format!("{slug}.set-aside-{stamp}"), ending)))?;
        }
        Ok(())
    }

    /// Removes a file.
    pub fn remove(&self, slug: &str) -> Result<(), Error> {
        for ending in ENDINGS {
            let path = self.file(slug, ending);
            present(&path, std::fs::remove_file(&path))?;
        }
        Ok(())
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.0.join("establishments").join(format!("{name}.{ending}"))
    }
}

/// What is not there needs no work.
fn present(path: &Path, done: std::io::Result<()>) -> Result<(), Error> {
    match done {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Folder { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

/// Takes from everyone else the right to read what is ours alone.
fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)
}
