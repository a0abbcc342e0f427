//! Tests of what is written of a person.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use super::*;
use crate::store::establishment::user::UserStatus;
use crate::types::id::UserId;
use crate::types::time::Timestamp;

fn person() -> User {
    User {
        id: UserId::from(uuid::Uuid::nil()),
        username: "ejean".to_owned(),
        given_name: Some("Élodie".to_owned()),
        family_name: Some("École-Jean".to_owned()),
        display_name: "Élodie École-Jean".to_owned(),
        email: Some("ejean@exemple.fr".to_owned()),
        locale: None,
        status: UserStatus::Active,
        disabled_by: None,
        home_unit: Some("rt".to_owned()),
        units: vec!["rt".to_owned(), "info".to_owned()],
        attributes: BTreeMap::from([("phone".to_owned(), vec!["01".to_owned(), "02".to_owned()])]),
        last_sign_in_at: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        erased_at: None,
    }
}

fn mapping(pairs: &[(&str, &str)]) -> Result<Mapping, Vec<Invalid>> {
    Mapping::parse(&pairs.iter().map(|(path, template)| ((*path).to_owned(), (*template).to_owned())).collect())
}

fn account(mapping: &Mapping, active: bool) -> Value {
    let roles = ["chef".to_owned(), "membre".to_owned()];
    mapping.account(Facts { user: &person(), roles: &roles }, active)
}

#[test]
fn the_usual_mapping_writes_an_account_of_the_core_schema() {
    let usual = Mapping::parse(&usual()).unwrap();
    let wanted = json!({
        "schemas": [USER], "userName": "ejean", "externalId": "00000000-0000-0000-0000-000000000000", "active": true,
        "displayName": "Élodie École-Jean", "name": { "givenName": "Élodie", "familyName": "École-Jean" },
        "emails": [{ "value": "ejean@exemple.fr", "type": "work", "primary": true }],
        "roles": [{ "value": "chef" }, { "value": "membre" }],
    });
    assert_eq!(account(&usual, true), wanted, "an empty locale is left out");
}

#[test]
fn templates_fill_in_extensions_lists_and_texts() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let division = format!("{ENTERPRISE}:division");
    let pairs = [
        ("userName", "{username}@exemple.fr"),
        (division.as_str(), "{home_unit}"),
        ("phoneNumbers", "{attributes.phone}"),
        ("title", "{attributes.none}"),
    ];
    let made = account(&mapping(&pairs).unwrap(), false);
    assert_eq!(made["userName"], "ejean@exemple.fr");
    assert_eq!(made[ENTERPRISE]["division"], "rt");
    assert_eq!(made["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(made["phoneNumbers"].as_array().unwrap().len(), 2);
    assert_eq!((made.get("title"), made["active"].as_bool()), (None, Some(false)));
}

#[test]
fn what_cannot_be_written_is_refused_with_its_place() {
    for (path, template) in [
        ("userName", "{user"),
        ("userName", "user}"),
        ("userName", "{password}"),
        ("password", "{username}"),
        ("id", "{id}"),
        ("active", "true"),
        ("name.nick", "{username}"),
        ("emails[0]", "{email}"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "{username}"),
    ] {
        let wrong = mapping(&[("userName", "{username}"), (path, template)]).unwrap_err();
        assert_eq!(wrong.len(), 1, "{path} {template}: {wrong:?}");
        assert!(wrong[0].field.contains(path), "{wrong:?}");
    }
    assert!(mapping(&[("title", "{username}")]).unwrap_err()[0].field.contains("userName"));
}

#[test]
fn differences_pass_over_letter_case_texts_for_booleans_and_what_is_not_written() {
    let usual = Mapping::parse(&usual()).unwrap();
    let wanted = account(&usual, true);
    let mut there = wanted.clone();
    there["userName"] = json!("EJean");
    there["active"] = json!("True");
    there["nickName"] = json!("Lolo");
    there["emails"] = json!([{ "value": "EJEAN@exemple.fr", "type": "home" }]);
    there["preferredLanguage"] = json!("");
    assert!(usual.differences(&there, &wanted).is_empty());
    there["displayName"] = json!("Elodie");
    there["name"]["familyName"] = Value::Null;
    there["roles"] = json!([{ "value": "chef" }]);
    let found = usual.differences(&there, &wanted);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["displayName", "name.familyName", "roles"]);
    let put = replaced(&there, &found);
    assert!(usual.differences(&put, &wanted).is_empty());
    assert_eq!(put["nickName"], "Lolo", "what the application keeps for itself stays");
    assert!(put.get("meta").is_none());
}

#[test]
fn operations_replace_what_differs_and_remove_what_is_not_to_be() {
    let usual = Mapping::parse(&usual()).unwrap();
    let wanted = account(&usual, true);
    let mut there = wanted.clone();
    there["preferredLanguage"] = json!("fr");
    there["active"] = json!(false);
    let changed = operations(&usual.differences(&there, &wanted));
    assert_eq!(
        changed,
        [json!({ "op": "replace", "path": "active", "value": true }), json!({ "op": "remove", "path": "preferredLanguage" })]
    );
}

#[test]
fn addresses_and_numbers_of_several_kinds_make_one_list() {
    let pairs = [
        ("userName", "{username}"),
        ("emails", "{attributes.none}"),
        ("emails.home", "{username}@maison.fr"),
        ("emails.other", "{email}"),
        ("emails.work", "{email}"),
        ("phoneNumbers.mobile", "{attributes.phone}"),
    ];
    let many = mapping(&pairs).unwrap();
    let wanted = account(&many, true);
    let work = json!({ "value": "ejean@exemple.fr", "type": "work", "primary": true });
    let home = json!({ "value": "ejean@maison.fr", "type": "home", "primary": false });
    assert_eq!(wanted["emails"], json!([work, home]), "the same address is not written twice");
    assert_eq!(wanted["phoneNumbers"], json!([{ "value": "01", "type": "mobile" }, { "value": "02", "type": "mobile" }]));
    assert!(many.differences(&wanted, &wanted).is_empty());
    let mut there = wanted.clone();
    there["emails"][1]["type"] = json!("work");
    assert_eq!(many.differences(&there, &wanted).keys().collect::<Vec<_>>(), ["emails"]);
    there["emails"] = json!([{ "value": "EJEAN@maison.fr", "type": "home" }]);
    assert_eq!(many.differences(&there, &wanted)["emails"].wanted, wanted["emails"]);
    let only = mapping(&[("userName", "{username}"), ("emails.home", "{email}")]).unwrap();
    assert_eq!(account(&only, true)["emails"], json!([{ "value": "ejean@exemple.fr", "type": "home", "primary": true }]));
    for path in ["emails.maison", "emails.", "roles.work", "phoneNumbers.Work"] {
        assert!(mapping(&[("userName", "{username}"), (path, "{email}")]).is_err(), "{path}");
    }
}
