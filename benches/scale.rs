//! Many establishments on one node, beside an installation with a single one: start-up, memory, opening a cold one, signing in to a warm one,
//! and how fast they are made.
//!
//! `cargo bench --bench scale -- sqlite` or `-- postgres` makes 10,000 of them and prints Markdown rows for `docs/benchmarks.md`; a number after
//! the engine takes as many. An address after the number is a database of the gateway that stands already and has them, `ecole-0` and on.
//! The reference is an installation with one establishment on the same engine, measured in turns with the large one.

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

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use passerelle::services::context::{Actor, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::store::registry::establishment::{self, Establishment};
use passerelle::types::id::EstablishmentId;
use passerelle::types::time::Timestamp;
use tokio::task::JoinSet;

use support::{Installation, Server, flow, measure, sign_in};

/// Establishments of the large installation, unless told otherwise.
const COUNT: usize = 10_000;
/// Of them, touched at random.
const TOUCHED: usize = 1_000;
/// Made one after another through the service that operators use.
const CREATED: usize = 100;
/// Touched a second time at once, while their stores are still open.
const AGAIN: usize = 100;
/// Rounds of flows, in turns, and flows of each.
const ROUNDS: usize = 6;
const FLOWS: usize = 400;
/// Requests that meet a server that has just started, at once.
const FIRST: usize = 16;
/// Stores made at once.
const MAKERS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let count = arguments.get(1).map_or(COUNT, |text| text.parse().expect("a number"));
    let engine = arguments.first().map_or("sqlite", String::as_str).to_owned();
    let server = (engine == "postgres").then(postgres::Server::start);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(&engine, count, server.as_ref(), arguments.get(2).map(String::as_str)));
}

