//! The API's description and the page to try it.

use std::time::Duration;

use fantoccini::Locator;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;
use crate::harness::browser::Browser;

/// Longest the page may take to show every operation.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_description_is_the_one_made_of_the_routes() {
    let api = Served::start().await;
    let served = api.send(Method::GET, "/api/openapi.json", None, None).await;
    assert_eq!(served.status, StatusCode::OK);
    assert_eq!(served.body, serde_json::to_value(passerelle::fronts::api::openapi()).unwrap());
    assert_eq!(served.body["security"], json!([{ "bearer": [] }]));
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_is_named_and_told() {
    let document = serde_json::to_value(passerelle::fronts::api::openapi()).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "two operations are called {name}");
            assert!(operation["summary"].is_string(), "{method} {path} says nothing");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let mut known: Vec<&str> = parameters.iter().map(|p| p["name"].as_str().unwrap()).collect();
            let count = known.len();
            known.sort_unstable();
            known.dedup();
            assert_eq!(known.len(), count, "{method} {path} names a parameter twice: {known:?}");
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                assert!(known.contains(&part.trim_end_matches('}')), "{method} {path} does not describe {part}");
            }
        }
    }
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_to_try_it_is_served_here_under_a_strict_policy() {
    let api = Served::start().await;
    let page = api.send(Method::GET, "/api/docs/", None, None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
    assert!(!page.body.as_str().unwrap().contains("http"), "{}", page.body);
    let script = api.send(Method::GET, "/api/docs/swagger-initializer.js", None, None).await;
    assert!(script.status == StatusCode::OK && script.body.as_str().unwrap().contains("/api/openapi.json"));
    let moved = api.send(Method::GET, "/api/docs", None, None).await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, "/api/docs/"));
}

#[tokio::test]
async fn the_page_shows_the_operations_in_a_browser_despite_its_policy() {
    let api = Served::start().await;
    let browser = Browser::start("fr").await;
    let client = browser.client();
    client.goto(&format!("{}/api/docs/", api.base)).await.unwrap();
    let operation = Locator::Css("#operations-users-list_users, [id$='list_users']");
    let shown = client.wait().at_most(SHOWN_WITHIN).for_element(operation).await.unwrap();
    assert!(shown.text().await.unwrap().contains("/api/v1/establishments/{slug}/users"));
}
