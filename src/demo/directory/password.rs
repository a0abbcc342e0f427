//! Passwords as a directory keeps them, and their comparison in constant time. Never shown, never searched.

use std::fmt;

use aws_lc_rs::digest::{self, Algorithm};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// One value of `userPassword` (RFC 4519 §2.41), with the schemes that exports of real directories hold.
pub(super) enum StoredPassword {
    Clear(Zeroizing<Vec<u8>>),
    Hashed {
        algorithm: &'static Algorithm,
        expected: Vec<u8>,
        salt: Vec<u8>,
    },
    /// A scheme that is not understood: it matches nothing.
    Unknown,
}

impl StoredPassword {
    pub(super) fn parse(value: Vec<u8>) -> Self {
        let value = Zeroizing::new(value);
        let Some((scheme, encoded)) = std::str::from_utf8(&value).ok().and_then(braced) else {
            return Self::Clear(value);
        };
        let algorithm = match scheme.to_ascii_uppercase().as_str() {
            "SHA" | "SSHA" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "SHA256" | "SSHA256" => &digest::SHA256,
            "SHA512" | "SSHA512" => &digest::SHA512,
            "CLEARTEXT" => return Self::Clear(Zeroizing::new(encoded.as_bytes().to_vec())),
            _ => return Self::Unknown,
        };
        let length = algorithm.output_len();
        match BASE64_STANDARD.decode(encoded) {
            Ok(bytes) => match bytes.split_at_checked(length) {
                Some((expected, salt)) => Self::Hashed { algorithm, expected: expected.to_vec(), salt: salt.to_vec() },
                None => Self::Unknown,
            },
            Err(_) => Self::Unknown,
        }
    }

    pub(super) fn matches(&self, given: &str) -> bool {
        match self {
            Self::Clear(kept) => kept.ct_eq(given.as_bytes()).into(),
            Self::Hashed { algorithm, expected, salt } => {
                let mut hashing = digest::Context::new(algorithm);
                hashing.update(given.as_bytes());
                hashing.update(salt);
                hashing.finish().as_ref().ct_eq(expected).into()
            }
            Self::Unknown => false,
        }
    }
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
            let stored = StoredPassword::parse(stored.as_bytes().to_vec());
            assert!(stored.matches("secret") && !stored.matches("Secret") && !stored.matches(""));
        }
    }

    #[test]
    fn unknown_scheme_matches_nothing() {
        let stored = StoredPassword::parse(b"{CRYPT}$6$abc".to_vec());
        assert!(!stored.matches("{CRYPT}$6$abc") && !stored.matches(""));
        assert_eq!(format!("{stored:?}"), "StoredPassword(…)");
    }
}
