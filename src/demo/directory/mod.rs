//! The demo's LDAP directory: a real server on the wire (RFC 4511) that holds its entries in memory. For demonstrations and tests, never for
//! an establishment's own people: it speaks without TLS, on the loopback interface.

mod connection;
mod entry;
mod extended;
mod filter;
mod key;
pub mod ldif;
mod password;
mod schema;
mod search;
mod server;
mod tree;
mod write;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use connectors::dn::DnError;
use ldap3_proto::proto::LdapResultCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use entry::{Attribute, Entry};

use key::Key;
use tree::{Tree, key_of};

use crate::types::secret::Secret;
use crate::types::time::Timestamp;

/// How long a stop waits for connections to say goodbye.
const STOP_DEADLINE: Duration = Duration::from_secs(3);
/// People shown at most by one look-up.
pub const PEOPLE_SHOWN_MAX: usize = 200;

/// Bounds of what clients may ask of the directory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once; one more is told that the server is busy.
    pub connections_max: usize,
    /// Longest request, in bytes.
    pub message_max_bytes: usize,
    /// Entries in one page, whatever the client asks.
    pub page_max: usize,
    /// Entries of one search altogether.
    pub entries_max: usize,
    /// How long a connection may stay silent.
    pub idle_deadline: Duration,
    /// How long a client may take to read what it asked for.
    pub write_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 256,
            message_max_bytes: 1024 * 1024,
            page_max: 1_000,
            entries_max: 1_000_000,
            idle_deadline: Duration::from_mins(10),
            write_deadline: Duration::from_secs(30),
        }
    }
}

/// An account that reads and changes everything at or below a base: what a gateway's source binds as.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The name it binds with; no entry of that name is needed.
    pub dn: String,
    /// Its password.
    pub password: Secret,
    /// The top of what it sees.
    pub base_dn: String,
}

/// What is wrong with the entries or with a change asked from inside the process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text that is not a distinguished name.
    #[error("«{dn}» is not a distinguished name ({source}): write it like uid=hlefevre,ou=people,dc=demo,dc=fr")]
    Name {
        /// The text.
        dn: String,
        /// Why.
        source: DnError,
    },
    /// Two entries with one name.
    #[error("two entries are named «{dn}»: keep one of them")]
    Twice {
        /// The name.
        dn: String,
    },
    /// No entry has the name.
    #[error("no entry of the directory is named «{dn}»: look it up again, it may have moved")]
    Missing {
        /// The name.
        dn: String,
    },
    /// The person is not a direct member of the group.
    #[error("«{person}» is not a direct member of «{group}»: choose one of the person's own groups")]
    NotMember {
        /// The person's name.
        person: String,
        /// The group's name.
        group: String,
    },
    /// The listening socket is not usable.
    #[error("the demo directory cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// A result other than success, as the wire says it (RFC 4511 §4.1.9).
#[derive(Debug)]
struct Refusal {
    code: LdapResultCode,
    message: String,
    matched: String,
}

impl Refusal {
    fn new(code: LdapResultCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), matched: String::new() }
    }

    fn matching(mut self, dn: &str) -> Self {
        dn.clone_into(&mut self.matched);
        self
    }
}

/// A service account with its names read.
#[derive(Debug)]
struct Account {
    key: Key,
    base: Key,
    stated: ServiceAccount,
}

impl Account {
    fn read(stated: ServiceAccount) -> Result<Self, Error> {
        Ok(Self { key: key_of(&stated.dn)?, base: key_of(&stated.base_dn)?, stated })
    }
}

/// What every connection shares.
#[derive(Debug)]
struct Shared {
    tree: RwLock<Tree>,
    accounts: Vec<Account>,
    limits: Limits,
}

