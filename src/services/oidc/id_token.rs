//! The ID token's claims (OpenID Connect Core §2 and §3.1.3.6), from plain facts. Signing is `jws`'s.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::jws::{self, JwsError, TokenType};
use crate::services::keys::crypto::VerifyingKey;
use crate::types::time::Timestamp;

/// What an ID token says about one sign-in.
#[derive(Clone, Debug)]
pub struct IdTokenFacts<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The person, as this client knows them.
    pub subject: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// When the token is made.
    pub issued_at: Timestamp,
    /// How long it holds, in seconds.
    pub lifetime_s: i64,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// The request's nonce; not repeated in refreshed tokens (Core §12.2).
    pub nonce: Option<&'a str>,
    /// The session, for logout (OpenID Connect Back-Channel Logout §2.1).
    pub session_id: Option<&'a str>,
    /// The access token issued beside it.
    pub access_token: Option<&'a str>,
}

/// The claims; `released` holds those about the person when the client wants them here too (`claims_in_id_token`).
pub fn claims(facts: &IdTokenFacts<'_>, released: Map<String, Value>) -> Map<String, Value> {
    let mut claims = released;
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", facts.issuer.into());
    set("sub", facts.subject.into());
    set("aud", facts.client_id.into());
    set("iat", facts.issued_at.seconds().into());
    set("exp", facts.issued_at.plus_s(facts.lifetime_s).seconds().into());
    set("auth_time", facts.auth_time.seconds().into());
    let optional = [("nonce", facts.nonce), ("sid", facts.session_id)];
    for (name, value) in optional {
        if let Some(value) = value {
            set(name, value.into());
        }
    }
    if let Some(token) = facts.access_token {
        set("at_hash", at_hash(token).into());
    }
    claims
}

/// The left half of the access token's SHA-256, both algorithms being of that family (Core §3.1.3.6).
pub fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    BASE64_URL_SAFE_NO_PAD.encode(left)
}

/// An ID token of ours that came back as a hint (Core §3.1.2.1, RP-Initiated Logout §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Whom it is about.
    pub subject: String,
    /// The client it was made for.
    pub client_id: String,
    /// The session it was made in.
    pub session_id: Option<String>,
}

/// Why a hint is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// The signature or the form is wrong.
    #[error("id_token_hint is not an ID token of this issuer: {0}")]
    Token(#[from] JwsError),
    /// It is signed by us, and says another issuer or says too little.
    #[error("id_token_hint does not name this issuer, a client and a person")]
    Claims,
}

/// Verifies a hint. An expired one is good: it names a person, it opens nothing.
///
/// # Errors
/// `HintError` when it was not issued here.
pub fn verify_hint(token: &str, issuer: &str, keys: &[VerifyingKey]) -> Result<Hint, HintError> {
    let claims = jws::verify(token, TokenType::IdToken, keys)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("iss").as_deref() != Some(issuer) {
        return Err(HintError::Claims);
    }
    let (Some(subject), Some(client_id)) = (text("sub"), text("aud")) else { return Err(HintError::Claims) };
    Ok(Hint { subject, client_id, session_id: text("sid") })
}
