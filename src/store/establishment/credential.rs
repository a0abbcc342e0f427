//! Local passwords, as Argon2id hashes.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::UserId;
use crate::types::time::Timestamp;

/// The hash of a person's local password, in PHC form.
pub async fn find_password_hash(tx: &mut Tx, user: UserId) -> Result<Option<String>, Error> {
    const SQL: &str = "SELECT password_hash FROM credentials WHERE user_id = $1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).fetch_optional(c).await)?)
}

/// Sets a person's local password.
pub async fn set_password_hash(tx: &mut Tx, user: UserId, hash: &str, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO credentials (user_id, password_hash, updated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, updated_at = excluded.updated_at";
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(hash).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets a person's password.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM credentials WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}
