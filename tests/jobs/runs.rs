//! Sync runs under a hold: a node that is killed blocks nobody for long, and one that only seemed gone changes nothing afterwards.

use std::sync::Arc;

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::establishments;
use passerelle::services::jobs;
use passerelle::services::leases::HOLD_S;
use passerelle::services::{sources, sync, users};
use passerelle::store::establishment::sync_run::{self, Counts, Mode, Run, StartedBy, State};
use passerelle::store::establishment::user::Filter;
use passerelle::types::id::RunId;
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::harness::gateway::TestGateway;
use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

const DIRECTORY: &str = "dn: dc=acad-test,dc=fr\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n\
    dn: uid=anne,dc=acad-test,dc=fr\nobjectClass: inetOrgPerson\nuid: anne\ncn: Anne\nsn: Anne\n\n";

/// A directory of one person.
fn directory() -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("people.ldif");
    std::fs::write(&ldif, DIRECTORY).unwrap();
    Slapd::start(&ldif)
}

async fn fed_by(ctx: &Context, url: &str) {
    let settings =
        json!({ "urls": [url], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "tls": { "mode": "none" } });
    sources::create(ctx, &serde_json::from_value(json!({ "name": "ldap", "settings": settings })).unwrap()).await.unwrap();
}

/// A directory that answers only once the gate is opened: its address, and the gate. Tells by the second that someone stands before it.
async fn gated(slapd: &Slapd) -> (String, Arc<Notify>, Arc<Notify>) {
    let (gate, arrived) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("ldap://{}", listener.local_addr().unwrap());
    let url = slapd.url();
    let there = url.trim_start_matches("ldap://").trim_end_matches('/').to_owned();
    let (opened, came) = (gate.clone(), arrived.clone());
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        came.notify_one();
        opened.notified().await;
        let mut server = TcpStream::connect(there).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
    });
    (here, gate, arrived)
}

#[tokio::test]
async fn a_run_whose_node_seemed_gone_is_ended_and_writes_nothing_when_it_comes_back() {
    let slapd = directory();
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    let (url, gate, arrived) = gated(&slapd).await;
    fed_by(&ctx, &url).await;
    let away = ctx.clone();
    let run = tokio::spawn(async move { sync::run_to_end(&away, "ldap", Mode::Full).await });
    arrived.notified().await;
    let now = Timestamp::now();
    assert_eq!(sync::recover(&test.gateway, now).await.unwrap(), 0, "its node lives");
    assert_eq!(jobs::run_due(&test.gateway, now.plus_s(HOLD_S + 60)).await.unwrap(), 1);
    gate.notify_one();
    let ended = run.await.unwrap().unwrap();
    assert_eq!(ended.state, State::Failed);
    assert!(ended.error.unwrap().contains("start it again"));
    let people = users::list(&ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(people.total, 0, "nothing of it was written");
    assert_eq!(super::all_jobs(&test).await, []);
}

#[tokio::test]
async fn a_run_that_nobody_holds_does_not_stand_in_the_way_of_the_next() {
    let slapd = directory();
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    fed_by(&ctx, &slapd.url()).await;
    let source = sources::get(&ctx, "ldap").await.unwrap();
    let broken_off = Run {
        id: RunId::new(),
        source_id: source.id,
        source: source.name,
        mode: Mode::Full,
        state: State::Running,
        counts: Counts::default(),
        error: None,
        approved_by: None,
        started_at: ctx.now,
        duration_ms: None,
        progress: None,
        undoes: None,
        started_by: StartedBy::Hand,
        note: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    sync_run::insert(&mut tx, &broken_off).await.unwrap();
    tx.commit().await.unwrap();
    let next = sync::run_to_end(&ctx, "ldap", Mode::Full).await.unwrap();
    assert_eq!((next.state, next.counts.created), (State::Done, 1), "{next:?}");
    assert_eq!(sync::run(&ctx, broken_off.id).await.unwrap().state, State::Failed);
    assert_eq!(super::all_jobs(&test).await, [], "a run that ended is held by nobody");
}

#[tokio::test]
async fn starting_up_opens_no_store_without_a_broken_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::load(None, std::iter::empty(), Some(folder.path())).unwrap();
    let gateway = passerelle::app::open(&config).await.unwrap();
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let new = serde_json::from_value(json!({ "name": "Collège Jean Jaurès" })).unwrap();
    establishments::create(&platform, &new).await.unwrap();
    gateway.stores.close().await;
    let again = passerelle::app::open(&config).await.unwrap();
    assert_eq!(sync::recover(&again, Timestamp::now()).await.unwrap(), 0);
    let opened: Vec<String> = again.stores.opened().into_iter().map(|(slug, _)| slug).collect();
    assert_eq!(opened, ["platform"]);
}
