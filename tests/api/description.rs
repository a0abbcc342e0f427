//! The API's description and the page to try it.

use std::time::Duration;

use fantoccini::Locator;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::Served;
use crate::harness::browser::Browser;
use crate::harness::server::TestServer;

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

/// Parameters that only some operations take, besides those of all of a kind.
const OF_SOME: &[(&str, &[&str])] = &[
    ("bulk_mail", &["dry_run"]),
    ("mail_establishment", &["dry_run"]),
    ("list_bulk_runs", &["verb"]),
    ("list_bulk_items", &["outcome"]),
    ("create_establishment", &["dry_run"]),
    ("create_rule", &["dry_run"]),
    ("import_establishment", &["slug", "rehearse"]),
    ("restore_establishment", &["rehearse"]),
    ("update_rule", &["dry_run", "confirm_losses"]),
    ("delete_rule", &["confirm_losses"]),
    ("update_application", &["confirm_losses"]),
    ("update_source", &["dry_run"]),
    ("delete_source", &["people", "confirm", "dry_run"]),
    ("undo_run", &["dry_run"]),
    ("explain_user", &["application", "role", "client"]),
    ("list_applications", &["name", "title", "cardinality", "default_role", "scope_kind"]),
    ("list_catalogues", &[]),
    ("import_application", &["dry_run", "confirm_losses"]),
    ("export_application", &["format"]),
    ("list_pending", &["limit"]),
    ("list_assignments", &["user", "application", "role", "scope", "origin", "rule"]),
    ("list_unused_users", &["since"]),
    ("list_unused_assignments", &["since", "user", "application", "role", "scope", "origin"]),
    ("list_campaigns", &["name", "state"]),
    ("list_campaign_items", &["reviewer", "user", "application", "role", "scope", "decision", "decided"]),
    ("list_exclusions", &["user", "application", "role", "scope"]),
    ("list_audit_events", &["actor", "action", "subject_kind", "subject_id"]),
    ("list_clients", &["client_id", "name", "application", "enabled"]),
    ("list_establishments", &["slug", "number", "name", "uai", "zone", "locality", "status", "placement"]),
    ("list_group_members", &["transitive"]),
    ("list_groups", &["name", "source", "external_id", "display_name", "dn"]),
    ("list_administrators", &[]),
    ("list_keys", &[]),
    ("list_routed_parts", &[]),
    ("list_outbox", &["kind", "state", "recipient", "topic", "batch"]),
    ("list_held", &["reason", "operation", "state"]),
    ("list_proposals", &["source", "state"]),
    ("list_provisioning_queue", &["kind", "state", "action", "subject", "exact_name", "remote_id"]),
    ("list_provisioning_drift", &["kind", "what", "exact_name"]),
    ("list_rules", &["application", "role", "scope", "priority", "enabled", "valid_from", "valid_until", "ends"]),
    ("list_run_changes", &["kind", "name", "operation"]),
    ("list_rule_sets", &["name", "state"]),
    ("simulate_rules", &["limit", "cursor", "application", "role", "change"]),
    ("simulate_rule_set", &["limit", "cursor", "application", "role", "change"]),
    ("simulate_application", &["limit", "cursor", "application", "role", "change"]),
    ("compare_assignments", &["from", "to", "user", "application", "role", "change"]),
    ("list_feed_requests", &["method", "dialect", "status", "refused", "subject_id"]),
    ("list_runs", &["source", "mode", "state"]),
    ("list_sources", &["name", "kind", "enabled"]),
    ("give_source_file", &["file_name"]),
    ("list_tokens", &["name", "kind", "scope"]),
    ("list_users", &["username", "given_name", "family_name", "display_name", "email", "locale", "status", "disabled_by", "home_unit"]),
    ("list_units", &["name", "title", "parent", "source"]),
    ("delete_unit", &["move_to"]),
    ("list_relations", &["kind", "user", "other"]),
    ("import_relations", &["dry_run"]),
    ("import_assignments", &["dry_run"]),
    ("list_zones", &[]),
    ("delete_user", &[]),
    ("delete_establishment", &["confirm"]),
];
/// Operations whose bodies or answers are whole archives: nobody keeps those under a key.
const OF_ARCHIVES: [&str; 3] = ["export_establishment", "import_establishment", "restore_establishment"];
/// Lists that are short and always whole.
const WHOLE: [&str; 5] = ["list_administrators", "list_catalogues", "list_keys", "list_routed_parts", "list_zones"];

#[test]
fn every_operation_declares_what_its_query_and_headers_may_hold() {
    let document = serde_json::to_value(passerelle::fronts::api::openapi()).unwrap();
    let mut seen = 0;
    for operations in document["paths"].as_object().unwrap().values() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            let of = |place: &str| -> Vec<&str> {
                let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == place);
                parameters.map(|p| p["name"].as_str().unwrap()).collect()
            };
            let (query, headers) = (of("query"), of("header"));
            assert_eq!(headers.contains(&"Idempotency-Key"), method == "post" && !OF_ARCHIVES.contains(&name), "{name}: {headers:?}");
            assert_eq!(headers.contains(&"If-Match"), method == "patch", "{name}: {headers:?}");
            if name.starts_with("list_") {
                let paged = ["limit", "cursor", "q"].iter().all(|parameter| query.contains(parameter));
                assert_eq!(paged, !WHOLE.contains(&name), "{name}: {query:?}");
            }
            let special = OF_SOME.iter().find(|(operation, _)| *operation == name);
            seen += usize::from(special.is_some());
            for parameter in special.map_or(&[][..], |(_, parameters)| parameters) {
                assert!(query.contains(parameter), "{name} does not declare {parameter}: {query:?}");
            }
            assert_eq!(query.is_empty(), special.is_none_or(|(_, parameters)| parameters.is_empty()), "{name}: {query:?}");
            let taken = operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] != "path");
            assert!(taken.clone().all(|p| p["required"] != true), "{name} needs none of its parameters");
            for status in ["413", "415"] {
                if status == "415" && OF_ARCHIVES[1..].contains(&name) {
                    continue;
                }
                assert_eq!(operation["responses"][status].is_object(), operation["requestBody"].is_object(), "{name}: {status}");
            }
        }
    }
    assert_eq!(seen, OF_SOME.len(), "each operation named here is there");
}

#[tokio::test]
async fn no_operation_passes_a_query_parameter_over() {
    let api = Served::start().await;
    let token = api.token("platform", "operator").await;
    for (path, operations) in passerelle::fronts::api::openapi().paths.paths {
        let document = serde_json::to_value(&operations).unwrap();
        let path = path.replace("{slug}", "platform").replace("{id}", "0198a000-0000-7000-8000-000000000000").replace(['{', '}'], "");
        for method in ["get", "put", "post", "patch", "delete"].into_iter().filter(|method| document[method].is_object()) {
            let method: Method = method.to_uppercase().parse().unwrap();
            let refused = api.send(method.clone(), &format!("{path}?surprise=true"), Some(&token), None).await;
            assert_eq!((refused.status, refused.fields()), (StatusCode::BAD_REQUEST, vec!["surprise"]), "{method} {path}");
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

#[tokio::test]
async fn the_whole_server_answers_for_the_api_with_problems() {
    let server = TestServer::start().await;
    for (path, status) in [("/api/openapi.json", 200), ("/api/v1/establishments", 401), ("/api/v1/nothing", 404), ("/api/nothing", 404)] {
        let answer = reqwest::get(format!("{}{path}", server.public_url)).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(media_type == "application/problem+json", status != 200, "{path}: {media_type}");
    }
}
