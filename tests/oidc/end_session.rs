//! RP-initiated logout over HTTP: OIDC.md 43 to 49.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, text};
use crate::harness::server::{Place, TestServer};

const BYE: &str = "https://app.example.fr/bye";

/// A person signed in to an application, with its tokens.
async fn stage() -> (TestServer, Place, RelyingParty, Agent, serde_json::Value) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", |_| {}).await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let party = RelyingParty::new(&place, "app", secret);
    let code = Callback::of(&agent.open(&party.authorize(&[("scope", "openid offline_access")])).await).code().to_owned();
    let tokens = party.redeem(&code).await.json();
    (server, place, party, agent, tokens)
}

fn logout(party: &RelyingParty, parameters: &[(&str, &str)]) -> String {
    let mut address = url::Url::parse(&format!("{}/logout", party.issuer)).unwrap();
    if !parameters.is_empty() {
        address.query_pairs_mut().extend_pairs(parameters);
    }
    address.into()
}

async fn is_signed_in(agent: &mut Agent, party: &RelyingParty) -> bool {
    Callback::of(&agent.open(&party.authorize(&[("prompt", "none")])).await).get("code").is_some()
}

#[tokio::test]
async fn a_hint_and_a_registered_address_lead_back_with_the_state_alone() {
    let (_server, _place, party, mut agent, tokens) = stage().await;
    let hint = text(&tokens, "id_token");
    let asked = logout(&party, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "a b")]);
    let thief = agent.clone();
    let reply = agent.get(&asked).await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, format!("{BYE}?state=a+b")));
    assert!(!is_signed_in(&mut agent, &party).await, "prompt=none fails after a logout");
    // The session ended on the server, and not only in this browser; what it gave is revoked.
    assert!(!is_signed_in(&mut thief.clone(), &party).await);
    assert_eq!(party.user_info(&text(&tokens, "access_token")).await.status, 401);
    assert_eq!(party.refresh(&text(&tokens, "refresh_token")).await.status, 400);
}

#[tokio::test]
async fn without_state_none_goes_back_and_a_form_does_as_well() {
    let (_server, _place, party, mut agent, tokens) = stage().await;
    let hint = text(&tokens, "id_token");
    let reply = agent.post(&logout(&party, &[]), &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]).await;
    let reply = agent.follow(reply).await;
    assert_eq!(reply.location(), BYE);
    assert!(!is_signed_in(&mut agent, &party).await);
}

#[tokio::test]
async fn without_parameters_the_person_is_asked_and_then_signed_out() {
    let (_server, _place, party, mut agent, _) = stage().await;
    let page = agent.get(&logout(&party, &[])).await;
    assert!(page.text.contains("id=\"logout-confirm\""), "{}", page.text);
    assert!(is_signed_in(&mut agent, &party).await, "asking signs nobody out");
    let forged = agent.post(&logout(&party, &[]), &[("csrf", "forged")]).await;
    assert_eq!(forged.status, 403);
    assert!(is_signed_in(&mut agent, &party).await);
    let done = agent.submit(&page, &[]).await;
    assert!(done.text.contains("id=\"logged-out\""), "{}", done.text);
    assert!(!is_signed_in(&mut agent, &party).await);
    // Nobody is signed in: nothing to ask.
    let again = agent.get(&logout(&party, &[])).await;
    assert!(again.text.contains("id=\"logged-out\""));
}

#[tokio::test]
async fn an_address_without_a_hint_leads_nowhere() {
    let (_server, _place, party, mut agent, _) = stage().await;
    let page = agent.get(&logout(&party, &[("post_logout_redirect_uri", BYE), ("client_id", "app"), ("state", "x")])).await;
    assert!(page.text.contains("id=\"logout-confirm\""));
    let done = agent.submit(&page, &[]).await;
    assert!(done.text.contains("id=\"logged-out\""));
}

#[tokio::test]
async fn an_unregistered_address_is_an_error_page_and_signs_nobody_out() {
    let (_server, _place, party, mut agent, tokens) = stage().await;
    let hint = text(&tokens, "id_token");
    for hostile in
        ["https://evil.example/", "https://app.example.fr/bye?x=1", "https://app.example.fr/bye/", "//evil.example", "javascript:alert(1)"]
    {
        let page = agent.get(&logout(&party, &[("id_token_hint", &hint), ("post_logout_redirect_uri", hostile)])).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (400, None), "{hostile}");
        assert!(page.text.contains("id=\"error-title\""));
    }
    assert!(is_signed_in(&mut agent, &party).await);
}

#[tokio::test]
async fn a_forged_hint_is_rejected() {
    let (server, _place, party, mut agent, tokens) = stage().await;
    let hint = text(&tokens, "id_token");
    let mut pieces = hint.split('.');
    let (head, payload) = (pieces.next().unwrap(), pieces.next().unwrap());
    let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let elsewhere = server.establishment("Lycée B").await;
    let key = elsewhere.ctx.ring().await.unwrap().signer(passerelle::services::keys::crypto::Algorithm::Es256).unwrap();
    let claims = crate::harness::relying_party::claims(&hint);
    let kind = passerelle::services::oidc::jws::TokenType::IdToken;
    let foreign = passerelle::services::oidc::jws::sign(&key, kind, claims.as_object().unwrap()).unwrap();
    for forged in [format!("{none}.{payload}."), format!("{head}.{payload}."), format!("{head}.{payload}.AAAA"), foreign, "x".into()] {
        let page: Reply = agent.get(&logout(&party, &[("id_token_hint", &forged), ("post_logout_redirect_uri", BYE)])).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (400, None), "{forged}");
    }
    assert!(is_signed_in(&mut agent, &party).await);
}

#[tokio::test]
async fn another_persons_hint_does_not_sign_this_one_out_unasked() {
    let (_server, place, party, mut agent, tokens) = stage().await;
    let (cookie, _) = place.session(&place.other_user("basile").await, 5).await;
    agent = agent.with_session(&place, &cookie);
    let hint = text(&tokens, "id_token");
    let page = agent.get(&logout(&party, &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)])).await;
    assert!(page.text.contains("id=\"logout-confirm\""), "{}", page.text);
    assert!(page.header("content-security-policy").unwrap().contains("form-action 'self' https://app.example.fr"));
    let done = agent.submit(&page, &[]).await;
    assert_eq!(done.location(), BYE);
}
