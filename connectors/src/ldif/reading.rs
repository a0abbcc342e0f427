//! Entries of a file become records, by the very code that reads those of a directory. Selects them by base and filter.

use std::borrow::Cow;

use super::parse::{Entries, Entry, LdifError};
use super::settings::{Selection, Settings};
use crate::dn;
use crate::filter::{self, Held};
use crate::ldap::Cause;
use crate::ldap::entry::{self, written};
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
        let within = self.base.as_deref().is_none_or(|base| dn::is_within(&entry.dn_key, base));
        within && filter::matches(&self.filter, entry) == Some(true)
    }
}

/// Reads a whole file: all people first, then all groups.
///
/// # Errors
/// The file is not LDIF from its first to its last line, or `push` takes no more.
pub(super) fn read(bytes: &[u8], settings: &Settings, push: &mut dyn FnMut(Record) -> Result<(), Cause>) -> Result<(), Cause> {
    let records = entry::Entries::new(&settings.directory);
    for (kind, selection) in [(Kind::Person, &settings.people), (Kind::Group, &settings.groups)] {
        let mut entries = Entries::new(bytes);
        while let Some(entry) = entries.next_entry().map_err(|error| refused(&error))? {
            if selection.takes(&entry) {
                let attributes = entry.attributes.iter().map(|(name, values)| (canonical_name(name), values.as_slice()));
                push(records.record(kind, &written(&entry.dn, attributes)))?;
            }
        }
    }
    Ok(())
}

fn refused(error: &LdifError) -> Cause {
    Cause::Content(error.to_string())
}

#[cfg(test)]
mod tests;
