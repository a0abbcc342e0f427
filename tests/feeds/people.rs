//! People of a feed: made, changed, gone, back.

use passerelle::services::roles::{self, RuleFields};
use passerelle::services::scim::change::{Change, Done, With};
use passerelle::services::scim::resources::{self, Asked};
use passerelle::services::scim::schema::Kind;
use passerelle::services::{applications, audit};
use passerelle::store::establishment::audit_event::Filter;
use passerelle::store::establishment::user::{DisabledBy, UserStatus};
use passerelle::store::establishment::{assignment, link};
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{Fed, feed, object, person, word};

#[tokio::test]
async fn someone_pushed_is_a_person_with_what_the_feed_says() {
    let fed = Fed::new().await;
    let made = fed.user(person("École-Jean")).await.unwrap();
    assert_eq!(made.resource["meta"]["version"], "W/\"1\"");
    assert_eq!(made.resource["meta"]["location"], format!("{}/scim/v2/Users/{}", fed.ctx.issuer(), made.id));
    let user = fed.person("école-jean").await;
    assert_eq!((user.id.uuid(), user.status, user.email.as_deref()), (made.id, UserStatus::Active, Some("École-Jean@acad-test.fr")));
    assert_eq!((user.given_name.as_deref(), user.display_name.as_str()), (Some("Élodie"), "Élodie Lefèvre"));
    let links = link::list_of_user(&mut fed.ctx.store.read().await.unwrap(), user.id).await.unwrap();
    assert_eq!((links[0].source.as_str(), links[0].external_id.clone(), links[0].present), ("entra", user.id.to_string(), true));
    let read = fed.read(Kind::User, &made.id.to_string()).await.unwrap();
    assert_eq!(read, made);
    let listed = fed.list(Kind::User, &Asked::default()).await.unwrap();
    assert_eq!((listed.total, listed.resources.len()), (1, 1));
    let trail =
        audit::list(&fed.ctx, &PageRequest::first(50), &Filter { action: Some("user.stated".into()), ..Filter::default() }).await.unwrap();
    assert_eq!(trail.items[0].actor, "source:entra");
}

#[tokio::test]
async fn someone_switched_off_is_disabled_at_once_and_readable_still() {
    let fed = Fed::new().await;
    let made = fed.user(person("lea")).await.unwrap();
    let off = fed.patch(&made, json!([{ "op": "Replace", "path": "active", "value": "False" }])).await.unwrap();
    assert_eq!((off.resource["active"].clone(), off.rev), (json!(false), 2));
    let user = fed.person("lea").await;
    assert_eq!((user.status, user.disabled_by), (UserStatus::Disabled, Some(DisabledBy::Source)));
    let on = fed.patch(&off, json!([{ "op": "replace", "value": { "active": true, "name.familyName": "Martin" } }])).await.unwrap();
    assert_eq!(on.resource["name"]["familyName"], "Martin");
    let user = fed.person("lea").await;
    assert_eq!((user.status, user.family_name.as_deref()), (UserStatus::Active, Some("Martin")));
    let same = fed.patch(&on, json!([{ "op": "replace", "path": "active", "value": true }])).await.unwrap();
    assert_eq!(same.rev, on.rev, "what changes nothing is no revision");
}

#[tokio::test]
async fn someone_taken_away_is_kept_and_is_the_same_person_when_back() {
    let fed = Fed::new().await;
    let made = fed.user(person("lea")).await.unwrap();
    let group = fed.group("GEA", &[&made]).await.unwrap();
    resources::remove(&fed.feed, Kind::User, &made.id.to_string(), None).await.unwrap();
    assert_eq!(fed.read(Kind::User, &made.id.to_string()).await.unwrap_err().status, 404);
    assert_eq!(resources::remove(&fed.feed, Kind::User, &made.id.to_string(), None).await.unwrap_err().status, 404);
    assert_eq!(fed.list(Kind::User, &Asked::default()).await.unwrap().total, 0);
    let user = fed.person("lea").await;
    assert_eq!((user.status, user.disabled_by), (UserStatus::Disabled, Some(DisabledBy::Source)));
    let group = fed.read(Kind::Group, &group.id.to_string()).await.unwrap();
    assert_eq!((group.resource.get("members"), group.rev), (None, 2));
    let links = link::list_of_user(&mut fed.ctx.store.read().await.unwrap(), user.id).await.unwrap();
    assert!(!links[0].present && links[0].left_at.is_some(), "the leaving policy counts from now");
    let back = fed.user(person("LEA")).await.unwrap();
    assert_eq!((back.id, back.resource["userName"].clone()), (made.id, json!("LEA")));
    assert_eq!(fed.person("lea").await.status, UserStatus::Active);
    resources::remove(&fed.feed, Kind::User, &made.id.to_string(), None).await.unwrap();
    let mut renamed = person("lea.martin");
    renamed["externalId"] = json!("x-LEA");
    assert_eq!(fed.user(renamed).await.unwrap().id, made.id, "known by the feed's own key under another name");
}

