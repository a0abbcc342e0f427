//! Units with what hangs on them: people, scopes, rules, and the units below.

use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::units::{self, UnitFields};
use passerelle::services::users::{self, NewUser, UserPatch};
use passerelle::store::establishment::link::{self, Link};
use passerelle::store::establishment::source;
use passerelle::store::establishment::unit::Unit;
use passerelle::types::permission::GatewayRole;
use serde_json::json;

use crate::roles::school::{School, rule};

pub async fn add(ctx: &Context, name: &str, parent: Option<&str>) -> Unit {
    let fields = UnitFields { name: name.to_owned(), title: String::new(), parent: parent.map(str::to_owned) };
    units::create(ctx, &fields).await.unwrap()
}

/// A school of units, with an application whose roles hold in them.
pub async fn departments(people: &[&str]) -> School {
    let school = School::new(people, &[]).await;
    school.install("scodoc").await;
    for (name, parent) in [("IUT", None), ("RT", Some("IUT")), ("GEII", Some("IUT")), ("RT1", Some("RT"))] {
        add(&school.ctx, name, parent).await;
    }
    school
}

fn fields(error: Error) -> Vec<String> {
    let Error::Invalid(wrong) = error else { panic!("a field had to be named: {error:?}") };
    wrong.into_iter().map(|invalid| invalid.field).collect()
}

async fn renamed(ctx: &Context, from: &str, to: &str) -> Result<units::ChangedUnit, Error> {
    let standing = units::named(ctx, from).await?;
    units::update(ctx, &standing, &UnitFields { name: to.to_owned(), ..UnitFields::from(&standing) }).await
}

#[tokio::test]
async fn a_tree_is_built_moved_and_never_closed_into_a_ring() {
    let school = departments(&[]).await;
    let ctx = &school.ctx;
    let tree = units::tree(ctx).await.unwrap();
    assert!(tree.covers("IUT", "RT1", true) && !tree.covers("IUT", "RT1", false));
    let moved = |name: &'static str, parent: Option<&'static str>| async move {
        let standing = units::named(ctx, name).await?;
        units::update(ctx, &standing, &UnitFields { parent: parent.map(str::to_owned), ..UnitFields::from(&standing) }).await
    };
    for (name, parent) in [("IUT", "RT1"), ("RT", "RT"), ("RT", "rien")] {
        assert_eq!(fields(moved(name, Some(parent)).await.unwrap_err()), ["parent"], "{name} below {parent}");
    }
    assert_eq!(moved("RT1", Some("GEII")).await.unwrap().unit.parent.as_deref(), Some("GEII"));
    assert_eq!(moved("GEII", None).await.unwrap().unit.parent, None);
    let tree = units::tree(ctx).await.unwrap();
    assert_eq!(tree.ancestors("RT1"), ["GEII"]);
    let odd = UnitFields { name: " x".to_owned(), title: "t".repeat(201), parent: Some("rien".to_owned()) };
    assert_eq!(fields(units::create(ctx, &odd).await.unwrap_err()), ["name", "title", "parent"]);
    assert!(matches!(units::create(ctx, &UnitFields { name: "RT".to_owned(), ..UnitFields::default() }).await, Err(Error::Conflict(_))));
    assert!(matches!(renamed(ctx, "GEII", "RT").await, Err(Error::Conflict(_))));
    let read = units::named(ctx, "RT").await.unwrap();
    units::update(ctx, &read, &UnitFields { title: "Réseaux".to_owned(), ..UnitFields::from(&read) }).await.unwrap();
    assert!(matches!(units::update(ctx, &read, &UnitFields::from(&read)).await, Err(Error::Stale)));
}

