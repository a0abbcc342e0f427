//! Establishments looked up a moment ago, so that a page and its answer do not each ask the registry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::error::Error;
use crate::store::Stores;
use crate::store::registry::establishment::{self, Establishment};

/// How long a change made by another process (the command line) may go unseen. One made by this process is told with `forget`.
const LIFETIME: Duration = Duration::from_secs(2);
/// Most establishments kept: a few kilobytes each.
const KEPT_MAX: u64 = 1024;

/// Establishments by slug, for two seconds.
#[derive(Clone)]
pub struct RecentEstablishments(Cache<String, Arc<Establishment>>);

impl Default for RecentEstablishments {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT_MAX).time_to_live(LIFETIME).build())
    }
}

impl fmt::Debug for RecentEstablishments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentEstablishments").field("kept", &self.0.entry_count()).finish_non_exhaustive()
    }
}

impl RecentEstablishments {
    /// One establishment by its slug. That there is none is not kept.
    pub async fn find(&self, stores: &Stores, slug: &str) -> Result<Option<Arc<Establishment>>, Error> {
        if let Some(known) = self.0.get(slug) {
            return Ok(Some(known));
        }
        let mut tx = stores.registry().read().await?;
        let found = establishment::find(&mut tx, slug).await?.map(Arc::new);
        if let Some(found) = &found {
            self.0.insert(slug.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// Forgets one, because it changed.
    pub fn forget(&self, slug: &str) {
        self.0.invalidate(slug);
    }
}
