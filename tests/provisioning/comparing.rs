//! Comparing everything there with what is to be: telling it by name, and putting it right.

use axum::http::Method;
use passerelle::services::provisioning;
use passerelle::store::establishment::provisioning_drift::{Drift, What};
use serde_json::json;

use super::Written;

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
    assert!(written.compared(false).await.is_empty());
    meddle(&written);
    let drifts = written.compared(false).await;
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
    let drifts = written.compared(true).await;
    assert!(drifts.iter().any(|drift| drift.name == "membre" && drift.fields.contains_key("members")), "{drifts:?}");
    assert_eq!(written.named(), ["anne", "bob", "inconnu"]);
    assert_eq!(written.service.user("anne")["displayName"], "anne");
    assert_eq!(written.service.groups(), [("membre".to_owned(), vec!["anne".to_owned(), "bob".to_owned()])]);
    let again = written.compared(true).await;
    assert_eq!(named(&again), [(What::Unknown, "inconnu".to_owned())]);
}

#[tokio::test]
async fn what_is_unknown_is_removed_where_that_is_said() {
    let more = json!({ "remove_unknown": true, "on_loss": "delete", "groups": "roles" });
    let written = Written::new(&["anne"], &[], &["anne"], more).await;
    written.service.add("inconnu");
    written.service.inner().groups.insert("g".to_owned(), json!({ "id": "g", "displayName": "vieux" }));
    written.compared(false).await;
    assert_eq!(written.named(), ["anne", "inconnu"]);
    written.compared(true).await;
    assert_eq!(written.named(), ["anne"]);
    assert_eq!(written.service.groups().len(), 1);
}

#[tokio::test]
async fn what_is_unknown_is_made_inactive_and_otherwise_left_as_it_is() {
    let written = Written::new(&["anne"], &[], &["anne"], json!({ "remove_unknown": true })).await;
    let id = written.service.add("inconnu");
    written.service.inner().users.get_mut(&id).unwrap()["displayName"] = json!("Un inconnu");
    written.compared(true).await;
    let there = written.service.inner().users[&id].clone();
    assert_eq!((&there["userName"], &there["displayName"], &there["active"]), (&json!("inconnu"), &json!("Un inconnu"), &json!(false)));
}

#[tokio::test]
async fn a_comparison_before_anything_is_written_finds_those_who_are_there_by_name() {
    let written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({ "dry_run": true })).await;
    written.service.add("ANNE");
    let drifts = written.compared(true).await;
    let key = written.school.people["anne"].to_string();
    let anne = drifts.iter().find(|drift| drift.name == "anne").unwrap();
    assert_eq!(anne.fields.keys().collect::<Vec<_>>(), ["externalId"], "it is not hers before somebody says so");
    assert_eq!((&anne.fields["externalId"].there, &anne.fields["externalId"].wanted), (&json!(null), &json!(key)));
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
    assert!(written.compared(false).await.is_empty());
    let asked = written.service.take_asked();
    assert_eq!(asked.iter().filter(|one| one.path.contains("startIndex")).count(), 3);
    assert_eq!(written.shown().await.state.report.unwrap().users_read, 250);
}

#[tokio::test]
async fn a_list_that_leaves_some_out_is_told_and_nothing_changes() {
    let more = json!({ "remove_unknown": true, "on_loss": "delete", "groups": "roles" });
    let written = Written::new(&["anne", "bob", "chloe"], &["anne"], &["anne", "bob", "chloe"], more).await;
    meddle(&written);
    let before = written.compared(false).await;
    assert!(!before.is_empty());
    for (hidden, of) in [("chloe", "Users"), ("chef", "Groups")] {
        written.service.take_asked();
        written.service.hide(hidden);
        let after = written.compared(true).await;
        assert_eq!(after, before, "what was found before stays");
        let report = written.shown().await.state.report.unwrap();
        let error = report.error.unwrap();
        assert!(error.contains(&format!("{of} and lists")) && error.contains("nothing changes"), "{error}");
        assert_eq!((report.missing, report.unknown, report.differs), (0, 0, 0));
        let asked = written.service.take_asked();
        assert!(asked.iter().all(|one| one.method == Method::GET), "{asked:?}");
        assert!(written.queue("waiting").await.is_empty() && written.queue("held").await.is_empty());
        written.service.inner().hidden.clear();
    }
    // A list that says not how many there are cannot be trusted either.
    written.service.inner().totals = Some(Vec::new());
    written.compared(true).await;
    assert!(written.shown().await.state.report.unwrap().error.unwrap().contains("totalResults"));
    // One that shrinks while it is read is not whole: what moved up was passed over.
    written.service.inner().totals = Some(vec![4, 3]);
    written.compared(true).await;
    assert!(written.shown().await.state.report.unwrap().error.unwrap().contains("says it has 4 Users"));
    assert_eq!(written.named(), ["anne", "chloe", "inconnu"]);
    written.service.inner().totals = None;
    written.compared(true).await;
    assert_eq!(written.named(), ["anne", "bob", "chloe"]);
}

#[tokio::test]
async fn whoever_waits_to_be_removed_is_not_forgotten_because_a_list_does_not_show_them() {
    let names: Vec<String> = (0..30).map(|n| format!("p{n:02}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut written = Written::new(&people, &[], &people, json!({})).await;
    for name in people.iter().take(12) {
        written.school.put(name, "membres", false).await;
    }
    written.work().await;
    assert_eq!(written.queue("held").await.len(), 12);
    // Some services list whom they find worth it, and count no more.
    for name in people.iter().take(13) {
        written.service.unlist(name);
    }
    let drifts = written.compared(true).await;
    assert_eq!(named(&drifts), [(What::Missing, "p12".to_owned())]);
    assert_eq!(written.service.people().len(), 30, "asked for by its identifier, p12 is there: nobody is created twice");
    assert_eq!(written.queue("held").await.len(), 12);
    provisioning::approve(written.ctx(), "wiki", 12).await.unwrap();
    written.later(1).await;
    assert_eq!(written.service.people().iter().filter(|(_, active)| !active).count(), 12);
}

#[tokio::test]
async fn a_comparison_comes_every_day_by_itself_and_only_tells_unless_it_is_said_otherwise() {
    let mut written = Written::new(&["anne", "bob"], &[], &["anne", "bob"], json!({ "compare_every": 24 })).await;
    meddle(&written);
    written.service.take_asked();
    written.later(23 * 3600).await;
    assert!(written.service.take_asked().is_empty());
    written.later(2 * 3600).await;
    assert!(written.service.take_asked().iter().all(|one| one.method == Method::GET));
    assert_eq!(written.drift().await.len(), 3);
    let report = written.shown().await.state.report.unwrap();
    assert_eq!((report.repairs, report.error), (false, None));
    assert_eq!(written.named(), ["anne", "inconnu"]);
    written.later(20 * 3600).await;
    assert!(written.service.take_asked().is_empty(), "once a day");
    written.edit(json!({ "compare_repairs": true })).await;
    written.later(5 * 3600).await;
    assert_eq!(written.named(), ["anne", "bob", "inconnu"]);
    assert!(written.shown().await.state.report.unwrap().repairs);
}
