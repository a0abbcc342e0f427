//! Proof Key for Code Exchange (RFC 7636): S256 only, `plain` never.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

/// The one method (RFC 7636 §4.2).
pub const METHOD: &str = "S256";
/// Shortest and longest verifier (RFC 7636 §4.1).
const VERIFIER_LENGTH: std::ops::RangeInclusive<usize> = 43..=128;
/// Bytes of a SHA-256 digest.
const DIGEST_BYTES: usize = 32;

/// A challenge of the method S256 (RFC 7636 §4.2), kept with the code it was sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// Why a challenge is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// A method came without a challenge.
    #[error("code_challenge_method was sent without code_challenge")]
    MethodAlone,
    /// The method is `plain`, absent (which means plain) or unknown.
    #[error("code_challenge_method must be S256")]
    Method,
    /// The challenge is not a base64url SHA-256.
    #[error("code_challenge must be the base64url form of a SHA-256 digest, without padding: 43 characters")]
    Challenge,
}

impl CodeChallenge {
    /// Reads the two parameters of an authorization request (RFC 7636 §4.3).
    ///
    /// # Errors
    /// `PkceError` for any method but S256 and any challenge that is no digest.
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, PkceError> {
        let Some(challenge) = challenge else {
            return if method.is_some() { Err(PkceError::MethodAlone) } else { Ok(None) };
        };
        if method != Some(METHOD) {
            return Err(PkceError::Method);
        }
        Self::stored(challenge).map(Some).ok_or(PkceError::Challenge)
    }

    /// Reads a challenge back from the store.
    pub fn stored(challenge: &str) -> Option<Self> {
        let digest = BASE64_URL_SAFE_NO_PAD.decode(challenge).ok()?;
        (digest.len() == DIGEST_BYTES).then(|| Self(challenge.to_owned()))
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the verifier is well formed and gives this challenge (RFC 7636 §4.6), compared in constant time.
    pub fn accepts(&self, verifier: &str) -> bool {
        if !verifier_fits(verifier) {
            return false;
        }
        let computed = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
        computed.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

/// Whether a verifier has the grammar of RFC 7636 §4.1: 43 to 128 unreserved characters.
pub fn verifier_fits(verifier: &str) -> bool {
    VERIFIER_LENGTH.contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_specification_holds() {
        let challenge = CodeChallenge::parse(Some(CHALLENGE), Some("S256"));
        assert!(challenge.is_ok_and(|c| c.is_some_and(|c| c.accepts(VERIFIER) && !c.accepts(&VERIFIER.replace('d', "e")))));
    }

    #[test]
    fn plain_absent_and_odd_methods_are_refused() {
        for method in [None, Some("plain"), Some("s256"), Some("S512")] {
            assert_eq!(CodeChallenge::parse(Some(CHALLENGE), method), Err(PkceError::Method), "{method:?}");
        }
        assert_eq!(CodeChallenge::parse(None, Some("S256")), Err(PkceError::MethodAlone));
        assert_eq!(CodeChallenge::parse(None, None), Ok(None));
    }

    #[test]
    fn challenges_that_are_no_digest_are_refused() {
        let padded = format!("{CHALLENGE}=");
        for challenge in ["short", padded.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"] {
            assert_eq!(CodeChallenge::parse(Some(challenge), Some("S256")), Err(PkceError::Challenge), "{challenge}");
        }
    }

    #[test]
    fn verifiers_have_43_to_128_unreserved_characters() {
        assert!(verifier_fits(&"a".repeat(43)) && verifier_fits(&"~".repeat(128)));
        assert!(!verifier_fits(&"a".repeat(42)) && !verifier_fits(&"a".repeat(129)) && !verifier_fits(&format!("{}é", "a".repeat(50))));
    }
}
