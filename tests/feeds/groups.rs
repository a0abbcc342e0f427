//! Groups of a feed and their members.

use passerelle::services::groups;
use passerelle::services::scim::change::{Stored, With};
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::Kind;
use passerelle::store::establishment::group::{self, Filter};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{Fed, feed, object, person, word};

async fn three(fed: &Fed) -> [Stored; 3] {
    [fed.user(person("a")).await.unwrap(), fed.user(person("b")).await.unwrap(), fed.user(person("c")).await.unwrap()]
}

fn names(group: &Stored) -> Vec<&str> {
    let mut names: Vec<&str> = group.resource["members"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

async fn count(fed: &Fed) -> i64 {
    let page = groups::list(&fed.ctx, &PageRequest::first(50), &Filter::default()).await.unwrap();
    page.items.iter().find(|group| group.name == "GEA").unwrap().member_count
}

#[tokio::test]
async fn members_come_and_go_in_every_form_and_are_counted() {
    let fed = Fed::new().await;
    let [a, b, c] = three(&fed).await;
    let group = fed.group("GEA", &[&a, &a]).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (1, 1));
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": b.id }, { "value": c.id }, { "value": a.id }] }]);
    let group = fed.patch(&group, add.clone()).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (3, 3));
    fed.patch(&group, add).await.unwrap();
    assert_eq!(count(&fed).await, 3, "again is once");
    let group = fed.patch(&group, json!([{ "op": "Remove", "path": "members", "value": [{ "value": b.id }] }])).await.unwrap();
    let group = fed.patch(&group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", c.id) }])).await.unwrap();
    let group = fed.patch(&group, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", c.id) }])).await.unwrap();
    assert_eq!((names(&group), count(&fed).await), (vec![a.id.to_string().as_str()], 1));
    let group =
        fed.patch(&group, json!([{ "op": "replace", "path": "members", "value": [{ "value": b.id }, { "value": c.id }] }])).await.unwrap();
    assert_eq!((names(&group).len(), count(&fed).await), (2, 2));
    let shown = fed.read(Kind::User, &b.id.to_string()).await.unwrap();
    assert_eq!(shown.resource["groups"][0]["display"], "GEA");
    let group = fed.patch(&group, json!([{ "op": "remove", "path": "members" }])).await.unwrap();
    assert_eq!((group.resource.get("members"), count(&fed).await), (None, 0));
}

#[tokio::test]
async fn whoever_the_feed_does_not_have_is_passed_over_and_a_group_is_not_in_itself() {
    let fed = Fed::new().await;
    let other = feed(&fed.ctx, "okta", &json!({})).await;
    let stranger = resources::create(&other, Kind::User, object(person("z")), With::USUAL).await.unwrap();
    let group = fed.group("GEA", &[]).await.unwrap();
    let add = |id: String| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    for id in [stranger.id.to_string(), "nobody".to_owned()] {
        let same = fed.patch(&group, add(id.clone())).await.unwrap();
        assert_eq!((same.resource.get("members"), count(&fed).await), (None, 0), "{id}");
    }
    let refused = fed.patch(&group, add(group.id.to_string())).await.unwrap_err();
    assert_eq!((refused.status, word(&refused)), (400, Some("invalidValue")));
    assert_eq!(fed.group("gea", &[]).await.unwrap_err().status, 409, "one name, one group");
}

#[tokio::test]
async fn groups_hold_groups_and_go_with_their_memberships() {
    let fed = Fed::new().await;
    let [a, b, _] = three(&fed).await;
    let inner = fed.group("TP1", &[&a]).await.unwrap();
    let outer = fed.group("GEA", &[&inner, &b]).await.unwrap();
    let kinds: Vec<&Value> = outer.resource["members"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!((kinds, count(&fed).await), (vec![&json!("User"), &json!("Group")], 2));
    let effective = group::effective_names_of_user(&mut fed.ctx.store.read().await.unwrap(), a.id.into()).await.unwrap();
    assert_eq!(effective, ["GEA", "TP1"]);
    resources::remove(&fed.feed, Kind::Group, &inner.id.to_string(), None).await.unwrap();
    assert_eq!(count(&fed).await, 1);
    assert_eq!(fed.read(Kind::Group, &inner.id.to_string()).await.unwrap_err().status, 404);
    let renamed = fed.patch(&outer, json!([{ "op": "Replace", "value": { "displayName": "GEA 2", "id": outer.id } }])).await;
    assert_eq!(renamed.unwrap().resource["displayName"], "GEA 2");
    let effective = group::effective_names_of_user(&mut fed.ctx.store.read().await.unwrap(), b.id.into()).await.unwrap();
    assert_eq!(effective, ["GEA 2"]);
}

#[tokio::test]
async fn a_group_that_is_called_like_a_directorys_entry_is_refused() {
    let fed = Fed::new().await;
    for name in ["cn=direction,ou=groups,dc=lycee,dc=fr", "CN=Direction, OU=Groups", "cn=direction"] {
        let refused = fed.group(name, &[]).await.unwrap_err();
        assert_eq!(refused.status, 400, "{name}");
        assert!(refused.detail.contains("plain name"), "{}", refused.detail);
    }
    let plain = fed.group("Direction", &[]).await.unwrap();
    let renamed = json!([{ "op": "replace", "path": "displayName", "value": "cn=direction,dc=lycee" }]);
    assert_eq!(fed.patch(&plain, renamed).await.unwrap_err().status, 400);
}
