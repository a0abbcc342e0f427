//! SCIM resources become records (RFC 7643 §4): users people, groups groups. Pure: asks nobody.

use serde_json::Value;

use super::path::{self, Path, member};
use super::place::{ID_BYTES_MAX, place};
use super::settings::Settings;
use crate::mapping::{Mapping, Traced};
use crate::record::{Group, Kind, Member, Person, Record, Unreadable, regular};

/// The `id` of a resource.
pub(super) fn id(resource: &Value) -> Option<String> {
    let id = member(resource, "id").and_then(path::text)?;
    (!id.is_empty() && id.len() <= ID_BYTES_MAX && !id.contains('\0')).then_some(id)
}

/// Makes a record of a resource.
pub(super) fn record(settings: &Settings, kind: Kind, resource: &Value) -> Record {
    let Some(id) = id(resource) else {
        let reason = format!("id: missing, or no text of at most {ID_BYTES_MAX} bytes");
        return Record::Unreadable(Unreadable { dn: None, external_id: None, kind, reason });
    };
    let made = match kind {
        Kind::Person => person(settings, &id, resource).map(Record::Person),
        Kind::Group => group(&id, resource).map(Record::Group),
    };
    made.unwrap_or_else(|reason| {
        let (dn, _) = place(kind, &id);
        Record::Unreadable(Unreadable { dn: Some(dn), external_id: Some(id), kind, reason })
    })
}

/// How the fields of a person come about.
pub(super) fn trace(settings: &Settings, resource: &Value) -> Vec<Traced> {
    settings.mapping.trace(&values(&settings.paths, &settings.mapping, resource).unwrap_or_default())
}

/// The values behind each path of a mapping, regular.
pub(super) fn values(paths: &[Path], mapping: &Mapping, resource: &Value) -> Result<Vec<Vec<String>>, String> {
    let names = mapping.names().iter();
    paths.iter().zip(names).map(|(path, name)| path.texts(resource).iter().filter_map(|text| storable(name, text)).collect()).collect()
}

/// A regular text; no store keeps the NUL character, and a value without it would be another value.
fn storable(name: &str, text: &str) -> Option<Result<String, String>> {
    if text.contains('\0') {
        return Some(Err(format!("{name}: a value holds the NUL character (U+0000)")));
    }
    regular(text).map(|text| Ok(text.into_owned()))
}

fn person(settings: &Settings, id: &str, resource: &Value) -> Result<Person, String> {
    let active = match member(resource, "active") {
        None => true,
        Some(Value::Bool(active)) => *active,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err("active: neither true nor false".to_owned()),
    };
    let mapped = settings.mapping.apply(&values(&settings.paths, &settings.mapping, resource)?);
    let username = mapped.username.ok_or_else(|| format!("{}: no login name", settings.mapping.username_attributes()))?;
    let (dn, dn_key) = place(Kind::Person, id);
    Ok(Person {
        external_id: id.to_owned(),
        dn,
        dn_key,
        display_name: mapped.display_name.unwrap_or_else(|| username.clone()),
        username,
        given_name: mapped.given_name,
        family_name: mapped.family_name,
        email: mapped.email,
        locale: mapped.locale,
        active,
        inactive_reason: (!active).then(|| "active: false".to_owned()),
        opens: None,
        closes: None,
        home_unit: mapped.home_unit,
        units: mapped.units,
        attributes: mapped.attributes,
    })
}

fn group(id: &str, resource: &Value) -> Result<Group, String> {
    let name = member(resource, "displayName").and_then(path::text).and_then(|text| storable("displayName", &text)).transpose()?;
    let name = name.ok_or("displayName: no name")?;
    let mut members = match member(resource, "members") {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(members_of).collect::<Result<Vec<_>, String>>()?.concat(),
        Some(_) => return Err("members: no list".to_owned()),
    };
    members.sort_unstable();
    members.dedup();
    let (dn, dn_key) = place(Kind::Group, id);
    Ok(Group { external_id: id.to_owned(), dn, dn_key, name, display_name: None, members })
}

/// Who a member is. Services that do not say which kind it is have one `id` for one resource (RFC 7643 §3.1), so that it is looked for among
/// both and found among one.
fn members_of(member_of: &Value) -> Result<Vec<Member>, String> {
    let id = match member_of {
        Value::Object(_) => member(member_of, "value").and_then(path::text),
        bare => path::text(bare),
    };
    let id = id.filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX).ok_or("members: one of them has no `value`")?;
    let kind = member(member_of, "type").and_then(Value::as_str).and_then(kind_by_name);
    let kind = kind.or_else(|| member(member_of, "$ref").and_then(Value::as_str).and_then(kind_by_address));
    let named = |kind| Member::Dn(place(kind, &id).1);
    Ok(kind.map_or_else(|| vec![named(Kind::Person), named(Kind::Group)], |kind| vec![named(kind)]))
}

