//! Authorization codes (RFC 6749 §4.1.2). Spent ones are kept, so that a second use can be told and answered by revocation.

use super::grant::Grant;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::GrantId;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// One code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// What it gives.
    pub grant_id: GrantId,
    /// The address it was sent to; the token request must name the same.
    pub redirect_uri: String,
    /// S256 challenge (RFC 7636).
    pub code_challenge: Option<String>,
    /// End of its life.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub spent_at: Option<Timestamp>,
}

/// A code with its grant.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct IssuedCode {
    /// What it gives.
    #[sqlx(flatten)]
    pub grant: Grant,
    /// The address it was sent to.
    pub redirect_uri: String,
    /// S256 challenge (RFC 7636).
    pub code_challenge: Option<String>,
    /// End of its life.
    pub code_expires_at: Timestamp,
    /// When it was spent.
    pub spent_at: Option<Timestamp>,
}

/// A code by its hash, spent or not.
pub async fn find(tx: &mut Tx, code: TokenHash) -> Result<Option<IssuedCode>, Error> {
    const SQL: &str = "SELECT g.id, g.user_id, g.client_id, g.session_id, COALESCE(g.sid, g.session_id) AS sid, g.scope, g.nonce, g.auth_time, g.created_at, g.expires_at, \
         g.revoked_at, a.redirect_uri, a.code_challenge, a.expires_at AS code_expires_at, a.spent_at \
         FROM authorization_codes a JOIN grants g ON g.id = a.grant_id WHERE a.code_hash = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(code.as_bytes()).fetch_optional(c).await)?)
}

/// Writes a new code.
pub async fn insert(tx: &mut Tx, code: TokenHash, a: &AuthorizationCode) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO authorization_codes (code_hash, grant_id, redirect_uri, code_challenge, expires_at, spent_at) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(code.as_bytes()).bind(a.grant_id).bind(&a.redirect_uri).bind(&a.code_challenge);
        row.bind(a.expires_at).bind(a.spent_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Spends a code; true for exactly one caller.
pub async fn spend(tx: &mut Tx, code: TokenHash, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "UPDATE authorization_codes SET spent_at = $2 WHERE code_hash = $1 AND spent_at IS NULL";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(code.as_bytes()).bind(now).execute(c).await.map(|d| d.rows_affected()))? == 1)
}
