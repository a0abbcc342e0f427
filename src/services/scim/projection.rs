//! Which attributes of a resource an answer has (RFC 7644 §3.9): those asked for, without those left out, by the rules of the table.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema::{Attribute, COMMON, Kind, Named, Returned, Schema, resolve};

/// Longest list of names that is read, in bytes.
const LENGTH_MAX_BYTES: usize = 16_384;

/// What a client wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    /// Attributes asked for, by key; none when all are wanted that are shown by default.
    wanted: Option<Names>,
    /// Attributes left out.
    excluded: Names,
}

/// Keys of attributes, each with the parts that are meant; all of it, where there are none.
type Names = BTreeMap<String, Vec<&'static str>>;

impl Projection {
    /// Reads the parameters `attributes` and `excludedAttributes`, lists of names between commas. Names that there are not are passed over.
    pub fn parse(kind: Kind, attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let given = |list: &&str| !list.trim().is_empty();
        Self {
            wanted: attributes.filter(given).map(|list| names(kind, split(list))),
            excluded: excluded.filter(given).map(|list| names(kind, split(list))).unwrap_or_default(),
        }
    }

    /// The same out of the lists of a search request (RFC 7644 §3.4.3).
    pub fn of_lists(kind: Kind, attributes: &[String], excluded: &[String]) -> Self {
        Self::parse(kind, Some(&attributes.join(",")), Some(&excluded.join(",")))
    }

    /// Whether an answer shows anything of an attribute, or of a part of one, so that a store need not read what is not shown. By its path, as `members`.
    pub fn shows(&self, kind: Kind, path: &str) -> bool {
        match resolve(kind, path) {
            Some(Named::Attribute(named)) => {
                let parts = self.of(&named.whole().key(), named.attribute);
                parts.is_some_and(|parts| named.sub.is_none_or(|sub| parts.show(sub)))
            }
            _ => false,
        }
    }

    /// What an answer shows of a resource.
    pub fn apply(&self, kind: Kind, resource: &Map<String, Value>) -> Map<String, Value> {
        let mut shown = Map::new();
        for attribute in COMMON.iter().chain(kind.core().attributes) {
            self.place(attribute, "", resource, &mut shown);
        }
        for schema in kind.extensions() {
            let Some(Value::Object(inner)) = resource.get(schema.urn) else { continue };
            let mut within = Map::new();
            for attribute in schema.attributes {
                self.place(attribute, schema.code, inner, &mut within);
            }
            if !within.is_empty() {
                shown.insert(schema.urn.to_owned(), Value::Object(within));
            }
        }
        shown
    }

