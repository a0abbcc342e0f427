//! Many operations in one request (RFC 7644 §3.7).

use serde_json::{Value, json};

use crate::harness::scim_client::{BULK, ENTERPRISE, Feed, GROUP, PATCH, Pushed, Said, USER};

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
    let ids = ids(&said);
    let mut expected = vec![ids[1].clone(), ids[3].clone()];
    expected.sort();
    assert_eq!(feed.members(&ids[0]).await, expected);
    assert_eq!(feed.members(&ids[1]).await, [ids[2].clone()]);
}

fn ids(said: &Said) -> Vec<String> {
    said.texts("/Operations", "location").iter().map(|location| location.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn groups_that_are_in_one_another_are_made_and_then_joined() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let rename = json!({ "method": "PATCH", "path": "/Groups/bulkId:a", "data": {
        "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "displayName", "value": "A" }],
    } });
    let said = bulk(&feed, json!([rename, group("c", &["a"]), group("a", &["b", "élodie"]), group("b", &["a"]), person("élodie")])).await;
    assert_eq!(statuses(&said), ["200", "201", "201", "201", "201"], "{:#}", said.body);
    let ids = ids(&said);
    let mut expected = vec![ids[3].clone(), ids[4].clone()];
    expected.sort();
    assert_eq!((feed.members(&ids[2]).await, feed.members(&ids[3]).await), (expected, vec![ids[2].clone()]));
    assert_eq!(feed.members(&ids[1]).await, [ids[2].clone()], "whoever refers to one of the circle");
    let read = feed.get(&format!("/Groups/{}", ids[2])).await;
    assert_eq!(read.text("/displayName"), "A", "a change comes after all of what it changes");
    assert_eq!(read.text("/meta/version"), said.text("/Operations/0/version"));
}

#[tokio::test]
async fn people_who_are_one_anothers_managers_are_made() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let led_by = |name: &str, manager: &str| {
        let extension = json!({ "department": "GEA", "manager": { "value": format!("bulkId:{manager}") } });
        let body = json!({ "schemas": [USER, ENTERPRISE], "userName": name, ENTERPRISE: extension });
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": body })
    };
    let said = bulk(&feed, json!([led_by("anne", "bob"), led_by("bob", "anne"), led_by("seule", "seule")])).await;
    assert_eq!(statuses(&said), ["201", "201", "201"], "{:#}", said.body);
    let ids = ids(&said);
    for (at, manager) in [(0, 1), (1, 0), (2, 2)] {
        let read = feed.get(&format!("/Users/{}", ids[at])).await;
        let extension = &read.body[ENTERPRISE];
        assert_eq!((&extension["manager"]["value"], &extension["department"]), (&json!(ids[manager]), &json!("GEA")));
        assert_eq!(read.text("/meta/version"), said.text(&format!("/Operations/{at}/version")));
    }
}

#[tokio::test]
async fn of_a_circle_that_cannot_be_closed_the_reason_is_told() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let itself = bulk(&feed, json!([group("itself", &["itself"]), group("outer", &["itself"])])).await;
    assert_eq!(statuses(&itself), ["400", "409"], "{:#}", itself.body);
    assert_eq!((itself.text("/Operations/0/response/scimType"), feed.get("/Groups").await.counts()), ("invalidValue", (0, 0)));
    feed.group("b", &[]).await;
    let said = bulk(&feed, json!([group("a", &["b"]), group("b", &["a"])])).await;
    assert_eq!(statuses(&said), ["409", "409"], "{:#}", said.body);
    let made = said.text("/Operations/0/location").to_owned();
    assert_eq!(feed.get(made.strip_prefix(&feed.base).unwrap()).await.text("/displayName"), "a", "it was made, and what it says is where");
    assert!(said.body["Operations"][1].get("location").is_none());
    let ended = json!({ "schemas": [BULK], "failOnErrors": 1, "Operations": [group("c", &["d"]), { "method": "DELETE", "path": "/Users/none" }, group("d", &["c"])] });
    let said = feed.post("/Bulk", &ended).await;
    assert_eq!(statuses(&said), ["404"], "{:#}", said.body);
    assert_eq!(feed.find("/Groups", "displayName eq \"c\"").await.counts(), (0, 0));
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
