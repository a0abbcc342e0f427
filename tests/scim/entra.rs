//! What Microsoft Entra ID sends, in the order and with the spellings of its published samples: one test a point of what it expects.

use serde_json::{Value, json};

use crate::harness::scim_client::{ENTERPRISE, Feed, GROUP, LIST, Pushed, USER};

/// A schema that Entra names for groups and nobody publishes.
const ENTRA_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// A person as Entra makes one: the enterprise schema is named although nothing of it is sent.
fn person(user_name: &str, external_id: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": external_id,
        "userName": user_name,
        "active": true,
        "emails": [{ "primary": true, "type": "work", "value": format!("{external_id}@ecole-jean.example.fr") }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Élodie École-Jean", "familyName": "École-Jean", "givenName": "Élodie" },
        "roles": [],
    })
}

async fn made(feed: &Feed, user_name: &str) -> String {
    let made = feed.post("/Users", &person(user_name, &format!("ext-{user_name}"))).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    made.id()
}

#[tokio::test]
async fn test_connection_reads_a_random_person_and_group_and_finds_none() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for (path, filter) in [
        ("/Users", "userName eq \"3a1c2f2e-5ad2-4a6c-b6b9-3b1f0b6cb7f6\""),
        ("/Groups", "displayName eq \"3a1c2f2e-5ad2-4a6c-b6b9-3b1f0b6cb7f6\""),
    ] {
        let none = feed.find(path, filter).await;
        assert_eq!((none.status, none.counts(), &none.body["schemas"]), (200, (0, 0), &json!([LIST])));
        assert_eq!(none.body["Resources"], json!([]), "an empty list, and not an absent one");
    }
}

#[tokio::test]
async fn every_attribute_that_matches_people_is_filterable() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "elodie.jean").await;
    made(&feed, "someone.else").await;
    for filter in [
        "userName eq \"elodie.jean\"",
        "externalId eq \"ext-elodie.jean\"",
        "emails[type eq \"work\"].value eq \"ext-elodie.jean@ecole-jean.example.fr\"",
        "userName eq \"elodie.jean\" and active eq true",
        "id eq \"ID\"",
        "name.familyName eq \"École-Jean\" and userName eq \"elodie.jean\"",
    ] {
        let filter = filter.replace("ID", &id);
        let found = feed.find("/Users", &filter).await;
        assert_eq!((found.status, found.counts()), (200, (1, 1)), "{filter}: {:#}", found.body);
        assert_eq!(found.text("/Resources/0/id"), id);
    }
}

#[tokio::test]
async fn a_person_is_made_with_an_enterprise_schema_that_says_nothing_and_no_roles() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let made = feed.post("/Users", &person("elodie.jean", "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef")).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let read = feed.get(&format!("/Users/{}", made.id())).await;
    assert_eq!(read.body, made.body, "what is made is what is read");
    assert_eq!(read.text("/externalId"), "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef");
    assert_eq!(read.text("/meta/resourceType"), "User");
    assert_eq!(read.text("/name/familyName"), "École-Jean");
    assert_eq!(read.body["active"], true);
    assert!(read.body.get("roles").is_none(), "an empty list is no value (RFC 7643 §2.5)");
    assert!(read.text("/meta/location").ends_with(&format!("/scim/v2/Users/{}", made.id())));
}

#[tokio::test]
async fn a_group_is_made_with_a_schema_that_nobody_publishes() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let group = json!({
        "schemas": [GROUP, ENTRA_GROUP],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Élèves de 6e A",
        "meta": { "resourceType": "Group" },
    });
    let made = feed.post("/Groups", &group).await;
    assert_eq!((made.status, made.text("/displayName")), (201, "Élèves de 6e A"));
    assert_eq!(made.body["schemas"], json!([GROUP]), "what is not published is not told");
}

