//! Makes a resource that a client sent canonical: names as the table writes them, values of the right types, nothing that the client may not write. It knows neither
//! stores nor what stands there already.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::resource_value::{Form, settle};
use super::schema::{AttrRef, Attribute, ENTRA_GROUP_URN, Kind, Schema};

/// Most schemas that a body may name.
const SCHEMAS_MAX: usize = 32;

/// A resource as it is kept: names in the table's spelling, texts in Unicode's composed form, no null and nothing empty, `schemas` naming what is there. What the client may
/// not write is left out, and so is what the table does not know. Whoever is not said to be inactive is active.
///
/// # Errors
/// `invalidValue` when a value does not fit, a required one is missing or a schema is not known; `invalidSyntax` when a name stands there twice or `schemas` is missing.
pub fn canonical(kind: Kind, body: Map<String, Value>) -> Result<Map<String, Value>, ScimError> {
    check_schemas(kind, &body)?;
    let mut resource = Map::new();
    for (name, value) in body {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        if let Some(attribute) = kind.attribute(&name) {
            place(&mut resource, AttrRef { extension: None, attribute, sub: None }, value)?;
        } else if let Some(schema) = kind.extensions().iter().find(|schema| schema.urn.eq_ignore_ascii_case(&name)) {
            let inner = extension(schema, value)?;
            if !inner.is_empty() && resource.insert(schema.urn.to_owned(), Value::Object(inner)).is_some() {
                return Err(twice(schema.urn));
            }
        }
    }
    if kind == Kind::User {
        resource.entry("active").or_insert(Value::Bool(true));
    }
    finish(kind, &mut resource)?;
    Ok(resource)
}

/// What of a body is not kept: names that the table does not know, and those that only the gateway writes. In the body's own spelling.
pub fn ignored(kind: Kind, body: &Map<String, Value>) -> Vec<String> {
    let mut left_out = Vec::new();
    for (name, value) in body {
        match kind.attribute(name) {
            Some(attribute) if attribute.is_read_only() => left_out.push(name.clone()),
            Some(_) => {}
            None => match (kind.schema(name), value) {
                (Some(schema), Value::Object(inner)) => {
                    let lost = |inner: &&String| schema.attribute(inner).is_none_or(Attribute::is_read_only);
                    left_out.extend(inner.keys().filter(lost).map(|inner| format!("{name}:{inner}")));
                }
                _ => left_out.push(name.clone()),
            },
        }
    }
    left_out
}

/// What every kept resource must be: nothing required is missing, and `schemas` names what is there.
///
/// # Errors
/// `invalidValue` naming what is missing.
pub(super) fn finish(kind: Kind, resource: &mut Map<String, Value>) -> Result<(), ScimError> {
    for attribute in kind.core().attributes.iter().filter(|attribute| attribute.required) {
        if !resource.contains_key(attribute.name) {
            return Err(ScimError::invalid_value(format!("{} is required", attribute.name)));
        }
    }
    let present = kind.extensions().iter().filter(|schema| resource.contains_key(schema.urn));
    let schemas = std::iter::once(kind.core()).chain(present).map(|schema| Value::String(schema.urn.to_owned())).collect();
    resource.insert("schemas".to_owned(), Value::Array(schemas));
    Ok(())
}

fn check_schemas(kind: Kind, body: &Map<String, Value>) -> Result<(), ScimError> {
    let mut said = body.iter().filter(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
    let Some(Value::Array(schemas)) = said.next() else {
        return Err(ScimError::invalid_syntax(format!("schemas is required: a list with {}", kind.core().urn)));
    };
    if said.next().is_some() {
        return Err(twice("schemas"));
    }
    if schemas.len() > SCHEMAS_MAX {
        return Err(ScimError::invalid_value(format!("schemas: more than {SCHEMAS_MAX}")));
    }
    let mut own = false;
    for schema in schemas {
        let Value::String(urn) = schema else { return Err(ScimError::invalid_syntax("schemas is a list of texts")) };
        let urn = urn.trim();
        own |= urn.eq_ignore_ascii_case(kind.core().urn);
        if kind.schema(urn).is_none() && !(kind == Kind::Group && urn.eq_ignore_ascii_case(ENTRA_GROUP_URN)) {
            return Err(ScimError::invalid_value(format!("schemas: «{}» is not a schema of {kind}; /Schemas lists them", excerpt(urn))));
        }
    }
    if own { Ok(()) } else { Err(ScimError::invalid_value(format!("schemas: a {kind} has {}", kind.core().urn))) }
}

fn extension(schema: &'static Schema, value: Value) -> Result<Map<String, Value>, ScimError> {
    let mut inner = Map::new();
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                let Some(attribute) = schema.attribute(&name) else { continue };
                place(&mut inner, AttrRef { extension: Some(schema), attribute, sub: None }, value)?;
            }
        }
        _ => return Err(ScimError::invalid_value(format!("{}: an object with its attributes", schema.urn))),
    }
    Ok(inner)
}

fn place(into: &mut Map<String, Value>, named: AttrRef, value: Value) -> Result<(), ScimError> {
    if named.attribute.is_read_only() {
        return Ok(());
    }
    if let Some(value) = settle(named, value, Form::Whole)?
        && into.insert(named.attribute.name.to_owned(), value).is_some()
    {
        return Err(twice(named.attribute.name));
    }
    Ok(())
}

fn twice(name: &str) -> ScimError {
    ScimError::invalid_syntax(format!("{name} stands there twice: names are the same whatever their letter case"))
}

