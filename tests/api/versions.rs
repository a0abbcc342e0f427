//! Changes of one thing through two nodes at the same moment: none is lost, and a precondition holds whichever node is asked.

use futures::future::join_all;
use passerelle::app::open;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Served, serve};
use crate::harness::gateway::TestGateway;
use crate::harness::store::Engine;

/// Rounds of two changes at once.
const ROUNDS: usize = 20;

/// Two nodes over one database.
struct Pair {
    api: Served,
    second: String,
    token: String,
}

impl Pair {
    async fn start() -> Self {
        let api = Served::over(TestGateway::start_on(Engine::Postgres).await).await;
        let second = serve(&open(api.test.config()).await.unwrap()).await;
        api.establishment("Lycée Ampère").await;
        let token = api.token("platform", "operator").await;
        Self { api, second, token }
    }

    /// Sends a change through each node at the same moment, with the same precondition when there is one.
    async fn patch(&self, path: &str, patches: [Value; 2], etag: Option<&str>) -> Vec<StatusCode> {
        let sending = [&self.api.base, &self.second].into_iter().zip(patches).map(async |(base, patch)| {
            let mut request = reqwest::Client::new().patch(format!("{base}{path}")).bearer_auth(&self.token).json(&patch);
            if let Some(etag) = etag {
                request = request.header("if-match", etag);
            }
            request.send().await.unwrap().status()
        });
        join_all(sending).await
    }
}

/// One of each kind that can be changed, with a field of texts that takes any.
async fn things(pair: &Pair) -> Vec<(String, &'static str)> {
    let within = "/api/v1/establishments/lycee-ampere";
    let made = async |kind: &str, fields: Value| {
        let made = pair.api.post(&format!("{within}/{kind}"), &pair.token, &fields).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        made.header("location").to_owned()
    };
    let application = json!({ "name": "notes", "title": "Notes", "roles": [{ "name": "Ens" }], "cardinality": "multi" });
    let settings = json!({ "urls": ["ldap://directory.test"], "base_dn": "dc=x", "tls": { "mode": "none" } });
    vec![
        (within.to_owned(), "name"),
        (made("users", json!({ "username": "anne", "family_name": "Martin" })).await, "given_name"),
        (made("applications", application).await, "title"),
        (made("clients", json!({ "name": "Notes", "redirect_uris": ["https://notes.test/cb"] })).await, "name"),
        (made("sources", json!({ "name": "ldap", "settings": settings })).await, "settings.user_filter"),
        (made("rules", json!({ "application": "notes", "when": [{ "group": "g" }], "role": "Ens" })).await, "scope"),
    ]
}

/// A patch of one field, within an object where its name says so.
fn patch_of(field: &str, text: &str) -> Value {
    match field.split_once('.') {
        Some((outer, inner)) => json!({ outer: { inner: format!("(cn={text})") } }),
        None => json!({ field: text }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_of_one_version_through_two_nodes_one_is_refused() {
    let pair = Pair::start().await;
    for (path, field) in things(&pair).await {
        for round in 0..ROUNDS {
            let etag = pair.api.get(&path, &pair.token).await.header("etag").to_owned();
            let patches = ["premier", "second"].map(|which| patch_of(field, &format!("{which}-{round}")));
            let mut statuses = pair.patch(&path, patches, Some(&etag)).await;
            statuses.sort();
            assert_eq!(statuses, [StatusCode::OK, StatusCode::PRECONDITION_FAILED], "{path}, round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_changes_without_a_precondition_through_two_nodes_are_both_kept() {
    let pair = Pair::start().await;
    let path = "/api/v1/establishments/lycee-ampere";
    for round in 0..ROUNDS {
        let (name, locality) = (format!("Lycée {round}"), format!("Ville {round}"));
        let statuses = pair.patch(path, [json!({ "name": name }), json!({ "locality": locality })], None).await;
        assert_eq!(statuses, [StatusCode::OK, StatusCode::OK], "round {round}");
        let kept = pair.api.send(Method::GET, path, Some(&pair.token), None).await.body;
        assert_eq!((&kept["name"], &kept["locality"]), (&json!(name), &json!(locality)));
    }
}
