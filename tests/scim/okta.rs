//! What Okta sends, as its published test of a SCIM service and its reference have it: one test a point of what it expects.

use serde_json::{Value, json};

use crate::harness::scim_client::{Feed, GROUP, LIST, Pushed, USER};

/// A person as Okta makes one.
fn person(user_name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": user_name,
        "name": { "givenName": "Zoé", "familyName": "Noël" },
        "emails": [{ "primary": true, "value": user_name, "type": "work" }],
        "displayName": "Zoé Noël",
        "locale": "fr-FR",
        "externalId": format!("00u-{user_name}"),
        "groups": [],
        "active": true,
    })
}

async fn made(feed: &Feed, user_name: &str) -> String {
    let made = feed.said(feed.request("POST", "/Users").json(&person(user_name))).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.id()
}

#[tokio::test]
async fn the_first_person_has_all_that_the_test_reads() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "zoe.noel@ecole-jean.example.fr").await;
    let list = feed.get("/Users?count=1&startIndex=1").await;
    assert_eq!((list.status, &list.body["schemas"]), (200, &json!([LIST])));
    assert_eq!(
        (&list.body["itemsPerPage"], &list.body["startIndex"], &list.body["totalResults"]),
        (&json!(1), &json!(1), &json!(1)),
        "numbers, and not texts"
    );
    assert_eq!(list.text("/Resources/0/id"), id);
    assert_eq!((list.text("/Resources/0/name/familyName"), list.text("/Resources/0/name/givenName")), ("Noël", "Zoé"));
    assert_eq!(list.text("/Resources/0/userName"), "zoe.noel@ecole-jean.example.fr");
    assert_eq!(list.body["Resources"][0]["active"], true);
    assert_eq!(list.text("/Resources/0/emails/0/value"), "zoe.noel@ecole-jean.example.fr");
}

#[tokio::test]
async fn a_person_is_read_by_identifier() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "zoe.noel@ecole-jean.example.fr").await;
    let read = feed.get(&format!("/Users/{id}")).await;
    assert_eq!((read.status, read.id()), (200, id));
    assert_eq!((read.text("/userName"), read.text("/name/familyName")), ("zoe.noel@ecole-jean.example.fr", "Noël"));
}

#[tokio::test]
async fn names_are_looked_for_whatever_their_case() {
    let (_pushed, feed) = Pushed::with_feed().await;
    made(&feed, "zoe.noel@ecole-jean.example.fr").await;
    let absent = feed.find("/Users", "userName eq \"absent\"").await;
    assert_eq!((absent.status, absent.counts()), (200, (0, 0)));
    let found = feed.find("/Users", "userName eq \"ZOE.NOEL@ECOLE-JEAN.EXAMPLE.FR\"").await;
    assert_eq!((found.status, found.counts()), (200, (1, 1)));
}

#[tokio::test]
async fn an_unknown_person_is_told_in_the_form_of_an_error() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let unknown = feed.get("/Users/00u-unknown").await;
    assert_eq!((unknown.status, &unknown.body["status"]), (404, &json!("404")));
    assert!(!unknown.text("/detail").is_empty());
}

#[tokio::test]
async fn a_bad_token_is_told_in_the_same_form() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let refused = feed.with_token("not-a-token").get("/Users?count=1&startIndex=1").await;
    assert_eq!((refused.status, &refused.body["status"]), (401, &json!("401")));
}

#[tokio::test]
async fn plain_json_is_taken_and_a_name_is_taken_once() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let body = person("zoe.noel@ecole-jean.example.fr");
    let send = async || {
        feed.said(feed.request("POST", "/Users").header("content-type", "application/json; charset=utf-8").body(body.to_string())).await
    };
    assert_eq!(send().await.status, 201);
    assert_eq!(send().await.refusal(), (409, "uniqueness"));
}

#[tokio::test]
async fn groups_are_listed() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let group = feed.group("Élèves", &[]).await;
    let list = feed.get("/Groups?startIndex=1&count=100").await;
    assert_eq!((list.status, list.counts(), list.text("/Resources/0/id")), (200, (1, 1), group.as_str()));
}

