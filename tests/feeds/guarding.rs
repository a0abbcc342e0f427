//! A feed that takes too much away is held, and nothing of it is lost.

use passerelle::services::context::Context;
use passerelle::services::scim::change::{Stored, With};
use passerelle::services::scim::feeds::Feed;
use passerelle::services::scim::guard::{APPROVED_S, FREE};
use passerelle::services::scim::held;
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::Kind;
use passerelle::store::establishment::scim_feed;
use passerelle::store::establishment::scim_held::{Filter, Held, HeldReason, HeldState};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::{Fed, feed, object, patched, person};

#[tokio::test]
async fn beyond_its_guard_a_feed_waits_for_a_person_and_goes_on_after_their_word() {
    let fed = Fed::new().await;
    let free = usize::try_from(FREE).unwrap();
    let mut made = Vec::new();
    for n in 0..free + 3 {
        made.push(fed.user(person(&format!("p{n}"))).await.unwrap());
    }
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    for one in &made[..free] {
        fed.patch(one, off.clone()).await.unwrap();
    }
    for _ in 0..2 {
        let refused = fed.patch(&made[free], off.clone()).await.unwrap_err();
        assert_eq!((refused.status, refused.retry_after_s), (503, Some(3600)));
    }
    assert_eq!(resources::remove(&fed.feed, Kind::User, &made[free + 1].id.to_string(), None).await.unwrap_err().status, 503);
    assert_eq!(fed.person(&format!("p{free}")).await.status, UserStatus::Active);
    fed.patch(&made[free], json!([{ "op": "replace", "path": "title", "value": "x" }])).await.expect("what takes nothing away goes on");
    let waiting = held::list(&fed.ctx, "entra", &PageRequest::first(50), &Filter::default()).await.unwrap();
    let told: Vec<_> = waiting.items.iter().map(|one| (one.reason, one.operation.as_str(), one.times, one.state)).collect();
    assert_eq!(told, [(HeldReason::Guard, "deactivate", 2, HeldState::Open), (HeldReason::Guard, "delete", 1, HeldState::Open)]);
    held::approve(&fed.ctx, "entra", Some(&[waiting.items[0].id])).await.unwrap();
    fed.patch(&made[free], off.clone()).await.unwrap();
    assert_eq!(fed.person(&format!("p{free}")).await.status, UserStatus::Disabled);
    held::refuse(&fed.ctx, "entra", Some(&[waiting.items[1].id])).await.unwrap();
    assert_eq!(resources::remove(&fed.feed, Kind::User, &made[free + 1].id.to_string(), None).await.unwrap_err().status, 403);
    held::approve(&fed.ctx, "entra", Some(&[waiting.items[1].id])).await.expect("what was refused may be approved after all");
    resources::remove(&fed.feed, Kind::User, &made[free + 1].id.to_string(), None).await.unwrap();
    fed.patch(&made[free + 2], off.clone()).await.unwrap_err();
    assert_eq!(held::approve(&fed.ctx, "entra", None).await.unwrap(), 1);
    fed.patch(&made[free + 2], off).await.unwrap();
}

#[tokio::test]
async fn many_members_at_once_are_held_too() {
    let fed = Fed::new().await;
    let mut made = Vec::new();
    for n in 0..=(10 * FREE) {
        made.push(fed.user(person(&format!("p{n}"))).await.unwrap());
    }
    let group = fed.group("GEA", &made.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(fed.patch(&group, json!([{ "op": "remove", "path": "members" }])).await.unwrap_err().status, 503);
    assert_eq!(resources::remove(&fed.feed, Kind::Group, &group.id.to_string(), None).await.unwrap_err().status, 503);
    let standing = fed.read(Kind::Group, &group.id.to_string()).await.unwrap();
    assert_eq!(standing.resource["members"].as_array().unwrap().len(), made.len());
}

/// A feed that takes one membership a day away without a word.
async fn narrow(fed: &Fed, more: serde_json::Value) -> Feed {
    let mut fields = json!({ "guard": { "memberships": { "max_count": 1, "max_percent": 100.0 } } });
    fields.as_object_mut().unwrap().extend(object(more));
    feed(&fed.ctx, "okta", &fields).await
}

async fn made(feed: &Feed, kind: Kind, body: serde_json::Value) -> Stored {
    resources::create(feed, kind, object(body), With::USUAL).await.unwrap()
}

async fn grouped(feed: &Feed, name: &str, members: &[&Stored]) -> Stored {
    let members: Vec<_> = members.iter().map(|one| json!({ "value": one.id })).collect();
    made(feed, Kind::Group, json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members }))
        .await
}

