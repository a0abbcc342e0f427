//! What stands there before anything is written: whose it is, and what becomes of it.

use axum::http::Method;
use passerelle::services::provisioning;
use serde_json::{Value, json};

use super::Written;
use crate::harness::gateway::TestGateway;
use crate::harness::scim_service::{Fault, ScimService};

/// An account and a group that somebody made there.
async fn inhabited() -> (ScimService, String) {
    let service = ScimService::start().await;
    let id = service.add("racine");
    service.inner().users.get_mut(&id).unwrap()["displayName"] = json!("Le vrai");
    let members = json!([{ "value": id }]);
    service.inner().groups.insert("g".to_owned(), json!({ "id": "g", "displayName": "membre", "members": members }));
    (service, id)
}

async fn with_racine(service: ScimService, more: Value) -> Written {
    Written::over(TestGateway::start().await, service, (&["racine", "bob"], &[], &["racine", "bob"]), more).await
}

#[tokio::test]
async fn an_account_and_a_group_of_the_same_name_are_left_alone_until_somebody_says_whose_they_are() {
    let (service, id) = inhabited().await;
    let mut written = with_racine(service, json!({ "groups": "roles", "on_loss": "delete" })).await;
    let failed = written.queue("failed").await;
    let told: Vec<&str> = failed.iter().map(|row| row.error.as_deref().unwrap()).collect();
    assert_eq!(failed.len(), 2, "{told:?}");
    let key = written.school.people["racine"].to_string();
    assert!(told[0].contains("«racine»") && told[0].contains(&key) && told[0].contains("`adopt`"), "{told:?}");
    assert!(told[1].contains("a group of the name «membre»") && told[1].contains("«role:membre»"), "{told:?}");
    assert_eq!(written.service.inner().users[&id], json!({ "id": id, "userName": "racine", "displayName": "Le vrai", "active": true }));
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["racine".to_owned()])]);
    // Whoever is told apart there by the key of somebody here is theirs, whatever its name.
    written.service.inner().users.get_mut(&id).unwrap()["externalId"] = json!(key);
    written.service.inner().users.get_mut(&id).unwrap()["userName"] = json!("root");
    written.service.inner().groups.get_mut("g").unwrap()["externalId"] = json!("role:membre");
    written.later(3600).await;
    assert_eq!(written.service.user("racine")["id"], json!(id));
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["bob".to_owned(), "racine".to_owned()])]);
    assert!(written.queue("failed").await.is_empty());
}

#[tokio::test]
async fn a_key_in_another_letter_case_is_another_key() {
    let service = ScimService::start().await;
    let id = service.add("anne");
    let more = json!({ "mapping": { "userName": "{username}", "externalId": "Clé-{username}" } });
    service.inner().users.get_mut(&id).unwrap()["externalId"] = json!("CLÉ-anne");
    let written = Written::over(TestGateway::start().await, service, (&["anne"], &[], &["anne"]), more).await;
    assert!(written.queue("failed").await[0].error.as_deref().unwrap().contains("was not made here"));
    assert_eq!(written.service.user("anne")["externalId"], "CLÉ-anne");
}

#[tokio::test]
async fn what_is_taken_over_by_its_name_is_never_deleted() {
    let (service, id) = inhabited().await;
    let written = with_racine(service, json!({ "groups": "roles", "on_loss": "delete", "adopt": "name" })).await;
    assert_eq!(written.service.people().len(), 2);
    assert_eq!(written.service.user("racine")["displayName"], "racine");
    let stranger = written.service.add("inconnu");
    written.service.inner().groups.get_mut("g").unwrap()["members"].as_array_mut().unwrap().push(json!({ "value": stranger }));
    let adopted: Vec<(String, bool)> = written.queue("done").await.into_iter().map(|row| (row.name, row.adopted)).collect();
    for (name, by_name) in [("racine", true), ("bob", false), ("membre", true)] {
        assert!(adopted.contains(&(name.to_owned(), by_name)), "{adopted:?}");
    }
    written.school.put("racine", "membres", false).await;
    written.school.put("bob", "membres", false).await;
    written.work().await;
    assert_eq!(written.named(), ["inconnu", "-racine"], "bob was made here and is deleted");
    assert_eq!(written.service.inner().users[&id]["active"], false);
    // Where roles are groups no more, the group is left as others made it.
    written.school.put("racine", "membres", true).await;
    written.work().await;
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["inconnu".to_owned(), "racine".to_owned()])]);
    written.edit(json!({ "groups": "none" })).await;
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["inconnu".to_owned()])]);
    assert!(written.queue("failed").await.is_empty());
    assert_eq!(written.named(), ["inconnu", "racine"]);
}

