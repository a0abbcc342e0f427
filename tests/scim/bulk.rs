//! Many operations in one request (RFC 7644 §3.7).

use serde_json::{Value, json};

use crate::harness::scim_client::{BULK, Feed, GROUP, PATCH, Pushed, Said, USER};

const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

async fn bulk(feed: &Feed, operations: Value) -> Said {
    feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await
}

fn person(bulk_id: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": { "schemas": [USER], "userName": bulk_id } })
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|member| json!({ "value": format!("bulkId:{member}") })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": bulk_id, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": body })
}

fn statuses(said: &Said) -> Vec<String> {
    assert_eq!((said.status, &said.body["schemas"]), (200, &json!([RESPONSE])), "{:#}", said.body);
    said.texts("/Operations", "status")
}

#[tokio::test]
async fn everything_that_can_be_done_one_by_one_can_be_done_at_once() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let gone = feed.person("gone").await;
    let said = bulk(
        &feed,
        json!([
            person("élodie"),
            { "method": "PUT", "path": "/Users/bulkId:élodie", "data": { "schemas": [USER], "userName": "élodie", "title": "Professeure" } },
            { "method": "PATCH", "path": "/Users/bulkId:élodie", "data": {
                "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "active", "value": false }],
            } },
            { "method": "DELETE", "path": format!("/Users/{gone}") },
        ]),
    )
    .await;
    assert_eq!(statuses(&said), ["201", "200", "200", "204"], "{:#}", said.body);
    assert_eq!(said.texts("/Operations", "method"), ["POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(said.text("/Operations/0/bulkId"), "élodie");
    let location = said.text("/Operations/0/location").to_owned();
    let read = feed.get(location.strip_prefix(&feed.base).unwrap()).await;
    assert_eq!((read.text("/userName"), read.text("/title"), &read.body["active"]), ("élodie", "Professeure", &json!(false)));
    assert_eq!(read.text("/meta/version"), said.text("/Operations/2/version"), "the version after the last change");
    assert_eq!(feed.get(&format!("/Users/{gone}")).await.status, 404);
}

#[tokio::test]
async fn what_is_referred_to_may_come_later() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let said =
        bulk(&feed, json!([group("tous", &["classe", "paul"]), group("classe", &["élodie"]), person("élodie"), person("paul")])).await;
    assert_eq!(statuses(&said), ["201", "201", "201", "201"], "{:#}", said.body);
    assert_eq!(said.texts("/Operations", "bulkId"), ["tous", "classe", "élodie", "paul"], "told as they were sent");
    let ids: Vec<String> =
        said.texts("/Operations", "location").iter().map(|location| location.rsplit('/').next().unwrap().to_owned()).collect();
    let mut expected = vec![ids[1].clone(), ids[3].clone()];
    expected.sort();
    assert_eq!(feed.members(&ids[0]).await, expected);
    assert_eq!(feed.members(&ids[1]).await, [ids[2].clone()]);
}

#[tokio::test]
async fn resources_that_refer_to_one_another_in_a_circle_are_not_made() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let said = bulk(&feed, json!([group("a", &["b"]), group("b", &["a"]), person("élodie")])).await;
    assert_eq!(statuses(&said), ["409", "409", "201"], "{:#}", said.body);
    assert_eq!(said.body["Operations"][0]["response"]["status"], "409");
    assert!(said.body["Operations"][0].get("location").is_none());
    assert_eq!(feed.get("/Groups").await.counts(), (0, 0));
}

#[tokio::test]
async fn what_refers_to_something_that_failed_fails_too() {
    let (_pushed, feed) = Pushed::with_feed().await;
    feed.person("paul").await;
    let said = bulk(&feed, json!([person("paul"), group("classe", &["paul"]), group("autre", &["personne"])])).await;
    assert_eq!(statuses(&said), ["409", "409", "409"], "{:#}", said.body);
    assert_eq!(said.body["Operations"][0]["response"]["scimType"], "uniqueness");
    assert_eq!(feed.get("/Groups").await.counts(), (0, 0));
}

#[tokio::test]
async fn so_many_failures_end_it() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let missing = json!({ "method": "DELETE", "path": "/Users/none" });
    let operations = json!([missing, person("a"), missing, person("b"), missing]);
    let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "failOnErrors": 2, "Operations": operations })).await;
    assert_eq!(statuses(&said), ["404", "201", "404"], "{:#}", said.body);
    assert_eq!(feed.find("/Users", "userName eq \"b\"").await.counts(), (0, 0));
    let said = bulk(&feed, json!([missing, person("b"), missing])).await;
    assert_eq!(statuses(&said), ["404", "201", "404"], "without a bound everything is tried");
}

#[tokio::test]
async fn versions_are_minded() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let read = feed.get(&format!("/Users/{id}")).await;
    let change = |version: &str, title: &str| {
        json!({ "method": "PATCH", "path": format!("/Users/{id}"), "version": version, "data": {
            "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": title }],
        } })
    };
    let version = read.text("/meta/version");
    let said = bulk(&feed, json!([change(version, "Professeure"), change(version, "Directrice")])).await;
    assert_eq!(statuses(&said), ["200", "412"], "{:#}", said.body);
    assert_eq!(feed.get(&format!("/Users/{id}")).await.text("/title"), "Professeure");
}

#[tokio::test]
async fn there_are_bounds() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let config = feed.get("/ServiceProviderConfig").await;
    assert_eq!(config.body["bulk"]["supported"], true);
    let most = usize::try_from(config.body["bulk"]["maxOperations"].as_u64().unwrap()).unwrap();
    let missing = json!({ "method": "DELETE", "path": "/Users/none" });
    assert_eq!(bulk(&feed, json!(vec![missing; most + 1])).await.status, 413);
    let payload = usize::try_from(config.body["bulk"]["maxPayloadSize"].as_u64().unwrap()).unwrap();
    let long = feed.request("POST", "/Bulk").header("content-type", "application/scim+json").body(" ".repeat(payload + 1));
    assert_eq!(feed.said(long).await.status, 413);
    for wrong in [
        json!({}),
        json!({ "schemas": [BULK] }),
        json!({ "schemas": [BULK], "Operations": {} }),
        json!({ "schemas": [USER], "Operations": [] }),
    ] {
        assert_eq!(feed.post("/Bulk", &wrong).await.refusal(), (400, "invalidSyntax"), "{wrong}");
    }
    assert_eq!(feed.get("/Bulk").await.status, 405);
}

#[tokio::test]
async fn a_thousand_people_are_made_at_once() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let people: Vec<Value> = (0..1000).map(|at| person(&format!("person{at}"))).collect();
    let said = bulk(&feed, json!(people)).await;
    assert!(statuses(&said).iter().all(|status| status == "201"));
    assert_eq!(feed.get("/Users?count=0").await.counts(), (1000, 0));
}
