//! What a record states of a person, and how that differs from what is known. Pure.

use connectors::Person;
use serde_json::{Map, Value, json};

use crate::store::establishment::user::User;

/// Writes what a record states into a person.
pub(super) fn state(user: &mut User, person: &Person) {
    person.username.trim().clone_into(&mut user.username);
    user.given_name.clone_from(&person.given_name);
    user.family_name.clone_from(&person.family_name);
    user.display_name.clone_from(&person.display_name);
    user.email.clone_from(&person.email);
    user.locale.clone_from(&person.locale);
    user.home_unit.clone_from(&person.home_unit);
    user.units.clone_from(&person.units);
    user.attributes.clone_from(&person.attributes);
}

/// Old and new values of the fields that differ.
pub(super) fn differences(before: &User, after: &User) -> Map<String, Value> {
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