#[tokio::test]
async fn operations_begin_with_capitals_and_values_are_words() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", made(&feed, "elodie.jean").await);
    let changed = feed
        .patch(
            &path,
            &json!([
                { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "e.jean@ecole-jean.example.fr" },
                { "op": "Replace", "path": "name.familyName", "value": "Jean-Lefèvre" },
                { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Physique" },
                { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+33 6 00 00 00 00" },
            ]),
        )
        .await;
    assert_eq!(changed.status, 200, "{:#}", changed.body);
    assert_eq!(changed.text("/emails/0/value"), "e.jean@ecole-jean.example.fr");
    assert_eq!(changed.text("/name/familyName"), "Jean-Lefèvre");
    assert_eq!(changed.body[ENTERPRISE]["department"], "Physique");
    assert_eq!(changed.body["phoneNumbers"], json!([{ "type": "mobile", "value": "+33 6 00 00 00 00" }]));
    for (value, active) in [(json!("False"), false), (json!("True"), true), (json!(false), false)] {
        let changed = feed.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": value }])).await;
        assert_eq!((changed.status, &changed.body["active"]), (200, &json!(active)), "{value}");
    }
    let removed = feed.patch(&path, &json!([{ "op": "Remove", "path": format!("{ENTERPRISE}:department") }])).await;
    assert_eq!((removed.status, removed.body.get(ENTERPRISE)), (200, None));
}

#[tokio::test]
async fn a_patch_without_paths_has_dotted_names_and_whole_urns() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "elodie.jean").await;
    let changed = feed
        .patch(
            &format!("/Users/{id}?aadOptscim062020"),
            &json!([{
                "op": "replace",
                "value": {
                    "displayName": "Élodie J.",
                    "name.givenName": "Élodie-Anne",
                    "emails[type eq \"work\"].value": "ea@ecole-jean.example.fr",
                    format!("{ENTERPRISE}:department"): "Chimie",
                    format!("{ENTERPRISE}:employeeNumber"): "42",
                },
            }]),
        )
        .await;
    assert_eq!(changed.status, 200, "{:#}", changed.body);
    assert_eq!((changed.text("/displayName"), changed.text("/name/givenName")), ("Élodie J.", "Élodie-Anne"));
    assert_eq!(changed.text("/name/familyName"), "École-Jean", "what is not named stays");
    assert_eq!(changed.text("/emails/0/value"), "ea@ecole-jean.example.fr");
    assert_eq!(changed.body[ENTERPRISE], json!({ "department": "Chimie", "employeeNumber": "42" }));
}

#[tokio::test]
async fn the_flag_on_the_address_of_the_service_is_passed_over() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "elodie.jean").await;
    for path in ["/Users?aadOptscim062020", "/Groups?aadOptscim062020", "/ServiceProviderConfig?aadOptscim062020"] {
        assert_eq!(feed.get(path).await.status, 200, "{path}");
    }
    let filtered = feed.get("/Users?filter=userName+eq+%22elodie.jean%22&aadOptscim062020").await;
    assert_eq!((filtered.counts(), filtered.text("/Resources/0/id")), ((1, 1), id.as_str()));
}

#[tokio::test]
async fn who_is_switched_off_stays_readable_and_who_is_deleted_does_not() {
    let (pushed, feed) = Pushed::with_feed().await;
    let id = made(&feed, "elodie.jean").await;
    let path = format!("/Users/{id}");
    let off = feed.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }])).await;
    assert_eq!((off.status, &off.body["active"]), (200, &json!(false)));
    let read = feed.get(&path).await;
    assert_eq!((read.status, &read.body["active"]), (200, &json!(false)));
    assert_eq!(feed.find("/Users", "userName eq \"elodie.jean\"").await.counts(), (1, 1));
    assert_eq!(feed.delete(&path).await.status, 204);
    assert_eq!(feed.get(&path).await.status, 404);
    assert_eq!(feed.delete(&path).await.status, 404, "what is gone cannot go again");
    assert_eq!(feed.find("/Users", "userName eq \"elodie.jean\"").await.counts(), (0, 0));
    // The person is not forgotten: whoever comes back finds what they had.
    let person = passerelle::services::users::resolve(&pushed.place.ctx, "elodie.jean").await.unwrap();
    assert_eq!(person.status, passerelle::store::establishment::user::UserStatus::Disabled);
    assert_eq!(made(&feed, "elodie.jean").await, id);
}

#[tokio::test]
async fn unknown_people_are_not_found() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for path in ["/Users/5171a35d82074e068ce2", "/Users/01890c5e-8f2a-7cc0-98f0-5a5b0ea00000", "/Groups/none"] {
        assert_eq!(feed.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn groups_are_looked_for_and_read_without_their_members() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let member = made(&feed, "elodie.jean").await;
    let group = feed.group("Professeurs", &[&member]).await;
    let found = feed.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22professeurs%22").await;
    assert_eq!((found.counts(), found.text("/Resources/0/id")), ((1, 1), group.as_str()));
    assert!(found.body["Resources"][0].get("members").is_none());
    let read = feed.get(&format!("/Groups/{group}?excludedAttributes=members")).await;
    assert_eq!((read.status, read.text("/displayName"), read.body.get("members")), (200, "Professeurs", None));
    assert_eq!(feed.members(&group).await, [member]);
}

#[tokio::test]
async fn a_groups_name_changes_without_an_answer() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let group = feed.group("Professeurs", &[]).await;
    let path = format!("/Groups/{group}");
    let changed = feed.patch(&path, &json!([{ "op": "Replace", "path": "displayName", "value": "Enseignants" }])).await;
    assert_eq!(changed.status, 204);
    assert!(!changed.header("etag").is_empty());
    assert_eq!(feed.get(&path).await.text("/displayName"), "Enseignants");
}

