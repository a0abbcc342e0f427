//! The database goes away under load, and comes back.

use std::time::Duration;

use passerelle::store::establishment::interaction;
use passerelle::store::{Bounds, Error, StoreUrl, Stores};
use passerelle::types::secret::Secret;
use passerelle::types::time::Timestamp;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::ROUNDS;
use super::cluster::{Cluster, until};
use super::load::Load;
use crate::harness::postgres::Server;
use crate::harness::relying_party::{Reply, http};

/// Requests refused while the database is away.
const REFUSALS: usize = 30;
/// Nobody waits longer for a database that is gone: a third of what its deadlines allow otherwise.
const REFUSED_WITHIN: Duration = Duration::from_secs(9);

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
    load.go_on();
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

/// A way to a server that can be blocked: what is sent on it then is kept, and nobody is told.
struct Way {
    port: u16,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, open) = (listener.local_addr().unwrap().port(), watch::Sender::new(true));
        let gate = open.subscribe();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, gate.clone()));
                tokio::spawn(pass(from_server, to_client, gate.clone()));
            }
        });
        Self { port, open }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<bool>) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if gate.wait_for(|open| *open).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_way_that_is_cut_without_a_word_is_noticed_and_found_again() {
    let server = Server::start_own();
    let database = server.database();
    let port = server.port().unwrap();
    let way = Way::to(port).await;
    let url = database.url().replace(&format!(":{port}/"), &format!(":{}/", way.port));
    let url = StoreUrl::Postgres(Secret::parse("url", url).unwrap());
    let stores = Stores::open(&url, &[], Bounds { open_max: 4, connections_max: 4 }).await.unwrap();
    let store = stores.platform().await.unwrap();
    drop(store.begin().await.unwrap());
    way.open.send_replace(false);
    for _ in 0..8 {
        let refused = timeout(REFUSED_WITHIN, store.begin()).await.expect("nobody waits for long").unwrap_err();
        assert!(matches!(refused, Error::Unreachable { .. }), "{refused}");
    }
    way.open.send_replace(true);
    until("the store is back", async || store.begin().await.is_ok()).await;
    let mut tx = store.begin().await.unwrap();
    assert!(interaction::delete_expired(&mut tx, Timestamp::now()).await.is_ok(), "nothing of what was given up is left behind");
    tx.commit().await.unwrap();
    stores.close().await;
}
