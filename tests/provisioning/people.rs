//! Who is written, as what, and what becomes of whoever loses their role.

use axum::http::Method;
use passerelle::services::roles::assignments;
use passerelle::services::{audit, users};
use passerelle::store::establishment::audit_event;
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::Written;
use crate::roles::assigning::new;

#[tokio::test]
async fn whoever_holds_a_role_is_created_and_nobody_else() {
    let written = Written::new(&["anne", "bob", "zoe"], &["anne"], &["anne", "bob"], json!({})).await;
    assert_eq!(written.named(), ["anne", "bob"]);
    let anne = written.service.user("anne");
    assert_eq!(anne["externalId"], written.school.people["anne"].to_string());
    assert_eq!(anne["emails"], json!([{ "value": "anne@univ-test.fr", "type": "work", "primary": true }]));
    assert_eq!(anne["roles"], json!([{ "value": "chef" }, { "value": "membre" }]));
    let shown = written.shown().await;
    assert_eq!(shown.queue.users.get("done"), Some(&2));
    assert!(shown.state.written_at.is_some() && shown.state.abilities.unwrap().patch);
    let filter = audit_event::Filter { action: Some("provisioning.written".to_owned()), ..audit_event::Filter::default() };
    let events = audit::list(written.ctx(), &PageRequest::first(10), &filter).await.unwrap().items;
    assert_eq!(events.iter().map(|event| &event.detail["written"]).collect::<Vec<_>>(), [&json!({ "create": 2 })]);
}

#[tokio::test]
async fn what_changes_of_someone_is_changed_there_and_nothing_else() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({})).await;
    written.service.take_asked();
    written.school.change("anne", |anne| anne.family_name = Some("École-Jean".to_owned())).await;
    written.work().await;
    let asked = written.service.take_asked();
    let changes: Vec<&Value> = asked.iter().filter(|one| one.method == Method::PATCH).map(|one| &one.body["Operations"]).collect();
    assert_eq!(changes, [&json!([{ "op": "replace", "path": "name.familyName", "value": "École-Jean" }])]);
    assert!(asked.iter().all(|one| !one.path.contains(written.service.user("bob")["id"].as_str().unwrap())), "{asked:?}");
    written.school.change("anne", |anne| anne.locale = None).await;
    written.work().await;
    assert!(written.service.take_asked().is_empty(), "nothing of what is written changed");
}

#[tokio::test]
async fn whoever_loses_the_last_role_is_made_inactive_and_comes_back_as_they_were() {
    let written = Written::new(&["anne", "bob"], &["anne"], &["anne", "bob"], json!({})).await;
    let id = written.service.user("anne")["id"].clone();
    written.school.put("anne", "chefs", false).await;
    written.work().await;
    assert_eq!(written.named(), ["anne", "bob"], "one role is left");
    written.school.put("anne", "membres", false).await;
    written.work().await;
    assert_eq!(written.named(), ["-anne", "bob"]);
    assert_eq!(written.service.user("anne").get("roles"), None);
    written.school.put("anne", "chefs", true).await;
    written.work().await;
    assert_eq!(written.named(), ["anne", "bob"]);
    assert_eq!(written.service.user("anne")["id"], id);
}

#[tokio::test]
async fn whoever_loses_the_last_role_is_deleted_where_that_is_said_and_only_some_roles_count() {
    let written = Written::new(&["anne", "bob"], &["anne"], &["anne", "bob"], json!({ "on_loss": "delete", "roles": ["chef"] })).await;
    assert_eq!(written.named(), ["anne"]);
    written.school.put("anne", "chefs", false).await;
    written.work().await;
    assert_eq!(written.named(), [""; 0]);
    assert!(written.queue("done").await.is_empty(), "nothing is left of her");
    written.school.put("anne", "chefs", true).await;
    written.work().await;
    assert_eq!(written.named(), ["anne"]);
}

