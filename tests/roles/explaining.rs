//! Why someone holds a role, and why not.

use passerelle::services::clients::{self, ClientFields};
use passerelle::services::error::Error;
use passerelle::services::explanations::{self, Question, Refused, Told};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::{Decider, RuleFields, explain, rules};
use passerelle::services::users;
use serde_json::json;

use super::school::{School, rule};

async fn school() -> School {
    let groups: [(&str, &[&str], &[&str]); 3] = [("ens-RT", &["a"], &[]), ("dept-RT", &[], &["ens-RT"]), ("secr-GEA", &["b"], &[])];
    let school = School::new(&["a", "b"], &groups).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    school
}

#[tokio::test]
async fn an_explanation_walks_from_the_entry_to_the_role() {
    let school = school().await;
    let made = school.rule("scodoc", "dept-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let told = explain(&school.ctx, school.people["a"], Some("scodoc"), None).await.unwrap();
    let only = &told.assignments[0];
    assert_eq!((only.role.as_str(), only.scope.as_str(), only.rule, only.counts), ("Ens", "RT", Some(made.id), true));
    let kinds: Vec<&str> = only.path.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(kinds, ["entry", "group", "group", "rule", "capture", "role"]);
    assert!(told.nearest_misses.is_empty());
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["assignments"][0]["path"][3]["name"], "group dept-(?<unit>.+) → Ens @ {unit}");
    assert_eq!(json["assignments"][0]["origin"], "rule");
}

