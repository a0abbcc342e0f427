//! Attribute paths (RFC 7644 §3.10): from `name.familyName` or `urn:…:User:department` to a place in the table. Values in brackets are not for here.

use std::fmt;

use super::{Attribute, COMMON, Kind, Schema};

/// An attribute, or a sub-attribute, of a kind of resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AttrRef {
    /// The extension it is of; none for the resource's own and the common ones.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The part of it that is meant.
    pub sub: Option<&'static Attribute>,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A whole schema, by its URN alone.
    Schema(&'static Schema),
    /// An attribute.
    Attribute(AttrRef),
}

impl AttrRef {
    /// What is compared in the end: the sub-attribute, or the attribute itself.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// The same attribute as a whole.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { sub: None, ..self }
    }

    /// A part of the same attribute.
    #[must_use]
    pub fn part(self, sub: &'static Attribute) -> Self {
        Self { sub: Some(sub), ..self }
    }

    /// A short unambiguous name in lower case: `name.familyname`, `e:department`, `p:units`.
    pub fn key(&self) -> String {
        let mut key = self.extension.map_or(String::new(), |schema| schema.code.to_owned());
        key.push_str(self.attribute.name);
        if let Some(sub) = self.sub {
            key.push('.');
            key.push_str(sub.name);
        }
        key.make_ascii_lowercase();
        key
    }

    /// Whether writing there is for the gateway alone.
    pub fn is_read_only(&self) -> bool {
        self.attribute.is_read_only() || self.sub.is_some_and(Attribute::is_read_only)
    }
}

/// As a client writes it.
impl fmt::Display for AttrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = self.extension {
            write!(f, "{}:", schema.urn)?;
        }
        f.write_str(self.attribute.name)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{}", sub.name))
    }
}

impl fmt::Debug for AttrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())
    }
}

/// The table's entry for a path, whatever the letter case; `None` when resources of this kind have no such thing.
pub fn resolve(kind: Kind, path: &str) -> Option<Named> {
    for schema in kind.schemas() {
        let Some((head, rest)) = path.split_at_checked(schema.urn.len()) else { continue };
        if !head.eq_ignore_ascii_case(schema.urn) {
            continue;
        }
        if rest.is_empty() {
            return Some(Named::Schema(schema));
        }
        let Some(rest) = rest.strip_prefix(':') else { continue };
        let extension = (!schema.code.is_empty()).then_some(schema);
        return within(schema.attributes, extension, rest);
    }
    within(COMMON, None, path).or_else(|| within(kind.core().attributes, None, path))
}

/// The sub-attribute of this name below an attribute. A list of plain values has its values under `value` too (RFC 7643 §2.4).
pub fn resolve_sub(whole: AttrRef, name: &str) -> Option<AttrRef> {
    match whole.attribute.sub(name) {
        Some(sub) => Some(whole.part(sub)),
        None if !whole.attribute.is_complex() && name.eq_ignore_ascii_case("value") => Some(whole),
        None => None,
    }
}

fn within(attributes: &'static [Attribute], extension: Option<&'static Schema>, path: &str) -> Option<Named> {
    let (name, sub) = path.split_once('.').map_or((path, None), |(name, sub)| (name, Some(sub)));
    let attribute = super::find(attributes, name)?;
    let whole = AttrRef { extension, attribute, sub: None };
    let named = match sub {
        None => whole,
        Some(sub) => whole.part(attribute.sub(sub)?),
    };
    Some(Named::Attribute(named))
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;
    use crate::services::scim::schema::ENTERPRISE_URN;

    fn key(path: &str) -> Option<String> {
        match resolve(Kind::User, path)? {
            Named::Schema(schema) => Some(schema.name.to_owned()),
            Named::Attribute(named) => Some(named.key()),
        }
    }

    #[test]
    fn every_form_of_a_path_is_understood() {
        assert_eq!(key("USERNAME").as_deref(), Some("username"));
        assert_eq!(key("name.FamilyName").as_deref(), Some("name.familyname"));
        assert_eq!(key("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName").as_deref(), Some("name.givenname"));
        assert_eq!(key("URN:ietf:params:scim:schemas:EXTENSION:enterprise:2.0:user:Department").as_deref(), Some("e:department"));
        assert_eq!(key(&format!("{ENTERPRISE_URN}:manager.value")).as_deref(), Some("e:manager.value"));
        assert_eq!(key(ENTERPRISE_URN).as_deref(), Some("EnterpriseUser"));
        assert_eq!(key("urn:passerelle:params:scim:schemas:extension:1.0:User:units").as_deref(), Some("p:units"));
        assert_eq!(key("meta.lastModified").as_deref(), Some("meta.lastmodified"));
    }

    #[test]
    fn what_is_not_in_the_table_is_nothing() {
        for path in
            ["", "department", "name.nope", "userName.value", "name.familyName.x", "urn:other:User:userName", "members", "password", "é"]
        {
            assert_eq!(key(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_shows_as_it_is_written() {
        let Some(Named::Attribute(named)) = resolve(Kind::User, &format!("{ENTERPRISE_URN}:MANAGER.displayname")) else {
            panic!("not found")
        };
        assert_eq!(named.to_string(), format!("{ENTERPRISE_URN}:manager.displayName"));
        assert!(named.is_read_only());
    }
}
