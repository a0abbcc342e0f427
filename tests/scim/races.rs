//! Requests at the same time.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;

use crate::harness::scim_client::{Pushed, USER};

/// Requests sent at once.
const AT_ONCE: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_make_one_name_at_once_one_does() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let make = async |at: usize| {
        let name = if at.is_multiple_of(2) { "élodie.jean" } else { "ÉLODIE.JEAN" };
        let said = feed.post("/Users", &json!({ "schemas": [USER], "userName": name, "externalId": format!("ext-{at}") })).await;
        (said.status, said.body["scimType"].as_str().unwrap_or_default().to_owned())
    };
    let mut told: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for one in join_all((0..AT_ONCE).map(make)).await {
        *told.entry(one).or_default() += 1;
    }
    assert_eq!(told, BTreeMap::from([((201, String::new()), 1), ((409, "uniqueness".to_owned()), AT_ONCE - 1)]));
    assert_eq!(feed.get("/Users").await.counts(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_at_once_all_come() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let mut people = Vec::new();
    for at in 0..16 {
        people.push(feed.person(&format!("person{at}")).await);
    }
    let group = feed.group("Élèves", &[]).await;
    let path = format!("/Groups/{group}");
    let add = async |id: &String| feed.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])).await.status;
    let told = join_all(people.iter().map(add)).await;
    assert!(told.iter().all(|status| matches!(status, 200 | 204)), "{told:?}");
    people.sort();
    assert_eq!(feed.members(&group).await, people);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_of_one_version_one_is_made() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", feed.person("élodie.jean").await);
    let version = feed.get(&path).await.text("/meta/version").to_owned();
    let change = async |at: usize| {
        let body = json!({ "schemas": [USER], "userName": "élodie.jean", "title": format!("title {at}") });
        feed.send("PUT", &path, &body, &[("if-match", version.as_str())]).await.status
    };
    let mut told = join_all((0..8).map(change)).await;
    told.sort_unstable();
    assert_eq!(told, [vec![200], vec![412; 7]].concat());
}