/// A beginning of what a client wrote, for a message.
pub(super) fn excerpt(text: &str) -> String {
    /// Longest text shown, in characters.
    const SHOWN_MAX: usize = 80;
    let mut shown: String = text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::scim::error::ScimType;
    use crate::services::scim::schema::{ENTERPRISE_URN, GROUP_URN, PASSERELLE_URN, USER_URN};

    fn user(mut body: Value) -> Result<Value, ScimError> {
        let Value::Object(ref mut map) = body else { panic!("not an object") };
        map.entry("schemas").or_insert(json!([USER_URN]));
        canonical(Kind::User, map.clone()).map(Value::Object)
    }

    fn refused(body: Value) -> Option<ScimType> {
        user(body).unwrap_err().scim_type
    }

    #[test]
    fn names_and_values_become_canonical() {
        let made = user(json!({
            "schemas": [USER_URN.to_uppercase(), ENTERPRISE_URN],
            "USERNAME": " e\u{301}lodie ", "Name": {"FAMILYNAME": "Lefèvre", "middleName": null}, "active": "False", "emails": [], "title": "",
            "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User": {"Department": "Chimie"},
            PASSERELLE_URN: {"units": ["GEA", "gea2"], "assignments": [{"application": "x"}]},
            "id": "7", "meta": {"version": "1"}, "groups": [{"value": "x"}], "password": "secret", "roles": []
        }));
        assert_eq!(
            made.unwrap(),
            json!({
                "schemas": [USER_URN, ENTERPRISE_URN, PASSERELLE_URN],
                "userName": "élodie", "name": {"familyName": "Lefèvre"}, "active": false,
                ENTERPRISE_URN: {"department": "Chimie"}, PASSERELLE_URN: {"units": ["GEA", "gea2"]}
            })
        );
    }

    #[test]
    fn wrong_types_are_refused_by_name() {
        for (body, name) in [
            (json!({"userName": 7}), "userName"),
            (json!({"userName": "a", "active": "perhaps"}), "active"),
            (json!({"userName": "a", "name": "Jean"}), "name"),
            (json!({"userName": "a", "name": {"familyName": {}}}), "name.familyName"),
            (json!({"userName": "a", "emails": {"value": "a@b.fr"}}), "emails"),
            (json!({"userName": "a", "emails": ["a@b.fr"]}), "emails"),
            (json!({"userName": "a", "emails": [{"value": "a@b.fr", "primary": 3}]}), "emails.primary"),
            (json!({"userName": "a", "x509Certificates": [{"value": "not base64!"}]}), "x509Certificates.value"),
            (json!({"userName": "a", "title": "nul\u{0}"}), "title"),
            (json!({"userName": "a", ENTERPRISE_URN: "x"}), ENTERPRISE_URN),
        ] {
            let error = user(body).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{name}");
            assert!(error.detail.contains(name), "{name}: {error}");
        }
    }

    #[test]
    fn what_is_required_is_asked_for() {
        assert_eq!(refused(json!({"displayName": "x"})), Some(ScimType::InvalidValue));
        assert_eq!(refused(json!({"userName": ""})), Some(ScimType::InvalidValue));
        assert_eq!(refused(json!({"userName": null})), Some(ScimType::InvalidValue));
        let no_schemas = json!({"userName": "a"});
        assert_eq!(canonical(Kind::User, no_schemas.as_object().unwrap().clone()).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }

    #[test]
    fn a_name_twice_is_refused() {
        assert_eq!(refused(json!({"userName": "a", "USERNAME": "b"})), Some(ScimType::InvalidSyntax));
    }

    #[test]
    fn only_known_schemas_are_taken_and_entra_may_add_its_own_to_a_group() {
        assert_eq!(refused(json!({"schemas": [USER_URN, "urn:example:unknown"], "userName": "a"})), Some(ScimType::InvalidValue));
        assert_eq!(refused(json!({"schemas": [ENTERPRISE_URN], "userName": "a"})), Some(ScimType::InvalidValue));
        assert_eq!(refused(json!({"schemas": [USER_URN, 5], "userName": "a"})), Some(ScimType::InvalidSyntax));
        let group = json!({"schemas": [GROUP_URN, ENTRA_GROUP_URN], "displayName": "GEA 1", "members": [{"value": "7", "display": "x"}]});
        let made = canonical(Kind::Group, group.as_object().unwrap().clone()).unwrap();
        assert_eq!(Value::Object(made), json!({"schemas": [GROUP_URN], "displayName": "GEA 1", "members": [{"value": "7"}]}));
    }

    #[test]
    fn a_list_has_one_primary_and_each_value_once() {
        let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]);
        assert_eq!(refused(json!({"userName": "a", "emails": two})), Some(ScimType::InvalidValue));
        let made = user(json!({"userName": "a", "emails": [
            {"value": "a", "type": "work"}, {"value": "a", "type": "WORK", "primary": true}, {"value": "a", "type": "home"}, {"type": "other"}, {}, null
        ]}));
        assert_eq!(made.unwrap()["emails"], json!([{"value": "a", "type": "work", "primary": true}, {"value": "a", "type": "home"}]));
    }

    #[test]
    fn what_is_not_kept_is_named() {
        let body = json!({"userName": "a", "password": "x", "id": "7", ENTERPRISE_URN: {"department": "x", "shoe": 44}});
        let named = ignored(Kind::User, body.as_object().unwrap());
        assert_eq!(named, ["id", "password", &format!("{ENTERPRISE_URN}:shoe")]);
    }

    #[test]
    fn texts_and_lists_are_bounded() {
        assert_eq!(refused(json!({"userName": "a", "title": "x".repeat(5_000)})), Some(ScimType::InvalidValue));
        let many: Vec<Value> = (0..1_000).map(|n| json!({"value": n.to_string()})).collect();
        assert_eq!(refused(json!({"userName": "a", "emails": many})), Some(ScimType::InvalidValue));
    }
}
