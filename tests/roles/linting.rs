//! What is remarkable about rules.

use std::collections::BTreeSet;

use passerelle::services::roles::{Finding, Remark, RuleFields, lint, lint_rule, rules};
use passerelle::store::establishment::user::UserStatus;

use super::school::{School, rule};

async fn school() -> School {
    let groups: [(&str, &[&str], &[&str]); 3] = [("ens-RT", &["durand"], &[]), ("ens-vide", &[], &[]), ("resp-RT", &["parti"], &[])];
    let school = School::new(&["durand", "parti"], &groups).await;
    school.change("durand", |user| drop(user.attributes.insert("corps".to_owned(), vec!["MCF".to_owned()]))).await;
    school.change("parti", |user| user.status = UserStatus::Disabled).await;
    school.install("scodoc").await;
    school
}

fn kinds(findings: &[Finding]) -> Vec<(Remark, &str)> {
    findings.iter().map(|finding| (finding.kind, finding.place.as_str())).collect()
}

#[tokio::test]
async fn a_rule_that_does_what_it_says_is_not_remarked_on() {
    let school = school().await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", r#"[{"attribute": "corps", "matches": "MCF"}, {"group": "resp-.+", "not": true}]"#, "Secr", None).await;
    let found = lint(&school.ctx).await.unwrap();
    // The condition that must not hold never does.
    assert_eq!(kinds(&found), [(Remark::NoMember, "when[1]")]);
}

#[tokio::test]
async fn what_matches_nobody_is_told_with_the_condition() {
    let school = school().await;
    let cases = [
        (r#"[{"group": "secr-.+"}]"#, Remark::NoGroup, "when[0]"),
        (r#"[{"group": "ens-vide"}]"#, Remark::NoMember, "when[0]"),
        (r#"[{"group": "resp-RT"}]"#, Remark::NoMember, "when[0]"),
        (r#"[{"group": "ens-.+"}, {"attribute": "grade", "matches": "1"}]"#, Remark::NoAttribute, "when[1]"),
        (r#"[{"group": "ens-.+"}, {"attribute": "corps", "matches": "PR"}]"#, Remark::NoValue, "when[1]"),
        (r#"[{"unit": "MMI"}]"#, Remark::NoValue, "when[0]"),
        (r#"[{"source": "ldap"}]"#, Remark::NoSource, "when[0]"),
        (r#"[{"all": [{"group": "ens-RT"}, {"unit": "MMI"}]}]"#, Remark::NoValue, "when[0].all[1]"),
    ];
    for (when, kind, place) in cases {
        let made = school.rule("scodoc", when, "Ens", None).await;
        let found = lint_rule(&school.ctx, made.id).await.unwrap();
        assert_eq!(kinds(&found), [(kind, place), (Remark::MatchesNobody, "when")], "{when}");
        assert!(found.iter().all(|finding| finding.rule == made.id && !finding.message.starts_with("lint-")), "{found:?}");
    }
    // One branch is enough for the rule, and the other is told all the same.
    let made = school.rule("scodoc", r#"[{"any": [{"group": "ens-RT"}, {"unit": "MMI"}]}]"#, "Secr", None).await;
    assert_eq!(kinds(&lint_rule(&school.ctx, made.id).await.unwrap()), [(Remark::NoValue, "when[0].any[1]")]);
    assert_eq!(lint(&school.ctx).await.unwrap().iter().filter(|f| f.kind == Remark::MatchesNobody).count(), cases.len());
}

#[tokio::test]
async fn a_rule_in_the_shadow_of_another_names_it() {
    let school = school().await;
    let wide = school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let narrow = r#"[{"group": "ens-(?<unit>.+)"}, {"attribute": "corps", "matches": "MCF"}]"#;
    let weak = school.rule("scodoc", narrow, "Ens", Some("{unit}")).await;
    let found = lint_rule(&school.ctx, weak.id).await.unwrap();
    assert_eq!((kinds(&found), found[0].other), (vec![(Remark::Shadowed, "when")], Some(wide.id)));
    assert!(found[0].message.contains("ens-(?<unit>.+)"), "{}", found[0].message);
    assert!(lint_rule(&school.ctx, wide.id).await.unwrap().is_empty(), "the stronger one stands in nobody's shadow");
    let strong = RuleFields { priority: -1, ..RuleFields::from(&weak) };
    rules::update(&school.ctx, &weak, &strong).await.unwrap();
    assert!(lint(&school.ctx).await.unwrap().is_empty());
    // Another role, another scope: no shadow.
    school.rule("scodoc", narrow, "Secr", Some("{unit}")).await;
    school.rule("scodoc", narrow, "Ens", None).await;
    let kinds: BTreeSet<Remark> = lint(&school.ctx).await.unwrap().into_iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, BTreeSet::from([Remark::UnusedCapture]));
}

#[tokio::test]
async fn a_rule_out_of_its_time_is_told_and_nothing_else() {
    let school = school().await;
    let now = school.ctx.now;
    let fields = |role: &str| rule("scodoc", "nobody", role, None);
    let off = rules::create(&school.ctx, &RuleFields { enabled: false, ..fields("Ens") }).await.unwrap();
    let soon = rules::create(&school.ctx, &RuleFields { valid_from: Some(now.plus_s(60)), ..fields("Secr") }).await.unwrap();
    let over = rules::create(&school.ctx, &RuleFields { valid_until: Some(now), ..fields("Admin") }).await.unwrap();
    let found = lint(&school.ctx).await.unwrap();
    let told: BTreeSet<_> = found.iter().map(|finding| (finding.rule, finding.kind, finding.place.as_str())).collect();
    let expected =
        [(off.id, Remark::Disabled, "enabled"), (soon.id, Remark::Waiting, "valid_from"), (over.id, Remark::Ended, "valid_until")];
    assert_eq!(told, BTreeSet::from(expected));
}
