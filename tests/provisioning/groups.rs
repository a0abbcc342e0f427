//! Groups: one for each role, or those of the establishment.

use axum::http::Method;
use passerelle::store::establishment::{group, membership};
use serde_json::json;

use super::Written;

fn listed(groups: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    groups.iter().map(|(name, members)| ((*name).to_owned(), members.iter().map(|one| (*one).to_owned()).collect())).collect()
}

#[tokio::test]
async fn each_role_is_a_group_with_those_who_hold_it() {
    let more = json!({ "groups": "roles", "group_name": "Wiki {role}" });
    let written = Written::new(&["anne", "bob"], &["anne"], &["anne", "bob"], more).await;
    assert_eq!(written.service.groups(), listed(&[("Wiki chef", &["anne"]), ("Wiki membre", &["anne", "bob"])]));
    written.school.put("bob", "chefs", true).await;
    written.school.put("anne", "chefs", false).await;
    written.work().await;
    assert_eq!(written.service.groups(), listed(&[("Wiki chef", &["bob"]), ("Wiki membre", &["anne", "bob"])]));
    let asked = written.service.take_asked();
    let whole = asked.iter().filter(|one| one.method == Method::GET && one.path.contains("/Groups/"));
    assert!(whole.clone().all(|one| one.path.contains("excludedAttributes=members")), "members of a known group are not read");
    written.edit(json!({ "group_name": "W-{role}" })).await;
    assert_eq!(written.service.groups(), listed(&[("W-chef", &["bob"]), ("W-membre", &["anne", "bob"])]));
}

#[tokio::test]
async fn people_come_before_their_groups_and_leave_them_before_they_go() {
    let more = json!({ "groups": "roles", "on_loss": "delete" });
    let written = Written::new(&["anne", "bob"], &["anne"], &["anne", "bob"], more).await;
    // The service refuses members it does not know, and to delete whoever a group names.
    assert_eq!(written.service.groups(), listed(&[("chef", &["anne"]), ("membre", &["anne", "bob"])]));
    written.school.put("anne", "chefs", false).await;
    written.school.put("anne", "membres", false).await;
    written.work().await;
    assert_eq!(written.named(), ["bob"]);
    assert_eq!(written.service.groups(), listed(&[("chef", &[]), ("membre", &["bob"])]));
    assert!(written.queue("failed").await.is_empty());
}

#[tokio::test]
async fn someone_who_cannot_be_written_does_not_keep_the_group_from_the_others() {
    let written = Written::new(&["anne"], &[], &["anne"], json!({ "groups": "roles" })).await;
    written.service.refuse("bob");
    let mut written = written;
    written.school.add_person("bob").await;
    written.school.add_person("chloe").await;
    for name in ["bob", "chloe"] {
        written.school.put(name, "membres", true).await;
    }
    written.work().await;
    assert_eq!(written.service.groups(), listed(&[("membre", &["anne", "chloe"])]));
    assert_eq!(written.queue("failed").await.len(), 1);
    // Accepted at last, he is put where he belongs.
    let key = written.school.people["bob"].to_string();
    written.service.inner().users.insert("b".to_owned(), json!({ "id": "b", "userName": "bob", "externalId": key }));
    written.later(7200).await;
    assert_eq!(written.service.groups(), listed(&[("membre", &["anne", "bob", "chloe"])]));
}

#[tokio::test]
async fn groups_of_the_establishment_are_written_by_pattern_with_those_who_are_there() {
    let written = Written::new(&["anne", "bob", "zoe"], &["anne"], &["bob"], json!({})).await;
    let school = &written.school;
    let (club, all, other) = (school.group("club-échecs"), school.group("club-tous"), school.group("autre"));
    let mut tx = school.ctx.store.begin().await.unwrap();
    group::upsert_all(&mut tx, &[club.clone(), all.clone(), other.clone()]).await.unwrap();
    let pairs = [(club.id, school.people["anne"]), (club.id, school.people["zoe"]), (other.id, school.people["bob"])];
    membership::insert_all(&mut tx, &pairs).await.unwrap();
    tx.commit().await.unwrap();
    written.edit(json!({ "groups": "groups", "group_pattern": "club-.*" })).await;
    assert_eq!(written.service.groups(), listed(&[("club-échecs", &["anne"])]), "zoe holds no role");
    let mut tx = school.ctx.store.begin().await.unwrap();
    membership::insert_nesting(&mut tx, all.id, club.id).await.unwrap();
    membership::insert_all(&mut tx, &[(all.id, school.people["bob"])]).await.unwrap();
    tx.commit().await.unwrap();
    written.work().await;
    assert_eq!(written.service.groups(), listed(&[("club-tous", &["anne", "bob"]), ("club-échecs", &["anne"])]));
    let mut tx = school.ctx.store.begin().await.unwrap();
    group::delete(&mut tx, club.id).await.unwrap();
    group::upsert_all(&mut tx, &[group::Group { name: "club-de-tous".to_owned(), ..all }]).await.unwrap();
    tx.commit().await.unwrap();
    written.work().await;
    assert_eq!(written.service.groups(), listed(&[("club-de-tous", &["bob"])]));
}