    fn place(&self, attribute: &'static Attribute, code: &str, from: &Map<String, Value>, into: &mut Map<String, Value>) {
        let Some(value) = from.get(attribute.name).filter(|value| !value.is_null()) else { return };
        let key = format!("{code}{}", attribute.name).to_ascii_lowercase();
        let Some(parts) = self.of(&key, attribute) else { return };
        let value = match value {
            Value::Array(items) if attribute.is_complex() => {
                let items: Vec<Value> = items.iter().filter_map(|item| parts.of(attribute, item)).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            one => parts.of(attribute, one),
        };
        if let Some(value) = value {
            into.insert(attribute.name.to_owned(), value);
        }
    }

    /// Which parts of an attribute are shown; none when it is not shown at all.
    fn of(&self, key: &str, attribute: &'static Attribute) -> Option<Parts> {
        let everything = Parts { only: Vec::new(), without: Vec::new() };
        let wanted = match (&self.wanted, attribute.returned) {
            (_, Returned::Always) => return Some(everything),
            (None, Returned::Request) => return None,
            (None, Returned::Default) => everything,
            (Some(wanted), _) => Parts { only: wanted.get(key)?.clone(), without: Vec::new() },
        };
        match self.excluded.get(key) {
            None => Some(wanted),
            Some(whole) if whole.is_empty() => None,
            Some(parts) => Some(Parts { without: parts.clone(), ..wanted }),
        }
    }
}

struct Parts {
    /// All, when empty.
    only: Vec<&'static str>,
    without: Vec<&'static str>,
}

impl Parts {
    fn of(&self, attribute: &Attribute, value: &Value) -> Option<Value> {
        let Value::Object(parts) = value else { return Some(value.clone()) };
        let shown = |name: &String| match attribute.sub(name) {
            Some(sub) => self.show(sub),
            None => self.usual(name, Returned::Default),
        };
        let parts: Map<String, Value> = parts
            .iter()
            .filter(|(name, value)| shown(name) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        (!parts.is_empty()).then_some(Value::Object(parts))
    }

    fn show(&self, sub: &Attribute) -> bool {
        sub.returned == Returned::Always || self.usual(sub.name, sub.returned)
    }

    fn usual(&self, name: &str, returned: Returned) -> bool {
        let listed = |names: &[&str]| names.contains(&name);
        ((self.only.is_empty() && returned != Returned::Request) || listed(&self.only)) && !listed(&self.without)
    }
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    let list = list.get(..LENGTH_MAX_BYTES).unwrap_or(list);
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn names<'a>(kind: Kind, list: impl Iterator<Item = &'a str>) -> Names {
    let mut names = Names::new();
    for name in list {
        match resolve(kind, name) {
            Some(Named::Schema(schema)) => names.extend(all_of(schema)),
            Some(Named::Attribute(attr)) => {
                let key = attr.whole().key();
                match (attr.sub, names.get_mut(&key)) {
                    (None, _) => drop(names.insert(key, Vec::new())),
                    (Some(sub), None) => drop(names.insert(key, vec![sub.name])),
                    // All of it is meant already.
                    (Some(_), Some(parts)) if parts.is_empty() => {}
                    (Some(sub), Some(parts)) => parts.push(sub.name),
                }
            }
            None => {}
        }
    }
    names
}

fn all_of(schema: &'static Schema) -> impl Iterator<Item = (String, Vec<&'static str>)> {
    schema.attributes.iter().map(|attribute| (format!("{}{}", schema.code, attribute.name).to_ascii_lowercase(), Vec::new()))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scim::schema::{ENTERPRISE_URN, PASSERELLE_URN, USER_URN};

    fn elodie() -> Value {
        json!({
            "schemas": [USER_URN], "id": "7", "userName": "elodie", "displayName": "Élodie", "nickName": null,
            "name": {"familyName": "Lefèvre", "givenName": "Élodie"},
            "emails": [{"value": "a@b.fr", "type": "work"}, {"value": "c@d.fr", "primary": true}],
            "meta": {"resourceType": "User", "version": "W/\"1\""},
            ENTERPRISE_URN: {"department": "Chimie", "manager": {"value": "8", "displayName": "Jean"}}, PASSERELLE_URN: {"units": ["GEA"]}
        })
    }

    fn shown(attributes: Option<&str>, excluded: Option<&str>) -> Value {
        Value::Object(Projection::parse(Kind::User, attributes, excluded).apply(Kind::User, elodie().as_object().unwrap()))
    }

    #[test]
    fn everything_is_shown_by_default_but_what_is_null() {
        let mut all = elodie();
        all.as_object_mut().unwrap().remove("nickName");
        assert_eq!(shown(None, None), all);
        assert_eq!(shown(Some(""), Some(" ")), all);
    }

    #[test]
    fn what_is_asked_for_comes_with_what_always_comes() {
        assert_eq!(
            shown(Some("USERNAME, emails.value,name.givenName,nope"), None),
            json!({
                "schemas": [USER_URN], "id": "7", "userName": "elodie", "name": {"givenName": "Élodie"},
                "emails": [{"value": "a@b.fr"}, {"value": "c@d.fr"}]
            })
        );
        assert_eq!(shown(Some("emails.type"), None)["emails"], json!([{"type": "work"}]));
        assert_eq!(shown(Some("nope"), None), json!({"schemas": [USER_URN], "id": "7"}));
    }

    #[test]
    fn extensions_are_asked_for_as_a_whole_or_in_part() {
        assert_eq!(shown(Some(ENTERPRISE_URN), None)[ENTERPRISE_URN], elodie()[ENTERPRISE_URN]);
        let part = format!("{ENTERPRISE_URN}:manager.value");
        assert_eq!(shown(Some(&part), None), json!({"schemas": [USER_URN], "id": "7", ENTERPRISE_URN: {"manager": {"value": "8"}}}));
    }

    #[test]
    fn what_is_left_out_is_left_out_unless_it_always_comes() {
        let excluded = format!("id,schemas,emails.type,name,{PASSERELLE_URN},meta");
        let left = shown(None, Some(&excluded));
        assert_eq!(left["id"], json!("7"));
        assert_eq!(left["emails"], json!([{"value": "a@b.fr"}, {"value": "c@d.fr", "primary": true}]));
        for name in ["name", PASSERELLE_URN, "meta"] {
            assert!(left.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn parts_that_are_for_whoever_asks_come_when_asked_for() {
        let group = json!({"schemas": [], "id": "7", "members": [{"value": "8", "display": "Élodie"}]});
        let shown = |attributes| Projection::parse(Kind::Group, attributes, None).apply(Kind::Group, group.as_object().unwrap());
        assert_eq!(shown(None)["members"], json!([{"value": "8"}]));
        assert_eq!(shown(Some("members.value,members.display"))["members"], group["members"]);
    }

    #[test]
    fn a_store_is_told_what_it_need_not_read() {
        let shows = |attributes, excluded| Projection::parse(Kind::Group, attributes, excluded).shows(Kind::Group, "members");
        assert!(shows(None, None));
        assert!(!shows(None, Some("members")));
        assert!(!shows(Some("displayName"), None));
        assert!(shows(Some("members.value"), None));
        assert!(shows(None, Some("members.display")));
    }
}
