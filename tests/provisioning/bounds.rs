//! Bounds: how much is taken away in a day, for how long an approval holds, and where a gateway that stops leaves off.

use passerelle::services::provisioning;
use passerelle::services::users;
use serde_json::json;

use super::Written;

async fn thirty() -> (Written, Vec<String>) {
    let names: Vec<String> = (0..30).map(|n| format!("p{n:02}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    (Written::new(&people, &[], &people, json!({})).await, names)
}

fn inactive(written: &Written) -> usize {
    written.service.people().iter().filter(|(_, active)| !active).count()
}

#[tokio::test]
async fn many_small_losses_of_a_day_count_together() {
    let (mut written, names) = thirty().await;
    for (at, name) in names.iter().take(11).enumerate() {
        written.school.put(name, "membres", false).await;
        written.work().await;
        assert_eq!(inactive(&written), (at + 1).min(10));
    }
    assert_eq!(written.queue("held").await.len(), 1);
    // Coming back and going again does not begin anew.
    written.school.put(&names[0], "membres", true).await;
    written.work().await;
    written.school.put(&names[0], "membres", false).await;
    written.work().await;
    assert_eq!((inactive(&written), written.queue("held").await.len()), (9, 2));
    provisioning::approve(written.ctx(), "wiki", 2).await.unwrap();
    written.later(1).await;
    assert_eq!(inactive(&written), 11);
    // A day later there is room again.
    written.later(26 * 3600).await;
    written.school.put(&names[11], "membres", false).await;
    written.work().await;
    assert_eq!(inactive(&written), 12);
}

#[tokio::test]
async fn an_approval_holds_for_a_day() {
    let (mut written, names) = thirty().await;
    for name in names.iter().take(12) {
        written.school.put(name, "membres", false).await;
    }
    written.work().await;
    written.service.change_token("un-autre");
    assert_eq!(provisioning::approve(written.ctx(), "wiki", 12).await.unwrap(), 12);
    written.later(1).await;
    assert!(written.shown().await.state.paused.is_some());
    // Nobody sees to it for more than a day: what was meant then is asked anew.
    written.later(25 * 3600).await;
    written.service.change_token(crate::harness::scim_service::TOKEN);
    provisioning::check(written.ctx(), "wiki").await.unwrap();
    written.work().await;
    assert_eq!((inactive(&written), written.queue("held").await.len()), (0, 12));
}

#[tokio::test]
async fn a_gateway_that_stops_leaves_the_rest_to_another() {
    let written = Written::new(&["anne", "bob"], &[], &["anne"], json!({})).await;
    written.school.put("bob", "membres", true).await;
    provisioning::reconcile(written.ctx(), "wiki", true).await.unwrap();
    written.service.take_asked();
    written.school.test.gateway.node.stop();
    let id = provisioning::get(written.ctx(), "wiki").await.unwrap().id.to_string();
    provisioning::round(written.ctx(), "").await.unwrap();
    let again = provisioning::round(written.ctx(), &id).await.unwrap();
    assert_eq!(again, Some(written.ctx().now));
    assert!(written.service.take_asked().is_empty());
    assert_eq!(written.queue("waiting").await.len(), 1);
    // A comparison too, which is asked for as before.
    written.edit(json!({ "dry_run": true })).await;
    let again = provisioning::round(written.ctx(), &id).await.unwrap();
    let asked = written.service.take_asked();
    assert!(again.is_some() && asked.iter().all(|one| one.path.ends_with("/ServiceProviderConfig")), "{asked:?}");
    assert!(written.shown().await.state.asked.is_some());
}

#[tokio::test]
async fn the_name_of_whoever_is_removed_is_wiped_where_nothing_is_written() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({ "groups": "roles" })).await;
    written.service.inner().groups.clear();
    let bob = written.service.user("bob")["id"].as_str().unwrap().to_owned();
    written.service.inner().users.remove(&bob);
    assert_eq!(written.compared(false).await.len(), 2);
    written.edit(json!({ "enabled": false })).await;
    users::delete(written.ctx(), written.school.people["bob"]).await.unwrap();
    let queued = serde_json::to_string(&written.queue("done").await).unwrap();
    assert!(queued.contains("anne") && !queued.contains("bob"), "{queued}");
    let drifts = written.drift().await;
    assert_eq!(drifts.iter().map(|drift| drift.name.as_str()).collect::<Vec<_>>(), ["membre"], "{drifts:?}");
    // Written to again, what is left of him there goes by its identifier.
    written.edit(json!({ "enabled": true })).await;
    assert!(written.queue("done").await.iter().all(|row| row.name != "bob"));
}
