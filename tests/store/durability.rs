//! What is answered as written survives the program's sudden end: another process writes until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use passerelle::store::establishment::user;
use passerelle::store::{StoreUrl, Stores};

use super::engine::{slug, write_in};
use super::samples::person;

/// Commits that are waited for before the writer is killed.
const COMMITS: usize = 25;
/// Most commits of a writer that nobody kills.
const COMMITS_MAX: usize = 10_000;
/// People in one commit.
const TOGETHER: usize = 3;

#[tokio::test]
async fn what_was_answered_as_written_survives_a_kill_and_half_of_a_transaction_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::Sqlite(folder.path().to_owned());
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::durability::the_writer_that_is_killed", "--ignored", "--nocapture", "--test-threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(writer.stdin.as_mut().unwrap(), "{}", folder.path().display()).unwrap();
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
    let stores = Stores::open(&url, 4).await.unwrap();
    let store = stores.establishment(&slug("un")).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let names: Vec<String> = user::usernames(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect();
    for commit in &answered {
        assert!(names.contains(&format!("{commit}-0")), "{commit} was answered as written and is lost");
    }
    assert_eq!(names.len() % TOGETHER, 0, "half of a transaction is there");
    drop(tx);
    write_in(&store, async |tx| user::insert(tx, &person("après")).await).await;
}

#[tokio::test]
#[ignore = "the other process of the test above: it writes into the folder that its standard input names"]
async fn the_writer_that_is_killed() {
    let mut folder = String::new();
    std::io::stdin().read_line(&mut folder).unwrap();
    if folder.trim().is_empty() {
        return;
    }
    let stores = Stores::open(&StoreUrl::Sqlite(folder.trim().into()), 4).await.unwrap();
    let store = stores.provision_new(&slug("un")).await.unwrap();
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
