//! Authorization requests under way: what was asked, in which browser, and whether that browser has signed in for it.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SessionId;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// An answer on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Allowed,
    /// No.
    Denied,
}

/// One interaction. Its handle stands in addresses and forms; it works only together with the browser's own cookie.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Interaction {
    /// Hash of the browser's cookie.
    pub browser_hash: Vec<u8>,
    /// The authorization request, as raw parameters in their order.
    #[sqlx(json)]
    pub request: Vec<(String, String)>,
    /// The session that began with a sign-in for this very interaction (for `prompt=login` and `max_age`).
    pub signed_in_session: Option<SessionId>,
    /// What the person answered on the consent page.
    pub consent: Option<Answer>,
    /// The session in which they answered: another person's answer counts for nothing.
    pub consent_session: Option<SessionId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// The live interaction of a handle.
pub async fn find_live(tx: &mut Tx, id: TokenHash, now: Timestamp) -> Result<Option<Interaction>, Error> {
    const SQL: &str = "SELECT browser_hash, request, signed_in_session, consent, consent_session, created_at, expires_at \
         FROM interactions WHERE id_hash = $1 AND expires_at > $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id.as_bytes()).bind(now).fetch_optional(c).await)?)
}

/// Writes a new interaction, in which nobody has signed in or answered yet.
pub async fn insert(tx: &mut Tx, id: TokenHash, i: &Interaction) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO interactions (id_hash, browser_hash, request, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(id.as_bytes()).bind(&i.browser_hash).bind(sqlx::types::Json(&i.request));
        row.bind(i.created_at).bind(i.expires_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes that the browser signed in for this interaction; an answer given before is forgotten.
pub async fn mark_signed_in(tx: &mut Tx, id: TokenHash, session: SessionId) -> Result<(), Error> {
    const SQL: &str = "UPDATE interactions SET signed_in_session = $2, consent = NULL, consent_session = NULL WHERE id_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id.as_bytes()).bind(session).execute(c).await.map(drop))?;
    Ok(())
}

/// Notes the answer given on the consent page, and in which session.
pub async fn mark_consent(tx: &mut Tx, id: TokenHash, answer: Answer, session: SessionId) -> Result<(), Error> {
    const SQL: &str = "UPDATE interactions SET consent = $2, consent_session = $3 WHERE id_hash = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id.as_bytes()).bind(answer).bind(session).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends an interaction; true when it was there, so that of two answers only one counts.
pub async fn delete(tx: &mut Tx, id: TokenHash) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM interactions WHERE id_hash = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id.as_bytes()).execute(c).await.map(|d| d.rows_affected()))?;
    Ok(gone > 0)
}

/// Ends every interaction.
pub async fn delete_all(tx: &mut Tx) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM interactions";
    on!(tx, |c| sqlx::query(SQL).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes what has expired.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM interactions WHERE expires_at <= $1";
    on!(tx, |c| sqlx::query(SQL).bind(now).execute(c).await.map(drop))?;
    Ok(())
}
