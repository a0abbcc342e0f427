//! What is kept of requests for people to look into: no secret, no more than its bounds, and nothing of strangers.

use reqwest::Method;
use serde_json::{Value, json};

use super::Admin;
use crate::harness::scim_client::{BULK, Feed, PATCH, Pushed, SEARCH, USER};

/// What is in no way to be read again.
const SECRET: &str = "hunter2";

/// Everything that an administrator reads of a feed's requests.
async fn read(pushed: &Pushed, admin: &Admin) -> (Vec<Value>, String) {
    let (status, listed) = admin.ask(&pushed.place, Method::GET, "/sources/entra/requests?limit=500", None).await;
    assert_eq!(status, 200, "{listed:#}");
    let mut all = listed.to_string();
    let items = listed["items"].as_array().unwrap().clone();
    for one in &items {
        let (status, shown) =
            admin.ask(&pushed.place, Method::GET, &format!("/sources/entra/requests/{}", one["id"].as_str().unwrap()), None).await;
        assert_eq!(status, 200, "{shown:#}");
        all.push_str(&shown.to_string());
    }
    (items, all)
}

async fn secretive(feed: &Feed, id: &str) {
    let path = format!("/Users/{id}");
    let hr = "urn:example:hr:2.0:User";
    for part in [
        json!({ "password": SECRET }),
        json!({ "passwd": SECRET, "unicodePwd": SECRET, "ssn": SECRET, "PIN": SECRET, "pass\u{200b}word": SECRET }),
        json!({ (hr): { "ssn": SECRET, "deep": [{ "er": SECRET }] } }),
        json!({ "name": { "familyName": "É", "maidenName": SECRET } }),
        json!({ "emails": [{ "value": "e@x.fr", "note": SECRET }] }),
        json!({ "title": { "x": SECRET } }),
    ] {
        let mut whole = json!({ "schemas": [USER], "userName": "élodie" });
        whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        feed.put(&path, &whole).await;
        feed.patch(&path, &json!([{ "op": "add", "value": part }])).await;
        feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [{ "method": "PUT", "path": path, "data": whole }] })).await;
    }
    for operation in [
        json!({ "op": "replace", "path": "password", "value": SECRET }),
        json!({ "op": "replace", "PATH": "ssn", "VALUE": SECRET }),
        json!({ "op": "replace", "path": format!("{hr}:ssn"), "value": { "x": SECRET } }),
        json!({ "op": "replace", "path": ["ssn"], "value": SECRET }),
        json!({ "op": "replace", "path": format!("vault[pin eq \"{SECRET}\"].value"), "value": SECRET }),
        json!({ "op": "remove", "path": format!("vault[pin eq {SECRET}]") }),
        json!({ "op": "remove", "path": format!("emails[pin eq \"{SECRET}\"]") }),
    ] {
        feed.patch(&path, &json!([operation])).await;
    }
    for filter in [
        "ssn eq \"hunter2\"",
        "password eq hunter2",
        "userName eq \"a\" and pin sw \"hunter2",
        "emails[pin eq \"hunter2\"]",
        "pin \"hunter2\"",
    ] {
        feed.find("/Users", filter).await;
        feed.find("/", filter).await;
        feed.post("/Users/.search", &json!({ "schemas": [SEARCH], "filter": filter })).await;
    }
    for query in ["access_token=hunter2", "x=hunter2", "FILTER=pin+eq+%22hunter2%22", "f%69lter=ssn+eq+%22hunter2%22", "pin=a&pin=hunter2"]
    {
        feed.get(&format!("/Users?{query}")).await;
    }
    for body in ["\"hunter2\"", "[\"hunter2\"]", "{\"Operations\":\"hunter2\"", "hunter2"] {
        feed.said(feed.request("POST", "/Users").header("content-type", "application/json").body(body)).await;
    }
    let odd = json!({ "schemas": [PATCH], "ssn": SECRET, "Operations": [{ "op": "add", "path": "title", "value": "x", "ssn": SECRET }] });
    feed.send("PATCH", &path, &odd, &[]).await;
}

#[tokio::test]
async fn no_secret_is_kept_wherever_a_client_puts_it() {
    let (pushed, feed) = Pushed::with_feed().await;
    let admin = Admin::of(&pushed, "administrator", None).await;
    let id = feed.person("élodie").await;
    secretive(&feed, &id).await;
    let (items, all) = read(&pushed, &admin).await;
    assert!(items.len() > 50, "they are all kept: {}", items.len());
    let place = all.find(SECRET).map(|at| all.get(at.saturating_sub(200)..at + 20).unwrap_or_default());
    assert_eq!(place, None);
    assert!(all.contains("\"userName\":\"élodie\"") && all.contains("e@x.fr"), "what the table knows is read");
    // What is kept can be tried again, and comes to the same.
    let put = items.iter().find(|one| one["method"] == "PUT" && one["status"] == 200).unwrap();
    let (status, again) =
        admin.ask(&pushed.place, Method::POST, &format!("/sources/entra/requests/{}/replay", put["id"].as_str().unwrap()), None).await;
    assert_eq!((status, &again["status"]), (200, &json!(200)), "{again:#}");
    assert!(!again.to_string().contains("***"), "what is hidden is written nowhere: {again:#}");
}

#[tokio::test]
async fn a_flood_leaves_no_more_than_its_bounds_and_strangers_leave_nothing() {
    let (pushed, feed) = Pushed::with_feed().await;
    let admin = Admin::of(&pushed, "administrator", None).await;
    for token in ["", "psl_x_y", "é"] {
        for path in ["/Users", "/Schemas", "/nowhere", "/Users/%00"] {
            for _ in 0..30 {
                let stranger = feed.with_token("");
                let mut request = stranger.request("GET", path);
                if !token.is_empty() {
                    request = request.header("authorization", format!("Bearer {token}").into_bytes());
                }
                assert!((200..500).contains(&stranger.said(request).await.status));
            }
        }
    }
    assert!(read(&pushed, &admin).await.0.is_empty(), "they belong to no feed");
    // A resource as large as it may be, changed from end to end: the trail has it all, this table has not.
    let large = |letter: &str| -> Value { (0..190).map(|n| json!({ "value": format!("{n}{}", letter.repeat(4_000)) })).collect() };
    let made =
        feed.post("/Users", &json!({ "schemas": [USER], "userName": "large", "entitlements": large("a"), "roles": large("a") })).await;
    assert_eq!(made.status, 201);
    let whole = json!({ "schemas": [USER], "userName": "large", "entitlements": large("b"), "roles": large("b") });
    assert_eq!(feed.put(&format!("/Users/{}", made.id()), &whole).await.status, 200);
    for n in 0..260 {
        feed.get(&format!("/Users?x={n}&filter={}", "x".repeat(3_000))).await;
        if n == 100 {
            let (_, all) = read(&pushed, &admin).await;
            assert!(all.contains("left_out") && all.len() < 2_000_000, "{}", all.len());
        }
    }
    let (items, all) = read(&pushed, &admin).await;
    assert_eq!(items.len(), 200);
    assert!(all.len() < 200 * 2 * 5_000, "{}", all.len());
}
