//! Counters of failed attempts, kept in the store so that a restart forgets none.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Throttle {
    /// Failures within the window.
    pub failures: i64,
    /// When the window began.
    pub window_started_at: Timestamp,
    /// No attempt is looked at before then.
    pub blocked_until: Timestamp,
}

/// The counter of a key, if it ever failed.
pub async fn find(tx: &mut Tx, key: TokenHash) -> Result<Option<Throttle>, Error> {
    const SQL: &str = "SELECT failures, window_started_at, blocked_until FROM throttles WHERE key_hash = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(key.as_bytes()).fetch_optional(c).await)?)
}

/// Counts one more failure, atomically; a window that began before `window_since` starts anew. Answers the failures counted.
pub async fn count_failure(tx: &mut Tx, key: TokenHash, now: Timestamp, window_since: Timestamp) -> Result<i64, Error> {
    const SQL: &str = "INSERT INTO throttles (key_hash, failures, window_started_at, blocked_until) VALUES ($1, 1, $2, $2) \
         ON CONFLICT (key_hash) DO UPDATE SET \
         failures = CASE WHEN throttles.window_started_at < $3 THEN 1 ELSE throttles.failures + 1 END, \
         window_started_at = CASE WHEN throttles.window_started_at < $3 THEN $2 ELSE throttles.window_started_at END \
         RETURNING failures";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(key.as_bytes()).bind(now).bind(window_since).fetch_one(c).await)?)
}

/// Blocks a key until an instant.
pub async fn block(tx: &mut Tx, key: TokenHash, until: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE throttles SET blocked_until = $2 WHERE key_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(key.as_bytes()).bind(until).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes one counted failure back, after the attempt succeeded; a key that falls below `attempts_max` blocks nobody any more.
pub async fn take_back(tx: &mut Tx, key: TokenHash, now: Timestamp, attempts_max: i64) -> Result<(), Error> {
    const SQL: &str = "UPDATE throttles SET failures = failures - 1, \
         blocked_until = CASE WHEN failures - 1 < $3 THEN $2 ELSE blocked_until END WHERE key_hash = $1 AND failures > 0";
    on!(tx, |c| sqlx::query(SQL).bind(key.as_bytes()).bind(now).bind(attempts_max).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets a key after a success.
pub async fn clear(tx: &mut Tx, key: TokenHash) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM throttles WHERE key_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(key.as_bytes()).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes windows that began before an instant and block nobody any more.
pub async fn delete_stale(tx: &mut Tx, window_since: Timestamp, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM throttles WHERE window_started_at < $1 AND blocked_until <= $2";
    on!(tx, |c| sqlx::query(SQL).bind(window_since).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
