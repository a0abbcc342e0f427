//! Requests that are odd as HTTP: methods, addresses, headers and bodies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{WORDS, body, raw, status, written};
use crate::harness::scim_client::{ERROR, MEDIA_TYPE, Pushed, USER};

#[tokio::test]
async fn only_the_methods_of_an_endpoint_are_its_methods() {
    let (pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let one = format!("/Users/{id}");
    for (path, allowed) in [
        ("/Users", "GET,HEAD,POST"),
        (one.as_str(), "DELETE,GET,HEAD,PATCH,PUT"),
        ("/Users/.search", "POST"),
        ("/Bulk", "POST"),
        ("/Schemas", "GET,HEAD"),
        ("/ServiceProviderConfig", "GET,HEAD"),
        ("/", "GET,HEAD"),
        ("", "GET,HEAD"),
    ] {
        for method in ["OPTIONS", "TRACE", "PROPFIND", "get", "PURGE", "LINK", "DELETE", "PUT"] {
            if allowed.split(',').any(|one| one == method) {
                continue;
            }
            let told = raw(&pushed, &written(&pushed, &feed, &format!("{method} {path}"), &[], b"")).await;
            assert_eq!(status(&told), 405, "{method} {path}: {told}");
            let allow = told.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap_or_else(|| panic!("no Allow: {told}"));
            let mut listed: Vec<&str> = allow.split(',').map(str::trim).collect();
            listed.sort_unstable();
            assert_eq!(listed.join(","), allowed, "{path}");
            assert_eq!((body(&told)["schemas"].clone(), body(&told)["status"].clone()), (json!([ERROR]), json!("405")));
        }
    }
    let head = raw(&pushed, &written(&pushed, &feed, "HEAD /Users", &[], b"")).await;
    assert!(status(&head) == 200 && head.ends_with("\r\n\r\n") && head.contains("content-type: application/scim+json"), "{head}");
    let head = raw(&pushed, &written(&pushed, &feed.with_token(""), "HEAD /Users", &[], b"")).await;
    assert!(status(&head) == 401 && head.ends_with("\r\n\r\n"), "{head}");
    // Nobody asks for another method than they say.
    for header in ["X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"] {
        let told = raw(&pushed, &written(&pushed, &feed, &format!("GET {one}?_method=DELETE"), &[header.to_owned()], b"")).await;
        assert_eq!(status(&told), 200, "{header}");
    }
    assert_eq!(feed.get(&one).await.status, 200);
}

#[tokio::test]
async fn odd_addresses_lead_nowhere() {
    let (pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    for target in [
        "/users".to_owned(),
        "/USERS".to_owned(),
        "/Users/".to_owned(),
        format!("/Users/{id}/"),
        format!("/Users//{id}"),
        format!("//Users/{id}"),
        format!("/Users/./{id}"),
        format!("/Groups/../Users/{id}"),
        format!("/Groups/%2e%2e%2fUsers%2f{id}"),
        format!("/Users/{id}%2f"),
        format!("/Users/{id}%20"),
        format!("/Users/%25{id}"),
        format!("/Users/{id};x=1"),
        format!("/Users/{id}.json"),
        "/Users/..%2f..%2f..%2f..%2fetc%2fpasswd".to_owned(),
        "/Users/%ff".to_owned(),
        "/Users/%c0%af".to_owned(),
        "/Users/%e0%80%af".to_owned(),
        "/Users/%ed%a0%80".to_owned(),
        "/Schemas/%ff".to_owned(),
        "/Users/-1".to_owned(),
        "/Users/' OR 1=1 --".replace(' ', "%20"),
        format!("/Users/{}", "x".repeat(20_000)),
        "/Me/x".to_owned(),
        "/Bulk/".to_owned(),
    ] {
        let told = raw(&pushed, &written(&pushed, &feed, &format!("GET {target}"), &[], b"")).await;
        assert_eq!(status(&told), 404, "{target}: {told}");
        assert_eq!(body(&told)["schemas"], json!([ERROR]), "{target}: {told}");
        assert!(told.len() < 2_000, "a long address is not sent back: {target}");
    }
    for target in ["/Users/%00", "/%00", "/Users?x=%00"] {
        let told = raw(&pushed, &written(&pushed, &feed, &format!("GET {target}"), &[], b"")).await;
        assert_eq!((status(&told), body(&told)["scimType"].as_str()), (400, Some("invalidValue")), "{target}");
    }
}

#[tokio::test]
async fn odd_bodies_are_refused_in_words() {
    let (pushed, feed) = Pushed::with_feed().await;
    let sent = json!({ "schemas": [USER], "userName": "paul" }).to_string().into_bytes();
    let scim = format!("content-type: {MEDIA_TYPE}");
    for (headers, expected) in [
        (vec![scim.clone(), "content-encoding: gzip".to_owned()], 415),
        (vec![scim.clone(), "content-encoding: br, gzip".to_owned()], 415),
        (vec!["content-type: text/plain".to_owned()], 415),
        (vec!["content-type: application/json+evil".to_owned()], 415),
        (vec!["content-type: multipart/form-data; boundary=x".to_owned()], 415),
        (vec!["content-type: application/x-www-form-urlencoded".to_owned()], 415),
        (vec![scim.clone(), "if-match: \"é\"".to_owned()], 201),
    ] {
        let told = raw(&pushed, &written(&pushed, &feed, "POST /Users", &headers, &sent)).await;
        assert_eq!(status(&told), expected, "{headers:?}: {told}");
    }
    // A length that is none, or is said twice, is no request at all; nothing of it is carried out.
    for headers in [vec!["content-length: -1"], vec!["content-length: 5", "content-length: 6"], vec!["transfer-encoding: gzip"]] {
        let headers: Vec<String> = headers.into_iter().chain([scim.as_str()]).map(str::to_owned).collect();
        let told = raw(&pushed, &[written(&pushed, &feed, "POST /Groups", &headers, b""), sent.clone()].concat()).await;
        assert!(matches!(status(&told), 400 | 411 | 501), "{headers:?}: {told}");
    }
    let long = raw(&pushed, &written(&pushed, &feed, "GET /Users", &[format!("x-long: {}", "x".repeat(1_000_000))], b"")).await;
    assert!(long.is_empty() || matches!(status(&long), 431), "{}", &long[..long.len().min(200)]);
    assert_eq!((feed.get("/Users").await.counts(), feed.get("/Groups").await.counts()), ((1, 1), (0, 0)));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
    let pushed = Pushed::start_with(|config| config.limits.request_timeout_s = 1).await;
    let feed = pushed.feed("entra").await;
    let head = written(&pushed, &feed, "POST /Users", &[format!("content-type: {MEDIA_TYPE}"), "content-length: 100".to_owned()], b"");
    let begun = Instant::now();
    let mut stream = TcpStream::connect(pushed.server.listens_at.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(&head).await.unwrap();
    stream.write_all(b"{\"schemas\":").await.unwrap();
    let mut told = Vec::new();
    stream.read_to_end(&mut told).await.unwrap();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!((status(&told), body(&told)["schemas"].clone()), (503, json!([ERROR])), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(20) && told.contains("retry-after: "), "{told}");
    assert_eq!(feed.get("/Users").await.counts(), (0, 0));
}

#[tokio::test]
async fn every_refusal_has_the_form_of_the_standard_and_shows_nothing_of_the_inside() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let user = format!("/Users/{id}");
    let quote = "'; DROP TABLE users; --";
    let refused = [
        feed.with_token("x").get("/Users").await,
        feed.with_token("").get("/Users").await,
        feed.get("/Users/nobody").await,
        feed.get("/Cats").await,
        feed.send("PUT", "/Users", &json!({}), &[]).await,
        feed.post("/Users", &json!([])).await,
        feed.post("/Users", &json!({ "schemas": [USER], "userName": "élodie" })).await,
        feed.post("/Users", &json!({ "schemas": [USER], "userName": quote })).await,
        feed.find("/Users", quote).await,
        feed.find("/Users", &format!("userName eq {quote}")).await,
        feed.get("/Users?count=x").await,
        feed.get("/Users?cursor=x").await,
        feed.get("/Users?sortBy=nothing").await,
        feed.get("/Schemas?filter=x").await,
        feed.patch(&user, &json!([{ "op": "remove" }])).await,
        feed.patch(&user, &json!([{ "op": "replace", "path": "id", "value": "x" }])).await,
        feed.send("PUT", &user, &json!({ "schemas": [USER], "userName": "a" }), &[("if-match", "W/\"9\"")]).await,
        feed.said(feed.request("POST", "/Users").header("content-type", "text/html").body("<")).await,
        feed.post("/Me", &json!({})).await,
        feed.post("/Bulk", &json!({ "schemas": [], "Operations": [] })).await,
    ];
    for said in refused {
        // The harness looks at the media type, the schemas and the status itself.
        assert!((400..500).contains(&said.status) || said.status == 501, "{:#}", said.body);
        if let Some(word) = said.body.get("scimType").and_then(Value::as_str) {
            assert!(WORDS.contains(&word), "{word}");
        }
        let names: Vec<&String> = said
            .body
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| !["schemas", "status", "scimType", "detail"].contains(&name.as_str()))
            .collect();
        assert!(names.is_empty(), "{names:?}");
        let detail = said.text("/detail").to_lowercase();
        for inside in ["sqlx", "sqlite", "postgres", "select ", "scim_resources", ".rs:", "panicked", "stack"] {
            assert!(!detail.contains(inside), "{detail}");
        }
        assert_eq!((said.header("x-content-type-options"), said.header("cache-control")), ("nosniff", "no-store"), "{:#}", said.body);
        assert!(!said.header("x-request-id").is_empty());
        assert!(said.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "no page of another origin reads it");
    }
    let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let preflight = feed.send("OPTIONS", "/Users", &json!({}), &asked).await;
    assert!(preflight.status == 405 && preflight.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
}
