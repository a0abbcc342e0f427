//! A blocked establishment on every front (SAC-26 to SAC-28), and what comes back when it is opened again: nothing from before.

use passerelle::services::context::{Actor, Context};
use passerelle::services::establishments;
use passerelle::services::tokens::{self, NewToken};
use passerelle::store::establishment::client::Client;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use crate::harness::gateway::PASSWORD;
use crate::harness::listener::{Answer, Listener};
use crate::harness::relying_party::{Agent, Callback, RelyingParty, text};
use crate::harness::server::{Place, TestServer};

async fn party(place: &Place) -> RelyingParty {
    let (_, secret) = place.client("app", |_| {}).await;
    RelyingParty::new(place, "app", secret)
}

async fn agent(place: &Place) -> Agent {
    let (cookie, _) = place.session(&place.user().await, 60).await;
    Agent::new(place).with_session(place, &cookie)
}

async fn code(agent: &mut Agent, party: &RelyingParty) -> String {
    Callback::of(&agent.open(&party.authorize(&[("scope", "openid offline_access")])).await).code().to_owned()
}

/// The place as it is now: blocking is told by the registry.
async fn now(server: &TestServer, place: &Place) -> Context {
    Context::open(&server.gateway, place.slug(), Actor::System, Timestamp::now()).await.unwrap()
}

#[tokio::test]
async fn blocking_ends_sessions_and_tokens_at_once_and_opening_brings_none_back() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    let mut signed_in = agent(&place).await;
    let given = party.redeem(&code(&mut signed_in, &party).await).await.json();
    let unspent = code(&mut signed_in, &party).await;
    let (access, refresh) = (text(&given, "access_token"), text(&given, "refresh_token"));
    assert_eq!(party.user_info(&access).await.status, 200);
    establishments::block(&now(&server, &place).await).await.unwrap();
    assert_eq!(party.user_info(&access).await.error(), (401, "invalid_token".into()));
    assert_eq!(party.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
    assert_eq!(party.redeem(&unspent).await.error(), (400, "invalid_grant".into()));
    for path in ["jwks", ".well-known/openid-configuration"] {
        assert_eq!(party.get(path).await.status, 200, "what verifies signatures stays: {path}");
    }
    establishments::unblock(&now(&server, &place).await).await.unwrap();
    assert_eq!(party.user_info(&access).await.error(), (401, "invalid_token".into()));
    assert_eq!(party.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
    assert_eq!(party.redeem(&unspent).await.error(), (400, "invalid_grant".into()));
    let silent = Callback::of(&signed_in.open(&party.authorize(&[("prompt", "none")])).await);
    assert_eq!(silent.get("error"), Some("login_required"), "nobody's session from before comes back");
    let mut again = agent(&place).await;
    assert_eq!(party.redeem(&code(&mut again, &party).await).await.status, 200);
}

#[tokio::test]
async fn every_page_of_a_blocked_establishment_says_so_in_the_reader_s_language() {
    let server = TestServer::start().await;
    let (place, other) = (server.establishment("Lycée A").await, server.establishment("Lycée B").await);
    let party = party(&place).await;
    place.with_password().await;
    let mut visitor = Agent::new(&place);
    let form = visitor.open(&party.authorize(&[])).await;
    establishments::block(&now(&server, &place).await).await.unwrap();
    let sent = visitor.submit_only(&form, &[("username", "elodie"), ("password", PASSWORD)]).await;
    assert_eq!((sent.status.as_u16(), visitor.session(&place)), (403, None), "a form that was open signs nobody in");
    let issuer = place.issuer();
    let authorize = party.authorize(&[]);
    let pages = [authorize, issuer.clone(), format!("{issuer}/login"), format!("{issuer}/consent"), format!("{issuer}/invitation/x")];
    for (language, title) in [("fr", "Cet établissement est suspendu"), ("en", "This establishment is suspended")] {
        for page in &pages {
            let joint = if page.contains('?') { '&' } else { '?' };
            let reply = visitor.get(&format!("{page}{joint}ui_locales={language}")).await;
            assert_eq!(reply.status, 403, "{page}");
            assert!(reply.text.contains(title), "{page}: {}", reply.text);
        }
    }
    assert_eq!(visitor.get(&format!("{}/login", other.issuer())).await.status, 200, "the others serve");
    let choice = visitor.get(&format!("{}/?q=lyc%C3%A9e", server.public_url)).await;
    assert!(choice.text.contains("Lycée B") && !choice.text.contains("Lycée A"), "{}", choice.text);
    establishments::unblock(&now(&server, &place).await).await.unwrap();
    let mut visitor = Agent::new(&place);
    let form = visitor.open(&party.authorize(&[])).await;
    visitor.submit_only(&form, &[("username", "elodie"), ("password", PASSWORD)]).await;
    assert!(visitor.session(&place).is_some(), "people sign in again");
}

#[tokio::test]
async fn a_session_begun_while_the_block_was_set_does_not_outlive_it() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = party(&place).await;
    establishments::block(&now(&server, &place).await).await.unwrap();
    // A sign-in that had begun before ends in a session all the same.
    let mut late = agent(&place).await;
    let refused = late.get(&party.authorize(&[("prompt", "none")])).await;
    assert_eq!(refused.status, 403);
    let again = establishments::block(&now(&server, &place).await).await.unwrap();
    assert_eq!(again.establishment.slug, place.slug());
    let mut later = agent(&place).await;
    establishments::unblock(&now(&server, &place).await).await.unwrap();
    for agent in [&mut late, &mut later] {
        let silent = Callback::of(&agent.open(&party.authorize(&[("prompt", "none")])).await);
        assert_eq!(silent.get("error"), Some("login_required"));
    }
    // Opening what is open ends nothing.
    let mut signed_in = agent(&place).await;
    establishments::unblock(&now(&server, &place).await).await.unwrap();
    assert_eq!(party.redeem(&code(&mut signed_in, &party).await).await.status, 200);
}

