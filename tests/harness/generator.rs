//! The generated directory of the tests, with the outcome its generator expects: people, effective groups, roles.
//!
//! The same arguments give the same bytes, so an outcome is made once and kept in the target folder until the generator changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::daemon::missing;

/// A generated directory.
#[derive(Debug)]
pub struct Generated {
    /// Its entries, to load into a directory server.
    pub ldif: PathBuf,
    /// What should come of them.
    pub expected: Value,
    /// What a second source states of some of them, and of others.
    pub second: PathBuf,
}

/// Generates a directory of some establishments and people, or finds the one made before.
pub fn generate(establishments: u32, users: u32, seed: u32) -> Generated {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let script = sources.join("gen_directory.py");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let folder = cache.join(format!("{establishments}-{users}-{seed}-{:016x}-two", version(&sources)));
    if !folder.exists() {
        std::fs::create_dir_all(&cache).unwrap();
        let making = tempfile::tempdir_in(&cache).unwrap();
        run(&script, making.path(), [establishments, users, seed]);
        // Tests run at once may make the same one: the first rename wins, and the others find it there.
        let outcome = std::fs::rename(making.path(), &folder);
        assert!(folder.exists(), "{} cannot be kept: {outcome:?}", folder.display());
    }
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    Generated {
        ldif: folder.join("directory.ldif"),
        expected: serde_json::from_slice(&expected).unwrap(),
        second: folder.join("second.json"),
    }
}

fn run(script: &Path, folder: &Path, [establishments, users, seed]: [u32; 3]) {
    let mut command = Command::new("python3");
    command.arg(script).arg("--ldif").arg(folder.join("directory.ldif")).arg("--expected").arg(folder.join("expected.json"));
    command.arg("--scim").arg(folder.join("second.json"));
    for (name, value) in [("--establishments", establishments), ("--users", users), ("--seed", seed)] {
        command.arg(name).arg(value.to_string());
    }
    let output = command.output().unwrap_or_else(|_| panic!("{}", missing("python3", "python3")));
    assert!(output.status.success(), "the generator failed:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Changes with the generator or its role mapping.
fn version(sources: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in ["gen_directory.py", "mapping.json"] {
        std::fs::read(sources.join(name)).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

#[test]
fn same_arguments_give_the_same_directory() {
    let (first, again) = (generate(2, 100, 7), generate(2, 100, 7));
    assert_eq!(first.ldif, again.ldif);
    assert_eq!(first.expected, again.expected);
    assert_eq!(first.expected["totals"]["people"], 100);
    let fresh = tempfile::tempdir().unwrap();
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gen_directory.py"), fresh.path(), [2, 100, 7]);
    assert_eq!(std::fs::read(&first.ldif).unwrap(), std::fs::read(fresh.path().join("directory.ldif")).unwrap());
}

#[test]
fn made_at_once_by_many_tests_it_is_whole_for_each() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(generate(1, 60, 99).expected["totals"]["people"], 60));
        }
    });
}
