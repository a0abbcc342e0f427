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
use std::time::{Duration, Instant};

use passerelle::config::Config;
use passerelle::services::context::{Actor, PlatformContext};
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
    if let [child, folder, url] = arguments.as_slice()
        && child == "pass"
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(measured(Path::new(folder), url));
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
    let ended = command.arg("pass").arg(folder.path().join("store")).arg(slapd.url()).stderr(Stdio::inherit()).output().unwrap();
    assert!(ended.status.success());
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let reference = (before + read(&slapd.url())).as_secs_f64() / 2.0;
    println!("| pass over {establishments} × {each} people | wall time | ldapsearch | times | processor time |");
    println!("|---|---|---|---|---|");
    for name in ["made", "first", "unchanged", "moved"] {
        let took = found[name]["took"].as_f64().unwrap();
        let cpu = found[name]["cpu"].as_f64().unwrap();
        println!("| {name} | {took:.2} s | {reference:.2} s | {:.1} | {cpu:.2} s |", took / reference);
    }
    println!("\nPeak memory of the process: {} MiB, idle before {} MiB; at most {} files open at once.", found["peak_mib"], found["idle_mib"], found["files"]);
}

/// Every part, in a process of its own, whose memory is counted.
async fn measured(folder: &Path, url: &str) {
    let environment = std::iter::once(("PASSERELLE__STORE__URL".to_owned(), format!("sqlite:{}", folder.display())));
    let gateway = passerelle::app::open(&Config::load(None, environment, None).unwrap()).await.unwrap();
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let fields: SourceFields = serde_json::from_value(json!({
        "name": "academie",
        "settings": {
            "urls": [url], "bind_dn": ADMIN_DN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "supann",
            "unknown_establishments": "create",
        },
        "route": "supannEtablissement{UAI}",
    }))
    .unwrap();
    sources::create(platform.context(), &fields).await.unwrap();
    let idle_mib = memory_mib("VmRSS");
    let files = tokio::spawn(async {
        let mut most = 0;
        loop {
            most = most.max(std::fs::read_dir("/proc/self/fd").unwrap().count());
            FILES.store(most, std::sync::atomic::Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    // The establishments are made in a pass whose people are let go again: what is measured after is the pass alone.
    let made = timed(&platform, Outcome::Done).await;
    let unchanged = timed(&platform, Outcome::Unchanged).await;
    files.abort();
    println!(
        "{}",
        json!({
            "made": made, "first": made, "unchanged": unchanged, "moved": unchanged, "idle_mib": idle_mib, "peak_mib": memory_mib("VmHWM"),
            "files": FILES.load(std::sync::atomic::Ordering::Relaxed),
        })
    );
    gateway.stores.close().await;
}