impl Shared {
    /// No panic happens while the lock is held for writing, so a poisoned lock still guards whole entries.
    fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tree_mut(&self) -> RwLockWriteGuard<'_, Tree> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running directory. Dropping it ends every connection.
#[derive(Debug)]
pub struct Directory {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Directory {
    /// Serves these entries on a socket that listens already.
    ///
    /// # Errors
    /// A name that is none, a name used twice, a socket without an address.
    pub fn start(listener: TcpListener, entries: Vec<Entry>, accounts: Vec<ServiceAccount>, limits: Limits) -> Result<Self, Error> {
        let address = listener.local_addr()?;
        let accounts: Result<Vec<_>, Error> = accounts.into_iter().map(Account::read).collect();
        let shared = Arc::new(Shared { tree: RwLock::new(Tree::new(entries, Timestamp::now())?), accounts: accounts?, limits });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(server::accept(listener, Arc::clone(&shared), stop.clone(), tasks.clone()));
        tracing::info!(%address, entries = shared.tree().len(), "demo directory listens");
        Ok(Self { shared, address, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `ldap://address:port`.
    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// How many entries it holds.
    pub fn entry_count(&self) -> usize {
        self.shared.tree().len()
    }

    /// The tops of its tree: one, but for files that mix several.
    pub fn naming_contexts(&self) -> Vec<String> {
        self.shared.tree().naming_contexts()
    }

    /// One entry as it is now; passwords are never part of it.
    ///
    /// # Errors
    /// `Name` when the text is not a name.
    pub fn entry(&self, dn: &str) -> Result<Option<Entry>, Error> {
        Ok(self.shared.tree().get(&key_of(dn)?).map(tree::Node::as_entry))
    }

    /// People at or below a base whose name or user name holds every word given, accents and case aside: at most `limit`, by name.
    ///
    /// # Errors
    /// `Name` when the base is not a name.
    pub fn people(&self, base_dn: &str, words: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let base = key_of(base_dn)?;
        let words = schema::unaccented(words);
        let tree = self.shared.tree();
        let people = tree.below(&base).map(|(_, node)| node).filter(|node| is_person(node));
        let found = people.filter(|node| {
            let names = ["cn", "uid"].map(|name| node.values(name).concat());
            let names = schema::unaccented(&String::from_utf8_lossy(&names.join(&b' ')));
            words.split_whitespace().all(|word| names.contains(word))
        });
        let mut found: Vec<Entry> = found.map(tree::Node::as_entry).collect();
        found.sort_by_cached_key(|entry| schema::unaccented(entry.first("cn").unwrap_or_default()));
        found.truncate(limit.min(PEOPLE_SHOWN_MAX));
        Ok(found)
    }

    /// Groups at or below a base, in the order of their names.
    ///
    /// # Errors
    /// `Name` when the base is not a name.
    pub fn groups(&self, base_dn: &str) -> Result<Vec<Entry>, Error> {
        let base = key_of(base_dn)?;
        let tree = self.shared.tree();
        let groups = tree.below(&base).map(|(_, node)| node).filter(|node| membership(node).is_some());
        Ok(groups.map(tree::Node::as_entry).collect())
    }

    /// The groups that name this entry as a member directly, those by user name (`memberUid`) among them.
    ///
    /// # Errors
    /// `Name` when the text is not a name, `Missing` when no entry has it.
    pub fn groups_of(&self, dn: &str) -> Result<Vec<Entry>, Error> {
        let key = key_of(dn)?;
        let tree = self.shared.tree();
        let person = tree.get(&key).ok_or_else(|| Error::Missing { dn: dn.to_owned() })?;
        Ok(tree.all().filter(|(_, node)| write::is_member(node, &key, person)).map(|(_, node)| node.as_entry()).collect())
    }

    /// Moves a person from one group to another, as an administrator of the directory would: both change or none.
    ///
    /// # Errors
    /// `Missing` and `NotMember` say what does not hold any more.
    pub fn move_member(&self, person_dn: &str, from_group_dn: &str, to_group_dn: &str) -> Result<(), Error> {
        write::move_member(&mut self.shared.tree_mut(), [person_dn, from_group_dn, to_group_dn], Timestamp::now())
    }

    /// Ends every connection with a notice of disconnection (RFC 4511 §4.4.1) and stops listening.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_DEADLINE, self.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "demo directory stopped without waiting for every client");
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The names that a source over these entries would take as its base: one, but for files that mix several trees; none without entries.
///
/// # Errors
/// `Name` when an entry's name is none.
pub fn naming_contexts(entries: &[Entry]) -> Result<Vec<String>, Error> {
    tree::tops(entries)
}

/// The attribute that names a group's members; `None` for what is not a group.
fn membership(node: &tree::Node) -> Option<&'static str> {
    let classes = node.values("objectclass");
    let is = |class: &str| classes.iter().any(|held| held.eq_ignore_ascii_case(class.as_bytes()));
    if is("groupOfNames") {
        Some("member")
    } else if is("groupOfUniqueNames") {
        Some("uniqueMember")
    } else if is("posixGroup") {
        Some("memberUid")
    } else {
        None
    }
}

fn is_person(node: &tree::Node) -> bool {
    let classes = node.values("objectclass");
    ["person", "inetOrgPerson"].iter().any(|class| classes.iter().any(|held| held.eq_ignore_ascii_case(class.as_bytes())))
}
