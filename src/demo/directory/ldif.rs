//! A file of entries for the demo's directory. Reading it is the connectors' matter.

use std::io::BufRead;

use connectors::ldif::{Entries, LdifError};

use super::entry::Entry;

/// Reads every entry of a file, in its order.
///
/// # Errors
/// `LdifError` with the line, and what to do about it.
pub fn read(file: impl BufRead) -> Result<Vec<Entry>, LdifError> {
    let (mut stated, mut entries) = (Entries::new(file), Vec::new());
    while let Some(found) = stated.next_entry()? {
        let attributes = found.attributes.iter();
        entries.push(attributes.fold(Entry::new(found.dn), |entry, (name, values)| entry.with_all(name, values)));
    }
    Ok(entries)
}
