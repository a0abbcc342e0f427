//! SCIM services of other projects that the gateway writes to: `scim2-server` of PyPI, and the crate `scim-server` behind a small program of ours.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::daemon::Daemon;
use super::scim_tools;

/// A running service; dropping it stops it.
pub struct Peer {
    pub url: String,
    _daemon: Daemon,
}

impl Peer {
    /// The reference service of the Python packages, which takes this token.
    pub fn python(token: &str) -> Self {
        // It takes no free port by itself: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let mut command = scim_tools::command("scim2-server");
        command.args(["--bearer-token", token, "--port", &port]);
        let ready = |line: &str| line.strip_prefix("Serving SCIM on ").map(str::to_owned);
        let (daemon, url) = Daemon::start(command, "python3-venv", ready).unwrap();
        Self { url, _daemon: daemon }
    }

    /// The crate `scim-server`, built once into the target folder.
    pub fn rust() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/scim_server/Cargo.toml");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scim-server-peer");
        let cargo = Path::new(env!("CARGO"));
        let mut build = Command::new(cargo);
        // One of its dependencies names a toolchain of its own, which is not asked for.
        build.env("RUSTC", cargo.with_file_name("rustc"));
        build.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(&manifest).arg("--target-dir").arg(&target);
        let ended = build.output().unwrap();
        assert!(ended.status.success(), "the peer does not build:\n{}", String::from_utf8_lossy(&ended.stderr));
        let ready = |line: &str| line.starts_with("http://").then(|| line.to_owned());
        let (daemon, url) = Daemon::start(Command::new(target.join("debug/scim-server-peer")), "cargo", ready).unwrap();
        Self { url, _daemon: daemon }
    }
}
