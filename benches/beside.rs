//! Sign-ins beside a first sync: how long they take while 100,000 people come in, and in the minute before.
//!
//! `cargo bench --bench beside` starts a private slapd and a gateway of its own, has people sign in with their password and browsers with a
//! session sign in to an application, each at a steady pace, asks for the sync by the admin API, and prints rows for `docs/benchmarks.md`.
//! `-- 10000 200` takes other numbers of people and groups. The pace leaves processor time over: of a machine that signs people in as fast as it
//! can, any other work takes its share.

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

/// From one sign-in with a password to the next, and from one flow with a session to the next.
const PACES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(20)];
/// How long is looked at before the sync.
const BEFORE: Duration = Duration::from_secs(20);

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
    let browsers = PACES.map(|pace| {
        let (http, issuer, cookies, stop) = (http.clone(), issuer.clone(), cookies.clone(), stop.clone());
        tokio::spawn(async move {
            let mut clock = tokio::time::interval(pace);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut under_way = tokio::task::JoinSet::new();
            while !stop.load(Ordering::Relaxed) {
                clock.tick().await;
                let (http, issuer, cookies) = (http.clone(), issuer.clone(), cookies.clone());
                under_way.spawn(async move {
                    let begun = Instant::now();
                    if pace == PACES[0] {
                        sign_in(&issuer).await;
                    } else {
                        flow(http, issuer, cookies, "bench-ES256".to_owned()).await;
                    }
                    (begun, begun.elapsed())
                });
            }
            under_way.join_all().await
        })
    });
    tokio::time::sleep(BEFORE).await;
    let begun = Instant::now();
    let ran = synced(&http, &format!("{}/api/v1/establishments/{slug}", server.url), &token).await;
    let ended = Instant::now();
    stop.store(true, Ordering::Relaxed);
    println!("| sign-ins | | number | p95 | longest |\n|---|---|---|---|---|");
    for (what, browser) in ["with a password, 5 a second", "with a session, 50 a second"].into_iter().zip(browsers) {
        print(what, &browser.await.unwrap(), (begun, ended), people, &ran);
    }
}

/// Flows of the time of the sync beside those before.
fn print(what: &str, took: &[(Instant, Duration)], (begun, ended): (Instant, Instant), people: usize, ran: &Value) {
    let among = |during: bool| {
        let mut found: Vec<Duration> =
            took.iter().filter(|(at, took)| (*at + *took > begun && *at < ended) == during).map(|(_, took)| *took).collect();
        found.sort_unstable();
        let p95 = found[found.len() * 95 / 100].as_secs_f64() * 1000.0;
        (found.len(), p95, found.last().unwrap().as_secs_f64() * 1000.0)
    };
    let (before, during) = (among(false), among(true));
    println!("| {what} | before | {} | {:.1} ms | {:.1} ms |", before.0, before.1, before.2);
    println!(
        "| {what} | during a first sync of {people} people ({:.2} s, {} created) | {} | {:.1} ms, {:.1} times (target: at most 2) | {:.1} ms |",
        (ended - begun).as_secs_f64(),
        ran["created"],
        during.0,
        during.1,
        during.1 / before.1,
        during.2
    );
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
