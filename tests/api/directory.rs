//! From a directory to people and groups, over HTTP: a real slapd is synced.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Answer, Served};
use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

/// Most looks at a run that goes on by itself.
const LOOKS_MAX: u32 = 20_000;

fn ldif(people: &[&str]) -> String {
    let mut text = format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n\
         dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n\
         dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n\n"
    );
    let person = |uid: &&str| format!("dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\n");
    text.extend(people.iter().map(person));
    let members = people.iter().fold(String::new(), |lines, uid| format!("{lines}member: uid={uid},ou=people,{BASE}\n"));
    text + &format!(
        "dn: cn=teachers,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: teachers\n{members}\n\
         dn: cn=staff,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: staff\nmember: cn=teachers,ou=groups,{BASE}\n\n"
    )
}

/// A run at its end.
pub async fn ended(api: &Served, started: &Answer, token: &str) -> Value {
    assert_eq!(started.status, StatusCode::ACCEPTED, "{:?}", started.body);
    for _ in 0..LOOKS_MAX {
        let run = api.get(started.header("location"), token).await.body;
        if !matches!(run["state"].as_str(), Some("queued" | "running")) {
            return run;
        }
    }
    panic!("the run did not end: {:?}", started.body);
}

#[tokio::test]
async fn a_directory_is_added_checked_previewed_and_synced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.ldif");
    std::fs::write(&file, ldif(&["ampere", "curie", "lovelace"])).unwrap();
    let slapd = Slapd::start(&file);
    let api = Served::start().await;
    let slug = api.establishment("Lycée Ampère").await;
    let token = api.token(&slug, "administrator").await;
    let base = format!("/api/v1/establishments/{slug}");
    let settings = json!({ "urls": [slapd.url()], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE });
    let source = json!({ "name": "annuaire", "kind": "ldap", "settings": settings });
    let added = api.post(&format!("{base}/sources"), &token, &source).await;
    assert_eq!((added.status, &added.body["has_bind_password"]), (StatusCode::CREATED, &json!(true)), "{:?}", added.body);
    assert!(!added.body.to_string().contains(&format!("\"{ADMIN_PASSWORD}\"")), "{:?}", added.body);

    let checked = api.post(&format!("{base}/sources/annuaire/check"), &token, &json!({})).await;
    assert_eq!(checked.body["ok"], true, "{:?}", checked.body);

    let previewed = api.post(&format!("{base}/sources/annuaire/preview"), &token, &json!({})).await;
    let previewed = ended(&api, &previewed, &token).await;
    assert_eq!((&previewed["state"], &previewed["mode"], &previewed["created"]), (&json!("done"), &json!("preview"), &json!(5)));
    assert_eq!(api.get(&format!("{base}/groups"), &token).await.body["total"], 0);

    let synced = api.post(&format!("{base}/sources/annuaire/sync"), &token, &json!({ "mode": "full" })).await;
    let synced = ended(&api, &synced, &token).await;
    assert_eq!((&synced["state"], &synced["source"]), (&json!("done"), &json!("annuaire")), "{synced}");

    let runs = api.get(&format!("{base}/runs?source=annuaire&mode=full"), &token).await;
    assert_eq!(runs.body["total"], 1);
    let path = format!("{base}/runs/{}/changes?operation=created&limit=2", synced["id"].as_str().unwrap());
    let first = api.get(&path, &token).await;
    let second = api.get(&format!("{path}&cursor={}", first.body["next_cursor"].as_str().unwrap()), &token).await;
    assert_eq!(first.body["items"].as_array().unwrap().len(), 2);
    assert!(second.body["items"][0]["seq"].as_i64() > first.body["items"][1]["seq"].as_i64());
    assert_eq!(api.get(&format!("{path}&cursor=%27"), &token).await.status, StatusCode::BAD_REQUEST);

    let person = api.get(&format!("{base}/users?username=curie"), &token).await;
    let link = &person.body["items"][0]["links"][0];
    assert_eq!((&link["source"], &link["dn"]), (&json!("annuaire"), &json!(format!("uid=curie,ou=people,{BASE}"))), "{:?}", person.body);
    let changed =
        api.patch(&format!("{base}/users/{}", person.body["items"][0]["id"].as_str().unwrap()), &token, &json!({ "email": null })).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);

    let group = api.get(&format!("{base}/groups?name=staff&source=annuaire"), &token).await;
    let group = &group.body["items"][0];
    assert_eq!((&group["source"], &group["member_count"]), (&json!("annuaire"), &json!(1)), "{group}");
    let members = format!("{base}/groups/{}/members", group["id"].as_str().unwrap());
    assert_eq!(api.get(&members, &token).await.body["total"], 0);
    assert_eq!(api.get(&format!("{members}?transitive=true"), &token).await.body["total"], 3);
    assert_eq!(api.get(&format!("{base}/groups?source=autre"), &token).await.body["total"], 0);

    let moved = api.patch(&format!("{base}/sources/annuaire"), &token, &json!({ "settings": { "urls": ["ldap://127.0.0.1:1"] } })).await;
    assert_eq!(moved.status, StatusCode::UNPROCESSABLE_ENTITY, "a stored password went to another server: {:?}", moved.body);
    let renamed = api.patch(&format!("{base}/sources/annuaire"), &token, &json!({ "settings": { "page_size": 100 } })).await;
    assert_eq!((renamed.status, &renamed.body["settings"]["page_size"]), (StatusCode::OK, &json!(100)), "{:?}", renamed.body);
    let used = api.send(Method::DELETE, &format!("{base}/sources/annuaire"), Some(&token), None).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
}
