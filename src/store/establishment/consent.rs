//! What people allowed which client.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::UserId;
use crate::types::time::Timestamp;

/// The scopes a person allowed a client, space-separated.
pub async fn find_scope(tx: &mut Tx, user: UserId, client_id: &str) -> Result<Option<String>, Error> {
    const SQL: &str = "SELECT scope FROM consents WHERE user_id = $1 AND client_id = $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).bind(client_id).fetch_optional(c).await)?)
}

/// Keeps what a person allowed.
pub async fn upsert(tx: &mut Tx, user: UserId, client_id: &str, scope: &str, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO consents (user_id, client_id, scope, granted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, client_id) DO UPDATE SET scope = excluded.scope, granted_at = excluded.granted_at";
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(client_id).bind(scope).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what a person let applications know.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM consents WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}
