//! Properties of planning, over people made up at random.

use std::collections::BTreeMap;

use connectors::Person;

/// A person of a source.
pub fn person(number: u32, username: &str) -> Person {
    Person {
        external_id: format!("{number:08}"),
        dn: format!("uid={username},dc=test"),
        dn_key: format!("uid={username},dc=test"),
        username: username.to_owned(),
        given_name: None,
        family_name: None,
        display_name: username.to_owned(),
        email: None,
        locale: None,
        active: true,
        inactive_reason: None,
        home_unit: None,
        units: Vec::new(),
        attributes: BTreeMap::new(),
    }
}
