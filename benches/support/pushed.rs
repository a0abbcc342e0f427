//! Requests of a feed against a running `passerelle serve`, as an identity provider sends them.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::flow::{Installation, Server, measure as repeat};
use super::{ASKED, STEP, person, told};

/// People before these are of other steps.
const FIRST: usize = 20_000_000;
/// Operations of one Bulk.
const TOGETHER: usize = 1_000;

/// Where the feed is pushed to.
#[derive(Clone)]
struct Feed {
    http: Arc<reqwest::Client>,
    url: String,
    secret: Arc<str>,
}

impl Feed {
    async fn post(&self, path: &str, body: Value) -> u16 {
        let asked = self.http.post(format!("{}/{path}", self.url)).bearer_auth(&self.secret).json(&body);
        let answer = asked.send().await.unwrap();
        let status = answer.status().as_u16();
        // What is not read keeps the connection from being used again.
        answer.bytes().await.unwrap();
        status
    }

    async fn total(&self, filter: &str) -> u64 {
        let asked = self.http.get(format!("{}/Users", self.url)).query(&[("filter", filter)]).bearer_auth(&self.secret);
        let found: Value = asked.send().await.unwrap().json().await.unwrap();
        found["totalResults"].as_u64().expect("a list")
    }
}

/// Creates people one request each, finds them, and creates many in one request.
pub async fn measure(installation: &Installation, slug: &str, secret: &str) {
    let (server, _) = installation.serve().await;
    let feed = Feed { http: Arc::default(), url: format!("{}/e/{slug}/scim/v2", server.url), secret: secret.into() };
    create(&server, &feed).await;
    let mut times = Vec::new();
    for n in 0..ASKED {
        let began = Instant::now();
        assert_eq!(feed.total(&format!("userName eq \"p{}@acad-test.fr\"", FIRST + n)).await, 1);
        times.push(began.elapsed());
    }
    told("over HTTP: `filter=userName eq`", times);
    let operations: Vec<Value> = (0..TOGETHER)
        .map(|n| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": person(FIRST + 2 * STEP + n) }))
        .collect();
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    let began = Instant::now();
    assert_eq!(feed.post("Bulk", bulk).await, 200);
    println!("| over HTTP: a Bulk of {TOGETHER} | {:.2} s |", began.elapsed().as_secs_f64());
    let last = format!("userName eq \"p{}@acad-test.fr\"", FIRST + 2 * STEP + TOGETHER - 1);
    assert_eq!(feed.total(&last).await, 1, "all of it is done");
    println!("| peak memory of the server | {:.0} MB |", server.memory_mb("VmHWM"));
}

async fn create(server: &Server, feed: &Feed) {
    let next = std::sync::atomic::AtomicUsize::new(FIRST);
    let one = || {
        let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let feed = feed.clone();
        async move { assert_eq!(feed.post("Users", person(n)).await, 201) }
    };
    let (cpu_ms, per_s) = repeat(server, STEP, one).await;
    println!("| over HTTP: created a second, {STEP} of them | {per_s:.0}, {cpu_ms:.2} CPU-ms of the server each |");
}
