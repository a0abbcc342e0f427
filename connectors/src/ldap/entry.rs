//! A raw entry → a record, from bytes. An entry that cannot be used says why and stops nobody else. Asks the server nothing.

use std::borrow::Cow;

use super::guard::Chunk;
use super::profile::KeyForm;
use super::settings::Settings;
use super::state::AccountState;
use crate::dn;
use crate::mapping::{Mapping, Traced};
use crate::record::{Group, Kind, Member, Person, Record, Unreadable, regular};

mod raw;
mod routes;

pub(crate) use raw::written;
use raw::{Raw, Slots};
pub(super) use raw::{raw_dn, reference};
pub use routes::Routed;
use routes::Routes;

/// The longest DN or reason shown of an entry that cannot be read.
const SHOWN_CHARS_MAX: usize = 300;

/// Turns the raw entries of a source into records.
pub(crate) struct Entries {
    people: Selection,
    groups: Selection,
    mapping: Mapping,
    state: AccountState,
    keys: Vec<(String, KeyForm)>,
    routes: Option<Routes>,
}

/// The attributes asked for, and where each one's values go.
struct Selection {
    names: Vec<String>,
    keys: Vec<usize>,
    /// Where the entry's own DN goes, when it is asked for like an attribute.
    dn: Option<usize>,
}

/// The values of each attribute as regular text.
type Texts<'a> = Vec<Vec<Cow<'a, str>>>;

/// Why an entry cannot be used.
struct Refused(String);

const GROUP_NAMES: [&str; 7] = ["cn", "displayName", "description", "member", "uniqueMember", "memberUid", "memberURL"];

impl Entries {
    pub(crate) fn new(settings: &Settings) -> Self {
        let keys: Vec<(String, KeyForm)> = match &settings.external_id {
            Some(name) => vec![(name.clone(), KeyForm::of(name))],
            None => settings.server.keys().iter().map(|name| ((*name).to_owned(), KeyForm::of(name))).collect(),
        };
        let routes = settings.route.clone().map(Routes::new);
        let asked = routes.as_ref().map_or(&[][..], Routes::names);
        Self {
            people: Selection::new(settings.mapping.names(), &[], &keys).with(asked),
            groups: Selection::new(&[], &GROUP_NAMES, &keys).with(asked),
            mapping: settings.mapping.clone(),
            state: settings.account_state.clone(),
            keys,
            routes,
        }
    }

    /// The attributes to ask for.
    pub(super) fn names(&self, kind: Kind) -> &[String] {
        match kind {
            Kind::Person => &self.people.names,
            Kind::Group => &self.groups.names,
        }
    }

    /// A page as records.
    pub(super) fn records(&self, kind: Kind, page: &[Chunk]) -> Vec<Record> {
        page.iter().flat_map(|chunk| chunk.entries().map(|entry| self.record(kind, entry))).collect()
    }

    /// One raw entry as a record.
    pub(crate) fn record(&self, kind: Kind, raw: &[u8]) -> Record {
        let selection = match kind {
            Kind::Person => &self.people,
            Kind::Group => &self.groups,
        };
        let unreadable = |dn, external_id, reason: String| {
            Record::Unreadable(Unreadable { dn, external_id, kind, reason: reason.chars().take(SHOWN_CHARS_MAX).collect() })
        };
        let Some(raw) = Raw::read(raw, selection) else {
            return unreadable(None, None, "the entry is not built as RFC 4511 says".to_owned());
        };
        let key = self.key(&raw, selection);
        let Ok(dn) = std::str::from_utf8(raw.dn) else {
            return unreadable(None, key.ok(), "its DN is not UTF-8".to_owned());
        };
        let shown = Some(dn.replace('\0', "\u{fffd}").chars().take(SHOWN_CHARS_MAX).collect());
        let external_id = match key {
            Ok(key) => key,
            Err(Refused(reason)) => return unreadable(shown, None, reason),
        };
        let made = match (kind, raw.partial) {
            _ if dn.contains('\0') => Err(Refused("its DN holds the NUL character (U+0000)".to_owned())),
            (_, Some(name)) => Err(Refused(format!("{name}: the directory cuts its values into ranges and did not give the rest"))),
            (Kind::Person, None) => self.person(&external_id, dn, &raw.slots).map(Record::Person),
            (Kind::Group, None) => group(&external_id, dn, raw.slots).map(Record::Group),
        };
        made.unwrap_or_else(|Refused(reason)| unreadable(shown, Some(external_id), reason))
    }

