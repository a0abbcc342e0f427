//! A school year's rules: prepared, simulated, applied at their time, held when too much would go, and taken back.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::roles::{View, assignments, rules};
use passerelle::services::rule_sets::{self, RuleSetFields};
use passerelle::services::{housekeeping, jobs};
use passerelle::store::establishment::assignment::Filter;
use passerelle::store::establishment::membership;
use passerelle::store::establishment::rule_set::{Foretold, RuleSetState};
use passerelle::store::registry::job;
use passerelle::types::page::PageRequest;

use super::delegating::acting_as;
use super::school::{School, rule};
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;

const DAY_S: i64 = 24 * 3600;

/// Twenty people who teach, of whom some lead.
async fn school() -> School {
    within(TestGateway::start().await).await
}

async fn within(test: TestGateway) -> School {
    let names: Vec<String> = ('a'..='t').map(String::from).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let school = School::within(test, &people, &[("ens-RT", &people, &[]), ("resp-RT", &people[..5], &[])]).await;
    school.install("scodoc").await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school
}

fn next_year() -> RuleSetFields {
    let rules = vec![rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")), rule("scodoc", "resp-(?<unit>.+)", "Secr", Some("{unit}"))];
    RuleSetFields { name: "rentree-2027".to_owned(), title: String::new(), rules }
}

fn later(school: &School, seconds: i64) -> Context {
    Context { now: school.ctx.now.plus_s(seconds), ..school.ctx.clone() }
}

async fn state(school: &School) -> RuleSetState {
    rule_sets::get(&school.ctx, "rentree-2027").await.unwrap().state
}

#[tokio::test]
async fn a_rule_set_is_applied_at_its_time_and_rolled_back() {
    let school = school().await;
    let made = rule_sets::create(&school.ctx, &next_year()).await.unwrap();
    assert_eq!((made.state, made.title.as_str()), (RuleSetState::Prepared, "rentree-2027"));
    let told = rule_sets::simulate(&school.ctx, "rentree-2027", &View::default()).await.unwrap();
    assert_eq!((told.gained_count, told.lost_count), (5, 0));
    let set = rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now.plus_s(DAY_S), None).await.unwrap();
    assert_eq!((set.state, set.expected), (RuleSetState::Scheduled, Some(Foretold { gained: 5, lost: 0, accepted_by: None })));
    jobs::run_due(&school.ctx.gateway, school.ctx.now.plus_s(DAY_S - 1)).await.unwrap();
    assert_eq!((state(&school).await, school.held("a", "scodoc").await), (RuleSetState::Scheduled, vec!["Ens_RT".to_owned()]));
    jobs::run_due(&school.ctx.gateway, school.ctx.now.plus_s(DAY_S)).await.unwrap();
    assert_eq!(state(&school).await, RuleSetState::Applied);
    assert_eq!(school.held("a", "scodoc").await.len(), 2);
    assert_eq!(rules::list(&school.ctx).await.unwrap().len(), 2);
    let ctx = later(&school, DAY_S + 60);
    let back = rule_sets::roll_back(&ctx, "rentree-2027", None).await.unwrap();
    assert_eq!((back.set.state, back.changes.lost, back.changes.kept), (RuleSetState::RolledBack, 5, 1));
    assert_eq!(school.held_with(&ctx, "a", "scodoc").await.len(), 1);
    assert!(matches!(rule_sets::roll_back(&ctx, "rentree-2027", None).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn what_was_changed_since_is_not_lost_by_rolling_back() {
    let school = school().await;
    rule_sets::create(&school.ctx, &next_year()).await.unwrap();
    rule_sets::apply(&school.ctx, "rentree-2027", None).await.unwrap();
    school.rule("scodoc", "resp-.+", "Observateur", None).await;
    let Err(Error::Conflict(why)) = rule_sets::roll_back(&school.ctx, "rentree-2027", None).await else { panic!("a rule came since") };
    assert!(why.contains("previous"), "{why}");
    assert_eq!(rules::list(&school.ctx).await.unwrap().len(), 3);
    assert!(matches!(rule_sets::apply(&school.ctx, "rentree-2027", None).await, Err(Error::Conflict(_))));
    assert!(matches!(
        rule_sets::update(&school.ctx, &rule_sets::get(&school.ctx, "rentree-2027").await.unwrap(), &next_year()).await,
        Err(Error::Conflict(_))
    ));
}

#[tokio::test]
async fn more_losses_than_foretold_hold_it_and_administrators_are_told() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let school = within(TestGateway::start_with(|config| config.mail = settings).await).await;
    school.rule("passerelle", r#"[{"attribute": "username", "matches": "a"}]"#, "administrator", None).await;
    // Everyone of the class stays, as long as they are in it.
    let mut fields = next_year();
    fields.rules.push(rule("passerelle", r#"[{"attribute": "username", "matches": "a"}]"#, "administrator", None));
    fields.rules[0].scope = None;
    rule_sets::create(&school.ctx, &fields).await.unwrap();
    assert!(
        matches!(rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now.plus_s(DAY_S), None).await, Err(Error::Held(_))),
        "all lose a scope"
    );
    fields.rules[0] = rule("scodoc", r#"[{"group": "ens-(?<unit>.+)"}, {"group": "resp-XX", "not": true}]"#, "Ens", Some("{unit}"));
    let standing = rule_sets::get(&school.ctx, "rentree-2027").await.unwrap();
    rule_sets::update(&school.ctx, &standing, &fields).await.unwrap();
    rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now.plus_s(DAY_S), None).await.unwrap();
    // Meanwhile everybody joins what the new rules shut out.
    let mut tx = school.ctx.store.begin().await.unwrap();
    let shut = school.group("resp-XX");
    passerelle::store::establishment::group::upsert_all(&mut tx, std::slice::from_ref(&shut)).await.unwrap();
    let pairs: Vec<_> = school.people.values().map(|person| (shut.id, *person)).collect();
    membership::insert_all(&mut tx, &pairs).await.unwrap();
    tx.commit().await.unwrap();
    let due = school.ctx.now.plus_s(DAY_S);
    jobs::run_due(&school.ctx.gateway, due).await.unwrap();
    let held = rule_sets::get(&school.ctx, "rentree-2027").await.unwrap();
    assert_eq!(held.state, RuleSetState::Held);
    assert!(held.note.as_ref().unwrap().contains("20 of"), "{held:?}");
    assert_eq!(school.held("b", "scodoc").await, ["Ens_RT"], "nothing was changed");
    jobs::run_due(&school.ctx.gateway, due).await.unwrap();
    let letters = mailbox.letters();
    assert_eq!(letters.len(), 1);
    let plain = letters[0].text.replace(['\u{2068}', '\u{2069}'], "");
    assert!(plain.contains("--confirm-losses 20") && plain.contains("rule set cancel"), "{plain}");
    // A person decides.
    let ctx = later(&school, DAY_S + 60);
    assert!(matches!(rule_sets::apply(&ctx, "rentree-2027", None).await, Err(Error::Held(_))));
    assert_eq!(rule_sets::apply(&ctx, "rentree-2027", Some(20)).await.unwrap().changes.lost, 20);
}

#[tokio::test]
async fn a_cancelled_rule_set_is_never_applied_and_one_without_a_job_gets_one() {
    let school = school().await;
    rule_sets::create(&school.ctx, &next_year()).await.unwrap();
    rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now.plus_s(DAY_S), None).await.unwrap();
    assert!(matches!(rule_sets::delete(&school.ctx, "rentree-2027").await, Err(Error::Conflict(_))));
    rule_sets::cancel(&school.ctx, "rentree-2027").await.unwrap();
    jobs::run_due(&school.ctx.gateway, school.ctx.now.plus_s(2 * DAY_S)).await.unwrap();
    assert_eq!((state(&school).await, rules::list(&school.ctx).await.unwrap().len()), (RuleSetState::Cancelled, 1));
    // As in an establishment that came from an archive: scheduled, and no job knows of it.
    let set = rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now.plus_s(3 * DAY_S), None).await.unwrap();
    let registry = school.ctx.gateway.stores.registry();
    let mut tx = registry.begin().await.unwrap();
    job::delete_of_establishment(&mut tx, school.ctx.slug()).await.unwrap();
    tx.commit().await.unwrap();
    housekeeping::sweep(&school.ctx.gateway, school.ctx.now).await;
    let known = job::find(&mut registry.read().await.unwrap(), job::Kind::RuleSet, school.ctx.slug(), &set.id.to_string()).await.unwrap();
    assert_eq!(known.map(|job| job.due_at), set.apply_at);
}

#[tokio::test]
async fn mistakes_in_a_rule_set_are_told_with_their_place() {
    let school = school().await;
    let with = |name: &str, rules| RuleSetFields { name: name.to_owned(), title: String::new(), rules };
    for (fields, field) in [
        (with("Rentrée", vec![]), "name"),
        (with("ok", vec![rule("scodoc", "(", "Ens", None)]), "rules[0].when[0].group"),
        (with("ok", vec![rule("scodoc", "a", "Inconnu", None)]), "rules[0].role"),
        (with("ok", vec![rule("ailleurs", "a", "Ens", None)]), "rules[0].application"),
    ] {
        let Err(Error::Invalid(wrong)) = rule_sets::create(&school.ctx, &fields).await else { panic!("{fields:?}") };
        assert_eq!(wrong[0].field, field);
    }
    rule_sets::create(&school.ctx, &next_year()).await.unwrap();
    assert!(matches!(rule_sets::create(&school.ctx, &next_year()).await, Err(Error::Conflict(_))));
    let past = rule_sets::schedule(&school.ctx, "rentree-2027", school.ctx.now, None).await;
    assert!(matches!(past, Err(Error::Invalid(wrong)) if wrong[0].field == "apply_at"));
}

/// Whoever has it scheduled answers for it: when they are administrator no more, nobody does.
#[tokio::test]
async fn a_rule_set_does_not_outlive_the_right_of_whoever_had_it_scheduled() {
    let school = school().await;
    let admin = acting_as(&school, "t", "administrator", "").await;
    rule_sets::create(&admin, &next_year()).await.unwrap();
    let set = rule_sets::schedule(&admin, "rentree-2027", school.ctx.now.plus_s(DAY_S), None).await.unwrap();
    assert_eq!(set.expected.unwrap().accepted_by, Some(school.people["t"]));
    let given = assignments::list(&school.ctx, &PageRequest::first(50), &Filter::default()).await.unwrap().items;
    let role = given.iter().find(|one| one.user_id == school.people["t"] && one.role == "administrator").unwrap();
    assignments::end(&school.ctx, role.id).await.unwrap();
    jobs::run_due(&school.ctx.gateway, school.ctx.now.plus_s(DAY_S)).await.unwrap();
    let held = rule_sets::get(&school.ctx, "rentree-2027").await.unwrap();
    assert_eq!(held.state, RuleSetState::Held);
    assert!(held.note.as_ref().unwrap().contains("may not have it applied any more"), "{held:?}");
    assert_eq!(rules::list(&school.ctx).await.unwrap().len(), 1, "nothing was changed");
    // Whoever may, decides; and one who stays administrator has it applied at its time.
    let other = acting_as(&school, "s", "administrator", "").await;
    let ctx = Context { now: school.ctx.now.plus_s(DAY_S), ..other };
    rule_sets::schedule(&ctx, "rentree-2027", school.ctx.now.plus_s(2 * DAY_S), None).await.unwrap();
    jobs::run_due(&school.ctx.gateway, school.ctx.now.plus_s(2 * DAY_S)).await.unwrap();
    assert_eq!(state(&school).await, RuleSetState::Applied);
}

#[tokio::test]
async fn what_is_prepared_follows_an_application_to_its_new_name() {
    let school = school().await;
    school.application(serde_json::json!({ "name": "notes", "scope_kind": "unit", "roles": [{ "name": "chef" }] })).await;
    let mut fields = next_year();
    fields.rules.push(rule("notes", "resp-.+", "chef", None));
    fields.rules.push(rule("passerelle", r#"[{"attribute": "username", "matches": "b"}]"#, "responsible", Some("notes/bulletins")));
    fields.rules.push(rule("passerelle", r#"[{"attribute": "username", "matches": "c"}]"#, "help_desk", Some("notes")));
    rule_sets::create(&school.ctx, &fields).await.unwrap();
    let renamed = async |from: &str, to: &str| {
        let standing = applications::get(&school.ctx, from).await.unwrap();
        let fields = ApplicationFields { name: to.to_owned(), ..ApplicationFields::from(&standing) };
        applications::update(&school.ctx, &standing, &fields).await.unwrap();
    };
    renamed("notes", "releves").await;
    let named = async || -> Vec<(String, Option<String>)> {
        let set = rule_sets::get(&school.ctx, "rentree-2027").await.unwrap();
        let rules = rule_sets::fields_of(&set).unwrap().rules;
        rules.into_iter().skip(2).map(|rule| (rule.application, rule.scope)).collect()
    };
    let at = |application: &str, scope: Option<&str>| (application.to_owned(), scope.map(str::to_owned));
    let expected = [at("releves", None), at("passerelle", Some("releves/bulletins")), at("passerelle", Some("notes"))];
    assert_eq!(named().await, expected, "a unit of that name stays");
    rule_sets::apply(&school.ctx, "rentree-2027", None).await.unwrap();
    assert_eq!(school.held("a", "releves").await, ["chef"]);
    // What stood before follows as well.
    renamed("scodoc", "notes-iut").await;
    rule_sets::roll_back(&school.ctx, "rentree-2027", Some(12)).await.unwrap();
    assert_eq!(school.held("a", "notes-iut").await, ["Ens_RT"]);
    assert!(school.held("a", "releves").await.is_empty());
}
