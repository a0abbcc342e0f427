//! Establishments looked up a moment ago, so that a page and its answer do not each ask the registry. Other nodes' changes are told by notices.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::error::Error;
use crate::store::registry::establishment::{self, Establishment};
use crate::store::{Stamp, Stores};

/// How long a change made by another program may go unseen at most, should its notice be lost. Usually it is seen at once.
const LIFETIME: Duration = Duration::from_secs(2);
/// Most establishments kept: a few kilobytes each.
const KEPT_MAX: u64 = 1024;

/// Establishments by slug, for two seconds.
pub struct RecentEstablishments {
    kept: Cache<String, (Arc<Establishment>, Option<Stamp>)>,
    /// Counts what was forgotten, so that nothing read before is kept after.
    forgotten: AtomicU64,
}

impl Default for RecentEstablishments {
    fn default() -> Self {
        Self { kept: Cache::builder().max_capacity(KEPT_MAX).time_to_live(LIFETIME).build(), forgotten: AtomicU64::new(0) }
    }
}

impl fmt::Debug for RecentEstablishments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentEstablishments").field("kept", &self.kept.entry_count()).finish_non_exhaustive()
    }
}

impl RecentEstablishments {
    /// One establishment by its slug. That there is none is not kept.
    pub async fn find(&self, stores: &Stores, slug: &str) -> Result<Option<Arc<Establishment>>, Error> {
        // On files, what another program changed (a command) shows at once.
        let stamp = stores.registry_stamp();
        if let Some((known, at)) = self.kept.get(slug)
            && at == stamp
        {
            return Ok(Some(known));
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let mut tx = stores.registry().read().await?;
        let found = establishment::find(&mut tx, slug).await?.map(Arc::new);
        if let Some(found) = &found {
            self.kept.insert(slug.to_owned(), (found.clone(), stamp));
            if self.forgotten.load(Ordering::Acquire) != before {
                // It may have changed while it was read.
                self.kept.invalidate(slug);
            }
        }
        Ok(found)
    }

    /// Forgets one, because it changed.
    pub fn forget(&self, slug: &str) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.kept.invalidate(slug);
    }

    /// Forgets all, because any may have changed.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.kept.invalidate_all();
    }
}
