//! What goes wrong outside: each ends in its own message and changes nothing.

use passerelle::services::error::Error;
use passerelle::services::leases::HOLD_S;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::sync;
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::types::time::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Fed;
use crate::harness::gateway::TestGateway;
use crate::harness::generator::generate;
use crate::harness::slapd::{Setup, Slapd};

/// A run with other settings fails for this reason, and everything stays.
async fn fails(fed: &Fed, changed: serde_json::Value, expected: &[&str]) {
    let before = fed.everyone().await;
    let stored = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mut fields = SourceFields::from(&stored);
    for (key, value) in changed.as_object().unwrap() {
        fields.settings[key] = value.clone();
    }
    "wrong".clone_into(&mut fields.name);
    sources::create(&fed.ctx, &fields).await.unwrap();
    let run = sync::run_to_end(&fed.ctx, "wrong", Mode::Full).await.unwrap();
    assert_eq!(run.state, State::Failed);
    let said = run.error.unwrap();
    for part in expected {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(run.counts.created, 0);
    assert_eq!(fed.everyone().await, before);
}

#[tokio::test]
async fn wrong_password_is_told_and_changes_nothing() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    fails(&fed, json!({ "bind_password": "not-this-one" }), &["cn=admin,dc=acad-test,dc=fr", "bind_password", "ldap://127.0.0.1"]).await;
}

#[tokio::test]
async fn wrong_base_is_told_and_changes_nothing() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    fails(&fed, json!({ "bind_password": "secret", "base_dn": "ou=nowhere,dc=acad-test,dc=fr" }), &["ou=nowhere", "base_dn"]).await;
}

#[tokio::test]
async fn unreachable_directory_is_told_and_changes_nothing() {
    let fed = Fed::with_people(&["anne"]).await;
    fed.sync().await;
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let url = format!("ldap://{closed}");
    fails(&fed, json!({ "bind_password": "secret", "urls": [url] }), &[&closed.to_string(), "firewall"]).await;
}

#[tokio::test]
async fn size_limit_is_told_and_changes_nothing() {
    let generated = generate(2, 100, 7);
    let slapd =
        Slapd::start_with(&Setup { ldif: Some(&generated.ldif), directives: "limits anonymous size.prtotal=20", ..Setup::default() });
    let fed = Fed::over(slapd).await;
    let run = fed.sync().await;
    assert!(run.counts.created > 100);
    fails(&fed, json!({ "bind_password": "", "bind_dn": null, "page_size": 10 }), &["size limit", "size.prtotal"]).await;
}

/// Passes bytes on to a directory, and cuts the connection after so many of its answer.
async fn cutting_proxy(to: String, after: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("ldap://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(to.trim_start_matches("ldap://")).await.unwrap();
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut buffer = vec![0; 4096];
        let mut passed = 0;
        while passed < after {
            let got = from_server.read(&mut buffer).await.unwrap();
            to_client.write_all(&buffer[..got]).await.unwrap();
            passed += got;
        }
    });
    here
}

#[tokio::test]
async fn connection_dropped_mid_page_is_told_and_changes_nothing() {
    let generated = generate(2, 100, 7);
    let fed = Fed::over(Slapd::start(&generated.ldif)).await;
    fed.sync().await;
    let proxy = cutting_proxy(fed.slapd.url(), 20_000).await;
    fails(&fed, json!({ "bind_password": "secret", "urls": [proxy], "page_size": 10 }), &["dropped", "Nothing was changed"]).await;
}

#[tokio::test]
async fn only_one_run_of_a_source_at_a_time() {
    let fed = Fed::with_people(&["anne"]).await;
    // A server that accepts and says nothing keeps the first run going.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("ldap://{}", silent.local_addr().unwrap());
    fed.change(|fields| {
        fields.settings["urls"] = json!([elsewhere]);
        fields.settings["bind_password"] = "secret".into();
    })
    .await;
    let first = sync::start(&fed.ctx, "ldap", Mode::Full).await.unwrap();
    assert_eq!(first.state, State::Running);
    assert!(matches!(sync::start(&fed.ctx, "ldap", Mode::Preview).await, Err(Error::Conflict(_))));
    assert!(matches!(sources::delete(&fed.ctx, "ldap").await, Err(Error::Conflict(_))));

    // As after a crash: nobody renews its hold, and the program that starts next finds it.
    assert_eq!(sync::recover(&fed.ctx.gateway, Timestamp::now().plus_s(HOLD_S + 1)).await.unwrap(), 1);
    let ended = sync::run(&fed.ctx, first.id).await.unwrap();
    assert_eq!(ended.state, State::Failed);
    assert!(ended.error.unwrap().contains("start it again"));
    drop(silent);
}

#[tokio::test]
async fn run_past_its_deadline_fails_and_changes_nothing() {
    let test = TestGateway::start_with(|config| config.limits.sync_run_deadline_s = 1).await;
    let platform = test.platform().await;
    // A server that accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = super::settings(&format!("ldap://{}", silent.local_addr().unwrap()));
    let fields = serde_json::from_value(json!({ "name": "ldap", "settings": settings })).unwrap();
    sources::create(platform.context(), &fields).await.unwrap();
    let run = sync::run_to_end(platform.context(), "ldap", Mode::Full).await.unwrap();
    assert_eq!(run.state, State::Failed);
    assert!(run.error.as_deref().unwrap().contains("not finished within 1s"), "{run:?}");
}

#[tokio::test]
async fn a_value_with_a_nul_character_sets_its_entry_aside_and_the_others_come() {
    let fed = Fed::with_people(&["anne"]).await;
    // `a`, NUL, `b`: a directory takes it, and no store of ours keeps it.
    let odd = super::person("bruno").replace("\nsn: bruno", "\nsn:: YQBi");
    fed.slapd.modify(&super::add(&odd));
    let run = fed.sync().await;
    assert_eq!((run.counts.created, run.counts.quarantined), (1, 1));
    let aside = fed.changes(&run).await;
    let said = serde_json::to_string(&aside).unwrap();
    assert!(said.contains("sn: a value holds the NUL character"), "{said}");
    assert_eq!(fed.everyone().await.len(), 1);
}
