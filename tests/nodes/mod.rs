//! Tests of: many nodes. Processes of the product itself on one PostgreSQL, behind a balancer, killed, stopped and cut off under load.

mod balancer;
mod cluster;
mod load;
mod outage;
mod work;

use reqwest::Client as Http;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, Callback, RelyingParty, text};

use cluster::Cluster;
use load::Load;

/// Rounds of refreshing and reading before anything happens, and after.
const ROUNDS: usize = 60;

/// A client that opens a connection for each request, so that the balancer chooses anew.
fn one_connection_each() -> Http {
    Http::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_begun_on_one_node_goes_on_on_the_others() {
    let cluster = Cluster::start(0).await;
    let place = cluster.establishment("Collège Simone-Veil").await;
    place.with_password().await;
    let (_, secret) = place.client("notes", |_| {}).await;
    let party = RelyingParty { http: one_connection_each(), ..RelyingParty::new(&place, "notes", secret) };
    let mut agent = Agent::new(&place).over(one_connection_each());
    cluster.balancer.aim(Some(0));
    let page = agent.open(&party.authorize(&[("scope", "openid offline_access")])).await;
    cluster.balancer.aim(Some(1));
    let answer = agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await;
    let code = Callback::of(&answer).code().to_owned();
    cluster.balancer.aim(Some(2));
    let tokens = party.redeem(&code).await.json();
    cluster.balancer.aim(Some(0));
    let tokens = party.refresh(&text(&tokens, "refresh_token")).await.json();
    for node in 0..3 {
        cluster.balancer.aim(Some(node));
        assert_eq!(party.user_info(&text(&tokens, "access_token")).await.status, 200, "node {node}");
    }
    cluster.balancer.aim(Some(1));
    assert_eq!(party.redeem(&code).await.error(), (400, "invalid_grant".to_owned()), "a code serves once, whichever node is asked");
    cluster.balancer.aim(Some(2));
    assert_eq!(party.user_info(&text(&tokens, "access_token")).await.status, 401, "and what came of it is revoked everywhere");
}

/// A request that was under way on the killed node may have been carried out without an answer. Sent again it is not carried out twice: a
/// refresh token then counts as used before, and the application gets new ones by the person's session, which still stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_under_load_takes_nobodys_session_with_it() {
    let mut cluster = Cluster::start(0).await;
    let place = cluster.establishment("Collège Simone-Veil").await;
    let load = Load::start(&place).await;
    load.rounds(ROUNDS).await;
    cluster.kill(1);
    load.rounds(ROUNDS).await;
    let tally = load.end().await;
    println!("{tally:?}");
    assert_eq!(tally.refused, 0, "no other node was troubled");
    assert!(tally.unheard <= tally.cut, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_asked_to_stop_under_load_fails_no_request() {
    let mut cluster = Cluster::start(2).await;
    cluster.balancer.ask_before();
    let place = cluster.establishment("Collège Simone-Veil").await;
    let load = Load::start(&place).await;
    load.rounds(ROUNDS).await;
    let stopping = cluster.nodes[1].take().unwrap();
    stopping.terminate();
    let ended = tokio::task::spawn_blocking(move || stopping.wait()).await.unwrap();
    assert!(ended, "it ends well");
    load.rounds(ROUNDS).await;
    let tally = load.end().await;
    assert_eq!((tally.cut, tally.refused, tally.unheard), (0, 0, 0));
}
