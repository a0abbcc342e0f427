//! Old and new values as the change log keeps them, put back where the new ones still stand. Pure.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::store::establishment::group::Group;
use crate::store::establishment::link::Link;
use crate::store::establishment::user::User;

/// What became of the fields of one change.
#[derive(Debug, Default, PartialEq)]
pub struct Restored {
    /// Put back: what stood, and what stands again.
    pub back: Map<String, Value>,
    /// Left, because something else was written there since.
    pub left: Vec<String>,
}

impl Restored {
    /// Looks at one field: what stands now, and what the run left there.
    fn look(&mut self, field: &str, now: &Value, change: &Value, put: impl FnOnce(&Value) -> bool) {
        let (Some(before), Some(after)) = (change.get("before"), change.get("after")) else { return };
        if now == before {
            return;
        }
        if now == after && put(before) {
            self.back.insert(field.to_owned(), json!({ "before": after, "after": before }));
        } else {
            self.left.push(field.to_owned());
        }
    }
}

/// Puts back what a change wrote into a person and their link; the user name is the caller's, whose it is to find it free.
pub fn of_person(detail: &Map<String, Value>, user: &mut User, link: Option<&mut Link>) -> Restored {
    let mut restored = Restored::default();
    for (field, change) in detail {
        let now = match field.as_str() {
            "given_name" => json!(user.given_name),
            "family_name" => json!(user.family_name),
            "display_name" => json!(user.display_name),
            "email" => json!(user.email),
            "locale" => json!(user.locale),
            "home_unit" => json!(user.home_unit),
            "units" => json!(user.units),
            other => match other.strip_prefix("attributes.") {
                Some(name) => json!(user.attributes.get(name)),
                None => continue,
            },
        };
        restored.look(field, &now, change, |value| set(user, field, value));
    }
    if let Some(link) = link {
        let places = [("dn", json!(link.dn)), ("present", json!(link.present)), ("active", json!(link.active))];
        for (field, now) in places {
            let Some(change) = detail.get(field) else { continue };
            restored.look(field, &now, change, |value| match field {
                "dn" => read(value, &mut link.dn),
                "present" => read(value, &mut link.present),
                _ => read(value, &mut link.active),
            });
        }
    }
    restored
}

fn set(user: &mut User, field: &str, value: &Value) -> bool {
    match field {
        "given_name" => read(value, &mut user.given_name),
        "family_name" => read(value, &mut user.family_name),
        "display_name" => read(value, &mut user.display_name),
        "email" => read(value, &mut user.email),
        "locale" => read(value, &mut user.locale),
        "home_unit" => read(value, &mut user.home_unit),
        "units" => read(value, &mut user.units),
        other => {
            let Some(name) = other.strip_prefix("attributes.") else { return false };
            let mut values: Option<Vec<String>> = None;
            let fits = read(value, &mut values);
            match values {
                Some(values) => user.attributes.insert(name.to_owned(), values),
                None => user.attributes.remove(name),
            };
            fits
        }
    }
}

/// Puts back what a change wrote into a group.
pub fn of_group(detail: &Map<String, Value>, group: &mut Group) -> Restored {
    let mut restored = Restored::default();
    let fields = [("name", json!(group.name)), ("display_name", json!(group.display_name)), ("dn", json!(group.dn))];
    for (field, now) in fields {
        let Some(change) = detail.get(field) else { continue };
        restored.look(field, &now, change, |value| match field {
            "name" => read(value, &mut group.name),
            "display_name" => read(value, &mut group.display_name),
            _ => read(value, &mut group.dn),
        });
    }
    restored
}

fn read<T: DeserializeOwned>(value: &Value, into: &mut T) -> bool {
    match T::deserialize(value) {
        Ok(read) => {
            *into = read;
            true
        }
        Err(_) => false,
    }
}
