//! What PATCH does, by the standard and in the vendors' ways.

use serde_json::{Value, json};

use super::*;
use crate::services::scim::error::ScimType;
use crate::services::scim::schema::{ENTERPRISE_URN, PASSERELLE_URN, USER_URN};

fn elodie() -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN, PASSERELLE_URN],
        "id": "7", "userName": "elodie", "displayName": "Élodie", "active": true,
        "name": {"familyName": "Lefèvre", "givenName": "Élodie"},
        "emails": [{"value": "a@x.fr", "type": "work", "primary": true}, {"value": "b@x.fr", "type": "home"}],
        "meta": {"version": "1"},
        ENTERPRISE_URN: {"department": "Chimie", "manager": {"value": "8", "$ref": "../Users/8", "displayName": "Jean"}},
        PASSERELLE_URN: {"units": ["GEA"]}
    })
}

fn patched(operations: &Value) -> Result<Value, ScimError> {
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    let operations = parse(body.as_object().unwrap())?;
    apply(Kind::User, elodie().as_object().unwrap().clone(), &operations).map(Value::Object)
}

fn one(operation: Value) -> Value {
    patched(&json!([operation.clone()])).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn word(operation: Value) -> Option<ScimType> {
    patched(&json!([operation.clone()])).map_err(|error| error.scim_type).expect_err(&operation.to_string())
}

#[test]
fn single_attributes_are_set_and_removed() {
    assert_eq!(one(json!({"op": "add", "path": "nickName", "value": "Lo"}))["nickName"], "Lo");
    assert_eq!(one(json!({"op": "REPLACE", "path": "DisplayName", "value": "E"}))["displayName"], "E");
    assert_eq!(one(json!({"op": "Remove", "path": "displayName"})).get("displayName"), None);
    assert_eq!(one(json!({"op": "replace", "path": "displayName", "value": null})).get("displayName"), None);
    assert_eq!(one(json!({"op": "Replace", "path": "active", "value": "False"}))["active"], false);
    assert_eq!(one(json!({"op": "Replace", "path": "displayName", "value": [{"$ref": null, "value": "E"}]}))["displayName"], "E");
    assert_eq!(one(json!({"op": "remove", "path": "nickName"})), elodie());
}

#[test]
fn parts_of_a_complex_attribute_that_are_not_named_stay() {
    let name = one(json!({"op": "replace", "path": "name", "value": {"givenName": "Lo", "middleName": "M"}}))["name"].clone();
    assert_eq!(name, json!({"familyName": "Lefèvre", "givenName": "Lo", "middleName": "M"}));
    assert_eq!(one(json!({"op": "replace", "path": "name.familyName", "value": "X"}))["name"]["familyName"], "X");
    assert_eq!(one(json!({"op": "replace", "path": "name", "value": {"familyName": null}}))["name"], json!({"givenName": "Élodie"}));
    assert_eq!(one(json!({"op": "remove", "path": "name.givenName"}))["name"], json!({"familyName": "Lefèvre"}));
    assert_eq!(one(json!({"op": "remove", "path": "name"})).get("name"), None);
}

#[test]
fn values_come_to_a_list_once() {
    let two = elodie()["emails"].clone();
    assert_eq!(one(json!({"op": "add", "path": "emails", "value": {"value": "a@x.fr", "type": "work"}}))["emails"], two);
    let three =
        one(json!({"op": "add", "path": "emails", "value": [{"value": "c@x.fr", "type": "other", "primary": "True"}]}))["emails"].clone();
    assert_eq!(
        three,
        json!([{"value": "a@x.fr", "type": "work", "primary": false}, {"value": "b@x.fr", "type": "home"}, {"value": "c@x.fr", "type": "other", "primary": true}])
    );
    let units = format!("{PASSERELLE_URN}:units");
    assert_eq!(one(json!({"op": "add", "path": units, "value": "INFO"}))[PASSERELLE_URN]["units"], json!(["GEA", "INFO"]));
    assert_eq!(one(json!({"op": "remove", "path": format!("{units}[value eq \"gea\"]")})).get(PASSERELLE_URN), None);
}

#[test]
fn a_list_is_replaced_and_emptied() {
    assert_eq!(one(json!({"op": "replace", "path": "emails", "value": [{"value": "z@x.fr"}]}))["emails"], json!([{"value": "z@x.fr"}]));
    for operation in [
        json!({"op": "replace", "path": "emails", "value": []}),
        json!({"op": "replace", "path": "emails", "value": null}),
        json!({"op": "remove", "path": "emails"}),
    ] {
        assert_eq!(one(operation).get("emails"), None);
    }
    let left = one(json!({"op": "remove", "path": "emails", "value": [{"value": "a@x.fr"}]}))["emails"].clone();
    assert_eq!(left, json!([{"value": "b@x.fr", "type": "home"}]));
}

#[test]
fn selected_values_are_changed() {
    let emails = |operation: Value| one(operation)["emails"].clone();
    let work = r#"emails[type eq "work"]"#;
    assert_eq!(emails(json!({"op": "replace", "path": format!("{work}.value"), "value": "n@x.fr"}))[0]["value"], "n@x.fr");
    assert_eq!(emails(json!({"op": "replace", "path": work, "value": {"value": "n@x.fr"}}))[0], json!({"value": "n@x.fr"}));
    assert_eq!(emails(json!({"op": "add", "path": work, "value": {"display": "N"}}))[0]["display"], "N");
    assert_eq!(emails(json!({"op": "remove", "path": work})), json!([{"value": "b@x.fr", "type": "home"}]));
    assert_eq!(emails(json!({"op": "remove", "path": format!("{work}.primary")}))[0], json!({"value": "a@x.fr", "type": "work"}));
    assert_eq!(emails(json!({"op": "remove", "path": format!("{work}.value")})), json!([{"value": "b@x.fr", "type": "home"}]));
    let turned = emails(json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}));
    assert_eq!((&turned[0]["primary"], &turned[1]["primary"]), (&json!(false), &json!(true)));
}

