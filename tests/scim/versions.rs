//! Versions of resources (RFC 7644 §3.14).

use serde_json::json;

use crate::harness::scim_client::{PATCH, Pushed, USER};

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
