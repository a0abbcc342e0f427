//! The entries in memory, in the order of their names, with what the server itself maintains of each. Knows nothing of connections.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use aws_lc_rs::digest;
use connectors::filter::Filter;
use ldap3_proto::proto::LdapResultCode;
use uuid::Uuid;

use super::entry::{Attribute, Entry};
use super::filter;
use super::key::Key;
use super::password::StoredPassword;
use super::schema;
use super::{Error, Refusal};
use crate::types::time::Timestamp;

/// An entry with what the server maintains of it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) dn: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) passwords: Vec<StoredPassword>,
    entry_uuid: Uuid,
    created: Timestamp,
    modified: Timestamp,
    change: u64,
}

impl Node {
    pub(super) fn new(key: &Key, entry: Entry, now: Timestamp) -> Self {
        let (dn, all) = entry.into_parts();
        let given = all.iter().find(|a| schema::is_type(&a.name, "entryuuid")).and_then(|a| a.values.first());
        let entry_uuid = given.and_then(|v| Uuid::try_parse_ascii(v).ok()).unwrap_or_else(|| uuid_of(key));
        let (secret, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|a| schema::is_secret(&a.name));
        Self {
            dn,
            attributes: rest.into_iter().filter(|a| !schema::is_operational(&a.name)).collect(),
            passwords: secret.into_iter().flat_map(|a| a.values).map(StoredPassword::new).collect(),
            entry_uuid,
            created: now,
            modified: now,
            change: 0,
        }
    }

    /// The attributes a directory maintains itself (RFC 4512 §3.4, RFC 4530, RFC 5020).
    pub(super) fn operational(&self) -> Vec<Attribute> {
        let stamp = generalized_time(self.modified);
        let class = self.attributes.iter().find(|a| schema::is_type(&a.name, "objectclass"));
        let structural = class.and_then(|a| a.values.first()).cloned();
        let mut shown = vec![
            single("entryUUID", self.entry_uuid.to_string()),
            single("entryDN", self.dn.clone()),
            single("createTimestamp", generalized_time(self.created)),
            single("modifyTimestamp", stamp.clone()),
            single("entryCSN", format!("{}.{:06}Z#000000#000#000000", stamp.trim_end_matches('Z'), self.change)),
        ];
        shown.extend(structural.map(|value| Attribute { name: "structuralObjectClass".to_owned(), values: vec![value] }));
        shown
    }

    pub(super) fn accepts(&self, password: &str) -> bool {
        self.passwords.iter().any(|stored| stored.matches(password))
    }

    /// The values of an attribute by its canonical name, operational ones too; secret ones never.
    pub(super) fn values(&self, canonical: &str) -> Vec<Cow<'_, [u8]>> {
        if schema::is_secret(canonical) {
            return Vec::new();
        }
        if schema::is_operational(canonical) {
            let shown = self.operational().into_iter().filter(|a| schema::is_type(&a.name, canonical));
            return shown.flat_map(|a| a.values).map(Cow::Owned).collect();
        }
        let held = self.attributes.iter().filter(|a| schema::is_type(&a.name, canonical));
        held.flat_map(|a| &a.values).map(|value| Cow::Borrowed(value.as_slice())).collect()
    }

    pub(super) fn as_entry(&self) -> Entry {
        Entry::from_parts(self.dn.clone(), self.attributes.clone())
    }
}

/// Which entries below a base a search considers (RFC 4511 §4.5.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Base,
    Children,
    Subtree,
    Subordinates,
}

/// What a search looks for, and as far as whom.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) base: Key,
    pub(super) reach: Reach,
    pub(super) filter: Filter,
    /// Only entries within this key are seen at all.
    pub(super) visible: Key,
}

/// A part of a search's answer.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) nodes: Vec<Node>,
    /// Where the next part starts after.
    pub(super) last: Option<Key>,
    /// Whether at least one entry more matches.
    pub(super) more: bool,
}

/// All the entries.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<Key, Node>,
    changes: u64,
}