#[tokio::test]
async fn without_patch_a_group_taken_over_keeps_its_people_and_its_key() {
    let service = ScimService::without_patch().await;
    let stranger = service.add("inconnu");
    let members = json!([{ "value": stranger }]);
    let group = json!({ "id": "g", "displayName": "Membre", "externalId": "à eux", "members": members });
    service.inner().groups.insert("g".to_owned(), group);
    let written = with_racine(service, json!({ "groups": "roles", "adopt": "name" })).await;
    let both = ["bob", "inconnu", "racine"].map(str::to_owned).to_vec();
    assert_eq!(written.service.groups(), [("membre".to_owned(), both)]);
    assert_eq!(written.service.inner().groups["g"]["externalId"], "à eux");
    written.edit(json!({ "groups": "none" })).await;
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["inconnu".to_owned()])]);
}

#[tokio::test]
async fn nobody_is_given_the_account_of_somebody_else_here() {
    let written = Written::new(&["anne"], &[], &["anne"], json!({ "adopt": "name" })).await;
    let anne = written.service.user("anne")["id"].as_str().unwrap().to_owned();
    written.service.inner().users.get_mut(&anne).unwrap()["userName"] = json!("bob");
    let mut written = written;
    written.school.add_person("bob").await;
    written.school.put("bob", "membres", true).await;
    written.work().await;
    let failed = written.queue("failed").await;
    assert!(failed[0].error.as_deref().unwrap().contains("is that of «anne» here"), "{failed:?}");
    assert_eq!(written.service.inner().users[&anne]["displayName"], "anne");
}

#[tokio::test]
async fn what_was_unknown_and_is_somebody_is_removed_no_more() {
    let names: Vec<String> = (0..12).map(|n| format!("x{n:02}")).collect();
    let mut written = Written::new(&["anne"], &[], &[], json!({ "remove_unknown": true, "on_loss": "delete" })).await;
    for name in &names {
        written.service.add(name);
    }
    written.service.add("anne");
    written.compared(true).await;
    assert_eq!(written.queue("held").await.len(), 13);
    written.edit(json!({ "adopt": "name" })).await;
    written.school.put("anne", "membres", true).await;
    written.work().await;
    assert_eq!(written.queue("held").await.len(), 12);
    provisioning::approve(written.ctx(), "wiki", 12).await.unwrap();
    written.later(1).await;
    assert_eq!(written.named(), ["anne"]);
}

#[tokio::test]
async fn whoever_loses_a_role_after_a_lost_answer_takes_nobody_of_the_same_name_along() {
    let service = ScimService::start().await;
    service.fail(Method::POST, "/Users", Fault::Status(503));
    let mut written = Written::over(TestGateway::start().await, service, (&["anne"], &[], &["anne"]), json!({ "on_loss": "delete" })).await;
    assert!(written.named().is_empty());
    // Somebody there makes an account of that name; then she loses her role.
    written.service.add("anne");
    written.school.put("anne", "membres", false).await;
    written.later(3600).await;
    assert_eq!(written.named(), ["anne"]);
    let left = [written.queue("failed").await, written.queue("waiting").await, written.queue("done").await].concat();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn without_a_key_nobody_can_tell_what_an_attempt_left_behind_and_that_is_said() {
    let service = ScimService::start().await;
    service.fail(Method::POST, "/Users", Fault::Lost);
    let more = json!({ "on_loss": "delete", "mapping": { "userName": "{username}" } });
    let mut written = Written::over(TestGateway::start().await, service, (&["anne"], &[], &["anne"]), more).await;
    written.school.put("anne", "membres", false).await;
    written.later(3600).await;
    assert_eq!(written.named(), ["anne"]);
    let failed = written.queue("failed").await;
    assert!(failed[0].error.as_deref().unwrap().contains("writes no externalId"), "{failed:?}");
}
