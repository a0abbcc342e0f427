//! The installation itself: one row, made with the registry.

use uuid::Uuid;

use crate::store::tx::on;
use crate::store::{Error, Store, Tx};
use crate::types::time::Timestamp;

/// What is known of the installation.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Installation {
    /// Its key: names the platform's schema.
    pub id: Uuid,
    /// A constant, sealed under the master key.
    pub key_check: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The installation's row.
pub async fn find(tx: &mut Tx) -> Result<Option<Installation>, Error> {
    const SQL: &str = "SELECT id, key_check, created_at FROM installation ORDER BY created_at, id LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_optional(c).await)?)
}

/// Writes the installation's row.
pub async fn insert(tx: &mut Tx, made: &Installation) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO installation (id, key_check, created_at) VALUES ($1, $2, $3)";
    on!(tx, |c| sqlx::query(SQL).bind(made.id).bind(&made.key_check).bind(made.created_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Keeps the constant sealed under the master key.
pub async fn set_key_check(tx: &mut Tx, sealed: &[u8]) -> Result<(), Error> {
    const SQL: &str = "UPDATE installation SET key_check = $1";
    on!(tx, |c| sqlx::query(SQL).bind(sealed).execute(c).await.map(drop))?;
    Ok(())
}

/// The installation's row, made when it is not there. Writers take turns, so nodes that start together make one.
pub async fn get_or_insert(registry: &Store) -> Result<Installation, Error> {
    if let Some(found) = find(&mut registry.read().await?).await? {
        return Ok(found);
    }
    let mut tx = registry.begin().await?;
    if let Some(found) = find(&mut tx).await? {
        return Ok(found);
    }
    let id = Uuid::now_v7();
    let (seconds, _) = id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    let made = Installation { id, key_check: None, created_at: Timestamp::from_seconds(i64::try_from(seconds).unwrap_or_default()) };
    insert(&mut tx, &made).await?;
    tx.commit().await?;
    Ok(made)
}
