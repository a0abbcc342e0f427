//! A spreadsheet given over HTTP, looked at, synced and forgotten.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::directory::ended;
use super::kit::Served;
use crate::harness::gateway::TestGateway;

const PUPILS: &str = "Nom,Prénom,Date de naissance,Sexe,Division,Login\nLefèvre,Zoé,03/09/2011,F,3A,zlefevre\n";

#[tokio::test]
async fn a_file_is_given_checked_synced_and_forgotten() {
    let api = Served::start().await;
    let slug = api.establishment("Collège Simone Veil").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let source = json!({ "name": "pupils", "kind": "csv", "settings": { "profile": "sacoche-pupils" } });
    let added = api.post(&format!("{base}/sources"), &token, &source).await;
    assert_eq!((added.status, &added.body["kind"]), (StatusCode::CREATED, &json!("csv")), "{:?}", added.body);
    let file = format!("{base}/sources/pupils/file");
    assert_eq!(api.get(&file, &token).await.status, StatusCode::NOT_FOUND);
    let checked = api.post(&format!("{base}/sources/pupils/check"), &token, &json!({})).await;
    assert_eq!(checked.status, StatusCode::CONFLICT, "{:?}", checked.body);

    let given = api.put_bytes(&format!("{file}?file_name=eleves.csv"), &token, PUPILS.as_bytes()).await;
    assert_eq!(given.status, StatusCode::OK, "{:?}", given.body);
    assert_eq!((&given.body["name"], &given.body["size"]), (&json!("eleves.csv"), &json!(PUPILS.len())));
    assert_eq!(given.body["sha256"].as_str().unwrap().len(), 64);
    let shown = api.get(&file, &token).await;
    assert_eq!(shown.body, given.body);
    assert!(!shown.body.to_string().contains("zlefevre"), "the content is shown to nobody");

    let checked = api.post(&format!("{base}/sources/pupils/check"), &token, &json!({})).await;
    assert_eq!(checked.body["ok"], true, "{:?}", checked.body);
    let people = checked.body["steps"].as_array().unwrap().iter().find(|step| step["name"] == "people").unwrap();
    assert_eq!((&people["count"], &people["sample"][0]["username"]), (&json!(1), &json!("zlefevre")));
    let synced = api.post(&format!("{base}/sources/pupils/sync"), &token, &json!({ "mode": "full" })).await;
    let synced = ended(&api, &synced, &token).await;
    assert_eq!((&synced["state"], &synced["created"]), (&json!("done"), &json!(2)), "{synced}");
    assert_eq!(api.get(&format!("{base}/users?username=zlefevre"), &token).await.body["total"], 1);

    assert_eq!(api.send(Method::DELETE, &file, Some(&token), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&file, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_is_too_large_or_meant_for_a_directory_is_refused() {
    let gateway = TestGateway::start_with(|config| config.limits.source_file_max_bytes = 64 * 1024).await;
    let api = Served::over(gateway).await;
    let slug = api.establishment("Collège Simone Veil").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}/sources");
    let directory = json!({ "urls": ["ldap://127.0.0.1:1"], "base_dn": "dc=x", "tls": { "mode": "none" } });
    for (name, kind, settings) in [("ldap", "ldap", directory), ("pupils", "csv", json!({ "profile": "sacoche-pupils" }))] {
        let added = api.post(&base, &token, &json!({ "name": name, "kind": kind, "settings": settings })).await;
        assert_eq!(added.status, StatusCode::CREATED, "{:?}", added.body);
    }
    assert_eq!(api.put_bytes(&format!("{base}/ldap/file"), &token, b"x").await.status, StatusCode::CONFLICT);
    let large = vec![b'x'; 64 * 1024 + 1];
    assert_eq!(api.put_bytes(&format!("{base}/pupils/file"), &token, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(api.put_bytes(&format!("{base}/pupils/file"), &token, &large[1..]).await.status, StatusCode::OK);
    let reader = api.token(&slug, "auditor").await;
    assert_eq!(api.put_bytes(&format!("{base}/pupils/file"), &reader, b"x").await.status, StatusCode::FORBIDDEN);
}
