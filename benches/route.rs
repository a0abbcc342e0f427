//! One directory for many establishments: read once and given out to each, beside `ldapsearch` reading the same entries in the same minute.
//!
//! `cargo bench --bench route` starts a private slapd with 500 establishments of 200 people and 4 groups each, makes those establishments in a
//! process of its own, whose peak memory is the system's count, and passes over all of them twice: the first time everyone is new, the second
//! time nothing changed. `cargo bench --bench route -- 50 200` takes other numbers. It prints rows for `docs/benchmarks.md`.

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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use passerelle::config::Config;
use passerelle::services::context::{Actor, PlatformContext};
use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::routing::{self, Outcomes, Passed};
use passerelle::services::sources::{self, SourceFields};
use passerelle::store::establishment::routed_part::Outcome;
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::types::time::Timestamp;
use serde_json::{Value, json};

use slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE, Slapd};

/// Groups of each establishment; everyone is in one of them.
const GROUPS: usize = 4;
/// The letters of a UAI by its number modulo 23.
const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let [child, folder, url, establishments] = arguments.as_slice()
        && child == "pass"
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(measured(Path::new(folder), url, establishments.parse().unwrap()));
    }
    let number = |at: usize, otherwise: usize| arguments.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let (establishments, each) = (number(0, 500), number(1, 200));
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("directory.ldif");
    write(&ldif, establishments, each);
    eprintln!("loading {establishments} establishments of {each} people into slapd");
    let slapd = Slapd::start(&ldif);
    // Once unmeasured, so that the directory's pages are in memory for every reader alike.
    read(&slapd.url());
    let before = read(&slapd.url());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("pass").arg(folder.path().join("store")).arg(slapd.url()).arg(establishments.to_string());
    let ended = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(ended.status.success());
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let reference = (before + read(&slapd.url())).as_secs_f64() / 2.0;
    println!("| pass over {establishments} × {each} people | wall time | ldapsearch | times | processor time |");
    println!("|---|---|---|---|---|");
    for name in ["made", "first", "unchanged"] {
        let took = found[name]["took"].as_f64().unwrap();
        let cpu = found[name]["cpu"].as_f64().unwrap();
        println!("| {name} | {took:.2} s | {reference:.2} s | {:.1} | {cpu:.2} s |", took / reference);
    }
    let (peak, idle, files) = (&found["peak_mib"], &found["idle_mib"], &found["files"]);
    println!("\nPeak memory of the process: {peak} MiB, idle before {idle} MiB; at most {files} files open at once.");
}

/// Every part, in a process of its own, whose memory is counted.
async fn measured(folder: &Path, url: &str, establishments: usize) {
    let environment = std::iter::once(("PASSERELLE__STORE__URL".to_owned(), format!("sqlite:{}", folder.display())));
    let gateway = passerelle::app::open(&Config::load(None, environment, None).unwrap()).await.unwrap();
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let fields: SourceFields = serde_json::from_value(json!({
        "name": "academie",
        "settings": {
            "urls": [url], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "supann",
        },
        "route": "supannEtablissement{UAI}",
    }))
    .unwrap();
    sources::create(platform.context(), &fields).await.unwrap();
    let (begun, cpu) = (Instant::now(), processor_s());
    for number in 0..establishments {
        let new = NewEstablishment { name: format!("Collège {number}"), uai: Some(uai(number)), ..NewEstablishment::default() };
        establishments::create(&platform, &new).await.unwrap();
    }
    let made = json!({ "took": begun.elapsed().as_secs_f64(), "cpu": processor_s() - cpu });
    let idle_mib = memory_mib("VmRSS");
    let files = Arc::new(AtomicUsize::new(0));
    let most = files.clone();
    let counting = tokio::spawn(async move {
        loop {
            most.fetch_max(std::fs::read_dir("/proc/self/fd").unwrap().count(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let first = Box::pin(timed(&platform, establishments, Outcome::Done)).await;
    let unchanged = Box::pin(timed(&platform, establishments, Outcome::Unchanged)).await;
    counting.abort();
    let (peak_mib, files) = (memory_mib("VmHWM"), files.load(Ordering::Relaxed));
    println!(
        "{}",
        json!({ "made": made, "first": first, "unchanged": unchanged, "idle_mib": idle_mib, "peak_mib": peak_mib, "files": files })
    );
    gateway.stores.close().await;
}

async fn timed(platform: &PlatformContext, establishments: usize, expected: Outcome) -> Value {
    let (begun, cpu) = (Instant::now(), processor_s());
    let ended = Box::pin(routing::run_to_end(platform.context(), "academie", Mode::Full)).await.unwrap();
    let Outcomes::All(Passed { run, parts, .. }) = ended else { panic!("one run where a pass was due") };
    assert_eq!((run.state, run.error.as_deref(), parts.len()), (State::Done, None, establishments));
    assert!(parts.iter().all(|part| part.outcome == expected), "{:?}", run.note);
    eprintln!("{:?}", run.counts);
    json!({ "took": begun.elapsed().as_secs_f64(), "cpu": processor_s() - cpu })
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

fn uai(number: usize) -> String {
    let digits = 990_001 + number;
    format!("{digits:07}{}", char::from(LETTERS[digits % LETTERS.len()]))
}

fn write(path: &Path, establishments: usize, each: usize) {
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n").unwrap();
    for unit in ["people", "groups"] {
        writeln!(out, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n").unwrap();
    }
    for number in 0..establishments * each {
        let affiliation = if number.is_multiple_of(12) { "faculty" } else { "student" };
        // One in a hundred belongs to two establishments.
        let place = number / each;
        let second = (number.is_multiple_of(100)).then(|| format!("supannEtablissement: {{UAI}}{}\n", uai((place + 1) % establishments)));
        writeln!(
            out,
            "dn: uid=u{number:06},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\n\
             uid: u{number:06}\ncn: Anne Martin\nsn: Martin\ngivenName: Anne\ndisplayName: Anne Martin\nmail: u{number:06}@acad-test.fr\n\
             preferredLanguage: fr\neduPersonAffiliation: {affiliation}\neduPersonAffiliation: member\n\
             eduPersonPrimaryAffiliation: {affiliation}\nsupannEtablissement: {{UAI}}{}\n{}supannEmpId: E{number:07}\n\
             supannRessourceEtat: {{COMPTE}}A\n",
            uai(place),
            second.unwrap_or_default(),
        )
        .unwrap();
    }
    for group in 0..establishments * GROUPS {
        writeln!(out, "dn: cn=groupe-{group:05},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: groupe-{group:05}").unwrap();
        for member in 0..each / GROUPS {
            writeln!(out, "member: uid=u{:06},ou=people,{BASE}", group * (each / GROUPS) + member).unwrap();
        }
        writeln!(out).unwrap();
    }
    out.flush().unwrap();
}
