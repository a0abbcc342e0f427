//! One-time links by which a person chooses a password. Kept by hash; one use.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::UserId;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Purpose {
    /// The first password.
    Invitation,
    /// A new password.
    Reset,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OneTimeLink {
    /// Whose password it sets.
    pub user_id: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub created_at: Timestamp,
    /// End of its life.
    pub expires_at: Timestamp,
}

/// A link that is neither used nor expired.
pub async fn find_live(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<Option<OneTimeLink>, Error> {
    const SQL: &str = "SELECT user_id, purpose, created_at, expires_at FROM one_time_links \
         WHERE token_hash = $1 AND expires_at > $2 AND used_at IS NULL";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(token.as_bytes()).bind(now).fetch_optional(c).await)?)
}

/// Writes a new link; the person's earlier ones stop working.
pub async fn replace(tx: &mut Tx, token: TokenHash, l: &OneTimeLink) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM one_time_links WHERE user_id = $1";
    const SQL: &str = "INSERT INTO one_time_links (token_hash, user_id, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    on!(tx, |c| sqlx::query(DELETE).bind(l.user_id).execute(c).await.map(drop))?;
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(token.as_bytes()).bind(l.user_id).bind(l.purpose);
        row.bind(l.created_at).bind(l.expires_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Ends a person's links.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM one_time_links WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Uses a link up; true for exactly one caller.
pub async fn spend(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "UPDATE one_time_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(token.as_bytes()).bind(now).execute(c).await.map(|d| d.rows_affected()))? == 1)
}

/// Removes what has expired, used or not.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM one_time_links WHERE expires_at <= $1";
    on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
