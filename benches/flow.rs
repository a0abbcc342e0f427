//! Sign-ins against a running `passerelle serve`: server CPU for each flow, memory when idle, time to the first answer.
//!
//! `cargo bench --bench flow` prints Markdown rows for `docs/benchmarks.md`. The reference of the same minute is `/healthz` on the same
//! server, and one signature of each algorithm on one core. `cargo bench --bench flow -- postgres` keeps the stores in a PostgreSQL server of
//! its own, with the settings that PostgreSQL comes with.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that meets the unexpected stops, and its figures are rounded"
)]

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/flow.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use passerelle::services::keys::crypto;
use passerelle::store::establishment::client::SigningAlgorithm;

use support::{Installation, flow, measure, sign_in};

/// Flows measured for each algorithm, after as many to warm up / 10.
const FLOWS: usize = 4_000;

fn main() {
    let engine = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let database = engine.filter(|name| name == "postgres").map(|_| postgres::Server::start());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(database.as_ref()));
}

async fn run(database: Option<&postgres::Server>) {
    let folder = tempfile::tempdir().unwrap();
    let database = database.map(|server| server.database("flow"));
    let installation = Installation::new(folder.path(), database.as_deref());
    let gateway = installation.open().await;
    let slug = support::prepare(&gateway).await;
    gateway.stores.close().await;
    drop(gateway);
    let (server, first) = installation.serve().await;
    println!("| first answer | {} ms |", first.as_millis());
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("| idle memory | {:.0} MB |", server.memory_mb("VmRSS"));
    let issuer = format!("{}/e/{slug}", server.url);
    let cookies = sign_in(&issuer).await;
    let http = Arc::new(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap());
    let reference = measure(&server, FLOWS, || healthz(http.clone(), server.url.clone())).await;
    println!("| reference: /healthz | {:.3} CPU-ms | {:.0}/s |", reference.0, reference.1);
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        let name = if algorithm == SigningAlgorithm::Es256 { "ES256" } else { "RS256" };
        let one = || flow(http.clone(), issuer.clone(), cookies.clone(), format!("bench-{name}"));
        measure(&server, FLOWS / 10, one).await;
        let (cpu_ms, per_s) = measure(&server, FLOWS, one).await;
        println!("| flow with a session, {name} | {cpu_ms:.3} CPU-ms | {per_s:.0}/s | signature alone {:.3} ms |", signature_ms(name));
    }
    println!("| peak memory | {:.0} MB |", server.memory_mb("VmHWM"));
}

async fn healthz(http: Arc<reqwest::Client>, url: String) {
    assert!(http.get(format!("{url}/healthz")).send().await.unwrap().status().is_success());
}

fn signature_ms(name: &str) -> f64 {
    let made = crypto::generate(crypto::Algorithm::from_name(name).unwrap()).unwrap();
    let key = crypto::SigningKey::parse(&made.private_pkcs8, made.algorithm, &made.kid).unwrap();
    let rounds = 300;
    let began = Instant::now();
    for _ in 0..rounds {
        key.sign(b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0").unwrap();
    }
    began.elapsed().as_secs_f64() * 1000.0 / f64::from(rounds)
}
