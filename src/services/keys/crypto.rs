//! Makes signing keys, signs and verifies with them. It stores nothing, seals nothing and chooses no key.
//!
//! Everything here is synchronous: an RSA key takes tens of milliseconds to make and a signature most of one, so callers run
//! RSA work on a bounded blocking pool.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Bytes of one coordinate of P-256.
const COORDINATE_BYTES: usize = 32;
/// First byte of an uncompressed point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// How the gateway signs (RFC 7518 §3.1). There is no symmetric algorithm and no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2,048 bits: the default OpenID Connect demands.
    Rs256,
    /// ECDSA on P-256 with SHA-256: eighteen times cheaper to sign.
    Es256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    /// The name in `alg` (RFC 7518 §3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a key could not be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The library refused to make a key.
    #[error("no {0} key could be made")]
    Generate(Algorithm),
    /// A stored private key is not one of its algorithm.
    #[error("a stored {0} key cannot be read: it is damaged, or was sealed for another algorithm")]
    Parse(Algorithm),
    /// The library refused to sign.
    #[error("signing with a {0} key failed")]
    Sign(Algorithm),
    /// A public key in JWK form is not one of ours.
    #[error("a public key is not an RS256 or ES256 signing key in JWK form")]
    Jwk,
}

/// A key just made: the public part to publish, the private part to seal.
pub struct GeneratedKey {
    /// The key's identifier: its thumbprint (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public part (RFC 7517): kty, use, alg, kid and the numbers, never a private member.
    pub public_jwk: Value,
    /// The private part, PKCS #8 version 1 (RFC 5208).
    pub private_pkcs8: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Makes a key. Slow for RSA.
///
/// # Errors
/// `Generate` when the library cannot make one.
pub fn generate(algorithm: Algorithm) -> Result<GeneratedKey, CryptoError> {
    match algorithm {
        Algorithm::Rs256 => generate_rsa(),
        Algorithm::Es256 => generate_ec(),
    }
}

fn generate_rsa() -> Result<GeneratedKey, CryptoError> {
    let refuse = |_| CryptoError::Generate(Algorithm::Rs256);
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(refuse)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(refuse)?;
    let public = pair.public_key();
    let n = BASE64_URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = BASE64_URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let kid = thumbprint(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    Ok(GeneratedKey {
        algorithm: Algorithm::Rs256,
        public_jwk: json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e }),
        private_pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
        kid,
    })
}

fn generate_ec() -> Result<GeneratedKey, CryptoError> {
    let refuse = || CryptoError::Generate(Algorithm::Es256);
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| refuse())?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| refuse())?;
    let (first, point) = pair.public_key().as_ref().split_first().ok_or_else(refuse)?;
    let (x, y) = point.split_at_checked(COORDINATE_BYTES).ok_or_else(refuse)?;
    if *first != UNCOMPRESSED || y.len() != COORDINATE_BYTES {
        return Err(refuse());
    }
    let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
    let kid = thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    Ok(GeneratedKey {
        algorithm: Algorithm::Es256,
        public_jwk: json!({ "kty": "EC", "use": "sig", "alg": "ES256", "kid": kid, "crv": "P-256", "x": x, "y": y }),
        private_pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
        kid,
    })
}

/// RFC 7638 §3: SHA-256 over the required members, in alphabetical order, without spaces.
fn thumbprint(canonical: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref())
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A private key, parsed once and kept.
pub struct SigningKey {
    kid: String,
    pair: Pair,
}

impl SigningKey {
    /// Reads a private key as [`generate`] made it.
    ///
    /// # Errors
    /// `Parse` when the bytes are not a key of this algorithm.
    pub fn parse(pkcs8: &[u8], algorithm: Algorithm, kid: impl Into<String>) -> Result<Self, CryptoError> {
        let refuse = |_| CryptoError::Parse(algorithm);
        let pair = match algorithm {
            Algorithm::Rs256 => Pair::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(refuse)?),
            Algorithm::Es256 => Pair::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(refuse)?),
        };
        Ok(Self { kid: kid.into(), pair })
    }

    /// The key's identifier.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
        }
    }

    /// Signs; ES256 gives the fixed form `r || s` (RFC 7518 §3.4).
    ///
    /// # Errors
    /// `Sign` when the library refuses.
    pub fn sign(&self, input: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, input, &mut signature).map_err(|_| CryptoError::Sign(Algorithm::Rs256))?;
                Ok(signature)
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&rng, input).map_err(|_| CryptoError::Sign(Algorithm::Es256))?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug)]
enum PublicNumbers {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { point: Vec<u8> },
}

