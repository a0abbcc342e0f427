//! Services of other projects: what is written to them is there, comes and goes, and is found the same when it is compared.

use passerelle::services::{groups as groups_there, provisioning, users};
use passerelle::store::establishment::group;
use passerelle::store::establishment::provisioning_drift::Filter;
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::page::PageRequest;
use reqwest::Client;
use serde_json::{Value, json};

use super::Written;
use crate::harness::gateway::TestGateway;
use crate::harness::scim_client::Pushed;
use crate::harness::scim_peers::Peer;
use crate::harness::scim_service::{ScimService, TOKEN};

/// The address of a service, and a token that it takes.
type At<'a> = (&'a str, &'a str);

/// The resources of a list there.
async fn there((url, token): At<'_>, resources: &str) -> Vec<Value> {
    let answer = Client::new().get(format!("{url}/{resources}?count=100")).bearer_auth(token).send().await.unwrap();
    let list: Value = answer.json().await.unwrap();
    list["Resources"].as_array().cloned().unwrap_or_default()
}

async fn people(at: At<'_>) -> Vec<(String, bool)> {
    let all = there(at, "Users").await;
    let mut named: Vec<(String, bool)> =
        all.iter().map(|user| (user["userName"].as_str().unwrap().to_owned(), user["active"] == true)).collect();
    named.sort();
    named
}

/// How many are in each group there.
async fn groups(at: At<'_>) -> Vec<(String, usize)> {
    let all = there(at, "Groups").await;
    let count = |group: &Value| group["members"].as_array().map_or(0, Vec::len);
    let mut named: Vec<(String, usize)> =
        all.iter().map(|group| (group["displayName"].as_str().unwrap().to_owned(), count(group))).collect();
    named.sort();
    named
}

fn said(named: &[(&str, bool)]) -> Vec<(String, bool)> {
    named.iter().map(|(name, active)| ((*name).to_owned(), *active)).collect()
}

/// A whole life of three people in a service.
async fn lives(at: At<'_>, mapping: Value) {
    let more = json!({ "url": at.0, "auth": { "kind": "bearer", "secret": at.1 }, "groups": "roles", "mapping": mapping });
    let everybody = (&["anne", "bob", "élodie"][..], &["anne"][..], &["anne", "bob", "élodie"][..]);
    let written = Written::over(TestGateway::start().await, ScimService::start().await, everybody, more).await;
    let failed = [written.queue("failed").await, written.queue("given_up").await].concat();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(written.shown().await.state.paused, None);
    assert_eq!(people(at).await, said(&[("anne", true), ("bob", true), ("élodie", true)]));
    assert_eq!(groups(at).await, [("chef".to_owned(), 1), ("membre".to_owned(), 3)]);
    // Someone marries, someone leaves, someone changes their role.
    written.school.change("bob", |bob| bob.family_name = Some("École-Jean".to_owned())).await;
    written.school.put("élodie", "membres", false).await;
    written.school.put("anne", "chefs", false).await;
    written.school.put("bob", "chefs", true).await;
    written.work().await;
    assert!(written.queue("failed").await.is_empty(), "{:?}", written.queue("failed").await);
    assert_eq!(people(at).await, said(&[("anne", true), ("bob", true), ("élodie", false)]));
    assert_eq!(groups(at).await, [("chef".to_owned(), 1), ("membre".to_owned(), 2)]);
    let bob = there(at, "Users").await.into_iter().find(|user| user["userName"] == "bob").unwrap();
    assert_eq!(bob["name"]["familyName"], "École-Jean");
    let chef = there(at, "Groups").await.into_iter().find(|group| group["displayName"] == "chef").unwrap();
    assert_eq!(chef["members"][0]["value"], bob["id"]);
    // Compared, nothing differs.
    provisioning::reconcile(written.ctx(), "wiki", false).await.unwrap();
    written.work().await;
    let found = provisioning::drift(written.ctx(), "wiki", &PageRequest::first(50), &Filter::default()).await.unwrap().items;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(written.shown().await.state.report.unwrap().users_read, 3);
    // And they go.
    written.edit(json!({ "on_loss": "delete" })).await;
    written.school.put("bob", "chefs", false).await;
    written.school.put("bob", "membres", false).await;
    written.work().await;
    assert_eq!(people(at).await, said(&[("anne", true)]));
    assert_eq!(groups(at).await, [("chef".to_owned(), 0), ("membre".to_owned(), 1)]);
}

