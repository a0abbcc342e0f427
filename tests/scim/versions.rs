//! Versions of resources (RFC 7644 §3.14).

use passerelle::services::{applications, roles};
use serde_json::json;

use crate::harness::scim_client::{BULK, Feed, OWN, PATCH, Pushed, Said, USER};

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", feed.person("élodie.jean").await);
    let read = feed.get(&path).await;
    let version = read.header("etag").to_owned();
    assert!(version.starts_with("W/\""), "{version}");
    for known in [version.as_str(), "*", &format!("W/\"other\", {version}")] {
        let again = feed.said(feed.request("GET", &path).header("if-none-match", known)).await;
        assert_eq!((again.status, again.header("etag")), (304, version.as_str()), "{known}");
    }
    let other = feed.said(feed.request("GET", &path).header("if-none-match", "W/\"other\"")).await;
    assert_eq!((other.status, other.body), (200, read.body));
}

#[tokio::test]
async fn versions_change_with_what_they_are_of() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", feed.person("élodie.jean").await);
    let before = feed.get(&path).await;
    let changed = feed.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Professeure" }])).await;
    assert_ne!(changed.header("etag"), before.header("etag"));
    assert_eq!(feed.get(&path).await.header("etag"), changed.header("etag"));
    assert!(changed.text("/meta/lastModified") >= before.text("/meta/lastModified"));
    assert_eq!(changed.text("/meta/created"), before.text("/meta/created"));
    let same = feed.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Professeure" }])).await;
    assert_eq!((same.status, same.header("etag")), (200, changed.header("etag")), "what changes nothing is no new version");
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let user = format!("/Users/{}", feed.person("élodie.jean").await);
    let group = format!("/Groups/{}", feed.group("Élèves", &[]).await);
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
    let name = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "displayName", "value": "Élèves de 6e" }] });
    let whole = json!({ "schemas": [USER], "userName": "élodie.jean" });
    for (path, method, body) in [(&user, "PATCH", &title), (&user, "PUT", &whole), (&group, "PATCH", &name), (&user, "DELETE", &json!({}))]
    {
        let version = feed.get(path).await.header("etag").to_owned();
        let refused = feed.send(method, path, body, &[("if-match", "W/\"0\"")]).await;
        assert_eq!(refused.status, 412, "{method} {path}: {:#}", refused.body);
        assert_eq!(feed.get(path).await.header("etag"), version, "nothing was changed");
    }
    for (path, method, body) in [(&group, "PATCH", &name), (&user, "PATCH", &title), (&user, "DELETE", &json!({}))] {
        let version = feed.get(path).await.header("etag").to_owned();
        let taken = feed.send(method, path, body, &[("if-match", &version)]).await;
        assert!(matches!(taken.status, 200 | 204), "{method} {path}: {:#}", taken.body);
    }
    let any = feed.send("PATCH", &group, &name, &[("if-match", "*")]).await;
    assert!(matches!(any.status, 200 | 204));
}

/// What is read with these versions known.
async fn known(feed: &Feed, path: &str, version: &str) -> Said {
    feed.said(feed.request("GET", path).header("if-none-match", version)).await
}

#[tokio::test]
async fn what_is_shown_of_a_persons_groups_is_of_their_version_too() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie.jean").await;
    let path = format!("/Users/{id}");
    let group = format!("/Groups/{}", feed.group("Élèves", &[]).await);
    let alone = feed.get(&path).await.header("etag").to_owned();
    feed.patch(&group, &json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])).await;
    let within = known(&feed, &path, &alone).await;
    assert_eq!((within.status, within.texts("/groups", "display")), (200, vec!["Élèves".to_owned()]), "nothing stale");
    let version = within.header("etag").to_owned();
    assert_eq!(known(&feed, &path, &version).await.status, 304);
    feed.patch(&group, &json!([{ "op": "replace", "path": "displayName", "value": "Élèves de 6e" }])).await;
    let renamed = known(&feed, &path, &version).await;
    assert_eq!((renamed.status, renamed.texts("/groups", "display")), (200, vec!["Élèves de 6e".to_owned()]));
    // Whoever does not look at groups knows all there is by the revision.
    assert_eq!(known(&feed, &format!("{path}?excludedAttributes=groups"), &alone).await.status, 304);
    // A change by a version says that nobody else wrote the person, and nobody writes their groups there.
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
    assert_eq!(feed.send("PATCH", &path, &title, &[("if-match", &version)]).await.status, 200);
    assert_eq!(feed.send("PATCH", &path, &title, &[("if-match", &version)]).await.status, 412);
    feed.delete(&group).await;
    assert_eq!(feed.get(&path).await.body.get("groups"), None);
    assert_eq!(known(&feed, &path, feed.get(&path).await.header("etag")).await.status, 304);
}

