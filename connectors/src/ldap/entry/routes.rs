//! What raw entries say of the establishments they belong to, beside the records made of them. Knows no establishment.

use super::{Chunk, Entries, Raw, Selection};
use crate::dn;
use crate::record::{Record, regular};
use crate::route::Route;

/// A record, and the establishments that its entry names, in the words of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The record.
    pub record: Record,
    /// What names its establishments, each once; nothing when the entry names none itself.
    pub to: Vec<String>,
}

/// An expression with the attributes that it looks at.
pub(super) struct Routes {
    route: Route,
    selection: Selection,
}

impl Routes {
    pub(super) fn new(route: Route) -> Self {
        let selection = Selection::new(route.names(), &[], &[]);
        Self { route, selection }
    }

    /// The attributes to ask for.
    pub(super) fn names(&self) -> &[String] {
        self.route.names()
    }

    /// What a raw entry names. Of one that cannot be used as a record, as much as can be read: it still belongs somewhere.
    fn of(&self, raw: &[u8]) -> Vec<String> {
        let Some(raw) = Raw::read(raw, &self.selection) else { return Vec::new() };
        let dn_key = std::str::from_utf8(raw.dn).ok().and_then(|dn| dn::normalise(dn).ok()).unwrap_or_default();
        let texts = |values: &Vec<&[u8]>| {
            let texts = values.iter().filter_map(|value| std::str::from_utf8(value).ok().and_then(regular));
            texts.map(std::borrow::Cow::into_owned).collect::<Vec<String>>()
        };
        self.route.of(&raw.slots.iter().map(texts).collect::<Vec<_>>(), &dn_key)
    }
}

impl Entries {
    /// The records of a page, each with what its entry names.
    pub(in crate::ldap) fn routed(&self, page: &[Chunk], records: Vec<Record>) -> Vec<Routed> {
        let raw = page.iter().flat_map(Chunk::entries);
        let to = raw.map(|entry| self.routes.as_ref().map(|routes| routes.of(entry)).unwrap_or_default());
        records.into_iter().zip(to).map(|(record, to)| Routed { record, to }).collect()
    }
}

impl Selection {
    /// With more attributes, behind those whose place counts.
    pub(super) fn with(mut self, names: &[String]) -> Self {
        for name in names {
            if !self.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.names.push(name.clone());
            }
        }
        self
    }
}
