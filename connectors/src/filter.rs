//! Filters (RFC 4515) read, and whether an entry matches one, by the three values of RFC 4511 §4.5.1.7. Pure: reads an entry, changes nothing.

use std::borrow::Cow;
use std::cmp::Ordering;

use lber::structure::{PL, StructureTag};

use crate::dn;
use crate::schema::{self, Syntax};

/// How deep a filter may nest.
pub const DEPTH_MAX: usize = 64;

/// A filter (RFC 4511 §4.5.1.7). Values are bytes: keys of some servers are no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All hold.
    And(Vec<Self>),
    /// One holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The attribute is there.
    Present(String),
    /// A value equals.
    Equal(String, Vec<u8>),
    /// A value is alike.
    Approx(String, Vec<u8>),
    /// A value is not before.
    AtLeast(String, Vec<u8>),
    /// A value is not after.
    AtMost(String, Vec<u8>),
    /// A value has these parts.
    Substring(String, Parts),
    /// A rule says so.
    Extensible(Assertion),
}

/// The parts of a value, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// How it begins.
    pub initial: Option<String>,
    /// What stands between.
    pub any: Vec<String>,
    /// How it ends.
    pub last: Option<String>,
}

/// What a matching rule is asked (RFC 4511 §4.5.1.7.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The rule, by name or number.
    pub rule: Option<String>,
    /// The attribute.
    pub name: Option<String>,
    /// The value.
    pub value: Vec<u8>,
    /// Whether the parts of the entry's name count too.
    pub dn: bool,
}

/// An entry as filters see it.
pub trait Held {
    /// Its distinguished name.
    fn dn(&self) -> &str;
    /// The values of an attribute, by its canonical name.
    fn values(&self, canonical: &str) -> Vec<Cow<'_, [u8]>>;
}

impl Filter {
    /// Reads a filter as people write it.
    ///
    /// # Errors
    /// What is not a filter, or one that nests too deep.
    pub fn parse(text: &str) -> Result<Self, NotAFilter> {
        let tag = ldap3::parse_filter(text).map_err(|()| NotAFilter)?;
        Self::of(&lber::structures::ASNTag::into_structure(tag), DEPTH_MAX).ok_or(NotAFilter)
    }

    /// From its form on the wire.
    fn of(tag: &StructureTag, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let parts = || children(tag)?.iter().map(|part| Self::of(part, depth)).collect::<Option<Vec<_>>>();
        let pair = || match children(tag)? {
            [name, value] => Some((text(name)?, bytes(value)?.to_vec())),
            _ => None,
        };
        Some(match tag.id {
            0 => Self::And(parts()?),
            1 => Self::Or(parts()?),
            2 => Self::Not(Box::new(Self::of(children(tag)?.first()?, depth)?)),
            3 => pair().map(|(name, value)| Self::Equal(name, value))?,
            4 => substrings(tag)?,
            5 => pair().map(|(name, value)| Self::AtLeast(name, value))?,
            6 => pair().map(|(name, value)| Self::AtMost(name, value))?,
            7 => Self::Present(text(tag)?),
            8 => pair().map(|(name, value)| Self::Approx(name, value))?,
            9 => extensible_of(tag)?,
            _ => return None,
        })
    }
}

/// A text that is not a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a filter such as `(objectClass=inetOrgPerson)` (RFC 4515)")]
pub struct NotAFilter;

fn children(tag: &StructureTag) -> Option<&[StructureTag]> {
    if let PL::C(parts) = &tag.payload { Some(parts) } else { None }
}

fn bytes(tag: &StructureTag) -> Option<&[u8]> {
    if let PL::P(bytes) = &tag.payload { Some(bytes) } else { None }
}

fn text(tag: &StructureTag) -> Option<String> {
    bytes(tag).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned)
}

fn substrings(tag: &StructureTag) -> Option<Filter> {
    let [name, pieces] = children(tag)? else { return None };
    let mut parts = Parts::default();
    for piece in children(pieces)? {
        match piece.id {
            0 => parts.initial = text(piece),
            1 => parts.any.push(text(piece)?),
            2 => parts.last = text(piece),
            _ => return None,
        }
    }
    Some(Filter::Substring(text(name)?, parts))
}

