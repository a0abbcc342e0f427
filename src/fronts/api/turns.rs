//! One patch at a time in an establishment: reading what stands, comparing it with `If-Match` and writing go together.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use tokio::sync::{Mutex, MutexGuard};

/// Places to wait in; establishments share them by hash, so that their number stays bounded.
const PLACES: usize = 64;

/// Who changes what now.
#[derive(Debug)]
pub struct Turns([Mutex<()>; PLACES]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Turns {
    /// Waits for the turn of a change in an establishment; it lasts as long as what comes back.
    pub async fn take(&self, slug: &str) -> Option<MutexGuard<'_, ()>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(slug);
        let place = usize::try_from(hash % 64).unwrap_or_default();
        match self.0.get(place) {
            Some(mutex) => Some(mutex.lock().await),
            None => None,
        }
    }
}
