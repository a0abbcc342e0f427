//! Who hears that someone signed out: clients with an address for it that hold a live grant (OpenID Connect Back-Channel Logout 1.0 §2.5).
//! And, for the receipt of a block, every client that holds one.

use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT};
use crate::store::establishment::client::SigningAlgorithm;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, SessionId, UserId};
use crate::types::time::Timestamp;

/// One session of a person at a client that hears of sign-outs.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LogoutListener {
    /// The person.
    pub user_id: UserId,
    /// The client.
    pub client_id: String,
    /// The `sid` of the ID tokens it was given.
    pub sid: SessionId,
    /// Whether it must be told the `sid`.
    pub session_required: bool,
    /// Where it hears of sign-outs.
    pub address: String,
    /// How what it is told is signed.
    pub algorithm: SigningAlgorithm,
}

impl LogoutListener {
    /// What stands before the first of them.
    pub fn first() -> Self {
        let nil = Uuid::nil();
        Self {
            user_id: nil.into(),
            client_id: String::new(),
            sid: nil.into(),
            session_required: false,
            address: String::new(),
            algorithm: SigningAlgorithm::Es256,
        }
    }
}

/// A client that holds live grants.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// The client.
    pub client_id: String,
    /// What people read.
    pub name: String,
    /// Whether it hears of sign-outs.
    pub listens: bool,
    /// When the last of its access tokens runs out, if one lives.
    pub tokens_until: Option<Timestamp>,
    /// When the last of its grants is over.
    pub grants_until: Timestamp,
}

/// Whether any client hears of sign-outs.
pub async fn any(tx: &mut Tx) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM clients WHERE backchannel_logout_uri IS NOT NULL AND enabled)";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Who hears that a session ended.
pub async fn list_of_session(tx: &mut Tx, session: SessionId, now: Timestamp) -> Result<Vec<LogoutListener>, Error> {
    const SQL: &str = "SELECT DISTINCT g.user_id, g.client_id, COALESCE(g.sid, g.session_id) AS sid, \
         c.backchannel_logout_session_required AS session_required, \
         c.backchannel_logout_uri AS address, c.id_token_signed_response_alg AS algorithm FROM grants g JOIN clients c ON c.client_id = g.client_id \
         WHERE g.session_id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2 AND c.backchannel_logout_uri IS NOT NULL AND c.enabled \
         ORDER BY 1, 2, 3 LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(session).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Who hears that a person may not sign in any more.
pub async fn list_of_user(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<Vec<LogoutListener>, Error> {
    const SQL: &str = "SELECT DISTINCT g.user_id, g.client_id, COALESCE(g.sid, g.session_id) AS sid, \
         c.backchannel_logout_session_required AS session_required, \
         c.backchannel_logout_uri AS address, c.id_token_signed_response_alg AS algorithm FROM grants g JOIN clients c ON c.client_id = g.client_id \
         WHERE g.user_id = $1 AND g.revoked_at IS NULL AND g.expires_at > $2 AND c.backchannel_logout_uri IS NOT NULL AND c.enabled \
         ORDER BY 1, 2, 3 LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Who hears that some people are to sign in anew at an application: all its clients, or only those that want a role.
pub async fn list_at_application(
    tx: &mut Tx,
    users: &[UserId],
    application: ApplicationId,
    only_requiring: bool,
    now: Timestamp,
) -> Result<Vec<LogoutListener>, Error> {
    const HEAD: &str = "SELECT DISTINCT g.user_id, g.client_id, COALESCE(g.sid, g.session_id) AS sid, \
         c.backchannel_logout_session_required AS session_required, \
         c.backchannel_logout_uri AS address, c.id_token_signed_response_alg AS algorithm FROM grants g JOIN clients c ON c.client_id = g.client_id \
         WHERE g.revoked_at IS NULL AND c.backchannel_logout_uri IS NOT NULL AND c.enabled AND g.expires_at > ";
    let mut heard: Vec<LogoutListener> = Vec::new();
    for chunk in users.chunks(ROWS_PER_INSERT) {
        let rows: Vec<LogoutListener> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_bind(now).push(" AND c.application_id = ").push_bind(application);
            query.push(if only_requiring { " AND c.require_role AND g.user_id IN (" } else { " AND g.user_id IN (" });
            let mut listed = query.separated(", ");
            for user in chunk {
                listed.push_bind(*user);
            }
            query.push(") ORDER BY 1, 2, 3");
            query.build_query_as().persistent(chunk.len() == ROWS_PER_INSERT).fetch_all(c).await
        })?;
        heard.extend(rows);
    }
    Ok(heard)
}

/// Who hears that nobody is signed in any more: so many at most, by person, client and session, after one read before.
pub async fn list(tx: &mut Tx, after: &LogoutListener, now: Timestamp, limit: i64) -> Result<Vec<LogoutListener>, Error> {
    const SQL: &str = "SELECT DISTINCT g.user_id, g.client_id, COALESCE(g.sid, g.session_id) AS sid, \
         c.backchannel_logout_session_required AS session_required, \
         c.backchannel_logout_uri AS address, c.id_token_signed_response_alg AS algorithm FROM grants g JOIN clients c ON c.client_id = g.client_id \
         WHERE (g.user_id, g.client_id, COALESCE(g.sid, g.session_id)) > ($1, $2, $3) AND g.revoked_at IS NULL AND g.expires_at > $4 \
         AND c.backchannel_logout_uri IS NOT NULL AND c.enabled ORDER BY 1, 2, 3 LIMIT $5";
    Ok(on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(after.user_id).bind(&after.client_id).bind(after.sid);
        listed.bind(now).bind(limit).fetch_all(c).await
    })?)
}

/// Every client that holds a live grant, by name.
pub async fn list_holders(tx: &mut Tx, now: Timestamp) -> Result<Vec<Holder>, Error> {
    const SQL: &str = "SELECT c.client_id, c.name, (c.backchannel_logout_uri IS NOT NULL AND c.enabled) AS listens, \
         max(t.expires_at) AS tokens_until, max(g.expires_at) AS grants_until FROM grants g JOIN clients c ON c.client_id = g.client_id \
         LEFT JOIN access_tokens t ON t.grant_id = g.id AND t.expires_at > $1 WHERE g.revoked_at IS NULL AND g.expires_at > $1 \
         GROUP BY c.client_id, c.name, c.backchannel_logout_uri, c.enabled ORDER BY c.name, c.client_id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}
