//! Properties of the pure parts: whatever a client sends, they answer, and they agree with one another.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::error::ScimError;
use super::evaluate::evaluate;
use super::filter::{Filter, Op, Operand, parse};
use super::patch;
use super::resource::canonical;
use super::schema::{AttrRef, ENTERPRISE_URN, Kind, PASSERELLE_URN, USER_URN};
use super::values::{IndexedValue, index};

/// Texts that meet each other often, in several spellings.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "b", "work", "Work", "é", "É", "e\u{301}", "École-Jean", "%", "_", "\\", "\"", " "])
        .prop_map(ToOwned::to_owned)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name = prop::sample::select(vec!["value", "type", "primary", "familyName", "display", "x", "$ref"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn list() -> impl Strategy<Value = Value> {
    let item = (word(), prop::option::of(word()), any::<bool>()).prop_map(|(value, kind, display)| {
        let mut item = json!({"value": value});
        if let Some(kind) = kind {
            item["type"] = Value::from(kind);
        }
        if display {
            item["display"] = Value::from("d");
        }
        item
    });
    prop::collection::vec(item, 0..4).prop_map(Value::from)
}

fn user() -> impl Strategy<Value = Map<String, Value>> {
    (
        word(),
        prop::option::of(word()),
        prop::option::of(any::<bool>()),
        list(),
        prop::option::of(word()),
        prop::collection::vec(word(), 0..3),
    )
        .prop_map(|(name, title, active, emails, department, units)| {
            let body = json!({
                "schemas": [USER_URN], "userName": format!("u{name}"), "title": title, "active": active, "emails": emails,
                "name": {"familyName": title}, ENTERPRISE_URN: {"department": department}, PASSERELLE_URN: {"units": units}
            });
            canonical(Kind::User, body.as_object().unwrap().clone()).unwrap()
        })
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The text of a filter over what [`user`] makes.
fn filter_text() -> impl Strategy<Value = String> {
    let department = format!("{ENTERPRISE_URN}:department");
    let units = format!("{PASSERELLE_URN}:units");
    let values = format!("{PASSERELLE_URN}:units.value");
    let name = prop::sample::select(vec![
        "userName".to_owned(),
        "title".to_owned(),
        "name.familyName".to_owned(),
        "emails".to_owned(),
        "emails.type".to_owned(),
        department,
        units,
        values,
    ]);
    let op = || prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let part = prop::sample::select(vec!["value", "type", "display"]);
    let inner = (part, op(), word()).prop_map(|(part, op, text)| format!("{part} {op} {}", quoted(&text))).boxed();
    let leaf = prop_oneof![
        (name.clone(), op(), word()).prop_map(|(name, op, text)| format!("{name} {op} {}", quoted(&text))),
        name.prop_map(|name| format!("{name} pr")),
        any::<bool>().prop_map(|yes| format!("active eq {yes}")),
        (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("emails[{one} and {other}]")),
        (inner.clone(), inner).prop_map(|(one, other)| format!("emails[not ({one}) or {other}]")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) and ({other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} or {other}")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

/// The answer of a store that has the rows alone.
fn over_rows(filter: &Filter, rows: &[IndexedValue], element: Option<i32>) -> bool {
    let of = |attr: &AttrRef| {
        rows.iter().filter(move |row| row.attribute == attr.key() && element.is_none_or(|at| row.element == at)).collect::<Vec<_>>()
    };
    match filter {
        Filter::And(items) => items.iter().all(|item| over_rows(item, rows, element)),
        Filter::Or(items) => items.iter().any(|item| over_rows(item, rows, element)),
        Filter::Not(inner) => !over_rows(inner, rows, element),
        Filter::Present(attr) => !of(attr).is_empty(),
        Filter::Element { attr, filter } => of(attr).iter().any(|row| over_rows(filter, rows, Some(row.element))),
        Filter::Compare { attr, op, value } => of(attr).iter().any(|row| row_compares(row, *op, value)),
    }
}

fn row_compares(row: &IndexedValue, op: Op, operand: &Operand) -> bool {
    let Operand::Text(wanted) = operand else {
        let number = match operand {
            Operand::Boolean(yes) => i64::from(*yes),
            Operand::Instant(at) => *at,
            Operand::Text(_) => unreachable!(),
        };
        return row.number == Some(number);
    };
    let Some(text) = &row.text else { return false };
    match op {
        Op::Equal => text == wanted,
        Op::Contains => text.contains(wanted),
        Op::StartsWith => text.starts_with(wanted),
        Op::EndsWith => text.ends_with(wanted),
        Op::Greater => text > wanted,
        Op::GreaterOrEqual => text >= wanted,
        Op::Less => text < wanted,
        Op::LessOrEqual => text <= wanted,
    }
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "Replace", "REMOVE"]);
    let path = prop::option::of(prop::sample::select(vec![
        "userName",
        "title",
        "name",
        "name.familyName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[value eq \"a\"].primary",
        "emails[primary eq true]",
        "active",
        "groups",
        "nope",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "urn:passerelle:params:scim:schemas:extension:1.0:User:units",
        "urn:passerelle:params:scim:schemas:extension:1.0:User:units[value eq \"a\"]",
    ]));
    (op, path, json_value()).prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
}

fn patched(user: &Map<String, Value>, operations: &[Value]) -> Result<Map<String, Value>, ScimError> {
    let body = json!({"schemas": [patch::PATCH_URN], "Operations": operations});
    patch::apply(Kind::User, user.clone(), &patch::parse(body.as_object().unwrap())?)
}

proptest! {
    #[test]
    fn a_filter_answers_the_same_over_rows(user in user(), text in filter_text()) {
        let filter = parse(Kind::User, &text).unwrap();
        let rows = index(Kind::User, &user);
        prop_assert_eq!(evaluate(&filter, &user), over_rows(&filter, &rows, None), "{}", text);
    }

    #[test]
    fn a_filter_or_its_contrary_holds(user in user(), text in filter_text()) {
        let holds = evaluate(&parse(Kind::User, &text).unwrap(), &user);
        let contrary = evaluate(&parse(Kind::User, &format!("not ({text})")).unwrap(), &user);
        prop_assert_ne!(holds, contrary);
    }

    #[test]
    fn any_text_as_filter_or_path_is_answered(text in "[a-z.:\\[\\]() \"eqandot\\\\é]{0,60}") {
        drop(parse(Kind::User, &text));
        drop(patch::target(Kind::User, &text));
    }

    #[test]
    fn what_is_canonical_stays_as_it_is(user in user()) {
        prop_assert_eq!(&canonical(Kind::User, user.clone()).unwrap(), &user);
    }

    #[test]
    fn any_body_is_answered(body in prop::collection::btree_map(prop::sample::select(vec!["userName", "emails", "name", "active", "schemas", ENTERPRISE_URN]), json_value(), 0..6)) {
        let mut body: Map<String, Value> = body.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        body.insert("schemas".to_owned(), json!([USER_URN]));
        if let Ok(made) = canonical(Kind::User, body) {
            prop_assert_eq!(&canonical(Kind::User, made.clone()).unwrap(), &made);
        }
    }

    #[test]
    fn whatever_a_patch_does_the_result_is_canonical(user in user(), operations in prop::collection::vec(operation(), 1..4)) {
        if let Ok(mut result) = patched(&user, &operations) {
            // Removed, it is gone; whoever sends the result whole says nothing of it, and the person is active.
            result.entry("active").or_insert(Value::Bool(true));
            prop_assert_eq!(&canonical(Kind::User, result.clone()).unwrap(), &result);
        }
    }

    #[test]
    fn doing_it_twice_changes_no_more(user in user(), operation in operation()) {
        if let Ok(once) = patched(&user, std::slice::from_ref(&operation))
            && let Ok(twice) = patched(&once, std::slice::from_ref(&operation))
        {
            prop_assert_eq!(once, twice);
        }
    }
}
