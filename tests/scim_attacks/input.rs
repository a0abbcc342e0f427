//! Texts that no store can keep, or that two readers take for two things, wherever a feed may write one.

use serde_json::{Value, json};

use super::{body, raw, status, written};
use crate::harness::scim_client::{BULK, ENTERPRISE, GROUP, MEDIA_TYPE, OWN, PATCH, Pushed, SEARCH, USER};

const NUL: &str = "a\u{0}b";

/// Every place of a User that holds a text, with a NUL character there.
fn users_with_nul() -> Vec<Value> {
    let plain = [
        "userName",
        "externalId",
        "displayName",
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "id",
    ];
    let lists = ["emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"];
    let mut all: Vec<Value> = plain.iter().map(|name| json!({ (*name): NUL })).collect();
    for part in ["value", "display", "type"] {
        all.extend(lists.iter().map(|name| json!({ (*name): [{ "value": "x", (part): NUL }] })));
    }
    all.extend(["formatted", "streetAddress", "country"].map(|part| json!({ "addresses": [{ (part): NUL }] })));
    all.extend(["formatted", "familyName", "givenName"].map(|part| json!({ "name": { (part): NUL } })));
    all.extend(["employeeNumber", "department"].map(|part| json!({ (ENTERPRISE): { (part): NUL } })));
    all.push(json!({ (ENTERPRISE): { "manager": { "value": NUL } } }));
    all.extend([json!({ (OWN): { "units": [NUL] } }), json!({ (OWN): { "homeUnit": NUL, "uai": "x" } })]);
    // What is not kept is refused all the same: nobody knows what is made of it tomorrow.
    all.extend([json!({ "unknown": [{ "deep": { "deeper": NUL } }] }), json!({ (NUL): 1 }), json!({ "schemas": [USER, NUL] })]);
    all
}

#[tokio::test]
async fn the_nul_character_is_refused_wherever_it_stands() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let id = feed.person("élodie").await;
    let group = feed.group("Élèves", &[]).await;
    let (user, group_path) = (format!("/Users/{id}"), format!("/Groups/{group}"));
    let before = feed.get(&user).await.body;
    for part in users_with_nul() {
        let mut whole = json!({ "schemas": [USER], "userName": "paul" });
        whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        for said in [feed.post("/Users", &whole).await, feed.put(&user, &whole).await] {
            assert_eq!(said.refusal(), (400, "invalidValue"), "{part}: {:#}", said.body);
        }
        let said = feed.patch(&user, &json!([{ "op": "replace", "value": part }])).await;
        assert_eq!(said.refusal(), (400, "invalidValue"), "{part}: {:#}", said.body);
        let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": whole });
        let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [operation] })).await;
        assert_eq!(said.refusal(), (400, "invalidValue"), "{part}: {:#}", said.body);
    }
    let within = "emails[type eq \"a\\u0000b\"].value";
    for operation in [
        json!({ "op": "replace", "path": "title", "value": NUL }),
        json!({ "op": "replace", "path": NUL, "value": "x" }),
        json!({ "op": NUL, "path": "title", "value": "x" }),
        json!({ "op": "add", "path": within, "value": "x" }),
        json!({ "op": "add", "value": { (within): "x" } }),
        json!({ "op": "remove", "path": within }),
    ] {
        let said = feed.patch(&user, &json!([operation])).await;
        assert_eq!(said.status, 400, "{operation}: {:#}", said.body);
    }
    for operation in [
        json!({ "op": "replace", "path": "displayName", "value": NUL }),
        json!({ "op": "replace", "path": "externalId", "value": NUL }),
        json!({ "op": "add", "path": "members", "value": [{ "value": NUL }] }),
        json!({ "op": "remove", "path": "members", "value": [{ "value": NUL }] }),
        json!({ "op": "remove", "path": "members[value eq \"a\\u0000\"]" }),
    ] {
        let said = feed.patch(&group_path, &json!([operation])).await;
        assert_eq!(said.status, 400, "{operation}: {:#}", said.body);
    }
    for group in [
        json!({ "displayName": NUL }),
        json!({ "displayName": "x", "externalId": NUL }),
        json!({ "displayName": "x", "members": [{ "value": NUL }] }),
    ] {
        let mut whole = group.clone();
        whole["schemas"] = json!([GROUP]);
        assert_eq!(feed.post("/Groups", &whole).await.refusal(), (400, "invalidValue"), "{group}");
    }
    for (name, value) in [("bulkId", NUL), ("path", "/Users/a\u{0}"), ("version", NUL), ("method", NUL)] {
        let mut operation = json!({ "method": "POST", "path": "/Users", "bulkId": "a", "data": { "schemas": [USER], "userName": "zoe" } });
        operation[name] = json!(value);
        let said = feed.post("/Bulk", &json!({ "schemas": [BULK], "Operations": [operation] })).await;
        assert_eq!(said.refusal(), (400, "invalidValue"), "{name}");
    }
    assert_eq!(feed.get(&user).await.body, before);
    assert_eq!(feed.get("/Users").await.counts(), (1, 1));
}

