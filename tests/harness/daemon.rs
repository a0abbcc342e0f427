//! A server of another project, started for one test and stopped with it. Readiness is a line it writes, never a guess of how long it takes.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Longest a server may take to be ready, on a machine whose cores are all busy.
const START_DEADLINE: Duration = Duration::from_mins(1);
/// Lines kept of what a server says before it is ready, to tell why it did not start.
const LINES_MAX: usize = 40;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Daemon {
    pub child: Child,
}

impl Daemon {
    /// Starts a command and waits until `ready` finds what it looks for in a line of its output.
    ///
    /// # Errors
    /// What the server said, when it ended or stayed silent instead.
    pub fn start<T>(mut command: Command, install: &str, ready: impl Fn(&str) -> Option<T>) -> Result<(Self, T), String> {
        let program = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => panic!("{}", missing(&program, install)),
            Err(error) => panic!("{program} cannot be started: {error}"),
        };
        let (sender, lines) = mpsc::channel();
        forward(child.stdout.take().unwrap(), sender.clone());
        forward(child.stderr.take().unwrap(), sender);
        let daemon = Self { child };
        wait(&lines, ready).map(|found| (daemon, found)).map_err(|said| format!("{program} did not start: {said}"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to stop, and only its exit to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What to do when a program is not there.
pub fn missing(program: &str, install: &str) -> String {
    format!("{program} is not installed. Run `apt-get install {install}`, or scripts/test, which installs what the tests need.")
}

/// Reads to the end, so that the server never waits for a reader of its output.
fn forward(output: impl Read + Send + 'static, sender: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { break };
            // Once the server is ready nobody listens any more; the output is still read.
            let _ = sender.send(line);
        }
    });
}

fn wait<T>(lines: &Receiver<String>, ready: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let deadline = Instant::now() + START_DEADLINE;
    let mut said = VecDeque::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(found) = ready(&line) {
                    return Ok(found);
                }
                said.push_back(line);
                if said.len() > LINES_MAX {
                    said.pop_front();
                }
            }
            Err(cause) => {
                let cause = if cause == RecvTimeoutError::Timeout { "it was not ready in time" } else { "it ended" };
                return Err(format!("{cause}, after saying:\n{}", said.into_iter().collect::<Vec<_>>().join("\n")));
            }
        }
    }
}

#[test]
fn program_that_is_not_installed_fails_with_the_install_line() {
    let outcome = std::panic::catch_unwind(|| Daemon::start(Command::new("no-such-server"), "no-such-package", |_| Some(())));
    let message = outcome.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("apt-get install no-such-package"), "{message}");
}

#[test]
fn server_that_ends_early_tells_what_it_said() {
    let mut command = Command::new("sh");
    command.args(["-c", "echo first; echo second >&2; exit 3"]);
    let message = Daemon::start(command, "dash", |line| (line == "ready").then_some(())).unwrap_err();
    assert!(message.contains("it ended") && message.contains("first") && message.contains("second"), "{message}");
}