#[tokio::test]
async fn members_come_and_go_and_saying_so_twice_changes_nothing() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (one, two) = (made(&feed, "elodie.jean").await, made(&feed, "paul.durand").await);
    let group = feed.group("Professeurs", &[]).await;
    let path = format!("/Groups/{group}");
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    let version = async || feed.get(&path).await.header("etag").to_owned();
    let mut versions = vec![version().await];
    for _ in 0..2 {
        let added = feed.patch(&path, &json!([{ "op": "Add", "path": "members", "value": [{ "value": one }, { "value": two }] }])).await;
        assert_eq!(added.status, 204);
        assert_eq!(feed.members(&group).await, both);
        versions.push(version().await);
    }
    // Both forms in which a member is taken out.
    for _ in 0..2 {
        let removed = feed.patch(&path, &json!([{ "op": "Remove", "path": "members", "value": [{ "value": one }] }])).await;
        assert_eq!(removed.status, 204);
        assert_eq!(feed.members(&group).await, std::slice::from_ref(&two), "the others stay");
        versions.push(version().await);
    }
    let same = json!({ "schemas": [GROUP], "displayName": "Professeurs", "members": [{ "value": two }] });
    assert_eq!(feed.put(&path, &same).await.status, 200);
    let nobody = json!([{ "op": "Add", "path": "members", "value": [{ "value": "00000000-0000-7000-8000-000000000000" }] }]);
    assert_eq!(feed.patch(&path, &nobody).await.status, 204);
    versions.push(version().await);
    assert!(versions[0] != versions[1] && versions[2] != versions[3], "{versions:?}");
    assert!(
        versions[1] == versions[2] && versions[3..].windows(2).all(|two| two[0] == two[1]),
        "the second time is no new version: {versions:?}"
    );
    for _ in 0..2 {
        let removed = feed.patch(&path, &json!([{ "op": "Remove", "path": format!("members[value eq \"{two}\"]") }])).await;
        assert_eq!(removed.status, 204);
        assert!(feed.members(&group).await.is_empty());
    }
}

#[tokio::test]
async fn membership_is_asked_by_a_filter_on_group_and_member() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (one, two) = (made(&feed, "elodie.jean").await, made(&feed, "paul.durand").await);
    let group = feed.group("Professeurs", &[&one]).await;
    for (member, total) in [(&one, 1), (&two, 0)] {
        for filter in
            [format!("id eq \"{group}\" and members eq \"{member}\""), format!("id eq \"{group}\" and members.value eq \"{member}\"")]
        {
            let asked = feed.said(feed.request("GET", "/Groups").query(&[("excludedAttributes", "members"), ("filter", &filter)])).await;
            assert_eq!((asked.status, asked.counts().0), (200, total), "{filter}: {:#}", asked.body);
        }
    }
}

#[tokio::test]
async fn a_kind_of_address_has_one_value() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", made(&feed, "elodie.jean").await);
    for address in ["first@ecole-jean.example.fr", "second@ecole-jean.example.fr"] {
        let added = feed.patch(&path, &json!([{ "op": "Add", "path": "emails[type eq \"work\"].value", "value": address }])).await;
        assert_eq!((added.status, added.texts("/emails", "value")), (200, vec![address.to_owned()]));
    }
}

#[tokio::test]
async fn two_groups_of_a_feed_do_not_share_a_name() {
    let (_pushed, feed) = Pushed::with_feed().await;
    feed.group("Élèves", &[]).await;
    let again = feed.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "élèves" })).await;
    assert_eq!(again.refusal(), (409, "uniqueness"));
}

#[tokio::test]
async fn schemas_are_a_list_without_nulls() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let schemas = feed.get("/Schemas").await;
    assert_eq!((schemas.status, &schemas.body["schemas"]), (200, &json!([LIST])));
    let told = schemas.texts("/Resources", "id");
    assert!(told.contains(&USER.to_owned()) && told.contains(&GROUP.to_owned()) && told.contains(&ENTERPRISE.to_owned()), "{told:?}");
    assert_eq!(schemas.counts(), (told.len().try_into().unwrap(), told.len()));
}

#[tokio::test]
async fn a_manager_is_named_by_identifier_and_taken_back() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let (one, head) = (made(&feed, "elodie.jean").await, made(&feed, "paul.durand").await);
    let path = format!("/Users/{one}");
    let manager = format!("{ENTERPRISE}:manager");
    let named = feed.patch(&path, &json!([{ "op": "Add", "path": manager, "value": head }])).await;
    assert_eq!((named.status, &named.body[ENTERPRISE]["manager"]["value"]), (200, &json!(head)), "{:#}", named.body);
    let removed = feed.patch(&path, &json!([{ "op": "Remove", "path": manager }])).await;
    assert_eq!((removed.status, removed.body.get(ENTERPRISE)), (200, None));
}