#[tokio::test]
async fn a_user_name_is_one_persons_however_many_ask_at_once() {
    let fed = Fed::new().await;
    let outcomes = futures::future::join_all((0..64).map(|n| {
        let mut body = person(if n % 2 == 0 { "lea" } else { "LÉA" });
        body["externalId"] = json!(n.to_string());
        body["userName"] = json!(if n % 2 == 0 { "lea" } else { "Lea" });
        fed.user(body)
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert!(refused.iter().all(|error| error.status == 409 && word(error) == Some("uniqueness")), "{refused:?}");
    let other = fed
        .user(json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "other", "externalId": "new" }))
        .await
        .unwrap();
    let taken = fed.patch(&other, json!([{ "op": "replace", "path": "userName", "value": "LEA" }])).await.unwrap_err();
    assert_eq!((taken.status, word(&taken)), (409, Some("uniqueness")));
}

#[tokio::test]
async fn another_revision_is_refused() {
    let fed = Fed::new().await;
    let made = fed.user(person("lea")).await.unwrap();
    let id = made.id.to_string();
    fed.patch(&made, json!([{ "op": "add", "path": "title", "value": "Maître" }])).await.unwrap();
    let body = object(person("lea"));
    assert_eq!(resources::replace(&fed.feed, Kind::User, &id, body.clone(), Some(1), With::USUAL).await.unwrap_err().status, 412);
    assert_eq!(resources::remove(&fed.feed, Kind::User, &id, Some(1)).await.unwrap_err().status, 412);
    let replaced = resources::replace(&fed.feed, Kind::User, &id, body, Some(2), With::USUAL).await.unwrap();
    assert_eq!((replaced.rev, replaced.resource.get("title")), (3, None), "what is not said is gone");
}

#[tokio::test]
async fn one_feed_sees_nothing_of_another() {
    let fed = Fed::new().await;
    let made = fed.user(person("lea")).await.unwrap();
    let other = feed(&fed.ctx, "okta", &json!({})).await;
    let id = made.id.to_string();
    assert_eq!(resources::read(&other, Kind::User, &id, With::USUAL).await.unwrap_err().status, 404);
    assert_eq!(resources::remove(&other, Kind::User, &id, None).await.unwrap_err().status, 404);
    assert_eq!(resources::list(&other, Kind::User, &Asked::default()).await.unwrap().total, 0);
    let taken = resources::create(&other, Kind::User, object(person("lea")), With::USUAL).await.unwrap_err();
    assert_eq!((taken.status, word(&taken)), (409, Some("uniqueness")));
    let same_key = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "zoe", "externalId": "x-lea" });
    resources::create(&other, Kind::User, object(same_key), With::USUAL).await.expect("an external id is its feed's own");
}

#[tokio::test]
async fn roles_follow_what_the_feed_says() {
    let fed = Fed::new().await;
    applications::create(&fed.ctx, &applications::shipped_of("scodoc").unwrap()).await.unwrap();
    let rule: RuleFields = serde_json::from_value(json!({
        "application": "scodoc", "role": "Ens", "scope": "RT", "when": [{ "attribute": "title", "matches": "enseignant" }]
    }))
    .unwrap();
    roles::rules::create(&fed.ctx, &rule).await.unwrap();
    let mut body = person("lea");
    body["title"] = json!("enseignant");
    let made = fed.user(body).await.unwrap();
    let held = async || {
        let mut tx = fed.ctx.store.read().await.unwrap();
        assignment::list_of_user(&mut tx, UserId::from(made.id)).await.unwrap().len()
    };
    assert_eq!(held().await, 1);
    let with = With { assignments: true, ..With::USUAL };
    let shown = resources::read(&fed.feed, Kind::User, &made.id.to_string(), with).await.unwrap();
    let own = &shown.resource["urn:passerelle:params:scim:schemas:extension:1.0:User"]["assignments"];
    assert_eq!(own[0]["application"], "scodoc");
    fed.patch(&made, json!([{ "op": "remove", "path": "title" }])).await.unwrap();
    assert_eq!(held().await, 0);
    fed.patch(&made, json!([{ "op": "add", "path": "title", "value": "enseignant" }])).await.unwrap();
    fed.patch(&made, json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
    assert_eq!(held().await, 0);
}

#[tokio::test]
async fn several_changes_are_each_done_or_refused_by_themselves() {
    let fed = Fed::new().await;
    let create = |name: &str| {
        let mut body = person("x");
        body["userName"] = json!(name);
        body["externalId"] = Value::Null;
        Change::Create { kind: Kind::User, body: object(body) }
    };
    let changes = vec![create("a"), create("A"), create("with space"), create("b")];
    let outcomes = resources::carry_all(&fed.feed, changes, With::USUAL).await;
    let told: Vec<u16> = outcomes.iter().map(|one| one.as_ref().map_or_else(|error| error.status, |_| 200)).collect();
    assert_eq!(told, [200, 409, 400, 200]);
    assert!(matches!(&outcomes[3], Ok(Done::Stored(stored)) if stored.resource["userName"] == "b"));
    assert_eq!(fed.list(Kind::User, &Asked::default()).await.unwrap().total, 2);
}
