//! What a SCIM feed asked of late: listed, shown with what it changed, tried again without leaving anything.

use std::time::Duration;

use passerelle::services::context::Context;
use passerelle::services::housekeeping;
use passerelle::services::scim::change::With;
use passerelle::services::scim::error::ScimError;
use passerelle::services::scim::feeds::Feed;
use passerelle::services::scim::inspector::{self, Sight};
use passerelle::services::scim::patch::{self, PATCH_URN};
use passerelle::services::scim::resources;
use passerelle::services::scim::schema::{ENTERPRISE_URN, Kind, USER_URN};
use passerelle::services::{sources, tokens};
use passerelle::types::id::TokenId;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::kit::Served;

/// A feed of an establishment, and the address of its requests.
struct Bed {
    api: Served,
    ctx: Context,
    administrator: String,
    requests: String,
    token: TokenId,
}

impl Bed {
    async fn start() -> Self {
        let api = Served::start().await;
        let slug = api.establishment("Lycée Ampère").await;
        let (administrator, ctx) = (api.token(&slug, "administrator").await, api.test.context(&slug).await);
        let fields = json!({ "name": "entra", "kind": "scim", "settings": {} });
        sources::create(&ctx, &serde_json::from_value(fields).unwrap()).await.unwrap();
        let of_feed = json!({ "name": "entra", "kind": "scim", "source": "entra" });
        let token = tokens::create(&ctx, &serde_json::from_value(of_feed).unwrap()).await.unwrap().0.id;
        Self { token, requests: format!("/api/v1/establishments/{slug}/sources/entra/requests"), api, ctx, administrator }
    }

    async fn feed(&self) -> Feed {
        Feed::of(&self.ctx, sources::get(&self.ctx, "entra").await.unwrap(), self.token)
    }

