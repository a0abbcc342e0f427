//! JSON in which no object names a member twice. What that would mean is left open (RFC 8259 §4), so that whoever stands before the gateway may read another
//! request than the gateway does. It knows no SCIM.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Longest name shown, in characters.
const SHOWN_MAX: usize = 80;

/// Reads one value; nothing may follow it. The depth is bounded by serde_json.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn read(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Once.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A value in which every name stands once.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if all.contains_key(&name) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
                return Err(A::Error::custom(format_args!("the name «{shown}» stands twice in one object")));
            }
            let value = members.next_value_seed(Self)?;
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_serde_json_reads() {
        let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
        let texts = [
            "{}",
            "[1, -2, 3.5, 1e300, true, null, \"\\u00c9\\ud83c\\udfeb\"]",
            "{\"a\": {\"a\": []}, \"b\": [{\"a\": 1}, {\"a\": 1}]}",
            deep.as_str(),
        ];
        for text in texts {
            assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
        let deeper = "[".repeat(200);
        for wrong in ["", "{", "[1,]", "\"\\ud800\"", "{} x", "01", "1e999", "\u{feff}{}", deeper.as_str()] {
            assert!(read(wrong.as_bytes()).is_err() && serde_json::from_str::<Value>(wrong).is_err(), "{wrong}");
        }
        assert!(read(b"\"\xff\"").is_err());
    }

    #[test]
    fn a_name_stands_once_in_an_object() {
        for twice in ["{\"a\": 1, \"a\": 1}", "{\"x\": [{\"a\": 1, \"b\": 2, \"\\u0061\": 3}]}"] {
            let told = read(twice.as_bytes()).unwrap_err();
            assert!(told.is_data() && told.to_string().contains("«a» stands twice"), "{told}");
        }
    }
}