#[tokio::test]
async fn a_person_is_replaced_whole() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", made(&feed, "zoe.noel@ecole-jean.example.fr").await);
    let read = feed.get(&path).await;
    // What Okta has read it sends back, with what it knows better.
    let mut whole = read.body.clone();
    whole["name"]["familyName"] = json!("Noël-Lefèvre");
    whole["displayName"] = json!("Zoé Noël-Lefèvre");
    whole["title"] = json!("Professeure");
    let put = feed.said(feed.request("PUT", &path).json(&whole)).await;
    assert_eq!(put.status, 200, "{:#}", put.body);
    assert_eq!((put.text("/name/familyName"), put.text("/title")), ("Noël-Lefèvre", "Professeure"));
    assert_eq!((put.text("/id"), put.text("/meta/created")), (read.text("/id"), read.text("/meta/created")));
    // What a whole no longer has is gone.
    whole.as_object_mut().unwrap().remove("title");
    whole["active"] = json!(false);
    let put = feed.said(feed.request("PUT", &path).json(&whole)).await;
    assert_eq!((put.status, put.body.get("title"), &put.body["active"]), (200, None, &json!(false)));
}

#[tokio::test]
async fn people_are_switched_off_and_on_again_without_a_path() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", made(&feed, "zoe.noel@ecole-jean.example.fr").await);
    for active in [false, true] {
        let changed = feed.patch(&path, &json!([{ "op": "replace", "value": { "active": active } }])).await;
        assert_eq!((changed.status, &changed.body["active"]), (200, &json!(active)));
        assert_eq!(feed.get(&path).await.body["active"], active);
    }
}

#[tokio::test]
async fn a_group_is_pushed_renamed_and_filled() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (one, two) = (made(&feed, "zoe@ecole-jean.example.fr").await, made(&feed, "ali@ecole-jean.example.fr").await);
    let made = feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "Élèves", "members": [] })).await;
    let (id, path) = (made.id(), format!("/Groups/{}", made.id()));
    // Okta names the group within the value too.
    let renamed = feed.patch(&path, &json!([{ "op": "replace", "value": { "id": id, "displayName": "Élèves de 6e" } }])).await;
    assert!(matches!(renamed.status, 200 | 204), "{:#}", renamed.body);
    assert_eq!(feed.get(&path).await.text("/displayName"), "Élèves de 6e");
    let added = feed
        .patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": one, "display": "zoe@ecole-jean.example.fr" }] }]))
        .await;
    assert!(matches!(added.status, 200 | 204), "{:#}", added.body);
    assert_eq!(feed.members(&id).await, std::slice::from_ref(&one));
    let changed = feed
        .patch(
            &path,
            &json!([
                { "op": "remove", "path": format!("members[value eq \"{one}\"]") },
                { "op": "add", "path": "members", "value": [{ "value": two, "display": "ali@ecole-jean.example.fr" }] },
            ]),
        )
        .await;
    assert!(matches!(changed.status, 200 | 204), "{:#}", changed.body);
    assert_eq!(feed.members(&id).await, std::slice::from_ref(&two));
    let whole = json!({ "schemas": [GROUP], "id": id, "displayName": "Élèves de 6e", "members": [{ "value": one, "display": "zoe" }] });
    assert_eq!(feed.put(&path, &whole).await.status, 200);
    assert_eq!(feed.members(&id).await, [one]);
    assert_eq!(feed.delete(&path).await.status, 204);
}

#[tokio::test]
async fn people_are_imported_page_by_page() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let mut made_ids = Vec::new();
    for at in 0..7 {
        made_ids.push(feed.person(&format!("person{at}")).await);
    }
    let (mut seen, mut start) = (Vec::new(), 1);
    while start <= 7 {
        let page = feed.get(&format!("/Users?startIndex={start}&count=3")).await;
        assert_eq!((page.status, page.counts().0, &page.body["startIndex"]), (200, 7, &json!(start)));
        let ids = page.texts("/Resources", "id");
        assert_eq!(page.body["itemsPerPage"], ids.len());
        start += ids.len();
        seen.extend(ids);
    }
    seen.sort();
    made_ids.sort();
    assert_eq!(seen, made_ids);
}