fn extensible_of(tag: &StructureTag) -> Option<Filter> {
    let mut assertion = Assertion { rule: None, name: None, value: Vec::new(), dn: false };
    for part in children(tag)? {
        match part.id {
            1 => assertion.rule = text(part),
            2 => assertion.name = text(part),
            3 => assertion.value = bytes(part)?.to_vec(),
            4 => assertion.dn = bytes(part)?.iter().any(|byte| *byte != 0),
            _ => return None,
        }
    }
    Some(Filter::Extensible(assertion))
}

/// `Some(true)` or `Some(false)` where the filter is decided, `None` where it is undefined. Whoever makes a filter bounds how deep it nests.
pub fn matches(filter: &Filter, entry: &impl Held) -> Option<bool> {
    match filter {
        Filter::And(parts) => {
            let mut all = Some(true);
            for part in parts {
                match matches(part, entry) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => all = None,
                }
            }
            all
        }
        Filter::Or(parts) => {
            let mut any = Some(false);
            for part in parts {
                match matches(part, entry) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => any = None,
                }
            }
            any
        }
        Filter::Not(part) => matches(part, entry).map(|decided| !decided),
        Filter::Present(name) => readable(name).map(|name| !entry.values(&name).is_empty()),
        Filter::Equal(name, value) => equal(entry, name, value, None),
        Filter::Approx(name, value) => approximate(entry, name, value),
        Filter::Substring(name, parts) => substring(entry, name, parts),
        Filter::AtLeast(name, value) => ordered(entry, name, value, Ordering::is_ge),
        Filter::AtMost(name, value) => ordered(entry, name, value, Ordering::is_le),
        Filter::Extensible(assertion) => extensible(assertion, entry),
    }
}

/// Whether one value of an attribute equals an assertion, for compare and for modifications too.
pub fn equal(entry: &impl Held, name: &str, value: &[u8], syntax: Option<Syntax>) -> Option<bool> {
    let name = readable(name)?;
    let syntax = syntax.unwrap_or_else(|| schema::syntax(&name));
    let wanted = schema::prepared(syntax, value)?;
    let is_class = name == "objectclass";
    Some(entry.values(&name).iter().any(|held| {
        let above = || std::str::from_utf8(held).map(schema::superclasses).unwrap_or_default();
        schema::prepared(syntax, held).as_ref() == Some(&wanted) || (is_class && above().iter().any(|class| class.as_bytes() == wanted))
    }))
}

/// Attributes that may not be read are undefined in filters, so that no one can guess a password by searching.
fn readable(name: &str) -> Option<String> {
    let name = schema::canonical(name);
    (!schema::is_secret(&name)).then_some(name)
}

fn approximate(entry: &impl Held, name: &str, value: &[u8]) -> Option<bool> {
    let name = readable(name)?;
    let wanted = unaccented(std::str::from_utf8(value).ok()?);
    let near = |held: &Cow<'_, [u8]>| std::str::from_utf8(held).is_ok_and(|text| unaccented(text) == wanted);
    Some(entry.values(&name).iter().any(near))
}

fn substring(entry: &impl Held, name: &str, parts: &Parts) -> Option<bool> {
    let name = readable(name)?;
    let fold: fn(&str) -> String = match schema::syntax(&name) {
        Syntax::Text => schema::folded,
        Syntax::ExactText => str::to_owned,
        Syntax::Dn | Syntax::Integer | Syntax::Time => return None,
    };
    let initial = fold(parts.initial.as_deref().unwrap_or_default());
    let last = fold(parts.last.as_deref().unwrap_or_default());
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
    Some(entry.values(&name).iter().any(found))
}

fn ordered(entry: &impl Held, name: &str, value: &[u8], wanted: fn(Ordering) -> bool) -> Option<bool> {
    let name = readable(name)?;
    let syntax = schema::syntax(&name);
    if syntax == Syntax::Dn {
        return None;
    }
    if syntax == Syntax::Integer {
        let limit = integer(value)?;
        return Some(entry.values(&name).iter().filter_map(|held| integer(held)).any(|held| wanted(held.cmp(&limit))));
    }
    let limit = schema::prepared(syntax, value)?;
    let values = entry.values(&name);
    Some(values.iter().filter_map(|held| schema::prepared(syntax, held)).any(|held| wanted(held.cmp(&limit))))
}

