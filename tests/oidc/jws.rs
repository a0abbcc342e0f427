//! Signed tokens: what is believed, and every way of forging that is not.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use passerelle::services::keys::crypto::{self, Algorithm, SigningKey, VerifyingKey};
use passerelle::services::oidc::id_token::{self, HintError, IdTokenFacts};
use passerelle::services::oidc::jws::{self, JwsError, TokenType};
use passerelle::types::time::Timestamp;
use serde_json::{Map, Value, json};

struct Keys {
    private: SigningKey,
    jwks: Value,
    public: Vec<VerifyingKey>,
}

fn keys(algorithm: Algorithm) -> Keys {
    let made = crypto::generate(algorithm).unwrap();
    let private = SigningKey::parse(&made.private_pkcs8, algorithm, made.kid.clone()).unwrap();
    let jwks = json!({ "keys": [{ "kty": "oct", "k": "AA" }, made.public_jwk] });
    let public = jws::keys_of(&jwks);
    assert_eq!(public.len(), 1);
    Keys { private, jwks, public }
}

fn claims(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn forged(header: &Value, payload: &Value, key: &SigningKey) -> String {
    let input = format!("{}.{}", B64.encode(header.to_string()), B64.encode(payload.to_string()));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", B64.encode(signature))
}

#[test]
fn what_is_signed_is_read_again() {
    for algorithm in Algorithm::ALL {
        let keys = keys(algorithm);
        let sent = claims(json!({ "sub": "é", "n": 1 }));
        let token = jws::sign(&keys.private, TokenType::IdToken, &sent).unwrap();
        assert_eq!(jws::verify(&token, TokenType::IdToken, &keys.public), Ok(sent));
        let header: Value = serde_json::from_slice(&B64.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!(header, json!({ "alg": algorithm.name(), "kid": keys.private.kid(), "typ": "JWT" }));
    }
}

#[test]
fn forgeries_are_refused_each_for_its_reason() {
    let keys = keys(Algorithm::Es256);
    let (kid, payload) = (keys.private.kid(), json!({ "sub": "x" }));
    for (header, expected) in [
        (json!({ "alg": "none", "kid": kid, "typ": "JWT" }), JwsError::WrongAlgorithm),
        (json!({ "alg": "NoNe", "kid": kid, "typ": "JWT" }), JwsError::WrongAlgorithm),
        (json!({ "alg": "HS256", "kid": kid, "typ": "JWT" }), JwsError::WrongAlgorithm),
        (json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }), JwsError::WrongAlgorithm),
        (json!({ "kid": kid, "typ": "JWT" }), JwsError::WrongAlgorithm),
        (json!({ "alg": "ES256", "kid": "other", "typ": "JWT" }), JwsError::UnknownKey),
        (json!({ "alg": "ES256", "typ": "JWT" }), JwsError::UnknownKey),
        (json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt" }), JwsError::WrongType),
        (json!({ "alg": "ES256", "kid": kid }), JwsError::WrongType),
        (json!({ "alg": "ES256", "kid": kid, "typ": "JWT", "crit": ["b64"], "b64": false }), JwsError::Critical),
    ] {
        let token = forged(&header, &payload, &keys.private);
        assert_eq!(jws::verify(&token, TokenType::IdToken, &keys.public), Err(expected), "{header}");
    }
}

#[test]
fn a_key_in_the_header_is_never_used() {
    let (ours, theirs) = (keys(Algorithm::Es256), keys(Algorithm::Es256));
    let header = json!({ "alg": "ES256", "kid": ours.private.kid(), "typ": "JWT", "jwk": theirs.jwks["keys"][1] });
    let token = forged(&header, &json!({ "sub": "x" }), &theirs.private);
    assert_eq!(jws::verify(&token, TokenType::IdToken, &ours.public), Err(JwsError::WrongSignature));
}

#[test]
fn broken_and_huge_tokens_are_refused() {
    let keys = keys(Algorithm::Es256);
    let token = jws::sign(&keys.private, TokenType::IdToken, &claims(json!({ "sub": "x" }))).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    for odd in ["", ".", "..", "a.b.c", input, &format!("{input}."), &format!("{token}.x"), &format!("{input}.{signature}=")] {
        assert!(jws::verify(odd, TokenType::IdToken, &keys.public).is_err(), "{odd}");
    }
    assert_eq!(jws::verify(&"a".repeat(100_000), TokenType::IdToken, &keys.public), Err(JwsError::TooLong));
}

fn facts<'a>(client_id: &'a str, access_token: Option<&'a str>) -> IdTokenFacts<'a> {
    IdTokenFacts {
        issuer: "https://id.example.fr/e/x",
        subject: "s1",
        client_id,
        issued_at: Timestamp::from_seconds(1_000),
        lifetime_s: 300,
        auth_time: Timestamp::from_seconds(900),
        nonce: Some("n"),
        session_id: Some("sid1"),
        access_token,
    }
}

#[test]
fn an_id_token_says_what_the_specification_wants() {
    // The at_hash was computed with another implementation (Python's hashlib).
    let made = id_token::claims(
        &facts("c1", Some("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y")),
        claims(json!({ "name": "Ada", "iss": "forged" })),
    );
    let expected = json!({
        "iss": "https://id.example.fr/e/x", "sub": "s1", "aud": "c1", "iat": 1000, "exp": 1300, "auth_time": 900, "nonce": "n", "sid": "sid1",
        "at_hash": "77QmUPtjPfzWtF2AnpK9RQ", "name": "Ada",
    });
    assert_eq!(Value::Object(made), expected);
}

#[test]
fn an_expired_hint_is_good_and_another_issuers_is_not() {
    let keys = keys(Algorithm::Rs256);
    let token = jws::sign(&keys.private, TokenType::IdToken, &id_token::claims(&facts("c1", None), Map::new())).unwrap();
    let hint = id_token::verify_hint(&token, "https://id.example.fr/e/x", &keys.public).unwrap();
    assert_eq!((hint.subject.as_str(), hint.client_id.as_str(), hint.session_id.as_deref()), ("s1", "c1", Some("sid1")));
    assert_eq!(id_token::verify_hint(&token, "https://id.example.fr/e/y", &keys.public), Err(HintError::Claims));
    let other = self::keys(Algorithm::Rs256);
    assert!(id_token::verify_hint(&token, "https://id.example.fr/e/x", &other.public).is_err());
}