async fn people(feed: &Feed, names: &[&str]) -> Vec<Stored> {
    let mut all = Vec::new();
    for name in names {
        all.push(made(feed, Kind::User, person(name)).await);
    }
    all
}

async fn waiting(fed: &Fed) -> Vec<Held> {
    held::list(&fed.ctx, "okta", &PageRequest::first(50), &Filter::default()).await.unwrap().items
}

#[tokio::test]
async fn a_persons_word_is_about_what_they_were_shown() {
    let fed = Fed::new().await;
    let okta = narrow(&fed, json!({})).await;
    let all = people(&okta, &["a", "b", "c", "d"]).await;
    let group = grouped(&okta, "GEA", &all.iter().collect::<Vec<_>>()).await;
    let remove = |some: &[Stored]| json!([{ "op": "remove", "path": "members", "value": some.iter().map(|one| json!({ "value": one.id })).collect::<Vec<_>>() }]);
    assert_eq!(patched(&okta, &group, remove(&all[..2])).await.unwrap_err().status, 503);
    let shown = waiting(&fed).await.remove(0);
    assert_eq!((shown.operation.as_str(), &shown.detail["memberships"]), ("remove_members", &json!(2)));
    held::approve(&fed.ctx, "okta", Some(&[shown.id])).await.unwrap();
    // More than that is another request, and their word of the first is none of the second.
    assert_eq!(patched(&okta, &group, remove(&all)).await.unwrap_err().status, 503);
    let more = waiting(&fed).await.remove(0);
    assert_eq!((more.state, more.times, &more.detail["memberships"]), (HeldState::Open, 2, &json!(4)));
    assert!(held::approve(&fed.ctx, "okta", Some(&[shown.id])).await.unwrap_err().to_string().contains("held request"));
    held::approve(&fed.ctx, "okta", Some(&[more.id])).await.unwrap();
    patched(&okta, &group, remove(&all[1..])).await.expect("less than was shown passes");
    assert_eq!(waiting(&fed).await, []);
    assert_eq!(patched(&okta, &group, remove(&all)).await.unwrap_err().status, 503, "a word is good for one request");
}

#[tokio::test]
async fn a_persons_word_is_good_for_a_day() {
    let fed = Fed::new().await;
    let okta = narrow(&fed, json!({})).await;
    let all = people(&okta, &["a", "b"]).await;
    let group = grouped(&okta, "GEA", &all.iter().collect::<Vec<_>>()).await;
    let clear = json!([{ "op": "remove", "path": "members" }]);
    patched(&okta, &group, clear.clone()).await.unwrap_err();
    let shown = waiting(&fed).await.remove(0);
    held::approve(&fed.ctx, "okta", Some(&[shown.id])).await.unwrap();
    let at = |s: i64| Feed { ctx: Context { now: fed.ctx.now.plus_s(s), ..okta.ctx.clone() }, ..okta.clone() };
    assert_eq!(patched(&at(APPROVED_S + 1), &group, clear.clone()).await.unwrap_err().status, 503);
    let again = waiting(&fed).await.remove(0);
    assert_eq!((again.id, again.state, again.decided_by), (shown.id, HeldState::Open, None));
    held::refuse(&fed.ctx, "okta", Some(&[again.id])).await.unwrap();
    assert_eq!(patched(&okta, &group, clear.clone()).await.unwrap_err().status, 403);
    held::approve(&fed.ctx, "okta", Some(&[again.id])).await.unwrap();
    patched(&at(APPROVED_S), &group, clear).await.unwrap();
}

