//! What nobody should send, and somebody does.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::scim_client::{GROUP, MEDIA_TYPE, PATCH, Pushed, SEARCH, USER};

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_unread() {
    let (pushed, feed) = Pushed::with_feed().await;
    let large = json!({ "schemas": [USER], "userName": "élodie", "title": "x".repeat(10 * 1024 * 1024) }).to_string();
    for (method, path) in
        [("POST", "/Users"), ("PUT", "/Users/any"), ("PATCH", "/Groups/any"), ("POST", "/Bulk"), ("POST", "/Users/.search")]
    {
        let said = feed.said(feed.request(method, path).header("content-type", MEDIA_TYPE).body(large.clone())).await;
        assert_eq!(said.status, 413, "{method} {path}");
    }
    // Without a length beforehand.
    let address = pushed.server.listens_at.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let path = format!("/e/{}/scim/v2/Users", pushed.place.slug());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: {MEDIA_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        feed.token,
        large.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // It is cut off at the bound: the rest may find nobody.
    drop(stream.write_all(large.as_bytes()).await);
    let mut said = vec![0; 12];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 413");
    assert_eq!(feed.get("/Users").await.counts(), (0, 0));
}

#[tokio::test]
async fn bodies_are_json_objects_of_a_known_media_type() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for body in ["", "[]", "\"text\"", "{", "{\"userName\":}", "null", "\u{feff}"] {
        let said = feed.said(feed.request("POST", "/Users").header("content-type", MEDIA_TYPE).body(body)).await;
        assert_eq!(said.refusal(), (400, "invalidSyntax"), "{body:?}");
    }
    for media_type in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
        let said = feed.said(feed.request("POST", "/Users").header("content-type", media_type).body("{}")).await;
        assert_eq!(said.status, 415, "{media_type}");
    }
    let deep = format!(
        "{{\"schemas\":[\"{USER}\"],\"userName\":\"a\",\"name\":{}{}}}",
        "{\"a\":".repeat(20_000),
        "1".to_owned() + &"}".repeat(20_000)
    );
    let said = feed.said(feed.request("POST", "/Users").header("content-type", MEDIA_TYPE).body(deep)).await;
    assert_eq!(said.status, 400, "{:#}", said.body);
}

#[tokio::test]
async fn values_of_another_type_are_named() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for (name, value) in [
        ("userName", json!(7)),
        ("userName", json!({})),
        ("userName", json!("")),
        ("active", json!("perhaps")),
        ("active", json!([true])),
        ("name", json!("Élodie")),
        ("emails", json!("e@example.fr")),
        ("emails", json!([["e@example.fr"]])),
        ("emails", json!([{ "value": 3 }])),
        ("emails", json!([{ "value": "a@example.fr", "primary": true }, { "value": "b@example.fr", "primary": true }])),
        ("externalId", json!({ "a": 1 })),
        ("userName", json!("a\u{0}b")),
    ] {
        let mut body = json!({ "schemas": [USER], "userName": "élodie" });
        body[name] = value.clone();
        let said = feed.post("/Users", &body).await;
        assert_eq!(said.status, 400, "{name} {value}: {:#}", said.body);
        assert!(matches!(said.refusal().1, "invalidValue" | "invalidSyntax"), "{name} {value}: {:#}", said.body);
        assert!(said.text("/detail").to_lowercase().contains(&name.to_lowercase()), "{name} {value}: {}", said.text("/detail"));
    }
    assert_eq!(feed.get("/Users").await.counts(), (0, 0));
}

#[tokio::test]
async fn a_resource_says_what_it_is_and_has_what_it_needs() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for (path, body) in [
        ("/Users", json!({ "not": "a resource" })),
        ("/Users", json!({ "schemas": [USER] })),
        ("/Users", json!({ "schemas": [USER], "userName": null })),
        ("/Users", json!({ "schemas": [GROUP], "userName": "a" })),
        ("/Users", json!({ "schemas": ["urn:unknown:schema:Cat"], "userName": "a" })),
        ("/Users", json!({ "schemas": USER, "userName": "a" })),
        ("/Groups", json!({ "schemas": [GROUP] })),
        ("/Groups", json!({ "schemas": [USER], "displayName": "a" })),
    ] {
        let said = feed.post(path, &body).await;
        assert_eq!(said.status, 400, "{body}: {:#}", said.body);
    }
}

#[tokio::test]
async fn filters_have_bounds_and_errors_have_names() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let deep = format!("{}userName eq \"a\"{}", "(".repeat(5_000), ")".repeat(5_000));
    let long = vec!["userName eq \"a\""; 5_000].join(" or ");
    let not = format!("{}active eq true{}", "not (".repeat(2_000), ")".repeat(2_000));
    let wide = format!("userName eq \"{}\"", "é".repeat(200_000));
    for filter in [deep.as_str(), long.as_str(), not.as_str(), wide.as_str()] {
        let search = json!({ "schemas": [SEARCH], "filter": filter });
        let said = feed.post("/Users/.search", &search).await;
        assert_eq!(said.refusal(), (400, "invalidFilter"), "{}…: {:#}", filter.chars().take(40).collect::<String>(), said.body);
    }
    for filter in [
        "userName",
        "userName eq",
        "userName eq élodie",
        "eq \"a\"",
        "userName is \"a\"",
        "colour eq \"red\"",
        "name.colour eq \"red\"",
        "urn:unknown:userName eq \"a\"",
        "active gt true",
        "userName eq \"a\" and",
        "(userName eq \"a\"",
        "emails[type eq \"work\"",
        "emails[].value eq \"a\"",
        "meta.created eq \"yesterday\"",
        "userName eq \"a\"; drop table users",
        "x509Certificates.value eq \"a\"",
    ] {
        let said = feed.find("/Users", filter).await;
        assert_eq!(said.refusal(), (400, "invalidFilter"), "{filter}: {:#}", said.body);
    }
}