    /// Carries a request out as the service does, and notes it.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> (Uuid, Result<Map<String, Value>, ScimError>) {
        let feed = self.feed().await;
        let sent = body.as_object().unwrap().clone();
        let id = path.rsplit('/').next().unwrap();
        let outcome = match method {
            "POST" => resources::create(&feed, Kind::User, sent, With::USUAL).await,
            "PATCH" => match patch::parse(&sent) {
                Ok(ops) => resources::patch(&feed, Kind::User, id, ops, None, With::USUAL).await,
                Err(refused) => Err(refused),
            },
            other => panic!("no {other} here"),
        };
        let key = Uuid::now_v7();
        let error = outcome.as_ref().err().cloned();
        let sight = Sight {
            id: key,
            at: self.ctx.now,
            method: method.to_owned(),
            path: path.to_owned(),
            agent: None,
            body: Some(body.to_string().into_bytes()),
            status: error.as_ref().map_or(200, |error| error.status),
            took: Duration::from_millis(3),
            error,
        };
        inspector::note(&feed, sight);
        (key, outcome.map(|stored| stored.resource))
    }

    async fn made(&self, user_name: &str) -> (Uuid, String) {
        let body = json!({ "schemas": [USER_URN], "userName": user_name, "password": "hunter2", "emails": [{ "value": "a@x.fr", "type": "work" }] });
        let (key, made) = self.ask("POST", "/Users", &body).await;
        (key, made.unwrap()["id"].as_str().unwrap().to_owned())
    }

    async fn get(&self, rest: &str) -> Value {
        let answer = self.api.get(&format!("{}{rest}", self.requests), &self.administrator).await;
        assert_eq!(answer.status, StatusCode::OK, "{:#}", answer.body);
        answer.body
    }

    async fn replay(&self, key: Uuid) -> (StatusCode, Value) {
        let answer = self.api.post(&format!("{}/{key}/replay", self.requests), &self.administrator, &json!({})).await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn a_request_is_listed_and_shown_with_what_it_changed_and_without_secrets() {
    let bed = Bed::start().await;
    let (key, id) = bed.made("élodie").await;
    let listed = bed.get("").await;
    assert_eq!(listed["total"], 1);
    let seen = &listed["items"][0];
    assert_eq!((&seen["id"], &seen["subject_id"], &seen["method"]), (&json!(key), &json!(id), &json!("POST")));
    assert!(seen.get("request").is_none(), "bodies are shown one by one");
    let shown = bed.get(&format!("/{key}")).await;
    assert_eq!((&shown["request"]["userName"], &shown["request"]["password"]), (&json!("élodie"), &json!("***")));
    assert_eq!((&shown["changes"][0]["action"], &shown["changes"][0]["subject_id"]), (&json!("user.stated"), &json!(id)));
    assert!(!shown.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_refused_request_names_the_operation_that_failed() {
    let bed = Bed::start().await;
    let (_, id) = bed.made("élodie").await;
    let operations = json!([{ "op": "Replace", "path": "title", "value": "x" }, { "op": "Remove", "path": "emails[type eq \"home\"]" }]);
    let (key, outcome) = bed.ask("PATCH", &format!("/Users/{id}"), &json!({ "schemas": [PATCH_URN], "Operations": operations })).await;
    assert_eq!(outcome.unwrap_err().operation, Some(1));
    let refused = bed.get("?refused=true").await;
    assert_eq!((&refused["total"], &refused["items"][0]["id"]), (&json!(1), &json!(key)));
    let failing = refused["items"][0]["failing"].as_str().unwrap();
    assert!(failing.starts_with("noTarget: operation 2") && failing.contains("emails[type eq \"home\"]"), "{failing}");
    assert_eq!((&refused["items"][0]["dialect"], &refused["items"][0]["subject_id"]), (&json!("entra"), &json!(id)));
    let shown = bed.get(&format!("/{key}")).await;
    assert_eq!((&shown["answer"]["scimType"], &shown["changes"]), (&json!("noTarget"), &json!([])));
    for (query, total) in
        [("?dialect=entra", 1), ("?method=POST", 1), ("?status=400", 1), ("?q=notarget", 1), ("?refused=false", 1), ("?dialect=okta", 0)]
    {
        assert_eq!(bed.get(query).await["total"], total, "{query}");
    }
    assert_eq!(bed.get(&format!("?subject_id={id}")).await["total"], 2);
}

#[tokio::test]
async fn trying_a_request_again_tells_what_it_would_do_now_and_leaves_nothing() {
    let bed = Bed::start().await;
    let (made, id) = bed.made("élodie").await;
    let title = json!({ "schemas": [PATCH_URN], "Operations": [{ "op": "add", "path": "title", "value": "Maître" }] });
    let (key, _) = bed.ask("PATCH", &format!("/Users/{id}"), &title).await;
    let off = json!({ "schemas": [PATCH_URN], "Operations": [{ "op": "replace", "path": "title", "value": "Autre" }] });
    bed.ask("PATCH", &format!("/Users/{id}"), &off).await.1.unwrap();
    let before = resources::read(&bed.feed().await, Kind::User, &id, With::USUAL).await.unwrap();
    let (status, again) = bed.replay(key).await;
    assert_eq!(status, StatusCode::OK, "{again:#}");
    assert_eq!((&again["status"], &again["resource"]["title"], &again["answer"]), (&json!(200), &json!("Maître"), &Value::Null));
    assert_eq!(again["changes"][0]["action"], "user.updated");
    let after = resources::read(&bed.feed().await, Kind::User, &id, With::USUAL).await.unwrap();
    assert_eq!((after.rev, &after.resource["title"]), (before.rev, &json!("Autre")), "nothing of it stays");
    let (_, taken) = bed.replay(made).await;
    assert_eq!((&taken["status"], &taken["answer"]["scimType"], &taken["resource"]), (&json!(409), &json!("uniqueness"), &Value::Null));
    assert_eq!(bed.get("").await["total"], 3, "trying is no request of the feed");
}

#[tokio::test]
async fn trying_a_bulk_again_tells_what_each_operation_would_come_to_and_leaves_nothing() {
    let bed = Bed::start().await;
    let feed = bed.feed().await;
    let (_, taken) = bed.made("élodie").await;
    let make = |name: &str, manager: &str| {
        let extension = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        let body = json!({ "schemas": [USER_URN, ENTERPRISE_URN], "userName": name, ENTERPRISE_URN: extension });
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": body })
    };
    let again = json!({ "method": "POST", "path": "/Users", "bulkId": "é", "data": { "schemas": [USER_URN], "userName": "élodie" } });
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        make("anne", "bob"), make("bob", "anne"), again, { "method": "DELETE", "path": format!("/Users/{taken}") },
    ] });
    let sight = Sight {
        id: Uuid::now_v7(),
        at: bed.ctx.now,
        method: "POST".to_owned(),
        path: "/Bulk?x=1".to_owned(),
        agent: None,
        body: Some(body.to_string().into_bytes()),
        status: 200,
        took: Duration::ZERO,
        error: None,
    };
    let key = sight.id;
    inspector::note(&feed, sight);
    for _ in 0..2 {
        let (status, again) = bed.replay(key).await;
        assert_eq!((status, &again["status"]), (StatusCode::OK, &json!(200)), "{again:#}");
        let statuses: Vec<&Value> = again["answer"]["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, [&json!("201"), &json!("201"), &json!("409"), &json!("204")], "{again:#}");
        let told: Vec<&str> = again["changes"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
        assert_eq!(told.iter().filter(|action| **action == "user.stated").count(), 2, "{told:?}");
        assert!(told.contains(&"user.left"), "{told:?}");
    }
    let standing = resources::list(&feed, Kind::User, &resources::Asked::default()).await.unwrap();
    assert_eq!((standing.total, standing.resources[0].id.to_string()), (1, taken), "nothing of it stays");
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_told() {
    let bed = Bed::start().await;
    let feed = bed.feed().await;
    let sight = |method: &str, path: &str, body: Option<&[u8]>| Sight {
        id: Uuid::now_v7(),
        at: bed.ctx.now,
        method: method.to_owned(),
        path: path.to_owned(),
        agent: Some("Okta SCIM Client 1.0.0".to_owned()),
        body: body.map(<[u8]>::to_vec),
        status: 200,
        took: Duration::ZERO,
        error: None,
    };
    for (method, path, body) in
        [("GET", "/Users?count=1", None), ("POST", "/Bulk", None), ("POST", "/Users", None), ("POST", "/Users/.search", Some(&b"{}"[..]))]
    {
        let one = sight(method, path, body);
        let key = one.id;
        inspector::note(&feed, one);
        assert_eq!(bed.get(&format!("/{key}")).await["dialect"], "okta");
        assert_eq!(bed.replay(key).await.0, StatusCode::CONFLICT, "{method} {path}");
    }
    assert_eq!(bed.replay(Uuid::now_v7()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_more_than_the_last_requests_are_kept() {
    let bed = Bed::start().await;
    let feed = bed.feed().await;
    let mut keys = Vec::new();
    for number in 0..inspector::KEPT_MAX + 30 {
        let id = Uuid::now_v7();
        keys.push(id);
        let (method, path) = ("GET".to_owned(), format!("/Users/{number}"));
        let sight = Sight { id, at: bed.ctx.now, method, path, agent: None, body: None, status: 404, took: Duration::ZERO, error: None };
        inspector::note(&feed, sight);
        if number == 100 {
            inspector::flush(&bed.ctx).await.unwrap();
        }
    }
    let listed = bed.get("?limit=500").await;
    let kept: Vec<Uuid> =
        listed["items"].as_array().unwrap().iter().map(|seen| serde_json::from_value(seen["id"].clone()).unwrap()).collect();
    keys.reverse();
    keys.truncate(inspector::KEPT_MAX);
    assert_eq!(kept, keys);
}

#[tokio::test]
async fn after_a_week_a_request_is_forgotten() {
    const DAY_S: i64 = 24 * 3600;
    let bed = Bed::start().await;
    bed.made("élodie").await;
    housekeeping::sweep(&bed.ctx.gateway, bed.ctx.now.plus_s(6 * DAY_S)).await;
    assert_eq!(bed.get("").await["total"], 1);
    housekeeping::sweep(&bed.ctx.gateway, bed.ctx.now.plus_s(8 * DAY_S)).await;
    assert_eq!(bed.get("").await["total"], 0);
}
