//! Bounds on what a feed that means harm may leave, hold up or have worked out.

use passerelle::services::scim::held;
use passerelle::services::sources;
use passerelle::store::establishment::scim_held::{self, Filter, Held, HeldReason, HeldState};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::scim_client::{BULK, GROUP, MEDIA_TYPE, PATCH, Pushed, USER};

/// Most requests of a feed that wait because of whom they are about.
const HELD_MAX: i64 = 10_000;

#[tokio::test]
async fn what_waits_for_a_person_has_a_bound() {
    let (pushed, feed) = Pushed::with_feed().await;
    let ctx = &pushed.place.ctx;
    let source = sources::get(ctx, "entra").await.unwrap().id;
    let one = |n: i64| Held {
        id: Uuid::now_v7(),
        source_id: source,
        reason: HeldReason::Taken,
        operation: "create".to_owned(),
        subject_id: None,
        subject: format!("x{n}"),
        name: "elodie".to_owned(),
        detail: json!({}),
        state: HeldState::Open,
        times: 1,
        first_at: ctx.now,
        last_at: ctx.now,
        decided_at: None,
        decided_by: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    for n in 0..HELD_MAX - 1 {
        scim_held::hold(&mut tx, &one(n)).await.unwrap();
    }
    tx.commit().await.unwrap();
    // The person of the harness is local: the name is taken, whatever the client's own identifier is.
    for external in ["first", "second", "third", "x0"] {
        let said = feed.post("/Users", &json!({ "schemas": [USER], "userName": "elodie", "externalId": external })).await;
        assert_eq!(said.refusal(), (409, "uniqueness"), "{external}");
    }
    let listed = held::list(ctx, "entra", &PageRequest::first(500), &Filter::default()).await.unwrap();
    assert_eq!(listed.total, HELD_MAX);
    assert_eq!(listed.items[0].times, 2, "what waits already is noted still");
}

#[tokio::test]
async fn a_body_is_bounded_in_every_direction() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let path = format!("/Users/{id}");
    let values = |count: usize| -> Value { (0..count).map(|n| json!({ "value": n.to_string() })).collect() };
    for (body, expected) in [
        (json!({ "emails": values(201) }), 400),
        (json!({ "title": "x".repeat(4_097) }), 400),
        (json!({ "profileUrl": "x".repeat(65_537) }), 400),
        (json!({ "x509Certificates": [{ "value": "A".repeat(65_540) }] }), 400),
        (json!({ "emails": values(200), "title": "x".repeat(4_096) }), 200),
        (json!({ "schemas": vec![USER; 33] }), 400),
    ] {
        let mut whole = json!({ "schemas": [USER], "userName": "élodie" });
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let said = feed.put(&path, &whole).await;
        assert_eq!(said.status, expected, "{:.100}: {:.200}", body.to_string(), said.body.to_string());
    }
    // Value by value is no way round.
    assert_eq!(feed.patch(&path, &json!([{ "op": "add", "path": "emails", "value": [{ "value": "one more" }] }])).await.status, 400);
    let many: Vec<Value> = (0..1_001).map(|_| json!({ "op": "add", "path": "title", "value": "x" })).collect();
    assert_eq!(feed.patch(&path, &json!(many)).await.refusal(), (400, "invalidSyntax"));
    let delete = json!({ "method": "DELETE", "path": "/Users/x" });
    assert_eq!(feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": vec![delete; 1_001] })).await.status, 413);
    let nested = json!({ "method": "POST", "path": "/Bulk", "bulkId": "a", "data": { "schemas": [BULK], "Operations": [] } });
    assert_eq!(feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [nested] })).await.text("/Operations/0/status"), "400");
    let crowd: Vec<Value> = (0..100_001).map(|n| json!({ "value": n.to_string() })).collect();
    assert_eq!(
        feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "foule", "members": crowd })).await.refusal(),
        (400, "tooMany")
    );
    assert_eq!(feed.get("/Groups").await.counts(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_one_feed_asks_for_keeps_nobody_else_waiting() {
    let pushed = Pushed::start_with(|config| config.limits.request_timeout_s = 60).await;
    let (feed, other) = (pushed.feed("entra").await, pushed.feed("okta").await);
    let id = feed.person("élodie").await;
    let add: Vec<Value> =
        (0..200).map(|n| json!({ "op": "add", "path": "emails", "value": [{ "value": n.to_string(), "type": "work" }] })).collect();
    let every: Vec<Value> = (0..300).map(|n| json!({ "op": "replace", "path": "emails.display", "value": n.to_string() })).collect();
    let patch = |operations: &[Value]| json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": { "schemas": [PATCH], "Operations": operations } });
    let mut operations = vec![patch(&add)];
    operations.extend(std::iter::repeat_n(patch(&every), 5));
    let heavy = feed
        .request("POST", "/Bulk")
        .header("content-type", MEDIA_TYPE)
        .body(json!({ "schemas": [BULK], "Operations": operations }).to_string());
    let working = tokio::spawn({
        let feed = feed.clone();
        async move { feed.said(heavy).await }
    });
    let mut answered = 0;
    while !working.is_finished() {
        assert_eq!(other.get("/Users?count=1").await.status, 200);
        answered += 1;
    }
    let said = working.await.unwrap();
    assert!(said.texts("/Operations", "status").iter().all(|status| status == "200"), "{:.300}", said.body.to_string());
    assert!(answered > 0);
}
