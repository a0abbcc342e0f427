//! In what order resources are listed (RFC 7644 §3.4.2.3): by the primary or first value of an attribute.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::error::ScimError;
use super::evaluate::{elements, part};
use super::resource::excerpt;
use super::resource_value::is_primary;
use super::schema::{AttrRef, Kind, Named, Type, resolve};
use super::values::compared;

/// An order of resources. Those without a value come last; first, when descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What they are ordered by: never a complex attribute.
    pub attr: AttrRef,
    /// Whether the order is turned round.
    pub descending: bool,
}

/// Reads `sortBy` and `sortOrder`.
///
/// # Errors
/// `invalidValue` when there is no such attribute or order, or when the attribute has no order.
pub fn parse(kind: Kind, sort_by: &str, sort_order: Option<&str>) -> Result<Sort, ScimError> {
    let descending = match sort_order {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("ascending") => false,
        Some(order) if order.eq_ignore_ascii_case("descending") => true,
        Some(_) => return Err(ScimError::invalid_value("sortOrder: ascending or descending")),
    };
    let Some(Named::Attribute(named)) = resolve(kind, sort_by.trim()) else {
        return Err(ScimError::invalid_value(format!("sortBy: a {kind} has no attribute «{}»", excerpt(sort_by))));
    };
    let attr = match (named.leaf().typ, named.attribute.sub("value")) {
        (Type::Complex, Some(value)) if named.sub.is_none() => named.part(value),
        _ => named,
    };
    if matches!(attr.leaf().typ, Type::Complex | Type::Binary) {
        return Err(ScimError::invalid_value(format!("sortBy: {attr} has no order")));
    }
    Ok(Sort { attr, descending })
}

impl Sort {
    /// How two resources stand to each other.
    pub fn compare(&self, one: &Map<String, Value>, other: &Map<String, Value>) -> Ordering {
        let ascending = match (self.key(one), self.key(other)) {
            (Some(one), Some(other)) => one.cmp(&other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        if self.descending { ascending.reverse() } else { ascending }
    }

    fn key(&self, resource: &Map<String, Value>) -> Option<(Option<i64>, Option<String>)> {
        let values = elements(self.attr, resource);
        let leading = values.iter().find(|value| is_primary(value)).or(values.first())?;
        let (text, number) = compared(self.attr.leaf(), part(self.attr, leading)?);
        Some((number, text))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(by: &str, order: Option<&str>, users: &[Value]) -> Vec<usize> {
        let sort = parse(Kind::User, by, order).unwrap();
        let mut places: Vec<usize> = (0..users.len()).collect();
        places.sort_by(|a, b| sort.compare(users[*a].as_object().unwrap(), users[*b].as_object().unwrap()));
        places
    }

    #[test]
    fn letter_case_does_not_matter_and_what_is_absent_comes_last() {
        let users = [json!({"userName": "b"}), json!({}), json!({"userName": "A"}), json!({"userName": "É"})];
        assert_eq!(sorted("username", None, &users), [2, 0, 3, 1]);
        assert_eq!(sorted("username", Some("Descending"), &users), [1, 3, 0, 2]);
    }

    #[test]
    fn of_a_list_the_primary_value_counts() {
        let users =
            [json!({"emails": [{"value": "a"}, {"value": "z", "primary": true}]}), json!({"emails": [{"value": "m"}, {"value": "b"}]})];
        assert_eq!(sorted("emails", None, &users), [1, 0]);
        assert_eq!(sorted("emails.value", None, &users), [1, 0]);
    }

    #[test]
    fn what_has_no_order_is_refused() {
        for by in ["name", "addresses", "x509Certificates", "nope", ""] {
            assert!(parse(Kind::User, by, None).is_err(), "{by}");
        }
        assert!(parse(Kind::User, "userName", Some("up")).is_err());
        assert!(parse(Kind::User, "meta.lastModified", None).is_ok());
    }
}