impl Tree {
    /// A tree of these entries; the first of two with one name makes the second an error.
    pub(super) fn new(entries: Vec<Entry>, now: Timestamp) -> Result<Self, Error> {
        let mut tree = Self::default();
        for entry in entries {
            let key = key_of(entry.dn())?;
            let node = Node::new(&key, entry, now);
            if let Some(earlier) = tree.nodes.insert(key, node) {
                return Err(Error::Twice { dn: earlier.dn });
            }
        }
        Ok(tree)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Node> {
        self.nodes.get(key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.nodes.iter()
    }

    /// Everything at or below a key, parents first.
    pub(super) fn below(&self, base: &Key) -> impl Iterator<Item = (&Key, &Node)> {
        let start = base.clone();
        self.nodes.range(start..).take_while(move |(key, _)| key.is_within(base))
    }

    /// Whether anything stands at or below a key: exports without their top entries still have a base.
    pub(super) fn exists(&self, key: &Key) -> bool {
        self.below(key).next().is_some()
    }

    /// The tops of the tree (RFC 4512 §5.1).
    pub(super) fn naming_contexts(&self) -> Vec<String> {
        contexts(&self.nodes.iter().map(|(key, node)| (key.clone(), node.dn.as_str())).collect())
    }

    /// At most `count` matching entries after a place in the order of names.
    pub(super) fn chunk(&self, query: &Query, after: Option<&Key>, count: usize) -> Chunk {
        let start = match after {
            Some(key) => Bound::Excluded(key.clone()),
            None => Bound::Included(query.base.clone()),
        };
        let mut chunk = Chunk { nodes: Vec::new(), last: None, more: false };
        for (key, node) in self.nodes.range((start, Bound::Unbounded)).take_while(|(key, _)| key.is_within(&query.base)) {
            let reached = match query.reach {
                Reach::Base => *key == query.base,
                Reach::Children => key.is_child_of(&query.base),
                Reach::Subtree => true,
                Reach::Subordinates => *key != query.base,
            };
            if !reached || !key.is_within(&query.visible) || filter::matches(&query.filter, node) != Some(true) {
                continue;
            }
            if chunk.nodes.len() == count {
                chunk.more = true;
                break;
            }
            chunk.nodes.push(node.clone());
            chunk.last = Some(key.clone());
        }
        chunk
    }

    /// Changes one entry or nothing: the change works on a copy and may refuse.
    pub(super) fn change<F>(&mut self, key: &Key, now: Timestamp, change: F) -> Result<(), Refusal>
    where
        F: FnOnce(&mut Node) -> Result<(), Refusal>,
    {
        let mut copy = self.nodes.get(key).cloned().ok_or_else(|| self.missing(key))?;
        change(&mut copy)?;
        self.put(key.clone(), copy, now);
        Ok(())
    }

    /// Adds an entry below one that exists (RFC 4511 §4.7).
    pub(super) fn add(&mut self, key: Key, entry: Entry, now: Timestamp) -> Result<(), Refusal> {
        if self.nodes.contains_key(&key) {
            return Err(Refusal::new(LdapResultCode::EntryAlreadyExists, "an entry has this name already"));
        }
        if key.parent().is_none_or(|above| !self.nodes.contains_key(&above)) {
            return Err(self.missing(&key));
        }
        let mut node = Node::new(&key, entry, now);
        // Someone who comes back after a deletion is a new entry, so the identifier must not be the name's own again.
        if self.changes > 0 {
            node.entry_uuid = Uuid::new_v4();
        }
        self.put(key, node, now);
        Ok(())
    }

    /// Deletes an entry without others below it (RFC 4511 §4.8).
    pub(super) fn delete(&mut self, key: &Key) -> Result<(), Refusal> {
        if !self.nodes.contains_key(key) {
            return Err(self.missing(key));
        }
        self.refuse_parent(key)?;
        self.nodes.remove(key);
        self.changes += 1;
        Ok(())
    }

    /// Gives an entry without others below it another name (RFC 4511 §4.9); its identifier stays.
    pub(super) fn rename(
        &mut self,
        from: &Key,
        to: Key,
        dn: String,
        change: impl FnOnce(&mut Node),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut node = self.nodes.get(from).cloned().ok_or_else(|| self.missing(from))?;
        self.refuse_parent(from)?;
        if to != *from && self.nodes.contains_key(&to) {
            return Err(Refusal::new(LdapResultCode::EntryAlreadyExists, "an entry has the new name already"));
        }
        if to.parent().is_none_or(|above| !self.nodes.contains_key(&above)) {
            return Err(self.missing(&to));
        }
        change(&mut node);
        node.dn = dn;
        self.nodes.remove(from);
        self.put(to, node, now);
        Ok(())
    }

    /// RFC 4511 §4.1.9: `noSuchObject`, with the nearest name above that exists.
    pub(super) fn missing(&self, key: &Key) -> Refusal {
        let mut above = key.parent();
        while let Some(candidate) = above {
            if let Some(node) = self.nodes.get(&candidate) {
                return Refusal::new(LdapResultCode::NoSuchObject, "no entry has this name").matching(&node.dn);
            }
            above = candidate.parent();
        }
        Refusal::new(LdapResultCode::NoSuchObject, "no entry has this name")
    }

    fn refuse_parent(&self, key: &Key) -> Result<(), Refusal> {
        match self.below(key).nth(1) {
            Some(_) => Err(Refusal::new(LdapResultCode::NotAllowedOnNonLeaf, "other entries stand below this one")),
            None => Ok(()),
        }
    }

    fn put(&mut self, key: Key, mut node: Node, now: Timestamp) {
        self.changes += 1;
        node.change = self.changes;
        node.modified = now;
        self.nodes.insert(key, node);
    }
}

/// The tops of these entries, as a directory of them would state them.
pub(super) fn tops(entries: &[Entry]) -> Result<Vec<String>, Error> {
    let keyed: Result<BTreeMap<Key, &str>, Error> = entries.iter().map(|entry| Ok((key_of(entry.dn())?, entry.dn()))).collect();
    Ok(contexts(&keyed?))
}

/// The one name all entries stand below, or else each entry without another above it.
fn contexts(names: &BTreeMap<Key, &str>) -> Vec<String> {
    let mut keys = names.keys();
    let Some(first) = keys.next() else { return Vec::new() };
    let common = keys.fold(first.clone(), |common, key| common.common(key));
    if !common.is_root() {
        return vec![names.get(&common).map_or_else(|| common.to_dn(), |dn| (*dn).to_owned())];
    }
    let tops = names.iter().filter(|(key, _)| key.parent().is_none_or(|above| !names.contains_key(&above)));
    tops.map(|(_, dn)| (*dn).to_owned()).collect()
}

/// The key of a name, or what is wrong with the name.
pub(super) fn key_of(dn: &str) -> Result<Key, Error> {
    Key::parse(dn).map_err(|source| Error::Name { dn: dn.to_owned(), source })
}

/// An identifier that depends on the name alone, so that a demo started again keeps its people (RFC 9562 §5.8).
fn uuid_of(key: &Key) -> Uuid {
    let mut bytes = [0; 16];
    let digest = digest::digest(&digest::SHA256, key.to_dn().as_bytes());
    for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *byte = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn single(name: &str, value: String) -> Attribute {
    Attribute { name: name.to_owned(), values: vec![value.into_bytes()] }
}

/// RFC 4517 §3.3.13, in whole seconds.
fn generalized_time(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default();
    instant.strftime("%Y%m%d%H%M%SZ").to_string()
}