#[tokio::test]
async fn whoever_is_disabled_erased_or_removed_disappears_by_the_same_rule() {
    let written = Written::new(&["anne", "bob", "chloe"], &[], &["anne", "bob", "chloe"], json!({})).await;
    users::disable(written.ctx(), written.school.people["anne"]).await.unwrap();
    written.work().await;
    assert_eq!(written.named(), ["-anne", "bob", "chloe"]);
    users::delete(written.ctx(), written.school.people["bob"]).await.unwrap();
    written.work().await;
    let named = written.named();
    assert_eq!(named.len(), 3);
    assert!(!named.iter().any(|name| name.contains("bob")) && named.contains(&"chloe".to_owned()), "{named:?}");
    let gone = written.service.inner().users.values().find(|user| user["userName"].as_str().unwrap().starts_with("removed-")).cloned();
    let gone = gone.unwrap();
    assert_eq!((&gone["active"], gone.get("emails"), gone.get("displayName"), gone.get("externalId")), (&json!(false), None, None, None));
}

#[tokio::test]
async fn time_alone_takes_a_role_away_there_too() {
    let mut written = Written::new(&["anne"], &[], &[], json!({})).await;
    assert!(written.named().is_empty());
    let until = written.ctx().now.plus_s(3600);
    let given = assignments::NewAssignment { valid_until: Some(until), ..new(written.school.people["anne"], "wiki", "chef") };
    assignments::add(written.ctx(), &given).await.unwrap();
    written.work().await;
    assert_eq!(written.named(), ["anne"]);
    written.later(3700).await;
    written.work().await;
    assert_eq!(written.named(), ["-anne"]);
}

#[tokio::test]
async fn a_declared_mapping_is_written_and_a_new_one_rewrites_everybody() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let mapping = json!({ "userName": "{username}@univ-test.fr", (format!("{ENTERPRISE}:department")): "{home_unit}" });
    let written = Written::new(&["anne"], &[], &["anne"], json!({ "mapping": mapping })).await;
    assert_eq!(written.named(), ["anne@univ-test.fr"]);
    written.school.change("anne", |anne| anne.home_unit = Some("rt".to_owned())).await;
    written.work().await;
    assert_eq!(written.service.user("anne@univ-test.fr")[ENTERPRISE]["department"], "rt");
    written.edit(json!({ "mapping": { "userName": "{username}", "title": "Mme ou M. {username}" } })).await;
    assert_eq!(written.service.user("anne")["title"], "Mme ou M. anne");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let written = Written::new(&["anne", "bob"], &[], &["anne"], json!({ "dry_run": true })).await;
    assert!(written.service.people().is_empty() && written.service.take_asked().is_empty());
    let waiting: Vec<Value> = written.queue("waiting").await.iter().map(|row| json!([row.name, row.action])).collect();
    assert_eq!(waiting, [json!(["anne", "create"])]);
    written.edit(json!({ "dry_run": false })).await;
    assert_eq!(written.named(), ["anne"]);
}

#[tokio::test]
async fn a_service_without_patch_has_the_whole_put_and_keeps_what_is_its_own() {
    let (test, service) =
        (crate::harness::gateway::TestGateway::start().await, crate::harness::scim_service::ScimService::without_patch().await);
    let id = service.add("ANNE");
    service.inner().users.get_mut(&id).unwrap()["nickName"] = json!("Nana");
    let written = Written::over(test, service, (&["anne"], &[], &["anne"]), json!({ "adopt": "name" })).await;
    let anne = written.service.inner().users[&id].clone();
    assert_eq!((&anne["nickName"], &anne["displayName"]), (&json!("Nana"), &json!("anne")), "taken over, not created twice");
    assert_eq!(written.service.people().len(), 1);
    written.school.put("anne", "membres", false).await;
    written.work().await;
    assert_eq!(written.service.inner().users[&id]["active"], false);
}
