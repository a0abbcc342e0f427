//! Tests of: `passerelle demo` and `passerelle serve` as programs: what they print, how they stop, what they leave.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Longest a program may take to say a line, on a machine whose cores are all busy.
const LINE_DEADLINE: Duration = Duration::from_mins(1);

fn passerelle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The first line a program writes; the rest of its output is read too, so that it never waits for a reader.
fn first_line(output: impl Read + Send + 'static) -> String {
    let (sender, line) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // After the first line nobody listens any more.
            let _ = sender.send(line);
        }
    });
    line.recv_timeout(LINE_DEADLINE).unwrap()
}

/// Asks a program to end, as the system does.
fn terminate(child: Child) -> Output {
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(asked.success());
    child.wait_with_output().unwrap()
}

#[test]
fn demo_prints_one_line_for_scripts_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = passerelle(&["demo", "--json", "--listen", "127.0.0.1:0", "--people", "60"]);
    let mut child = command.env("TMPDIR", temporary.path()).spawn().unwrap();
    let line: Value = serde_json::from_str(&first_line(child.stdout.take().unwrap())).unwrap();
    assert_eq!(line["establishments"].as_array().unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);

    let ended = terminate(child);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "the temporary folder stays behind");
}

#[test]
fn demo_refuses_what_cannot_be_with_one_sentence() {
    for (arguments, wanted) in [
        (&["demo", "--people", "1", "--listen", "127.0.0.1:0"][..], "60"),
        (&["demo", "--listen", "here"][..], "--listen"),
        (&["demo", "--ldif", "a.ldif", "--people", "70"][..], "--people"),
    ] {
        let ended = passerelle(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains(wanted), "{arguments:?}: {said}");
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn serve_tells_how_the_first_operator_is_made_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = passerelle(&["serve", "--data", folder.path().to_str().unwrap()]);
    command.env("PASSERELLE__LISTEN__ADDRESS", "127.0.0.1:0").env("PASSERELLE__LOG__LEVEL", "warn").env("LC_ALL", "en");
    let mut child = command.spawn().unwrap();
    let said = first_line(child.stderr.take().unwrap());
    assert!(said.contains("passerelle operator create") && said.contains(folder.path().to_str().unwrap()), "{said}");
    assert!(terminate(child).status.success());
}
