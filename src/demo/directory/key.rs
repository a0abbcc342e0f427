//! Where an entry stands in the tree: its normalised name from the root down, so that a subtree is one range of an ordered map.

pub(super) use connectors::dn::pieces;
use connectors::dn::{DnError, normalise};

/// The relative names from the root down, normalised. The empty key is above every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// Reads a distinguished name (RFC 4514); the empty name is the root.
    pub(super) fn parse(dn: &str) -> Result<Self, DnError> {
        if dn.trim().is_empty() {
            return Ok(Self::default());
        }
        let normalised = normalise(dn)?;
        let mut names = split(&normalised);
        names.reverse();
        Ok(Self(names))
    }

    /// Whether this is `above` or stands below it.
    pub(super) fn is_within(&self, above: &Self) -> bool {
        self.0.starts_with(&above.0)
    }

    /// Whether this stands directly below `above`.
    pub(super) fn is_child_of(&self, above: &Self) -> bool {
        self.0.len() == above.0.len() + 1 && self.is_within(above)
    }

    /// The key one step up; nothing above the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// The longest key that both stand within.
    pub(super) fn common(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).take_while(|(a, b)| a == b).map(|(a, _)| a.clone()).collect())
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The relative names, from the root down.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }

    /// The normalised distinguished name.
    pub(super) fn to_dn(&self) -> String {
        self.0.iter().rev().map(String::as_str).collect::<Vec<_>>().join(",")
    }
}

/// The relative names of a distinguished name, the entry's own first; an escaped comma does not separate.
fn split(dn: &str) -> Vec<String> {
    pieces(dn, ',')
}

/// The distinguished name above this one as written, for an entry that is moved or renamed; empty at the top.
pub(super) fn written_parent(dn: &str) -> String {
    pieces(dn, ',').split_first().map(|(_, above)| above.join(",")).unwrap_or_default()
}
