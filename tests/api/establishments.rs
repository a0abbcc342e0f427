//! Establishments and zones.

use std::time::Duration;

use passerelle::app::open;
use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::users;
use passerelle::types::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::kit::Served;
use crate::harness::gateway::TestGateway;
use crate::harness::store::{Engine, TestStore};

#[tokio::test]
async fn an_operator_makes_one_and_its_administrator_gets_a_link() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let new = json!({ "name": "Collège Jean Jaurès", "contact": { "family_name": "Lefèvre", "email": "elodie@acad-test.fr" }, "send_mail": false });
    let made = api.post("/api/v1/establishments", &operator, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.header("location"), "/api/v1/establishments/college-jean-jaures");
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.body["number"], 1);
    assert_eq!(made.body["administrator"]["username"], "elodie@acad-test.fr");
    assert!(made.body["link"]["url"].as_str().unwrap().contains("/e/college-jean-jaures/invitation/"));
    assert!(made.body["not_transmitted"].as_str().unwrap().contains("ne pourra pas être retrouvé"), "{:?}", made.body);
    let shown = api.get(made.header("location"), &operator).await;
    assert_eq!((shown.status, &shown.body["status"]), (StatusCode::OK, &json!("active")));
    let found = api.get("/api/v1/establishments?q=jaur%C3%A8s&status=active&number=1", &operator).await;
    assert_eq!((&found.body["total"], &found.body["next_cursor"]), (&json!(1), &json!(null)));
    let again = api.post("/api/v1/establishments", &operator, &new).await;
    assert_eq!((again.status, again.header("content-type")), (StatusCode::CONFLICT, "application/problem+json"));
    assert!(again.body["detail"].as_str().unwrap().contains("college-jean-jaures"), "{:?}", again.body);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let wrong = json!({ "name": "École", "uai": "0991000A", "contact": { "email": "nobody" }, "send_mail": true });
    let refused = api.post("/api/v1/establishments", &operator, &wrong).await;
    assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["uai", "contact.email", "send_mail"]));
    let of_another_type = api.post("/api/v1/establishments", &operator, &json!({ "name": "École", "contact": { "email": 3 } })).await;
    assert_eq!((of_another_type.status, of_another_type.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["contact.email"]));
    let unknown = api.post("/api/v1/establishments", &operator, &json!({ "name": "École", "nom": "x" })).await;
    assert_eq!((unknown.status, unknown.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["nom"]));
    assert!(unknown.body["instance"].as_str().unwrap().ends_with(unknown.header("x-request-id")));
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_made_and_makes_nothing() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let tried = api.post("/api/v1/establishments?dry_run=true", &operator, &json!({ "name": "École Curie" })).await;
    assert_eq!((tried.status, &tried.body["slug"]), (StatusCode::OK, &json!("ecole-curie")));
    assert_eq!(api.get("/api/v1/establishments", &operator).await.body["total"], 0);
    let made = api.post("/api/v1/establishments", &operator, &json!({ "name": "École Curie" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let taken = api.post("/api/v1/establishments?dry_run=true", &operator, &json!({ "name": "École Curie" })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn zones_are_the_operators_own_list() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let saved = api.send(Method::PUT, "/api/v1/zones/calvados", Some(&operator), Some(&json!({ "title": "Calvados" }))).await;
    assert_eq!(saved.status, StatusCode::OK, "{:?}", saved.body);
    let listed = api.get("/api/v1/zones", &operator).await;
    assert_eq!(listed.body["items"], json!([{ "name": "calvados", "title": "Calvados" }]));
    api.post("/api/v1/establishments", &operator, &json!({ "name": "École", "zone": "calvados" })).await;
    let used = api.send(Method::DELETE, "/api/v1/zones/calvados", Some(&operator), None).await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    let nowhere = api.post("/api/v1/establishments", &operator, &json!({ "name": "Autre", "zone": "manche" })).await;
    assert_eq!(nowhere.fields(), ["zone"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_what_is_not_there_is_404() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    let unknown_parameter = api.get("/api/v1/establishments?colour=blue", &operator).await;
    assert_eq!(unknown_parameter.status, StatusCode::BAD_REQUEST);
    assert!(unknown_parameter.body["detail"].as_str().unwrap().contains("colour"), "{:?}", unknown_parameter.body);
    for path in ["?limit=0", "?limit=501", "?limit=many", "?cursor=%27%20OR%201%3D1", "?status=asleep"] {
        let refused = api.get(&format!("/api/v1/establishments{path}"), &operator).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let operator_header = format!("Bearer {operator}");
    let raw = reqwest::Client::new().post(format!("{}/api/v1/establishments", api.base)).header("authorization", &operator_header);
    let not_json = raw.try_clone().unwrap().header("content-type", "application/json").body("{\"name\": ").send().await.unwrap();
    assert_eq!(not_json.status(), StatusCode::BAD_REQUEST);
    let a_form = raw.try_clone().unwrap().header("content-type", "application/x-www-form-urlencoded").body("name=x").send().await.unwrap();
    assert_eq!(a_form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let huge = raw.header("content-type", "application/json").body(" ".repeat(2 * 1024 * 1024)).send().await.unwrap();
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["/api/v1/nothing", "/api/nothing", "/api/v1/establishments/nulle-part"] {
        let missing = api.get(path, &operator).await;
        assert_eq!((missing.status, missing.header("content-type")), (StatusCode::NOT_FOUND, "application/problem+json"), "{path}");
    }
    let other_method = api.send(Method::DELETE, "/api/v1/establishments", Some(&operator), None).await;
    assert_eq!((other_method.status, other_method.header("content-type")), (StatusCode::METHOD_NOT_ALLOWED, "application/problem+json"));
}

/// A name longer than a user name may be is refused only where the first administrator is made, in the new store.
#[tokio::test]
async fn one_that_cannot_be_made_leaves_no_store() {
    let place = TestStore::on(Engine::Sqlite);
    let gateway = open(&place.config).await.unwrap();
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let mut new = NewEstablishment { name: "Lycée Ampère".to_owned(), ..NewEstablishment::default() };
    new.contact.email = Some(format!("{}@acad-test.fr", "a".repeat(150)));
    let refused = establishments::create(&platform, &new).await.unwrap_err();
    assert!(refused.to_string().contains("user name"), "{refused}");
    let folder = std::path::Path::new(place.config.store.url.strip_prefix("sqlite:").unwrap()).join("establishments");
    let left = std::fs::read_dir(folder).unwrap().map(|found| found.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| !name.starts_with("platform")).collect::<Vec<_>>(), [""; 0]);
    assert!(!gateway.stores.is_open("lycee-ampere"));
    new.contact.email = None;
    establishments::create(&platform, &new).await.unwrap();
}

#[tokio::test]
async fn one_whose_caller_hangs_up_is_made_all_the_same() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let new = NewEstablishment { name: "Lycée Ampère".to_owned(), ..NewEstablishment::default() };
    let mut making = Box::pin(establishments::create(&platform, &new));
    assert!(futures::poll!(&mut making).is_pending());
    drop(making);
    let now = Timestamp::now();
    let made = async {
        loop {
            match Context::open(&test.gateway, "lycee-ampere", Actor::System, now).await {
                Ok(ctx) => break ctx,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let ctx = tokio::time::timeout(Duration::from_mins(1), made).await.unwrap();
    assert_eq!(users::resolve(&ctx, "admin").await.unwrap().username, "admin");
}

#[tokio::test]
async fn what_a_command_blocks_on_files_is_blocked_at_once_for_the_gateway_that_serves() {
    let place = TestStore::on(Engine::Sqlite);
    let (serving, command) = (open(&place.config).await.unwrap(), open(&place.config).await.unwrap());
    let now = Timestamp::now();
    let platform = PlatformContext::open(&command, Actor::System, now).await.unwrap();
    let new = NewEstablishment { name: "Lycée Ampère".to_owned(), ..NewEstablishment::default() };
    establishments::create(&platform, &new).await.unwrap();
    let seen = async || Context::open(&serving, "lycee-ampere", Actor::System, now).await.unwrap().is_open();
    assert!(seen().await);
    establishments::block(&Context::open(&command, "lycee-ampere", Actor::System, now).await.unwrap()).await.unwrap();
    assert!(!seen().await, "the gateway that serves goes on with what it knew");
    establishments::unblock(&Context::open(&command, "lycee-ampere", Actor::System, now).await.unwrap()).await.unwrap();
    assert!(seen().await);
}
