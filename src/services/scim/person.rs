//! What a User says of a person, in the gateway's own words. Who may be told what, and who else speaks of them, is not for here.

use std::collections::BTreeMap;

use connectors::mapping::Mapped;
use connectors::scim::FeedMapping;
use serde_json::{Map, Value};

use super::error::ScimError;
use super::resource_value::is_primary;
use super::schema::{ENTERPRISE_URN, PASSERELLE_URN};
use crate::store::establishment::statement::Stated;

/// What a canonical User states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The fields of the person.
    pub stated: Stated,
    /// Whether the person may sign in, which they may unless the feed says no.
    pub active: bool,
}

/// Reads a canonical User, some fields by a feed's own mapping.
///
/// # Errors
/// `invalidValue` for a value that cannot be kept.
pub fn stated_by(user: &Map<String, Value>, mapping: Option<&FeedMapping>) -> Result<Facts, ScimError> {
    let mut facts = stated(user);
    let Some(mapping) = mapping else { return Ok(facts) };
    let mapped = mapping.apply(&Value::Object(user.clone())).map_err(ScimError::invalid_value)?;
    let Mapped { given_name, family_name, display_name, email, locale, home_unit, units, mut attributes, .. } = mapped;
    let own_unit = user.get(PASSERELLE_URN).and_then(|inner| inner.get("homeUnit")).and_then(Value::as_str);
    let to = &mut facts.stated;
    for field in mapping.fields() {
        match field.as_str() {
            "given_name" => to.given_name.clone_from(&given_name),
            "family_name" => to.family_name.clone_from(&family_name),
            "display_name" => to.display_name = display_name.clone().unwrap_or_else(|| to.username.clone()),
            "email" => to.email.clone_from(&email),
            "locale" => to.locale.clone_from(&locale),
            "units" => to.units.clone_from(&units),
            "home_unit" => {}
            name => match attributes.remove(name) {
                Some(values) => drop(to.attributes.insert(name.to_owned(), values)),
                None => drop(to.attributes.remove(name)),
            },
        }
    }
    if mapping.names("home_unit") {
        to.home_unit = home_unit;
    } else if mapping.names("units") {
        to.home_unit = own_unit.map(ToOwned::to_owned).or_else(|| to.units.first().cloned());
    }
    Ok(facts)
}

