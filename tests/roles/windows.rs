//! Rules with a beginning and an end, and what time alone changes.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::jobs;
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::edges::{self, plan};
use passerelle::services::roles::{Changed, RuleFields, explain, rules, simulate};
use passerelle::store::establishment::assignment::Assignment;
use passerelle::store::establishment::role_edge;
use passerelle::store::registry::job::{self, Kind};
use passerelle::types::time::Timestamp;

use super::school::{School, rule};

const DAY_S: i64 = 86_400;

async fn school() -> School {
    let groups: [(&str, &[&str], &[&str]); 2] = [("ens-RT", &["durand"], &[]), ("resp-RT", &["martin"], &[])];
    let school = School::new(&["durand", "martin"], &groups).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    school
}

fn later(school: &School, days: i64) -> Context {
    Context { now: school.ctx.now.plus_s(days * DAY_S), ..school.ctx.clone() }
}

fn between(school: &School, from: Option<i64>, until: Option<i64>) -> RuleFields {
    let at = |days: Option<i64>| days.map(|days| school.ctx.now.plus_s(days * DAY_S));
    RuleFields { valid_from: at(from), valid_until: at(until), ..rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")) }
}

async fn roles(school: &School, at: &Context) -> Vec<String> {
    school.held_with(at, "durand", "scodoc").await.into_iter().map(|held| held.role).collect()
}

/// What is recorded in the application that rules are about; the other has a default role.
async fn recorded(school: &School) -> Vec<Assignment> {
    school.recorded("durand").await.into_iter().filter(|given| given.application == "scodoc").collect()
}

async fn due(school: &School) -> Option<Timestamp> {
    let mut registry = school.ctx.gateway.stores.registry().read().await.unwrap();
    job::find(&mut registry, Kind::RoleEdges, school.ctx.slug(), "").await.unwrap().map(|job| job.due_at)
}

#[tokio::test]
async fn a_rule_gives_what_it_gives_while_its_window_is_open() {
    let school = school().await;
    rules::create(&school.ctx, &between(&school, Some(10), Some(20))).await.unwrap();
    assert!(recorded(&school).await.is_empty());
    assert_eq!(due(&school).await, Some(later(&school, 10).now));
    let mut sought = Vec::new();
    for day in [5, 10, 15, 20, 25] {
        let at = later(&school, day);
        jobs::run_due(&at.gateway, at.now).await.unwrap();
        sought.push((day, roles(&school, &at).await.len()));
        if day == 10 {
            assert_eq!(recorded(&school).await[0].valid_until, Some(later(&school, 20).now));
        }
    }
    assert_eq!(sought, [(5, 0), (10, 1), (15, 1), (20, 0), (25, 0)]);
    assert!(recorded(&school).await.is_empty(), "what ended is gone, and not only passed over");
}

#[tokio::test]
async fn what_ends_is_over_before_any_job_comes() {
    let school = school().await;
    rules::create(&school.ctx, &between(&school, None, Some(3))).await.unwrap();
    assert_eq!(roles(&school, &school.ctx).await, ["Ens"]);
    assert!(roles(&school, &later(&school, 3)).await.is_empty());
}

#[tokio::test]
async fn of_two_rules_the_later_end_counts() {
    let school = school().await;
    let first = rules::create(&school.ctx, &RuleFields { priority: 1, ..between(&school, None, Some(3)) }).await.unwrap();
    let other = RuleFields {
        valid_until: Some(later(&school, 9).now),
        ..rule("scodoc", r#"[{"group": "(?<unit>RT)|ens-(?<other>.+)"}]"#, "Ens", None)
    };
    let other = RuleFields { when: rule("scodoc", r"ens-(?<unit>[A-Z]+)", "Ens", None).when, scope: Some("{unit}".to_owned()), ..other };
    rules::create(&school.ctx, &other).await.unwrap();
    let recorded = recorded(&school).await;
    assert_eq!((recorded.len(), recorded[0].valid_until), (1, Some(later(&school, 9).now)));
    assert_ne!(recorded[0].rule_id, Some(first.id), "the one of priority 0 gives the reason");
    assert_eq!(roles(&school, &later(&school, 5)).await, ["Ens"]);
}

#[tokio::test]
async fn a_day_of_the_year_ends_a_rule_until_it_is_renewed() {
    let school = school().await;
    let fields = RuleFields { ends: Some("08-31".to_owned()), ..rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")) };
    let made = rules::create(&school.ctx, &fields).await.unwrap();
    let end = recorded(&school).await[0].valid_until.unwrap();
    assert!(end > school.ctx.now && end.seconds() - school.ctx.now.seconds() <= 366 * DAY_S, "{end}");
    let after = Context { now: end, ..school.ctx.clone() };
    jobs::run_due(&after.gateway, after.now).await.unwrap();
    assert!(recorded(&school).await.is_empty());
    let told = explain(&after, school.people["durand"], Some("scodoc"), None).await.unwrap().nearest_misses;
    assert_eq!((told[0].failed_condition.as_str(), told[0].value.as_deref()), ("the rule counts still", Some(end.to_string().as_str())));
    // A run of a source in September does not bring it back; a person's deliberate act does, for a year.
    school.change("durand", |user| user.units = vec!["RT".to_owned()]).await;
    let autumn = Context { now: end.plus_s(DAY_S), ..school.ctx.clone() };
    rules::update(&autumn, &made, &fields).await.unwrap();
    let renewed = recorded(&school).await[0].valid_until.unwrap();
    assert!((365..=366).contains(&((renewed.seconds() - end.seconds()) / DAY_S)), "{renewed}");
}

#[tokio::test]
async fn windows_that_contradict_are_refused_with_their_place() {
    let school = school().await;
    let refused = async |fields: &RuleFields| {
        let Err(Error::Invalid(wrong)) = rules::create(&school.ctx, fields).await else { panic!("it does not fit") };
        wrong[0].field.clone()
    };
    assert_eq!(refused(&between(&school, Some(5), Some(5))).await, "valid_until");
    assert_eq!(refused(&between(&school, Some(5), Some(4))).await, "valid_until");
    assert_eq!(refused(&RuleFields { ends: Some("02-29".to_owned()), ..between(&school, None, None) }).await, "ends");
    rules::create(&school.ctx, &between(&school, Some(10), Some(20))).await.unwrap();
    assert_eq!(refused(&between(&school, Some(19), None)).await, "valid_from");
    assert_eq!(refused(&between(&school, None, Some(11))).await, "valid_until");
    assert_eq!(refused(&between(&school, None, None)).await, "when");
    rules::create(&school.ctx, &between(&school, Some(20), None)).await.unwrap();
    let Err(Error::Invalid(wrong)) = simulate(&school.ctx, &[between(&school, Some(2), Some(1))]).await else { panic!("it does not fit") };
    assert_eq!(wrong[0].field, "rules[0].valid_until");
}

#[tokio::test]
async fn the_end_of_a_role_by_hand_is_seen_to_and_once() {
    let school = school().await;
    let new = NewAssignment {
        user: school.people["durand"],
        application: "omenori".to_owned(),
        role: "ADMIN".to_owned(),
        scope: None,
        valid_from: Some(later(&school, 1).now),
        valid_until: Some(later(&school, 2).now),
        reason: None,
    };
    assignments::add(&school.ctx, &new).await.unwrap();
    assert_eq!(due(&school).await, Some(later(&school, 1).now));
    let at = later(&school, 1);
    let (_, next) = edges::round(&at, false).await.unwrap();
    assert_eq!(next, Some(later(&school, 2).now));
    assert_eq!(school.held_with(&at, "durand", "omenori").await[0].role, "ADMIN");
    let at = later(&school, 2);
    let mut tx = at.store.read().await.unwrap();
    let people = role_edge::people_between(&mut tx, later(&school, 1).now, at.now).await.unwrap();
    assert_eq!(people, [school.people["durand"]]);
    drop(tx);
    assert_eq!(edges::round(&at, false).await.unwrap(), (Changed::default(), None));
    assert_eq!(school.held_with(&at, "durand", "omenori").await[0].role, "USER");
}

#[tokio::test]
async fn whatever_was_lost_the_sweep_has_the_next_edge_waited_for() {
    let school = school().await;
    rules::create(&school.ctx, &between(&school, Some(10), None)).await.unwrap();
    let gateway = &school.ctx.gateway;
    let mut registry = gateway.stores.registry().begin().await.unwrap();
    job::delete_of_establishment(&mut registry, school.ctx.slug()).await.unwrap();
    registry.commit().await.unwrap();
    plan(gateway, school.ctx.slug(), &school.ctx.store, school.ctx.now).await.unwrap();
    assert_eq!(due(&school).await, Some(later(&school, 10).now));
    // Days late, as after a restore: what came meanwhile is seen to.
    let late = later(&school, 12);
    let (changed, next) = edges::round(&late, true).await.unwrap();
    assert_eq!((changed, next), (Changed { gained: 1, lost: 0 }, Some(late.now.plus_s(120))));
    assert_eq!(edges::round(&late, false).await.unwrap(), (Changed::default(), None));
}