#[tokio::test]
async fn people_scopes_and_roles_follow_a_new_name_and_rules_are_told() {
    let school = departments(&["a", "b"]).await;
    let ctx = &school.ctx;
    school.change("a", |user| user.home_unit = Some("RT".to_owned())).await;
    school.change("b", |user| user.units = vec!["GEII".to_owned(), "RT".to_owned()]).await;
    let naming = school.rule("scodoc", r#"[{"unit": "R.*"}]"#, "Ens", Some("RT")).await;
    let captured = school.rule("scodoc", r#"[{"unit": "(?<unit>.*)"}]"#, "Secr", Some("{unit}")).await;
    school.rule("scodoc", r#"[{"unit": "GEII"}]"#, "Admin", None).await;
    let by_hand = NewAssignment { scope: Some("RT".to_owned()), ..crate::roles::assigning::new(school.people["a"], "scodoc", "Admin") };
    assignments::add(ctx, &by_hand).await.unwrap();
    let changed = renamed(ctx, "RT", "Réseaux").await.unwrap();
    assert_eq!((changed.people, changed.assignments), (2, 1));
    assert_eq!(changed.rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), [naming.id, captured.id]);
    assert_eq!(school.held("a", "scodoc").await, ["Admin_Réseaux", "Secr_Réseaux", "Ens_RT"]);
    let b = users::get(ctx, school.people["b"]).await.unwrap();
    assert_eq!(b.units, ["GEII", "Réseaux"]);
    assert_eq!(units::tree(ctx).await.unwrap().ancestors("RT1"), ["Réseaux", "IUT"]);
}

#[tokio::test]
async fn a_unit_goes_when_nothing_hangs_on_it_or_another_takes_over() {
    let school = departments(&["a"]).await;
    let ctx = &school.ctx;
    school.change("a", |user| user.units = vec!["RT".to_owned(), "GEII".to_owned()]).await;
    let by_hand = NewAssignment { scope: Some("RT".to_owned()), ..crate::roles::assigning::new(school.people["a"], "scodoc", "Ens") };
    assignments::add(ctx, &by_hand).await.unwrap();
    let gone = units::named(ctx, "RT").await.unwrap();
    let told = units::remove(ctx, gone.id, None).await.unwrap_err().to_string();
    assert!(told.contains("units below: 1, people: 1, roles given by hand: 1"), "{told}");
    for heir in ["RT", "RT1", "rien"] {
        assert_eq!(fields(units::remove(ctx, gone.id, Some(heir)).await.unwrap_err()), ["move_to"], "{heir}");
    }
    let removed = units::remove(ctx, gone.id, Some("GEII")).await.unwrap();
    assert_eq!((removed.units, removed.people, removed.assignments), (1, 1, 1));
    assert_eq!(users::get(ctx, school.people["a"]).await.unwrap().units, ["GEII"], "once");
    assert_eq!(school.held("a", "scodoc").await, ["Ens_GEII"]);
    assert_eq!(units::tree(ctx).await.unwrap().ancestors("RT1"), ["GEII", "IUT"]);
    let free = units::named(ctx, "RT1").await.unwrap();
    assert_eq!(units::remove(ctx, free.id, None).await.unwrap(), units::Removed::default());
    assert!(matches!(units::remove(ctx, free.id, None).await, Err(Error::NotFound(_))));
}

/// A token or an exclusion of a unit that is gone would be one of the next unit of that name.
#[tokio::test]
async fn a_unit_stays_while_a_token_or_an_exclusion_is_of_it() {
    let school = departments(&["a"]).await;
    let ctx = &school.ctx;
    let new_token: NewToken = serde_json::from_value(json!({ "name": "RT1", "scope": "help_desk", "within": "RT1" })).unwrap();
    let (token, _) = tokens::create(ctx, &new_token).await.unwrap();
    let new = NewExclusion {
        user: school.people["a"],
        application: "scodoc".to_owned(),
        role: "Ens".to_owned(),
        scope: Some("RT1".to_owned()),
        reason: "décision".to_owned(),
        valid_until: None,
    };
    let exclusion = exclusions::add(ctx, &new).await.unwrap();
    let gone = units::named(ctx, "RT1").await.unwrap();
    let told = units::remove(ctx, gone.id, None).await.unwrap_err().to_string();
    assert!(told.contains("API tokens: 1, exclusions: 1"), "{told}");
    units::remove(ctx, gone.id, Some("GEII")).await.unwrap();
    assert_eq!(tokens::get(ctx, token.id).await.unwrap().within.as_deref(), Some("GEII"));
    assert_eq!(exclusions::get(ctx, exclusion.id).await.unwrap().scope, "GEII");
}

#[tokio::test]
async fn nobody_changes_their_own_roles_through_units() {
    let school = departments(&["chef", "b"]).await;
    school.change("chef", |user| user.home_unit = Some("RT".to_owned())).await;
    school.change("b", |user| user.home_unit = Some("GEII".to_owned())).await;
    school.rule("scodoc", r#"[{"unit": "Direction|Vacances"}]"#, "Admin", None).await;
    let actor = Actor::User { id: school.people["chef"], roles: vec![GatewayRole::Administrator.into()] };
    let acting = Context { actor, ..school.ctx.clone() };
    assert!(matches!(renamed(&acting, "RT", "Direction").await, Err(Error::Forbidden(_))));
    let direction = add(&acting, "Direction", None).await;
    let own = units::named(&acting, "RT").await.unwrap();
    assert!(matches!(units::remove(&acting, own.id, Some("Direction")).await, Err(Error::Forbidden(_))));
    assert_eq!(users::get(&school.ctx, school.people["chef"]).await.unwrap().home_unit.as_deref(), Some("RT"), "nothing is half done");
    renamed(&acting, "RT", "Réseaux").await.unwrap();
    renamed(&acting, "GEII", "Vacances").await.unwrap();
    assert_eq!(school.held("b", "scodoc").await, ["Admin"], "another's roles may change");
    let auditor = Context { actor: Actor::User { id: school.people["b"], roles: vec![GatewayRole::Auditor.into()] }, ..school.ctx.clone() };
    assert!(matches!(units::remove(&auditor, direction.id, None).await, Err(Error::Forbidden(_))));
    assert_eq!(units::get(&auditor, direction.id).await.unwrap().name, "Direction");
}

#[tokio::test]
async fn what_a_source_states_is_renamed_in_the_source() {
    let school = departments(&["a"]).await;
    let ctx = &school.ctx;
    school.change("a", |user| user.home_unit = Some("RT".to_owned())).await;
    let feed = crate::store::samples::source("annuaire");
    let link = Link { user_id: school.people["a"], ..crate::store::samples::link(&feed, &school.person("a"), "1") };
    let stated = Unit { source_id: Some(feed.id), ..units::named(ctx, "GEII").await.unwrap() };
    let mut tx = ctx.store.begin().await.unwrap();
    source::insert(&mut tx, &feed).await.unwrap();
    link::insert_all(&mut tx, &[link]).await.unwrap();
    passerelle::store::establishment::unit::update(&mut tx, &stated).await.unwrap();
    tx.commit().await.unwrap();
    for (from, what) in [("RT", "describes people"), ("GEII", "states the unit")] {
        let told = renamed(ctx, from, "Autre").await.unwrap_err().to_string();
        assert!(told.contains("«annuaire»") && told.contains(what), "{told}");
    }
    let standing = units::named(ctx, "GEII").await.unwrap();
    let titled = UnitFields { title: "Génie".to_owned(), parent: Some("RT".to_owned()), ..UnitFields::from(&standing) };
    assert_eq!(units::update(ctx, &standing, &titled).await.unwrap().unit.parent.as_deref(), Some("RT"), "its place is ours to say");
}

/// SCO-6: a person is in a department, or in none.
#[tokio::test]
async fn units_of_a_person_are_units_of_the_tree_or_none() {
    let school = departments(&["a"]).await;
    let (ctx, id) = (&school.ctx, school.people["a"]);
    let patch = |value| serde_json::from_value::<UserPatch>(value).unwrap();
    let told = users::update(ctx, id, None, &patch(json!({ "home_unit": "rt2" }))).await.unwrap_err().to_string();
    assert!(told.contains("home_unit") && told.contains("the nearest are RT, RT1"), "{told}");
    let wrong = users::update(ctx, id, None, &patch(json!({ "units": ["RT", "ailleurs"] }))).await.unwrap_err();
    assert_eq!(fields(wrong), ["units[1]"]);
    let placed = users::update(ctx, id, None, &patch(json!({ "home_unit": "RT", "units": ["GEII", "RT", "GEII"] }))).await.unwrap();
    assert_eq!((placed.home_unit.as_deref(), placed.units), (Some("RT"), vec!["GEII".to_owned(), "RT".to_owned()]));
    let nowhere = users::update(ctx, id, None, &patch(json!({ "home_unit": null, "units": [] }))).await.unwrap();
    assert_eq!((nowhere.home_unit, nowhere.units.len()), (None, 0));
    let new = NewUser { username: "b".to_owned(), home_unit: Some("rien".to_owned()), ..NewUser::default() };
    assert_eq!(fields(users::create(ctx, &new).await.unwrap_err()), ["home_unit"]);
    let bare = School::new(&[], &[]).await;
    assert_eq!(users::create(&bare.ctx, &new).await.unwrap().0.home_unit.as_deref(), Some("rien"), "without a tree, names are free");
}

#[tokio::test]
async fn a_scope_that_is_a_unit_is_one_of_the_tree_or_one_that_rules_give() {
    let school = departments(&["a", "b"]).await;
    let in_scope =
        |scope: &str| NewAssignment { scope: Some(scope.to_owned()), ..crate::roles::assigning::new(school.people["a"], "scodoc", "Ens") };
    assert_eq!(fields(assignments::add(&school.ctx, &in_scope("rt")).await.unwrap_err()), ["scope"]);
    assignments::add(&school.ctx, &in_scope("RT")).await.unwrap();
    rule_gives_in(&school, "CJ").await;
    assignments::add(&school.ctx, &in_scope("CJ")).await.unwrap();
    assert_eq!(school.held("a", "scodoc").await, ["Ens_CJ", "Ens_RT"]);
}

async fn rule_gives_in(school: &School, scope: &str) {
    let fields = rule("scodoc", r#"[{"attribute": "username", "matches": "b"}]"#, "Ens", Some(scope));
    passerelle::services::roles::rules::create(&school.ctx, &fields).await.unwrap();
}