#[tokio::test]
async fn what_is_shown_of_a_persons_roles_is_of_their_version_too() {
    let (pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie.jean").await;
    let path = format!("/Users/{id}?attributes={OWN}:assignments");
    let before = feed.get(&path).await.header("etag").to_owned();
    applications::create(&pushed.place.ctx, &applications::shipped_of("scodoc").unwrap()).await.unwrap();
    let rule = json!({ "application": "scodoc", "role": "Ens", "scope": "RT", "when": [{ "group": "ens" }] });
    roles::rules::create(&pushed.place.ctx, &serde_json::from_value(rule).unwrap()).await.unwrap();
    feed.group("ens", &[&id]).await;
    let after = known(&feed, &path, &before).await;
    assert_eq!((after.status, after.text(&format!("/{OWN}/assignments/0/role"))), (200, "Ens"), "{:#}", after.body);
    assert_eq!(known(&feed, &path, after.header("etag")).await.status, 304);
}

#[tokio::test]
async fn what_is_shown_of_a_groups_members_is_of_its_version() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie.jean").await;
    let inner = feed.group("RT", &[&id]).await;
    let path = format!("/Groups/{}", feed.group("Élèves", &[&id, &inner]).await);
    let (plain, named) = (path.clone(), format!("{path}?attributes=members.value,members.display"));
    let (whole, with_names) = (feed.get(&plain).await.header("etag").to_owned(), feed.get(&named).await.header("etag").to_owned());
    feed.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "displayName", "value": "Élo" }])).await;
    assert_eq!(known(&feed, &plain, &whole).await.status, 304, "names of members are not shown");
    let renamed = known(&feed, &named, &with_names).await;
    assert_eq!(renamed.status, 200);
    assert!(renamed.texts("/members", "display").contains(&"Élo".to_owned()), "{:#}", renamed.body);
    feed.delete(&format!("/Groups/{inner}")).await;
    let left = known(&feed, &plain, &whole).await;
    assert_eq!((left.status, left.texts("/members", "value")), (200, vec![id.clone()]));
    let version = left.header("etag").to_owned();
    feed.delete(&format!("/Users/{id}")).await;
    assert_eq!((known(&feed, &plain, &version).await.status, feed.members(path.rsplit('/').next().unwrap()).await.len()), (200, 0));
}

#[tokio::test]
async fn a_bulk_names_the_same_version() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie.jean").await;
    feed.group("Élèves", &[&id]).await;
    let change = |version: &str| {
        json!({ "schemas": [BULK], "Operations": [{ "method": "PATCH", "path": format!("/Users/{id}"), "version": version, "data": {
            "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": version }],
        } }] })
    };
    let version = feed.get(&format!("/Users/{id}")).await.header("etag").to_owned();
    let done = feed.post("/Bulk", &change(&version)).await;
    assert_eq!(done.text("/Operations/0/status"), "200", "{:#}", done.body);
    assert_eq!(feed.post("/Bulk", &change(&version)).await.text("/Operations/0/status"), "412");
    assert_eq!(feed.post("/Bulk", &change(done.text("/Operations/0/version"))).await.text("/Operations/0/status"), "200");
}
