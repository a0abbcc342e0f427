//! Programs of others that judge a SCIM service, and a reference service to write to: Python packages of fixed versions (`tests/data/scim_tools.txt`),
//! installed once into the target folder. What they find is for the tests to read.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::daemon::missing;

const INSTALL: &str = "python3-venv";

/// One of the programs, ready for its arguments.
pub fn command(program: &str) -> Command {
    let installed = folder();
    let script = installed.join("bin").join(program);
    assert!(script.exists(), "{program} is not among the tools of tests/data/scim_tools.txt");
    // The script's own first line names the folder in which it was made: Python is told of the script instead.
    let mut command = Command::new(installed.join("bin/python3"));
    command.arg(script);
    command
}

/// Where the programs are, installed now if they were not.
fn folder() -> PathBuf {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scim_tools.txt");
    let mut version = DefaultHasher::new();
    std::fs::read(&wanted).unwrap().hash(&mut version);
    run(Command::new("python3").arg("--version")).stdout.hash(&mut version);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = kept.join(format!("scim-tools-{:016x}", version.finish()));
    if !folder.exists() {
        std::fs::create_dir_all(kept).unwrap();
        let making = tempfile::tempdir_in(kept).unwrap();
        let environment = making.path().join("environment");
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
        run(Command::new(environment.join("bin/python3")).args(pip).arg(&wanted));
        // Tests run at once may make the same one: the first rename wins, and the others find it there.
        let outcome = std::fs::rename(&environment, &folder);
        assert!(folder.exists(), "{} cannot be kept: {outcome:?}", folder.display());
    }
    folder
}

fn run(command: &mut Command) -> Output {
    let outcome = command.output().unwrap_or_else(|_| panic!("{}", missing("python3", INSTALL)));
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned() + &String::from_utf8_lossy(&outcome.stdout);
    assert!(!said.contains("ensurepip is not available"), "{}", missing("Python's venv", INSTALL));
    assert!(outcome.status.success(), "{command:?} failed:\n{said}");
    outcome
}