fn kind_by_name(name: &str) -> Option<Kind> {
    match name.to_ascii_lowercase().as_str() {
        "user" | "users" => Some(Kind::Person),
        "group" | "groups" => Some(Kind::Group),
        _ => None,
    }
}

/// By the folder that the address of a member lies in: `…/Users/2819c223`.
fn kind_by_address(address: &str) -> Option<Kind> {
    kind_by_name(address.trim_end_matches('/').rsplit('/').nth(1)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{Settings, record};
    use crate::record::{Group, Kind, Member, Person, Record};
    use serde_json::{Value, json};

    fn settings() -> Settings {
        Settings::parse(&json!({"url": "https://a.test/v2"})).unwrap()
    }

    fn person(resource: &Value) -> Person {
        let Record::Person(person) = record(&settings(), Kind::Person, resource) else { panic!("{resource}") };
        person
    }

    fn refused(kind: Kind, resource: &Value) -> String {
        let Record::Unreadable(entry) = record(&settings(), kind, resource) else { panic!("{resource}") };
        entry.reason
    }

    #[test]
    fn a_user_of_rfc_7643_becomes_a_person() {
        let anne = person(&json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "2819c223", "externalId": "701984", "userName": "anne@acad-test.fr",
            "name": {"formatted": "Mme Anne Noe\u{308}l", "familyName": " Noe\u{308}l", "givenName": "Anne"}, "active": true,
            "emails": [{"value": "anne@home.test", "type": "home"}, {"value": "anne@work.test", "type": "work"}],
            "roles": [{"value": "teacher"}, {"value": "tutor"}], "preferredLanguage": "fr-FR", "groups": [{"value": "1"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "RT", "employeeNumber": "77"},
            "meta": {"resourceType": "User"}
        }));
        assert_eq!((anne.external_id.as_str(), anne.dn_key.as_str()), ("2819c223", "uid=2819c223,ou=users"));
        assert_eq!((anne.username.as_str(), anne.display_name.as_str()), ("anne@acad-test.fr", "Mme Anne Noël"));
        assert_eq!((anne.given_name.as_deref(), anne.family_name.as_deref()), (Some("Anne"), Some("Noël")));
        assert_eq!((anne.email.as_deref(), anne.locale.as_deref()), (Some("anne@work.test"), Some("fr-FR")));
        assert_eq!((anne.home_unit.as_deref(), anne.units.as_slice()), (Some("RT"), ["RT".to_owned()].as_slice()));
        assert_eq!((anne.active, anne.attributes.get("roles").map(Vec::len)), (true, Some(2)));
        assert_eq!(anne.attributes.get("employeeNumber").unwrap(), &["77".to_owned()]);
    }

    #[test]
    fn an_account_is_closed_by_active_alone_in_either_spelling() {
        let active = |value: Value| person(&json!({"id": "1", "userName": "a", "active": value})).active;
        assert_eq!([active(json!(false)), active(json!("False")), active(json!("TRUE")), active(Value::Null)], [false, false, true, true]);
    }

    #[test]
    fn a_resource_that_cannot_be_used_says_why() {
        assert!(refused(Kind::Person, &json!({"userName": "a"})).starts_with("id: missing"));
        assert!(refused(Kind::Person, &json!({"id": "x".repeat(300), "userName": "a"})).starts_with("id: missing"));
        assert_eq!(refused(Kind::Person, &json!({"id": "1"})), "userName: no login name");
        assert_eq!(refused(Kind::Person, &json!({"id": "1", "userName": "a", "active": 3})), "active: neither true nor false");
        assert_eq!(
            refused(Kind::Person, &json!({"id": "1", "userName": "a", "title": "\u{0}"})),
            "title: a value holds the NUL character (U+0000)"
        );
        assert_eq!(refused(Kind::Person, &json!("text")), "id: missing, or no text of at most 256 bytes");
        assert_eq!(refused(Kind::Group, &json!({"id": "1"})), "displayName: no name");
        assert_eq!(refused(Kind::Group, &json!({"id": "1", "displayName": "g", "members": "2"})), "members: no list");
        assert_eq!(refused(Kind::Group, &json!({"id": "1", "displayName": "g", "members": [{}]})), "members: one of them has no `value`");
    }

    #[test]
    fn members_are_people_or_groups_by_their_type_or_their_address() {
        let resource = json!({"id": 7, "displayName": "RT", "members": [
            {"value": "a", "type": "User"}, {"value": "b", "type": "group"}, {"value": "c", "$ref": "https://a.test/v2/Users/c"},
            {"value": "d", "$ref": "../Groups/d"}, {"value": "a", "type": "User"}, {"value": "e"}
        ]});
        let Record::Group(Group { external_id, members, .. }) = record(&settings(), Kind::Group, &resource) else { panic!() };
        let at = |branch: &str, id: &str| Member::Dn(format!("uid={id},ou={branch}"));
        let wanted = [at("users", "a"), at("groups", "b"), at("users", "c"), at("groups", "d"), at("users", "e"), at("groups", "e")];
        assert_eq!(external_id, "7");
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(members, wanted);
    }
}
