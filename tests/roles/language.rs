//! Rules with `any`, `all` and `not`, for a school's people.

use passerelle::services::error::Error;
use passerelle::services::roles::{RuleFields, explain, rules};

use super::school::{School, rule};

async fn departments() -> School {
    let groups: [(&str, &[&str], &[&str]); 4] = [
        ("ens-RT", &["durand", "petit"], &[]),
        ("resp-GEA", &["martin"], &[]),
        ("stagiaires", &["petit"], &[]),
        ("dept-RT", &[], &["ens-RT"]),
    ];
    let school = School::new(&["durand", "martin", "petit", "roux"], &groups).await;
    school.install("scodoc").await;
    school
}

#[tokio::test]
async fn the_branch_that_holds_supplies_the_scope_and_the_reason() {
    let school = departments().await;
    school.change("roux", |user| user.units = vec!["MMI".to_owned()]).await;
    let any = r#"[{"any": [{"group": "ens-(?<unit>.+)"}, {"group": "resp-(?<unit>.+)"}, {"unit": "(?<unit>M.+)"}]}]"#;
    school.rule("scodoc", any, "Ens", Some("{unit}")).await;
    assert_eq!(school.held("durand", "scodoc").await, ["Ens_RT"]);
    assert_eq!(school.held("martin", "scodoc").await, ["Ens_GEA"]);
    assert_eq!(school.held("roux", "scodoc").await, ["Ens_MMI"]);
    let told: Vec<String> = school.recorded("martin").await[0].reason.iter().map(|step| format!("{} {}", step.kind, step.name)).collect();
    assert_eq!(told[..2], ["entry martin", "group resp-GEA"]);
    assert_eq!(told[3..], ["capture unit = GEA", "role Ens"]);
    // Two branches, two scopes.
    school.put("martin", "ens-RT", true).await;
    assert_eq!(school.held("martin", "scodoc").await, ["Ens_GEA", "Ens_RT"]);
}

#[tokio::test]
async fn not_turns_a_whole_condition_round() {
    let school = departments().await;
    let not_any = r#"[{"group": "ens-(?<unit>.+)"}, {"any": [{"group": "stagiaires"}, {"group": "resp-.+"}], "not": true}]"#;
    school.rule("scodoc", not_any, "Ens", Some("{unit}")).await;
    assert_eq!(school.held("durand", "scodoc").await, ["Ens_RT"]);
    assert!(school.held("petit", "scodoc").await.is_empty());
    school.put("petit", "stagiaires", false).await;
    assert_eq!(school.held("petit", "scodoc").await, ["Ens_RT"]);
}

#[tokio::test]
async fn all_inside_any_holds_together() {
    let school = departments().await;
    let nested = r#"[{"any": [{"all": [{"group": "dept-RT"}, {"group": "stagiaires"}]}, {"group": "resp-GEA"}]}]"#;
    school.rule("scodoc", nested, "Observateur", None).await;
    assert!(school.held("durand", "scodoc").await.is_empty());
    assert_eq!(school.held("petit", "scodoc").await, ["Observateur"]);
    assert_eq!(school.held("martin", "scodoc").await, ["Observateur"]);
}

#[tokio::test]
async fn a_miss_names_the_condition_inside_that_came_closest() {
    let school = departments().await;
    let any = r#"[{"any": [{"all": [{"group": "resp-GEA"}, {"group": "dept-.+"}, {"unit": "RT"}]}, {"group": "resp-MMI"}]}]"#;
    let made = school.rule("scodoc", any, "Ens", None).await;
    let explained = explain(&school.ctx, school.people["martin"], Some("scodoc"), None).await.unwrap();
    let misses: Vec<_> =
        explained.nearest_misses.iter().map(|miss| (miss.rule, miss.failed_condition.as_str(), miss.value.as_deref())).collect();
    assert_eq!(misses, [(made.id, "group resp-MMI", Some("resp-GEA"))]);
}

#[tokio::test]
async fn what_does_not_fit_inside_is_refused_with_its_place() {
    let school = departments().await;
    let refused = async |when: &str, scope: Option<&str>| {
        let Err(Error::Invalid(wrong)) = rules::create(&school.ctx, &rule("scodoc", when, "Ens", scope)).await else {
            panic!("{when} does not fit")
        };
        wrong[0].field.clone()
    };
    assert_eq!(refused(r#"[{"unit": "a"}, {"any": [{"group": "a"}, {"group": "("}]}]"#, None).await, "when[1].any[1].group");
    assert_eq!(refused(r#"[{"any": [{"group": "(?<unit>a)"}, {"unit": "b"}]}]"#, Some("{unit}")).await, "when[0].any[1]");
    assert_eq!(refused(r#"[{"any": []}]"#, None).await, "when[0].any");
    school.rule("scodoc", r#"[{"group": "a"}, {"unit": "b"}]"#, "Ens", None).await;
    assert_eq!(refused(r#"[{"unit": "b"}, {"group": "a"}]"#, None).await, "when");
    let switched_off = RuleFields { enabled: false, ..rule("scodoc", r#"[{"unit": "b"}, {"group": "a"}]"#, "Ens", None) };
    let made = rules::create(&school.ctx, &switched_off).await.unwrap();
    let on = rules::update(&school.ctx, &made, &RuleFields { enabled: true, ..switched_off }).await;
    assert!(matches!(on, Err(Error::Invalid(_))), "{on:?}");
}
