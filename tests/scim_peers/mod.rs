//! What the gateway answers to filters and patches, beside what other people's libraries do. Every difference is explained in a table, or the test fails; so does an explanation that
//! explains nothing.

mod filters;
mod patches;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};

/// A case whose answer differs from that of one library, and why.
type Explained = (&'static str, &'static str, &'static str);

/// Where the libraries are installed, once.
static INSTALLED: LazyLock<Mutex<Option<PathBuf>>> = LazyLock::new(Mutex::default);

/// Installs the libraries into the target folder, as their lock says.
fn installed() -> PathBuf {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = installed.as_ref() {
        return folder.clone();
    }
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/scim_js");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scim_js");
    fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "answer.mjs"] {
        fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let (lock, done) = (fs::read(from.join("package-lock.json")).unwrap(), folder.join("installed.json"));
    if fs::read(&done).ok().as_ref() != Some(&lock) {
        let npm = Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder).output();
        let npm = npm.expect("npm is missing: apt-get install nodejs npm");
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        fs::write(&done, &lock).unwrap();
    }
    *installed = Some(folder.clone());
    folder
}

/// What the libraries answer, in the order of the questions: `{"answer": …}` or `{"refused": "why"}`.
fn answers(questions: &[Value]) -> Vec<Value> {
    let node = Command::new("node").arg("answer.mjs").current_dir(installed()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut node = node.expect("node is missing: apt-get install nodejs npm");
    let mut stdin = node.stdin.take().unwrap();
    let lines: Vec<u8> = questions.iter().flat_map(|question| format!("{question}\n").into_bytes()).collect();
    let writer = std::thread::spawn(move || stdin.write_all(&lines).unwrap());
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> = String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

/// Fails on a difference without explanation, and on an explanation without difference.
fn settle(differences: &[(&'static str, String, String)], explained: &[Explained]) {
    let known: BTreeSet<(&str, &str)> = explained.iter().map(|(peer, case, _)| (*peer, *case)).collect();
    let found: BTreeSet<(&str, &str)> = differences.iter().map(|(peer, case, _)| (*peer, case.as_str())).collect();
    let unexplained: Vec<String> = differences
        .iter()
        .filter(|(peer, case, _)| !known.contains(&(*peer, case.as_str())))
        .map(|(peer, case, how)| format!("{peer}: {case}\n    {how}"))
        .collect();
    assert!(unexplained.is_empty(), "differences that nothing explains:\n{}", unexplained.join("\n"));
    let idle: Vec<_> = known.difference(&found).collect();
    assert!(idle.is_empty(), "explanations of no difference: {idle:?}");
}

#[test]
fn the_libraries_refuse_what_is_nonsense() {
    let resource = json!({"userName": "a"});
    let asked = answers(&[
        json!({"peer": "scimmy", "filter": "userName zz \"a\"", "resource": resource}),
        json!({"peer": "scim2-parse-filter", "filter": "userName eq", "resource": resource}),
        json!({"peer": "scim-patch", "operations": [{"op": "move"}], "resource": resource}),
    ]);
    assert!(asked.iter().all(|answer| answer["refused"].is_string()), "{asked:?}");
}
