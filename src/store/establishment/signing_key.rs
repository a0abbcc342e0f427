//! Signing keys of an issuer: public part in clear, private part sealed.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::time::Timestamp;

use super::client::SigningAlgorithm;

/// Whether a key signs, or only verifies what it signed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum KeyState {
    /// Signs.
    Active,
    /// Published until everything it signed has expired.
    Retired,
}

/// One signing key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SigningKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The public JWK (RFC 7517).
    #[sqlx(json)]
    pub public_jwk: serde_json::Value,
    /// The sealed PKCS #8.
    pub private_sealed: Vec<u8>,
    /// Whether it signs.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// All keys, newest first. An issuer has a handful.
pub async fn list(tx: &mut Tx) -> Result<Vec<SigningKey>, Error> {
    const SQL: &str =
        "SELECT kid, algorithm, public_jwk, private_sealed, state, created_at FROM signing_keys ORDER BY created_at DESC, kid LIMIT 100";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// Writes a new key.
pub async fn insert(tx: &mut Tx, k: &SigningKey) -> Result<(), Error> {
    const SQL: &str =
        "INSERT INTO signing_keys (kid, algorithm, public_jwk, private_sealed, state, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(&k.kid).bind(k.algorithm).bind(sqlx::types::Json(&k.public_jwk)).bind(&k.private_sealed);
        row.bind(k.state).bind(k.created_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Retires every active key of an algorithm but one.
pub async fn retire_others(tx: &mut Tx, algorithm: SigningAlgorithm, keep: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE signing_keys SET state = 'retired' WHERE algorithm = $1 AND kid <> $2 AND state = 'active'";
    on!(tx, |c| sqlx::query(SQL).bind(algorithm).bind(keep).execute(c).await.map(drop))?;
    Ok(())
}