#[tokio::test]
async fn patches_that_are_none_change_nothing() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let path = format!("/Users/{}", feed.person("élodie").await);
    let before = feed.get(&path).await.body;
    for (operations, word) in [
        (json!([{ "op": "increase", "path": "title", "value": "x" }]), "invalidSyntax"),
        (json!([{ "path": "title", "value": "x" }]), "invalidSyntax"),
        (json!({ "op": "add" }), "invalidSyntax"),
        (json!([{ "op": "remove" }]), "noTarget"),
        (json!([{ "op": "replace", "path": "emails[type eq", "value": "x" }]), "invalidPath"),
        (json!([{ "op": "replace", "path": "colour", "value": "x" }]), "invalidPath"),
        (json!([{ "op": "replace", "path": "id", "value": "x" }]), "mutability"),
        (json!([{ "op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z" }]), "mutability"),
        (json!([{ "op": "replace", "path": "active", "value": "perhaps" }]), "invalidValue"),
        (json!([{ "op": "remove", "path": "userName" }]), ""),
        // What precedes the wrong one is not done either.
        (json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "colour", "value": "x" }]), "invalidPath"),
    ] {
        let said = feed.patch(&path, &operations).await;
        assert_eq!(said.status, 400, "{operations}: {:#}", said.body);
        assert!(word.is_empty() || said.refusal().1 == word, "{operations}: {:#}", said.body);
    }
    for body in [json!({ "Operations": [] }), json!({ "schemas": [PATCH] }), json!({ "schemas": [USER], "Operations": [] })] {
        assert_eq!(feed.send("PATCH", &path, &body, &[]).await.status, 400, "{body}");
    }
    assert_eq!(feed.get(&path).await.body, before);
}

#[tokio::test]
async fn endpoints_that_are_not_there_are_told_as_errors() {
    let (_pushed, feed) = Pushed::with_feed().await;
    for path in ["/Cats", "/Groups/a/b", "/.well-known", "/Schemas/urn:unknown", "/ResourceTypes/Cat", "/Users/.search/x", "/users"] {
        assert_eq!(feed.get(path).await.status, 404, "{path}");
    }
    for (method, path) in [
        ("PUT", "/Users"),
        ("DELETE", "/Groups"),
        ("PATCH", "/Users"),
        ("POST", "/Users/any"),
        ("GET", "/Users/.search"),
        ("POST", "/ServiceProviderConfig"),
        ("PUT", "/Schemas"),
        ("DELETE", "/ResourceTypes"),
    ] {
        let said = feed.send(method, path, &json!({}), &[]).await;
        assert_eq!(said.status, 405, "{method} {path}");
        assert!(!said.header("allow").is_empty(), "{method} {path}: RFC 9110 §15.5.6");
    }
    assert_eq!(feed.get("/Users/%00").await.status, 400);
}

#[tokio::test]
async fn text_of_every_script_comes_back_as_it_went() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let external = "École-Jean ⟨№ 42⟩ — 学校 🏫";
    let body = json!({
        "schemas": [USER],
        "userName": "émilie.école-jean",
        "externalId": external,
        "displayName": "Émilie Škvorecký-Łukasiewicz",
        "name": { "familyName": "Ὀδυσσεύς", "givenName": "إميلي" },
        "emails": [{ "type": "work", "value": "émilie@école.example" }],
    });
    let made = feed.post("/Users", &body).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    for (name, value) in body.as_object().unwrap().iter().filter(|(name, _)| *name != "schemas") {
        assert_eq!(&made.body[name], value, "{name}");
    }
    for filter in [
        format!("externalId eq \"{external}\""),
        "userName eq \"ÉMILIE.ÉCOLE-JEAN\"".to_owned(),
        // The same letters, of two characters each.
        "userName eq \"e\u{301}milie.e\u{301}cole-jean\"".to_owned(),
        "displayName co \"škvorecký\"".to_owned(),
        "name.familyName sw \"Ὀδυ\"".to_owned(),
        "emails.value ew \"@école.example\"".to_owned(),
    ] {
        assert_eq!(feed.find("/Users", &filter).await.counts(), (1, 1), "{filter}");
    }
    let group = feed.group("École-Jean: 6ᵉ «A»", &[&made.id()]).await;
    assert_eq!(feed.find("/Groups", "displayName eq \"ÉCOLE-JEAN: 6ᵉ «A»\"").await.counts(), (1, 1));
    assert_eq!(feed.members(&group).await, [made.id()]);
}

#[tokio::test]
async fn members_that_are_no_members_are_told() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let group = feed.group("Élèves", &[]).await;
    for value in [json!([{ "value": 3 }]), json!(7), json!([[]]), Value::Bool(true)] {
        let said = feed.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": value }])).await;
        assert_eq!(said.status, 400, "{value}: {:#}", said.body);
    }
    assert!(feed.members(&group).await.is_empty());
    // Whoever is not there any more keeps none of the others out.
    let id = feed.person("élodie").await;
    let named = json!([{ "value": "never-was" }, { "value": "01890c5e-8f2a-7cc0-98f0-5a5b0ea00000" }, { "value": id }]);
    let said = feed.patch(&format!("/Groups/{group}"), &json!([{ "op": "add", "path": "members", "value": named }])).await;
    assert_eq!((said.status, said.texts("/members", "value")), (200, vec![id]), "{:#}", said.body);
}
