//! What nodes do beside answering: each job once, those of a killed node by another, and what one changed is known to all.

use std::collections::BTreeSet;

use passerelle::services::logout_notices;
use passerelle::services::outbox::{self, Filter, State};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::{sources, sync};
use passerelle::store::establishment::api_token::TokenKind;
use passerelle::store::establishment::sync_run::{self, State as RunState};
use passerelle::store::registry::establishment::{self, Establishment, EstablishmentStatus};
use passerelle::types::page::PageRequest;
use serde_json::json;
use tokio::net::TcpListener;

use super::cluster::{Cluster, until};
use crate::harness::listener::Listener;
use crate::harness::relying_party::{Reply, claims, http};
use crate::harness::server::Place;

/// Establishments that have something to send at once.
const ESTABLISHMENTS: usize = 6;
/// People in each.
const PEOPLE: usize = 5;
/// Applications in each that hear of sign-outs.
const APPLICATIONS: usize = 6;

/// Everybody signed in to every application, which hears of sign-outs at one address.
async fn everybody_signed_in(place: &Place, listener: &Listener) {
    let clients: Vec<String> = (0..APPLICATIONS).map(|n| format!("application-{n}")).collect();
    for client in &clients {
        place.client(client, listener.registered()).await;
    }
    for person in 0..PEOPLE {
        let user = place.other_user(&format!("person-{person}")).await;
        let (_, session) = place.session(&user, 10).await;
        for client in &clients {
            place.granted(client, &session, None).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_to_be_sent_is_sent_once_however_many_nodes_there_are() {
    let cluster = Cluster::start(0).await;
    let mut listener = Listener::start(&[]).await;
    let mut places = Vec::new();
    for number in 0..ESTABLISHMENTS {
        let place = cluster.establishment(&format!("Collège {number}")).await;
        everybody_signed_in(&place, &listener).await;
        places.push(place);
    }
    for place in &places {
        let announced = logout_notices::announce(&place.ctx).await.unwrap();
        let mut tx = place.ctx.store.begin().await.unwrap();
        logout_notices::for_everyone_in(&mut tx, &place.ctx, uuid::Uuid::now_v7()).await.unwrap();
        tx.commit().await.unwrap();
        announced.hurry(&place.ctx).await;
    }
    let mut told = BTreeSet::new();
    for _ in 0..ESTABLISHMENTS * PEOPLE * APPLICATIONS {
        let token = claims(&listener.hear().await.token());
        let key = ["iss", "sub", "aud"].map(|name| token[name].as_str().unwrap().to_owned());
        assert!(told.insert(key), "told twice: {token}");
    }
    for place in &places {
        let sent = Filter { state: Some("sent".to_owned()), ..Filter::default() };
        let all = i64::try_from(PEOPLE * APPLICATIONS).unwrap();
        until("everything counts as sent", async || outbox::list(&place.ctx, &PageRequest::first(1), &sent).await.unwrap().total == all)
            .await;
        let listed = outbox::list(&place.ctx, &PageRequest::first(100), &Filter::default()).await.unwrap().items;
        assert!(listed.iter().all(|one| one.state == State::Sent && one.attempts == 1), "{listed:?}");
    }
    assert_eq!(listener.rest().len(), 0, "nothing came twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_a_killed_node_is_ended_by_another_when_its_hold_runs_out() {
    let mut cluster = Cluster::start(0).await;
    let place = cluster.establishment("Collège Simone-Veil").await;
    // A directory that takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = json!({ "urls": [format!("ldap://{}", silent.local_addr().unwrap())], "bind_dn": "cn=admin", "bind_password": "secret",
        "base_dn": "dc=acad-test,dc=fr", "tls": { "mode": "none" } });
    sources::create(&place.ctx, &serde_json::from_value(json!({ "name": "ldap", "settings": settings })).unwrap()).await.unwrap();
    let new = NewToken {
        name: "test".to_owned(),
        kind: TokenKind::Api,
        source: None,
        scope: "administrator".to_owned(),
        within: None,
        expires_at: None,
    };
    let (_, token) = tokens::create(&place.ctx, &new).await.unwrap();
    let address = format!("{}/api/v1/establishments/{}/sources/ldap/sync", cluster.address(0), place.slug());
    let begun = Reply::of(http().post(address).bearer_auth(token.expose())).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    let (_connection, _) = silent.accept().await.unwrap();
    cluster.kill(0);
    // As if the time of its hold had gone by.
    let aged = "UPDATE passerelle.jobs SET held_until = 0, due_at = 0 WHERE kind = 'sync'";
    let aged = sqlx::query(aged).execute(&mut cluster.database.admin().await).await.unwrap();
    assert_eq!(aged.rows_affected(), 1, "the killed node holds the run");
    let runs = async || sync::runs(&place.ctx, &PageRequest::first(10), &sync_run::Filter::default()).await.unwrap().items;
    until("another node ends the run", async || runs().await.iter().all(|run| run.state == RunState::Failed)).await;
    assert_eq!(runs().await.len(), 1);
}

async fn change(cluster: &Cluster, changed: &Establishment) {
    let mut tx = cluster.gateway.stores.registry().begin().await.unwrap();
    establishment::update(&mut tx, changed, "").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_changes_the_others_know_at_once() {
    let cluster = Cluster::start(0).await;
    let place = cluster.establishment("Collège Simone-Veil").await;
    let keys = async |node: usize| Reply::of(http().get(format!("{}/e/{}/jwks", cluster.address(node), place.slug()))).await.json();
    let before = keys(0).await;
    for node in 0..3 {
        assert_eq!(keys(node).await, before, "one set of keys, whoever made it");
    }
    // Rings are kept for a minute where nothing is heard, and the deadline of this test is shorter.
    let schema = format!("est_{}", place.ctx.establishment.id.uuid().simple());
    let gone = sqlx::AssertSqlSafe(format!("DELETE FROM {schema}.signing_keys"));
    sqlx::query(gone).execute(&mut cluster.database.admin().await).await.unwrap();
    change(&cluster, &Establishment { status: EstablishmentStatus::Blocked, ..(*place.ctx.establishment).clone() }).await;
    let heard = async {
        for node in 0..3 {
            until("the other keys are known", async || keys(node).await != before).await;
            let page = format!("{}/e/{}/login", cluster.address(node), place.slug());
            assert_eq!(Reply::of(http().get(page)).await.status, 403, "and so is the blocking");
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(40), heard).await.expect("it is known by the notice and not by the time");
}
