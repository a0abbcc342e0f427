//! The database goes away under load, and comes back.

use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use tokio::task::block_in_place;

use super::ROUNDS;
use super::cluster::{Cluster, until};
use super::load::Load;
use crate::harness::relying_party::{Reply, http};

/// Requests refused while the database is away.
const REFUSALS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_every_front_says_so_and_all_goes_on_when_it_is_back() {
    let cluster = Cluster::start(0).await;
    let place = cluster.establishment("Collège Simone-Veil").await;
    let load = Load::start(&place).await;
    load.rounds(ROUNDS).await;
    block_in_place(|| cluster.server.stop());
    load.refusals(REFUSALS).await;
    for node in 0..3 {
        every_front_refuses(&cluster.address(node), place.slug()).await;
    }
    block_in_place(|| cluster.server.start_again());
    for node in 0..3 {
        let address = format!("{}/readyz", cluster.address(node));
        until("a node is ready again by itself", async || Reply::of(http().get(&address)).await.status == 200).await;
    }
    load.rounds(ROUNDS).await;
    let tally = load.end().await;
    println!("{tally:?}");
    assert_eq!(tally.cut, 0, "every request had its answer in time");
}

async fn every_front_refuses(node: &str, slug: &str) {
    let get = |path: &str| http().get(format!("{node}{path}"));
    assert_eq!(Reply::of(get("/healthz")).await.status, 200, "the process lives");
    until("the node is not ready", async || Reply::of(get("/readyz")).await.status == 503).await;

    let api = Reply::of(get("/api/v1/establishments").bearer_auth("some-token")).await;
    assert_eq!(api.json()["type"], "urn:passerelle:problem:unavailable", "{}", api.text);
    let protocol = http().post(format!("{node}/e/{slug}/token")).basic_auth("notes", Some("x")).form(&[("grant_type", "refresh_token")]);
    let protocol = Reply::of(protocol).await;
    assert_eq!(protocol.json()["error"], "temporarily_unavailable", "{}", protocol.text);
    let mut refused = vec![api, protocol];
    for (language, said) in [("fr", "base de données"), ("en", "database")] {
        let page = Reply::of(get(&format!("/e/{slug}/authorize?client_id=notes")).header(ACCEPT_LANGUAGE, language)).await;
        assert!(page.header(CONTENT_TYPE.as_str()).unwrap().starts_with("text/html") && page.text.contains(said), "{}", page.text);
        refused.push(page);
    }
    for reply in refused {
        assert_eq!(reply.status, 503, "{}", reply.text);
        assert!(reply.header(RETRY_AFTER.as_str()).is_some(), "{}", reply.text);
    }
}
