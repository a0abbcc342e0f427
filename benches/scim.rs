//! What a SCIM feed costs: people created one request each, found and listed again, members of a large group, many changes at once. Below HTTP first,
//! where a feed grows large; then a few thousand requests against a running `passerelle serve`.
//!
//! `cargo bench --bench scim` fills a feed with 200,000 people in SQLite and prints rows for `docs/benchmarks.md`; `-- 20000` takes another number, and
//! `-- 200000 postgres` keeps the store in a PostgreSQL server of its own, with the settings that PostgreSQL comes with.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement that meets the unexpected stops, and says where"
)]

#[path = "support/flow.rs"]
#[expect(dead_code, reason = "other measurements use more of it")]
mod flow;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/pushed.rs"]
mod pushed;

use std::time::{Duration, Instant};

use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::scim::change::{Change, Stored, With};
use passerelle::services::scim::feeds::authenticate;
use passerelle::services::scim::filter;
use passerelle::services::scim::patch;
use passerelle::services::scim::resources::{self, Asked, Start};
use passerelle::services::scim::schema::Kind;
use passerelle::services::sources;
use passerelle::services::tokens;
use passerelle::types::time::Timestamp;
use serde_json::{Map, Value, json};

use flow::Installation;

/// Requests at once.
const AT_ONCE: usize = 16;
/// People of a measured step.
const STEP: usize = 10_000;
/// Members of the large group.
const MEMBERS: usize = 50_000;
/// Repetitions of what is asked again and again.
const ASKED: usize = 300;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let people = arguments.first().map_or(200_000, |text| text.parse().expect("a number of people"));
    let server = (arguments.get(1).is_some_and(|engine| engine == "postgres")).then(postgres::Server::start);
    let database = server.as_ref().map(|server| server.database("scim"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(people, database.as_deref()));
}

/// What every request brings.
#[derive(Clone)]
struct Caller {
    ctx: Context,
    secret: String,
}

impl Caller {
    async fn feed(&self) -> passerelle::services::scim::feeds::Feed {
        authenticate(&self.ctx, &self.secret).await.unwrap()
    }

    async fn create(&self, kind: Kind, body: Value) -> Stored {
        resources::create(&self.feed().await, kind, object(body), With::default()).await.unwrap()
    }
}

async fn run(people: usize, database: Option<&str>) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let installation = Installation::new(folder.path(), database);
    let gateway = installation.open().await;
    let slug = flow::prepare(&gateway).await;
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let ctx = platform.enter(&slug).await.unwrap();
    sources::create(&ctx, &serde_json::from_value(json!({ "name": "feed", "kind": "scim", "settings": {} })).unwrap()).await.unwrap();
    let new = serde_json::from_value(json!({ "name": "bench", "kind": "scim", "source": "feed" })).unwrap();
    let (_, secret) = tokens::create(&ctx, &new).await.unwrap();
    let caller = Caller { ctx: Context { actor: Actor::Anonymous, ..ctx }, secret: secret.expose().to_owned() };
    println!("| {people} people | |");
    println!("|---|---|");
    let ids = fill(&caller, people).await;
    ask(&caller, people).await;
    members(&caller, &ids).await;
    bulk(&caller).await;
    gateway.stores.close().await;
    drop(gateway);
    pushed::measure(&installation, &slug, &caller.secret).await;
}

/// Creates people, one request each, so many at once; prints the rate of the first, some in the middle and the last steps.
async fn fill(caller: &Caller, people: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(people);
    for step in 0..people.div_ceil(STEP) {
        let began = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        for n in step * STEP..people.min((step + 1) * STEP) {
            if running.len() >= AT_ONCE {
                ids.push(running.join_next().await.unwrap().unwrap());
            }
            let caller = caller.clone();
            running.spawn(async move { caller.create(Kind::User, person(n)).await.id.to_string() });
        }
        while let Some(one) = running.join_next().await {
            ids.push(one.unwrap());
        }
        let rate = people.min((step + 1) * STEP).saturating_sub(step * STEP) as f64 / began.elapsed().as_secs_f64();
        if step == 0 || (step + 1) % 5 == 0 {
            println!("| created a second, up to {} | {rate:.0} |", (step + 1) * STEP);
        }
    }
    ids
}