#[test]
fn a_value_selected_by_its_type_is_made_when_it_is_not_there() {
    for op in ["Add", "Replace"] {
        let made = one(json!({"op": op, "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+33 6"}));
        assert_eq!(made["phoneNumbers"], json!([{"type": "mobile", "value": "+33 6"}]));
        let made = one(json!({"op": op, "path": "roles[primary eq \"True\"].value", "value": "teacher"}));
        assert_eq!(made["roles"], json!([{"primary": true, "value": "teacher"}]));
    }
    assert_eq!(one(json!({"op": "Remove", "path": "emails[type eq \"other\"].value"})), elodie());
    let made = one(json!({"op": "add", "path": "addresses[type eq \"work\" and country eq \"FR\"].locality", "value": "Sceaux"}));
    assert_eq!(made["addresses"], json!([{"type": "work", "country": "FR", "locality": "Sceaux"}]));
}

#[test]
fn what_leads_to_nothing_is_no_target() {
    for operation in [
        json!({"op": "remove", "path": "emails[type eq \"other\"]"}),
        json!({"op": "remove", "path": "emails[value co \"zzz\"].type"}),
        json!({"op": "replace", "path": "emails[type eq \"other\"]", "value": {"value": "x"}}),
        json!({"op": "replace", "path": "emails[value co \"zzz\"].value", "value": "x"}),
        json!({"op": "replace", "path": "emails[not (value pr)].value", "value": "x"}),
        json!({"op": "remove"}),
        json!({"op": "remove", "path": ""}),
    ] {
        assert_eq!(word(operation.clone()), Some(ScimType::NoTarget), "{operation}");
    }
}

#[test]
fn a_value_without_path_names_what_it_changes() {
    let changed = one(json!({"op": "Replace", "value": {
        "name.familyName": "X", "ACTIVE": "false", "unknown": 7, "id": "7", "meta": {"version": "0"}, "schemas": ["x"],
        "emails[type eq \"work\"].value": "n@x.fr",
        format!("{ENTERPRISE_URN}:department"): "Physique",
        ENTERPRISE_URN: {"costCenter": "7", "manager.value": "9"},
        "phoneNumbers": [{"value": "1"}]
    }}));
    assert_eq!(
        (&changed["name"]["familyName"], &changed["name"]["givenName"], &changed["active"]),
        (&json!("X"), &json!("Élodie"), &json!(false))
    );
    assert_eq!((&changed["emails"][0]["value"], &changed["phoneNumbers"]), (&json!("n@x.fr"), &json!([{"value": "1"}])));
    assert_eq!((&changed[ENTERPRISE_URN]["department"], &changed[ENTERPRISE_URN]["costCenter"]), (&json!("Physique"), &json!("7")));
    assert_eq!((&changed["id"], &changed["meta"]), (&json!("7"), &json!({"version": "1"})));
    let added = one(json!({"op": "add", "value": {"emails": [{"value": "c@x.fr"}], "nickName": "Lo"}}));
    assert_eq!((added["emails"].as_array().unwrap().len(), &added["nickName"]), (3, &json!("Lo")));
}

