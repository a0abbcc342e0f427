//! The vocabulary: newtypes with one checked constructor each. No I/O.

pub mod cron;
pub mod email;
pub mod id;
pub mod leaving;
pub mod locale;
pub mod mailbox;
pub mod matching;
pub mod merge_patch;
pub mod network;
pub mod nul;
pub mod oauth_scope;
pub mod page;
pub mod permission;
pub mod schedule;
pub mod secret;
pub mod slug;
pub mod time;
pub mod uai;
pub mod username;
pub mod wording;
pub mod year_day;

use std::fmt;

/// A value that does not fit its type: which field, and what would fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    /// The field's name as the caller wrote it.
    pub field: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl Invalid {
    /// An error for one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Folds text for comparison and search: NFKD without accents, lower case.
///
/// The folding is done here and not in SQL, because SQLite's `lower()` knows ASCII only.
pub fn fold(raw: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let plain = raw.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(raw.len());
    for c in plain {
        match c {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ß' => folded.push_str("ss"),
            '’' => folded.push('\''),
            other => folded.push(other),
        }
    }
    folded
}

/// Folds a key that must stay exact but for letter case and Unicode form (user names, role and group names).
pub fn fold_case(raw: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    raw.nfkc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_ignores_accents_case_and_ligatures() {
        assert_eq!(fold("Œuvrard-LEFÈVRE"), "oeuvrard-lefevre");
        assert_eq!(fold("Łukasiewicz Sørensen"), "lukasiewicz sorensen");
    }

    #[test]
    fn keys_keep_their_accents() {
        assert_eq!(fold_case("Élodie"), "élodie");
    }
}
