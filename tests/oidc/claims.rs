//! Claims by scope, and claim shapes.

use passerelle::services::oidc::claim_shape::ClaimShape;
use passerelle::services::oidc::claims::{ClaimFacts, EstablishmentFacts, PersonFacts, RoleFacts, released, user_info};
use passerelle::types::locale::Locale;
use passerelle::types::oauth_scope::OauthScope;
use passerelle::types::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn role(role: &str, scope: Option<&str>, until: Option<i64>) -> RoleFacts {
    RoleFacts { role: role.into(), scope: scope.map(str::to_owned), until: until.map(Timestamp::from_seconds) }
}

fn facts() -> ClaimFacts {
    let attributes = json!({ "employeeNumber": "00421", "affiliation": ["member", "teacher"], "note": "", "site": ["Évry"] });
    ClaimFacts {
        person: PersonFacts {
            subject: "s1".into(),
            username: "elefevre".into(),
            given_name: Some("Élise".into()),
            family_name: Some("Lefèvre".into()),
            display_name: None,
            email: Some("elise@example.fr".into()),
            email_verified: false,
            locale: Some(Locale::Fr),
            updated_at: Timestamp::from_seconds(1_789_459_200),
            attributes: attributes.as_object().unwrap().clone(),
        },
        groups: vec!["x-teachers".into(), "club".into(), "X-rt".into(), "club".into()],
        roles: vec![role("Ens", Some("RT"), Some(1_789_459_200)), role("Admin", None, None), role("Ens", Some("GEA"), None)],
        establishment: EstablishmentFacts { slug: "iut".into(), name: "IUT d’Évry".into(), uai: None },
    }
}

fn shaped(shape: &Value) -> Value {
    let shape = ClaimShape::parse(&json!({ "claims": shape })).unwrap();
    Value::Object(released(&facts(), &OauthScope::parse("openid"), &shape))
}

#[test]
fn each_scope_releases_its_claims() {
    let all = user_info(&facts(), &OauthScope::parse("openid profile email groups roles establishment"), &ClaimShape::default());
    let expected = json!({
        "sub": "s1", "name": "Élise Lefèvre", "given_name": "Élise", "family_name": "Lefèvre", "preferred_username": "elefevre", "locale": "fr",
        "updated_at": 1_789_459_200, "email": "elise@example.fr", "email_verified": false,
        "groups": ["X-rt", "club", "x-teachers"],
        "roles": ["Admin", "Ens_GEA", "Ens_RT"],
        "assignments": [{ "role": "Admin" }, { "role": "Ens", "scope": "GEA" }, { "role": "Ens", "scope": "RT", "until": "2026-09-15T08:00:00Z" }],
        "establishment": { "slug": "iut", "name": "IUT d’Évry" },
    });
    assert_eq!(Value::Object(all), expected);
    assert_eq!(Value::Object(user_info(&facts(), &OauthScope::parse("openid"), &ClaimShape::default())), json!({ "sub": "s1" }));
}

#[test]
fn nothing_null_or_empty_goes_out() {
    let bare = ClaimFacts {
        person: PersonFacts { subject: "s".into(), username: "u".into(), given_name: Some(String::new()), ..PersonFacts::default() },
        ..ClaimFacts::default()
    };
    let claims = released(&bare, &OauthScope::parse("profile email groups roles"), &ClaimShape::default());
    assert_eq!(Value::Object(claims), json!({ "preferred_username": "u", "updated_at": 0 }));
}

#[test]
fn shapes_rename_cast_filter_prefix_and_pick() {
    let made = shaped(&json!({
        "role": { "from": "roles", "matching": "ens_.*", "pick": "first" },
        "id": { "from": "attributes.employeeNumber", "cast": "integer" },
        "groups": { "from": "groups", "matching": "x-.*", "prefix": "p-" },
        "teams": { "from": "groups", "matching": "x-(?<team>.+)", "template": "{establishment.slug}/{team}" },
        "display": { "template": "{family_name}, {given_name} {{{username}}}" },
        "grafana": { "from": "role_names", "map": { "Admin": "GrafanaAdmin", "Ens": "Editor" }, "pick": "first" },
        "level": { "value": 3 },
        "all": { "from": "role_scopes", "join": " " },
        "https://example.fr/claims/site": { "from": "attributes.site", "pick": "last" },
    }));
    let expected = json!({
        "role": "Ens_GEA", "id": 421, "groups": ["p-X-rt", "p-x-teachers"], "teams": ["iut/rt", "iut/teachers"],
        "display": "Lefèvre, Élise {elefevre}", "grafana": "GrafanaAdmin", "level": 3, "all": "GEA RT",
        "https://example.fr/claims/site": "Évry",
    });
    assert_eq!(made, expected);
}

#[test]
fn what_is_missing_takes_the_default_or_is_left_out() {
    let made = shaped(&json!({
        "id": { "from": "attributes.badge", "cast": "integer", "default": 0 },
        "none": { "from": "attributes.badge" },
        "odd": { "from": "username", "cast": "integer" },
        "blank": { "from": "attributes.note" },
        "optional": { "from": "groups", "matching": "club(?<rest>.*)", "template": "{rest}" },
        "half": { "template": "{given_name} {attributes.badge}" },
        "role": { "from": "roles", "matching": "nothing", "pick": "first", "default": "Viewer" },
    }));
    assert_eq!(made, json!({ "id": 0, "role": "Viewer" }));
}

