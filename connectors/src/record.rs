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
    /// From when on the account is open, when the entry gives a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Box<Turn>>,
    /// From when on it is closed, when the entry gives a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Box<Turn>>,
    /// The unit the person belongs to first.
    pub home_unit: Option<String>,
    /// Every unit the person belongs to.
    pub units: Vec<String>,
    /// Whatever else the mapping asks for.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// A moment at which an account opens or closes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Seconds since 1970.
    pub at: i64,
    /// What in the entry says so.
    pub said: String,
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

impl Person {
    /// Lets the dates of the entry tell whether the account is open now (seconds since 1970). A reading states what the directory says, whenever
    /// that is: whoever uses a record calls this first.
    pub fn settle(&mut self, now: i64) {
        let not_yet = self.opens.as_ref().filter(|turn| turn.at > now);
        let over = self.closes.as_ref().filter(|turn| turn.at <= now);
        if let Some(turn) = not_yet.or(over).filter(|_| self.active) {
            self.inactive_reason = Some(turn.said.clone());
            self.active = false;
        }
    }

    /// The next moment after `now` at which the account opens or closes by itself, in seconds since 1970.
    pub fn next_turn(&self, now: i64) -> Option<i64> {
        [&self.opens, &self.closes].into_iter().flatten().map(|turn| turn.at).filter(|at| *at > now).min()
    }

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
        for turn in [&self.opens, &self.closes] {
            digest.maybe(turn.as_ref().map(|turn| turn.said.as_str()));
        }
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
    use super::{BTreeMap, Group, Member, Person, Turn, regular};

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
            opens: None,
            closes: None,
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
    fn a_date_closes_an_account_once_it_passed_and_the_next_one_is_told() {
        let turn = |at: i64| Some(Box::new(Turn { at, said: format!("date {at}") }));
        let dated = Person { opens: turn(100), closes: turn(200), ..person() };
        let at = |now: i64| {
            let mut settled = dated.clone();
            settled.settle(now);
            (settled.active, settled.inactive_reason.clone(), settled.next_turn(now))
        };
        assert_eq!(at(99), (false, Some("date 100".to_owned()), Some(100)));
        assert_eq!(at(100), (true, None, Some(200)));
        assert_eq!(at(200), (false, Some("date 200".to_owned()), None));
        assert_ne!(dated.content_hash(), Person { closes: turn(300), ..dated.clone() }.content_hash());
        let mut closed = Person { active: false, inactive_reason: Some("bit".into()), ..dated };
        closed.settle(150);
        assert_eq!((closed.active, closed.inactive_reason.as_deref()), (false, Some("bit")));
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
