//! Many at once: one wins where one may, and nothing is lost where all may.

use std::collections::BTreeMap;

use futures::future::{join, join_all};
use passerelle::services::sources;
use serde_json::{Value, json};

use crate::harness::scim_client::{BULK, Feed, GROUP, Pushed, USER};

/// Requests sent at once.
const AT_ONCE: usize = 64;

async fn people(feed: &Feed, count: usize) -> Vec<String> {
    let operations: Vec<Value> = (0..count)
        .map(|n| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "schemas": [USER], "userName": format!("personne{n}") } }))
        .collect();
    let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await;
    said.texts("/Operations", "location").iter().map(|location| location.rsplit('/').next().unwrap().to_owned()).collect()
}

fn counted(told: impl IntoIterator<Item = u16>) -> BTreeMap<u16, usize> {
    let mut counted = BTreeMap::new();
    for status in told {
        *counted.entry(status).or_default() += 1;
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_of_one_group_at_one_version_one_is_made_and_without_it_all_are() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let mut all = people(&feed, AT_ONCE).await;
    let group = feed.group("Élèves", &[]).await;
    let path = format!("/Groups/{group}");
    let version = feed.get(&path).await.header("etag").to_owned();
    let body = |id: &String| json!({ "schemas": [crate::harness::scim_client::PATCH], "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }] }] });
    let told =
        join_all(all.iter().map(async |id| feed.send("PATCH", &path, &body(id), &[("if-match", version.as_str())]).await.status)).await;
    assert_eq!(counted(told), BTreeMap::from([(200, 1), (412, AT_ONCE - 1)]));
    assert_eq!(feed.members(&group).await.len(), 1);
    let told = join_all(all.iter().map(async |id| feed.send("PATCH", &path, &body(id), &[]).await.status)).await;
    assert_eq!(counted(told), BTreeMap::from([(200, AT_ONCE)]));
    all.sort();
    assert_eq!(feed.members(&group).await, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_groups_of_one_name_at_once_are_one() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let make = async |n: usize| {
        feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": if n.is_multiple_of(2) { "Élèves" } else { "ÉLÈVES" } }))
            .await
            .status
    };
    assert_eq!(counted(join_all((0..AT_ONCE).map(make)).await), BTreeMap::from([(201, 1), (409, AT_ONCE - 1)]));
    assert_eq!(feed.get("/Groups").await.counts(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_changing_and_removing_beside_each_other_fail_nowhere() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let ids = people(&feed, 16).await;
    let group = feed.group("Élèves", &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let one = async |id: &String| {
        let path = format!("/Users/{id}");
        let title = json!([{ "op": "replace", "path": "title", "value": "x" }]);
        let member = json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }, { "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let (of_group, filter) = (format!("/Groups/{group}"), format!("id eq \"{id}\""));
        let (patched, members) = (feed.patch(&path, &title), feed.patch(&of_group, &member));
        let (read, listed) = (feed.get(&path), feed.find("/Users", &filter));
        let told = join(join(patched, members), join(join(read, listed), join(feed.delete(&path), feed.delete(&path)))).await;
        let ((patched, members), ((read, listed), (gone, twice))) = told;
        assert!(
            matches!(patched.status, 200 | 404) && matches!(members.status, 200 | 204) && matches!(read.status, 200 | 404),
            "{patched:?}"
        );
        assert_eq!(listed.status, 200);
        assert_eq!(counted([gone.status, twice.status]), BTreeMap::from([(204, 1), (404, 1)]));
    };
    join_all(ids.iter().map(one)).await;
    assert_eq!((feed.get("/Users").await.counts(), feed.members(&group).await), ((0, 0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_bulks_at_once_are_each_carried_out_whole() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let bulk = async |n: usize| {
        let person = |at: usize, name: String| json!({ "method": "POST", "path": "/Users", "bulkId": format!("u{at}"), "data": { "schemas": [USER], "userName": name } });
        let mut operations = vec![person(0, format!("seul{n}")), person(1, "partagé".to_owned()), person(2, format!("autre{n}"))];
        let members = json!([{ "value": "bulkId:u0" }, { "value": "bulkId:u2" }]);
        operations.push(json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "schemas": [GROUP], "displayName": format!("groupe{n}"), "members": members } }));
        let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await;
        said.texts("/Operations", "status")
    };
    let told = join_all((0..AT_ONCE).map(bulk)).await;
    assert!(
        told.iter().all(|statuses| (&statuses[0], &statuses[2], &statuses[3]) == (&"201".to_owned(), &"201".to_owned(), &"201".to_owned())),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|statuses| statuses[1] == "201").count(), 1);
    assert_eq!(feed.get("/Users?count=0").await.counts().0, (2 * AT_ONCE + 1) as u64);
    let groups = feed.get("/Groups?count=500").await;
    assert!(groups.body["Resources"].as_array().unwrap().iter().all(|group| group["members"].as_array().unwrap().len() == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_that_mean_the_same_person_at_once_make_one() {
    let pushed = Pushed::start().await;
    let mut feeds = Vec::new();
    for name in ["entra", "okta"] {
        feeds.push(pushed.feed(name).await);
        let standing = sources::get(&pushed.place.ctx, name).await.unwrap();
        let matching = serde_json::from_value(json!({ "anchor": { "username": "username" } })).unwrap();
        let fields = sources::SourceFields { matching, ..sources::SourceFields::from(&standing) };
        sources::update(&pushed.place.ctx, &standing, &fields).await.unwrap();
    }
    for round in 0..8 {
        let body = json!({ "schemas": [USER], "userName": format!("léa{round}"), "externalId": "x".repeat(round + 1) });
        let told = join_all(feeds.iter().map(|feed| feed.post("/Users", &body))).await;
        assert_eq!(counted(told.iter().map(|said| said.status)), BTreeMap::from([(201, 2)]), "{told:?}");
        assert_eq!(told[0].id(), told[1].id(), "one person, stated by both");
    }
}
