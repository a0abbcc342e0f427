//! Changes to the directory: modify, add, delete, rename, and moving a member between groups. Service accounts only; each change is whole or not at all.

use ldap3_proto::proto::{LdapAddRequest, LdapModify, LdapModifyDNRequest, LdapModifyRequest, LdapModifyType, LdapResultCode};

use super::connection::Identity;
use super::entry::{Attribute, Entry};
use super::key::{Key, pieces, written_parent};
use super::password::StoredPassword;
use super::tree::{Node, Tree, key_of};
use super::{Error, Refusal, Shared, membership, schema};
use crate::types::time::Timestamp;

/// RFC 4511 §4.6.
pub(super) fn modify(shared: &Shared, identity: &Identity, wanted: &LdapModifyRequest, now: Timestamp) -> Result<(), Refusal> {
    let key = writable(identity, &wanted.dn)?;
    shared.tree_mut().change(&key, now, |node| {
        wanted.changes.iter().try_for_each(|change| apply(node, change))?;
        keeps_name(&key, node)
    })
}

/// RFC 4511 §4.7.
pub(super) fn add(shared: &Shared, identity: &Identity, wanted: LdapAddRequest, now: Timestamp) -> Result<(), Refusal> {
    let key = writable(identity, &wanted.dn)?;
    if wanted.attributes.iter().any(|attribute| schema::is_operational(&attribute.atype)) {
        return Err(maintained());
    }
    let attributes = wanted.attributes.into_iter().map(|a| Attribute { name: a.atype, values: a.vals });
    shared.tree_mut().add(key, Entry::from_parts(wanted.dn, attributes.collect()), now)
}

/// RFC 4511 §4.8.
pub(super) fn delete(shared: &Shared, identity: &Identity, dn: &str) -> Result<(), Refusal> {
    let key = writable(identity, dn)?;
    shared.tree_mut().delete(&key)
}

/// RFC 4511 §4.9.
pub(super) fn rename(shared: &Shared, identity: &Identity, wanted: &LdapModifyDNRequest, now: Timestamp) -> Result<(), Refusal> {
    let from = writable(identity, &wanted.dn)?;
    let mut tree = shared.tree_mut();
    let written = tree.get(&from).map(|node| node.dn.clone()).ok_or_else(|| tree.missing(&from))?;
    let above = wanted.new_superior.clone().unwrap_or_else(|| written_parent(&written));
    let dn = format!("{},{above}", wanted.newrdn);
    let to = writable(identity, &dn)?;
    let (old, new) = (named_values(&written), named_values(&dn));
    let change = |node: &mut Node| {
        for (name, value) in old.iter().filter(|_| wanted.deleteoldrdn) {
            remove(node, name, value);
        }
        for (name, value) in &new {
            if !holds(node, name, value) {
                append(node, name, value.clone());
            }
        }
    };
    tree.rename(&from, to, dn, change, now)
}

/// Takes a person out of one group and puts them into another: both or none.
pub(super) fn move_member(tree: &mut Tree, [person, from, to]: [&str; 3], now: Timestamp) -> Result<(), Error> {
    let (person_key, from_key, to_key) = (key_of(person)?, key_of(from)?, key_of(to)?);
    let find = |tree: &Tree, key: &Key, dn: &str| tree.get(key).cloned().ok_or_else(|| Error::Missing { dn: dn.to_owned() });
    let (moved, left, joined) = (find(tree, &person_key, person)?, find(tree, &from_key, from)?, find(tree, &to_key, to)?);
    if !is_member(&left, &person_key, &moved) {
        return Err(Error::NotMember { person: person.to_owned(), group: from.to_owned() });
    }
    if from_key == to_key {
        return Ok(());
    }
    let joins = membership(&joined).ok_or_else(|| Error::Missing { dn: to.to_owned() })?;
    let leaves = membership(&left).unwrap_or("member");
    let stated = |attribute: &str| if attribute == "memberUid" { first_uid(&moved) } else { moved.dn.clone().into_bytes() };
    let already = is_member(&joined, &person_key, &moved);
    let gone = Error::Missing { dn: to.to_owned() };
    tree.change(&from_key, now, |node| {
        remove(node, leaves, &stated(leaves));
        Ok(())
    })
    .and_then(|()| {
        tree.change(&to_key, now, |node| {
            if !already {
                append(node, joins, stated(joins));
            }
            Ok(())
        })
    })
    // Impossible while the lock is held, since both groups were just found.
    .map_err(|_| gone)
}

/// Whether a group states this entry as a direct member.
pub(super) fn is_member(group: &Node, key: &Key, person: &Node) -> bool {
    match membership(group) {
        Some("memberUid") => holds(group, "memberUid", &first_uid(person)),
        Some(attribute) => holds(group, attribute, key.to_dn().as_bytes()),
        None => false,
    }
}

fn first_uid(person: &Node) -> Vec<u8> {
    person.values("uid").into_iter().next().unwrap_or_default().into_owned()
}

/// The key of an entry that a service account may change.
fn writable(identity: &Identity, dn: &str) -> Result<Key, Refusal> {
    let Identity::Service { base, .. } = identity else {
        return Err(Refusal::new(LdapResultCode::InsufficentAccessRights, "only a service account changes this directory"));
    };
    let key = Key::parse(dn).map_err(|error| Refusal::new(LdapResultCode::InvalidDNSyntax, error.to_string()))?;
    if key.is_within(base) && !key.is_root() {
        Ok(key)
    } else {
        Err(Refusal::new(LdapResultCode::InsufficentAccessRights, "this account changes its own part of the directory only"))
    }
}