#[tokio::test]
async fn the_nul_character_is_refused_in_every_question() {
    let (_pushed, feed) = Pushed::with_feed().await;
    feed.person("élodie").await;
    for query in [
        "filter=%00",
        "filter=userName+eq+%22a%00%22",
        "sortBy=%00",
        "sortOrder=%00",
        "attributes=%00",
        "cursor=%00",
        "count=%00",
        "x=%00",
        "%00",
    ] {
        for path in ["/Users", "/Groups", "/", "/Schemas"] {
            assert_eq!(feed.get(&format!("{path}?{query}")).await.refusal(), (400, "invalidValue"), "{path}?{query}");
        }
    }
    // Written as JSON writes it, within a filter.
    for filter in [
        "userName eq \"\\u0000\"",
        "emails[value sw \"a\\u0000\"]",
        "externalId ew \"\\u0000\"",
        "meta.version eq \"\\u0000\"",
        "id eq \"\\u0000\"",
    ] {
        assert_eq!(feed.find("/Users", filter).await.refusal(), (400, "invalidFilter"), "{filter}");
        assert_eq!(
            feed.post("/Users/.search", &json!({ "schemas": [SEARCH], "filter": filter })).await.refusal(),
            (400, "invalidFilter"),
            "{filter}"
        );
    }
    for (name, value) in
        [("filter", json!(NUL)), ("sortBy", json!(NUL)), ("cursor", json!(NUL)), ("attributes", json!([NUL])), ("startIndex", json!(NUL))]
    {
        let said = feed.post("/Users/.search", &json!({ "schemas": [SEARCH], (name): value })).await;
        assert_eq!(said.refusal(), (400, "invalidValue"), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused_and_nothing_is_guessed() {
    let (pushed, feed) = Pushed::with_feed().await;
    let user = |inner: &str| format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"paul\",{inner}}}").into_bytes();
    let twice_deep = user("\"name\":{\"familyName\":\"a\",\"familyName\":\"b\"}");
    let deep = user(&format!("\"x\":{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000)));
    let bom = [&b"\xef\xbb\xbf"[..], &user("\"title\":\"x\"")].concat();
    let utf16: Vec<u8> = String::from_utf8(user("\"title\":\"x\"")).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, sent) in [
        ("a lone surrogate", user("\"title\":\"\\ud83c\"")),
        ("surrogates the wrong way round", user("\"title\":\"\\udfeb\\ud83c\"")),
        ("bytes that are no UTF-8", [&b"{\"userName\":\""[..], b"\xff\xfe", b"\"}"].concat()),
        ("an overlong character", [&b"{\"userName\":\""[..], b"\xc0\x80", b"\"}"].concat()),
        ("a byte order mark", bom),
        ("UTF-16", utf16),
        ("a name twice", user("\"userName\":\"admin\"")),
        ("a name twice, once escaped", user("\"\\u0075serName\":\"admin\"")),
        ("a name twice, deep", twice_deep),
        ("a thousand levels", deep),
        ("something after it", [user("\"title\":\"x\""), b"{}".to_vec()].concat()),
        ("a comment", user("/* x */\"title\":\"x\"")),
        ("not a number", user("\"x\":NaN")),
    ] {
        let told = raw(&pushed, &written(&pushed, &feed, "POST /Users", &[format!("content-type: {MEDIA_TYPE}")], &sent)).await;
        assert_eq!((status(&told), body(&told)["scimType"].as_str()), (400, Some("invalidSyntax")), "{what}: {told}");
    }
    assert_eq!(feed.get("/Users").await.counts(), (0, 0));
    // Twice in another letter case is the same name twice.
    let said = feed.post("/Users", &json!({ "schemas": [USER], "userName": "a", "USERNAME": "b" })).await;
    assert_eq!(said.refusal(), (400, "invalidSyntax"));
}

#[tokio::test]
async fn a_password_is_neither_kept_nor_told_again() {
    let (pushed, feed) = Pushed::with_feed().await;
    let made = feed.post("/Users", &json!({ "schemas": [USER], "userName": "élodie", "password": "hunter2-créé" })).await;
    assert_eq!(made.status, 201, "{:#}", made.body);
    let path = format!("/Users/{}", made.id());
    let patched = feed.patch(&path, &json!([{ "op": "replace", "value": { "password": "hunter2-changé" } }])).await;
    assert_eq!(patched.status, 200, "{:#}", patched.body);
    let refused = feed.patch(&path, &json!([{ "op": "replace", "path": "password", "value": "hunter2-chemin" }])).await;
    assert_eq!(refused.refusal(), (400, "invalidPath"));
    let asked = feed.find("/Users", "password eq \"hunter2-filtre\"").await;
    assert_eq!(asked.refusal(), (400, "invalidFilter"));
    let shown = feed.get(&format!("{path}?attributes=password,userName")).await;
    for said in [made, patched, refused, asked, shown] {
        assert!(!said.body.to_string().contains("hunter2"), "{:#}", said.body);
    }
    let mut tx = pushed.place.ctx.store.read().await.unwrap();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let kept = passerelle::store::establishment::user::find(&mut tx, id).await.unwrap().unwrap();
    assert!(!format!("{kept:?}").contains("hunter2"));
    drop(tx);
    let unknown = feed.patch(&path, &json!([{ "op": "add", "value": { "schemas": [PATCH, "urn:example:x"] } }])).await;
    assert!(matches!(unknown.status, 200 | 400), "{:#}", unknown.body);
}
