//! The authorization endpoint over HTTP: OIDC.md 8 to 22, one test a point. What each parameter means alone is tested in `authorize`.

use passerelle::store::establishment::client::ConsentPolicy;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, RelyingParty, Reply, claims, text};
use crate::harness::server::{CALLBACK, Place, TestServer};

/// An application, and a browser in which the person signed in a minute ago.
async fn signed_in() -> (TestServer, Place, RelyingParty, Agent) {
    let (server, place, party) = stage().await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let agent = Agent::new(&place).with_session(&place, &cookie);
    (server, place, party, agent)
}

async fn stage() -> (TestServer, Place, RelyingParty) {
    let server = TestServer::start().await;
    let place = server.establishment("IUT de Vélizy").await;
    let (_, secret) = place.client("app", |_| {}).await;
    let party = RelyingParty::new(&place, "app", secret);
    (server, place, party)
}

fn error_of(reply: &Reply) -> String {
    let answer = Callback::of(reply);
    assert_eq!(answer.get("code"), None);
    answer.get("error").unwrap().to_owned()
}

#[tokio::test]
async fn requests_come_by_get_and_by_form() {
    let (_server, place, party, mut agent) = signed_in().await;
    Callback::of(&agent.open(&party.authorize(&[])).await).code();
    let address = url::Url::parse(&party.authorize(&[])).unwrap();
    let form: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // A form from another site carries no cookie of SameSite=Lax: the browser comes back by GET, with it.
    let mut bare = Agent::new(&place);
    let way = bare.post(&format!("{}/authorize", party.issuer), &form).await;
    assert_eq!(way.status, 303);
    let answer = Callback::of(&agent.follow(way).await);
    assert_eq!(answer.get("state"), Some("s t&é"));
    answer.code();
}

#[tokio::test]
async fn unknown_parameters_and_wishes_are_tolerated_in_any_order() {
    let (_server, _place, party, mut agent) = signed_in().await;
    let wishes = [
        ("ui_locales", "de-CH it"),
        ("claims_locales", "xx"),
        ("acr_values", "urn:x"),
        ("display", "touch"),
        ("login_hint", "someone"),
        ("extra", "value"),
        ("interaction", "theirs"),
        ("scope", "email unknown-scope openid profile"),
    ];
    Callback::of(&agent.open(&party.authorize(&wishes)).await).code();
}

#[tokio::test]
async fn a_repeated_parameter_is_an_error() {
    let (_server, _place, party, mut agent) = signed_in().await;
    let twice = format!("{}&nonce=other", party.authorize(&[]));
    assert_eq!(error_of(&agent.open(&twice).await), "invalid_request");
    // Repeated, the client and its address are not known: nobody is told but the person.
    for name in ["client_id=app", "redirect_uri=https%3A%2F%2Fapp.example.fr%2Fcallback"] {
        let page = agent.open(&format!("{}&{name}", party.authorize(&[]))).await;
        assert_eq!(page.status, 400);
        assert!(page.text.contains("id=\"error-title\"") && page.text.contains("id=\"error-detail\""));
    }
}

#[tokio::test]
async fn a_missing_or_other_response_type_is_told_by_redirect() {
    let (_server, _place, party, mut agent) = signed_in().await;
    assert_eq!(error_of(&agent.open(&party.authorize(&[("response_type", "")])).await), "invalid_request");
    assert_eq!(error_of(&agent.open(&party.authorize(&[("response_type", "token")])).await), "unsupported_response_type");
}

#[tokio::test]
async fn an_unregistered_redirect_uri_gets_a_page_and_never_a_redirect() {
    let (_server, _place, party, mut agent) = signed_in().await;
    for hostile in [
        "https://evil.example/callback",
        "https://app.example.fr/callback/more",
        "https://app.example.fr/callback?x=1",
        "https://app.example.fr/callback#f",
        "https://app.example.fr/CALLBACK",
        "https://APP.example.fr/callback",
        "https://app.example.fr:443/callback",
        "https://app.example.fr/./callback",
        "https://app.example.fr/callback%20",
        "https://app.example.fr/callback\r\nSet-Cookie: a=b",
        "https://app.example.fr@evil.example/callback",
        "https://app.example.fr.evil.example/callback",
        "//evil.example",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:evil.example",
        "https://app.example.fr\\@evil.example/callback",
        "HTTPS://app.example.fr/callback",
        "http://app.example.fr/callback",
    ] {
        for more in [("prompt", ""), ("prompt", "none"), ("response_type", "token")] {
            let page = agent.get(&party.authorize(&[("redirect_uri", hostile), more])).await;
            assert_eq!((page.status.as_u16(), page.header("location")), (400, None), "{hostile}");
            assert!(page.text.contains("id=\"error-title\""), "{hostile}");
        }
    }
    assert_eq!(agent.get(&party.authorize(&[("redirect_uri", "")])).await.status, 400);
    let unknown = agent.get(&party.authorize(&[("client_id", "nobody")])).await;
    assert_eq!((unknown.status.as_u16(), unknown.header("location")), (400, None));
}

