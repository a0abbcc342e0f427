//! Tools of others judge a gateway that answers: every one of their checks passes.

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::scim_client::Pushed;
use crate::harness::scim_tools::command;

/// Checks that scim2-cli makes at least: of discovery, and of every attribute of people and groups.
const CHECKS_MIN: usize = 120;

async fn run(mut command: Command) -> Output {
    command.stdin(std::process::Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn scim2_cli_finds_nothing_to_say() {
    let (_pushed, feed) = Pushed::with_feed().await;
    // Okta's and this tool's lists look among the first page for what they made: someone is there already.
    feed.person("someone").await;
    let mut test = command("scim2");
    test.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {}", feed.token)).args(["--url", &feed.base, "test", "--verbose"]);
    let outcome = run(test).await;
    let told = String::from_utf8_lossy(&outcome.stdout).into_owned() + &String::from_utf8_lossy(&outcome.stderr);
    let wrong: Vec<&str> = told.lines().filter(|line| is_verdict(line) && !line.starts_with("SUCCESS")).collect();
    assert!(outcome.status.success() && wrong.is_empty(), "{wrong:#?}\n{told}");
    let passed = told.lines().filter(|line| line.starts_with("SUCCESS")).count();
    assert!(passed >= CHECKS_MIN, "only {passed} checks were made:\n{told}");
}

fn is_verdict(line: &str) -> bool {
    let verdicts = ["SUCCESS", "COMPLIANT", "ACCEPTABLE", "DEVIATION", "ERROR", "CRITICAL", "SKIPPED"];
    line.split_once(' ').is_some_and(|(first, _)| verdicts.contains(&first))
}

#[tokio::test(flavor = "multi_thread")]
async fn scim_sanity_finds_nothing_to_say() {
    let (_pushed, feed) = Pushed::with_feed().await;
    let mut probe = command("scim-sanity");
    probe.args(["probe", &feed.base, "--token", &feed.token, "--i-accept-side-effects", "--json-output"]);
    let outcome = run(probe).await;
    let told: Value = serde_json::from_slice(&outcome.stdout)
        .unwrap_or_else(|_| panic!("{}{}", String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr)));
    // What it skips are resources that no version of the standard has: agents and their applications.
    let results = told["results"].as_array().unwrap();
    let agents = |result: &&Value| result["name"].as_str().unwrap().starts_with("Agent");
    let wrong: Vec<&Value> =
        results.iter().filter(|result| result["status"] != "pass" && !(result["status"] == "skip" && agents(result))).collect();
    assert!(outcome.status.success() && wrong.is_empty(), "{wrong:#?}");
    assert!(told["summary"]["passed"].as_u64().unwrap() >= 28, "{}", told["summary"]);
}
