//! The registry and the establishments' stores, opened when wanted and closed when long unused.

use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::migrate::Kind;
use super::sqlite::SqliteFile;
use super::{Error, Tx};
use crate::types::slug::Slug;

/// Where stores live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A folder of SQLite files.
    Sqlite(PathBuf),
}

/// One establishment's store. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<SqliteFile>);

impl Store {
    /// A connection for reading: each statement sees the last commit.
    pub async fn read(&self) -> Result<Tx, Error> {
        self.0.read().await
    }

    /// The writing transaction.
    pub async fn begin(&self) -> Result<Tx, Error> {
        self.0.begin().await
    }

    /// The file, for messages and statistics.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.path()).finish()
    }
}

/// Every store of the installation: the registry, and a bounded number of open establishments.
#[derive(Clone, Debug)]
pub struct Stores {
    folder: PathBuf,
    registry: Store,
    open: Cache<String, Store>,
}

impl Stores {
    /// Whether there are stores already.
    pub fn exist(url: &StoreUrl) -> bool {
        let StoreUrl::Sqlite(folder) = url;
        folder.join("registry.sqlite").exists()
    }

    /// Opens the registry and the platform's own store, making both when the folder is new.
    ///
    /// # Errors
    /// When the folder cannot be made or written, or a store's version does not fit.
    pub async fn open(url: &StoreUrl, open_max: u64) -> Result<Self, Error> {
        let StoreUrl::Sqlite(folder) = url;
        let establishments = folder.join("establishments");
        // Stores hold password hashes: what is made here is for the program's own user only. A folder that was there keeps its rights.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&establishments);
        made.map_err(|source| Error::Folder { path: establishments.clone(), source })?;
        restrict(&establishments, 0o700)?;
        let path = folder.join("registry.sqlite");
        let registry = Store(Arc::new(SqliteFile::open(&path, Kind::Registry, true).await?));
        restrict(&path, 0o600)?;
        let open = Cache::builder().max_capacity(open_max).eviction_policy(EvictionPolicy::lru()).build();
        let stores = Self { folder: folder.clone(), registry, open };
        stores.provision(&Slug::platform()).await?;
        Ok(stores)
    }

    /// The platform's registry.
    pub fn registry(&self) -> &Store {
        &self.registry
    }

    /// The folder everything lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stores that are open now, by slug.
    pub fn opened(&self) -> Vec<(String, Store)> {
        self.open.iter().map(|(slug, store)| ((*slug).clone(), store)).collect()
    }

    /// One establishment's store.
    ///
    /// # Errors
    /// `Missing` when the registry knows the establishment and its file is gone.
    pub async fn establishment(&self, slug: &Slug) -> Result<Store, Error> {
        if let Some(store) = self.open.get(slug.as_str()).await {
            return Ok(store);
        }
        self.open_file(slug, false).await
    }

    /// Makes the store of a new establishment; opens it when it is there already.
    pub async fn provision(&self, slug: &Slug) -> Result<Store, Error> {
        self.open_file(slug, true).await
    }

    /// Makes the store of a new establishment. A file of which the registry knows nothing, left by a crash or by an older registry put back,
    /// is set aside under another name and never overwritten.
    pub async fn provision_new(&self, slug: &Slug) -> Result<Store, Error> {
        // One that is still open would go on in the removed file, and take the new one's log with it when it closes.
        if let Some(store) = self.open.remove(slug.as_str()).await {
            store.0.close().await;
        }
        let stamp = uuid::Uuid::now_v7().simple();
        for ending in ["sqlite", "sqlite-wal", "sqlite-shm"] {
            let path = self.folder.join("establishments").join(format!("{slug}.{ending}"));
            let aside = self.folder.join("establishments").join(format!("{slug}.set-aside-{stamp}.{ending}"));
            match std::fs::rename(&path, aside) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(Error::Folder { path, source }),
                _ => {}
            }
        }
        self.provision(slug).await
    }

    /// Closes everything, so that the last commits are merged into the files.
    pub async fn close(&self) {
        for (_, store) in &self.open {
            store.0.close().await;
        }
        self.registry.0.close().await;
    }

    async fn open_file(&self, slug: &Slug, create: bool) -> Result<Store, Error> {
        let path = self.folder.join("establishments").join(format!("{slug}.sqlite"));
        let opening = async { SqliteFile::open(&path, Kind::Establishment, create).await.map(|file| Store(Arc::new(file))) };
        // Two requests for a cold establishment open it once.
        let opened = self.open.try_get_with(slug.as_str().to_owned(), opening).await.map_err(|error| Error::shared(&error));
        // The cache puts old ones aside now and then; files that are open are few at any time.
        self.open.run_pending_tasks().await;
        opened
    }
}

/// Takes from everyone else the right to read what is ours alone.
fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: path.to_owned(), source };
    std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)
}