#[tokio::test]
async fn request_objects_are_refused_by_redirect_with_the_state() {
    let (_server, _place, party, mut agent) = signed_in().await;
    for (name, code) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")] {
        let answer = Callback::of(&agent.open(&party.authorize(&[(name, "https://app.example.fr/r")])).await);
        assert_eq!((answer.get("error"), answer.get("state")), (Some(code), Some("s t&é")));
    }
}

#[tokio::test]
async fn a_nonce_goes_into_the_id_token_and_none_is_needed() {
    let (_server, _place, party, mut agent) = signed_in().await;
    let with = Callback::of(&agent.open(&party.authorize(&[])).await);
    let tokens = party.redeem(with.code()).await.json();
    assert_eq!(claims(&text(&tokens, "id_token"))["nonce"], "n-1");
    let without = Callback::of(&agent.open(&party.authorize(&[("nonce", "")])).await);
    let tokens = party.redeem(without.code()).await.json();
    assert!(claims(&text(&tokens, "id_token")).get("nonce").is_none());
}

#[tokio::test]
async fn prompt_login_asks_again_and_gives_a_later_time_and_another_session() {
    let (_server, place, party, mut agent) = signed_in().await;
    place.with_password().await;
    // Choosing a password ended the earlier session: sign in a minute ago again.
    let (cookie, before) = place.session(&place.user().await, 60).await;
    agent = agent.with_session(&place, &cookie);
    let page = agent.open(&party.authorize(&[("prompt", "login")])).await;
    assert!(page.text.contains("id=\"sign-in\""), "{}", page.text);
    // Going back to /authorize without signing in shows the page again.
    let skipped = agent.open(&page.action().replace("/login?", "/authorize?")).await;
    assert!(skipped.text.contains("id=\"sign-in\""), "the step was skipped: {}", skipped.status);
    let answer = Callback::of(&agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await);
    let id_token = claims(&text(&party.redeem(answer.code()).await.json(), "id_token"));
    assert!(id_token["auth_time"].as_i64().unwrap() > before.auth_time.seconds());
    assert_ne!(id_token["sid"], before.id.to_string());
    assert_ne!(agent.session(&place), Some(&cookie), "the cookie is new at every sign-in");
    // The old cookie is worth nothing any more.
    let mut thief = Agent::new(&place).with_session(&place, &cookie);
    assert_eq!(error_of(&thief.open(&party.authorize(&[("prompt", "none")])).await), "login_required");
}

#[tokio::test]
async fn prompt_none_answers_silently_or_says_why_not() {
    let (_server, place, party, mut agent) = signed_in().await;
    let mut nobody = Agent::new(&place);
    assert_eq!(error_of(&nobody.open(&party.authorize(&[("prompt", "none")])).await), "login_required");
    let mut seen = Vec::new();
    for prompt in ["", "none"] {
        let answer = Callback::of(&agent.get(&party.authorize(&[("prompt", prompt)])).await);
        let id_token = claims(&text(&party.redeem(answer.code()).await.json(), "id_token"));
        seen.push((id_token["sub"].clone(), id_token["auth_time"].clone()));
    }
    assert_eq!(seen[0], seen[1], "same person, same sign-in");
    place.change_client("app", |client| client.consent = ConsentPolicy::Ask).await;
    assert_eq!(error_of(&agent.open(&party.authorize(&[("prompt", "none")])).await), "consent_required");
}

