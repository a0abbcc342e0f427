//! What rules would change, before they do.

use passerelle::services::error::Error;
use passerelle::services::roles::{RuleFields, simulate};

use super::school::{School, rule};

#[tokio::test]
async fn a_simulation_tells_who_gains_and_loses_and_writes_nothing() {
    let groups: [(&str, &[&str], &[&str]); 2] = [("ens-RT", &["a", "b"], &[]), ("secr-RT", &["c"], &[])];
    let school = School::new(&["a", "b", "c"], &groups).await;
    school.install("scodoc").await;
    let kept = school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let dropped = school.rule("scodoc", "ens-.+", "Observateur", None).await;
    let as_they_would_be = [RuleFields::from(&kept), rule("scodoc", "secr-(?<unit>.+)", "Secr", Some("{unit}"))];
    let found = simulate(&school.ctx, &as_they_would_be).await.unwrap();
    let gained: Vec<_> =
        found.gained.iter().map(|row| (row.user.username.as_str(), row.role.as_str(), row.scope.as_str(), row.rule)).collect();
    assert_eq!(gained, [("c", "Secr", "RT", None)]);
    let lost: Vec<_> = found.lost.iter().map(|row| (row.user.username.as_str(), row.role.as_str(), row.rule)).collect();
    assert_eq!(lost, [("a", "Observateur", Some(dropped.id)), ("b", "Observateur", Some(dropped.id))]);
    assert_eq!((found.unchanged_count, found.gained_count, found.lost_count), (2, 1, 2));
    assert_eq!(found.by_role.into_iter().collect::<Vec<_>>(), [("Ens".to_owned(), 2), ("Secr".to_owned(), 1)]);
    assert_eq!(school.held("a", "scodoc").await, ["Ens_RT", "Observateur"]);
    assert!(school.held("c", "scodoc").await.is_empty());
}

#[tokio::test]
async fn a_rule_that_does_not_compile_is_told_by_its_place_in_the_list() {
    let school = School::new(&[], &[]).await;
    school.install("scodoc").await;
    let rules = [rule("scodoc", "ens", "Ens", None), rule("scodoc", "(", "Ens", None), rule("scodoc", "ens", "Chef", None)];
    let Err(Error::Invalid(wrong)) = simulate(&school.ctx, &rules).await else { panic!("two rules do not fit") };
    assert_eq!(wrong.iter().map(|w| w.field.as_str()).collect::<Vec<_>>(), ["rules[1].when[0].group", "rules[2].role"]);
}