async fn run(engine: &str, count: usize, database: Option<&postgres::Server>, standing: Option<&str>) {
    println!("| {engine}, {count} establishments | measured | reference |");
    println!("|---|---|---|");
    let (single_folder, many_folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let own = |name: &str| database.map(|server| server.database(name));
    let single = Installation::new(single_folder.path(), own("single").as_deref());
    let many = Installation::new(many_folder.path(), standing.map(str::to_owned).or_else(|| own("many")).as_deref());

    let gateway = single.open().await;
    let single_slug = support::prepare(&gateway).await;
    gateway.stores.close().await;
    let gateway = many.open().await;
    let first_rate = create(&gateway, "premiere").await;
    if standing.is_none() {
        fill(&gateway, many_folder.path(), count).await;
    }
    let later_rate = create(&gateway, "derniere").await;
    println!("| created one after another | {later_rate:.0} a minute | {first_rate:.0} when there were none |");
    let many_slug = support::prepare(&gateway).await;
    gateway.stores.close().await;
    drop(gateway);

    let (small, small_start) = single.serve().await;
    let small_idle = small.memory_mb("VmRSS");
    let (large, large_start) = many.serve().await;
    let large_idle = large.memory_mb("VmRSS");
    println!("| start to ready | {} ms | {} ms |", large_start.as_millis(), small_start.as_millis());
    println!("| memory when idle | {large_idle:.0} MB | {small_idle:.0} MB |");
    let slowest = [first_requests(&large, &many_slug).await, first_requests(&small, &single_slug).await];
    println!("| slowest of {FIRST} first requests at once | {:.1} ms | {:.1} ms |", slowest[0], slowest[1]);
    touch(&large, count).await;
    println!("| memory after touching {TOUCHED} | {:.0} MB, at the peak {:.0} MB | |", large.memory_mb("VmRSS"), large.memory_mb("VmHWM"));
    flows(&large, &many_slug, &small, &single_slug).await;
}

/// Makes establishments through the service, one after another: how many a minute.
async fn create(gateway: &Arc<Gateway>, prefix: &str) -> f64 {
    let platform = PlatformContext::open(gateway, Actor::System, Timestamp::now()).await.unwrap();
    let clock = Instant::now();
    let stamp = uuid::Uuid::now_v7().simple().to_string();
    for number in 0..CREATED {
        let slug = Some(format!("{prefix}-{}-{number}", &stamp[..12]));
        let new = NewEstablishment { name: format!("École {number}"), slug, ..NewEstablishment::default() };
        establishments::create(&platform, &new).await.unwrap();
    }
    CREATED as f64 * 60.0 / clock.elapsed().as_secs_f64()
}

fn slug_of(number: usize) -> String {
    format!("ecole-{number}")
}

/// Brings the installation to `count` more establishments without their administrators: rows in the registry, and stores.
async fn fill(gateway: &Arc<Gateway>, folder: &Path, count: usize) {
    let platform = PlatformContext::open(gateway, Actor::System, Timestamp::now()).await.unwrap();
    let model = NewEstablishment { name: "Modèle".to_owned(), ..NewEstablishment::default() };
    let model = establishments::create(&platform, &model).await.unwrap().establishment;
    let made: Vec<Establishment> = (0..count)
        .map(|number| Establishment {
            id: EstablishmentId::new(),
            number: i64::try_from(1_000_000 + number).unwrap(),
            slug: slug_of(number),
            name: format!("École {number}"),
            ..model.clone()
        })
        .collect();
    let mut tx = gateway.stores.registry().begin().await.unwrap();
    for one in &made {
        establishment::insert(&mut tx, one, &one.slug).await.unwrap();
    }
    tx.commit().await.unwrap();
    gateway.stores.forget(model.id).await;
    let file = folder.join("establishments").join(format!("{}.sqlite", model.slug));
    let mut making = JoinSet::new();
    for one in made {
        if file.exists() {
            std::fs::copy(&file, file.with_file_name(format!("{}.sqlite", one.slug))).unwrap();
            continue;
        }
        if making.len() >= MAKERS {
            making.join_next().await.unwrap().unwrap();
        }
        let stores = gateway.stores.clone();
        making.spawn(async move { stores.provision(&one).await.map(drop).unwrap() });
    }
    while let Some(ended) = making.join_next().await {
        ended.unwrap();
    }
}

/// Asks a server that has just started for one thing many times at once: the slowest answer, in milliseconds.
async fn first_requests(server: &Server, slug: &str) -> f64 {
    let http = reqwest::Client::new();
    let mut asked = JoinSet::new();
    for _ in 0..FIRST {
        let (http, url) = (http.clone(), discovery(server, slug));
        asked.spawn(async move { ask(&http, &url).await });
    }
    asked.join_all().await.into_iter().fold(0.0, f64::max)
}

/// Touches establishments at random, each for the first time, and prints how long the opening took; then some that stand open.
async fn touch(server: &Server, count: usize) {
    let http = reqwest::Client::new();
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for at in (1..order.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(at, usize::try_from(state % (at as u64 + 1)).unwrap());
    }
    order.truncate(TOUCHED);
    let mut cold = Vec::new();
    for number in &order {
        cold.push(ask(&http, &discovery(server, &slug_of(*number))).await);
    }
    let mut warm = Vec::new();
    for number in order.iter().rev().take(AGAIN) {
        warm.push(ask(&http, &discovery(server, &slug_of(*number))).await);
    }
    let [cold, warm] = [cold, warm].map(|mut times| {
        times.sort_by(f64::total_cmp);
        [times[times.len() / 2], times[times.len() * 95 / 100], times[times.len() - 1]]
    });
    println!("| discovery of a cold one: median, p95, slowest | {:.1}, {:.1}, {:.1} ms | |", cold[0], cold[1], cold[2]);
    println!("| discovery of one that stands open | {:.1}, {:.1}, {:.1} ms | |", warm[0], warm[1], warm[2]);
}

fn discovery(server: &Server, slug: &str) -> String {
    format!("{}/e/{slug}/.well-known/openid-configuration", server.url)
}

/// One request, in milliseconds.
async fn ask(http: &reqwest::Client, url: &str) -> f64 {
    let began = Instant::now();
    let answer = http.get(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.bytes().await.unwrap();
    began.elapsed().as_secs_f64() * 1000.0
}

/// Whole flows in turns on both installations, so that whatever else the machine does burdens both.
async fn flows(large: &Server, large_slug: &str, small: &Server, small_slug: &str) {
    let http = Arc::new(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap());
    let mut found: [Vec<(f64, f64)>; 2] = [Vec::new(), Vec::new()];
    let issuers = [(large, large_slug), (small, small_slug)].map(|(server, slug)| (server, format!("{}/e/{slug}", server.url)));
    let cookies = [sign_in(&issuers[0].1).await, sign_in(&issuers[1].1).await];
    for round in 0..=ROUNDS {
        for which in [0, 1] {
            let (server, issuer) = &issuers[which];
            let one = || flow(http.clone(), issuer.clone(), cookies[which].clone(), "bench-ES256".to_owned());
            let measured = measure(server, FLOWS, one).await;
            // The first round warms up.
            if round > 0 {
                found[which].push(measured);
            }
        }
    }
    let median = |pick: fn(&(f64, f64)) -> f64, which: usize| {
        let mut values: Vec<f64> = found[which].iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
    };
    let [cpu, rate] = [|one: &(f64, f64)| one.0, |one: &(f64, f64)| one.1].map(|pick| [median(pick, 0), median(pick, 1)]);
    println!("| flow with a session: server CPU | {:.3} ms | {:.3} ms ({:.2} times) |", cpu[0], cpu[1], cpu[0] / cpu[1]);
    println!("| flows a second | {:.0} | {:.0} ({:.2} times) |", rate[0], rate[1], rate[0] / rate[1]);
}
