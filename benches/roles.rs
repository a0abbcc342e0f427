//! Roles of a large establishment: everyone evaluated, a rule set simulated with the names of who gains and loses what, what one group's change
//! costs, and an explanation.
//!
//! `cargo bench --bench roles` makes 100,000 people, 5,000 groups and 200 rules in a SQLite store, then measures each in a process of its own,
//! whose peak memory is the system's count, and prints rows for `docs/benchmarks.md`. A number takes as many people; a folder after it keeps
//! what was made there, and measures it again the next time.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that meets the unexpected stops")]

#[path = "support/school.rs"]
mod school;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::roles::{self, Changed, RuleFields, rules};
use passerelle::store::establishment::{group, membership};
use passerelle::types::id::UserId;
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

/// Seconds that everyone's evaluation, and a simulation, may take, and the memory of each process in MiB.
const TARGETS: (f64, u64) = (1.5, 200);
/// Milliseconds that an explanation may take.
const EXPLAIN_MAX_MS: f64 = 10.0;
/// Rounds of each: the shortest counts, as others have the machine too.
const ROUNDS: usize = 5;
/// Explanations.
const EXPLAINED: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let [what, folder] = arguments.as_slice()
        && ["evaluate", "simulate", "group", "explain"].contains(&what.as_str())
    {
        let found = runtime.block_on(measured(what, Path::new(folder)));
        println!("{found}");
        return;
    }
    let people = arguments.first().map_or(100_000, |text| text.parse().expect("a number"));
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.get(1).map_or(temporary.path(), Path::new);
    if !folder.join("establishments").exists() {
        eprintln!("making {people} people");
        runtime.block_on(async {
            let gateway = open(folder).await;
            school::fill(&gateway, people).await;
            gateway.stores.close().await;
        });
    }
    let child = |what: &str| {
        let ended = Command::new(std::env::current_exe().unwrap()).arg(what).arg(folder).output().unwrap();
        eprint!("{}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success());
        serde_json::from_slice::<Value>(&ended.stdout).unwrap()
    };
    println!("| | wall time | processor time | peak memory | |\n|---|---|---|---|---|");
    for what in ["evaluate", "simulate"] {
        let found = child(what);
        println!(
            "| {what}: {people} people, {} groups, {} rules | {:.2} s (target: below {}) | {:.2} s | {} MiB (target: below {}) | {} |",
            found["groups"],
            found["rules"],
            found["took"].as_f64().unwrap(),
            TARGETS.0,
            found["cpu"].as_f64().unwrap(),
            found["peak_mib"],
            TARGETS.1,
            found["found"].as_str().unwrap(),
        );
    }
    for row in child("group").as_array().unwrap() {
        println!(
            "| a group of {} goes | {:.0} ms | {:.0} ms | | {} |",
            row["members"],
            row["took"],
            row["cpu"],
            row["found"].as_str().unwrap()
        );
    }
    let found = child("explain");
    println!("| explain: median, p95 | {:.1}, {:.1} ms (target: below {EXPLAIN_MAX_MS}) | | | |", found["median"], found["p95"]);
}

async fn open(folder: &Path) -> Arc<Gateway> {
    let environment = std::iter::once(("PASSERELLE__STORE__URL".to_owned(), format!("sqlite:{}", folder.display())));
    passerelle::app::open(&Config::load(None, environment, None).unwrap()).await.unwrap()
}

async fn measured(what: &str, folder: &Path) -> Value {
    let gateway = open(folder).await;
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let ctx = platform.enter(school::SLUG).await.unwrap();
    let found = match what {
        "evaluate" => evaluated(&ctx).await,
        "simulate" => simulated(&ctx).await,
        "group" => changed(&ctx).await,
        _ => explained(&ctx).await,
    };
    gateway.stores.close().await;
    found
}

/// Everyone's roles computed again and compared with what they hold, reasons included; nothing changed.
async fn evaluated(ctx: &Context) -> Value {
    let (mut took, mut cpu) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), processor_s());
        let mut tx = ctx.store.begin().await.unwrap();
        assert_eq!(roles::recompute_all_in(&mut tx, ctx).await.unwrap(), Changed::default());
        tx.commit().await.unwrap();
        (took, cpu) = (took.min(begun.elapsed().as_secs_f64()), cpu.min(processor_s() - before));
    }
    told(ctx, took, cpu, "nothing changed".to_owned()).await
}

