//! Grants: what one person gave one client in one session. Codes and tokens hang on a grant; revoking it revokes them all.

use sqlx::QueryBuilder;

use super::session::Session;
use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, GrantId, SessionId, UserId};
use crate::types::time::Timestamp;

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// Key.
    pub id: GrantId,
    /// The person.
    pub user_id: UserId,
    /// The client.
    pub client_id: String,
    /// The session it was given in.
    pub session_id: SessionId,
    /// The `sid` that its ID tokens carry: it stays when the same person proves themselves again and the session is another.
    pub sid: SessionId,
    /// Granted scopes, space-separated.
    pub scope: String,
    /// The client's nonce.
    pub nonce: Option<String>,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// When it was given.
    pub created_at: Timestamp,
    /// When nothing of it can live any more.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Writes a new grant, unless its session has ended; false then, and nothing is written.
pub async fn insert_in_session(tx: &mut Tx, g: &Grant, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO grants (id, user_id, client_id, session_id, scope, nonce, auth_time, created_at, expires_at, revoked_at, sid) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE EXISTS (SELECT 1 FROM sessions WHERE id = $4 AND expires_at > $12)";
    let written = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(g.id).bind(g.user_id).bind(&g.client_id).bind(g.session_id).bind(&g.scope).bind(&g.nonce);
        let row = row.bind(g.auth_time).bind(g.created_at).bind(g.expires_at).bind(g.revoked_at).bind(g.sid).bind(now);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(written == 1)
}

/// Revokes one grant and so everything that hangs on it.
pub async fn revoke(tx: &mut Tx, id: GrantId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes every grant of a person.
pub async fn revoke_of_user(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE grants SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Gives the grants of a session to the one that replaces it, when the same person signed in again. Those of clients that hear of sign-outs
/// are kept as long as the new session, so that its end reaches them.
pub async fn move_to_session(tx: &mut Tx, from: SessionId, to: &Session) -> Result<(), Error> {
    const SQL: &str = "UPDATE grants SET session_id = $2, sid = COALESCE(sid, session_id), expires_at = CASE WHEN expires_at < $3 \
         AND client_id IN (SELECT client_id FROM clients WHERE backchannel_logout_uri IS NOT NULL) THEN $3 ELSE expires_at END \
         WHERE session_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(from).bind(to.id).bind(to.expires_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes every grant given in a session.
pub async fn revoke_of_session(tx: &mut Tx, session: SessionId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE grants SET revoked_at = $2 WHERE session_id = $1 AND revoked_at IS NULL";
    on!(tx, |c| sqlx::query(SQL).bind(session).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes every grant of a client.
pub async fn revoke_of_client(tx: &mut Tx, client_id: &str, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL";
    on!(tx, |c| sqlx::query(SQL).bind(client_id).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes the grants that some people gave clients of an application, all of them or only those that want a role. Says how many.
pub async fn revoke_at_application(
    tx: &mut Tx,
    users: &[UserId],
    application: ApplicationId,
    only_requiring: bool,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut revoked = 0;
    for chunk in users.chunks(ROWS_PER_INSERT) {
        revoked += on!(tx, |c| {
            let mut query = QueryBuilder::new("UPDATE grants SET revoked_at = ");
            query.push_bind(now).push(" WHERE revoked_at IS NULL AND client_id IN (SELECT client_id FROM clients WHERE application_id = ");
            query.push_bind(application).push(if only_requiring { " AND require_role) AND user_id IN (" } else { ") AND user_id IN (" });
            let mut listed = query.separated(", ");
            for user in chunk {
                listed.push_bind(*user);
            }
            query.push(")");
            query.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(revoked)
}

/// Revokes every grant there is, and says how many.
pub async fn revoke_all(tx: &mut Tx, now: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Removes grants of which nothing can live any more, with their codes and tokens.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM grants WHERE expires_at <= $1";
    on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
