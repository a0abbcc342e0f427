//! The operator's own list of zones.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};

/// A geographic zone that establishments lie in (SAC-4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::FromRow)]
pub struct Zone {
    /// Short name, the key.
    pub name: String,
    /// What people read.
    pub title: String,
}

/// One zone by its name.
pub async fn find(tx: &mut Tx, name: &str) -> Result<Option<Zone>, Error> {
    const SQL: &str = "SELECT name, title FROM zones WHERE name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// All zones, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Zone>, Error> {
    const SQL: &str = "SELECT name, title FROM zones ORDER BY name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Adds a zone or gives it another title.
pub async fn upsert(tx: &mut Tx, zone: &Zone) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO zones (name, title) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET title = excluded.title";
    on!(tx, |c| sqlx::query(SQL).bind(&zone.name).bind(&zone.title).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes a zone off the list.
///
/// # Errors
/// `Referenced` while an establishment lies in it, `NotFound` when it is not on the list.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM zones WHERE name = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(name).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("zone")) } else { Ok(()) }
}
