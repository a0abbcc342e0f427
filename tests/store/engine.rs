//! The engines that the store's contract is tried on: both, whatever engine the other tests of a run are on.

use passerelle::store::registry::establishment::DEFAULT_PLACEMENT;
use passerelle::store::{Address, Bounds, Error, Store, Stores, Tx};
use passerelle::types::id::EstablishmentId;
use passerelle::types::page::{Page, PageRequest};

use crate::harness::store::{Engine, TestStore};

/// What may stand open, where a test does not care.
pub const BOUNDS: Bounds = Bounds { open_max: 16, connections_max: 4 };

/// A fresh installation on one engine, with one establishment.
pub struct Bed {
    pub stores: Stores,
    pub store: Store,
    _place: TestStore,
}

impl Bed {
    async fn open(engine: Engine) -> Self {
        let place = TestStore::on(engine);
        let stores = Stores::open(&place.url(), &[], BOUNDS).await.unwrap();
        let store = stores.provision_new(at("college-jean-jaures")).await.unwrap();
        Self { stores, store, _place: place }
    }

    /// A reading connection of the establishment.
    pub async fn read(&self) -> Tx {
        self.store.read().await.unwrap()
    }

    /// Writes in one transaction of the establishment, and commits.
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) -> T {
        write_in(&self.store, work).await
    }

    /// The error of a write that must not go through; its transaction is dropped, as an engine may have ended it already.
    pub async fn refusal<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) -> Error {
        let mut tx = self.store.begin().await.unwrap();
        match work(&mut tx).await {
            Ok(_) => panic!("written, though it had to be refused"),
            Err(error) => error,
        }
    }

    /// Fails unless a write is refused because a value is taken, naming these columns.
    pub async fn refuses_as_taken<T>(&self, columns: &str, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) {
        let error = self.refusal(work).await;
        assert!(matches!(&error, Error::Taken(named) if named == columns), "{columns} had to be named as taken: {error:?}");
    }

    /// Fails unless a write is refused because of a reference.
    pub async fn refuses_as_referenced<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) {
        let error = self.refusal(work).await;
        assert!(matches!(error, Error::Referenced(_)), "{error:?}");
    }

    /// Fails unless a write is refused because the thing is not there.
    pub async fn refuses_as_not_found<T>(&self, thing: &str, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) {
        let error = self.refusal(work).await;
        assert!(matches!(error, Error::NotFound(named) if named == thing), "{thing} had to be not found: {error:?}");
    }
}

/// Writes in one transaction of a store, and commits.
pub async fn write_in<T>(store: &Store, work: impl AsyncFnOnce(&mut Tx) -> Result<T, Error>) -> T {
    let mut tx = store.begin().await.unwrap();
    let written = work(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    written
}

/// The place of the establishment of this slug, the same at every call: files are named by slugs.
pub fn named(slug: &str) -> Address {
    let mut key = [0_u8; 16];
    key.iter_mut().zip(slug.bytes()).for_each(|(byte, letter)| *byte = letter);
    Address { id: EstablishmentId::from(uuid::Uuid::from_bytes(key)), ..at(slug) }
}

/// Runs a behaviour on every engine.
pub async fn on_every_engine(behaviour: impl AsyncFn(&Bed)) {
    for engine in Engine::ALL {
        println!("on {engine:?}");
        let bed = Bed::open(engine).await;
        behaviour(&bed).await;
        bed.stores.close().await;
    }
}

/// Walks a list page by page, and fails when pages overflow or disagree on the total.
pub async fn walk<T>(limit: i64, query: Option<&str>, mut list: impl AsyncFnMut(&PageRequest) -> Result<Page<T>, Error>) -> Vec<T> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = list(&PageRequest::parse(Some(limit), cursor.as_deref(), query).unwrap()).await.unwrap();
        assert!(i64::try_from(page.items.len()).unwrap() <= limit, "a page holds more than was asked for");
        found.extend(page.items);
        let so_far = i64::try_from(found.len()).unwrap();
        let Some(next) = page.next_cursor else {
            assert_eq!(so_far, page.total, "the total is that of the whole list");
            return found;
        };
        assert!(so_far < page.total, "the walk goes on after its end");
        cursor = Some(next);
    }
}

/// The place of an establishment of this slug, which is a new one to the engines that name stores by key.
pub fn at(slug: &str) -> Address {
    Address { id: EstablishmentId::new(), slug: slug.to_owned(), placement: DEFAULT_PLACEMENT.to_owned() }
}