#[tokio::test]
async fn whoever_leaves_takes_their_memberships_along_whether_they_could_sign_in_or_not() {
    let fed = Fed::new().await;
    let lea = fed.user(person("lea")).await.unwrap();
    let okta = narrow(&fed, json!({ "matching": { "anchor": { "username": "username" } } })).await;
    let all = people(&okta, &["lea", "zoe", "max"]).await;
    assert_eq!(all[0].id, lea.id);
    for name in ["GEA", "TP1"] {
        grouped(&okta, name, &[&all[0], &all[1]]).await;
    }
    patched(&okta, &all[1], json!([{ "op": "replace", "path": "active", "value": false }])).await.unwrap();
    for (one, why) in [(&all[0], "another source states her too"), (&all[1], "she is disabled already")] {
        assert_eq!(resources::remove(&okta, Kind::User, &one.id.to_string(), None).await.unwrap_err().status, 503, "{why}");
    }
    assert_eq!(waiting(&fed).await.iter().map(|one| &one.detail["memberships"]).collect::<Vec<_>>(), [&json!(2), &json!(2)]);
    resources::remove(&okta, Kind::User, &all[2].id.to_string(), None).await.expect("who is in no group takes nothing along");
    held::approve(&fed.ctx, "okta", None).await.unwrap();
    resources::remove(&okta, Kind::User, &lea.id.to_string(), None).await.unwrap();
    assert_eq!(fed.person("lea").await.status, UserStatus::Active);
}

#[tokio::test]
async fn a_group_within_a_group_and_a_groups_name_count_everyone_inside() {
    let fed = Fed::new().await;
    let okta = narrow(&fed, json!({})).await;
    let all = people(&okta, &["a", "b", "c"]).await;
    let (inner, small) = (grouped(&okta, "TP1", &all.iter().collect::<Vec<_>>()).await, grouped(&okta, "TP2", &[&all[0]]).await);
    let outer = grouped(&okta, "GEA", &[&inner]).await;
    let out = |id: uuid::Uuid| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);
    let called = |name: &str| json!([{ "op": "replace", "path": "displayName", "value": name }]);
    assert_eq!(patched(&okta, &outer, out(inner.id)).await.unwrap_err().status, 503);
    assert_eq!(patched(&okta, &outer, json!([{ "op": "replace", "path": "members", "value": [] }])).await.unwrap_err().status, 503);
    assert_eq!(patched(&okta, &inner, called("TP 1")).await.unwrap_err().status, 503);
    assert_eq!(patched(&okta, &outer, called("GEA 1")).await.unwrap_err().status, 503);
    assert_eq!(resources::remove(&okta, Kind::Group, &outer.id.to_string(), None).await.unwrap_err().status, 503);
    let told = waiting(&fed).await;
    let told: Vec<_> = told.iter().map(|one| (one.operation.as_str(), one.name.as_str(), one.detail["memberships"].as_u64())).collect();
    let three = Some(3);
    assert_eq!(told, [("remove_members", "GEA", three), ("rename", "TP1", three), ("rename", "GEA", three), ("delete", "GEA", three)]);
    patched(&okta, &small, called("TP 2")).await.expect("one membership passes");
    let taken = scim_feed::taken_since(&mut fed.ctx.store.read().await.unwrap(), okta.source.id, fed.ctx.now).await.unwrap();
    assert_eq!((taken.groups, taken.memberships), (0, 1));
    held::approve(&fed.ctx, "okta", None).await.unwrap();
    let renamed = patched(&okta, &inner, called("TP 1")).await.unwrap();
    assert_eq!(renamed.resource["members"].as_array().unwrap().len(), 3);
    let left = patched(&okta, &outer, out(inner.id)).await.unwrap();
    assert_eq!(left.resource.get("members"), None);
    let taken = scim_feed::taken_since(&mut fed.ctx.store.read().await.unwrap(), okta.source.id, fed.ctx.now).await.unwrap();
    assert_eq!(taken.memberships, 7);
}
