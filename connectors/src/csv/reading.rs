//! A spreadsheet becomes records: every row is looked at twice, first for keys, homonyms and groups, then to be handed on.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::layout::{Draft, Entry, GroupValue, Layout, Place};
use super::logins::Logins;
use super::settings::Settings;
use super::table::Table;
use super::text;
use crate::ldap::Cause;
use crate::record::{Group, Kind, Member, Record, Unreadable};

/// What the first look found.
#[derive(Debug, Default)]
struct Survey {
    /// By normalised place, in which keys that differ by letter case only are one.
    people: HashMap<String, Seen>,
    groups: BTreeMap<String, Group>,
    /// Rows whose cells may stand under wrong titles keep their people in groups that others state; they make none.
    lingering: Vec<(String, String)>,
    /// Login names that stand in the file.
    stated: HashSet<String>,
}

#[derive(Debug)]
struct Seen {
    line: u64,
    content: [u8; 16],
    key: String,
    /// The login name as built, when it has to be made unique.
    built: Option<String>,
    /// Another line that says something else of the same key.
    clash: Option<u64>,
}

/// Reads a whole file.
///
/// # Errors
/// The file cannot be read as a table, or `push` takes no more.
pub(super) fn read(
    bytes: &[u8],
    settings: &Settings,
    logins: &Logins,
    push: &mut dyn FnMut(Record) -> Result<(), Cause>,
) -> Result<(), Cause> {
    let text = text::decode(bytes, settings.encoding)?;
    let table = Table::open(&text.bytes, settings.delimiter, settings.header_lines)?;
    let layout = Layout::new(settings, &table)?;
    let mut survey = Survey::default();
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        match layout.entry(&row) {
            Entry::Person(draft) => survey.take(row.line, *draft),
            Entry::Aside(_, place, groups) => survey.linger(place, groups, row.fault.is_none()),
        }
    }
    let names = survey.names(logins);
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        match layout.entry(&row) {
            Entry::Person(draft) => {
                if let Some(record) = survey.record(row.line, *draft, &names) {
                    push(record)?;
                }
            }
            Entry::Aside(unreadable, ..) => push(Record::Unreadable(unreadable))?,
        }
    }
    survey.into_groups().into_iter().try_for_each(|group| push(Record::Group(group)))
}

impl Survey {
    fn take(&mut self, line: u64, draft: Draft) {
        let Draft { person, built, groups } = draft;
        let content = person.content_hash();
        let dn_key = person.dn_key.clone();
        for group in groups {
            self.join(group, &dn_key);
        }
        if !built {
            self.stated.insert(person.username.clone());
        }
        let fresh = Seen { line, content, key: person.external_id, built: built.then_some(person.username), clash: None };
        let seen = self.people.entry(dn_key).or_insert(fresh);
        // A pupil of two groups often has a row for each: said twice alike, it is one person.
        if seen.content != content {
            seen.clash = Some(line);
        }
    }

    fn join(&mut self, value: GroupValue, member: &str) {
        let group = self.groups.entry(value.key.clone()).or_insert_with(|| Group {
            external_id: value.key,
            dn: value.dn.clone(),
            dn_key: value.dn_key,
            name: value.name.clone(),
            display_name: None,
            members: Vec::new(),
        });
        // `3a` and `3A` are one group; which name it bears must not depend on the order of the rows.
        if value.name < group.name {
            (group.name, group.dn) = (value.name, value.dn);
        }
        group.members.push(Member::Dn(member.to_owned()));
    }

    fn linger(&mut self, place: Option<Place>, groups: Vec<GroupValue>, fits: bool) {
        let Some(place) = place else { return };
        for group in groups {
            if fits {
                self.join(group, &place.dn_key);
            } else {
                self.lingering.push((group.key, place.dn_key.clone()));
            }
        }
    }

    fn names(&self, logins: &Logins) -> HashMap<String, String> {
        let wanted = self.people.values().filter(|seen| seen.clash.is_none());
        let wanted = wanted.filter_map(|seen| Some((seen.key.clone(), seen.built.clone()?))).collect();
        logins.assign(wanted, &self.stated)
    }

    /// What to hand on of a row; nothing when the same was said above.
    fn record(&self, line: u64, draft: Draft, names: &HashMap<String, String>) -> Option<Record> {
        let mut person = draft.person;
        let seen = self.people.get(&person.dn_key)?;
        let aside = |reason: String| {
            let (dn, external_id) = (Some(person.dn.clone()), Some(person.external_id.clone()));
            Some(Record::Unreadable(Unreadable { dn, external_id, kind: Kind::Person, reason: format!("line {line}: {reason}") }))
        };
        if let Some(clash) = seen.clash {
            // Nobody can tell which of them is meant, and the wrong one would take the other's account.
            let other = if line == seen.line { clash } else { seen.line };
            return aside(format!("line {other} says something else of the key «{}»: correct or remove one of them", person.external_id));
        }
        if line != seen.line {
            return None;
        }
        if draft.built {
            let Some(name) = names.get(&seen.key) else {
                return aside(format!("too many people are called «{}»: give login names in a column", person.username));
            };
            person.username.clone_from(name);
        }
        if person.display_name.is_empty() {
            person.display_name.clone_from(&person.username);
        }
        Some(Record::Person(person))
    }

    fn into_groups(mut self) -> Vec<Group> {
        for (key, member) in self.lingering {
            if let Some(group) = self.groups.get_mut(&key) {
                group.members.push(Member::Dn(member));
            }
        }
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        for group in &mut groups {
            group.members.sort_unstable();
            group.members.dedup();
        }
        groups
    }
}

#[cfg(test)]
mod tests;
