//! Compact JWS (RFC 7515 §7.1), signed and verified with the gateway's own keys. It knows no claim's meaning and reads no clock.
//!
//! The algorithm comes from the key's record and never from the token's header: a header that disagrees is refused (CVE-2026-11800
//! and its kin elsewhere came from believing it).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::crypto::{CryptoError, SigningKey, VerifyingKey};

/// Longest token read, in bytes: ours stay below 8 KiB even with hundreds of groups.
const TOKEN_MAX_BYTES: usize = 64 * 1024;

/// What a signed token is for, told by its `typ`, so that one kind never passes for another (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// An ID token (OpenID Connect Core §2).
    IdToken,
    /// An access token (RFC 9068 §2.1).
    AccessToken,
    /// A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
    LogoutToken,
}

impl TokenType {
    /// The value of `typ` (RFC 7515 §4.1.9).
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "JWT",
            Self::AccessToken => "at+jwt",
            Self::LogoutToken => "logout+jwt",
        }
    }
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not three base64url parts of JSON.
    #[error("the token is not a compact JWS")]
    Malformed,
    /// Longer than anything the gateway issues.
    #[error("the token is longer than {TOKEN_MAX_BYTES} bytes")]
    TooLong,
    /// Its `kid` names no key of this issuer.
    #[error("the token was signed with a key this issuer does not have")]
    UnknownKey,
    /// Its `alg` is not the key's, or is `none`.
    #[error("the token names another algorithm than its key's")]
    WrongAlgorithm,
    /// It is another kind of token.
    #[error("the token is of another type")]
    WrongType,
    /// It has critical extensions, of which none are understood (RFC 7515 §4.1.11).
    #[error("the token has critical extensions that are not understood")]
    Critical,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// Signing failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Signs claims into a compact JWS.
///
/// # Errors
/// `Crypto` when the key cannot sign.
pub fn sign(key: &SigningKey, token_type: TokenType, claims: &Map<String, Value>) -> Result<String, JwsError> {
    let header = json!({ "alg": key.algorithm().name(), "kid": key.kid(), "typ": token_type.name() });
    let payload = serde_json::to_vec(claims).map_err(|_| JwsError::Malformed)?;
    let mut token = BASE64_URL_SAFE_NO_PAD.encode(header.to_string());
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// Reads the keys of a JWKS record of ours; a member that is not a signing key of ours is left out.
pub fn keys_of(jwks: &Value) -> Vec<VerifyingKey> {
    let listed = jwks.get("keys").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok()).collect()
}

/// Checks a token against the issuer's keys and gives its claims. Expiry, issuer and audience are the caller's to check.
///
/// # Errors
/// One variant for each reason not to believe it.
pub fn verify(token: &str, token_type: TokenType, keys: &[VerifyingKey]) -> Result<Map<String, Value>, JwsError> {
    if token.len() > TOKEN_MAX_BYTES {
        return Err(JwsError::TooLong);
    }
    let (input, signature) = token.rsplit_once('.').ok_or(JwsError::Malformed)?;
    let (header, payload) = input.split_once('.').ok_or(JwsError::Malformed)?;
    let header = part(header)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if header.contains_key("crit") {
        return Err(JwsError::Critical);
    }
    // An unsigned token is named as such, whatever key it pretends to.
    let algorithm = text("alg").filter(|alg| !alg.eq_ignore_ascii_case("none")).ok_or(JwsError::WrongAlgorithm)?;
    if !same_type(text("typ").unwrap_or_default(), token_type) {
        return Err(JwsError::WrongType);
    }
    let kid = text("kid").ok_or(JwsError::UnknownKey)?;
    let key = keys.iter().find(|key| key.kid() == kid).ok_or(JwsError::UnknownKey)?;
    if key.algorithm().name() != algorithm {
        return Err(JwsError::WrongAlgorithm);
    }
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwsError::Malformed)?;
    if !key.verifies(input.as_bytes(), &signature) {
        return Err(JwsError::WrongSignature);
    }
    part(payload)
}

fn part(encoded: &str) -> Result<Map<String, Value>, JwsError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| JwsError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| JwsError::Malformed)
}

/// Media types compare without regard to case, and `application/` may be left out (RFC 7515 §4.1.9).
fn same_type(typ: &str, expected: TokenType) -> bool {
    let folded = typ.to_ascii_lowercase();
    let bare = folded.strip_prefix("application/").unwrap_or(&folded);
    bare.eq_ignore_ascii_case(expected.name())
}
