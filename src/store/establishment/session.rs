//! Sign-in sessions of people's browsers.

use super::user::User;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{SessionId, UserId};
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// One session. The cookie's value is kept as a hash only.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// The `sid` of OpenID Connect.
    pub id: SessionId,
    /// The person.
    pub user_id: UserId,
    /// How the person proved who they are (RFC 8176): `pwd`.
    pub method: String,
    /// When.
    pub auth_time: Timestamp,
    /// Last use.
    pub last_seen_at: Timestamp,
    /// End, whatever happens.
    pub expires_at: Timestamp,
}

/// The live session of a cookie; `idle_since` is the oldest last use that still counts.
pub async fn find_live(tx: &mut Tx, token: TokenHash, now: Timestamp, idle_since: Timestamp) -> Result<Option<Session>, Error> {
    const SQL: &str = "SELECT id, user_id, method, auth_time, last_seen_at, expires_at FROM sessions \
         WHERE token_hash = $1 AND expires_at > $2 AND last_seen_at >= $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(token.as_bytes()).bind(now).bind(idle_since).fetch_optional(c).await)?)
}

/// A session with its person, as one row.
#[derive(sqlx::FromRow)]
struct Visitor {
    session_id: SessionId,
    method: String,
    auth_time: Timestamp,
    last_seen_at: Timestamp,
    session_expires_at: Timestamp,
    #[sqlx(flatten)]
    user: User,
}

/// The live session of a cookie with its person, whatever their status.
pub async fn find_live_with_user(
    tx: &mut Tx,
    token: TokenHash,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<(Session, User)>, Error> {
    const SQL: &str = "SELECT s.id AS session_id, s.method, s.auth_time, s.last_seen_at, s.expires_at AS session_expires_at, u.id, u.username, u.given_name, u.family_name, u.display_name, u.email, u.locale, u.status, u.disabled_by, u.home_unit, \
         u.units, u.attributes, u.last_sign_in_at, u.created_at, u.updated_at, u.erased_at \
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at >= $3";
    let row: Option<Visitor> = on!(tx, |c| sqlx::query_as(SQL).bind(token.as_bytes()).bind(now).bind(idle_since).fetch_optional(c).await)?;
    Ok(row.map(|row| {
        let session = Session {
            id: row.session_id,
            user_id: row.user.id,
            method: row.method,
            auth_time: row.auth_time,
            last_seen_at: row.last_seen_at,
            expires_at: row.session_expires_at,
        };
        (session, row.user)
    }))
}

/// Writes a new session.
pub async fn insert(tx: &mut Tx, token: TokenHash, s: &Session) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO sessions (token_hash, id, user_id, method, auth_time, last_seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(token.as_bytes()).bind(s.id).bind(s.user_id).bind(&s.method);
        row.bind(s.auth_time).bind(s.last_seen_at).bind(s.expires_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes a use.
pub async fn touch(tx: &mut Tx, id: SessionId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends one session.
pub async fn delete(tx: &mut Tx, id: SessionId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM sessions WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends every session of a person.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM sessions WHERE user_id = $1";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Ends every session there is, and says how many.
pub async fn delete_all(tx: &mut Tx) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM sessions";
    Ok(on!(tx, |c| sqlx::query(SQL).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Removes what has expired.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM sessions WHERE expires_at <= $1";
    on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
