//! Text brought down to plain letters: for the names of columns, for comparison, and for login names that are built. Knows no source.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest login name that is built, in characters; a number may follow it.
const LOGIN_CHARS_MAX: usize = 64;

/// Letters without accents, in lower case, ligatures apart.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match letter {
            'œ' => out.push_str("oe"),
            'æ' => out.push_str("ae"),
            'ß' => out.push_str("ss"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' => out.push('d'),
            'ı' => out.push('i'),
            '’' => out.push('\''),
            other => out.push(other),
        }
    }
    out
}

/// A column's title as a name: `Date de naissance` and `DATE_DE_NAISSANCE` are one. Empty when nothing of it is a letter or a digit.
pub(crate) fn column(title: &str) -> String {
    /// What a mapping accepts as a name.
    const NAME_BYTES_MAX: usize = 64;
    let mut out = String::new();
    for letter in plain(title).chars() {
        if letter.is_ascii_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    out.truncate(NAME_BYTES_MAX);
    out.trim_end_matches('_').to_owned()
}

/// A login name out of a text: plain letters, digits, `.`, `-` and `_`; spaces become `-`. `None` when nothing is left.
pub(crate) fn login(text: &str) -> Option<String> {
    let mut out = String::new();
    for letter in plain(text).chars().take(LOGIN_CHARS_MAX) {
        let kept = match letter {
            'a'..='z' | '0'..='9' => letter,
            '.' | '-' | '_' if !out.is_empty() && !out.ends_with(['.', '-', '_']) => letter,
            letter if letter.is_whitespace() && !out.is_empty() && !out.ends_with(['.', '-', '_']) => '-',
            _ => continue,
        };
        // `Jean -. Dupont`: the point between two names says more than a dash.
        if kept == '.' && out.ends_with('-') {
            out.pop();
        }
        out.push(kept);
    }
    let name = out.trim_end_matches(['.', '-', '_']);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{column, login, plain};

    #[test]
    fn titles_are_one_with_and_without_accents_spaces_and_points() {
        assert_eq!(["Prénom", "PRENOM", " prénom ", "Prénom :"].map(column), ["prenom"; 4]);
        assert_eq!(["Date naiss.", "N° Sconet", "Id. ENT", "Né(e) le"].map(column), ["date_naiss", "n_sconet", "id_ent", "ne_e_le"]);
        assert_eq!(column(" — "), "");
    }

    #[test]
    fn login_names_are_plain() {
        assert_eq!(login("Zoë.Lefèvre d’Œuvrard").as_deref(), Some("zoe.lefevre-doeuvrard"));
        assert_eq!(login("Jean-Pierre.DE LA  FONTAINE").as_deref(), Some("jean-pierre.de-la-fontaine"));
        assert_eq!(login(" .-"), None);
        assert_eq!(login("李.小龍"), None);
        assert_eq!(plain("Straße ŁÓDŹ"), "strasse lodz");
    }
}
