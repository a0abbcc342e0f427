//! Passwords as a directory keeps them, and their comparison in constant time. Never shown, never searched.

use std::fmt;

use aws_lc_rs::digest::{self, Algorithm};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// One value of `userPassword` (RFC 4519 §2.41), clear or in one of the schemes that exports of real directories hold.
#[derive(Clone)]
pub(super) struct StoredPassword(Zeroizing<Vec<u8>>);

impl StoredPassword {
    pub(super) fn new(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Whether this is the very value given, scheme included.
    pub(super) fn is(&self, value: &[u8]) -> bool {
        self.0.ct_eq(value).into()
    }

    /// Whether this is the password of whoever gives it.
    pub(super) fn matches(&self, given: &str) -> bool {
        let Some((scheme, encoded)) = std::str::from_utf8(&self.0).ok().and_then(braced) else {
            return self.is(given.as_bytes());
        };
        match scheme.to_ascii_uppercase().as_str() {
            "SHA" | "SSHA" => hashes_to(&digest::SHA1_FOR_LEGACY_USE_ONLY, encoded, given),
            "SHA256" | "SSHA256" => hashes_to(&digest::SHA256, encoded, given),
            "SHA512" | "SSHA512" => hashes_to(&digest::SHA512, encoded, given),
            "CLEARTEXT" => encoded.as_bytes().ct_eq(given.as_bytes()).into(),
            // What is not understood matches nothing, least of all its own text.
            _ => false,
        }
    }
}

/// Whether a hash, with its salt behind it, is that of a password followed by the salt.
fn hashes_to(algorithm: &'static Algorithm, encoded: &str, given: &str) -> bool {
    let decoded = BASE64_STANDARD.decode(encoded).unwrap_or_default();
    let Some((expected, salt)) = decoded.split_at_checked(algorithm.output_len()) else { return false };
    let mut hashing = digest::Context::new(algorithm);
    hashing.update(given.as_bytes());
    hashing.update(salt);
    hashing.finish().as_ref().ct_eq(expected).into()
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPassword(…)")
    }
}

fn braced(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('{')?.split_once('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_scheme_is_checked() {
        for stored in ["secret", "{CLEARTEXT}secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0"] {
            let stored = StoredPassword::new(stored.as_bytes().to_vec());
            assert!(stored.matches("secret") && !stored.matches("Secret") && !stored.matches(""));
        }
    }

    #[test]
    fn unknown_scheme_matches_nothing() {
        let stored = StoredPassword::new(b"{CRYPT}$6$abc".to_vec());
        assert!(!stored.matches("{CRYPT}$6$abc") && !stored.matches(""));
        assert_eq!(format!("{stored:?}"), "StoredPassword(…)");
    }
}