#[test]
fn extensions_come_and_go() {
    let path = |name: &str| format!("{ENTERPRISE_URN}:{name}");
    assert_eq!(one(json!({"op": "Add", "path": path("employeeNumber"), "value": "42"}))[ENTERPRISE_URN]["employeeNumber"], "42");
    assert_eq!(one(json!({"op": "Replace", "path": path("manager"), "value": "9"}))[ENTERPRISE_URN]["manager"], json!({"value": "9"}));
    assert_eq!(
        one(json!({"op": "Replace", "path": path("manager"), "value": [{"value": "9"}]}))[ENTERPRISE_URN]["manager"],
        json!({"value": "9"})
    );
    assert_eq!(one(json!({"op": "remove", "path": path("manager")}))[ENTERPRISE_URN], json!({"department": "Chimie"}));
    let without = one(json!({"op": "remove", "path": ENTERPRISE_URN}));
    assert_eq!((without.get(ENTERPRISE_URN), &without["schemas"]), (None, &json!([USER_URN, PASSERELLE_URN])));
    let with = one(json!({"op": "add", "path": ENTERPRISE_URN, "value": {"division": "D"}}));
    assert_eq!((&with[ENTERPRISE_URN]["division"], &with[ENTERPRISE_URN]["department"]), (&json!("D"), &json!("Chimie")));
}

#[test]
fn what_is_not_the_clients_is_refused() {
    for operation in [
        json!({"op": "replace", "path": "id", "value": "8"}),
        json!({"op": "replace", "value": {"id": "8"}}),
        json!({"op": "replace", "path": "meta.version", "value": "8"}),
        json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}),
        json!({"op": "replace", "path": "schemas", "value": []}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "remove", "path": USER_URN}),
        json!({"op": "replace", "path": format!("{ENTERPRISE_URN}:manager.displayName"), "value": "x"}),
        json!({"op": "add", "path": format!("{PASSERELLE_URN}:assignments"), "value": [{"application": "x"}]}),
    ] {
        assert_eq!(word(operation.clone()), Some(ScimType::Mutability), "{operation}");
    }
}

#[test]
fn what_is_wrong_is_told_by_its_word() {
    for (operation, expected) in [
        (json!({"op": "replace", "path": "nope", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "password", "value": "x"}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "emails[type eq", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "userName[value eq \"x\"]", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "emails[type eq \"work\"].nope", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": 7, "value": 1}), ScimType::InvalidPath),
        (json!({"op": "replace", "path": "emails[nope eq \"x\"].value", "value": 1}), ScimType::InvalidFilter),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "userName", "value": ""}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "userName"}), ScimType::InvalidValue),
        (json!({"op": "replace", "value": "x"}), ScimType::InvalidValue),
        (json!({"op": "replace", "path": "emails.primary", "value": true}), ScimType::InvalidValue),
        (json!({"op": "move", "path": "userName", "value": "x"}), ScimType::InvalidSyntax),
        (json!({"path": "userName", "value": "x"}), ScimType::InvalidSyntax),
        (json!("x"), ScimType::InvalidSyntax),
    ] {
        assert_eq!(word(operation.clone()), Some(expected), "{operation}");
    }
    for body in [json!({}), json!({"Operations": []}), json!({"schemas": [PATCH_URN]}), json!({"schemas": [PATCH_URN], "Operations": []})] {
        assert_eq!(parse(body.as_object().unwrap()).unwrap_err().scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
}

#[test]
fn the_operation_that_fails_is_named_and_operations_see_those_before() {
    let error = patched(&json!([{"op": "replace", "path": "title", "value": "x"}, {"op": "remove", "path": "emails[type eq \"zz\"]"}]))
        .unwrap_err();
    assert_eq!(error.operation, Some(1));
    assert!(error.detail.starts_with("operation 2: "), "{error}");
    let done =
        patched(&json!([{"op": "remove", "path": "emails"}, {"op": "add", "path": "emails", "value": [{"value": "z", "primary": true}]}]));
    assert_eq!(done.unwrap()["emails"], json!([{"value": "z", "primary": true}]));
}