async fn ask(caller: &Caller, people: usize) {
    let listed = async |asked: Asked| resources::list(&caller.feed().await, Kind::User, &asked).await.unwrap();
    let by_filter = |text: &str| Asked { filter: Some(filter::parse(Kind::User, text).unwrap()), ..Asked::default() };
    let mut times = Vec::new();
    for n in 0..ASKED {
        let asked = by_filter(&format!("userName eq \"P{}@acad-test.fr\"", n * 7919 % people));
        let began = Instant::now();
        assert_eq!(listed(asked).await.total, 1);
        times.push(began.elapsed());
    }
    told("`filter=userName eq`", times);
    let mut times = Vec::new();
    for n in 0..ASKED {
        let asked = by_filter(&format!("emails[type eq \"work\"].value eq \"p{}@acad-test.fr\"", n * 7919 % people));
        let began = Instant::now();
        assert_eq!(listed(asked).await.total, 1);
        times.push(began.elapsed());
    }
    told("`filter=emails[type eq \"work\"].value eq`", times);
    for (name, place) in [("first", 0), ("middle", people / 2), ("last", people.saturating_sub(100))] {
        let mut times = Vec::new();
        for _ in 0..ASKED / 3 {
            let asked = Asked { start: Start::Index(i64::try_from(place).unwrap() + 1), count: 100, ..Asked::default() };
            let began = Instant::now();
            assert_eq!(listed(asked).await.resources.len(), 100);
            times.push(began.elapsed());
        }
        told(&format!("a page of 100, the {name}"), times);
    }
    let mut times = Vec::new();
    let mut cursor = None;
    for _ in 0..ASKED {
        let began = Instant::now();
        let page = listed(Asked { start: Start::Cursor(cursor), count: 100, ..Asked::default() }).await;
        times.push(began.elapsed());
        cursor = page.next_cursor;
    }
    told("a page of 100 by cursor", times);
}

async fn members(caller: &Caller, ids: &[String]) {
    let (large, others) = ids.split_at(ids.len().min(MEMBERS).saturating_sub(ASKED));
    let members: Vec<Value> = large.iter().map(|id| json!({ "value": id })).collect();
    let began = Instant::now();
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Tous", "members": members });
    let group = caller.create(Kind::Group, group).await;
    println!("| a group of {} members created | {:.2} s |", large.len(), began.elapsed().as_secs_f64());
    for op in ["add", "remove"] {
        let mut times = Vec::new();
        for id in others.iter().take(ASKED / 2) {
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": op, "path": "members", "value": [{ "value": id }] }] });
            let began = Instant::now();
            let ops = patch::parse(&object(body)).unwrap();
            let feed = caller.feed().await;
            resources::patch(&feed, Kind::Group, &group.id.to_string(), ops, None, With::default()).await.unwrap();
            times.push(began.elapsed());
        }
        told(&format!("one member of it: {op}"), times);
    }
}

async fn bulk(caller: &Caller) {
    let changes = (0..1_000).map(|n| Change::Create { kind: Kind::User, body: object(person(10_000_000 + n)) }).collect();
    let began = Instant::now();
    let outcomes = resources::carry_all(&caller.feed().await, changes, With::default()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    println!("| 1,000 created together | {:.2} s |", began.elapsed().as_secs_f64());
}

fn person(n: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": format!("p{n}@acad-test.fr"), "externalId": format!("00u{n:017}"), "active": true,
        "displayName": format!("Élodie Œuvrard {n}"),
        "name": { "givenName": "Élodie", "familyName": "Œuvrard", "formatted": "Élodie Œuvrard" },
        "emails": [{ "type": "work", "value": format!("p{n}@acad-test.fr"), "primary": true }],
        "title": "Étudiante",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": format!("D{}", n % 50), "employeeNumber": format!("{n}") },
    })
}

fn object(body: Value) -> Map<String, Value> {
    let Value::Object(body) = body else { unreachable!("a body is an object") };
    body
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!("| {name} | {:.2} ms, p95 {:.2} ms |", at(50), at(95));
}
