//! PATCH, beside `scimmy` and `scim-patch`. Results are compared in canonical form: how each spells and orders what is the same does not matter.

use passerelle::services::scim::patch::{PATCH_URN, apply, parse};
use passerelle::services::scim::resource::canonical;
use passerelle::services::scim::schema::{ENTERPRISE_URN, Kind, USER_URN};
use serde_json::{Map, Value, json};

use super::{Explained, answers, settle};

const PEERS: [&str; 2] = ["scimmy", "scim-patch"];

const CASE: &str = "knows names in one spelling alone; letter case does not matter (RFC 7643 §2.1)";
const MERGE: &str = "takes away the parts that are not named; those stay (RFC 7644 §3.5.2.3)";
const NO_TARGET: &str = "passes over a selection that selects nothing; that is noTarget (RFC 7644 table 9)";
const MADE: &str = "refuses a part of a value that its path selects by `eq` and that is not there; Entra ID counts on it";
const PATH: &str = "passes over what its path is wrong about; that is invalidPath (RFC 7644 table 9)";
const PRIMARY: &str = "leaves two values primary; the one set last is (RFC 7644 §3.5.2)";
const ADDS: &str = "adds the values of a list; without a path too, replace replaces (RFC 7644 §3.5.2.3)";
const ENTRA: &str = "refuses what Entra ID writes beside the standard";
const URN: &str = "does not understand names with their schema (RFC 7644 §3.10)";
const READ_ONLY: &str = "passes over a change of what is read only; with a path, that is an error (RFC 7644 §3.5.2)";
const WHOLE: &str = "loses an extension that is given as a whole";

const EXPLAINED: &[Explained] = &[
    ("scimmy", "names in another case", CASE),
    ("scimmy", "a truth as text", ENTRA),
    ("scimmy", "replace a complex attribute", MERGE),
    ("scimmy", "remove selected values that there are not", NO_TARGET),
    ("scimmy", "add a part of a value that there is not", MADE),
    ("scimmy", "replace a part of a value that there is not", MADE),
    ("scimmy", "replace a selected value that there is not", NO_TARGET),
    ("scimmy", "select a single attribute", PATH),
    ("scimmy", "a new primary value", PRIMARY),
    ("scimmy", "a list without path, replaced", ADDS),
    ("scimmy", "the manager by identifier alone", ENTRA),
    ("scimmy", "the attribute with its schema", URN),
    ("scimmy", "replace what is read only", READ_ONLY),
    ("scim-patch", "names in another case", CASE),
    ("scim-patch", "an unknown attribute", PATH),
    ("scim-patch", "remove a part of selected values that there are not", MADE),
    ("scim-patch", "remove selected values that there are not", NO_TARGET),
    ("scim-patch", "a new primary value", PRIMARY),
    ("scim-patch", "an extension without path", WHOLE),
    ("scim-patch", "the manager by identifier alone", ENTRA),
    ("scim-patch", "replace what is read only", READ_ONLY),
];

fn elodie() -> Value {
    json!({
        "schemas": [USER_URN, ENTERPRISE_URN], "userName": "elodie", "displayName": "Élodie", "active": true,
        "name": {"familyName": "Lefèvre", "givenName": "Élodie"},
        "emails": [{"value": "a@x.fr", "type": "work"}, {"value": "b@x.fr", "type": "home"}],
        ENTERPRISE_URN: {"department": "Chimie", "manager": {"value": "8"}}
    })
}

