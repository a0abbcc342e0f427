//! Whom a feed means: by the rule that its source declares, and otherwise nobody who is known.

use passerelle::services::scim::change::{Change, Done, With};
use passerelle::services::scim::feeds::Feed;
use passerelle::services::scim::held;
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::Kind;
use passerelle::services::sync::proposals;
use passerelle::services::users::{self, NewUser};
use passerelle::store::establishment::proposal;
use passerelle::store::establishment::scim_held::{Filter, HeldReason};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{Fed, feed, object, patched, person, word};

async fn push(
    feed: &Feed,
    body: Value,
) -> Result<passerelle::services::scim::change::Stored, passerelle::services::scim::error::ScimError> {
    resources::create(feed, Kind::User, object(body), With::USUAL).await
}

#[tokio::test]
async fn someone_of_another_source_is_joined_by_a_declared_anchor_and_both_are_heard() {
    let fed = Fed::new().await;
    let first = fed.user(person("lea")).await.unwrap();
    let matching = json!({ "matching": { "anchor": { "username": "username" }, "authority": ["email"] } });
    let okta = feed(&fed.ctx, "okta", &matching).await;
    let mut body = person("LEA");
    body["emails"] = json!([{ "value": "lea@okta.example" }]);
    body["title"] = json!("Maître");
    let joined = push(&okta, body).await.unwrap();
    assert_eq!(joined.id, first.id);
    let user = fed.person("lea").await;
    assert_eq!((user.email.as_deref(), user.attributes.get("title").map(Vec::len)), (Some("lea@okta.example"), Some(1)));
    // One of two that says no is enough; one that leaves says nothing while the other speaks.
    patched(&okta, &joined, json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
    assert_eq!(fed.person("lea").await.status, UserStatus::Disabled);
    resources::remove(&okta, Kind::User, &joined.id.to_string(), None).await.unwrap();
    let user = fed.person("lea").await;
    assert_eq!((user.status, user.email.as_deref()), (UserStatus::Active, Some("lea@acad-test.fr")));
    let mine = fed.read(Kind::User, &first.id.to_string()).await.unwrap();
    assert_eq!(mine.rev, 1, "the first feed reads what it said");
}

#[tokio::test]
async fn without_a_rule_a_name_that_is_anothers_is_refused_and_told() {
    let fed = Fed::new().await;
    let new = NewUser { username: "directrice".to_owned(), ..NewUser::default() };
    users::create(&fed.ctx, &new).await.unwrap();
    let refused = fed.user(person("Directrice")).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (409, Some("uniqueness")));
    let waiting = held::list(&fed.ctx, "entra", &PageRequest::first(50), &Filter::default()).await.unwrap();
    assert_eq!((waiting.items[0].reason, waiting.items[0].name.as_str()), (HeldReason::Taken, "Directrice"));
}

#[tokio::test]
async fn someone_made_by_hand_is_joined_by_a_persons_word_alone() {
    let fed = Fed::new().await;
    let new: NewUser = serde_json::from_value(json!({ "username": "directrice" })).unwrap();
    let (user, _) = users::create(&fed.ctx, &new).await.unwrap();
    let okta = feed(&fed.ctx, "okta", &json!({ "matching": { "anchor": { "username": "username" } } })).await;
    let refused = push(&okta, person("directrice")).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (409, Some("uniqueness")));
    let open = proposals::list(&fed.ctx, &PageRequest::first(50), &proposal::Filter::default()).await.unwrap();
    assert_eq!((open.items.len(), open.items[0].user_id), (1, user.id));
    proposals::accept(&fed.ctx, open.items[0].id).await.unwrap();
    let joined = push(&okta, person("directrice")).await.unwrap();
    assert_eq!(joined.id, user.id.uuid());
    let waiting = held::list(&fed.ctx, "okta", &PageRequest::first(50), &Filter::default()).await.unwrap();
    assert_eq!(waiting.total, 0, "it waits no more");
}

