//! The registry and the establishments' stores, wherever they lie: opened when wanted, closed when long unused.

mod address;
mod folder;

use std::collections::BTreeMap;
use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use uuid::Uuid;

use super::dialect::SchemaName;
use super::migrate::Kind;
use super::postgres::{Schema, Server};
use super::registry::establishment::DEFAULT_PLACEMENT;
use super::registry::installation;
use super::sqlite::{SqliteFile, Stamp};
use super::{Error, Notices, Tx};
use crate::types::id::EstablishmentId;
use crate::types::slug::PLATFORM;
pub use address::{Address, StoreUrl};
use folder::Folder;

/// One establishment's store, or the registry. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file.
    Sqlite(Arc<SqliteFile>),
    /// A schema.
    Postgres(Arc<Schema>),
}

impl Store {
    /// A connection for reading: each statement sees the last commit.
    pub async fn read(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(file) => file.read().await,
            Self::Postgres(schema) => schema.read().await.map(Tx::Postgres),
        }
    }

    /// A connection for reading in which every statement sees the same moment.
    pub async fn snapshot(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(file) => file.snapshot().await,
            Self::Postgres(schema) => schema.snapshot().await.map(Tx::Postgres),
        }
    }

    /// The writing transaction; waits for the one before.
    pub async fn begin(&self) -> Result<Tx, Error> {
        match self {
            Self::Sqlite(file) => file.begin().await,
            Self::Postgres(schema) => schema.write().await.map(Tx::Postgres),
        }
    }

    /// Whether someone waits for the writing transaction; nobody knows where other nodes write too.
    pub fn others_wait(&self) -> Option<bool> {
        match self {
            Self::Sqlite(file) => Some(file.others_wait()),
            Self::Postgres(_) => None,
        }
    }

    /// Where it lies, for messages.
    pub fn label(&self) -> String {
        match self {
            Self::Sqlite(file) => file.path().display().to_string(),
            Self::Postgres(schema) => schema.label(),
        }
    }

    async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(_) => {}
        }
    }
}

#[derive(Clone, Debug)]
enum Placement {
    Sqlite(Folder),
    Postgres(Server),
}

impl Placement {
    async fn open(url: &StoreUrl, connections_max: u32) -> Result<Self, Error> {
        match url {
            StoreUrl::Sqlite(path) => Ok(Self::Sqlite(Folder::open(path)?)),
            StoreUrl::Postgres(url) => Ok(Self::Postgres(Server::connect(url.expose(), connections_max).await?)),
        }
    }

    /// A further placement: one that is away is told, and keeps the establishments elsewhere from nobody.
    async fn further(name: &str, url: &StoreUrl, connections_max: u32) -> Result<Self, Error> {
        let away = |error: &Error| tracing::error!(placement = name, %error, "a placement cannot be used: its establishments do not serve");
        match url {
            StoreUrl::Sqlite(path) => Ok(Self::Sqlite(Folder::open(path).inspect_err(away).unwrap_or_else(|_| Folder::unmade(path)))),
            StoreUrl::Postgres(url) => {
                let server = Server::named(url.expose(), connections_max)?;
                let proven = Box::pin(server.prove()).await;
                proven.as_ref().err().map(away);
                Ok(Self::Postgres(server))
            }
        }
    }
}

/// How much may stand open.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Establishments whose stores stand open.
    pub open_max: u64,
    /// Connections to one PostgreSQL server.
    pub connections_max: u32,
}

/// Every store of the installation: the registry, and a bounded number of open establishments.
#[derive(Clone, Debug)]
pub struct Stores {
    registry: Store,
    installation: Uuid,
    placements: Arc<BTreeMap<String, Placement>>,
    open: Cache<(EstablishmentId, String), (String, Store)>,
}