#[test]
fn null_takes_a_claim_away_and_scope_holds_one_back() {
    let shape = json!({ "claims": { "email": null, "badge": { "from": "attributes.employeeNumber", "scope": "profile" } } });
    let shape = ClaimShape::parse(&shape).unwrap();
    let email = released(&facts(), &OauthScope::parse("openid email"), &shape);
    assert_eq!(Value::Object(email), json!({ "email_verified": false }));
    assert_eq!(released(&facts(), &OauthScope::parse("profile"), &shape)["badge"], "00421");
}

#[test]
fn a_clients_shape_goes_over_its_applications() {
    let application = ClaimShape::parse(&json!({ "claims": { "a": { "value": 1 }, "b": { "value": 1 } } })).unwrap();
    let client = ClaimShape::parse(&json!({ "claims": { "b": { "value": 2 } } })).unwrap();
    let made = released(&facts(), &OauthScope::default(), &application.overlaid(client));
    assert_eq!(Value::Object(made), json!({ "a": 1, "b": 2 }));
}

#[test]
fn careless_and_hostile_shapes_are_refused_with_the_reason() {
    let huge: serde_json::Map<_, _> = (0..51).map(|i| (format!("c{i}"), json!({ "value": 1 }))).collect();
    for (shape, field, word) in [
        (json!([]), "claim_shape", "object"),
        (json!({ "claim": {} }), "claim_shape", "claim"),
        (json!({ "claims": { "sub": { "value": "admin" } } }), "claim_shape.claims.sub", "protocol"),
        (json!({ "claims": { "aud": null } }), "claim_shape.claims.aud", "protocol"),
        (json!({ "claims": { "x": { "from": "password" } } }), "claim_shape.claims.x", "password"),
        (json!({ "claims": { "x": {} } }), "claim_shape.claims.x", "one of"),
        (json!({ "claims": { "x": { "from": "name", "value": 1 } } }), "claim_shape.claims.x", "one of"),
        (json!({ "claims": { "x": { "from": "name", "matching": "(" } } }), "claim_shape.claims.x", "compile"),
        (json!({ "claims": { "x": { "from": "name", "matching": "(a{1000}){1000}" } } }), "claim_shape.claims.x", "compile"),
        (json!({ "claims": { "x": { "template": "{secret}" } } }), "claim_shape.claims.x", "secret"),
        (json!({ "claims": { "x": { "template": "{name" } } }), "claim_shape.claims.x", "brace"),
        (json!({ "claims": { "x": { "from": "name", "pick": "third" } } }), "claim_shape.claims.x", "third"),
        (json!({ "claims": { "x": { "from": "name", "exec": "rm" } } }), "claim_shape.claims.x", "exec"),
        (json!({ "claims": { "x": { "value": { "deep": 1 } } } }), "claim_shape.claims.x", "list"),
        (json!({ "claims": huge }), "claim_shape.claims", "50"),
    ] {
        let refused = ClaimShape::parse(&shape).unwrap_err();
        assert!(refused.field == field && refused.message.contains(word), "{shape}: {refused}");
    }
}

/// Rules made of known and unknown words: most are refused, and those accepted must behave.
fn any_rule() -> impl Strategy<Value = Value> {
    let from = prop::sample::select(vec![
        "groups",
        "roles",
        "name",
        "attributes.affiliation",
        "updated_at",
        "assignments",
        "establishment",
        "odd",
    ]);
    let template = "[a-z{}]{0,12}";
    let matching = prop::sample::select(vec![".*", "x-(?<t>.*)", "(", "[a-z]+"]);
    let (pick, cast) = (prop::sample::select(vec!["first", "last", "odd"]), prop::sample::select(vec!["string", "integer", "boolean"]));
    (from, prop::option::of(template), prop::option::of(matching), prop::option::of(pick), prop::option::of(cast)).prop_map(
        |(from, template, matching, pick, cast)| {
            let mut rule = json!({ "from": from });
            let optional = [
                ("template", template),
                ("matching", matching.map(Into::into)),
                ("pick", pick.map(Into::into)),
                ("cast", cast.map(Into::into)),
            ];
            for (name, value) in optional {
                if let Some(value) = value {
                    rule[name] = Value::from(value);
                }
            }
            rule
        },
    )
}

proptest! {
    #[test]
    fn no_shape_gives_an_empty_claim_or_changes_the_subject(name in "[a-z]{1,4}|sub|iss|aud|exp", rule in any_rule()) {
        let mut claims = serde_json::Map::new();
        claims.insert(name, rule);
        if let Ok(shape) = ClaimShape::parse(&json!({ "claims": claims })) {
            let made = user_info(&facts(), &OauthScope::parse("openid profile groups roles"), &shape);
            prop_assert_eq!(&made["sub"], "s1");
            prop_assert!(!["iss", "aud", "exp"].iter().any(|reserved| made.contains_key(*reserved)));
            let hollow = [Value::Null, json!(""), json!([]), Value::Object(serde_json::Map::new())];
            prop_assert!(!made.values().any(|v| hollow.contains(v)));
        }
    }
}
