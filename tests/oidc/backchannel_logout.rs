//! Back-channel logout over HTTP, with an application that listens: OIDC.md 50 to 54.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyId};
use passerelle::services::oidc::jws::{TokenType, keys_of, verify};
use passerelle::services::{jobs, outbox};
use passerelle::store::establishment::client::SigningAlgorithm;
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::gateway::PASSWORD;
use crate::harness::listener::{Answer, Listener};
use crate::harness::relying_party::{Agent, Callback, RelyingParty, claims, header, text};
use crate::harness::server::TestServer;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Signs in at an application in this browser: its ID token.
async fn id_token(agent: &mut Agent, party: &RelyingParty) -> String {
    let code = Callback::of(&agent.open(&party.authorize(&[])).await).code().to_owned();
    text(&party.redeem(&code).await.json(), "id_token")
}

async fn sign_out(agent: &mut Agent, party: &RelyingParty, hint: &str) {
    let address = format!("{}/logout?id_token_hint={hint}", party.issuer);
    assert!(agent.open(&address).await.text.contains("id=\"logged-out\""));
}

/// Verifies a token with the published keys, by another project's code.
async fn verified(party: &RelyingParty, token: &str) -> Value {
    let keys: CoreJsonWebKeySet = serde_json::from_value(party.get("jwks").await.json()).unwrap();
    let header = header(token);
    let kid = JsonWebKeyId::new(text(&header, "kid"));
    let key = keys.keys().iter().find(|key| key.key_id() == Some(&kid)).unwrap();
    let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    key.verify_signature(&algorithm, signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    claims(token)
}

#[tokio::test]
async fn a_sign_out_reaches_the_application_as_a_token_of_that_very_session() {
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        let mut listener = Listener::start(&[Answer::Status(204)]).await;
        let server = TestServer::start().await;
        let place = server.establishment("Lycée Ampère").await;
        let (_, secret) = place
            .client("app", |client| {
                listener.registered()(client);
                client.id_token_signed_response_alg = algorithm;
            })
            .await;
        let party = RelyingParty::new(&place, "app", secret);
        let (cookie, _) = place.session(&place.user().await, 60).await;
        let mut agent = Agent::new(&place).with_session(&place, &cookie);
        let given = id_token(&mut agent, &party).await;
        sign_out(&mut agent, &party, &given).await;
        jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();

        let heard = listener.hear().await;
        assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/oidc/backchannel-logout?from=passerelle"));
        assert_eq!(heard.headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(heard.headers["host"], listener.origin.trim_start_matches("http://"));
        let token = heard.token();
        let (said, given) = (verified(&party, &token).await, claims(&given));
        assert_eq!(header(&token)["typ"], "logout+jwt");
        assert_eq!(header(&token)["alg"], json!(algorithm));
        for same in ["iss", "aud", "sub", "sid"] {
            assert_eq!(said[same], given[same], "{same}");
            assert!(said[same].is_string(), "{same}");
        }
        assert_eq!(said["events"], json!({ EVENT: {} }));
        assert!(said.get("nonce").is_none());
        assert!(!text(&said, "jti").is_empty());
        let lives_s = said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap();
        assert!((1..=120).contains(&lives_s), "{lives_s}");
        // An ID token is no logout token and the other way round.
        assert!(verify(&token, TokenType::IdToken, &keys_of(&party.get("jwks").await.json())).is_err());
    }
}

#[tokio::test]
async fn proving_oneself_again_keeps_the_sid_that_the_application_knows() {
    let mut listener = Listener::start(&[]).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let user = place.with_password().await;
    let (_, secret) = place.client("app", listener.registered()).await;
    let party = RelyingParty::new(&place, "app", secret);
    let (cookie, session) = place.session(&user, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let first = claims(&id_token(&mut agent, &party).await);
    let page = agent.open(&party.authorize(&[("prompt", "login")])).await;
    let back = agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await;
    let tokens = party.redeem(Callback::of(&back).code()).await.json();
    let second = text(&tokens, "id_token");
    assert_ne!(first["sid"], claims(&second)["sid"], "another session, in which there is another grant");
    assert_eq!(first["sid"], session.id.to_string());
    assert!(listener.rest().is_empty(), "the session of the same person goes on");

    sign_out(&mut agent, &party, &second).await;
    jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();
    let mut told = vec![claims(&listener.hear().await.token())["sid"].clone(), claims(&listener.hear().await.token())["sid"].clone()];
    told.sort_by_key(Value::to_string);
    let mut given = vec![first["sid"].clone(), claims(&second)["sid"].clone()];
    given.sort_by_key(Value::to_string);
    assert_eq!(told, given, "every session that the application was told of");
}

#[tokio::test]
async fn signing_out_of_one_browser_leaves_the_other_signed_in() {
    let mut listener = Listener::start(&[]).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", listener.registered()).await;
    let party = RelyingParty::new(&place, "app", secret);
    let user = place.user().await;
    let (here, there) = (place.session(&user, 60).await.0, place.session(&user, 50).await.0);
    let (mut here, mut there) = (Agent::new(&place).with_session(&place, &here), Agent::new(&place).with_session(&place, &there));
    let (given, kept) = (id_token(&mut here, &party).await, id_token(&mut there, &party).await);
    sign_out(&mut here, &party, &given).await;
    jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();
    let said = claims(&listener.hear().await.token());
    assert_eq!(said["sid"], claims(&given)["sid"]);
    assert_ne!(said["sid"], claims(&kept)["sid"]);
    let all = outbox::list(&place.ctx, &PageRequest::first(100), &outbox::Filter::default()).await.unwrap();
    assert_eq!(all.total, 1);
    assert!(Callback::of(&there.open(&party.authorize(&[("prompt", "none")])).await).get("code").is_some());
}

#[tokio::test]
async fn whoever_signs_in_on_a_shared_computer_signs_the_one_before_out_everywhere() {
    let mut listener = Listener::start(&[]).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    place.with_password().await;
    let (_, secret) = place.client("app", listener.registered()).await;
    let party = RelyingParty::new(&place, "app", secret);
    let before = place.other_user("basile").await;
    let (cookie, session) = place.session(&before, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    id_token(&mut agent, &party).await;
    let page = agent.open(&party.authorize(&[("prompt", "login")])).await;
    Callback::of(&agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await).code();
    jobs::run_due(&server.gateway, Timestamp::now()).await.unwrap();
    let said = claims(&listener.hear().await.token());
    assert_eq!((&said["sub"], &said["sid"]), (&json!(before.id), &json!(session.id)));
}