impl Stores {
    /// Whether there are stores already.
    ///
    /// # Errors
    /// When a database cannot be asked.
    pub async fn exist(url: &StoreUrl) -> Result<bool, Error> {
        match url {
            StoreUrl::Sqlite(folder) => Ok(folder.join("registry.sqlite").exists()),
            StoreUrl::Postgres(url) => {
                let server = Server::connect(url.expose(), 1).await?;
                let found = Schema::new(&server, SchemaName::registry()).check(Kind::Registry).await;
                server.close().await;
                match found {
                    Ok(()) | Err(Error::Newer { .. }) => Ok(true),
                    Err(Error::Missing(_)) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Opens the registry and the platform's own store, making both when they are not there. `more` are further placements by name.
    ///
    /// # Errors
    /// When the place cannot be made or written, a login does not serve, or a store's version does not fit.
    pub async fn open(url: &StoreUrl, more: &[(String, StoreUrl)], bounds: Bounds) -> Result<Self, Error> {
        let own = Placement::open(url, bounds.connections_max).await?;
        let registry = match &own {
            Placement::Sqlite(folder) => Store::Sqlite(folder.registry().await?),
            Placement::Postgres(server) => {
                let schema = Schema::new(server, SchemaName::registry());
                match schema.check(Kind::Registry).await {
                    Err(Error::Missing(_)) => Store::Postgres(Arc::new(Schema::provision(server, schema.name(), Kind::Registry).await?)),
                    checked => checked.map(|()| Store::Postgres(Arc::new(schema)))?,
                }
            }
        };
        let mut placements = BTreeMap::from([(DEFAULT_PLACEMENT.to_owned(), own)]);
        for (name, url) in more {
            placements.insert(name.clone(), Placement::further(name, url, bounds.connections_max).await?);
        }
        let installation = installation::get_or_insert(&registry).await?.id;
        let open = Cache::builder().max_capacity(bounds.open_max).eviction_policy(EvictionPolicy::lru()).build();
        let stores = Self { registry, installation, placements: Arc::new(placements), open };
        stores.provision(Address::platform()).await?;
        Ok(stores)
    }

    /// The platform's registry.
    pub fn registry(&self) -> &Store {
        &self.registry
    }

    /// The stores that are open now, by slug.
    pub fn opened(&self) -> Vec<(String, Store)> {
        self.open.iter().map(|(_, named)| named).collect()
    }

    /// Whether a store of this slug stands open.
    pub fn is_open(&self, slug: &str) -> bool {
        self.open.iter().any(|(_, (named, _))| named == slug)
    }

    /// What changes whenever any program writes into the registry, where that can be seen without asking it: on files.
    pub fn registry_stamp(&self) -> Option<Stamp> {
        match &self.registry {
            Store::Sqlite(file) => Some(file.stamp()),
            Store::Postgres(_) => None,
        }
    }

    /// The names of the placements.
    pub fn placements(&self) -> impl Iterator<Item = &str> {
        self.placements.keys().map(String::as_str)
    }

    /// The platform's own store.
    pub async fn platform(&self) -> Result<Store, Error> {
        self.establishment(Address::platform()).await
    }

    /// Keeps some connections ready, where there are any to keep: best effort.
    pub async fn keep_warm(&self) {
        if let Ok(Store::Postgres(schema)) = self.platform().await {
            schema.warm().await;
        }
    }

    /// One establishment's store.
    ///
    /// # Errors
    /// `Missing` when the registry knows the establishment and its store is gone.
    pub async fn establishment(&self, at: impl Into<Address>) -> Result<Store, Error> {
        let at = at.into();
        if let Some((_, store)) = self.open.get(&(at.id, at.placement.clone())).await {
            return Ok(store);
        }
        self.open_at(at, false).await
    }

    /// Makes the store of a new establishment; opens it when it is there already.
    pub async fn provision(&self, at: impl Into<Address>) -> Result<Store, Error> {
        self.open_at(at.into(), true).await
    }

    /// Makes the store of a new establishment. A file of which the registry knows nothing, left by a crash or by an older registry put back,
    /// is set aside under another name and never overwritten; a schema has the establishment's own new key as its name.
    pub async fn provision_new(&self, at: impl Into<Address>) -> Result<Store, Error> {
        let at = at.into();
        if let Placement::Sqlite(folder) = self.placement(&at)? {
            // One that is still open would go on in the removed file, and take the new one's log with it when it closes.
            for (key, (slug, store)) in &self.open {
                if slug == at.slug && key.1 == at.placement {
                    self.open.remove(&*key).await;
                    store.close().await;
                }
            }
            folder.set_aside(&at.slug)?;
        }
        self.provision(&at).await
    }

    /// Removes a store with all that is in it. One that is not there is removed already.
    pub async fn remove(&self, at: impl Into<Address>) -> Result<(), Error> {
        let at = at.into();
        let placement = self.placement(&at)?;
        let removed = async {
            let tx = self.establishment(&at).await?.begin().await?;
            self.remove_in(&at, tx).await
        };
        match (placement, removed.await) {
            // What is too new or broken to be opened can still be removed. What is merely busy has a writer, who would go on in a removed file.
            (Placement::Sqlite(folder), Err(error)) if error.never_opens() => {
                self.close_at(&at).await;
                folder.remove(&at.slug)
            }
            // The removal may have been carried out and its answer lost: then nothing is found.
            (Placement::Postgres(server), Err(error)) if error.never_opens() => {
                self.close_at(&at).await;
                match Schema::find(server, &self.schema_name(&at)).await? {
                    Some(schema) => schema.remove().await,
                    None => Ok(()),
                }
            }
            (_, removed) => removed,
        }
    }

    /// Ends a writing transaction of a store by removing the store: whoever waits to write in it finds it gone, and writes nothing.
    pub async fn remove_in(&self, at: impl Into<Address>, tx: Tx) -> Result<(), Error> {
        let at = at.into();
        match (self.placement(&at)?, tx) {
            (Placement::Postgres(server), Tx::Postgres(transaction)) => {
                let removed = Schema::remove_in(server, &self.schema_name(&at), transaction).await;
                // Whatever the answer is, and when it is lost too, the next caller looks again what is there.
                self.close_at(&at).await;
                removed
            }
            (Placement::Sqlite(folder), Tx::SqliteTransaction { transaction, .. }) => {
                SqliteFile::retire(transaction).await?;
                self.close_at(&at).await;
                folder.remove(&at.slug)
            }
            _ => Err(Error::Refused { place: at.placement, reason: "the transaction is of another store".to_owned() }),
        }
    }

    /// Closes what stands open of one place, and not what lies in another: a move holds that one.
    async fn close_at(&self, at: &Address) {
        if let Some((_, store)) = self.open.remove(&(at.id, at.placement.clone())).await {
            store.close().await;
        }
    }

    /// Closes what stands open of an establishment; it is opened again when wanted.
    pub async fn forget(&self, id: EstablishmentId) {
        for (key, (_, store)) in &self.open {
            if key.0 == id {
                self.open.remove(&*key).await;
                store.close().await;
            }
        }
    }

    /// Closes what stands open under a slug, but for the establishment that bears it now, where it lies now.
    pub async fn forget_named(&self, slug: &str, now: Option<&Address>) {
        for (key, (named, store)) in &self.open {
            let stays = now.is_some_and(|now| (now.id, &now.placement) == (key.0, &key.1));
            if named == slug && !stays {
                self.open.remove(&*key).await;
                store.close().await;
            }
        }
    }

    /// What other nodes say, where there may be others.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn notices(&self) -> Result<Option<Notices>, Error> {
        match &self.registry {
            Store::Sqlite(_) => Ok(None),
            Store::Postgres(schema) => Ok(Some(Notices(schema.server().listen().await?))),
        }
    }

    /// Closes everything, so that the last commits are merged into the files.
    pub async fn close(&self) {
        for (_, (_, store)) in &self.open {
            store.close().await;
        }
        self.registry.close().await;
        for placement in self.placements.values() {
            if let Placement::Postgres(server) = placement {
                server.close().await;
            }
        }
    }

    /// SQL roles are the server's, and another installation may have stores there: the platform's bears the installation's key.
    fn schema_name(&self, at: &Address) -> SchemaName {
        let platform = at.slug == PLATFORM;
        SchemaName::establishment(if platform { EstablishmentId::from(self.installation) } else { at.id })
    }

    /// The name of an establishment's store in its placement, as [`super::look_at`] lists it. None when the placement is not known.
    pub fn name_in_place(&self, at: impl Into<Address>) -> Option<String> {
        let at = at.into();
        match self.placements.get(&at.placement)? {
            Placement::Sqlite(_) => Some(at.slug),
            Placement::Postgres(_) => Some(self.schema_name(&at).to_string()),
        }
    }

    async fn schema(&self, server: &Server, at: &Address, create: bool) -> Result<Schema, Error> {
        server.prove().await?;
        let name = self.schema_name(at);
        match Schema::find(server, &name).await? {
            Some(schema) => schema.check(Kind::Establishment).await.map(|()| schema),
            None if create => Schema::provision(server, &name, Kind::Establishment).await,
            None => Err(Error::Missing(format!("{name} in {}", server.label()))),
        }
    }

    fn placement(&self, at: &Address) -> Result<&Placement, Error> {
        self.placements.get(&at.placement).ok_or_else(|| Error::Refused {
            place: format!("the placement «{}»", at.placement),
            reason: format!("«{}» lies there, and the configuration does not name it: add it to store.placements", at.slug),
        })
    }

    async fn open_at(&self, at: Address, create: bool) -> Result<Store, Error> {
        let placement = self.placement(&at)?;
        let opening = async {
            let store = match placement {
                Placement::Sqlite(folder) => Store::Sqlite(folder.establishment(&at.slug, create).await?),
                Placement::Postgres(server) => Store::Postgres(Arc::new(Box::pin(self.schema(server, &at, create)).await?)),
            };
            Ok((at.slug.clone(), store))
        };
        // Two requests for a cold establishment open it once.
        let key = (at.id, at.placement.clone());
        let opened = self.open.try_get_with(key, opening).await.map_err(|error: Arc<Error>| Error::shared(&error));
        // The cache puts old ones aside now and then; files that are open are few at any time.
        self.open.run_pending_tasks().await;
        opened.map(|(_, store)| store)
    }
}
