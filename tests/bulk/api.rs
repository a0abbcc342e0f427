//! Acts on many over HTTP.

use passerelle::services::jobs;
use passerelle::types::time::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::api::kit::Served;

const BULK: &str = "/api/v1/establishments/bulk";

#[tokio::test]
async fn a_run_is_accepted_and_its_progress_and_items_are_read() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    for name in ["Lycée Ampère", "École Curie"] {
        api.establishment(name).await;
    }
    let chosen = json!({ "slugs": ["lycee-ampere", "nowhere", "ecole-curie"] });
    let started = api.post(&format!("{BULK}/stats"), &operator, &chosen).await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{:?}", started.body);
    assert_eq!(json!([started.body["verb"], started.body["state"], started.body["total"]]), json!(["stats", "running", 3]));
    let location = started.header("location").to_owned();
    assert_eq!(location, format!("{BULK}/{}", started.body["id"].as_str().unwrap()));
    jobs::run_due(&api.test.gateway, Timestamp::now()).await.unwrap();
    let run = api.get(&location, &operator).await.body;
    assert_eq!(json!([run["state"], run["done"], run["failed"], run["sums"]["people"]["pending"]]), json!(["done", 2, 1, 2]));
    assert!(run["started_by"].as_str().unwrap().starts_with("token:"), "{run}");
    let first = api.get(&format!("{location}/items?limit=2"), &operator).await.body;
    let next = api.get(&format!("{location}/items?limit=2&cursor={}", first["next_cursor"].as_str().unwrap()), &operator).await.body;
    assert_eq!(json!([first["items"][0]["slug"], next["items"][0]["slug"], next["total"]]), json!(["lycee-ampere", "ecole-curie", 3]));
    let failed = api.get(&format!("{location}/items?outcome=failed"), &operator).await.body;
    assert_eq!(json!([failed["total"], failed["items"][0]["slug"]]), json!([1, "nowhere"]));
    assert!(failed["items"][0]["error"].as_str().unwrap().contains("nowhere"));
    assert_eq!(api.get(BULK, &operator).await.body["items"][0]["id"], run["id"]);
    let one = api.post("/api/v1/establishments/lycee-ampere/stats", &operator, &json!({})).await;
    let counted = api.get(&format!("{location}/items"), &operator).await.body["items"][0]["detail"].clone();
    assert_eq!(one.body["people"], counted["people"]);
    let trail = api.get("/api/v1/establishments/platform/audit?action=bulk.started", &operator).await.body;
    assert_eq!(json!([trail["total"], trail["items"][0]["actor"]]), json!([1, run["started_by"]]));
}

#[tokio::test]
async fn what_is_not_chosen_clearly_is_refused_and_told_by_field() {
    let api = Served::start().await;
    let operator = api.token("platform", "operator").await;
    api.establishment("Lycée Ampère").await;
    let many: Vec<String> = (0..=10_000).map(|n| format!("ecole-{n}")).collect();
    let cases: [(&str, Value, &str); 12] = [
        ("stats", json!({}), "slugs"),
        ("stats", json!({ "slugs": [] }), "slugs"),
        ("stats", json!({ "slugs": ["lycee-ampere"], "all": true }), "slugs"),
        ("stats", json!({ "slugs": many }), "slugs"),
        ("stats", json!({ "filter": {} }), "filter"),
        ("stats", json!({ "filter": { "zone": "nulle-part" } }), "slugs"),
        ("block", json!({ "slugs": ["lycee-ampere", "platform"] }), "slugs[1]"),
        ("delete", json!({ "all": true }), "confirm"),
        ("delete", json!({ "all": true, "confirm": "delete 2" }), "confirm"),
        ("export", json!({ "all": true }), "recipient"),
        ("export", json!({ "all": true, "recipient": "age1nothing" }), "recipient"),
        ("mail", json!({ "all": true, "subject": " ", "body": "Bonjour" }), "subject"),
    ];
    for (verb, body, field) in cases {
        let refused = api.post(&format!("{BULK}/{verb}"), &operator, &body).await;
        assert_eq!((refused.status, refused.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field]), "{verb}: {:?}", refused.body);
    }
    let unknown = api.post(&format!("{BULK}/block"), &operator, &json!({ "all": true, "slug": "x" })).await;
    assert!(unknown.status.is_client_error(), "{:?}", unknown.body);
    assert_eq!(api.get(BULK, &operator).await.body["total"], 0, "nothing was begun");
    assert_eq!(api.get("/api/v1/establishments/lycee-ampere", &operator).await.body["status"], "active");
}
