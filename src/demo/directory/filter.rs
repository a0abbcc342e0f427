//! Whether an entry matches a filter, by the three values of RFC 4511 §4.5.1.7. Pure: reads an entry, changes nothing.

use std::borrow::Cow;

use ldap3_proto::proto::{LdapFilter, LdapMatchingRuleAssertion, LdapSubstringFilter};

use super::key::{Key, pieces};
use super::schema::{self, Syntax};
use super::tree::Node;

/// `Some(true)` or `Some(false)` where the filter is decided, `None` where it is undefined. The decoder bounds how deep filters nest.
pub(super) fn matches(filter: &LdapFilter, key: &Key, node: &Node) -> Option<bool> {
    match filter {
        LdapFilter::And(parts) => {
            let mut all = Some(true);
            for part in parts {
                match matches(part, key, node) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => all = None,
                }
            }
            all
        }
        LdapFilter::Or(parts) => {
            let mut any = Some(false);
            for part in parts {
                match matches(part, key, node) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
        LdapFilter::Not(part) => matches(part, key, node).map(|decided| !decided),
        LdapFilter::Present(name) => readable(name).map(|name| !node.values(&name).is_empty()),
        LdapFilter::Equality(name, value) => equal(node, name, value, None),
        LdapFilter::Approx(name, value) => approximate(node, name, value),
        LdapFilter::Substring(name, parts) => substring(node, name, parts),
        LdapFilter::GreaterOrEqual(name, value) => ordered(node, name, value, std::cmp::Ordering::is_ge),
        LdapFilter::LessOrEqual(name, value) => ordered(node, name, value, std::cmp::Ordering::is_le),
        LdapFilter::Extensible(assertion) => extensible(assertion, key, node),
    }
}

/// Whether one value of an attribute equals an assertion, for compare and for modifications too.
pub(super) fn equal(node: &Node, name: &str, value: &str, syntax: Option<Syntax>) -> Option<bool> {
    let name = readable(name)?;
    let syntax = syntax.unwrap_or_else(|| schema::syntax(&name));
    let wanted = schema::prepared(syntax, value.as_bytes())?;
    let is_class = name == "objectclass";
    Some(node.values(&name).iter().any(|held| {
        let above = || std::str::from_utf8(held).map(schema::superclasses).unwrap_or_default();
        schema::prepared(syntax, held).as_ref() == Some(&wanted) || (is_class && above().iter().any(|class| class.as_bytes() == wanted))
    }))
}

/// Attributes that may not be read are undefined in filters, so that no one can guess a password by searching.
fn readable(name: &str) -> Option<String> {
    let name = schema::canonical(name);
    (!schema::is_secret(&name)).then_some(name)
}

fn approximate(node: &Node, name: &str, value: &str) -> Option<bool> {
    let name = readable(name)?;
    let wanted = schema::unaccented(value);
    let near = |held: &Cow<'_, [u8]>| std::str::from_utf8(held).is_ok_and(|text| schema::unaccented(text) == wanted);
    Some(node.values(&name).iter().any(near))
}

fn substring(node: &Node, name: &str, parts: &LdapSubstringFilter) -> Option<bool> {
    let name = readable(name)?;
    let fold: fn(&str) -> String = match schema::syntax(&name) {
        Syntax::Text => schema::folded,
        Syntax::ExactText => str::to_owned,
        Syntax::Dn | Syntax::Integer | Syntax::Time => return None,
    };
    let initial = fold(parts.initial.as_deref().unwrap_or_default());
    let last = fold(parts.final_.as_deref().unwrap_or_default());
    let middle: Vec<String> = parts.any.iter().map(|part| fold(part)).collect();
    let found = |held: &Cow<'_, [u8]>| {
        let Ok(text) = std::str::from_utf8(held) else { return false };
        let text = fold(text.trim());
        let Some(mut rest) = text.strip_prefix(initial.trim_start()) else { return false };
        for part in &middle {
            match rest.split_once(part.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.trim_end())
    };
    Some(node.values(&name).iter().any(found))
}

fn ordered(node: &Node, name: &str, value: &str, wanted: fn(std::cmp::Ordering) -> bool) -> Option<bool> {
    let name = readable(name)?;
    let syntax = schema::syntax(&name);
    if syntax == Syntax::Dn {
        return None;
    }
    if syntax == Syntax::Integer {
        let limit: i64 = value.trim().parse().ok()?;
        return Some(node.values(&name).iter().filter_map(|held| integer(held)).any(|held| wanted(held.cmp(&limit))));
    }
    let limit = schema::prepared(syntax, value.as_bytes())?;
    let values = node.values(&name);
    Some(values.iter().filter_map(|held| schema::prepared(syntax, held)).any(|held| wanted(held.cmp(&limit))))
}

/// RFC 4511 §4.5.1.7.7, with the rules that clients of schools' directories use; another rule is undefined.
fn extensible(assertion: &LdapMatchingRuleAssertion, key: &Key, node: &Node) -> Option<bool> {
    let name = assertion.type_.as_deref()?;
    let value = assertion.match_value.as_str();
    let syntax = match assertion.matching_rule.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("caseignorematch" | "2.5.13.2" | "caseignoreia5match" | "1.3.6.1.4.1.1466.109.114.2") => Some(Syntax::Text),
        Some("caseexactmatch" | "2.5.13.5" | "caseexactia5match" | "1.3.6.1.4.1.1466.109.114.1") => Some(Syntax::ExactText),
        Some("distinguishednamematch" | "2.5.13.1") => Some(Syntax::Dn),
        Some("integermatch" | "2.5.13.14") => Some(Syntax::Integer),
        // Active Directory's bit rules: every bit set, any bit set.
        Some("1.2.840.113556.1.4.803") => return bits(node, name, value, |held, mask| held & mask == mask),
        Some("1.2.840.113556.1.4.804") => return bits(node, name, value, |held, mask| held & mask != 0),
        Some(_) => return None,
    };
    let held = equal(node, name, value, syntax)?;
    Some(held || (assertion.dn_attributes && in_name(key, name, value)))
}

fn bits(node: &Node, name: &str, value: &str, wanted: fn(i64, i64) -> bool) -> Option<bool> {
    let mask: i64 = value.trim().parse().ok()?;
    let name = readable(name)?;
    Some(node.values(&name).iter().filter_map(|held| integer(held)).any(|held| wanted(held, mask)))
}

/// Whether a part of the entry's name is `name=value`.
fn in_name(key: &Key, name: &str, value: &str) -> bool {
    let name = schema::canonical(name);
    let wanted = schema::prepared(Syntax::Text, value.as_bytes());
    key.names().iter().flat_map(|rdn| pieces(rdn, '+')).any(|part| {
        part.split_once('=').is_some_and(|(held_name, held)| {
            schema::canonical(held_name) == name && schema::prepared(Syntax::Text, held.as_bytes()) == wanted
        })
    })
}

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}