/// A public key of the gateway's own, read from its JWK record.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    kid: String,
    numbers: PublicNumbers,
}

impl VerifyingKey {
    /// Reads a public key as [`generate`] made it (RFC 7517 §4).
    ///
    /// # Errors
    /// `Jwk` when it is anything else: another type or use, no kid, numbers missing.
    pub fn from_jwk(jwk: &Value) -> Result<Self, CryptoError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(CryptoError::Jwk);
        let number = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(name)?).map_err(|_| CryptoError::Jwk);
        let kid = text("kid")?.to_owned();
        let numbers = match (Algorithm::from_name(text("alg")?), text("kty")?) {
            (Some(Algorithm::Rs256), "RSA") => PublicNumbers::Rsa { n: number("n")?, e: number("e")? },
            (Some(Algorithm::Es256), "EC") if text("crv")? == "P-256" => {
                let (x, y) = (number("x")?, number("y")?);
                if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
                    return Err(CryptoError::Jwk);
                }
                PublicNumbers::Ec { point: [[UNCOMPRESSED].as_slice(), &x, &y].concat() }
            }
            _ => return Err(CryptoError::Jwk),
        };
        Ok(Self { kid, numbers })
    }

    /// The key's identifier.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it verifies: said by the record, never by a token.
    pub const fn algorithm(&self) -> Algorithm {
        match self.numbers {
            PublicNumbers::Rsa { .. } => Algorithm::Rs256,
            PublicNumbers::Ec { .. } => Algorithm::Es256,
        }
    }

    /// Whether the signature is this key's over the input.
    pub fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        match &self.numbers {
            PublicNumbers::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, input, signature).is_ok(),
            PublicNumbers::Ec { point } => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input, signature).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_signs_what_its_public_key_verifies() -> Result<(), CryptoError> {
        for algorithm in Algorithm::ALL {
            let made = generate(algorithm)?;
            let private = SigningKey::parse(&made.private_pkcs8, algorithm, made.kid.clone())?;
            let public = VerifyingKey::from_jwk(&made.public_jwk)?;
            let signature = private.sign(b"header.payload")?;
            assert!(public.verifies(b"header.payload", &signature), "{algorithm}");
            assert!(!public.verifies(b"header.other", &signature), "{algorithm}");
            assert_eq!((public.kid(), public.algorithm(), private.algorithm()), (made.kid.as_str(), algorithm, algorithm));
        }
        Ok(())
    }

    #[test]
    fn published_keys_hold_no_private_member() -> Result<(), CryptoError> {
        for (algorithm, expected) in [(Algorithm::Rs256, "alg e kid kty n use"), (Algorithm::Es256, "alg crv kid kty use x y")] {
            let made = generate(algorithm)?;
            let mut members: Vec<_> = made.public_jwk.as_object().into_iter().flat_map(|o| o.keys().map(String::as_str)).collect();
            members.sort_unstable();
            assert_eq!(members.join(" "), expected);
            assert!(!format!("{made:?}").contains("pkcs8: ["));
        }
        Ok(())
    }

    #[test]
    fn signatures_of_es256_have_the_fixed_form() -> Result<(), CryptoError> {
        let made = generate(Algorithm::Es256)?;
        let key = SigningKey::parse(&made.private_pkcs8, Algorithm::Es256, "k")?;
        assert_eq!(key.sign(b"x")?.len(), 64);
        Ok(())
    }

    #[test]
    fn the_thumbprint_is_the_one_of_the_specification() {
        // RFC 7638 §3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ\
                 _2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
                 SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        assert_eq!(thumbprint(&format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#)), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() -> Result<(), CryptoError> {
        let made = generate(Algorithm::Es256)?;
        assert!(SigningKey::parse(&made.private_pkcs8, Algorithm::Rs256, "k").is_err());
        let mut confused = made.public_jwk.clone();
        if let Some(members) = confused.as_object_mut() {
            members.insert("alg".into(), "RS256".into());
        }
        assert!(VerifyingKey::from_jwk(&confused).is_err());
        Ok(())
    }
}
