//! What a source states about one person or group, made regular: NFC, trimmed, no empty string. Holds no rule of the gateway.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::fingerprint::Fingerprint;

/// One entry of a source, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A person.
    Person(Person),
    /// A group.
    Group(Group),
    /// An entry that cannot be used; it never stops the run.
    Unreadable(Unreadable),
}

/// A person as a source states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The source's immutable key, in canonical text (entryUUID, objectGUID or nsUniqueId).
    pub external_id: String,
    /// Where the entry stands, as the source writes it.
    pub dn: String,
    /// The same DN normalised, for comparison.
    pub dn_key: String,
    /// The login name.
    pub username: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The name to show; the login name when the source has none.
    pub display_name: String,
    /// The first e-mail address.
    pub email: Option<String>,
    /// Preferred language (RFC 2798 §2.7).
    pub locale: Option<String>,
    /// False when the source says the account is closed, suspended or locked.
    pub active: bool,
    /// What in the entry says so.
    pub inactive_reason: Option<String>,
    /// The unit the person belongs to first.
    pub home_unit: Option<String>,
    /// Every unit the person belongs to.
    pub units: Vec<String>,
    /// Whatever else the mapping asks for.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A group as a source states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The source's immutable key, in canonical text.
    pub external_id: String,
    /// Where the entry stands, as the source writes it.
    pub dn: String,
    /// The same DN normalised, for comparison.
    pub dn_key: String,
    /// The group's name (`cn`).
    pub name: String,
    /// A longer name, when there is one.
    pub display_name: Option<String>,
    /// Direct members, sorted and each once.
    pub members: Vec<Member>,
}

/// How a group names a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    /// By normalised DN: a person or a group (`member`, `uniqueMember`).
    Dn(String),
    /// By login name (`memberUid`, RFC 2307 §5).
    Username(String),
}

/// An entry that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its DN, when that much could be read.
    pub dn: Option<String>,
    /// Its key, when that much could be read.
    pub external_id: Option<String>,
    /// What it would have been.
    pub kind: Kind,
    /// What is wrong, naming the attribute.
    pub reason: String,
}

/// The two kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    Person,
    /// A group.
    Group,
}

impl AsRef<Self> for Record {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Person {
    /// A digest of everything stated; equal digests mean nothing changed.
    pub fn content_hash(&self) -> [u8; 16] {
        let mut digest = Fingerprint::new("person");
        for text in [&self.external_id, &self.dn, &self.dn_key, &self.username, &self.display_name] {
            digest.text(text);
        }
        for text in [&self.given_name, &self.family_name, &self.email, &self.locale, &self.inactive_reason, &self.home_unit] {
            digest.maybe(text.as_deref());
        }
        digest.number(u128::from(self.active));
        digest.list(&self.units);
        digest.number(self.attributes.len() as u128);
        for (name, values) in &self.attributes {
            digest.text(name);
            digest.list(values);
        }
        digest.finish()
    }
}

impl Group {
    /// A digest of everything stated, whatever the order of the members.
    pub fn content_hash(&self) -> [u8; 16] {
        let mut digest = Fingerprint::new("group");
        for text in [&self.external_id, &self.dn, &self.dn_key, &self.name] {
            digest.text(text);
        }
        digest.maybe(self.display_name.as_deref());
        digest.number(self.members.len() as u128);
        digest.number(self.members.iter().fold(0, |sum: u128, member| sum.wrapping_add(member.fingerprint())));
        digest.finish()
    }
}

impl Member {
    fn fingerprint(&self) -> u128 {
        let (kind, name) = match self {
            Self::Dn(dn) => ("dn", dn),
            Self::Username(username) => ("username", username),
        };
        let mut digest = Fingerprint::new(kind);
        digest.text(name);
        digest.value()
    }
}

/// Makes a text regular: Unicode NFC, no space around. `None` when nothing is left. A text that is composed already is not copied.
pub fn regular(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let composed = trimmed.is_ascii() || is_nfc_quick(trimmed.chars()) == IsNormalized::Yes;
    Some(if composed { Cow::Borrowed(trimmed) } else { Cow::Owned(trimmed.nfc().collect()) })
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Group, Member, Person, regular};

    fn person() -> Person {
        Person {
            external_id: "1".into(),
            dn: "uid=a,dc=b".into(),
            dn_key: "uid=a,dc=b".into(),
            username: "a".into(),
            given_name: None,
            family_name: Some("Œuvrard".into()),
            display_name: "a".into(),
            email: None,
            locale: None,
            active: true,
            inactive_reason: None,
            home_unit: None,
            units: vec!["ab".into(), "c".into()],
            attributes: BTreeMap::from([("x".to_owned(), vec!["1".to_owned()])]),
        }
    }

    #[test]
    fn a_persons_digest_changes_with_every_field_and_with_nothing_else() {
        let before = person().content_hash();
        assert_eq!(before, person().content_hash());
        let changes: [fn(&mut Person); 6] = [
            |p| p.email = Some("a@b.test".into()),
            |p| p.email = Some(String::new()),
            |p| p.active = false,
            |p| p.units = vec!["a".into(), "bc".into()],
            |p| p.attributes.clear(),
            |p| p.given_name = p.family_name.take(),
        ];
        for change in changes {
            let mut after = person();
            change(&mut after);
            assert_ne!(before, after.content_hash());
        }
    }

    #[test]
    fn a_groups_digest_ignores_the_order_of_members_but_not_the_members() {
        let group = |members: &[&str]| Group {
            external_id: "g".into(),
            dn: "cn=g".into(),
            dn_key: "cn=g".into(),
            name: "g".into(),
            display_name: None,
            members: members.iter().map(|m| Member::Dn((*m).to_owned())).collect(),
        };
        assert_eq!(group(&["uid=a", "uid=b"]).content_hash(), group(&["uid=b", "uid=a"]).content_hash());
        assert_ne!(group(&["uid=a", "uid=b"]).content_hash(), group(&["uid=a", "uid=c"]).content_hash());
    }

    #[test]
    fn text_is_composed_and_trimmed() {
        assert_eq!(regular("  Ane\u{301}mone \n").as_deref(), Some("An\u{e9}mone"));
        assert_eq!(regular(" \t "), None);
    }
}
