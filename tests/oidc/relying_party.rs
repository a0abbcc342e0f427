//! ID tokens as a relying party's library reads them: signature, issuer, audience, times, nonce, access token hash.

use std::str::FromStr;

use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{AccessToken, AccessTokenHash, ClientId, IssuerUrl, Nonce};
use passerelle::services::keys::crypto::{self, Algorithm, SigningKey};
use passerelle::services::oidc::discovery::jwks;
use passerelle::services::oidc::id_token::{self, IdTokenFacts};
use passerelle::services::oidc::jws::{self, TokenType};
use passerelle::types::time::Timestamp;

const ISSUER: &str = "https://id.example.fr/e/x";

/// An ID token of now, and the published keys.
fn issued(algorithm: Algorithm) -> (CoreIdToken, CoreJsonWebKeySet) {
    let made = crypto::generate(algorithm).unwrap();
    let key = SigningKey::parse(&made.private_pkcs8, algorithm, made.kid).unwrap();
    let now = Timestamp::now();
    let facts = IdTokenFacts {
        issuer: ISSUER,
        subject: "s1",
        client_id: "c1",
        issued_at: now,
        lifetime_s: 300,
        auth_time: now.plus_s(-10),
        nonce: Some("n1"),
        session_id: Some("sid1"),
        access_token: Some("at1"),
    };
    let token = jws::sign(&key, TokenType::IdToken, &id_token::claims(&facts, serde_json::Map::new())).unwrap();
    (CoreIdToken::from_str(&token).unwrap(), serde_json::from_value(jwks([&made.public_jwk])).unwrap())
}

fn verifier(client: &str, issuer: &str, keys: CoreJsonWebKeySet) -> CoreIdTokenVerifier<'static> {
    CoreIdTokenVerifier::new_public_client(ClientId::new(client.into()), IssuerUrl::new(issuer.into()).unwrap(), keys)
        .set_allowed_algs(Algorithm::ALL.map(|a| serde_json::from_value(a.name().into()).unwrap()))
}

#[test]
fn both_algorithms_are_believed_by_the_right_client_only() {
    for algorithm in Algorithm::ALL {
        let (token, keys) = issued(algorithm);
        let nonce = Nonce::new("n1".into());
        let right = verifier("c1", ISSUER, keys.clone());
        let claims = token.claims(&right, &nonce).unwrap();
        assert_eq!(claims.subject().as_str(), "s1");
        assert!(claims.auth_time().is_some());
        let access_token = AccessToken::new("at1".into());
        let expected =
            AccessTokenHash::from_token(&access_token, token.signing_alg().unwrap(), token.signing_key(&right).unwrap()).unwrap();
        assert_eq!(claims.access_token_hash(), Some(&expected));

        assert!(token.claims(&right, &Nonce::new("n2".into())).is_err());
        assert!(token.claims(&verifier("c2", ISSUER, keys.clone()), &nonce).is_err());
        assert!(token.claims(&verifier("c1", "https://id.example.fr/e/y", keys), &nonce).is_err());
        let (_, others) = issued(algorithm);
        assert!(token.claims(&verifier("c1", ISSUER, others), &nonce).is_err());
    }
}
