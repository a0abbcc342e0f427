//! A raw entry → a record, from bytes. An entry that cannot be used says why and stops nobody else. Asks the server nothing.

use std::borrow::Cow;

use lber::structure::{PL, StructureTag};

use super::ber::{Elements, OCTET_STRING};
use super::guard::Chunk;
use super::profile::KeyForm;
use super::settings::{Profile, Settings};
use crate::dn;
use crate::mapping::Mapping;
use crate::record::{Group, Kind, Member, Person, Record, Unreadable, regular};

mod routes;

pub use routes::Routed;
use routes::Routes;

/// The longest DN or reason shown of an entry that cannot be read.
const SHOWN_CHARS_MAX: usize = 300;
/// userAccountControl's ACCOUNTDISABLE (MS-ADTS §2.2.16).
const ACCOUNT_DISABLED: u32 = 2;
/// pwdAccountLockedTime of an account locked for good (draft-behera-ldap-password-policy §5.3.3).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// Turns the raw entries of a source into records.
pub(super) struct Entries {
    people: Selection,
    groups: Selection,
    mapping: Mapping,
    profile: Profile,
    keys: Vec<(String, KeyForm)>,
    routes: Option<Routes>,
}

/// The attributes asked for, and where each one's values go.
struct Selection {
    names: Vec<String>,
    keys: Vec<usize>,
}

/// An entry whose parts are found, its values still bytes.
struct Raw<'a> {
    dn: &'a [u8],
    slots: Slots<'a>,
    partial: Option<String>,
}

/// The values of each attribute asked for, as they came.
type Slots<'a> = Vec<Vec<&'a [u8]>>;

/// Why an entry cannot be used.
struct Refused(String);

const GROUP_NAMES: [&str; 6] = ["cn", "displayName", "description", "member", "uniqueMember", "memberUid"];
const STATE_NAMES: [&str; 2] = ["pwdAccountLockedTime", "nsAccountLock"];
const AD_STATE_NAMES: [&str; 1] = ["userAccountControl"];
const SUPANN_STATE_NAMES: [&str; 3] = ["pwdAccountLockedTime", "nsAccountLock", "supannRessourceEtat"];

impl Entries {
    pub(super) fn new(settings: &Settings) -> Self {
        let keys: Vec<(String, KeyForm)> = match &settings.external_id {
            Some(name) => vec![(name.clone(), KeyForm::of(name))],
            None => settings.server.keys().iter().map(|name| ((*name).to_owned(), KeyForm::of(name))).collect(),
        };
        let state: &[&str] = match settings.profile {
            Profile::InetOrgPerson => &STATE_NAMES,
            Profile::ActiveDirectory => &AD_STATE_NAMES,
            Profile::Supann => &SUPANN_STATE_NAMES,
        };
        let routes = settings.route.clone().map(Routes::new);
        let asked = routes.as_ref().map_or(&[][..], Routes::names);
        Self {
            people: Selection::new(settings.mapping.names(), state, &keys).with(asked),
            groups: Selection::new(&[], &GROUP_NAMES, &keys).with(asked),
            mapping: settings.mapping.clone(),
            profile: settings.profile,
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
    fn record(&self, kind: Kind, raw: &[u8]) -> Record {
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

    /// The attributes that may hold the key, and nothing else.
    pub(super) fn key_names(&self) -> Vec<String> {
        self.keys.iter().map(|(name, _)| name.clone()).collect()
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
        let values = self.people.texts(slots, self.mapping.names().len())?;
        let inactive_reason = self.inactive(&values);
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
            active: inactive_reason.is_none(),
            inactive_reason,
            home_unit: mapped.home_unit,
            units: mapped.units,
            attributes: mapped.attributes,
        })
    }

    /// What in the entry says that the account is closed.
    fn inactive(&self, values: &[Vec<Cow<'_, str>>]) -> Option<String> {
        let of = |name: &str| self.people.names.iter().position(|n| n.eq_ignore_ascii_case(name)).and_then(|slot| values.get(slot));
        let found =
            |name: &str, closed: &dyn Fn(&str) -> bool| of(name)?.iter().find(|value| closed(value)).map(|value| format!("{name} {value}"));
        if self.profile == Profile::ActiveDirectory {
            let disabled = |value: &str| value.parse::<i64>().is_ok_and(|flags| flags & i64::from(ACCOUNT_DISABLED) != 0);
            return found("userAccountControl", &disabled);
        }
        let supann = |value: &str| {
            // `{COMPTE}état[:sous-état]`: A open, I closed, S suspended (SUPANN 2021).
            let state = value.get(..8).filter(|label| label.eq_ignore_ascii_case("{COMPTE}")).and_then(|_| value.get(8..9));
            matches!(state, Some("I" | "i" | "S" | "s"))
        };
        found("supannRessourceEtat", &supann)
            .filter(|_| self.profile == Profile::Supann)
            .or_else(|| found("nsAccountLock", &|value| value.eq_ignore_ascii_case("true")))
            .or_else(|| found("pwdAccountLockedTime", &|value| value == LOCKED_FOR_GOOD))
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
        Self { names, keys }
    }

    /// Every selected value as regular text; keys that only serve as keys stay bytes and are left out.
    fn texts<'a>(&self, slots: &Slots<'a>, mapped: usize) -> Result<Vec<Vec<Cow<'a, str>>>, Refused> {
        let wanted = |slot: usize| slot < mapped || !self.keys.contains(&slot);
        let named = self.names.iter().zip(slots).enumerate();
        named.map(|(slot, (name, values))| if wanted(slot) { texts(name, values) } else { Ok(Vec::new()) }).collect()
    }
}