#[tokio::test]
async fn the_reference_service_of_pypi_is_written_to() {
    let peer = Peer::python(TOKEN);
    let usual = json!({ "userName": "{username}", "externalId": "{id}", "displayName": "{display_name}", "name.familyName": "{family_name}",
        "emails": "{email}", "roles": "{roles}" });
    lives((&peer.url, TOKEN), usual).await;
}

#[tokio::test]
async fn a_service_of_the_crate_scim_server_is_written_to() {
    let peer = Peer::rust();
    let plain =
        json!({ "userName": "{username}", "displayName": "{display_name}", "name.familyName": "{family_name}", "emails": "{email}" });
    lives((&peer.url, TOKEN), plain).await;
}

#[tokio::test]
async fn another_gateway_is_written_to() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let mapping = json!({ "userName": "{username}", "externalId": "{id}", "displayName": "{display_name}", "name.familyName": "{family_name}",
        "emails": "{email}" });
    lives((&feed.base, &feed.token), mapping).await;
}

#[tokio::test]
async fn the_people_and_groups_of_one_gateway_are_those_of_another() {
    let (pushed, feed) = Pushed::with_feed().await;
    let more = json!({ "url": feed.base, "auth": { "kind": "bearer", "secret": feed.token }, "groups": "groups" });
    let everybody = (&["anne", "bob", "élodie"][..], &["anne"][..], &["anne", "bob", "élodie"][..]);
    let written = Written::over(TestGateway::start().await, ScimService::start().await, everybody, more).await;
    let there = &pushed.place.ctx;
    let members = async |name: &str| {
        let page = PageRequest::first(50);
        let all = groups_there::list(there, &page, &group::Filter::default()).await.unwrap().items;
        let group = all.into_iter().find(|group| group.name == name).unwrap_or_else(|| panic!("no group {name}"));
        let mut names: Vec<String> =
            groups_there::members(there, group.id, true, &page).await.unwrap().items.into_iter().map(|member| member.username).collect();
        names.sort();
        names
    };
    let status = async |name: &str| users::resolve(there, name).await.unwrap().status;
    assert_eq!((members("chefs").await, members("membres").await.len()), (vec!["anne".to_owned()], 3));
    assert_eq!(status("bob").await, UserStatus::Active);
    written.school.put("bob", "membres", false).await;
    written.school.put("élodie", "chefs", true).await;
    written.school.change("anne", |anne| anne.display_name = "Anne-Élise".to_owned()).await;
    written.work().await;
    assert!(written.queue("failed").await.is_empty(), "{:?}", written.queue("failed").await);
    assert_eq!((status("bob").await, status("anne").await), (UserStatus::Disabled, UserStatus::Active));
    assert_eq!(users::resolve(there, "anne").await.unwrap().display_name, "Anne-Élise");
    assert_eq!(
        (members("chefs").await, members("membres").await),
        (vec!["anne".into(), "élodie".into()], vec!["anne".to_owned(), "élodie".into()])
    );
    provisioning::reconcile(written.ctx(), "wiki", false).await.unwrap();
    written.work().await;
    let found = provisioning::drift(written.ctx(), "wiki", &PageRequest::first(50), &Filter::default()).await.unwrap().items;
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(written.shown().await.state.report.unwrap().users_read, 3);
    // Back again, bob is who he was there.
    let known = users::resolve(there, "bob").await.unwrap().id;
    written.school.put("bob", "membres", true).await;
    written.work().await;
    let back = users::resolve(there, "bob").await.unwrap();
    assert_eq!((back.id, back.status, members("membres").await.len()), (known, UserStatus::Active, 3));
}