#[tokio::test]
async fn max_age_asks_again_only_when_the_sign_in_is_older() {
    let (_server, _place, party, mut agent) = signed_in().await;
    let page = agent.open(&party.authorize(&[("max_age", "1")])).await;
    assert!(page.text.contains("id=\"sign-in\""));
    assert_eq!(error_of(&agent.open(&party.authorize(&[("max_age", "59"), ("prompt", "none")])).await), "login_required");
    let answer = Callback::of(&agent.open(&party.authorize(&[("max_age", "10000")])).await);
    let id_token = claims(&text(&party.redeem(answer.code()).await.json(), "id_token"));
    assert!(id_token["auth_time"].is_i64());
}

#[tokio::test]
async fn an_id_token_hint_names_the_person_wanted_even_expired() {
    let (_server, place, party, mut agent) = signed_in().await;
    let answer = Callback::of(&agent.open(&party.authorize(&[])).await);
    let id_token = text(&party.redeem(answer.code()).await.json(), "id_token");
    let silent = |hint: &str| party.authorize(&[("prompt", "none"), ("id_token_hint", hint)]);
    Callback::of(&agent.open(&silent(&id_token)).await).code();
    // An expired token is a good hint.
    let mut past = claims(&id_token).as_object().unwrap().clone();
    past.insert("exp".into(), 1.into());
    let key = place.ctx.ring().await.unwrap().signer(passerelle::services::keys::crypto::Algorithm::Es256).unwrap();
    let expired = passerelle::services::oidc::jws::sign(&key, passerelle::services::oidc::jws::TokenType::IdToken, &past).unwrap();
    Callback::of(&agent.open(&silent(&expired)).await).code();
    // Another person's, or a forged one, is answered by nobody silently.
    let other = place.other_user("basile").await;
    past.insert("sub".into(), other.id.to_string().into());
    let others = passerelle::services::oidc::jws::sign(&key, passerelle::services::oidc::jws::TokenType::IdToken, &past).unwrap();
    assert_eq!(error_of(&agent.open(&silent(&others)).await), "login_required");
    let forged = format!("{}x", id_token.rsplit_once('.').unwrap().0);
    assert_eq!(error_of(&agent.open(&silent(&forged)).await), "login_required");
}

#[tokio::test]
async fn error_redirects_echo_the_state_and_say_little_else() {
    let (_server, _place, party, mut agent) = signed_in().await;
    for changes in
        [[("response_type", "")], [("scope", "nothing")], [("max_age", "-1")], [("code_challenge_method", "plain")], [("prompt", "é")]]
    {
        let reply = agent.open(&party.authorize(&changes)).await;
        let answer = Callback::of(&reply);
        let names: Vec<&str> = answer.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["error", "error_description", "iss", "state"], "{changes:?}");
        assert_eq!(answer.get("state"), Some("s t&é"));
        assert!(answer.get("error_description").unwrap().bytes().all(|b| matches!(b, 0x20..=0x7e)));
        assert!(reply.location().is_ascii());
    }
    let without = Callback::of(&agent.open(&party.authorize(&[("scope", "nothing"), ("state", "")])).await);
    assert_eq!(without.get("state"), None);
}

#[tokio::test]
async fn responses_name_their_issuer() {
    let (_server, place, party, mut agent) = signed_in().await;
    for changes in [[("prompt", "")], [("scope", "nothing")]] {
        let answer = Callback::of(&agent.open(&party.authorize(&changes)).await);
        assert_eq!(answer.get("iss"), Some(place.issuer().as_str()));
    }
}

#[tokio::test]
async fn codes_are_long_and_pkce_is_asked_of_every_client() {
    let (_server, _place, party, mut agent) = signed_in().await;
    let answer = Callback::of(&agent.open(&party.authorize(&[])).await);
    // 43 characters of base64url are 256 bits.
    assert!(answer.code().len() >= 43);
    let bare = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(error_of(&agent.open(&party.authorize(&bare)).await), "invalid_request");
}

#[tokio::test]
async fn answers_go_to_the_registered_address_to_the_letter() {
    let (_server, place, party, mut agent) = signed_in().await;
    let odd = format!("{CALLBACK}?kept=%C3%A9&x");
    place.change_client("app", |client| client.redirect_uris.push(odd.clone())).await;
    let location = agent.get(&party.authorize(&[("redirect_uri", &odd)])).await.location();
    assert!(location.starts_with(&format!("{odd}&code=")), "{location}");
}
