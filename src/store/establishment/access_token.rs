//! Access tokens: opaque, kept by hash, so that revocation is immediate.

use super::user::User;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{GrantId, SessionId};
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// A live access token with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LiveToken {
    /// Its grant.
    pub grant_id: GrantId,
    /// The person, whatever their status.
    #[sqlx(flatten)]
    pub user: User,
    /// The client.
    pub client_id: String,
    /// The session.
    pub session_id: SessionId,
    /// Scopes of this token, space-separated.
    pub scope: String,
    /// End of its life.
    pub token_expires_at: Timestamp,
}

/// A token that is neither expired nor revoked.
pub async fn find_live(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<Option<LiveToken>, Error> {
    const SQL: &str = "SELECT t.grant_id, g.client_id, g.session_id, t.scope, t.expires_at AS token_expires_at, u.id, u.username, u.given_name, u.family_name, u.display_name, u.email, u.locale, u.status, u.disabled_by, u.home_unit, \
         u.units, u.attributes, u.last_sign_in_at, u.created_at, u.updated_at, u.erased_at \
         FROM access_tokens t JOIN grants g ON g.id = t.grant_id JOIN users u ON u.id = g.user_id WHERE t.token_hash = $1 AND t.expires_at > $2 AND g.revoked_at IS NULL";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(token.as_bytes()).bind(now).fetch_optional(c).await)?)
}

/// Writes a new token.
pub async fn insert(tx: &mut Tx, token: TokenHash, grant: GrantId, scope: &str, expires_at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO access_tokens (token_hash, grant_id, scope, expires_at) VALUES ($1, $2, $3, $4)";
    on!(tx, |c| sqlx::query(SQL).bind(token.as_bytes()).bind(grant).bind(scope).bind(expires_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes what has expired.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM access_tokens WHERE expires_at <= $1";
    on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