    /// True when records are keyed by objectGUID, where there is one.
    pub(super) fn keyed_by_guid(&self) -> bool {
        self.keys.iter().any(|(_, form)| *form == KeyForm::Guid)
    }

    /// The attributes that may hold the key, and nothing else.
    pub(super) fn key_names(&self) -> Vec<String> {
        self.keys.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The attributes whose text is a key, most preferred first.
    pub(super) fn key_forms(&self) -> &[(String, KeyForm)] {
        &self.keys
    }

    /// The key of an entry of which only [`Self::key_names`] were asked, or why it has none.
    pub(super) fn key_alone(&self, kind: Kind, raw: &[u8]) -> Result<String, Unreadable> {
        let selection = Selection::new(&[], &[], &self.keys);
        let unreadable = |reason: String| {
            let dn = raw_dn(raw).and_then(|dn| std::str::from_utf8(dn).ok());
            let dn = dn.map(|dn| dn.replace('\0', "\u{fffd}").chars().take(SHOWN_CHARS_MAX).collect());
            Unreadable { dn, external_id: None, kind, reason: reason.chars().take(SHOWN_CHARS_MAX).collect() }
        };
        let found = Raw::read(raw, &selection).ok_or_else(|| unreadable("the entry is not built as RFC 4511 says".to_owned()))?;
        self.key(&found, &selection).map_err(|Refused(reason)| unreadable(reason))
    }

    /// The key of the one entry that a search for [`Self::key_names`] found, in its canonical text; `None` when it was not shown.
    pub(super) fn key_shown(&self, found: &[Chunk]) -> Option<String> {
        let selection = Selection::new(&[], &[], &self.keys);
        let entry = found.iter().flat_map(Chunk::entries).next()?;
        self.key(&Raw::read(entry, &selection)?, &selection).ok()
    }

    fn key(&self, raw: &Raw<'_>, selection: &Selection) -> Result<String, Refused> {
        for (slot, (name, form)) in selection.keys.iter().zip(&self.keys) {
            if let Some(bytes) = raw.slots.get(*slot).and_then(|values| values.first()) {
                return form.text(bytes).ok_or_else(|| Refused(format!("{name}: the key has not the form expected")));
            }
        }
        let names = self.keys.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        Err(Refused(format!("no key: none of {names} can be read by this account")))
    }

    fn person(&self, external_id: &str, dn: &str, slots: &Slots<'_>) -> Result<Person, Refused> {
        let (values, broken) = self.people.texts(slots, self.mapping.names().len());
        if !broken.is_empty() {
            // A value that nothing is made of does no harm.
            let reached = self.mapping.reached(&values);
            let matters = |slot: usize| reached.contains(&slot) || self.state.slots().any(|read| read == slot);
            if let Some((_, refused)) = broken.into_iter().find(|(slot, _)| matters(*slot)) {
                return Err(refused);
            }
        }
        let standing = self.state.read(&values).map_err(Refused)?;
        let mapped = self.mapping.apply(&values);
        let username = mapped.username.ok_or_else(|| Refused(format!("{}: no login name", self.mapping.username_attributes())))?;
        Ok(Person {
            external_id: external_id.to_owned(),
            dn_key: key_of(dn)?,
            dn: dn.to_owned(),
            display_name: mapped.display_name.unwrap_or_else(|| username.clone()),
            username,
            given_name: mapped.given_name,
            family_name: mapped.family_name,
            email: mapped.email,
            locale: mapped.locale,
            active: standing.closed.is_none(),
            inactive_reason: standing.closed,
            opens: standing.opens.map(Box::new),
            closes: standing.closes.map(Box::new),
            home_unit: mapped.home_unit,
            units: mapped.units,
            attributes: mapped.attributes,
        })
    }

    /// How the mapping came to what it made of each person of a page, in their order; nothing of an entry that is not built as one.
    pub(super) fn traces(&self, page: &[Chunk]) -> Vec<Vec<Traced>> {
        let trace = |entry: &[u8]| {
            let raw = Raw::read(entry, &self.people)?;
            let (values, _) = self.people.texts(&raw.slots, self.mapping.names().len());
            Some(self.mapping.trace(&values))
        };
        page.iter().flat_map(|chunk| chunk.entries().map(|entry| trace(entry).unwrap_or_default())).collect()
    }
}

fn key_of(dn: &str) -> Result<String, Refused> {
    match dn::normalise(dn) {
        Ok(key) if key.is_empty() => Err(Refused("its DN is empty".to_owned())),
        Ok(key) => Ok(key),
        Err(error) => Err(Refused(format!("its DN cannot be read: {error}"))),
    }
}

fn group(external_id: &str, dn: &str, slots: Slots<'_>) -> Result<Group, Refused> {
    let mut lists = slots.into_iter();
    let mut next = |name: &str| texts(name, &lists.next().unwrap_or_default());
    let name = next("cn")?.into_iter().next().ok_or_else(|| Refused("cn: no name".to_owned()))?;
    let display_name = next("displayName")?.into_iter().next();
    let description = next("description")?.into_iter().next();
    let mut members = Vec::new();
    for attribute in ["member", "uniqueMember"] {
        let values = next(attribute)?;
        members.reserve(values.len());
        for value in values {
            let member =
                dn::normalise(without_uid(&value)).map_err(|error| Refused(format!("{attribute}: `{value}` is not a DN: {error}")))?;
            // groupOfNames demands a member (RFC 4519 §3.5), so an empty one often stands in an empty group.
            if !member.is_empty() {
                members.push(Member::Dn(member));
            }
        }
    }
    members.extend(next("memberUid")?.into_iter().map(|name| Member::Username(name.into_owned())));
    // `dynamic` put members in its place where it could.
    if let Some(left) = next("memberURL")?.first() {
        return Err(Refused(format!("memberURL: its members were not found out ({left})")));
    }
    members.sort_unstable();
    members.dedup();
    Ok(Group {
        external_id: external_id.to_owned(),
        dn_key: key_of(dn)?,
        dn: dn.to_owned(),
        name: name.into_owned(),
        display_name: display_name.or(description).map(Cow::into_owned),
        members,
    })
}

/// A uniqueMember without its optional `#'0101'B` (RFC 4517 §3.3.21).
fn without_uid(value: &str) -> &str {
    match value.rsplit_once("#'") {
        Some((dn, bits)) if bits.strip_suffix("'B").is_some_and(|bits| bits.bytes().all(|b| b == b'0' || b == b'1')) => dn,
        _ => value,
    }
}

impl Selection {
    /// `mapped` first, so that the mapping finds its values at its own positions.
    fn new(mapped: &[String], own: &[&str], keys: &[(String, KeyForm)]) -> Self {
        let mut names = mapped.to_vec();
        let mut add = |name: &str| {
            names.iter().position(|n| n.eq_ignore_ascii_case(name)).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        for name in own {
            add(name);
        }
        let keys = keys.iter().map(|(name, _)| add(name)).collect();
        let dn = names.iter().position(|name| name == "dn");
        Self { names, keys, dn }
    }

    /// Every selected value as regular text, and those that are none with their places; keys that only serve as keys are left out.
    fn texts<'a>(&self, slots: &Slots<'a>, mapped: usize) -> (Texts<'a>, Vec<(usize, Refused)>) {
        let mut broken = Vec::new();
        let mut read = |(slot, (name, values)): (usize, (&String, &Vec<&'a [u8]>))| {
            if values.is_empty() || (slot >= mapped && self.keys.contains(&slot)) {
                return Vec::new();
            }
            let form = KeyForm::of(name);
            let mut out = Vec::with_capacity(values.len());
            for value in values {
                let text = if form.is_binary() {
                    form.text(value)
                        .map(|text| Some(Cow::Owned(text)))
                        .ok_or_else(|| Refused(format!("{name}: a value has not the form expected")))
                } else {
                    text(name, value)
                };
                match text {
                    Ok(text) => out.extend(text),
                    Err(refused) => broken.push((slot, refused)),
                }
            }
            out
        };
        let texts = self.names.iter().zip(slots).enumerate().map(&mut read).collect();
        (texts, broken)
    }
}

fn texts<'a>(name: &str, values: &[&'a [u8]]) -> Result<Vec<Cow<'a, str>>, Refused> {
    let mut out = Vec::with_capacity(values.len());
    for value in values {
        out.extend(text(name, value)?);
    }
    Ok(out)
}

fn text<'a>(name: &str, value: &'a [u8]) -> Result<Option<Cow<'a, str>>, Refused> {
    let text = std::str::from_utf8(value).map_err(|_| Refused(format!("{name}: a value is not UTF-8")))?;
    Ok(regular(storable(name, text)?))
}

/// Refuses a NUL character: no store keeps one, and a value without it would be another value.
fn storable<'a>(name: &str, text: &'a str) -> Result<&'a str, Refused> {
    if text.contains('\0') { Err(Refused(format!("{name}: a value holds the NUL character (U+0000)"))) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
