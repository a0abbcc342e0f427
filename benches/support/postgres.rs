//! A PostgreSQL server of a benchmark's own, with the settings that PostgreSQL comes with: what is committed is on the disk.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A running server; dropping it stops it and removes its folder.
pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Server {
    /// Starts one on a socket in a folder of its own.
    pub fn start() -> Self {
        let versions = std::fs::read_dir(VERSIONS).expect("install postgresql").map(|version| version.unwrap().path().join("bin"));
        let programs = versions.max().expect("a version of PostgreSQL");
        let server = Self { folder: tempfile::tempdir().unwrap(), programs };
        let folder = server.folder.path();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder));
        }
        run(server
            .command("initdb")
            .args(["-U", "postgres", "--auth-local=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-D"])
            .arg(server.cluster()));
        let settings = format!("-c listen_addresses= -c unix_socket_directories={}", folder.display());
        let log = folder.join("log");
        run(server.command("pg_ctl").args(["start", "-w", "-s", "-o", &settings, "-D"]).arg(server.cluster()).arg("-l").arg(log));
        server
    }

    /// Makes a database and its owner, as the documentation for administrators says; answers its address.
    pub fn database(&self, name: &str) -> String {
        let statements = [
            format!("CREATE ROLE {name} LOGIN NOINHERIT CREATEROLE NOSUPERUSER"),
            format!("CREATE DATABASE {name} OWNER {name} TEMPLATE template0"),
            format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC"),
        ];
        for statement in statements {
            run(Command::new(self.programs.join("psql")).args(["-q", "-U", "postgres", "-c", &statement, "-h"]).arg(self.folder.path()));
        }
        format!("postgres://{name}@localhost/{name}?host={}", self.folder.path().display())
    }

    fn cluster(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() { Command::new("setpriv") } else { Command::new(&program) };
        if is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
        }
        command.current_dir("/");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What was measured is printed; a server that does not stop is no reason to lose it.
        let _stopped = self.command("pg_ctl").args(["stop", "-s", "-m", "immediate", "-D"]).arg(self.cluster()).status();
    }
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn run(command: &mut Command) {
    assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{command:?}");
}