/// The token of an operator of the platform.
async fn operator(server: &TestServer) -> String {
    let platform = Context::open(&server.gateway, "platform", Actor::System, Timestamp::now()).await.unwrap();
    let new: NewToken = serde_json::from_value(json!({ "name": "blocking", "scope": "operator" })).unwrap();
    tokens::create(&platform, &new).await.unwrap().1.expose().to_owned()
}

#[tokio::test]
async fn the_answer_is_a_receipt_of_what_each_application_made_of_it() {
    let mut willing = Listener::start(&[]).await;
    let mut failing = Listener::start(&[Answer::Status(503)]).await;
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let mut signed_in = agent(&place).await;
    let adjust = [Some(willing.registered()), Some(failing.registered()), None];
    for (id, adjust) in ["willing", "failing", "deaf"].into_iter().zip(adjust) {
        let adjusted = |client: &mut Client| {
            if let Some(adjust) = adjust {
                adjust(client);
            }
        };
        let (_, secret) = place.client(id, adjusted).await;
        let party = RelyingParty::new(&place, id, secret);
        assert_eq!(party.redeem(&code(&mut signed_in, &party).await).await.status, 200);
    }
    let token = operator(&server).await;
    let base = format!("{}/api/v1/establishments/{}", server.public_url, place.slug());
    let send =
        async |request: reqwest::RequestBuilder| -> Value { request.bearer_auth(&token).send().await.unwrap().json().await.unwrap() };
    let http = reqwest::Client::new();
    let blocked = send(http.post(format!("{base}/block"))).await;
    assert_eq!((&blocked["status"], &blocked["slug"]), (&json!("blocked"), &json!(place.slug())), "{blocked}");
    let outcomes = |receipt: &Value| -> Vec<(String, String, bool)> {
        let lines = receipt["applications"].as_array().unwrap().iter();
        let mut lines: Vec<_> = lines.map(|line| (text(line, "client_id"), text(line, "outcome"), line["until"].is_string())).collect();
        lines.sort();
        lines
    };
    let line = |id: &str, outcome: &str, until| (id.to_owned(), outcome.to_owned(), until);
    let wanted = [line("deaf", "lives_on", true), line("failing", "waiting", true), line("willing", "confirmed", false)];
    assert_eq!(outcomes(&blocked["receipt"]), wanted, "{blocked}");
    willing.hear().await;
    failing.hear().await;
    let later = send(http.get(format!("{base}/receipts/{}", text(&blocked, "batch")))).await;
    assert_eq!(outcomes(&later), wanted, "{later}");
    let again = send(http.post(format!("{base}/block"))).await;
    assert_eq!((&again["batch"], outcomes(&again["receipt"])), (&blocked["batch"], wanted.to_vec()), "asked again, nobody is told again");
    assert!(willing.rest().is_empty());
}
