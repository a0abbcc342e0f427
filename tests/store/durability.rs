//! What is answered as written survives the program's sudden end: another process writes until it is killed.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use passerelle::store::establishment::user;
use passerelle::store::{StoreUrl, Stores};

use super::engine::{BOUNDS, named, write_in};
use super::samples::person;

/// Commits that are waited for before the writer is killed.
const COMMITS: usize = 25;
/// Most commits of a writer that nobody kills.
const COMMITS_MAX: usize = 10_000;
/// People in one commit.
const TOGETHER: usize = 3;
/// Names the folder that the other process writes into: with it, the test below is the writer that is killed.
const WRITER_FOLDER: &str = "PASSERELLE_TEST_WRITER_FOLDER";
/// The test below, as the test binary names it.
const TEST: &str = "store::durability::what_was_answered_as_written_survives_a_kill_and_half_of_a_transaction_does_not";

#[tokio::test]
async fn what_was_answered_as_written_survives_a_kill_and_half_of_a_transaction_does_not() {
    if let Some(folder) = writer_folder() {
        return write_until_killed(folder.into()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(folder.path().to_owned());
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads", "1"])
        .env(WRITER_FOLDER, folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered = Vec::new();
    for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
        if let Some(commit) = line.unwrap().strip_prefix("written ") {
            answered.push(commit.to_owned());
        }
        if answered.len() == COMMITS {
            break;
        }
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(answered.len(), COMMITS, "the writer ended by itself");
    let stores = Stores::open(&url, &[], BOUNDS).await.unwrap();
    let store = stores.establishment(named("un")).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let names: Vec<String> = user::usernames(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect();
    for commit in &answered {
        assert!(names.contains(&format!("{commit}-0")), "{commit} was answered as written and is lost");
    }
    assert_eq!(names.len() % TOGETHER, 0, "half of a transaction is there");
    drop(tx);
    write_in(&store, async |tx| user::insert(tx, &person("après")).await).await;
}

/// Where to write, in the process that the test starts of itself; nothing in any other.
#[expect(clippy::disallowed_methods, reason = "the other process is this binary, which takes no argument but a test's name")]
fn writer_folder() -> Option<OsString> {
    std::env::var_os(WRITER_FOLDER)
}

/// Writes people, a few in one transaction, and says after each commit that they are written.
async fn write_until_killed(folder: PathBuf) {
    let stores = Stores::open(&StoreUrl::Sqlite(folder), &[], BOUNDS).await.unwrap();
    let store = stores.provision_new(named("un")).await.unwrap();
    for n in 0..COMMITS_MAX {
        write_in(&store, async |tx| {
            for part in 0..TOGETHER {
                user::insert(tx, &person(&format!("{n}-{part}"))).await?;
            }
            Ok(())
        })
        .await;
        println!("written {n}");
    }
}
