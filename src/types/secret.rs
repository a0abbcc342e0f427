//! Secrets: random tokens, passwords in passing, and the hashes that are kept of them. The only place that draws randomness for secrets.

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Invalid;

/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;
/// Longest secret accepted from outside, in bytes; longer ones are refused before any hashing.
pub const SECRET_LENGTH_MAX: usize = 1024;
/// Longest token of another service, in bytes.
const TOKEN_LENGTH_MAX: usize = 8192;

/// A secret text: no `Display`, nothing in `Debug`, zeroised when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text from outside.
    ///
    /// # Errors
    /// `Invalid` when it is empty or longer than 1,024 bytes.
    pub fn parse(field: &str, raw: String) -> Result<Self, Invalid> {
        Self::within(field, raw, SECRET_LENGTH_MAX)
    }

    /// Takes a token that another service gave: those that say something in themselves are long.
    ///
    /// # Errors
    /// `Invalid` when it is empty or longer than 8,192 bytes.
    pub fn parse_token(field: &str, raw: String) -> Result<Self, Invalid> {
        Self::within(field, raw, TOKEN_LENGTH_MAX)
    }

    fn within(field: &str, raw: String, most: usize) -> Result<Self, Invalid> {
        let raw = Zeroizing::new(raw);
        if raw.is_empty() {
            return Err(Invalid::new(field, "must not be empty"));
        }
        if raw.len() > most {
            return Err(Invalid::new(field, format!("is longer than {most} bytes")));
        }
        Ok(Self(raw))
    }

    /// A new random token of 256 bits, after a prefix that tells people and scanners what it is.
    pub fn random(prefix: &str) -> Self {
        let mut bytes = Zeroizing::new([0_u8; TOKEN_BYTES]);
        fill_random(bytes.as_mut_slice());
        Self(Zeroizing::new(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice()))))
    }

    /// The text itself: say why wherever this is called.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of a random token: SHA-256. (Passwords are hashed with Argon2id elsewhere.)
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// Equality in constant time.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 of a random token: what a store keeps. Tokens have 256 random bits, so a fast hash is enough.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a token as it came.
    pub fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }

    /// The hash's bytes, for the store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// Fills a buffer from the system's generator.
#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness for secrets")]
pub fn fill_random(bytes: &mut [u8]) {
    if rand::fill(bytes).is_err() {
        // Without randomness no secret can be made; going on would be worse than stopping.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_distinct_and_hidden() {
        let (a, b) = (Secret::random("pat_"), Secret::random("pat_"));
        assert!(a.expose().len() >= 43 && !a.matches(b.expose()));
        assert_eq!(format!("{a:?}"), "Secret(…)");
        assert_eq!(a.hash(), TokenHash::of(a.expose()));
    }

    #[test]
    fn empty_and_huge_secrets_are_refused() {
        assert!(Secret::parse("password", String::new()).is_err());
        assert!(Secret::parse("password", "x".repeat(SECRET_LENGTH_MAX + 1)).is_err());
    }
}