fn texts<'a>(name: &str, values: &[&'a [u8]]) -> Result<Vec<Cow<'a, str>>, Refused> {
    let mut out = Vec::with_capacity(values.len());
    for value in values {
        let text = std::str::from_utf8(value).map_err(|_| Refused(format!("{name}: a value is not UTF-8")))?;
        out.extend(regular(storable(name, text)?));
    }
    Ok(out)
}

/// Refuses a NUL character: no store keeps one, and a value without it would be another value.
fn storable<'a>(name: &str, text: &'a str) -> Result<&'a str, Refused> {
    if text.contains('\0') { Err(Refused(format!("{name}: a value holds the NUL character (U+0000)"))) } else { Ok(text) }
}

impl<'a> Raw<'a> {
    /// Takes an entry apart (`SearchResultEntry`, RFC 4511 §4.5.2); `None` when it is not one.
    fn read(entry: &'a [u8], selection: &Selection) -> Option<Self> {
        const CONSTRUCTED: u8 = 0x20;
        let mut parts = Elements(entry);
        let dn = parts.expect(OCTET_STRING, "").ok()?;
        let attributes = parts.next().ok()??;
        let mut raw = Self { dn, slots: vec![Vec::new(); selection.names.len()], partial: None };
        let mut list = (attributes.tag & CONSTRUCTED != 0).then_some(Elements(attributes.content))?;
        while let Some(attribute) = list.next().ok()? {
            let mut pair = (attribute.tag & CONSTRUCTED != 0).then_some(Elements(attribute.content))?;
            let name = pair.expect(OCTET_STRING, "").ok()?;
            let values = pair.next().ok()??;
            let mut values = (values.tag & CONSTRUCTED != 0).then_some(Elements(values.content))?;
            let mut found = Vec::new();
            while let Some(value) = values.next().ok()? {
                found.push((value.tag == OCTET_STRING).then_some(value.content)?);
            }
            raw.put(name, found, selection);
        }
        Some(raw)
    }

    fn put(&mut self, name: &[u8], values: Vec<&'a [u8]>, selection: &Selection) {
        let slot = |name: &[u8]| selection.names.iter().position(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name));
        if let Some(found) = slot(name).and_then(|slot| self.slots.get_mut(slot)) {
            // A ranged attribute comes with an empty one of the plain name, which must not hide it.
            if !values.is_empty() {
                *found = values;
            }
            return;
        }
        // `member;range=0-1499`: the rest did not come; `…-*` is the last part, whole when it starts at 0.
        let text = String::from_utf8_lossy(name);
        if let Some((base, range)) = text.split_once(";range=")
            && let Some(found) = slot(base.as_bytes()).and_then(|slot| self.slots.get_mut(slot))
        {
            if range == "0-*" {
                *found = values;
            } else {
                self.partial = Some(base.to_owned());
            }
        }
    }
}

/// The DN's bytes, without taking the entry apart.
pub(super) fn raw_dn(entry: &[u8]) -> Option<&[u8]> {
    Elements(entry).expect(OCTET_STRING, "").ok()
}

/// The first URI of a reference (`SearchResultReference`, RFC 4511 §4.5.3).
pub(super) fn reference(tag: &StructureTag) -> Option<String> {
    let PL::C(uris) = &tag.payload else { return None };
    match &uris.first()?.payload {
        PL::P(uri) => Some(String::from_utf8_lossy(uri).into_owned()),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests;
