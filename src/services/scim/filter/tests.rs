//! What filters mean, over resources.

use serde_json::{Value, json};

use super::*;
use crate::services::scim::evaluate::evaluate;
use crate::services::scim::schema::{ENTERPRISE_URN, PASSERELLE_URN};

fn elodie() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "0199-AB", "externalId": "École-Jean", "userName": "Élodie.Lefèvre", "active": true, "title": "Maître",
        "name": {"familyName": "Lefèvre", "givenName": "Élodie"},
        "emails": [
            {"value": "elodie@iut.fr", "type": "work", "primary": true},
            {"value": "e.l@home.fr", "type": "home"}
        ],
        "meta": {"resourceType": "User", "lastModified": "2026-09-15T08:00:00Z"},
        ENTERPRISE_URN: {"department": "Chimie", "manager": {"value": "0199-CD"}},
        PASSERELLE_URN: {"units": ["GEA", "Chimie"]}
    })
}

fn holds(text: &str) -> bool {
    let filter = parse(Kind::User, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    evaluate(&filter, elodie().as_object().unwrap())
}

#[test]
fn what_holds() {
    for text in [
        r#"userName eq "élodie.LEFÈVRE""#,
        r#"USERNAME Eq "e\u0301lodie.lefèvre""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "él""#,
        r#"externalId eq "École-Jean""#,
        "active eq true",
        r#"active eq "True""#,
        "active ne false",
        "title pr",
        "nickName eq null",
        "title ne null",
        r#"nickName ne "x""#,
        r#"emails co "HOME""#,
        r#"emails.value ew ".fr""#,
        r#"emails[type eq "work" and value co "iut"]"#,
        r#"emails[type eq "work"].value eq "elodie@iut.fr""#,
        r#"emails[type eq "home"].primary ne true"#,
        r#"emails[not (type eq "work")]"#,
        r#"not (emails[type eq "other"])"#,
        "emails.primary eq true",
        "name pr and name.familyName gt \"leb\"",
        r#"name[givenName eq "élodie"]"#,
        r#"meta.lastModified ge "2026-09-15T10:00:00+02:00""#,
        r#"meta.lastModified lt "2026-09-15T08:00:00.001Z""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "chimie""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "0199-CD""#,
        r#"urn:passerelle:params:scim:schemas:extension:1.0:User:units eq "gea""#,
        r#"urn:passerelle:params:scim:schemas:extension:1.0:User:units[value sw "ch"]"#,
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        r#"userName eq "x" or active eq true and title co "aît""#,
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_does_not_hold() {
    for text in [
        r#"externalId eq "école-jean""#,
        r#"id eq "0199-ab""#,
        r#"emails[type eq "home" and value co "iut"]"#,
        r#"emails[type eq "home"].value eq "elodie@iut.fr""#,
        r#"emails.type ne "work""#,
        "nickName pr",
        r#"nickName lt "zzz""#,
        "title eq null",
        "emails.display pr",
        r#"name[familyName eq "x"]"#,
        r#"meta.lastModified gt "2026-09-15T08:00:00Z""#,
        r#"(userName eq "x" or active eq true) and title eq "x""#,
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_an_invalid_filter() {
    for text in [
        "active gt true",
        "active co \"tr\"",
        "active eq 1",
        "active eq \"perhaps\"",
        "userName eq true",
        "userName gt null",
        "shoeSize eq 44",
        "password eq \"x\"",
        "department eq \"x\"",
        "name eq \"x\"",
        "addresses co \"x\"",
        "emails.nope eq \"x\"",
        "emails[nope eq \"x\"]",
        "emails[type eq \"x\"].nope pr",
        "userName[value eq \"x\"]",
        "emails.value[value eq \"x\"]",
        "emails[emails[type pr]]",
        "meta.lastModified co \"2026\"",
        "meta.lastModified gt \"yesterday\"",
        "x509Certificates.value eq \"AAAA\"",
        "userName eq \"nul\\u0000\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr",
        "members pr",
    ] {
        let error = parse(Kind::User, text).unwrap_err();
        assert_eq!(error.scim_type, Some(crate::services::scim::error::ScimType::InvalidFilter), "{text}");
        assert_eq!(error.status, 400);
    }
}

#[test]
fn over_every_kind_what_only_others_have_is_false() {
    let group = json!({"displayName": "GEA", "meta": {"resourceType": "Group"}});
    let holds = |text: &str| evaluate(&parse_among_all(Kind::Group, text).unwrap(), group.as_object().unwrap());
    assert!(!holds(r#"userName eq "x""#));
    assert!(holds(r#"userName eq "x" or displayName eq "gea""#));
    assert!(!holds(r#"emails[type eq "work"]"#));
    assert!(holds(r#"meta.resourceType eq "Group""#));
    assert!(parse_among_all(Kind::Group, "shoeSize pr").is_err());
}

#[test]
fn a_comparison_that_is_turned_round_is_not_of_the_comparison() {
    let Filter::Not(inner) = parse(Kind::User, r#"userName ne "X""#).unwrap() else { panic!("not a contrary") };
    let Filter::Compare { attr, op, value } = *inner else { panic!("not a comparison") };
    assert_eq!((attr.key().as_str(), op, value), ("username", Op::Equal, Operand::Text("x".to_owned())));
}
