//! The sync of a large directory, beside `ldapsearch` reading the same entries in the same minute.
//!
//! `cargo bench --bench sync` starts a private slapd with 100,000 people and 2,000 groups of 200, reads them with `ldapsearch`, then syncs
//! them into a new establishment by a process of its own, whose peak memory is the system's count, and prints rows for
//! `docs/benchmarks.md`. `cargo bench --bench sync -- 10000 200` takes other numbers.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that meets the unexpected stops, and says where"
)]

#[path = "../tests/harness/daemon.rs"]
mod daemon;
#[path = "../tests/harness/slapd.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod slapd;

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use passerelle::config::Config;
use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::sync;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::types::time::Timestamp;
use serde_json::json;

use slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

/// Direct members of each group.
const MEMBERS: usize = 200;
/// Times of the wall time of `ldapsearch` that a first sync, and one with nothing changed, may take.
const TARGETS: (f64, f64) = (6.0, 2.5);
/// Peak memory that the process may reach, in MiB.
const MEMORY_MAX_MIB: u64 = 250;

const FAMILY_NAMES: [&str; 8] = ["Lefèvre", "Œuvrard", "d’Hôtel", "N'Guyen", "Müller", "Garcia", "Le Goff", "Da Silva"];
const GIVEN_NAMES: [&str; 8] = ["Élodie", "Jean-Noël", "Zoé", "Mohamed", "Anaïs", "Loïc", "François", "Inès"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [child, folder, url] = arguments.as_slice()
        && child == "measured"
    {
        return tokio::runtime::Runtime::new().unwrap().block_on(measured(Path::new(folder), url));
    }
    let number = |at: usize, otherwise: usize| arguments.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let (people, groups) = (number(0, 100_000), number(1, 2_000));
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("directory.ldif");
    write(&ldif, people, groups);
    eprintln!("loading {people} people and {groups} groups into slapd");
    let slapd = Slapd::start(&ldif);

    // Once unmeasured, so that the directory's pages are in memory for every reader alike.
    read(&slapd.url());
    let reference = read(&slapd.url());
    let store = folder.path().join("store");
    let child = Command::new(std::env::current_exe().unwrap()).arg("measured").arg(&store).arg(slapd.url()).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let after = read(&slapd.url());
    eprint!("{}", String::from_utf8_lossy(&child.stderr));
    print(people, groups, (reference + after) / 2, &serde_json::from_slice(&child.stdout).unwrap());
}

fn print(people: usize, groups: usize, reference: Duration, found: &serde_json::Value) {
    let seconds = reference.as_secs_f64();
    println!("| run | wall time | ldapsearch | times | target | store file |");
    println!("|---|---|---|---|---|---|");
    for (name, target) in [("first", TARGETS.0), ("unchanged", TARGETS.1)] {
        let took = found[name].as_f64().unwrap();
        println!(
            "| {name}: {people} people, {groups} groups, {} memberships | {took:.2} s | {seconds:.2} s | {:.2} | ≤ {target} | {} MiB |",
            groups * MEMBERS,
            took / seconds,
            found["store_mib"]
        );
    }
    println!(
        "\nProcessor time of the gateway: {:.2} s and {:.2} s.",
        found["first_cpu"].as_f64().unwrap(),
        found["unchanged_cpu"].as_f64().unwrap()
    );
    println!(
        "Peak memory of the process: {} MiB (target: below {MEMORY_MAX_MIB}), idle before {} MiB.",
        found["peak_mib"], found["idle_mib"]
    );
}

/// The part whose memory is counted: a gateway of its own, a first run and one with nothing changed.
async fn measured(folder: &Path, url: &str) {
    tracing_subscriber::fmt().with_env_filter("passerelle::services::sync=debug").with_writer(std::io::stderr).with_ansi(false).init();
    let config = Config::load(None, std::iter::empty(), Some(folder)).unwrap();
    let gateway = passerelle::app::open(&config).await.unwrap();
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let new = NewEstablishment { name: "Académie".to_owned(), ..NewEstablishment::default() };
    let created = establishments::create(&platform, &new).await.unwrap();
    let ctx = Context::open(&gateway, &created.establishment.slug, Actor::System, Timestamp::now()).await.unwrap();
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
    let store_mib = std::fs::metadata(ctx.store.label()).unwrap().len() / (1024 * 1024);
    let found = json!({
        "first": first.0.as_secs_f64(),
        "unchanged": unchanged.0.as_secs_f64(),
        "first_cpu": first_cpu,
        "unchanged_cpu": processor_s() - cpu - first_cpu,
        "idle_mib": idle_mib,
        "peak_mib": memory_mib("VmHWM"),
        "store_mib": store_mib,
    });
    println!("{found}");
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

fn write(path: &Path, people: usize, groups: usize) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n").unwrap();
    for unit in ["people", "groups"] {
        writeln!(out, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n").unwrap();
    }
    for number in 0..people {
        person(&mut out, number);
    }
    for group in 0..groups {
        writeln!(out, "dn: cn=groupe-{group:04},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: groupe-{group:04}").unwrap();
        for member in 0..MEMBERS {
            // Spread over everyone, so that each person is in some groups, as in a school.
            writeln!(out, "member: uid=u{:06},ou=people,{BASE}", (group * 49 + member * 499) % people).unwrap();
        }
        writeln!(out).unwrap();
    }
    out.flush().unwrap();
}

fn person(out: &mut impl Write, number: usize) {
    let (given, family) = (GIVEN_NAMES[number % 8], FAMILY_NAMES[number / 8 % 8]);
    let affiliation = if number.is_multiple_of(12) { "faculty" } else { "student" };
    let encoded = |text: &str| {
        use base64::Engine;
        base64::prelude::BASE64_STANDARD.encode(text)
    };
    let (given, family, both) = (encoded(given), encoded(family), encoded(&format!("{given} {family}")));
    writeln!(
        out,
        "dn: uid=u{number:06},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\n\
         uid: u{number:06}\ncn:: {both}\nsn:: {family}\ngivenName:: {given}\ndisplayName:: {both}\nmail: u{number:06}@acad-test.fr\n\
         preferredLanguage: fr\neduPersonAffiliation: {affiliation}\neduPersonAffiliation: member\n\
         eduPersonPrimaryAffiliation: {affiliation}\nsupannEtablissement: {{UAI}}099{:04}A\nsupannEntiteAffectation: D{:02}\n\
         supannEntiteAffectationPrincipale: D{:02}\nsupannEmpId: E{number:07}\nsupannRessourceEtat: {{COMPTE}}A\n",
        number % 60,
        number % 40,
        number % 40,
    )
    .unwrap();
}