/// Each with a name, under which its differences are explained.
fn cases() -> Vec<(&'static str, Value)> {
    let one = |op: &str, path: &str, value: Value| json!([{"op": op, "path": path, "value": value}]);
    let gone = |path: &str| json!([{"op": "remove", "path": path}]);
    let department = format!("{ENTERPRISE_URN}:department");
    vec![
        ("add a single attribute", one("add", "nickName", json!("Lo"))),
        ("add one that there is", one("add", "displayName", json!("E"))),
        ("replace a single attribute", one("replace", "displayName", json!("E"))),
        ("replace one that there is not", one("replace", "nickName", json!("Lo"))),
        ("remove a single attribute", gone("displayName")),
        ("remove one that there is not", gone("nickName")),
        ("remove a required one", gone("userName")),
        ("operations in capitals", one("Replace", "displayName", json!("E"))),
        ("names in another case", one("replace", "DISPLAYNAME", json!("E"))),
        ("an unknown operation", one("move", "displayName", json!("E"))),
        ("an unknown attribute", one("replace", "shoeSize", json!(44))),
        ("a truth as text", one("Replace", "active", json!("False"))),
        ("a wrong type", one("replace", "active", json!("perhaps"))),
        ("null for a single attribute", one("replace", "displayName", Value::Null)),
        ("replace a part", one("replace", "name.familyName", json!("X"))),
        ("add a part", one("add", "name.middleName", json!("M"))),
        ("remove a part", gone("name.givenName")),
        ("replace a complex attribute", one("replace", "name", json!({"givenName": "Lo"}))),
        ("add to a complex attribute", one("add", "name", json!({"middleName": "M"}))),
        ("remove a complex attribute", gone("name")),
        ("add a value to a list", one("add", "emails", json!([{"value": "c@x.fr", "type": "other"}]))),
        ("add a value without brackets", one("add", "emails", json!({"value": "c@x.fr", "type": "other"}))),
        ("add a value that there is", one("add", "emails", json!([{"value": "a@x.fr", "type": "work"}]))),
        ("add to a list that there is not", one("add", "phoneNumbers", json!([{"value": "1", "type": "work"}]))),
        ("replace a list", one("replace", "emails", json!([{"value": "c@x.fr", "type": "other"}]))),
        ("replace a list by nothing", one("replace", "emails", json!([]))),
        ("remove a list", gone("emails")),
        ("remove from a list by value", json!([{"op": "remove", "path": "emails", "value": [{"value": "a@x.fr", "type": "work"}]}])),
        ("remove selected values", gone(r#"emails[type eq "work"]"#)),
        (
            "remove the last selected value",
            json!([{"op": "remove", "path": "emails[type eq \"work\"]"}, {"op": "remove", "path": "emails[type eq \"home\"]"}]),
        ),
        ("remove a part of selected values", gone(r#"emails[type eq "work"].type"#)),
        ("remove a part of selected values that there are not", gone(r#"emails[type eq "other"].value"#)),
        ("remove selected values that there are not", gone(r#"emails[type eq "other"]"#)),
        ("replace a part of selected values", one("replace", r#"emails[type eq "work"].value"#, json!("n@x.fr"))),
        ("add a part to selected values", one("add", r#"emails[type eq "work"].display"#, json!("N"))),
        ("replace selected values", one("replace", r#"emails[type eq "work"]"#, json!({"value": "n@x.fr", "type": "work"}))),
        ("add a part of a value that there is not", one("add", r#"phoneNumbers[type eq "mobile"].value"#, json!("+33 6"))),
        ("replace a part of a value that there is not", one("replace", r#"emails[type eq "other"].value"#, json!("o@x.fr"))),
        ("replace a selected value that there is not", one("replace", r#"emails[type eq "other"]"#, json!({"value": "o@x.fr"}))),
        ("select by something else than eq", one("replace", r#"emails[value co "zzz"].display"#, json!("o"))),
        ("select by and", one("replace", r#"emails[type eq "work" and value sw "a"].display"#, json!("W"))),
        ("select a single attribute", one("replace", r#"displayName[value eq "x"]"#, json!("E"))),
        (
            "a new primary value",
            json!([
                {"op": "replace", "path": "emails[type eq \"work\"].primary", "value": true},
                {"op": "add", "path": "emails", "value": [{"value": "c@x.fr", "type": "other", "primary": true}]}
            ]),
        ),
        ("a value without path", json!([{"op": "replace", "value": {"displayName": "E", "nickName": "Lo"}}])),
        ("a list without path, replaced", json!([{"op": "replace", "value": {"emails": [{"value": "c@x.fr", "type": "other"}]}}])),
        ("a list without path, added", json!([{"op": "add", "value": {"emails": [{"value": "c@x.fr", "type": "other"}]}}])),
        ("dotted names without path", json!([{"op": "replace", "value": {"name.familyName": "X"}}])),
        ("an extension's name without path", json!([{"op": "replace", "value": {department.clone(): "Physique"}}])),
        ("an extension without path", json!([{"op": "replace", "value": {ENTERPRISE_URN: {"department": "Physique"}}}])),
        ("an extension's attribute", one("replace", &department, json!("Physique"))),
        ("add an extension's attribute", one("add", &format!("{ENTERPRISE_URN}:costCenter"), json!("7"))),
        ("remove an extension's attribute", gone(&department)),
        ("replace the manager", one("replace", &format!("{ENTERPRISE_URN}:manager"), json!({"value": "9"}))),
        ("the manager by identifier alone", one("Add", &format!("{ENTERPRISE_URN}:manager"), json!("9"))),
        ("the attribute with its schema", one("replace", &format!("{USER_URN}:displayName"), json!("E"))),
        ("remove without path", json!([{"op": "remove"}])),
        ("add without value", json!([{"op": "add", "path": "displayName"}])),
        ("replace what is read only", one("replace", "groups", json!([{"value": "g"}]))),
        (
            "several in order",
            json!([
                {"op": "remove", "path": "emails"}, {"op": "add", "path": "emails", "value": [{"value": "z@x.fr", "type": "work"}]},
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "y@x.fr"}
            ]),
        ),
        ("all or nothing", json!([{"op": "replace", "path": "displayName", "value": "E"}, {"op": "remove"}])),
    ]
}

fn ours(operations: &Value) -> Option<Map<String, Value>> {
    let body = json!({"schemas": [PATCH_URN], "Operations": operations});
    let operations = parse(body.as_object().unwrap()).ok()?;
    apply(Kind::User, elodie().as_object().unwrap().clone(), &operations).ok()
}

fn theirs(answer: &Value) -> Option<Map<String, Value>> {
    canonical(Kind::User, answer["answer"].as_object()?.clone()).ok()
}

#[test]
fn patches_do_what_those_of_the_libraries_do() {
    let cases = cases();
    let asked: Vec<(&str, &(&str, Value))> = PEERS.into_iter().flat_map(|peer| cases.iter().map(move |case| (peer, case))).collect();
    let questions: Vec<Value> =
        asked.iter().map(|(peer, (_, operations))| json!({"peer": peer, "operations": operations, "resource": elodie()})).collect();
    let mut differences = Vec::new();
    for ((peer, (case, operations)), answer) in asked.into_iter().zip(answers(&questions)) {
        let (ours, theirs) = (ours(operations).map(in_order), theirs(&answer).map(in_order));
        if ours != theirs {
            let shown =
                |result: Option<Map<String, Value>>| result.map_or_else(|| "nothing".to_owned(), |map| Value::Object(map).to_string());
            differences.push((peer, (*case).to_owned(), format!("we {}\n    they {} {}", shown(ours), shown(theirs), answer["refused"])));
        }
    }
    settle(&differences, EXPLAINED);
}

/// With the values of each list in one order: theirs means nothing.
fn in_order(mut resource: Map<String, Value>) -> Map<String, Value> {
    for value in resource.values_mut() {
        if let Value::Array(items) = value {
            items.sort_by_key(Value::to_string);
        }
    }
    resource
}
