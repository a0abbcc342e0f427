//! A resource as rows that a store can search: one for each value, and one for each value of a list that has parts. Whether a filter holds is the same over the rows as over the
//! resource.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::evaluate::{elements, part};
use super::filter::instant_ms;
use super::resource_value::is_primary;
use super::schema::{AttrRef, Attribute, COMMON, Kind, Type};
use crate::types::fold_case;

/// Longest beginning of a text that an index holds, in characters.
const HEAD_MAX_CHARS: usize = 64;

/// One value of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedValue {
    /// [`AttrRef::key`] of the attribute.
    pub attribute: String,
    /// Which value of the list it is, or is part of; 0 where there is no list.
    pub element: i32,
    /// Whether it is of the value that sorting goes by: the primary one, or else the first.
    pub leading: bool,
    /// The text in the form that is compared; none for a value with parts, and for bytes.
    pub text: Option<String>,
    /// 0 or 1, or milliseconds since 1970.
    pub number: Option<i64>,
}

/// The rows of a canonical resource. What is the gateway's own (`id`, `meta`, `groups`, `assignments`), the members of a group and `schemas` are not among them: a store knows those
/// by other means, see [`is_indexed`].
pub fn index(kind: Kind, resource: &Map<String, Value>) -> Vec<IndexedValue> {
    let common = COMMON.iter().map(|attribute| AttrRef { extension: None, attribute, sub: None });
    let own = kind.core().attributes.iter().map(|attribute| AttrRef { extension: None, attribute, sub: None });
    let extended = kind
        .extensions()
        .iter()
        .filter(|schema| resource.contains_key(schema.urn))
        .flat_map(|schema| schema.attributes.iter().map(move |attribute| AttrRef { extension: Some(schema), attribute, sub: None }));
    let mut rows = Vec::new();
    for attr in common.chain(own).chain(extended).filter(is_indexed) {
        list(attr, elements(attr, resource), &mut rows);
    }
    rows
}

/// Whether the values of an attribute are rows of [`index`].
pub fn is_indexed(attr: &AttrRef) -> bool {
    !attr.attribute.is_read_only() && !matches!(attr.attribute.name, "schemas" | "members")
}

/// The form in which a text of this attribute is compared: folded, unless letter case matters. Texts are ordered by their code points, whatever the language.
pub fn comparable(attribute: &Attribute, text: &str) -> String {
    if attribute.case_exact { text.nfc().collect() } else { fold_case(text) }
}

/// The beginning of a comparable text: short enough for the index of any store. Two texts are the same only if their beginnings are.
pub fn head(comparable: &str) -> &str {
    comparable.char_indices().nth(HEAD_MAX_CHARS).and_then(|(end, _)| comparable.get(..end)).unwrap_or(comparable)
}

/// The comparable form of a single value: as text or as number.
pub(super) fn compared(leaf: &Attribute, value: &Value) -> (Option<String>, Option<i64>) {
    match (leaf.typ, value) {
        (Type::Boolean, Value::Bool(yes)) => (None, Some(i64::from(*yes))),
        (Type::DateTime, Value::String(text)) => (None, instant_ms(text)),
        (Type::String | Type::Reference, Value::String(text)) => (Some(comparable(leaf, text)), None),
        _ => (None, None),
    }
}

fn list(attr: AttrRef, values: &[Value], rows: &mut Vec<IndexedValue>) {
    let leading = values.iter().position(is_primary).unwrap_or(0);
    for (at, value) in values.iter().enumerate() {
        let element = i32::try_from(at).unwrap_or(i32::MAX);
        let mut row = |attr: AttrRef, value: &Value| {
            let (text, number) = compared(attr.leaf(), value);
            rows.push(IndexedValue { attribute: attr.key(), element, leading: at == leading, text, number });
        };
        row(attr, value);
        for sub in attr.attribute.subs {
            if let Some(inner) = part(attr.part(sub), value) {
                row(attr.part(sub), inner);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scim::schema::{ENTERPRISE_URN, PASSERELLE_URN};

    fn row(attribute: &str, element: i32, leading: bool, text: Option<&str>, number: Option<i64>) -> IndexedValue {
        IndexedValue { attribute: attribute.to_owned(), element, leading, text: text.map(ToOwned::to_owned), number }
    }

    #[test]
    fn every_value_is_a_row_and_so_is_every_value_with_parts() {
        let user = json!({
            "schemas": ["x"], "id": "7", "externalId": "École-Jean", "userName": "ÉLODIE", "active": true, "groups": [{"value": "g"}],
            "emails": [{"value": "a@b.fr"}, {"value": "C@d.fr", "primary": true}],
            ENTERPRISE_URN: {"department": "Chimie"}, PASSERELLE_URN: {"units": ["GEA"]}
        });
        let rows = index(Kind::User, user.as_object().unwrap());
        assert_eq!(
            rows,
            [
                row("externalid", 0, true, Some("École-Jean"), None),
                row("username", 0, true, Some("élodie"), None),
                row("active", 0, true, None, Some(1)),
                row("emails", 0, false, None, None),
                row("emails.value", 0, false, Some("a@b.fr"), None),
                row("emails", 1, true, None, None),
                row("emails.value", 1, true, Some("c@d.fr"), None),
                row("emails.primary", 1, true, None, Some(1)),
                row("e:department", 0, true, Some("chimie"), None),
                row("p:units", 0, true, Some("gea"), None),
            ]
        );
    }

    #[test]
    fn the_beginning_of_a_text_is_cut_between_characters() {
        assert_eq!(head("élodie"), "élodie");
        assert_eq!(head(&"é".repeat(100)), "é".repeat(64));
    }
}
