//! A private Active Directory domain controller: Samba with a folder and a loopback address of its own, stopped when dropped.
//!
//! A domain takes seconds to make, so it is made once, with its people, and copied for each test. Its ports are fixed (LDAP on 389): each
//! controller listens on another address of 127.0.0.0/8, which takes an administrator (root).

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{ErrorKind, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::daemon::{Daemon, missing};

/// The domain.
pub const BASE: &str = "DC=ad,DC=test";
/// Who may do everything, replicate too.
pub const ADMIN: &str = "administrator@ad.test";
/// That one's password.
pub const ADMIN_PASSWORD: &str = "Passw0rd!2026";
/// How many people there are besides the four that every domain has.
pub const PEOPLE: usize = 200;

const INSTALL: &str = "samba samba-ad-provision samba-dsdb-modules winbind samba-vfs-modules ldb-tools ldap-utils";
/// Addresses tried before giving up.
const ADDRESSES_TRIED_MAX: usize = 50;
/// Longest between its word that it starts and its first accepted connection.
const LISTEN_DEADLINE: Duration = Duration::from_mins(1);

/// A running controller.
#[derive(Debug)]
pub struct Samba {
    // Declared first, so that the server stops before its folder goes.
    _daemon: Daemon,
    _folder: tempfile::TempDir,
    address: Ipv4Addr,
}

/// The DN of a person.
pub fn person(at: usize) -> String {
    format!("CN=Person {at:03},OU=people,{BASE}")
}

/// The password of a person.
pub fn password(at: usize) -> String {
    format!("Essai-p{at:03}!")
}

impl Samba {
    /// A controller of a domain with [`PEOPLE`] people `p000`… under `OU=people` (`p007` disabled), and the groups `everyone`, `few` (the first
    /// five) and `nest` (both) under `OU=groups`.
    pub fn start() -> Self {
        static MADE: OnceLock<PathBuf> = OnceLock::new();
        let made = MADE.get_or_init(make);
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("cp").args(["-a", "--sparse=always"]).arg(made.join("dc")).arg(folder.path()));
        let address = free_address();
        let config = configure(folder.path(), address);
        let mut command = Command::new(program("samba"));
        command.args(["-i", "-M", "single", "-s"]).arg(&config);
        let started = Daemon::start(command, INSTALL, |line| line.contains("process model").then_some(()));
        let (daemon, ()) = started.unwrap_or_else(|refusal| panic!("{refusal}"));
        let deadline = Instant::now() + LISTEN_DEADLINE;
        while TcpStream::connect((address, 389)).is_err() {
            assert!(Instant::now() < deadline, "samba said that it starts and does not listen on {address}");
            std::thread::yield_now();
        }
        Self { _daemon: daemon, _folder: folder, address }
    }

    /// Where it answers in plain LDAP.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// Applies change records, as the administrator.
    pub fn modify(&self, changes: &str) {
        let spawned = self.client("ldapmodify").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|_| panic!("{}", missing("ldapmodify", INSTALL)));
        child.stdin.take().unwrap().write_all(changes.as_bytes()).unwrap();
        let outcome = child.wait_with_output().unwrap();
        assert!(outcome.status.success(), "ldapmodify failed:\n{}", String::from_utf8_lossy(&outcome.stderr));
    }

    /// What `ldapsearch` prints, as the administrator: plain LDIF without folded lines.
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        let found = run(self.client("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-b", BASE, filter]).args(attributes));
        String::from_utf8(found.stdout).unwrap()
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", &self.url(), "-D", ADMIN, "-w", ADMIN_PASSWORD]);
        command
    }
}

/// Makes the domain and its people, or finds them as an earlier run of the tests left them.
fn make() -> PathBuf {
    let people = people();
    let version = run(Command::new(program("samba")).arg("--version")).stdout;
    let mut name = DefaultHasher::new();
    (&people, version, BASE, ADMIN_PASSWORD).hash(&mut name);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let made = kept.join(format!("samba-{:016x}", name.finish()));
    if made.exists() {
        return made;
    }
    let making = tempfile::tempdir_in(kept).unwrap();
    let target = making.path().join("dc");
    run(Command::new("samba-tool")
        .args(["domain", "provision", "--realm=AD.TEST", "--domain=AD", "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1"])
        .args(["--host-ip=127.0.0.1", "--option=interfaces=lo", "--option=bind interfaces only=yes"])
        .arg(format!("--adminpass={ADMIN_PASSWORD}"))
        .arg(format!("--targetdir={}", target.display())));
    let config = configure(making.path(), Ipv4Addr::LOCALHOST);
    let ldif = making.path().join("people.ldif");
    std::fs::write(&ldif, people).unwrap();
    run(Command::new("ldbadd").arg(format!("--configfile={}", config.display())).arg("-H").arg(target.join("private/sam.ldb")).arg(&ldif));
    // Another process of tests may have been quicker.
    if std::fs::rename(making.path(), &made).is_ok() {
        let _ = making.keep();
    }
    made
}

