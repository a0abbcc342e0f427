//! Tests of: the command line, as a program with stores of its own.

mod application;
mod bulk;
mod check;
mod establishment;
mod feed;
mod held;
mod rules;
mod source;
mod token;
mod unit;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of stores, and the program that works on it.
pub struct Shell(TempDir);

impl Shell {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs a command in a language.
    pub fn run(&self, language: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.env("LC_ALL", language).arg("--data").arg(self.0.path()).args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The same with a variable of the environment.
    pub fn run_with(&self, language: &str, (name, value): (&str, &str), arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
        command.env("LC_ALL", language).env(name, value).arg("--data").arg(self.0.path()).args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Where the stores lie.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// What a command that goes well prints for people, in French.
    pub fn says(&self, arguments: &[&str]) -> String {
        let done = self.run("fr_FR.UTF-8", arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// What it prints for scripts.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// The exit code and the error of a command that fails.
    pub fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let failed = self.run("fr_FR.UTF-8", arguments);
        assert!(!failed.status.success(), "{arguments:?} went well");
        (failed.status.code().unwrap(), String::from_utf8(failed.stderr).unwrap())
    }
}
