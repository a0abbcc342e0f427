//! OAuth scopes: a set of names, written with spaces between (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

/// Most scope names in one request.
const NAMES_MAX: usize = 50;

/// A set of scope names. Order and repetition carry no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OauthScope(BTreeSet<String>);

impl OauthScope {
    /// Reads a space-separated list; names with characters RFC 6749 forbids are left out, and so is what passes the 50th name.
    pub fn parse(raw: &str) -> Self {
        let fits = |n: &&str| !n.is_empty() && n.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        Self(raw.split(' ').filter(fits).take(NAMES_MAX).map(str::to_owned).collect())
    }

    /// Whether a name is in the set.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// What both sets hold.
    #[must_use]
    pub fn intersection(&self, allowed: &Self) -> Self {
        Self(self.0.intersection(&allowed.0).cloned().collect())
    }

    /// What either set holds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Whether every name of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for OauthScope {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for OauthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
