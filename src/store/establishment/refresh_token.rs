//! Refresh tokens. Each is used once; rotated ones are kept, so that reuse can be told (RFC 9700 §4.14.2).

use super::grant::Grant;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::GrantId;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// One refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// What it gives.
    pub grant_id: GrantId,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was exchanged for the next.
    pub rotated_at: Option<Timestamp>,
}

/// A refresh token with its grant.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct IssuedRefreshToken {
    /// What it gives.
    #[sqlx(flatten)]
    pub grant: Grant,
    /// End of its life.
    pub token_expires_at: Timestamp,
    /// When it was exchanged for the next.
    pub rotated_at: Option<Timestamp>,
}

/// A token by its hash, rotated or not.
pub async fn find(tx: &mut Tx, token: TokenHash) -> Result<Option<IssuedRefreshToken>, Error> {
    const SQL: &str = "SELECT g.id, g.user_id, g.client_id, g.session_id, COALESCE(g.sid, g.session_id) AS sid, g.scope, g.nonce, g.auth_time, g.created_at, g.expires_at, \
         g.revoked_at, r.expires_at AS token_expires_at, r.rotated_at \
         FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id WHERE r.token_hash = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(token.as_bytes()).fetch_optional(c).await)?)
}

/// Writes a new token.
pub async fn insert(tx: &mut Tx, token: TokenHash, r: &RefreshToken) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO refresh_tokens (token_hash, grant_id, expires_at, rotated_at) VALUES ($1, $2, $3, $4)";
    on!(tx, |c| sqlx::query(SQL).bind(token.as_bytes()).bind(r.grant_id).bind(r.expires_at).bind(r.rotated_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Rotates a token out; true for exactly one caller.
pub async fn rotate(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "UPDATE refresh_tokens SET rotated_at = $2 WHERE token_hash = $1 AND rotated_at IS NULL";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(token.as_bytes()).bind(now).execute(c).await.map(|d| d.rows_affected()))? == 1)
}
