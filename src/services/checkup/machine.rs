//! This machine: room in the folders, and files that the program may hold open.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::{Finding, Level};
use crate::config::Config;

/// Room that every folder should have, in MiB.
const FREE_MIB_MIN: u64 = 1024;
/// Files that one open store of the SQLite kind holds most of the time: a writer and a reader, each with its log, and what they share.
const FILES_PER_STORE: u64 = 5;
/// Files that the program holds besides.
const FILES_BESIDE: u64 = 64;

/// Looks at this machine. `folders` are those of the stores.
pub fn machine(config: &Config, folders: &[PathBuf]) -> Vec<Finding> {
    let mut folders = folders.to_vec();
    folders.push(config.folder());
    if config.archives.are_wanted() {
        folders.push(config.archives.folder.clone());
    }
    folders.sort();
    folders.dedup();
    let mut findings: Vec<Finding> = folders.iter().map(|folder| room(folder)).collect();
    findings.push(files(config));
    findings
}

fn room(folder: &Path) -> Finding {
    // One that is not there yet will be made where its parent is.
    let there = folder.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    match rustix::fs::statvfs(there) {
        Err(error) => Finding::new("machine", "room", Level::Wrong, "check-room-unknown", &[("folder", &shown), ("said", &error)]),
        Ok(found) => {
            let free_mib = found.f_bavail.saturating_mul(found.f_frsize) / (1024 * 1024);
            let (level, text) = if free_mib < FREE_MIB_MIN { (Level::Wrong, "check-room-little") } else { (Level::Well, "check-room") };
            Finding::new("machine", "room", level, text, &[("folder", &shown), ("free", &free_mib), ("least", &FREE_MIB_MIN)])
        }
    }
}

fn files(config: &Config) -> Finding {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let stores = count(config.limits.open_establishments_max).saturating_mul(FILES_PER_STORE);
    let needed = stores.saturating_add(count(config.limits.connections_max)).saturating_add(FILES_BESIDE);
    // Without a limit any number will do.
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let (level, text) = if allowed < needed { (Level::Notice, "check-files-few") } else { (Level::Well, "check-files") };
    Finding::new("machine", "files", level, text, &[("allowed", &allowed), ("needed", &needed)])
}
