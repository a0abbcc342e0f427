//! Sixty-four at once: of every proof exactly one use counts (SECURITY, gate 3).

use futures::future::join_all;

use crate::harness::relying_party::{Agent, Callback, RelyingParty, text};
use crate::harness::server::{Place, TestServer};

const AT_ONCE: usize = 64;

async fn stage() -> (TestServer, Place, RelyingParty, String) {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée Ampère").await;
    let (_, secret) = place.client("app", |_| {}).await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let party = RelyingParty::new(&place, "app", secret);
    let code = Callback::of(&agent.open(&party.authorize(&[("scope", "openid offline_access")])).await).code().to_owned();
    (server, place, party, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_redemptions_of_a_code_wins() {
    let (_server, _place, party, code) = stage().await;
    let answers = join_all((0..AT_ONCE).map(|_| party.redeem(&code))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == (400, "invalid_grant".into())));
    // Someone used it twice: whoever won cannot be told from the thief.
    assert_eq!(party.user_info(&text(&won[0].json(), "access_token")).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_uses_of_a_refresh_token_wins() {
    let (_server, _place, party, code) = stage().await;
    let first = text(&party.redeem(&code).await.json(), "refresh_token");
    let answers = join_all((0..AT_ONCE).map(|_| party.refresh(&first))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let next = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!(party.refresh(&text(&next, "refresh_token")).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_answers_of_a_consent_page_gives_a_code() {
    use passerelle::store::establishment::client::ConsentPolicy;
    let (_server, place, party, _) = stage().await;
    place.change_client("app", |client| client.consent = ConsentPolicy::Ask).await;
    let (cookie, _) = place.session(&place.user().await, 60).await;
    let mut agent = Agent::new(&place).with_session(&place, &cookie);
    let page = agent.open(&party.authorize(&[])).await;
    let way = agent.submit_only(&page, &[("answer", "allow")]).await.location();
    let mut agents: Vec<Agent> = (0..AT_ONCE).map(|_| agent.clone()).collect();
    let answers = join_all(agents.iter_mut().map(|agent| agent.get(&way))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 400).count(), AT_ONCE - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_requests_of_an_establishment_make_its_keys_once() {
    let server = TestServer::start().await;
    let place = server.establishment("Lycée A").await;
    let party = RelyingParty::new(&place, "x", passerelle::types::secret::Secret::random(""));
    let answers = join_all((0..AT_ONCE).map(|_| party.get("jwks"))).await;
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(answers[0].json()["keys"].as_array().unwrap().len(), 2);
}
