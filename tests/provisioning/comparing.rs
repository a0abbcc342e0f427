//! Comparing everything there with what is to be: telling it by name, and putting it right.

use passerelle::services::provisioning;
use passerelle::store::establishment::provisioning_drift::{Drift, Filter, What};
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::Written;

async fn compared(written: &Written, repairs: bool) -> Vec<Drift> {
    provisioning::reconcile(written.ctx(), "wiki", repairs).await.unwrap();
    written.work().await;
    provisioning::drift(written.ctx(), "wiki", &PageRequest::first(500), &Filter::default()).await.unwrap().items
}

fn named(drifts: &[Drift]) -> Vec<(What, String)> {
    drifts.iter().map(|drift| (drift.what, drift.name.clone())).collect()
}

/// Someone changed three things there.
fn meddle(written: &Written) {
    let anne = written.service.user("anne")["id"].as_str().unwrap().to_owned();
    let bob = written.service.user("bob")["id"].as_str().unwrap().to_owned();
    let mut inner = written.service.inner();
    inner.users.get_mut(&anne).unwrap()["displayName"] = json!("Nana");
    inner.users.remove(&bob);
    for group in inner.groups.values_mut() {
        group["members"].as_array_mut().unwrap().retain(|member| member["value"] != bob.as_str());
    }
    drop(inner);
    written.service.add("inconnu");
}

#[tokio::test]
async fn a_report_names_what_differs_and_changes_nothing() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({})).await;
    assert!(compared(&written, false).await.is_empty());
    meddle(&written);
    let drifts = compared(&written, false).await;
    let mut found = named(&drifts);
    found.sort_by_key(|(_, name)| name.clone());
    let expected = [(What::Differs, "anne"), (What::Missing, "bob"), (What::Unknown, "inconnu")];
    assert_eq!(found, expected.map(|(what, name)| (what, name.to_owned())));
    let anne = drifts.iter().find(|drift| drift.name == "anne").unwrap();
    assert_eq!((&anne.fields["displayName"].there, &anne.fields["displayName"].wanted), (&json!("Nana"), &json!("anne")));
    let report = written.shown().await.state.report.unwrap();
    assert_eq!((report.missing, report.unknown, report.differs, report.users_read, report.repairs), (1, 1, 1, 2, false));
    assert_eq!(written.service.user("anne")["displayName"], "Nana");
    assert_eq!(written.named(), ["anne", "inconnu"]);
}

#[tokio::test]
async fn a_repair_puts_right_what_differs_and_leaves_what_it_did_not_write() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({ "groups": "roles" })).await;
    meddle(&written);
    let drifts = compared(&written, true).await;
    assert!(drifts.iter().any(|drift| drift.name == "membre" && drift.fields.contains_key("members")), "{drifts:?}");
    assert_eq!(written.named(), ["anne", "bob", "inconnu"]);
    assert_eq!(written.service.user("anne")["displayName"], "anne");
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["anne".to_owned(), "bob".to_owned()])]);
    let again = compared(&written, true).await;
    assert_eq!(named(&again), [(What::Unknown, "inconnu".to_owned())]);
}

#[tokio::test]
async fn what_is_unknown_is_removed_where_that_is_said() {
    let more = json!({ "remove_unknown": true, "on_loss": "delete", "groups": "roles" });
    let written = Written::new(&["anne"], &[], &["anne"], more).await;
    written.service.add("inconnu");
    written.service.inner().groups.insert("g".to_owned(), json!({ "id": "g", "displayName": "vieux" }));
    compared(&written, false).await;
    assert_eq!(written.named(), ["anne", "inconnu"]);
    compared(&written, true).await;
    assert_eq!(written.named(), ["anne"]);
    assert_eq!(written.service.groups().len(), 1);
}

#[tokio::test]
async fn what_is_unknown_is_made_inactive_and_otherwise_left_as_it_is() {
    let written = Written::new(&["anne"], &[], &["anne"], json!({ "remove_unknown": true })).await;
    let id = written.service.add("inconnu");
    written.service.inner().users.get_mut(&id).unwrap()["displayName"] = json!("Un inconnu");
    compared(&written, true).await;
    let there = written.service.inner().users[&id].clone();
    assert_eq!((&there["userName"], &there["displayName"], &there["active"]), (&json!("inconnu"), &json!("Un inconnu"), &json!(false)));
}

#[tokio::test]
async fn a_comparison_before_anything_is_written_finds_those_who_are_there_by_name() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({ "dry_run": true })).await;
    written.service.add("ANNE");
    let drifts = compared(&written, true).await;
    let mut found = named(&drifts);
    found.sort_by_key(|(_, name)| name.clone());
    assert_eq!(found, [(What::Differs, "anne".to_owned()), (What::Missing, "bob".to_owned())]);
    assert_eq!(written.named(), ["ANNE"], "a dry run writes nothing");
}

#[tokio::test]
async fn hundreds_are_read_page_by_page() {
    let names: Vec<String> = (0..250).map(|n| format!("p{n:03}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let written = Written::new(&people, &[], &people, json!({})).await;
    assert!(compared(&written, false).await.is_empty());
    let asked = written.service.take_asked();
    assert_eq!(asked.iter().filter(|one| one.path.contains("startIndex")).count(), 3);
    assert_eq!(written.shown().await.state.report.unwrap().users_read, 250);
}
