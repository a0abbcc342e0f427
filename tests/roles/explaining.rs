//! Why someone holds a role, and why not.

use passerelle::services::error::Error;
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::explain;
use passerelle::services::users;

use super::school::School;

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