/// RFC 4511 §4.5.1.7.7, with the rules that clients of schools' directories use; another rule is undefined.
fn extensible(assertion: &Assertion, entry: &impl Held) -> Option<bool> {
    let name = assertion.name.as_deref()?;
    let value = assertion.value.as_slice();
    let syntax = match assertion.rule.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("caseignorematch" | "2.5.13.2" | "caseignoreia5match" | "1.3.6.1.4.1.1466.109.114.2") => Some(Syntax::Text),
        Some("caseexactmatch" | "2.5.13.5" | "caseexactia5match" | "1.3.6.1.4.1.1466.109.114.1") => Some(Syntax::ExactText),
        Some("distinguishednamematch" | "2.5.13.1") => Some(Syntax::Dn),
        Some("integermatch" | "2.5.13.14") => Some(Syntax::Integer),
        // Active Directory's bit rules: every bit set, any bit set.
        Some("1.2.840.113556.1.4.803") => return bits(entry, name, value, |held, mask| held & mask == mask),
        Some("1.2.840.113556.1.4.804") => return bits(entry, name, value, |held, mask| held & mask != 0),
        Some(_) => return None,
    };
    let held = equal(entry, name, value, syntax)?;
    Some(held || (assertion.dn && in_name(entry.dn(), name, value)))
}

fn bits(entry: &impl Held, name: &str, value: &[u8], wanted: fn(i64, i64) -> bool) -> Option<bool> {
    let mask = integer(value)?;
    let name = readable(name)?;
    Some(entry.values(&name).iter().filter_map(|held| integer(held)).any(|held| wanted(held, mask)))
}

/// Whether a part of the entry's name is `name=value`.
fn in_name(dn: &str, name: &str, value: &[u8]) -> bool {
    let name = schema::canonical(name);
    let wanted = schema::prepared(Syntax::Text, value);
    let Ok(normalised) = dn::normalise(dn) else { return false };
    dn::pieces(&normalised, ',').iter().flat_map(|rdn| dn::pieces(rdn, '+')).any(|part| {
        part.split_once('=').is_some_and(|(held_name, held)| {
            schema::canonical(held_name) == name && schema::prepared(Syntax::Text, held.as_bytes()) == wanted
        })
    })
}

fn integer(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Letters without their accents, for approximate matches.
fn unaccented(text: &str) -> String {
    crate::fold::plain(&schema::folded(text))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::*;

    struct One(Vec<(&'static str, &'static [u8])>);

    impl Held for One {
        fn dn(&self) -> &'static str {
            "uid=a,ou=Élèves,dc=x"
        }

        fn values(&self, canonical: &str) -> Vec<Cow<'_, [u8]>> {
            self.0.iter().filter(|(name, _)| schema::is_type(name, canonical)).map(|(_, value)| Cow::Borrowed(*value)).collect()
        }
    }

    #[test]
    fn filters_as_people_write_them_match_what_they_should() {
        let entry = One(vec![
            ("objectClass", b"inetOrgPerson"),
            ("cn", "Zoë  (dite Zo)".as_bytes()),
            ("uidNumber", b"512"),
            ("objectGUID", b"\x00\xff"),
            ("memberOf", b"cn=G, dc=x"),
            ("userPassword", b"x"),
        ]);
        for (text, expected) in [
            ("(objectClass=person)", Some(true)),
            ("(&(objectClass=inetorgperson)(!(cn=bob)))", Some(true)),
            ("(|(cn=bob)(cn=zoë *dite*\\29))", Some(true)),
            ("(cn=zoë \\28dite zo\\29)", Some(true)),
            ("(cn~=zoe (dite zo)", None),
            ("(cn~=ZOE \\28dite zo\\29)", Some(true)),
            ("(uidNumber>=500)", Some(true)),
            ("(uidNumber<=500)", Some(false)),
            ("(uidNumber:1.2.840.113556.1.4.803:=512)", Some(true)),
            ("(uidNumber:1.2.840.113556.1.4.803:=3)", Some(false)),
            ("(objectGUID=\\00\\ff)", Some(true)),
            ("(memberOf=CN=g,DC=X)", Some(true)),
            ("(mail=*)", Some(false)),
            ("(ou:dn:=élèves)", Some(true)),
            ("(userPassword=x)", None),
            ("(!(userPassword=x))", None),
        ] {
            let found = Filter::parse(text).map(|filter| matches(&filter, &entry));
            assert_eq!(found.unwrap_or(None), expected, "{text}");
        }
        assert_eq!(Filter::parse("(cn=a").unwrap_err(), NotAFilter);
    }
}