/// Reads a canonical User.
pub fn stated(user: &Map<String, Value>) -> Facts {
    let text = |name: &str| text_of(user, name);
    let within = |outer: &str, name: &str| user.get(outer).and_then(Value::as_object).and_then(|inner| text_of(inner, name));
    let username = text("userName").unwrap_or_default();
    let (given_name, family_name) = (within("name", "givenName"), within("name", "familyName"));
    let whole_name = || match (&given_name, &family_name) {
        (None, None) => None,
        (given, family) => Some([given.as_deref(), family.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    };
    let display_name = text("displayName").or_else(|| within("name", "formatted")).or_else(whole_name).unwrap_or_else(|| username.clone());
    let department = within(ENTERPRISE_URN, "department");
    let mut units = values(user.get(PASSERELLE_URN).and_then(|inner| inner.get("units")));
    // Entra ID and Okta know departments, and nothing of our extension.
    if units.is_empty() {
        units.extend(department.clone());
    }
    let home_unit = within(PASSERELLE_URN, "homeUnit").or_else(|| units.first().cloned());
    Facts {
        stated: Stated {
            email: email(user),
            locale: text("preferredLanguage").or_else(|| text("locale")).and_then(|languages| first_language(&languages)),
            attributes: attributes(user),
            username,
            given_name,
            family_name,
            display_name,
            home_unit,
            units,
        },
        active: user.get("active").and_then(Value::as_bool).unwrap_or(true),
    }
}

/// The address to write to: the primary one, or that of work, or the first.
fn email(user: &Map<String, Value>) -> Option<String> {
    let emails: Vec<&Value> = user.get("emails").and_then(Value::as_array).into_iter().flatten().collect();
    let is_work = |item: &&&Value| item.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let chosen = emails.iter().find(|item| is_primary(item)).or_else(|| emails.iter().find(is_work)).or_else(|| emails.first())?;
    chosen.get("value").and_then(Value::as_str).map(ToOwned::to_owned)
}

/// The first of the languages that `Accept-Language` lists (RFC 7643 §4.1.1), as a tag of BCP 47: `fr_FR;q=0.8, en` → `fr-FR`.
fn first_language(languages: &str) -> Option<String> {
    let first = languages.split(',').next().and_then(|first| first.split(';').next())?;
    Some(first.trim().replace('_', "-")).filter(|tag| !tag.is_empty() && tag != "*")
}

/// What rules may ask of besides: what the person is, not how to reach them.
fn attributes(user: &Map<String, Value>) -> BTreeMap<String, Vec<String>> {
    let own = ["title", "userType", "nickName", "timezone", "entitlements", "roles"].map(|name| (name, user.get(name)));
    let enterprise = ["employeeNumber", "costCenter", "organization", "division", "department", "manager"];
    let enterprise = enterprise.map(|name| (name, user.get(ENTERPRISE_URN).and_then(|inner| inner.get(name))));
    let school = [("uai", user.get(PASSERELLE_URN).and_then(|inner| inner.get("uai")))];
    let all = own.into_iter().chain(enterprise).chain(school);
    all.map(|(name, value)| (name.to_owned(), values(value))).filter(|(_, values)| !values.is_empty()).collect()
}

/// The texts of an attribute: its own, or those in `value`.
fn values(value: Option<&Value>) -> Vec<String> {
    let text = |one: &Value| one.as_str().or_else(|| one.get("value").and_then(Value::as_str)).map(ToOwned::to_owned);
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        Some(one) => text(one).into_iter().collect(),
    }
}

fn text_of(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(user: &Value) -> Facts {
        stated(user.as_object().unwrap())
    }

    #[test]
    fn a_full_user_is_told_in_our_words() {
        let facts = read(&json!({
            "userName": "elodie", "displayName": "Élodie L.", "active": false, "preferredLanguage": "fr_FR;q=0.8, en", "title": "Maître",
            "name": {"givenName": "Élodie", "familyName": "Lefèvre"},
            "emails": [{"value": "home@x.fr"}, {"value": "work@x.fr", "type": "Work"}],
            "roles": [{"value": "teacher"}, {"value": "tutor"}],
            ENTERPRISE_URN: {"department": "Chimie", "manager": {"value": "7"}},
            PASSERELLE_URN: {"units": ["GEA", "Chimie"], "homeUnit": "Chimie", "uai": "0751717J"}
        }));
        assert!(!facts.active);
        let stated = facts.stated;
        assert_eq!((stated.username.as_str(), stated.display_name.as_str()), ("elodie", "Élodie L."));
        assert_eq!((stated.email.as_deref(), stated.locale.as_deref()), (Some("work@x.fr"), Some("fr-FR")));
        assert_eq!((stated.home_unit.as_deref(), stated.units), (Some("Chimie"), vec!["GEA".to_owned(), "Chimie".to_owned()]));
        assert_eq!(stated.attributes.get("roles"), Some(&vec!["teacher".to_owned(), "tutor".to_owned()]));
        assert_eq!(stated.attributes.get("manager"), Some(&vec!["7".to_owned()]));
        assert_eq!(stated.attributes.get("uai"), Some(&vec!["0751717J".to_owned()]));
    }

    #[test]
    fn a_mapping_goes_over_what_is_usual() {
        let user = json!({
            "userName": "elodie", "displayName": "É", "emails": [{"value": "a@x.fr"}], "title": "Maître", "locale": "fr",
            ENTERPRISE_URN: {"department": "Chimie", "division": "GEA", "costCenter": "0751717J"}
        });
        let usual = read(&user);
        let by = |mapping: Value| {
            let mapping = FeedMapping::parse(&json!({ "mapping": mapping })).unwrap();
            stated_by(user.as_object().unwrap(), mapping.as_ref()).unwrap().stated
        };
        assert_eq!(by(json!({})), usual.stated);
        let mapped = by(json!({
            "units": format!("{ENTERPRISE_URN}:division"), "uai": format!("{ENTERPRISE_URN}:costCenter"), "title": "", "email": "", "display_name": "nickName",
        }));
        assert_eq!((mapped.units, mapped.home_unit.as_deref()), (vec!["GEA".to_owned()], Some("GEA")));
        assert_eq!((mapped.attributes.get("uai"), mapped.attributes.get("title")), (Some(&vec!["0751717J".to_owned()]), None));
        assert_eq!((mapped.email, mapped.display_name.as_str(), mapped.locale.as_deref()), (None, "elodie", Some("fr")));
        let housed = by(json!({ "home_unit": format!("{ENTERPRISE_URN}:division") }));
        assert_eq!((housed.units, housed.home_unit.as_deref()), (vec!["Chimie".to_owned()], Some("GEA")));
    }

    #[test]
    fn a_bare_user_is_active_and_shown_by_what_there_is() {
        let facts = read(&json!({"userName": "x"}));
        assert!(facts.active);
        assert_eq!(facts.stated.display_name, "x");
        assert_eq!(
            read(&json!({"userName": "x", "name": {"familyName": "Lefèvre", "givenName": "Élodie"}})).stated.display_name,
            "Élodie Lefèvre"
        );
        let department = read(&json!({"userName": "x", ENTERPRISE_URN: {"department": "Chimie"}})).stated;
        assert_eq!((department.units, department.home_unit.as_deref()), (vec!["Chimie".to_owned()], Some("Chimie")));
    }
}
