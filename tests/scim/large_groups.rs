//! Groups that are too large to be sent for each member that comes or goes.

use serde_json::{Value, json};

use crate::harness::scim_client::{BULK, Feed, GROUP, Pushed, USER};

/// Most members of a group that is sent whole to whoever changed it.
const ANSWERED_MAX: usize = 1000;

/// So many people: their identifiers.
async fn people(feed: &Feed, count: usize) -> Vec<String> {
    let operation = |at: usize| {
        let name = format!("person{at}");
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "schemas": [USER], "userName": name } })
    };
    let operations: Vec<Value> = (0..count).map(operation).collect();
    let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await;
    said.texts("/Operations", "location").iter().map(|location| location.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_large_group_is_changed_without_being_sent_or_read() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (most, more) = (people(&feed, ANSWERED_MAX).await, feed.person("one.more").await);
    let members: Vec<Value> = most.iter().map(|id| json!({ "value": id })).collect();
    let made =
        feed.post("/Groups?excludedAttributes=members", &json!({ "schemas": [GROUP], "displayName": "Tous", "members": members })).await;
    assert_eq!((made.status, made.body.get("members")), (201, None));
    let path = format!("/Groups/{}", made.id());
    let add = |id: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    let remove = |id: &str| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);

    // At the bound it is sent, beyond it is not.
    let sent = feed.patch(&path, &add(&more)).await;
    assert_eq!((sent.status, sent.texts("/members", "value").len()), (200, ANSWERED_MAX + 1));
    let silent = feed.patch(&path, &remove(&most[0])).await;
    assert_eq!(silent.status, 204);
    assert_eq!(feed.members(&made.id()).await.len(), ANSWERED_MAX);
    feed.patch(&path, &add(&most[0])).await;

    // Who names attributes reads them all the same.
    let named = feed.patch(&format!("{path}?attributes=displayName"), &remove(&more)).await;
    assert_eq!((named.status, named.text("/displayName"), named.body.get("members")), (200, "Tous", None));
    assert!(!feed.members(&made.id()).await.contains(&more));
}