fn people() -> String {
    let mut ldif = String::new();
    for unit in ["people", "groups", "elsewhere"] {
        write!(ldif, "dn: OU={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n\n").unwrap();
    }
    for at in 0..PEOPLE {
        let quoted: Vec<u8> = format!("\"{}\"", password(at)).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (dn, password) = (person(at), BASE64_STANDARD.encode(quoted));
        let control = if at == 7 { 514 } else { 512 };
        write!(ldif, "dn: {dn}\nobjectClass: user\nsAMAccountName: p{at:03}\nuserPrincipalName: p{at:03}@ad.test\n").unwrap();
        write!(ldif, "givenName: Person\nsn: N{at:03}\nmail: p{at:03}@ad.test\ndepartment: D{}\n", at % 4).unwrap();
        write!(ldif, "userAccountControl: {control}\nunicodePwd:: {password}\n\n").unwrap();
    }
    let mut group = |name: &str, members: &[String]| {
        write!(ldif, "dn: CN={name},OU=groups,{BASE}\nobjectClass: group\nsAMAccountName: {name}\n").unwrap();
        for member in members {
            writeln!(ldif, "member: {member}").unwrap();
        }
        ldif.push('\n');
    };
    group("everyone", &(0..PEOPLE).map(person).collect::<Vec<_>>());
    group("few", &(0..5).map(person).collect::<Vec<_>>());
    group("nest", &["everyone", "few"].map(|name| format!("CN={name},OU=groups,{BASE}")));
    ldif
}

/// Writes the server's configuration: LDAP alone, everything it writes in its own folder.
fn configure(folder: &Path, address: Ipv4Addr) -> PathBuf {
    let here = folder.join("dc");
    let mut text = String::from("[global]\n");
    for (key, value) in [
        ("server role", "active directory domain controller"),
        ("realm", "AD.TEST"),
        ("workgroup", "AD"),
        ("netbios name", "DC1"),
        ("server services", "ldap"),
        ("bind interfaces only", "yes"),
        // Without it a simple bind needs TLS.
        ("ldap server require strong auth", "no"),
        ("tls enabled", "no"),
        ("printcap name", "/dev/null"),
        ("load printers", "no"),
        ("disable spoolss", "yes"),
    ] {
        writeln!(text, "{key} = {value}").unwrap();
    }
    writeln!(text, "interfaces = {address}/8").unwrap();
    for (key, place) in [
        ("private dir", "private"),
        ("state directory", "state"),
        ("cache directory", "cache"),
        ("lock directory", "lock"),
        ("binddns dir", "bind-dns"),
        ("pid directory", "pid"),
        ("ncalrpc dir", "ncalrpc"),
        ("ntp signd socket directory", "ntp"),
        ("winbindd socket directory", "winbindd"),
        ("log file", "log"),
    ] {
        writeln!(text, "{key} = {}", here.join(place).display()).unwrap();
    }
    for place in ["cache", "lock", "pid"] {
        std::fs::create_dir_all(here.join(place)).unwrap();
    }
    let path = folder.join("smb.conf");
    std::fs::write(&path, text).unwrap();
    path
}

/// An address that no other controller of these tests listens on, in this process or another.
fn free_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    for _ in 0..ADDRESSES_TRIED_MAX {
        // The lower half of 127.0.0.0/8 is left to whoever else uses it.
        let at = (NEXT.fetch_add(1, Ordering::Relaxed) % 64) | ((std::process::id() % (1 << 17)) << 6);
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(127, 128, 0, 0).to_bits() | at);
        match TcpListener::bind((address, 389)) {
            Ok(_) => return address,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                panic!(
                    "Samba listens on port 389, which takes an administrator: run the tests as root, or set net.ipv4.ip_unprivileged_port_start to 389"
                )
            }
            Err(_) => {}
        }
    }
    panic!("no address of 127.128.0.0/9 has its port 389 free")
}

/// Debian keeps the server's programs where only the administrator's path looks.
fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(name);
    if path.exists() { path } else { PathBuf::from(name) }
}

fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => output,
        Ok(output) => panic!("{name} failed:\n{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{}", missing(&name, INSTALL)),
        Err(error) => panic!("{name} cannot be started: {error}"),
    }
}
