//! A private OpenLDAP server: a folder, a database and a port of its own, stopped when dropped.

use std::fmt::Write;
use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::daemon::{Daemon, missing};

/// Suffix of the directory.
pub const BASE: &str = "dc=acad-test,dc=fr";
/// Who may read and write everything.
pub const ADMIN_DN: &str = "cn=admin,dc=acad-test,dc=fr";
/// That one's password.
pub const ADMIN_PASSWORD: &str = "secret";

/// A port picked by the system may be taken by another program before slapd binds it; then the next one is tried.
const PORTS_TRIED_MAX: usize = 5;
/// Longest between slapd's word that it starts and its first accepted connection.
const LISTEN_DEADLINE: Duration = Duration::from_secs(20);
const INSTALL: &str = "slapd ldap-utils";

/// What a server should be started with.
#[derive(Debug, Default)]
pub struct Setup<'a> {
    /// The entries to load; an empty directory when not said.
    pub ldif: Option<&'a Path>,
    /// The certificate for LDAPS and StartTLS; plain LDAP only when not said.
    pub tls: Option<Tls<'a>>,
    /// Directives of the database, such as `sizelimit 10`.
    pub directives: &'a str,
    /// Without content synchronisation (RFC 4533), as a directory set up by hand often is.
    pub without_sync: bool,
}

/// A server's certificate.
#[derive(Debug)]
pub struct Tls<'a> {
    /// The certificate, with those between it and the authority, in PEM.
    pub certificate: &'a Path,
    /// Its private key, in PEM.
    pub key: &'a Path,
}

/// A running slapd.
#[derive(Debug)]
pub struct Slapd {
    // Declared first, so that the server stops before its folder goes.
    daemon: Daemon,
    folder: tempfile::TempDir,
    port: u16,
    tls_port: Option<u16>,
}

impl Slapd {
    /// A server that holds the entries of a file.
    pub fn start(ldif: &Path) -> Self {
        Self::start_with(&Setup { ldif: Some(ldif), ..Setup::default() })
    }

    /// A server as described.
    pub fn start_with(setup: &Setup<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = configure(folder.path(), setup);
        if let Some(ldif) = setup.ldif {
            let load = output(Command::new(program("slapadd")).args(["-q", "-w", "-f"]).arg(&config).arg("-l").arg(ldif));
            assert!(load.status.success(), "slapadd refused {}:\n{}", ldif.display(), String::from_utf8_lossy(&load.stderr));
        }
        let mut refusals = String::new();
        for _ in 0..PORTS_TRIED_MAX {
            let (port, tls_port) = (free_port(), setup.tls.as_ref().map(|_| free_port()));
            let mut addresses = format!("ldap://127.0.0.1:{port}");
            if let Some(tls_port) = tls_port {
                write!(addresses, " ldaps://127.0.0.1:{tls_port}").unwrap();
            }
            match run(&addresses, &config) {
                Ok(daemon) => {
                    [Some(port), tls_port].into_iter().flatten().for_each(await_listening);
                    return Self { daemon, folder, port, tls_port };
                }
                Err(refusal) => refusals = refusal,
            }
        }
        panic!("{refusals}");
    }

    /// Stops it as an administrator would, and starts it again at the same place, with other directives of its database. Its journal of
    /// changes is gone then, as it is after any restart.
    pub fn restart(&mut self, directives: &str) {
        self.stop();
        let config = configure(self.folder.path(), &Setup { directives, ..Setup::default() });
        self.daemon = run(&self.url(), &config).unwrap();
        await_listening(self.port);
    }

    /// Stops it as an administrator would: what it knows is written first.
    pub fn stop(&mut self) {
        let told = output(Command::new("kill").arg(self.daemon.child.id().to_string()));
        assert!(told.status.success(), "slapd had ended already");
        self.daemon.child.wait().unwrap();
    }

    /// Where it answers in plain LDAP, and by StartTLS when it has a certificate.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Where it answers by LDAPS, under a name of this machine that the certificate states or does not.
    pub fn ldaps_url(&self, host: &str) -> String {
        format!("ldaps://{host}:{}", self.tls_port.expect("the server was started without a certificate"))
    }

    /// Its folder, gone with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Applies change records, as the administrator.
    pub fn modify(&self, changes: &str) {
        let mut command = Self::client("ldapmodify", &self.url());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|_| panic!("{}", missing("ldapmodify", INSTALL)));
        child.stdin.take().unwrap().write_all(changes.as_bytes()).unwrap();
        let outcome = child.wait_with_output().unwrap();
        assert!(outcome.status.success(), "ldapmodify failed:\n{}", String::from_utf8_lossy(&outcome.stderr));
    }

    /// What `ldapsearch` prints, as the administrator: plain LDIF without folded lines.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        let found =
            output(Self::client("ldapsearch", &self.url()).args(["-LLL", "-o", "ldif-wrap=no", "-b", BASE, filter]).args(attributes));
        assert!(found.status.success(), "ldapsearch failed:\n{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).unwrap()
    }

    /// Everything it holds, as `slapcat` writes it.
    pub fn export(&self) -> String {
        let config = self.folder().join("slapd.conf");
        let written = output(Command::new(program("slapcat")).arg("-f").arg(&config));
        assert!(written.status.success(), "slapcat failed:\n{}", String::from_utf8_lossy(&written.stderr));
        String::from_utf8(written.stdout).unwrap()
    }

    /// A client of ldap-utils that binds as the administrator.
    pub fn client(name: &str, url: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", url, "-D", ADMIN_DN, "-w", ADMIN_PASSWORD]);
        command
    }
}

