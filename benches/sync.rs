//! The sync of a large directory, beside `ldapsearch` reading the same entries in the same minute; then the export of what came in, and its import.
//!
//! `cargo bench --bench sync` starts a private slapd with 100,000 people and 2,000 groups of 200, reads them with `ldapsearch`, then syncs
//! them into a new establishment by a process of its own, whose peak memory is the system's count, and prints rows for
//! `docs/benchmarks.md`. `cargo bench --bench sync -- 10000 200` takes other numbers, and
//! `-- 100000 2000 postgres` keeps the store in a PostgreSQL server of its own, with the settings that PostgreSQL comes with.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that meets the unexpected stops, and says where"
)]

#[path = "../tests/harness/daemon.rs"]
mod daemon;
#[path = "support/directory.rs"]
mod directory;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "../tests/harness/slapd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod slapd;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use passerelle::config::Config;
use passerelle::services::applications;
use passerelle::services::archives::{self, Key, Lock, Progress};
use passerelle::services::context::{Actor, Context, Gateway, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::roles::rules;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::sync;
use passerelle::store::establishment::sync_run::{Mode, Run, StartedBy, State};
use passerelle::types::time::Timestamp;
use serde_json::json;

use slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

/// Times of the wall time of `ldapsearch` that a first sync, and one with nothing changed, may take.
const TARGETS: (f64, f64) = (4.0, 2.0);
/// Milliseconds that a run of 100 changes, and one with none, may take.
const CHANGES_MAX_MS: (u32, u32) = (60, 10);
/// Peak memory that the process of a sync may reach, and that of an archive, in MiB.
const MEMORY_MAX_MIB: (u64, u64) = (150, 200);
/// Seconds that an export or an import may take.
const ARCHIVE_MAX_S: u64 = 20;
const SLUG: &str = "academie";
const PASSPHRASE: &str = "cheval pile agrafe correct";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [child, folder, database, rest @ ..] = arguments.as_slice()
        && ["sync", "export", "import"].contains(&child.as_str())
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(measured(child, Path::new(folder), database, rest.first().map(String::as_str)));
    }
    let number = |at: usize, otherwise: usize| arguments.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let (people, groups) = (number(0, 100_000), number(1, 2_000));
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("directory.ldif");
    directory::write(&ldif, people, groups);
    eprintln!("loading {people} people and {groups} groups into slapd");
    let slapd = Slapd::start(&ldif);

    let server = (arguments.get(2).is_some_and(|engine| engine == "postgres")).then(postgres::Server::start);
    let database = server.as_ref().map_or("-".to_owned(), |server| server.database("sync"));

    // Once unmeasured, so that the directory's pages are in memory for every reader alike.
    read(&slapd.url());
    let reference = read(&slapd.url());
    let store = folder.path().join("store");
    let child = |what: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let ended = command.arg(what).arg(&store).arg(&database).arg(slapd.url()).output().unwrap();
        eprint!("{}", String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success());
        serde_json::from_slice::<serde_json::Value>(&ended.stdout).unwrap()
    };
    let found = child("sync");
    let after = read(&slapd.url());
    print(people, groups, (reference + after) / 2, &found);
    for what in ["export", "import"] {
        let found = child(what);
        println!(
            "| {what} | {:.2} s (target: below {ARCHIVE_MAX_S}) | processor time {:.2} s | peak memory {} MiB (target: below {}) | archive {} MiB |",
            found["took"].as_f64().unwrap(),
            found["cpu"].as_f64().unwrap(),
            found["peak_mib"],
            MEMORY_MAX_MIB.1,
            found["archive_mib"],
        );
    }
}

