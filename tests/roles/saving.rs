//! Saved as simulated: who loses what, catalogues that are tried, rows page by page, and what two dates tell apart.

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::roles::{self, RuleFields, Simulation, View, rules, simulate, simulate_seen};
use passerelle::services::{audit, users};
use passerelle::store::establishment::application::Cardinality;
use passerelle::store::establishment::audit_event;
use passerelle::store::establishment::ended_assignment::{Span, Way};
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::school::{School, rule};

/// Twenty people in one group, a to t.
async fn class() -> School {
    let names: Vec<String> = ('a'..='t').map(String::from).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let school = School::new(&people, &[("ens-RT", &people, &[])]).await;
    school.install("scodoc").await;
    school
}

fn who(rows: &[roles::SimulatedRole]) -> Vec<(String, String)> {
    rows.iter().map(|row| (row.user.username.clone(), row.role.clone())).collect()
}

async fn stored(school: &School) -> Vec<RuleFields> {
    rules::list(&school.ctx).await.unwrap().iter().map(RuleFields::from).collect()
}

fn stamp(simulation: &Simulation) -> &str {
    simulation.simulation.as_deref().unwrap()
}

#[tokio::test]
async fn what_was_simulated_is_what_is_saved() {
    let school = class().await;
    let kept = school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", "nobody", "Secr", None).await;
    let wanted = [rule("scodoc", "ens-RT", "Observateur", None), RuleFields::from(&kept)];
    let foretold = simulate(&school.ctx, &wanted).await.unwrap();
    let done = roles::apply(&school.ctx, &wanted, stamp(&foretold), None).await.unwrap();
    assert_eq!((done.added, done.removed, done.kept), (1, 1, 1));
    assert_eq!((done.gained, done.lost), (foretold.gained_count, foretold.lost_count));
    assert_eq!(school.held("t", "scodoc").await, ["Ens_RT", "Observateur"]);
    let mut now = stored(&school).await;
    now.sort_by_key(|rule| rule.role.clone());
    assert_eq!(now.iter().map(|rule| rule.role.as_str()).collect::<Vec<_>>(), ["Ens", "Observateur"]);
    assert_eq!(rules::get(&school.ctx, kept.id).await.unwrap(), kept, "a rule that stays keeps its key");
    // Saved again, nothing is different; and the trail tells it.
    let again = simulate(&school.ctx, &now).await.unwrap();
    assert_eq!((again.gained_count, again.lost_count), (0, 0));
    let trail = audit::list(&school.ctx, &PageRequest::first(50), &audit_event::Filter::default()).await.unwrap();
    assert!(trail.items.iter().any(|event| event.action == "rules.applied" && event.detail["gained"] == 20));
}

#[tokio::test]
async fn a_simulation_is_saved_only_while_nothing_came_between() {
    let school = class().await;
    let wanted = [rule("scodoc", "ens-RT", "Observateur", None)];
    let foretold = simulate(&school.ctx, &wanted).await.unwrap();
    let other = [rule("scodoc", "ens-RT", "Secr", None)];
    assert!(matches!(roles::apply(&school.ctx, &other, stamp(&foretold), None).await, Err(Error::Conflict(_))));
    school.rule("scodoc", "ens-RT", "Ens", None).await;
    let Err(Error::Conflict(why)) = roles::apply(&school.ctx, &wanted, stamp(&foretold), None).await else { panic!("a rule came between") };
    assert!(why.contains("simulate"), "{why}");
    assert_eq!(stored(&school).await.len(), 1);
}

#[tokio::test]
async fn a_large_loss_is_held_until_its_number_is_named() {
    let school = class().await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    let foretold = simulate(&school.ctx, &[]).await.unwrap();
    assert_eq!(foretold.lost_count, 20);
    for confirmed in [None, Some(19)] {
        let Err(Error::Held(why)) = roles::apply(&school.ctx, &[], stamp(&foretold), confirmed).await else { panic!("everyone loses") };
        assert!(why.contains("20 of 20 roles") && why.contains("confirm_losses = 20"), "{why}");
        assert_eq!((school.held("a", "scodoc").await, stored(&school).await.len()), (vec!["Ens_RT".to_owned()], 1), "nothing was changed");
    }
    let done = roles::apply(&school.ctx, &[], stamp(&foretold), Some(20)).await.unwrap();
    assert_eq!((done.lost, done.removed), (20, 1));
    assert!(school.held("a", "scodoc").await.is_empty() && stored(&school).await.is_empty());
}

#[tokio::test]
async fn rows_are_read_page_by_page_and_narrowed_while_counts_stay_whole() {
    let school = class().await;
    let wanted = [rule("scodoc", "ens-RT", "Ens", None), rule("scodoc", "ens-RT", "Secr", None)];
    let all = simulate(&school.ctx, &wanted).await.unwrap();
    assert_eq!((all.gained.len(), &all.next_cursor), (40, &None));
    let (mut read, mut view, mut pages) = (Vec::new(), View { limit: Some(7), ..View::default() }, 0);
    loop {
        let page = simulate_seen(&school.ctx, &wanted, &view).await.unwrap();
        assert!(page.gained.len() <= 7 && page.gained_count == 40);
        pages += 1;
        read.extend(page.gained);
        let Some(cursor) = page.next_cursor else { break };
        view.after = PageRequest::parse(None, Some(&cursor), None).unwrap().after.map(UserId::from);
    }
    assert_eq!((who(&read), pages), (who(&all.gained), 7), "three people a page: a person's rows stay together");
    let narrowed = View { role: Some("Secr".to_owned()), application: Some("scodoc".to_owned()), ..View::default() };
    assert_eq!(simulate_seen(&school.ctx, &wanted, &narrowed).await.unwrap().gained.len(), 20);
    let lost = View { change: Some(Way::Lost), ..View::default() };
    assert!(simulate_seen(&school.ctx, &wanted, &lost).await.unwrap().gained.is_empty());
}

