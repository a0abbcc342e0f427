//! An entry taken apart, its values still bytes (RFC 4511 §4.5.2). Judges nothing.

use lber::structure::{PL, StructureTag};

use super::Selection;
use crate::ldap::ber::{self, Elements, OCTET_STRING};

/// An entry whose parts are found, its values still bytes.
pub(super) struct Raw<'a> {
    pub(super) dn: &'a [u8],
    pub(super) slots: Slots<'a>,
    /// An attribute that the directory cut.
    pub(super) partial: Option<String>,
}

/// The values of each attribute asked for, as they came.
pub(super) type Slots<'a> = Vec<Vec<&'a [u8]>>;

impl<'a> Raw<'a> {
    /// Takes an entry apart (`SearchResultEntry`, RFC 4511 §4.5.2); `None` when it is not one.
    pub(super) fn read(entry: &'a [u8], selection: &Selection) -> Option<Self> {
        const CONSTRUCTED: u8 = 0x20;
        let mut parts = Elements(entry);
        let dn = parts.expect(OCTET_STRING, "").ok()?;
        let attributes = parts.next().ok()??;
        let mut raw = Self { dn, slots: vec![Vec::new(); selection.names.len()], partial: None };
        if let Some(own) = selection.dn.and_then(|slot| raw.slots.get_mut(slot)) {
            own.push(dn);
        }
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

/// An entry in the form directories send it, for one that comes from elsewhere.
pub(crate) fn written<'a>(dn: &str, attributes: impl Iterator<Item = (&'a str, &'a [Vec<u8>])>) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, values) in attributes {
        let (mut set, mut pair) = (Vec::new(), Vec::new());
        for value in values {
            ber::write(OCTET_STRING, value, &mut set);
        }
        ber::write(OCTET_STRING, name.as_bytes(), &mut pair);
        ber::write(ber::SET, &set, &mut pair);
        ber::write(ber::SEQUENCE, &pair, &mut list);
    }
    let mut out = Vec::new();
    ber::write(OCTET_STRING, dn.as_bytes(), &mut out);
    ber::write(ber::SEQUENCE, &list, &mut out);
    out
}

/// The DN's bytes, without taking the entry apart.
pub(in crate::ldap) fn raw_dn(entry: &[u8]) -> Option<&[u8]> {
    Elements(entry).expect(OCTET_STRING, "").ok()
}

/// The first URI of a reference (`SearchResultReference`, RFC 4511 §4.5.3).
pub(in crate::ldap) fn reference(tag: &StructureTag) -> Option<String> {
    let PL::C(uris) = &tag.payload else { return None };
    match &uris.first()?.payload {
        PL::P(uri) => Some(String::from_utf8_lossy(uri).into_owned()),
        PL::C(_) => None,
    }
}