/// Starts the server on these addresses, and waits until it says that it starts.
fn run(addresses: &str, config: &Path) -> Result<Daemon, String> {
    let mut command = Command::new(program("slapd"));
    // Level `none` writes only what is always written, among it that the server starts.
    command.args(["-d", "none", "-h", addresses, "-f"]).arg(config);
    Daemon::start(command, INSTALL, |line| line.contains("slapd starting").then_some(())).map(|(daemon, ())| daemon)
}

/// Writes the server's configuration: the one of `tests/data`, in a folder of its own.
fn configure(folder: &Path, setup: &Setup<'_>) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let template = std::fs::read_to_string(sources.join("slapd-test.conf")).unwrap();
    let schema = std::fs::read_to_string(sources.join("acad-test.schema")).unwrap();
    // The schema is copied, because slapd splits paths at spaces and the source folder may have one.
    std::fs::write(folder.join("acad-test.schema"), schema).unwrap();
    std::fs::create_dir_all(folder.join("db")).unwrap();

    let here = folder.to_str().unwrap();
    let mut global = String::new();
    if let Some(Tls { certificate, key }) = &setup.tls {
        writeln!(global, "TLSCertificateFile {}\nTLSCertificateKeyFile {}", certificate.display(), key.display()).unwrap();
    }
    let text = template.replace("@DIR@", here).replace("@SCHEMA@", here);
    // What stands before the first `database` holds for the server, and overlays come last.
    let text = text.replacen("database mdb", &format!("{global}database mdb"), 1);
    let (database, overlay) = text.split_once("overlay syncprov").unwrap();
    let overlay = if setup.without_sync { String::new() } else { format!("overlay syncprov{overlay}") };
    let text = format!("{database}{}\n{overlay}", setup.directives);
    let path = folder.join("slapd.conf");
    std::fs::write(&path, text).unwrap();
    path
}

/// Debian keeps the server's programs where only the administrator's path looks.
fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(name);
    if path.exists() { path } else { PathBuf::from(name) }
}

fn output(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{}", missing(&name, INSTALL)),
        Err(error) => panic!("{name} cannot be started: {error}"),
    }
}

/// slapd says that it starts just before it listens.
fn await_listening(port: u16) {
    let deadline = Instant::now() + LISTEN_DEADLINE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "slapd said that it starts and does not listen on port {port}");
        std::thread::yield_now();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn generated_people_are_served_and_can_be_changed() {
    let generated = super::generator::generate(2, 100, 7);
    let slapd = Slapd::start(&generated.ldif);
    let people = slapd.search("(objectClass=inetOrgPerson)", &["1.1"]);
    assert_eq!(people.matches("dn: ").count(), 100);

    let dn = people.lines().find_map(|line| line.strip_prefix("dn: ")).unwrap();
    slapd.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: mail\nmail: moved@example.fr\n"));
    assert!(slapd.search("(mail=moved@example.fr)", &["1.1"]).contains(dn));
}

#[test]
fn each_server_has_its_own_directives_and_ends_with_its_test() {
    let generated = super::generator::generate(2, 100, 7);
    let slapd = Slapd::start_with(&Setup { ldif: Some(&generated.ldif), directives: "sizelimit 10", ..Setup::default() });
    // The administrator is above the limit; anyone else meets it.
    let found = output(Command::new("ldapsearch").args(["-x", "-LLL", "-H", &slapd.url(), "-b", BASE, "(uid=*)", "1.1"]));
    assert_eq!(found.status.code(), Some(4), "sizeLimitExceeded (RFC 4511 §4.1.9)");

    let (url, folder) = (slapd.url(), slapd.folder().to_owned());
    drop(slapd);
    assert!(!folder.exists());
    let refused = output(Command::new("ldapsearch").args(["-x", "-H", &url, "-b", BASE]));
    assert!(!refused.status.success());
}

#[test]
fn ldaps_answers_with_the_given_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();

    let slapd = Slapd::start_with(&Setup { tls: Some(Tls { certificate: &certificate, key: &key }), ..Setup::default() });
    // By address: OpenLDAP's client takes `localhost` for the machine's own name, which the certificate does not state.
    for (authority, trusted) in [(certificate.as_path(), true), (Path::new("/dev/null"), false)] {
        for (url, start_tls) in [(slapd.ldaps_url("127.0.0.1"), None), (slapd.url(), Some("-ZZ"))] {
            let mut command = Slapd::client("ldapwhoami", &url);
            let outcome = output(command.args(start_tls).env("LDAPTLS_CACERT", authority).env("LDAPTLS_REQCERT", "demand"));
            assert_eq!(outcome.status.success(), trusted, "{url}: {}", String::from_utf8_lossy(&outcome.stderr));
        }
    }
}