fn print(people: usize, groups: usize, reference: Duration, found: &serde_json::Value) {
    let seconds = reference.as_secs_f64();
    println!("| run | wall time | ldapsearch | times | target | processor time | store file |");
    println!("|---|---|---|---|---|---|---|");
    for (name, target) in [("first", TARGETS.0), ("unchanged", TARGETS.1)] {
        let took = found[name].as_f64().unwrap();
        println!(
            "| {name}: {people} people, {groups} groups, {} memberships | {took:.2} s | {seconds:.2} s | {:.2} | ≤ {target} | {:.2} s | {} MiB |",
            groups * directory::MEMBERS,
            took / seconds,
            found[format!("{name}_cpu")].as_f64().unwrap(),
            found["store_mib"]
        );
    }
    for (name, target) in [("changes", CHANGES_MAX_MS.0), ("idle", CHANGES_MAX_MS.1)] {
        println!("| {name} | {} ms, the shortest of {} | | | ≤ {target} ms | | |", found[name], found["rounds"]);
    }
    println!(
        "\nPeak memory of the process: {} MiB (target: below {}), idle before {} MiB.\n",
        found["peak_mib"], MEMORY_MAX_MIB.0, found["idle_mib"]
    );
}

/// The parts whose memory is counted, each in a process of its own: a first run and one with nothing changed, an export, an import.
async fn measured(what: &str, folder: &Path, database: &str, url: Option<&str>) {
    tracing_subscriber::fmt().with_env_filter("passerelle::services::sync=debug").with_writer(std::io::stderr).with_ansi(false).init();
    let beside = folder.display().to_string();
    let (store, beside) = if database == "-" { (format!("sqlite:{beside}"), None) } else { (database.to_owned(), Some(beside)) };
    let beside = beside.map(|folder| ("PASSERELLE__STORE__FOLDER".to_owned(), folder));
    let environment = std::iter::once(("PASSERELLE__STORE__URL".to_owned(), store)).chain(beside);
    let config = Config::load(None, environment, None).unwrap();
    let gateway = passerelle::app::open(&config).await.unwrap();
    let found = match what {
        "sync" => Box::pin(synced(&gateway, url.unwrap())).await,
        _ => archived(&gateway, what, &folder.with_extension("archive")).await,
    };
    gateway.stores.close().await;
    println!("{found}");
}

/// Writes the establishment's archive, or takes it in beside the original.
async fn archived(gateway: &Arc<Gateway>, what: &str, path: &Path) -> serde_json::Value {
    let platform = PlatformContext::open(gateway, Actor::System, Timestamp::now()).await.unwrap();
    let progress = Arc::new(Progress::default());
    let (begun, cpu) = (Instant::now(), processor_s());
    if what == "export" {
        let ctx = platform.enter(SLUG).await.unwrap();
        let file = BufWriter::new(std::fs::File::create(path).unwrap());
        archives::export(&ctx, &Lock::passphrase(PASSPHRASE.to_owned()).unwrap(), file, &progress).await.unwrap();
    } else {
        archives::import(&platform, path, &Key::passphrase(PASSPHRASE.to_owned()).unwrap(), Some("copie"), &progress).await.unwrap();
    }
    json!({
        "took": begun.elapsed().as_secs_f64(),
        "cpu": processor_s() - cpu,
        "peak_mib": memory_mib("VmHWM"),
        "archive_mib": std::fs::metadata(path).unwrap().len() / (1024 * 1024),
    })
}

