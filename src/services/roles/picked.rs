//! Reading those attributes of a person that rules look at, and passing over the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// The attributes of some names in the text they are kept as.
///
/// # Errors
/// When it is not what the store writes.
pub fn picked(text: &str, names: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>, serde_json::Error> {
    Picked(names).deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// Reads some members of an object, and passes over the others.
struct Picked<'a>(&'a BTreeSet<String>);

impl<'de> DeserializeSeed<'de> for Picked<'_> {
    type Value = BTreeMap<String, Vec<String>>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Picked<'_> {
    type Value = BTreeMap<String, Vec<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut picked = BTreeMap::new();
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            if self.0.contains(&*name) {
                picked.insert(name.into_owned(), members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(picked)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn wanted_attributes_are_read_and_others_passed_over() {
        let text = r#"{"a": ["1"], "nom \"propre\"": ["é", "\u00e8"], "b": {"deep": [1, {}]}, "c": []}"#;
        let names = BTreeSet::from(["nom \"propre\"".to_owned(), "c".to_owned(), "absent".to_owned()]);
        let read = picked(text, &names).unwrap();
        let expected = [("c".to_owned(), vec![]), ("nom \"propre\"".to_owned(), vec!["é".to_owned(), "è".to_owned()])];
        assert_eq!(read.into_iter().collect::<Vec<_>>(), expected);
        assert!(picked("[]", &names).is_err());
    }
}
