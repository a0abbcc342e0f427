//! A feed that takes too much away is held, and nothing of it is lost.

use passerelle::services::scim::guard::FREE;
use passerelle::services::scim::held;
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::Kind;
use passerelle::store::establishment::scim_held::{Filter, HeldReason, HeldState};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::{Fed, person};

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
