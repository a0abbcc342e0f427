//! Entries of a file become records, by the very code that reads those of a directory. Selects them by base and filter.

use std::borrow::Cow;

use super::dynamic::Searches;
use super::parse::{Entries, Entry, LdifError};
use super::settings::{Selection, Settings};
use crate::dn;
use crate::filter::{self, Held};
use crate::ldap::entry::{self, written};
use crate::ldap::{Cause, Scope};
use crate::mapping::canonical_name;
use crate::record::{Kind, Record};
use crate::schema;

impl Held for Entry {
    fn dn(&self) -> &str {
        &self.dn
    }

    fn values(&self, canonical: &str) -> Vec<Cow<'_, [u8]>> {
        let held = self.attributes.iter().filter(|(name, _)| schema::is_type(name, canonical));
        held.flat_map(|(_, values)| values).map(|value| Cow::Borrowed(value.as_slice())).collect()
    }
}

impl Selection {
    fn takes(&self, entry: &Entry) -> bool {
        (self.bases.is_empty() || self.bases.iter().any(|base| reaches(base, self.scope, &entry.dn_key)))
            && filter::matches(&self.filter, entry) == Some(true)
    }
}

/// Whether a search below a base comes to an entry, both normalised.
fn reaches(base: &str, scope: Scope, dn_key: &str) -> bool {
    match scope {
        Scope::Subtree => dn::within(dn_key, base),
        Scope::OneLevel => is_right_below(dn_key, base),
    }
}

/// Whether an entry lies one step below another, both normalised.
pub(super) fn is_right_below(dn_key: &str, base: &str) -> bool {
    dn::pieces(dn_key, ',').split_first().is_some_and(|(_, above)| above.join(",") == base)
}

/// Reads a whole file: all people first, then all groups.
///
/// # Errors
/// The file is not LDIF from its first to its last line, or `push` takes no more.
pub(super) fn read(bytes: &[u8], settings: &Settings, push: &mut dyn FnMut(Record) -> Result<(), Cause>) -> Result<(), Cause> {
    let records = entry::Entries::new(&settings.directory);
    let mut searches = Searches::default();
    each(bytes, |entry| {
        if settings.groups.takes(&entry) {
            searches.ask(&entry);
        }
        if settings.people.takes(&entry) { push(record(&records, Kind::Person, &entry)) } else { Ok(()) }
    })?;
    if searches.some() {
        each(bytes, |entry| {
            searches.look_at(&entry);
            Ok(())
        })?;
    }
    each(bytes, |mut entry| {
        if !settings.groups.takes(&entry) {
            return Ok(());
        }
        searches.complete(&mut entry);
        push(record(&records, Kind::Group, &entry))
    })
}

fn each(bytes: &[u8], mut take: impl FnMut(Entry) -> Result<(), Cause>) -> Result<(), Cause> {
    let mut entries = Entries::new(bytes);
    while let Some(entry) = entries.next_entry().map_err(|error| refused(&error))? {
        take(entry)?;
    }
    Ok(())
}

fn record(records: &entry::Entries, kind: Kind, entry: &Entry) -> Record {
    let attributes = entry.attributes.iter().map(|(name, values)| (canonical_name(name), values.as_slice()));
    records.record(kind, &written(&entry.dn, attributes))
}

fn refused(error: &LdifError) -> Cause {
    Cause::Content(error.to_string())
}

#[cfg(test)]
mod tests;
