//! Units, relations and imports over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::api::kit::Served;

#[tokio::test]
async fn units_are_added_listed_changed_and_removed() {
    let api = Served::start().await;
    let slug = api.establishment("IUT d’Évrecy").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}/units");
    let top = api.post(&base, &token, &json!({ "name": "IUT" })).await;
    assert_eq!((top.status, &top.body["title"], &top.body["parent"]), (StatusCode::CREATED, &json!("IUT"), &json!(null)), "{:?}", top.body);
    let below = api.post(&base, &token, &json!({ "name": "RT", "title": "Réseaux & télécoms", "parent": "IUT" })).await;
    assert_eq!((below.status, &below.body["parent"]), (StatusCode::CREATED, &json!("IUT")));
    let (top, below) = (top.header("location").to_owned(), below.header("location").to_owned());
    for (query, total) in [("?parent=", 1), ("?parent=IUT", 1), ("?q=reseaux", 1), ("?source=", 2), ("?name=rt", 0)] {
        let found = api.get(&format!("{base}{query}"), &token).await;
        assert_eq!((found.status, &found.body["total"]), (StatusCode::OK, &json!(total)), "{query}");
    }
    let ring = api.patch(&top, &token, &json!({ "parent": "RT" })).await;
    assert_eq!((ring.status, ring.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["parent"]));
    let shown = api.get(&below, &token).await;
    let stale = [("If-Match", "\"stale\"")];
    let patch = json!({ "name": "R&T", "parent": null });
    let refused = api.send_with(Method::PATCH, &below, Some(&token), Some(&patch), &stale).await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    let current = [("If-Match", shown.header("etag"))];
    let moved = api.send_with(Method::PATCH, &below, Some(&token), Some(&patch), &current).await;
    assert_eq!((moved.status, &moved.body["name"], &moved.body["parent"]), (StatusCode::OK, &json!("R&T"), &json!(null)));
    assert_eq!((&moved.body["people"], &moved.body["rules"]), (&json!(0), &json!([])));
    let removed = api.send(Method::DELETE, &format!("{below}?move_to=IUT"), Some(&token), None).await;
    assert_eq!((removed.status, &removed.body["units"]), (StatusCode::OK, &json!(0)));
    assert_eq!(api.get(&below, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn relations_and_roles_are_brought_as_rows_or_as_a_spreadsheet() {
    let api = Served::start().await;
    let slug = api.establishment("CFA d’Évrecy").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let mut people = Vec::new();
    for name in ["tuteur", "apprenti"] {
        people.push(api.post(&format!("{base}/users"), &token, &json!({ "username": name })).await.body["id"].clone());
    }
    let made = api.post(&format!("{base}/relations"), &token, &json!({ "kind": "tutor", "user": people[0], "other": people[1] })).await;
    assert_eq!((made.status, &made.body["other_username"]), (StatusCode::CREATED, &json!("apprenti")), "{:?}", made.body);
    let found = api.get(&format!("{base}/relations?kind=tutor&user={}", people[0].as_str().unwrap()), &token).await;
    assert_eq!(found.body["items"], json!([made.body]));
    assert_eq!(api.send(Method::DELETE, made.header("location"), Some(&token), None).await.status, StatusCode::NO_CONTENT);
    let rows = json!({ "rows": [{ "kind": "tutor", "username": "tuteur", "other_username": "apprenti" }] });
    let tried = api.post(&format!("{base}/relations/import?dry_run=true"), &token, &rows).await;
    let told = json!({ "added": 1, "updated": 0, "unchanged": 0, "refused": [], "dry_run": true });
    assert_eq!((tried.status, &tried.body), (StatusCode::OK, &told));
    assert_eq!(api.get(&format!("{base}/relations"), &token).await.body["total"], 0);
    let roles = json!([{ "name": "MA" }, { "name": "USER" }]);
    api.post(&format!("{base}/applications"), &token, &json!({ "name": "omenori", "roles": roles })).await;
    let csv = json!({ "csv": "username;application;role\ntuteur;omenori;MA\nrien;omenori;MA" });
    let given = api.post(&format!("{base}/assignments/import"), &token, &csv).await;
    assert_eq!((given.status, &given.body["added"], &given.body["refused"][0]["line"]), (StatusCode::OK, &json!(1), &json!(3)));
    let listed = api.get(&format!("{base}/assignments?application=omenori"), &token).await;
    assert!(listed.body["items"][0]["given_by"].as_str().unwrap().starts_with("token:"), "{:?}", listed.body);
    let path = format!("{base}/assignments/{}", listed.body["items"][0]["id"].as_str().unwrap());
    let edited = api.patch(&path, &token, &json!({ "valid_until": "2999-08-31T00:00:00Z" })).await;
    assert_eq!((edited.status, &edited.body["valid_until"]), (StatusCode::OK, &json!("2999-08-31T00:00:00Z")));
    let both = api.post(&format!("{base}/assignments/import"), &token, &json!({ "csv": "x", "rows": [] })).await;
    assert_eq!((both.status, both.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["rows"]));
}
