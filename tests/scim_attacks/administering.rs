//! The admin API over feeds and provisionings: who reads and decides, and what is written there.

use reqwest::Method;
use serde_json::{Value, json};

use super::Admin;
use crate::harness::scim_client::{BULK, PATCH, Pushed, USER, feed_of};

const NUL: &str = "a\u{0}b";

/// Every operation over what a feed asked, what waits, its tokens and a provisioning: method, path, body. `{request}` and `{token}` are there.
const OPERATIONS: [(&str, &str, &str); 19] = [
    ("GET", "/sources/entra", ""),
    ("GET", "/sources/entra/requests", ""),
    ("GET", "/sources/entra/requests/{request}", ""),
    ("POST", "/sources/entra/requests/{request}/replay", ""),
    ("GET", "/sources/entra/held", ""),
    ("POST", "/sources/entra/held/approve", "{}"),
    ("POST", "/sources/entra/held/refuse", "{}"),
    ("GET", "/tokens", ""),
    ("GET", "/tokens/{token}", ""),
    ("POST", "/tokens", r#"{"name":"x","kind":"scim","source":"entra"}"#),
    ("POST", "/tokens/{token}/rotate", "{}"),
    ("DELETE", "/tokens/{token}", ""),
    ("GET", "/applications/wiki/provisioning", ""),
    ("PUT", "/applications/wiki/provisioning", r#"{"url":"https://wiki.example.fr/scim","auth":{"kind":"bearer","secret":"x"}}"#),
    ("PATCH", "/applications/wiki/provisioning", r#"{"dry_run":true}"#),
    ("GET", "/applications/wiki/provisioning/queue", ""),
    ("GET", "/applications/wiki/provisioning/drift", ""),
    ("POST", "/applications/wiki/provisioning/check", ""),
    ("DELETE", "/applications/wiki/provisioning", ""),
];

struct Bed {
    pushed: Pushed,
    administrator: Admin,
    request: String,
    token: String,
}

impl Bed {
    async fn start() -> Self {
        let (pushed, feed) = Pushed::with_feed().await;
        let administrator = Admin::of(&pushed, "administrator", None).await;
        let place = &pushed.place;
        let wiki = json!({ "name": "wiki", "roles": [{ "name": "chef" }] });
        assert_eq!(administrator.ask(place, Method::POST, "/applications", Some(&wiki)).await.0, 201);
        assert_eq!(administrator.ask(place, Method::POST, "/units", Some(&json!({ "name": "GEA" }))).await.0, 201);
        let provisioning: Value = serde_json::from_str(OPERATIONS[13].2).unwrap();
        assert_eq!(administrator.ask(place, Method::PUT, OPERATIONS[13].1, Some(&provisioning)).await.0, 200);
        // One that waits, and one that was noted.
        let said = feed.post("/Users", &json!({ "schemas": [USER], "userName": "elodie", "externalId": "x" })).await;
        assert_eq!(said.status, 409);
        let request = said.header("x-request-id").to_owned();
        let listed = administrator.ask(place, Method::GET, "/tokens?kind=scim", None).await.1;
        let token = listed["items"][0]["id"].as_str().unwrap().to_owned();
        Self { pushed, administrator, request, token }
    }

    async fn ask(&self, who: &Admin, (method, path, body): (&str, &str, &str)) -> (u16, Value) {
        let path = path.replace("{request}", &self.request).replace("{token}", &self.token);
        let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_str(body).unwrap());
        who.ask(&self.pushed.place, method.parse().unwrap(), &path, body.as_ref()).await
    }
}

#[tokio::test]
async fn delegates_read_and_decide_nothing_of_feeds() {
    let bed = Bed::start().await;
    let delegates = [("unit_administrator", Some("GEA")), ("help_desk", Some("GEA")), ("help_desk", None), ("responsible", Some("wiki"))];
    for (role, within) in delegates {
        let delegate = Admin::of(&bed.pushed, role, within).await;
        for operation in OPERATIONS {
            let (status, told) = bed.ask(&delegate, operation).await;
            assert_eq!(status, 403, "{role} {within:?} {operation:?}: {told:#}");
            assert!(!told.to_string().contains("elodie"), "{role} {operation:?}: {told:#}");
        }
    }
    // Who reads everything changes nothing.
    let auditor = Admin::of(&bed.pushed, "auditor", None).await;
    for operation in OPERATIONS {
        let (status, told) = bed.ask(&auditor, operation).await;
        assert_eq!(status, if operation.0 == "GET" { 200 } else { 403 }, "{operation:?}: {told:#}");
        assert!(!told.to_string().contains("psl_"), "no secret is read again: {told:#}");
    }
    // Of another establishment there is nothing at all, and a feed's own token is nobody here.
    let elsewhere = bed.pushed.server.establishment("Lycée Ampère").await;
    let stranger = Admin { base: bed.administrator.base.clone(), token: super::api_token(&elsewhere, "administrator", None).await };
    let feed = Admin { base: bed.administrator.base.clone(), token: feed_of(&elsewhere, "okta").await.token };
    for operation in OPERATIONS {
        assert_eq!(bed.ask(&stranger, operation).await.0, 404, "{operation:?}");
        assert_eq!(bed.ask(&feed, operation).await.0, 401, "{operation:?}");
    }
    assert_eq!(bed.ask(&bed.administrator, OPERATIONS[3]).await.0, 200, "and whoever administers it may");
}

#[tokio::test]
async fn the_nul_character_is_refused_in_every_field_and_question() {
    let bed = Bed::start().await;
    let place = &bed.pushed.place;
    let provisioning = |more: Value| {
        let mut fields = json!({ "url": "https://wiki.example.fr/scim", "auth": { "kind": "bearer", "secret": "x" } });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    let source = |more: Value| {
        let mut fields = json!({ "name": "neuf", "kind": "scim", "settings": {} });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    for (method, path, body) in [
        (Method::POST, "/sources", source(json!({ "name": NUL }))),
        (Method::POST, "/sources", source(json!({ "settings": { "url": NUL } }))),
        (Method::POST, "/sources", source(json!({ "settings": { "url": "https://x.example.fr", "token": NUL } }))),
        (Method::POST, "/sources", source(json!({ "settings": { "url": "https://x.example.fr", "user_filter": NUL } }))),
        (Method::POST, "/sources", source(json!({ "matching": { "anchor": { NUL: "username" } } }))),
        (Method::PATCH, "/sources/entra", json!({ "name": NUL })),
        (Method::PATCH, "/sources/entra", json!({ "settings": { NUL: 1 } })),
        (Method::POST, "/tokens", json!({ "name": NUL, "kind": "scim", "source": "entra" })),
        (Method::POST, "/tokens", json!({ "name": "x", "kind": "scim", "source": NUL })),
        (Method::PUT, "/applications/wiki/provisioning", provisioning(json!({ "url": NUL }))),
        (Method::PUT, "/applications/wiki/provisioning", provisioning(json!({ "auth": { "kind": "bearer", "secret": NUL } }))),
        (Method::PUT, "/applications/wiki/provisioning", provisioning(json!({ "roles": [NUL] }))),
        (Method::PUT, "/applications/wiki/provisioning", provisioning(json!({ "mapping": { "userName": NUL } }))),
        (Method::PUT, "/applications/wiki/provisioning", provisioning(json!({ "groups": "groups", "group_pattern": NUL }))),
        (Method::PATCH, "/applications/wiki/provisioning", json!({ "group_name": NUL })),
        (Method::POST, "/sources/entra/held/approve", json!({ "ids": [NUL] })),
        (Method::POST, "/sources/entra/held/refuse", json!({ NUL: [] })),
    ] {
        let (status, told) = bed.administrator.ask(place, method.clone(), path, Some(&body)).await;
        assert!(matches!(status, 400 | 422), "{method} {path} {body}: {status} {told:#}");
    }
    for path in [
        "/sources/entra/requests",
        "/sources/entra/held",
        "/tokens",
        "/applications/wiki/provisioning/queue",
        "/applications/wiki/provisioning/drift",
    ] {
        for query in ["q=a%00", "cursor=%00", "limit=%00", "%00=x", "x=%00"] {
            let (status, told) = bed.administrator.ask(place, Method::GET, &format!("{path}?{query}"), None).await;
            assert_eq!(status, 400, "{path}?{query}: {told:#}");
        }
    }
    for path in
        ["/sources/a%00/requests", "/sources/entra/requests/%00", "/sources/%00/held", "/tokens/%00", "/applications/%00/provisioning"]
    {
        assert_eq!(bed.administrator.ask(place, Method::GET, path, None).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn what_was_refused_for_its_characters_is_shown_and_tried_again() {
    let bed = Bed::start().await;
    let feed = bed.pushed.feed("okta").await;
    let id = feed.person("zoé").await;
    let patch = |operation: Value| json!({ "schemas": [PATCH], "Operations": [operation] });
    for (method, path, sent) in [
        ("POST", "/Users".to_owned(), json!({ "schemas": [USER], "userName": NUL, "externalId": NUL })),
        ("PATCH", format!("/Users/{id}"), patch(json!({ "op": "replace", "path": "title", "value": NUL }))),
        ("PATCH", format!("/Users/{id}"), patch(json!({ "op": NUL, "path": NUL, "value": NUL }))),
        ("PATCH", format!("/Users/{id}"), patch(json!({ "op": "add", "value": { NUL: NUL } }))),
        (
            "POST",
            "/Bulk".to_owned(),
            json!({ "schemas": [BULK], "Operations": [{ "method": "DELETE", "path": format!("/Users/{NUL}"), "bulkId": NUL }] }),
        ),
    ] {
        let said = feed.send(method, &path, &sent, &[]).await;
        assert_eq!(said.status, 400, "{sent}");
        let request = format!("/sources/okta/requests/{}", said.header("x-request-id"));
        assert_eq!(bed.administrator.ask(&bed.pushed.place, Method::GET, &request, None).await.0, 200, "{sent}");
        let (status, again) = bed.administrator.ask(&bed.pushed.place, Method::POST, &format!("{request}/replay"), None).await;
        assert!(status == 200 && again["status"].as_u64().is_some_and(|status| status < 500), "{sent}: {again:#}");
    }
    let listed = bed.administrator.ask(&bed.pushed.place, Method::GET, "/sources/okta/requests", None).await;
    assert_eq!((listed.0, &listed.1["total"]), (200, &json!(6)), "none of them kept the others out");
}

#[tokio::test]
async fn odd_questions_are_answered_in_words() {
    let bed = Bed::start().await;
    let place = &bed.pushed.place;
    for (path, expected) in [
        ("/sources/entra/requests?limit=0", 400),
        ("/sources/entra/requests?limit=501", 400),
        ("/sources/entra/requests?limit=99999999999999999999", 400),
        ("/sources/entra/requests?status=99999999999999999999", 400),
        ("/sources/entra/requests?status=-9223372036854775808", 200),
        ("/sources/entra/requests?refused=maybe", 400),
        ("/sources/entra/requests?subject_id=x", 400),
        ("/sources/entra/requests?unknown=x", 400),
        ("/sources/entra/requests?cursor=x", 400),
        ("/sources/entra/requests?method=%27%20OR%201=1%20--", 200),
        ("/sources/entra/requests?q=%25%5F%5C%27", 200),
        ("/sources/entra/requests/x", 404),
        ("/sources/entra/requests/%FF", 400),
        ("/sources/nowhere/requests", 404),
        ("/sources/nowhere/held", 404),
        ("/sources/entra/held?reason=x", 400),
        ("/sources/entra/held?operation=%E2%80%AE", 200),
        ("/applications/wiki/provisioning/queue?state=x", 400),
        ("/applications/wiki/provisioning/queue?remote_id=%27", 200),
        ("/applications/nowhere/provisioning", 404),
    ] {
        let (status, told) = bed.administrator.ask(place, Method::GET, path, None).await;
        assert_eq!(status, expected, "{path}: {told:#}");
        assert!(!told.to_string().to_lowercase().contains("sql"), "{told:#}");
    }
    for (path, body, expected) in [
        ("/sources/entra/held/approve", json!({ "ids": ["x"] }), 422),
        ("/sources/entra/held/approve", json!({ "ids": "x" }), 422),
        ("/sources/entra/held/approve", json!({ "ids": ["00000000-0000-0000-0000-000000000000"] }), 404),
        ("/sources/entra/held/approve", json!({ "ids": [] }), 200),
        ("/sources/entra/held/refuse", json!([]), 422),
        ("/applications/wiki/provisioning/reconcile", json!({ "repair": "yes" }), 422),
    ] {
        let (status, told) = bed.administrator.ask(place, Method::POST, path, Some(&body)).await;
        assert_eq!(status, expected, "{path} {body}: {told:#}");
    }
    let overlap = |seconds: i64| json!({ "overlap_s": seconds });
    for seconds in [-1, i64::MIN, i64::MAX, 90 * 24 * 3600 + 1] {
        let (status, told) =
            bed.administrator.ask(place, Method::POST, &format!("/tokens/{}/rotate", bed.token), Some(&overlap(seconds))).await;
        assert_eq!(status, 422, "{seconds}: {told:#}");
    }
    // One that waits for another decision than this one is not decided by it.
    let held = bed.ask(&bed.administrator, OPERATIONS[4]).await.1;
    let ids = json!({ "ids": [held["items"][0]["id"]] });
    for path in ["/sources/entra/held/approve", "/sources/entra/held/refuse"] {
        assert_eq!(bed.administrator.ask(place, Method::POST, path, Some(&ids)).await.0, 409, "{path}");
    }
}
