//! What is kept of a feed's requests for whoever looks into them: over HTTP, as an identity provider sends them.

use passerelle::services::scim::inspector::{self, BODY_MAX_BYTES};
use passerelle::store::establishment::scim_request::{Filter, Seen, Whole};
use passerelle::types::page::PageRequest;
use serde_json::json;

use crate::harness::scim_client::{BULK, Pushed, USER};

/// Everything that is kept of a feed, oldest first.
async fn kept(pushed: &Pushed, feed: &str) -> Vec<Seen> {
    let page = inspector::list(&pushed.place.ctx, feed, &PageRequest::first(500), &Filter::default()).await.unwrap();
    page.items.into_iter().rev().collect()
}

async fn shown(pushed: &Pushed, seen: &Seen) -> Whole {
    inspector::show(&pushed.place.ctx, "entra", seen.id).await.unwrap()
}

#[tokio::test]
async fn every_request_of_a_feed_is_kept_under_the_identifier_that_its_client_got() {
    let (pushed, feed) = Pushed::with_feed().await;
    let other = pushed.feed("okta").await;
    let made = feed.post("/Users", &json!({ "schemas": [USER], "userName": "élodie", "password": "hunter2" })).await;
    let id = made.id();
    feed.find("/Users", "userName eq \"élodie\"").await;
    let renamed = feed.patch(&format!("/Users/{id}"), &json!([{ "op": "Replace", "path": "displayName", "value": "É" }])).await;
    let wrong = feed.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "shoeSize", "value": 44 }])).await;
    assert_eq!((made.status, renamed.status, wrong.status), (201, 200, 400));
    feed.delete(&format!("/Users/{id}")).await;
    feed.with_token("psl_nobody_x").get("/Users").await;
    let seen = kept(&pushed, "entra").await;
    let told: Vec<(&str, i64, &str)> = seen.iter().map(|one| (one.method.as_str(), one.status, one.dialect.as_str())).collect();
    let expected =
        [("POST", 201, "other"), ("GET", 200, "other"), ("PATCH", 200, "entra"), ("PATCH", 400, "other"), ("DELETE", 204, "other")];
    assert_eq!(told, expected, "what came with a token of nobody is no feed's");
    assert_eq!(seen[0].id.to_string(), made.header("x-request-id"));
    assert!(seen.iter().filter(|one| one.method != "GET").all(|one| one.subject_id.is_some_and(|subject| subject.to_string() == id)));
    assert!(seen[3].failing.as_deref().unwrap().starts_with("invalidPath: operation 1"), "{:?}", seen[3].failing);
    assert!(kept(&pushed, "okta").await.is_empty());
    other.get("/Users").await;
    assert_eq!(kept(&pushed, "okta").await.len(), 1);
    let first = shown(&pushed, &seen[0]).await;
    assert_eq!(first.request.unwrap()["password"], "***");
    assert_eq!(first.changes[0].subject_id, id);
    assert!(shown(&pushed, &seen[4]).await.changes.iter().any(|change| change.action.starts_with("user.")), "who left is told");
}

#[tokio::test]
async fn of_a_bulk_the_first_operation_that_was_refused_is_named() {
    let (pushed, feed) = Pushed::with_feed().await;
    let make = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "schemas": [USER], "userName": name } });
    let nowhere = json!({ "method": "DELETE", "path": "/Users/00000000-0000-0000-0000-000000000000" });
    let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [make("a"), nowhere, make("b")] })).await;
    assert_eq!(said.status, 200, "{:#}", said.body);
    let seen = kept(&pushed, "entra").await;
    let bulk = shown(&pushed, seen.last().unwrap()).await;
    assert!(bulk.seen.failing.as_deref().unwrap().starts_with("operation 2"), "{:?}", bulk.seen.failing);
    assert_eq!(bulk.changes.iter().filter(|change| change.action == "user.stated").count(), 2);
    assert_eq!(bulk.seen.subject_id, None, "it is about several");
}

#[tokio::test]
async fn a_large_body_is_answered_and_not_kept() {
    let (pushed, feed) = Pushed::with_feed().await;
    let entitlements: Vec<_> = (0..199).map(|n| json!({ "value": format!("{n}{}", "x".repeat(100)) })).collect();
    let body = json!({ "schemas": [USER], "userName": "large", "entitlements": entitlements });
    assert!(body.to_string().len() > BODY_MAX_BYTES);
    assert_eq!(feed.post("/Users", &body).await.status, 201);
    let seen = kept(&pushed, "entra").await;
    let large = shown(&pushed, &seen[0]).await;
    assert_eq!((large.request, large.seen.status, large.changes.len()), (None, 201, 1));
}

#[tokio::test]
async fn members_who_were_passed_over_are_named() {
    let (pushed, feed) = Pushed::with_feed().await;
    let (known, group) = (feed.person("élodie").await, feed.group("GEA", &[]).await);
    let add = |ids: &[&str]| json!([{ "op": "add", "path": "members", "value": ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>() }]);
    let path = format!("/Groups/{group}");
    let said = feed.patch(&path, &add(&["00u1é", &known, "b", "c", "d", "e", "f"])).await;
    assert_eq!((said.status, feed.members(&group).await), (200, vec![known.clone()]));
    feed.patch(&path, &add(&[&known])).await;
    let seen: Vec<_> = kept(&pushed, "entra").await.into_iter().filter(|one| one.method == "PATCH").collect();
    let told = seen[0].failing.as_deref().unwrap();
    assert!(told.contains("passed over") && told.contains("6 («00u1é», «b», «c», «d», «e», …)"), "{told}");
    assert_eq!(seen[1].failing, None);
    let changes = shown(&pushed, &seen[0]).await.changes;
    assert_eq!((&changes[0].detail["members_unknown"], &changes[0].detail["members_passed_over"][5]), (&json!(6), &json!("f")));
}
