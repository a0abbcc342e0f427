//! Words of the contract in the reader's language, for tables. Scripts read the words themselves.

use crate::i18n;
use crate::types::locale::Locale;

/// Words that tables show, and their texts.
const TEXTS: [(&str, &str); 32] = [
    ("missing", "word-missing"),
    ("unknown", "word-unknown"),
    ("differs", "word-differs"),
    ("marked", "word-marked"),
    ("waiting", "word-waiting"),
    ("held", "word-held"),
    ("done", "word-done"),
    ("failed", "word-failed"),
    ("given_up", "word-given-up"),
    ("create", "word-create"),
    ("update", "word-update"),
    ("deactivate", "word-deactivate"),
    ("delete", "word-delete"),
    ("rename", "word-rename"),
    ("remove_members", "word-remove-members"),
    ("user", "word-user"),
    ("group", "word-group"),
    ("guard", "word-guard"),
    ("taken", "word-taken"),
    ("asked", "word-asked"),
    ("open", "word-open"),
    ("approved", "word-approved"),
    ("refused", "word-refused"),
    ("accepted", "word-accepted"),
    ("rejected", "word-rejected"),
    ("active", "word-active"),
    ("pending", "word-pending"),
    ("disabled", "word-disabled"),
    ("rule", "word-rule"),
    ("manual", "word-manual"),
    ("true", "word-yes"),
    ("false", "word-no"),
];

/// A word as people read it; a word that no table knows stays as it is.
pub fn told(locale: Locale, word: &str) -> String {
    let known = TEXTS.iter().find(|(known, _)| *known == word);
    known.map_or_else(|| word.to_owned(), |(_, key)| i18n::text(locale, key))
}
