//! Request parameters as they came, from a query or a form. It knows which names came twice and nothing of what they mean.

use std::collections::BTreeMap;

/// Most parameters read from one request; further ones count as a repetition, which is an error everywhere.
const PARAMETERS_MAX: usize = 100;
/// The one name that may come several times (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The parameters of one request (RFC 6749 §3.1): each name once, empty values as if they had not been sent.
#[derive(Clone, Default)]
pub struct Parameters {
    values: BTreeMap<String, String>,
    repeated: Vec<String>,
}

impl Parameters {
    /// Takes decoded pairs. A NUL character, which no text of ours holds and PostgreSQL does not take, becomes U+FFFD: it matches nothing.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut read = Self::default();
        for (name, value) in pairs {
            let (name, value): (String, String) = (name.into(), value.into());
            let value = if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value };
            if read.values.len() >= PARAMETERS_MAX {
                read.repeated.push("too many parameters".to_owned());
                break;
            }
            if read.values.contains_key(&name) && name != REPEATABLE {
                read.repeated.push(name);
            } else {
                read.values.insert(name, value);
            }
        }
        read
    }

    /// Decodes a query or an `application/x-www-form-urlencoded` body.
    pub fn decode(raw: &str) -> Self {
        Self::new(url::form_urlencoded::parse(raw.as_bytes()))
    }

    /// A parameter's value, unless it is absent or empty (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter's value, unless it came more than once: for deciding where an error about repetition goes.
    pub fn get_unambiguous(&self, name: &str) -> Option<&str> {
        if self.repeated.iter().any(|n| n == name) { None } else { self.get(name) }
    }

    /// The first name that came more than once (RFC 6749 §3.1 forbids it).
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.first().map(String::as_str)
    }
}

impl std::fmt::Debug for Parameters {
    /// Names only: values may be codes, tokens and secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_count_as_absent_and_repetition_is_told() {
        let read = Parameters::decode("a=1&b=&a=2&resource=x&resource=y&c=%C3%A9+t");
        assert_eq!((read.get("a"), read.get("b"), read.get("c")), (Some("1"), None, Some("é t")));
        assert_eq!((read.repeated(), read.get_unambiguous("a"), read.get_unambiguous("c")), (Some("a"), None, Some("é t")));
    }

    #[test]
    fn a_nul_character_becomes_one_that_matches_nothing() {
        assert_eq!(Parameters::decode("username=a%00b").get("username"), Some("a\u{fffd}b"));
    }

    #[test]
    fn a_flood_of_parameters_is_refused_and_values_stay_out_of_debug() {
        let flood = Parameters::new((0..200).map(|i| (format!("p{i}"), "secret")));
        assert!(flood.repeated().is_some());
        assert!(!format!("{flood:?}").contains("secret"));
    }
}
