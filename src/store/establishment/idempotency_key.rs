//! Requests that must not be carried out twice, by the key their sender gave, with the sealed answer of the first time.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::time::Timestamp;

/// What is kept of the first request with a key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct IdempotencyKey {
    /// Hash of the request the key came with.
    pub request_hash: Vec<u8>,
    /// The sealed answer; none while the request is being carried out.
    pub answer_sealed: Option<Vec<u8>>,
    /// When it came.
    pub created_at: Timestamp,
}

/// What is kept of a key.
pub async fn find(tx: &mut Tx, key_hash: &[u8]) -> Result<Option<IdempotencyKey>, Error> {
    const SQL: &str = "SELECT request_hash, answer_sealed, created_at FROM idempotency_keys WHERE key_hash = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(key_hash).fetch_optional(c).await)?)
}

/// Notes that a request is about to be carried out.
///
/// # Errors
/// `Taken` when the key is noted already.
pub async fn insert(tx: &mut Tx, key_hash: &[u8], request_hash: &[u8], now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO idempotency_keys (key_hash, request_hash, created_at) VALUES ($1, $2, $3)";
    on!(tx, |c| sqlx::query(SQL).bind(key_hash).bind(request_hash).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Keeps the sealed answer.
pub async fn set_answer(tx: &mut Tx, key_hash: &[u8], answer_sealed: &[u8]) -> Result<(), Error> {
    const SQL: &str = "UPDATE idempotency_keys SET answer_sealed = $2 WHERE key_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(key_hash).bind(answer_sealed).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets a key, so that its request may be sent again.
pub async fn delete(tx: &mut Tx, key_hash: &[u8]) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE key_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(key_hash).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets keys that came before an instant.
pub async fn delete_before(tx: &mut Tx, instant: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE created_at < $1";
    on!(tx, |c| sqlx::query(SQL).bind(instant).execute(c).await.map(drop))?;
    Ok(())
}
