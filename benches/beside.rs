//! Sign-ins beside a first sync: how long they take while 100,000 people come in, and in the minute before.
//!
//! `cargo bench --bench beside` starts a private slapd and a gateway of its own, has browsers with a session sign in to an application one after
//! another, asks for the sync by the admin API, and prints a row for `docs/benchmarks.md`. `-- 10000 200` takes other numbers of people and groups.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a measurement that meets the unexpected stops, and says where"
)]

#[path = "../tests/harness/daemon.rs"]
mod daemon;
#[path = "support/directory.rs"]
mod directory;
#[path = "../tests/harness/slapd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod slapd;
#[path = "support/flow.rs"]
#[expect(dead_code, reason = "another measurement uses more of it")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use passerelle::services::context::{Actor, PlatformContext};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::tokens::{self, NewToken};
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};
use support::{Installation, flow, sign_in};

/// Browsers that sign in one flow after another.
const BROWSERS: usize = 2;
/// How long is looked at before the sync.
const BEFORE: Duration = Duration::from_secs(5);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let number = |at: usize, otherwise: usize| arguments.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(number(0, 100_000), number(1, 2_000)));
}

async fn run(people: usize, groups: usize) {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("directory.ldif");
    directory::write(&ldif, people, groups);
    let slapd = Slapd::start(&ldif);
    let installation = Installation::new(folder.path(), None);
    let gateway = installation.open().await;
    let slug = support::prepare(&gateway).await;
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let ctx = platform.enter(&slug).await.unwrap();
    let settings =
        json!({ "urls": [slapd.url()], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "supann" });
    let fields: SourceFields = serde_json::from_value(json!({ "name": "ldap", "settings": settings })).unwrap();
    sources::create(&ctx, &fields).await.unwrap();
    let new: NewToken = serde_json::from_value(json!({ "name": "bench", "kind": "api", "scope": "administrator" })).unwrap();
    let (_, secret) = tokens::create(&ctx, &new).await.unwrap();
    let token = secret.expose().to_owned();
    drop((ctx, platform));
    gateway.stores.close().await;
    drop(gateway);

    let (server, _) = installation.serve().await;
    let issuer = format!("{}/e/{slug}", server.url);
    let cookies = sign_in(&issuer).await;
    let http = Arc::new(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let browsers: Vec<_> = (0..BROWSERS)
        .map(|_| {
            let (http, issuer, cookies, stop) = (http.clone(), issuer.clone(), cookies.clone(), stop.clone());
            tokio::spawn(async move {
                let mut took = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    flow(http.clone(), issuer.clone(), cookies.clone(), "bench-ES256".to_owned()).await;
                    took.push((begun, begun.elapsed()));
                }
                took
            })
        })
        .collect();
    tokio::time::sleep(BEFORE).await;
    let begun = Instant::now();
    let ran = synced(&http, &format!("{}/api/v1/establishments/{slug}", server.url), &token).await;
    let ended = Instant::now();
    stop.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    for browser in browsers {
        took.extend(browser.await.unwrap());
    }
    print(&took, (begun, ended), people, &ran);
}

/// Flows of the time of the sync beside those before.
fn print(took: &[(Instant, Duration)], (begun, ended): (Instant, Instant), people: usize, ran: &Value) {
    let among = |during: bool| {
        let mut found: Vec<Duration> =
            took.iter().filter(|(at, took)| (*at + *took > begun && *at < ended) == during).map(|(_, took)| *took).collect();
        found.sort_unstable();
        let p95 = found[found.len() * 95 / 100].as_secs_f64() * 1000.0;
        (found.len(), p95, found.last().unwrap().as_secs_f64() * 1000.0)
    };
    let (before, during) = (among(false), among(true));
    println!("| sign-ins with a session, {BROWSERS} browsers | flows | p95 | longest |\n|---|---|---|---|");
    println!("| before | {} | {:.1} ms | {:.1} ms |", before.0, before.1, before.2);
    println!(
        "| during a first sync of {people} people ({:.2} s, {} created) | {} | {:.1} ms | {:.1} ms |",
        (ended - begun).as_secs_f64(),
        ran["created"],
        during.0,
        during.1,
        during.2
    );
    println!("\np95 during is {:.1} times that before (target: at most 2).", during.1 / before.1);
}

/// Asks for a sync and waits for its end.
async fn synced(http: &reqwest::Client, address: &str, token: &str) -> Value {
    let asked = http.post(format!("{address}/sources/ldap/sync")).bearer_auth(token).json(&json!({ "mode": "full" })).send().await.unwrap();
    let run: Value = asked.json().await.unwrap();
    let id = run["id"].as_str().expect("a run").to_owned();
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let run: Value = http.get(format!("{address}/runs/{id}")).bearer_auth(token).send().await.unwrap().json().await.unwrap();
        if run["state"] != "running" {
            assert_eq!(run["state"], "done", "{run}");
            return run;
        }
    }
}
