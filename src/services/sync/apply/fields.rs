//! What a record states of a person, and how that differs from what is known. Pure.

use connectors::Person;
use serde_json::{Map, Value, json};

use crate::store::establishment::statement::Stated;
use crate::store::establishment::user::User;

/// What a record states.
pub fn stated(person: &Person) -> Stated {
    let Person { given_name, family_name, display_name, email, locale, home_unit, units, attributes, .. } = person.clone();
    let username = person.username.trim().to_owned();
    Stated { username, given_name, family_name, display_name, email, locale, home_unit, units, attributes }
}

/// Writes what is stated into a person.
pub fn state(user: &mut User, stated: Stated) {
    user.username = stated.username;
    user.given_name = stated.given_name;
    user.family_name = stated.family_name;
    user.display_name = stated.display_name;
    user.email = stated.email;
    user.locale = stated.locale;
    user.home_unit = stated.home_unit;
    user.units = stated.units;
    user.attributes = stated.attributes;
}

/// Old and new values of the fields that differ.
pub fn differences(before: &User, after: &User) -> Map<String, Value> {
    let mut detail = Map::new();
    let mut compare = |field: &str, old: Value, new: Value| {
        if old != new {
            detail.insert(field.to_owned(), json!({ "before": old, "after": new }));
        }
    };
    compare("username", json!(before.username), json!(after.username));
    compare("given_name", json!(before.given_name), json!(after.given_name));
    compare("family_name", json!(before.family_name), json!(after.family_name));
    compare("display_name", json!(before.display_name), json!(after.display_name));
    compare("email", json!(before.email), json!(after.email));
    compare("locale", json!(before.locale), json!(after.locale));
    compare("home_unit", json!(before.home_unit), json!(after.home_unit));
    compare("units", json!(before.units), json!(after.units));
    let names = before.attributes.keys().chain(after.attributes.keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        compare(&format!("attributes.{name}"), json!(before.attributes.get(name)), json!(after.attributes.get(name)));
    }
    detail
}