#[tokio::test]
async fn misses_name_the_condition_and_the_closest_value() {
    let school = school().await;
    let when = r#"[{"group": "ens-(?<unit>.+)"}, {"attribute": "email", "matches": ".*@ailleurs\\.fr"}]"#;
    let far = school.rule("scodoc", when, "Ens", Some("{unit}")).await;
    let near = school.rule("scodoc", "secr-RT", "Secr", None).await;
    let not = school.rule("scodoc", r#"[{"unit": ".*"}, {"group": "secr-.*", "not": true}]"#, "Admin", None).await;
    let told = explain(&school.ctx, school.people["b"], Some("scodoc"), None).await.unwrap();
    assert!(told.assignments.is_empty());
    let misses: Vec<_> = told.nearest_misses.iter().map(|m| (m.rule, m.failed_condition.as_str(), m.value.as_deref())).collect();
    let wanted = [
        (near.id, "group secr-RT", Some("secr-GEA")),
        (far.id, "group ens-(?<unit>.+)", Some("secr-GEA")),
        (far.id, r"attribute email matches .*@ailleurs\.fr", Some("b@univ-test.fr")),
        (not.id, "unit .*", None),
        (not.id, "not group secr-.*", Some("secr-GEA")),
    ];
    assert_eq!(misses, wanted);
    let one_role = explain(&school.ctx, school.people["b"], None, Some("Secr")).await.unwrap();
    assert_eq!(one_role.nearest_misses.len(), 1);
    assert!(matches!(explain(&school.ctx, school.people["b"], Some("ailleurs"), None).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_rule_whose_conditions_hold_tells_why_it_still_gives_nothing() {
    let school = school().await;
    school.rule("omenori", "ens-RT", "PT", None).await;
    let stronger = school.rule("omenori", "dept-RT", "RC", None).await;
    school.rule("scodoc", "ens-(?<role>.+)", "{role}", None).await;
    let told = explain(&school.ctx, school.people["a"], None, None).await.unwrap();
    let misses: Vec<_> = told.nearest_misses.iter().map(|m| (m.failed_condition.as_str(), m.value.as_deref())).collect();
    assert_eq!(misses, [("no stronger role is held", Some("PT")), ("the role is in the catalogue of scodoc", Some("RT"))]);
    assert_eq!(told.assignments[0].rule, Some(stronger.id));
    users::disable(&school.ctx, school.people["a"]).await.unwrap();
    let told = explain(&school.ctx, school.people["a"], Some("omenori"), None).await.unwrap();
    assert!(told.assignments.is_empty());
    assert!(told.nearest_misses.iter().all(|m| m.failed_condition == "the person is active" && m.value.as_deref() == Some("disabled")));
}

#[tokio::test]
async fn a_role_given_by_hand_shows_its_words_and_whether_it_counts() {
    let school = school().await;
    school.rule("omenori", "ens-RT", "RC", None).await;
    let given = NewAssignment { reason: Some("remplacement".to_owned()), ..super::assigning::new(school.people["a"], "omenori", "PT") };
    assignments::add(&school.ctx, &given).await.unwrap();
    let told = explain(&school.ctx, school.people["a"], Some("omenori"), Some("PT")).await.unwrap();
    let by_hand = &told.assignments[0];
    assert_eq!((by_hand.reason.as_deref(), by_hand.counts), (Some("remplacement"), false));
}

#[tokio::test]
async fn where_one_role_is_allowed_the_losers_are_told_with_the_order_that_decided() {
    let school = school().await;
    let weaker = school.rule("omenori", "ens-RT", "PT", None).await;
    let stronger = school.rule("omenori", "dept-RT", "RC", None).await;
    assignments::add(&school.ctx, &super::assigning::new(school.people["a"], "omenori", "ADMIN")).await.unwrap();
    let told = explain(&school.ctx, school.people["a"], Some("omenori"), None).await.unwrap();
    let losers: Vec<_> = told
        .losers
        .iter()
        .map(|l| (l.role.as_str(), l.rule, l.rank, l.winner.as_str(), l.winner_rule, l.winner_rank, l.decided_by))
        .collect();
    let by_order = Decider::CatalogueOrder;
    assert_eq!(losers, [("RC", Some(stronger.id), 2, "ADMIN", None, 1, by_order), ("PT", Some(weaker.id), 3, "ADMIN", None, 1, by_order)]);
    let one = explain(&school.ctx, school.people["a"], None, Some("PT")).await.unwrap();
    assert_eq!(one.losers.iter().map(|loser| loser.role.as_str()).collect::<Vec<_>>(), ["PT"]);
    // Nobody gives way where everything has room, and nobody who is disabled holds anything.
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Secr", Some("{unit}")).await;
    assert_eq!(explain(&school.ctx, school.people["a"], Some("scodoc"), None).await.unwrap().losers, []);
    users::disable(&school.ctx, school.people["a"]).await.unwrap();
    assert_eq!(explain(&school.ctx, school.people["a"], None, None).await.unwrap().losers, []);
}

#[tokio::test]
async fn in_two_scopes_the_priority_of_rules_decides_and_then_the_scope() {
    let school = school().await;
    let single = r#"{"name":"cahier","cardinality":"single","scope_kind":"unit","roles":[{"name":"Ens"}]}"#;
    school.application(serde_json::from_str(single).unwrap()).await;
    school.put("a", "secr-GEA", true).await;
    school.rule("cahier", "(?<kind>ens|secr)-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let told = explain(&school.ctx, school.people["a"], Some("cahier"), None).await.unwrap();
    let losers: Vec<_> = told.losers.iter().map(|l| (l.scope.as_str(), l.winner_scope.as_str(), l.decided_by)).collect();
    assert_eq!(losers, [("RT", "GEA", Decider::Scope)]);
    let first = RuleFields { priority: -1, ..rule("cahier", "ens-(?<unit>.+)", "Ens", Some("{unit}")) };
    rules::create(&school.ctx, &first).await.unwrap();
    let told = explain(&school.ctx, school.people["a"], Some("cahier"), None).await.unwrap();
    let losers: Vec<_> = told.losers.iter().map(|l| (l.scope.as_str(), l.winner_scope.as_str(), l.decided_by)).collect();
    assert_eq!(losers, [("GEA", "RT", Decider::RulePriority)]);
}

fn client(json: serde_json::Value) -> ClientFields {
    serde_json::from_value(json).unwrap()
}

async fn asked(school: &School, person: &str, client: &str) -> Told {
    let question = Question { client: Some(client), ..Question::default() };
    explanations::explain(&school.ctx, school.people[person], question).await.unwrap()
}

#[tokio::test]
async fn a_path_goes_on_to_the_claim_that_a_client_would_get_now() {
    let school = school().await;
    school.rule("scodoc", "dept-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let shape = json!({ "claims": { "niveau": { "from": "role_names", "map": { "Ens": "enseignant" } }, "roles": null } });
    let plain =
        client(json!({ "client_id": "notes", "name": "Notes", "application": "scodoc", "redirect_uris": ["https://n.example.fr/"] }));
    let shaped = ClientFields { client_id: Some("cahier".to_owned()), claim_shape: shape, ..plain.clone() };
    let narrow =
        ClientFields { client_id: Some("agenda".to_owned()), scopes: vec!["openid".to_owned()], require_role: true, ..plain.clone() };
    for fields in [&plain, &shaped, &narrow] {
        clients::create(&school.ctx, fields).await.unwrap();
    }
    let told = asked(&school, "a", "notes").await;
    let last: Vec<_> =
        told.explanation.assignments[0].path.iter().filter(|step| step.kind == "claim").map(|step| step.name.as_str()).collect();
    assert_eq!(last, [r#"assignments = [{"role":"Ens","scope":"RT"}]"#, r#"roles = ["Ens_RT"]"#]);
    let for_client = told.client.unwrap();
    assert!(for_client.admitted && for_client.may_ask_for_roles && for_client.claims["roles"] == json!(["Ens_RT"]), "{for_client:?}");

    let told = asked(&school, "a", "cahier").await;
    let path: Vec<_> = told.explanation.assignments[0].path.iter().map(|step| step.name.as_str()).collect();
    assert!(path.iter().any(|step| step.starts_with("niveau = ") && step.contains("enseignant")), "{path:?}");
    assert!(!path.iter().any(|step| step.starts_with("roles = ")), "the shape leaves it out: {path:?}");

    let told = asked(&school, "a", "agenda").await;
    assert!(told.explanation.assignments[0].path.iter().all(|step| step.kind != "claim"));
    let for_client = told.client.unwrap();
    assert!(for_client.admitted && !for_client.may_ask_for_roles && !for_client.claims.contains_key("roles"), "{for_client:?}");
    let refused = asked(&school, "b", "agenda").await.client.unwrap();
    assert_eq!((refused.admitted, refused.refused, refused.claims.len()), (false, Some(Refused::NoRole), 0));
    users::disable(&school.ctx, school.people["a"]).await.unwrap();
    assert_eq!(asked(&school, "a", "notes").await.client.unwrap().refused, Some(Refused::PersonNotActive));
    let nobody = Question { client: Some("inconnu"), ..Question::default() };
    assert!(matches!(explanations::explain(&school.ctx, school.people["a"], nobody).await, Err(Error::NotFound(_))));
}