fn apply(node: &mut Node, change: &LdapModify) -> Result<(), Refusal> {
    let name = change.modification.atype.as_str();
    let values = &change.modification.vals;
    if schema::is_secret(name) {
        return apply_secret(node, &change.operation, values);
    }
    if schema::is_operational(name) {
        return Err(maintained());
    }
    match change.operation {
        LdapModifyType::Add => values.iter().try_for_each(|value| {
            if holds(node, name, value) {
                return Err(Refusal::new(LdapResultCode::AttributeOrValueExists, format!("{name} holds this value already")));
            }
            append(node, name, value.clone());
            Ok(())
        }),
        LdapModifyType::Delete if values.is_empty() => {
            if clear(node, name) {
                Ok(())
            } else {
                Err(lacking(format!("{name} holds no value")))
            }
        }
        LdapModifyType::Delete => values.iter().try_for_each(|value| {
            if remove(node, name, value) { Ok(()) } else { Err(lacking(format!("{name} does not hold this value"))) }
        }),
        LdapModifyType::Replace => {
            clear(node, name);
            for value in values {
                append(node, name, value.clone());
            }
            Ok(())
        }
        LdapModifyType::Increment => Err(Refusal::new(LdapResultCode::ProtocolError, "increment is not offered by this directory")),
    }
}

fn apply_secret(node: &mut Node, operation: &LdapModifyType, values: &[Vec<u8>]) -> Result<(), Refusal> {
    let given = values.iter().cloned().map(StoredPassword::new);
    match operation {
        LdapModifyType::Add => node.passwords.extend(given),
        LdapModifyType::Replace => node.passwords = given.collect(),
        LdapModifyType::Delete if values.is_empty() => node.passwords.clear(),
        LdapModifyType::Delete => node.passwords.retain(|held| !values.iter().any(|value| held.is(value))),
        LdapModifyType::Increment => return Err(Refusal::new(LdapResultCode::ConstraintViolation, "a password does not count")),
    }
    Ok(())
}

/// RFC 4511 §4.6: a modification must not remove a value that the entry's name is made of.
fn keeps_name(key: &Key, node: &Node) -> Result<(), Refusal> {
    let own = key.names().last().map(String::as_str).unwrap_or_default();
    let kept = named_values(own).iter().all(|(name, value)| holds(node, name, value));
    if kept { Ok(()) } else { Err(Refusal::new(LdapResultCode::NotALlowedOnRDN, "the entry is named by this value: rename it instead")) }
}

/// The attributes and values that the first relative name states, its escapes read.
fn named_values(dn: &str) -> Vec<(String, Vec<u8>)> {
    let rdn = pieces(dn, ',').into_iter().next().unwrap_or_default();
    let parts = pieces(&rdn, '+').into_iter();
    parts.filter_map(|part| part.split_once('=').map(|(name, value)| (name.trim().to_owned(), unescaped(value.trim())))).collect()
}

/// RFC 4514 §2.4, for a value that stands in a name already known to be well formed.
fn unescaped(value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (pair, rest.split_first()) {
            (Some(code), _) => {
                out.push(code);
                rest = rest.get(2..).unwrap_or_default();
            }
            (None, Some((plain, after))) => {
                out.push(*plain);
                rest = after;
            }
            (None, None) => {}
        }
    }
    out
}

fn holds(node: &Node, name: &str, value: &[u8]) -> bool {
    let name = schema::canonical(name);
    let syntax = schema::syntax(&name);
    let wanted = schema::prepared(syntax, value);
    node.values(&name).iter().any(|held| held.as_ref() == value || (wanted.is_some() && schema::prepared(syntax, held) == wanted))
}

fn append(node: &mut Node, name: &str, value: Vec<u8>) {
    match node.attributes.iter_mut().find(|a| a.name.eq_ignore_ascii_case(name)) {
        Some(attribute) => attribute.values.push(value),
        None => node.attributes.push(Attribute { name: name.to_owned(), values: vec![value] }),
    }
}

/// Removes an equal value; whether there was one. An attribute without values is none (RFC 4512 §2.2).
fn remove(node: &mut Node, name: &str, value: &[u8]) -> bool {
    let canonical = schema::canonical(name);
    let syntax = schema::syntax(&canonical);
    let wanted = schema::prepared(syntax, value);
    let mut found = false;
    for attribute in node.attributes.iter_mut().filter(|a| schema::is_type(&a.name, &canonical)) {
        let before = attribute.values.len();
        attribute.values.retain(|held| held.as_slice() != value && (wanted.is_none() || schema::prepared(syntax, held) != wanted));
        found |= attribute.values.len() < before;
    }
    node.attributes.retain(|a| !a.values.is_empty());
    found
}

/// Removes an attribute; whether there was one.
fn clear(node: &mut Node, name: &str) -> bool {
    let before = node.attributes.len();
    node.attributes.retain(|a| !a.name.eq_ignore_ascii_case(name));
    node.attributes.len() < before
}

fn lacking(message: String) -> Refusal {
    Refusal::new(LdapResultCode::NoSuchAttribute, message)
}

fn maintained() -> Refusal {
    Refusal::new(LdapResultCode::ConstraintViolation, "the directory maintains this attribute itself")
}