/// A first run into a new establishment, and one with nothing changed.
async fn synced(gateway: &Arc<Gateway>, url: &str) -> serde_json::Value {
    // As where a gateway runs the sync that people sign in to.
    gateway.node.serve();
    let platform = PlatformContext::open(gateway, Actor::System, Timestamp::now()).await.unwrap();
    let new = NewEstablishment { name: "Académie".to_owned(), slug: Some(SLUG.to_owned()), ..NewEstablishment::default() };
    establishments::create(&platform, &new).await.unwrap();
    let ctx = platform.enter(SLUG).await.unwrap();
    let fields: SourceFields = serde_json::from_value(json!({
        "name": "ldap",
        "settings": { "urls": [url], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "supann" },
    }))
    .unwrap();
    sources::create(&ctx, &fields).await.unwrap();
    let idle_mib = memory_mib("VmRSS");
    let cpu = processor_s();
    let first = timed(&ctx).await;
    let first_cpu = processor_s() - cpu;
    let unchanged = timed(&ctx).await;
    assert_eq!((unchanged.1.counts.created, unchanged.1.counts.updated, unchanged.1.counts.memberships_added), (0, 0, 0));
    eprintln!("{:?}", first.1.counts);
    // Before the small runs, which are not what memory is asked for.
    let peak_mib = memory_mib("VmHWM");
    let (changes, idle) = kept_up(&ctx, url).await;
    let store_mib = std::fs::metadata(ctx.store.label()).map_or(0, |file| file.len() / (1024 * 1024));
    json!({
        "first": first.0.as_secs_f64(),
        "unchanged": unchanged.0.as_secs_f64(),
        "first_cpu": first_cpu,
        "unchanged_cpu": processor_s() - cpu - first_cpu,
        "idle_mib": idle_mib,
        "peak_mib": peak_mib,
        "store_mib": store_mib,
        "changes": changes,
        "idle": idle,
        "rounds": ROUNDS,
    })
}

/// How often the small runs are measured.
const ROUNDS: usize = 5;

/// Runs of a hundred changes each, roles included, and runs that find nothing: the shortest of each, in milliseconds.
async fn kept_up(ctx: &Context, url: &str) -> (f64, f64) {
    let rule =
        json!({ "application": "notes", "when": [{ "attribute": "eduPersonPrimaryAffiliation", "matches": "staff" }], "role": "staff" });
    let application = json!({ "name": "notes", "title": "Notes", "roles": [{ "name": "staff", "title": "Staff" }] });
    applications::create(ctx, &serde_json::from_value(application).unwrap()).await.unwrap();
    rules::create(ctx, &serde_json::from_value(rule).unwrap()).await.unwrap();
    let (mut changes, mut idle) = (f64::MAX, f64::MAX);
    for round in 0..ROUNDS {
        let text: String = (0..100).fold(String::new(), |text, n| {
            let number = round * 1000 + n;
            format!("{text}dn: uid=u{number:06},ou=people,{BASE}\nchangetype: modify\nreplace: eduPersonPrimaryAffiliation\neduPersonPrimaryAffiliation: staff\n\n")
        });
        let mut client = Slapd::client("ldapmodify", url).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        client.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(client.wait().unwrap().success());
        let begun = Instant::now();
        let run = sync::run_by(ctx, "ldap", Mode::Changes, StartedBy::Schedule).await.unwrap();
        changes = changes.min(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!((run.state, run.counts.updated, run.note.as_deref()), (State::Done, 100, None));
        let begun = Instant::now();
        let run = sync::run_by(ctx, "ldap", Mode::Changes, StartedBy::Schedule).await.unwrap();
        idle = idle.min(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!((run.state, run.counts.read), (State::Done, 0));
    }
    (changes, idle)
}

async fn timed(ctx: &Context) -> (Duration, Run) {
    let begun = Instant::now();
    let run = sync::run_to_end(ctx, "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
    (begun.elapsed(), run)
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

/// Wall time of `ldapsearch` over the same entries and attributes: people, then groups.
fn read(url: &str) -> Duration {
    let people = [
        "(objectClass=supannPerson)",
        "entryUUID",
        "uid",
        "cn",
        "sn",
        "givenName",
        "displayName",
        "mail",
        "preferredLanguage",
        "eduPersonAffiliation",
        "eduPersonPrimaryAffiliation",
        "supannEtablissement",
        "supannEntiteAffectation",
        "supannEntiteAffectationPrincipale",
        "supannEmpId",
        "supannRessourceEtat",
    ];
    let groups = ["(objectClass=groupOfNames)", "entryUUID", "cn", "description", "member"];
    let begun = Instant::now();
    for search in [people.as_slice(), groups.as_slice()] {
        let mut command = Slapd::client("ldapsearch", url);
        command.args(["-LLL", "-E", "pr=1000/noprompt", "-b", BASE]).args(search).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    }
    begun.elapsed()
}
