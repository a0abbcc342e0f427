//! What a reading asks for (RFC 7644 §3.4.2, §3.9; RFC 9865): in the address, or in the body of a search. Filters and names of attributes are
//! not looked at here. Parameters that SCIM does not know are passed over: identity providers have flags of their own.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use super::answer::Refusal;
use crate::services::scim::error::ScimError;
use crate::services::scim::projection::Projection;
use crate::services::scim::schema::Kind;

/// The schema of a search (RFC 7644 §3.4.3).
const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Most parameters of an address that are looked at.
const PARAMETERS_MAX: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Only these attributes, besides those of every answer.
    pub(super) attributes: Vec<String>,
    /// All but these.
    pub(super) excluded: Vec<String>,
    /// The filter.
    pub(super) filter: Option<String>,
    /// The attribute that orders.
    pub(super) sort_by: Option<String>,
    /// In which direction.
    pub(super) sort_order: Option<String>,
    /// The first result, from 1.
    pub(super) start_index: Option<i64>,
    /// Results of a page.
    pub(super) count: Option<i64>,
    /// Where the page starts; empty for the first of those that are read with cursors.
    pub(super) cursor: Option<String>,
}

impl Wanted {
    /// From the address.
    pub(super) fn of_address(query: &str) -> Result<Self, ScimError> {
        let parameters = || url::form_urlencoded::parse(query.as_bytes()).enumerate();
        let by_cursor = parameters().take(PARAMETERS_MAX).any(|(_, (name, _))| name.eq_ignore_ascii_case("cursor"));
        let mut wanted = Self::default();
        for (at, (name, text)) in parameters() {
            // What is not looked at might be the filter: everyone would be taken for those who were asked for.
            if at == PARAMETERS_MAX {
                return Err(ScimError::invalid_value(format!("an address has {PARAMETERS_MAX} parameters at most")));
            }
            wanted.take(&name, &text).map_err(|refused| sized(refused, &name, by_cursor))?;
        }
        Ok(wanted)
    }

    /// What an answer shows of a resource. Names that a kind of resource does not have are passed over.
    pub(super) fn projection(&self, kind: Kind) -> Projection {
        Projection::of_lists(kind, &self.attributes, &self.excluded)
    }

    /// A parameter, whatever the letter case of its name.
    fn take(&mut self, name: &str, text: &str) -> Result<(), ScimError> {
        let given = Some(text.to_owned()).filter(|text| !text.is_empty());
        match name.to_ascii_lowercase().as_str() {
            "attributes" => self.attributes.extend(names(text)),
            "excludedattributes" => self.excluded.extend(names(text)),
            "filter" => put(&mut self.filter, name, given)?,
            "sortby" => put(&mut self.sort_by, name, given)?,
            "sortorder" => put(&mut self.sort_order, name, given)?,
            "startindex" => put(&mut self.start_index, name, Some(number(name, text)?))?,
            "count" => put(&mut self.count, name, Some(number(name, text)?))?,
            "cursor" => put(&mut self.cursor, name, Some(text.to_owned()))?,
            _ => {}
        }
        Ok(())
    }

    /// From the body of a search.
    pub(super) fn of_search(body: &Map<String, Value>) -> Result<Self, ScimError> {
        let is_search = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_URN));
        if !field(body, "schemas").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_search)) {
            return Err(ScimError::invalid_syntax(format!("schemas has to name {SEARCH_URN}")));
        }
        let mut wanted = Self { attributes: listed(body, "attributes")?, excluded: listed(body, "excludedAttributes")?, ..Self::default() };
        for name in ["filter", "sortBy", "sortOrder", "cursor"] {
            match field(body, name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => wanted.take(name, text)?,
                Some(_) => return Err(ScimError::invalid_value(format!("{name} is a text"))),
            }
        }
        for name in ["startIndex", "count"] {
            match field(body, name) {
                None | Some(Value::Null) => {}
                Some(value) => {
                    let by_cursor = wanted.cursor.is_some();
                    wanted.take(name, &value.to_string()).map_err(|refused| sized(refused, name, by_cursor))?;
                }
            }
        }
        Ok(wanted)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(Self::of_address(parts.uri.query().unwrap_or_default())?)
    }
}

fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Of two, nobody knows which one is meant.
fn put<T>(place: &mut Option<T>, name: &str, given: Option<T>) -> Result<(), ScimError> {
    if place.is_some() {
        return Err(ScimError::invalid_value(format!("{name} stands there twice: send it once")));
    }
    *place = given;
    Ok(())
}

/// The size of a page that is none has a word of its own where there are cursors (RFC 9865 §2.3).
fn sized(refused: ScimError, name: &str, by_cursor: bool) -> ScimError {
    if by_cursor && name.eq_ignore_ascii_case("count") { ScimError::invalid_count(refused.detail) } else { refused }
}

fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A list of names; some send one text with commas, as in an address.
fn listed(body: &Map<String, Value>, name: &str) -> Result<Vec<String>, ScimError> {
    let wrong = || ScimError::invalid_value(format!("{name} is a list of names"));
    match field(body, name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(names(text).collect()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        Some(_) => Err(wrong()),
    }
}

fn number(name: &str, text: &str) -> Result<i64, ScimError> {
    text.trim().parse().map_err(|_| ScimError::invalid_value(format!("{name} is a whole number")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scim::error::ScimType;

    #[test]
    fn an_address_says_what_it_says_and_other_flags_are_passed_over() {
        let wanted = Wanted::of_address(
            "attributes=userName,%20emails.value&excludedAttributes=members&filter=userName+eq+%22%C3%89lodie%22&sortBy=userName\
             &sortOrder=descending&startIndex=-3&count=10&aadOptscim062020&cursor=",
        );
        let expected = Wanted {
            attributes: vec!["userName".into(), "emails.value".into()],
            excluded: vec!["members".into()],
            filter: Some("userName eq \"Élodie\"".into()),
            sort_by: Some("userName".into()),
            sort_order: Some("descending".into()),
            start_index: Some(-3),
            count: Some(10),
            cursor: Some(String::new()),
        };
        assert_eq!(wanted, Ok(expected));
        assert_eq!(Wanted::of_address(""), Ok(Wanted::default()));
        assert_eq!(Wanted::of_address("FILTER=a&sortby=b"), Wanted::of_address("filter=a&sortBy=b"));
        let many = format!("{}filter=a", "x&".repeat(PARAMETERS_MAX));
        for wrong in ["count=x", "startIndex=1.5", "count=99999999999999999999", "filter=a&filter=b", "count=1&Count=2", many.as_str()] {
            assert_eq!(Wanted::of_address(wrong).map_err(|refused| refused.scim_type), Err(Some(ScimType::InvalidValue)), "{wrong}");
        }
        for wrong in ["count=x&cursor=", "cursor=abc&count=99999999999999999999"] {
            assert_eq!(Wanted::of_address(wrong).map_err(|refused| refused.scim_type), Err(Some(ScimType::InvalidCount)), "{wrong}");
        }
    }

    #[test]
    fn a_search_says_the_same_in_its_body() {
        let search = |body: Value| body.as_object().map_or(Err(0), |body| Wanted::of_search(body).map_err(|refused| refused.status));
        let body = json!({ "schemas": [SEARCH_URN], "attributes": ["userName"], "filter": "active eq true", "startIndex": 2, "count": 0 });
        let expected = Wanted {
            attributes: vec!["userName".into()],
            filter: Some("active eq true".into()),
            start_index: Some(2),
            count: Some(0),
            ..Wanted::default()
        };
        assert_eq!(search(body), Ok(expected));
        for wrong in [
            json!({}),
            json!({ "schemas": ["urn:other"] }),
            json!({ "schemas": [SEARCH_URN], "filter": 3 }),
            json!({ "schemas": [SEARCH_URN], "count": [] }),
            json!({ "schemas": [SEARCH_URN], "attributes": { "a": 1 } }),
        ] {
            assert_eq!(search(wrong.clone()), Err(400), "{wrong}");
        }
    }
}
