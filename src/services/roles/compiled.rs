//! Sets of stored rules that were made ready a moment ago: a pure function's results, so they never grow stale. Reads no store.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use super::super::error::Error;
use super::compile::Compiled;
use crate::store::establishment::rule::Rule;

/// Rules kept ready in the whole process: as many as two establishments may have. Each keeps its compiled patterns.
const RULES_KEPT_MAX: u64 = 2_000;
/// For how long a set that nobody asks for is kept.
const IDLE: Duration = Duration::from_mins(10);

static READY: LazyLock<Cache<Vec<u8>, Arc<Vec<Compiled>>>> = LazyLock::new(|| {
    let weigh = |_: &Vec<u8>, set: &Arc<Vec<Compiled>>| u32::try_from(set.len()).unwrap_or(u32::MAX).max(1);
    Cache::builder().max_capacity(RULES_KEPT_MAX).weigher(weigh).time_to_idle(IDLE).build()
});

/// These very rules, when they were made ready before.
pub fn known(rules: &[Rule]) -> Result<Option<Vec<Compiled>>, Error> {
    Ok(READY.get(&key(rules)?).map(|ready| ready.to_vec()))
}

/// Keeps rules that were made ready.
pub fn keep(rules: &[Rule], ready: &[Compiled]) -> Result<(), Error> {
    READY.insert(key(rules)?, Arc::new(ready.to_vec()));
    Ok(())
}

fn key(rules: &[Rule]) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_vec(rules).map_err(|e| Error::Internal(format!("rules are always JSON, and are not: {e}")))?;
    Ok(digest(&SHA256, &text).as_ref().to_vec())
}