#[tokio::test]
async fn two_resources_of_a_feed_are_not_one_person() {
    let fed = Fed::new().await;
    let okta = feed(&fed.ctx, "okta", &json!({ "matching": { "anchor": { "email": "email" } } })).await;
    push(&okta, person("lea")).await.unwrap();
    let mut twin = person("zoe");
    twin["emails"] = json!([{ "value": "LEA@acad-test.fr" }]);
    let refused = push(&okta, twin).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (409, Some("uniqueness")));
}

#[tokio::test]
async fn a_persons_word_makes_no_two_resources_one_person() {
    let fed = Fed::new().await;
    let new: NewUser = serde_json::from_value(json!({ "username": "directrice", "email": "d@acad-test.fr" })).unwrap();
    let (user, _) = users::create(&fed.ctx, &new).await.unwrap();
    let okta = feed(&fed.ctx, "okta", &json!({ "matching": { "anchor": { "email": "email" } } })).await;
    let called = |name: &str| {
        let mut body = person(name);
        body["emails"] = json!([{ "value": "d@acad-test.fr" }]);
        body
    };
    let mut asked = Vec::new();
    for name in ["d.martin", "m.dupont"] {
        assert_eq!(push(&okta, called(name)).await.unwrap_err().status, 409);
        let open = proposal::Filter { state: Some("open".into()), ..proposal::Filter::default() };
        let open = proposals::list(&fed.ctx, &PageRequest::first(50), &open).await.unwrap();
        proposals::accept(&fed.ctx, open.items[0].id).await.unwrap();
        asked.push(open.items[0].external_id.clone());
    }
    assert_eq!(asked, ["x-d.martin", "x-m.dupont"]);
    let joined = push(&okta, called("d.martin")).await.unwrap();
    assert_eq!(joined.id, user.id.uuid());
    let refused = push(&okta, called("m.dupont")).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (409, Some("uniqueness")));
    assert!(refused.detail.contains("another resource"), "{}", refused.detail);
    let stands = resources::read(&okta, Kind::User, &joined.id.to_string(), With::USUAL).await.unwrap();
    assert_eq!((stands.rev, &stands.resource["userName"]), (1, &json!("d.martin")), "the first is what it was");
    // Once the first is gone, the word holds.
    resources::remove(&okta, Kind::User, &joined.id.to_string(), None).await.unwrap();
    assert_eq!(push(&okta, called("m.dupont")).await.unwrap().id, user.id.uuid());
}

#[tokio::test]
async fn whoever_left_a_feed_is_found_again_by_the_anchor_under_another_name() {
    let fed = Fed::new().await;
    let okta = feed(&fed.ctx, "okta", &json!({ "matching": { "anchor": { "email": "email" } } })).await;
    let first = push(&okta, person("lea")).await.unwrap();
    resources::remove(&okta, Kind::User, &first.id.to_string(), None).await.unwrap();
    let mut back = person("lea.lefevre");
    back["emails"] = json!([{ "value": "LEA@acad-test.fr" }]);
    let back = push(&okta, back).await.unwrap();
    assert_eq!((back.id, &back.resource["userName"]), (first.id, &json!("lea.lefevre")));
    assert_eq!(fed.person("lea.lefevre").await.status, UserStatus::Active);
}

#[tokio::test]
async fn whom_the_same_requests_bring_is_found_too() {
    let fed = Fed::new().await;
    let okta = feed(&fed.ctx, "okta", &json!({ "matching": { "anchor": { "email": "email" } } })).await;
    let known = fed.user(person("zoe")).await.unwrap();
    let group = object(json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "GEA" }));
    let twin = |name: &str, of: &str| {
        let mut body = person(name);
        body["emails"] = json!([{ "value": format!("{of}@acad-test.fr") }]);
        Change::Create { kind: Kind::User, body: object(body) }
    };
    let changes = vec![Change::Create { kind: Kind::Group, body: group }, twin("lea", "lea"), twin("lea2", "LEA"), twin("zoe2", "zoe")];
    let done = resources::carry_all(&okta, changes, With::default()).await;
    let ids: Vec<_> = done.iter().map(|one| if let Ok(Done::Stored(made)) = one { Some(made.id) } else { None }).collect();
    assert!(ids[0].is_some() && ids[1].is_some(), "{done:?}");
    assert_eq!((done[2].as_ref().unwrap_err().status, ids[3]), (409, Some(known.id)));
}