#[tokio::test]
async fn another_catalogue_is_tried_before_it_stands() {
    let school = class().await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", "ens-.+", "Secr", None).await;
    let standing = applications::get(&school.ctx, "scodoc").await.unwrap();
    let mut fields = ApplicationFields::from(&standing);
    fields.cardinality = Cardinality::Single;
    fields.name = "notes".to_owned();
    let told = applications::simulate(&school.ctx, &standing, &fields, &View::default()).await.unwrap();
    assert_eq!((told.gained_count, told.lost_count, told.unchanged_count, &told.simulation), (0, 20, 20, &None));
    let before = school.held("a", "scodoc").await.len();
    assert_eq!(before, 2, "nothing is written");
    applications::update_confirmed(&school.ctx, &standing, &fields, Some(told.lost_count)).await.unwrap();
    let kept = school.held("a", "notes").await;
    assert_eq!(kept.len(), 1, "saving does what was told: {kept:?}");
    let mut lacking = fields.clone();
    lacking.roles.retain(|role| role.name != "Ens");
    let standing = applications::get(&school.ctx, "notes").await.unwrap();
    let told = applications::simulate(&school.ctx, &standing, &lacking, &View::default()).await.unwrap();
    assert!(!told.by_role.contains_key("Ens"), "{:?}", told.by_role);
}

#[tokio::test]
async fn two_dates_tell_who_gained_and_who_lost() {
    let school = class().await;
    let at = |seconds: i64| Context { now: school.ctx.now.plus_s(seconds), ..school.ctx.clone() };
    let made = rules::create(&at(100), &rule("scodoc", "ens-RT", "Ens", None)).await.unwrap();
    users::disable(&at(200), school.people["b"]).await.unwrap();
    rules::create(&at(300), &rule("scodoc", "ens-RT", "Secr", None)).await.unwrap();
    rules::delete_confirmed(&at(400), made.id, Some(19)).await.unwrap();
    let now = at(500);
    let between = async |from: i64, to: i64| {
        let span = Span { from: at(from).now, to: at(to).now, ..Span::default() };
        let (rows, total) = roles::compare(&now, &span, 0, 100).await.unwrap();
        assert_eq!(i64::try_from(rows.len()).unwrap(), total);
        rows.into_iter().map(|row| (row.change, row.username, row.role)).collect::<Vec<_>>()
    };
    assert_eq!(between(0, 150).await.len(), 20);
    assert_eq!(between(150, 250).await, [(Way::Lost, "b".to_owned(), "Ens".to_owned())]);
    let both = between(250, 450).await;
    assert_eq!(both.iter().filter(|(way, _, role)| *way == Way::Lost && role == "Ens").count(), 19);
    assert_eq!(both.iter().filter(|(way, _, role)| *way == Way::Gained && role == "Secr").count(), 19);
    assert_eq!(between(0, 50).await, []);
    for (from, to, field) in [(100, 100, "from"), (100, 600, "to")] {
        let span = Span { from: at(from).now, to: at(to).now, ..Span::default() };
        let Err(Error::Invalid(wrong)) = roles::compare(&now, &span, 0, 100).await else { panic!("{from} to {to}") };
        assert_eq!(wrong[0].field, field);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn held<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(&answer, Err(Error::Held(why)) if why.contains("confirm_losses = 12")), "{answer:?}");
}

/// One rule or one application changed alone takes away no more without a person's word than a whole set does.
#[tokio::test]
async fn one_change_that_takes_many_roles_away_is_held_as_a_set_is() {
    let names: Vec<String> = (0..12).map(|n| format!("p{n}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let school = School::new(&people, &[("ens", &people, &[])]).await;
    let (ctx, catalogue) = (&school.ctx, json!([{ "name": "chef" }, { "name": "reader" }]));
    school.application(json!({ "name": "notes", "roles": catalogue })).await;
    let standing = school.rule("notes", "ens", "reader", None).await;
    let nobody = RuleFields { enabled: false, ..RuleFields::from(&standing) };
    held(rules::update(ctx, &standing, &nobody).await);
    held(rules::delete(ctx, standing.id).await);
    let application = applications::get(ctx, "notes").await.unwrap();
    let bound: ApplicationFields =
        serde_json::from_value(json!({ "name": "notes", "roles": [{ "name": "chef" }, { "name": "reader", "scope": "required" }] }))
            .unwrap();
    held(applications::update(ctx, &application, &bound).await);
    held(applications::update_confirmed(ctx, &application, &bound, Some(11)).await);
    assert_eq!(school.held("p0", "notes").await, ["reader"], "nothing was changed");
    let changed = applications::update_confirmed(ctx, &application, &bound, Some(12)).await.unwrap();
    assert!(school.held("p0", "notes").await.is_empty());
    let unbound = ApplicationFields { roles: application.roles.clone(), ..ApplicationFields::from(&changed) };
    applications::update(ctx, &changed, &unbound).await.unwrap();
    rules::update_confirmed(ctx, &standing, &nobody, Some(12)).await.unwrap();
    assert!(school.held("p0", "notes").await.is_empty());
    rules::delete(ctx, standing.id).await.unwrap();
}
