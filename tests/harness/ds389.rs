//! One 389 Directory Server of the whole test process, started when first wanted; each test has a branch of its own in it.
//!
//! It is gone when the test process is, however that one ends: `ds389.sh` watches over it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::daemon::missing;

/// Suffix of the directory.
const SUFFIX: &str = "dc=ds389-test,dc=fr";
/// Who may read and write everything, the log of changes too.
pub const ROOT: &str = "cn=Directory Manager";
/// Who may read people and groups.
pub const READER: &str = "uid=reader,dc=ds389-test,dc=fr";
/// The password of both.
pub const PASSWORD: &str = "correct-horse";

const WATCHER: &str = include_str!("ds389.sh");
/// A port picked by the system may be taken by another program before the server binds it; then the next one is tried.
const PORTS_TRIED_MAX: usize = 5;
/// Longest between its start and its first accepted connection.
const LISTEN_DEADLINE: Duration = Duration::from_mins(1);

static SHARED: OnceLock<Ds389> = OnceLock::new();
static NAMELESS: OnceLock<Ds389> = OnceLock::new();

/// A running server.
#[derive(Debug)]
pub struct Ds389 {
    port: u16,
    _watcher: (Child, ChildStdin),
}

impl Ds389 {
    /// The server that tests share.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start("names"))
    }

    /// One whose changelog is not set to name the entries that changed.
    pub fn nameless() -> &'static Self {
        NAMELESS.get_or_init(|| Self::start(""))
    }

    fn start(names: &str) -> Self {
        let mut refusals = String::new();
        for _ in 0..PORTS_TRIED_MAX {
            match Self::start_once(names) {
                Ok(server) => return server,
                Err(said) => refusals = said,
            }
        }
        panic!("{refusals}");
    }

    fn start_once(names: &str) -> Result<Self, String> {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("sh");
        command.args(["-c", WATCHER, "ds389.sh", &port.to_string(), SUFFIX, PASSWORD, names]);
        // A group of its own: what a terminal or a runner sends to the group of the tests must not end it before it has cleaned up.
        let mut shell = command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (words, mut said) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.trim_end() != "ready" {
            said.read_to_string(&mut line).unwrap();
            shell.wait().unwrap();
            return Err(line);
        }
        let deadline = Instant::now() + LISTEN_DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "389 Directory Server does not listen on port {port}");
            std::thread::yield_now();
        }
        let server = Self { port, _watcher: (shell, words) };
        server.modify(&format!(
            "dn: {SUFFIX}\nchangetype: modify\nadd: aci\naci: (targetattr=\"*\")(version 3.0; acl \"reader\"; allow (read, search, compare) \
             userdn=\"ldap:///{READER}\";)\n\ndn: {READER}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Reader\nsn: Reader\n\
             userPassword: {PASSWORD}\n"
        ));
        Ok(server)
    }

    /// A branch with five people, `p0` to `p4`, and the group `all`; its DN.
    pub fn branch(&self, name: &str) -> String {
        use std::fmt::Write;
        let base = format!("ou={name},{SUFFIX}");
        let mut text = format!("dn: {base}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
        for unit in ["people", "groups"] {
            writeln!(text, "dn: ou={unit},{base}\nchangetype: add\nobjectClass: organizationalUnit\n").unwrap();
        }
        for at in 0..5 {
            writeln!(text, "dn: uid=p{at},ou=people,{base}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: p{at}\ncn: P\nsn: {at}\n")
                .unwrap();
        }
        writeln!(text, "dn: cn=all,ou=groups,{base}\nchangetype: add\nobjectClass: groupOfNames\ncn: all").unwrap();
        for at in 0..5 {
            writeln!(text, "member: uid=p{at},ou=people,{base}").unwrap();
        }
        self.modify(&text);
        base
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Applies change records.
    pub fn modify(&self, changes: &str) {
        let mut command = self.client("ldapmodify");
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|_| panic!("{}", missing("ldapmodify", "ldap-utils")));
        child.stdin.take().unwrap().write_all(changes.as_bytes()).unwrap();
        let outcome = child.wait_with_output().unwrap();
        assert!(outcome.status.success(), "ldapmodify failed:\n{}", String::from_utf8_lossy(&outcome.stderr));
    }

    /// The first value of an attribute of an entry.
    pub fn value(&self, dn: &str, attribute: &str) -> String {
        let found = self.client("ldapsearch").args(["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, attribute]).output().unwrap();
        let text = String::from_utf8(found.stdout).unwrap();
        let prefix = format!("{attribute}: ");
        text.lines().find_map(|line| line.strip_prefix(prefix.as_str())).unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-H", &self.url(), "-D", ROOT, "-w", PASSWORD]);
        command
    }
}
