//! Active Directory's key as its sixteen bytes: what a search asks for, and what a record is known by.

use std::fmt::Write as _;

use crate::ldap::ber::{Elements, OCTET_STRING};
use crate::ldap::profile::KeyForm;
use crate::ldap::range::attributes;

/// The attribute that holds it.
pub(super) const NAME: &str = "objectGUID";

/// One entry's objectGUID (MS-ADTS §3.1.1.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Guid([u8; 16]);

impl Guid {
    /// The one of an entry, when it was shown.
    pub(super) fn of(entry: &[u8]) -> Option<Self> {
        Some(Self(value(entry, NAME)?.try_into().ok()?))
    }

    /// As records are keyed by it.
    pub(super) fn text(self) -> String {
        KeyForm::Guid.text(&self.0).unwrap_or_default()
    }
}

/// A filter that matches these entries and no other (RFC 4515 §3: each byte escaped).
pub(super) fn any_of(guids: &[Guid]) -> String {
    let mut out = String::with_capacity(8 + guids.len() * 64);
    out.push_str("(|");
    for Guid(bytes) in guids {
        let _ = write!(out, "({NAME}={})", escaped(bytes));
    }
    out.push(')');
    out
}

/// Bytes as a filter writes them.
pub(super) fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\{byte:02x}");
        out
    })
}

/// The first value of an entry's attribute.
pub(super) fn value<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (_, values) = attributes(entry).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    Elements(values).expect(OCTET_STRING, "").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_asked_for_by_its_bytes_and_written_as_records_are_keyed() {
        let guid = Guid([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);
        assert_eq!(guid.text(), "03020100-0504-0706-0809-0a0b0c0d0eff");
        assert_eq!(any_of(&[guid]), "(|(objectGUID=\\00\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\ff))");
        assert!(ldap3::parse_filter(any_of(&[guid, guid])).is_ok());
    }
}