/// Every tenth rule gives another role, and every tenth is gone.
async fn simulated(ctx: &Context) -> Value {
    let stored: Vec<RuleFields> = rules::list(ctx).await.unwrap().iter().map(RuleFields::from).collect();
    let mut supposed = stored.clone();
    supposed.iter_mut().step_by(10).for_each(|rule| "r9".clone_into(&mut rule.role));
    let supposed: Vec<RuleFields> = supposed.into_iter().enumerate().filter(|(at, _)| at % 10 != 5).map(|(_, rule)| rule).collect();
    let (mut took, mut cpu) = (f64::MAX, f64::MAX);
    let mut found = String::new();
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), processor_s());
        let simulation = roles::simulate(ctx, &supposed).await.unwrap();
        (took, cpu) = (took.min(begun.elapsed().as_secs_f64()), cpu.min(processor_s() - before));
        let (gained, lost, stay) = (simulation.gained_count, simulation.lost_count, simulation.unchanged_count);
        let named = simulation.gained.len() + simulation.lost.len();
        found = format!("{gained} gained, {lost} lost, {stay} stay; {named} rows named");
        assert!(gained > 0 && lost > 0 && stay > gained);
    }
    told(ctx, took, cpu, found).await
}

async fn told(ctx: &Context, took: f64, cpu: f64, found: String) -> Value {
    let peak_mib = memory_mib("VmHWM");
    let rules = rules::list(ctx).await.unwrap().len();
    let groups = group::list_all(&mut ctx.store.read().await.unwrap()).await.unwrap().len();
    json!({ "took": took, "cpu": cpu, "peak_mib": peak_mib, "found": found, "rules": rules, "groups": groups })
}

/// A group's members leave it, and those concerned are computed again: small groups and large ones. Nothing of it is kept.
async fn changed(ctx: &Context) -> Value {
    let mut rows = Vec::new();
    for (name, members) in school::MEASURED {
        let (mut took, mut cpu, mut found) = (f64::MAX, f64::MAX, String::new());
        for _ in 0..ROUNDS {
            let mut tx = ctx.store.begin().await.unwrap();
            let id = group::list_all(&mut tx).await.unwrap().into_iter().find(|group| group.name == name).unwrap().id;
            let inside: Vec<UserId> = membership::users_of_group(&mut tx, id).await.unwrap();
            assert_eq!(inside.len(), members);
            group::delete(&mut tx, id).await.unwrap();
            let (begun, before) = (Instant::now(), processor_s());
            let Changed { gained, lost } = roles::recompute_users_in(&mut tx, ctx, &inside).await.unwrap();
            took = took.min(begun.elapsed().as_secs_f64() * 1000.0);
            cpu = cpu.min((processor_s() - before) * 1000.0);
            found = format!("{gained} gained, {lost} lost");
            drop(tx);
        }
        rows.push(json!({ "members": members, "took": took, "cpu": cpu, "found": found }));
    }
    Value::Array(rows)
}

async fn explained(ctx: &Context) -> Value {
    let people = school::some_people(ctx, EXPLAINED).await;
    let mut took: Vec<f64> = Vec::with_capacity(people.len());
    for id in people {
        let begun = Instant::now();
        let explanation = roles::explain(ctx, id, None, None).await.unwrap();
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert!(!explanation.assignments.is_empty());
    }
    took.sort_by(f64::total_cmp);
    json!({ "median": took[took.len() / 2], "p95": took[took.len() * 95 / 100] })
}

/// Processor time of this process so far, in seconds: the column to trust when other programs run too.
fn processor_s() -> f64 {
    /// Clock ticks a second, as Linux reports them to every program.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (after_name[11].parse::<f64>().unwrap() + after_name[12].parse::<f64>().unwrap()) / TICKS
}

fn memory_mib(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|l| l.strip_prefix(line)?.split_whitespace().nth(1)?.parse::<u64>().ok());
    value.expect("the system counts the memory of a process") / 1024
}
