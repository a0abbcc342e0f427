//! Roles given by hand, and who may give what (SECURITY 24, OME-69).

use passerelle::services::brought_rows::Brought;
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::roles::assignments::{self, AssignmentFields, NewAssignment};
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::roles::{self, AssignmentRow, rules};
use passerelle::store::establishment::assignment::{Filter, Origin};
use passerelle::store::establishment::user;
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;

use super::school::{School, rule};

pub fn new(user: UserId, application: &str, role: &str) -> NewAssignment {
    NewAssignment {
        user,
        application: application.to_owned(),
        role: role.to_owned(),
        scope: None,
        valid_from: None,
        valid_until: None,
        reason: None,
    }
}

fn acting(school: &School, person: &str, roles: &[GatewayRole]) -> Context {
    Context { actor: Actor::user(school.people[person], roles), ..school.ctx.clone() }
}

/// OME-46, OME-48: an administrator gives a role; the default gives way, and comes back when it ends.
#[tokio::test]
async fn a_role_given_by_hand_counts_while_it_is_valid() {
    let school = School::new(&["a"], &[]).await;
    school.install("omenori").await;
    let ctx = &school.ctx;
    let until = ctx.now.plus_s(3600);
    let given = NewAssignment { valid_until: Some(until), reason: Some("stage".to_owned()), ..new(school.people["a"], "omenori", "MA") };
    let made = assignments::add(ctx, &given).await.unwrap();
    assert_eq!(school.held("a", "omenori").await, ["MA"]);
    assert_eq!(school.held_with(ctx, "a", "omenori").await[0].until, Some(until));
    let later = Context { now: until, ..ctx.clone() };
    assert_eq!(school.held_with(&later, "a", "omenori").await[0].role, "USER");
    assert!(matches!(assignments::add(ctx, &given).await, Err(Error::Conflict(_))));
    assignments::end(ctx, made.id).await.unwrap();
    assert_eq!(school.held("a", "omenori").await, ["USER"]);
    let forever = assignments::add(ctx, &new(school.people["a"], "omenori", "PT")).await.unwrap();
    assert_eq!(school.recorded("a").await.iter().map(|a| a.origin).collect::<Vec<_>>(), [Origin::Manual]);
    let only = Filter { application: Some("omenori".to_owned()), ..Filter::default() };
    let listed = assignments::list(ctx, &PageRequest::first(10), &only).await.unwrap();
    assert_eq!(listed.items[0].id, forever.id);
}

#[tokio::test]
async fn the_order_of_the_catalogue_decides_between_hand_and_rule() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    school.install("omenori").await;
    school.rule("omenori", "ens", "PT", None).await;
    assignments::add(&school.ctx, &new(school.people["a"], "omenori", "APPRENTICE")).await.unwrap();
    assert_eq!(school.held("a", "omenori").await, ["PT"]);
    assignments::add(&school.ctx, &new(school.people["a"], "omenori", "RC")).await.unwrap();
    assert_eq!(school.held("a", "omenori").await, ["RC"]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_field_by_field() {
    let school = School::new(&["a"], &[]).await;
    school.install("omenori").await;
    let wrong = NewAssignment { valid_until: Some(school.ctx.now), scope: Some(" x".to_owned()), ..new(UserId::new(), "omenori", "CHEF") };
    let Err(Error::Invalid(wrong)) = assignments::add(&school.ctx, &wrong).await else { panic!("it does not fit") };
    let fields: Vec<&str> = wrong.iter().map(|w| w.field.as_str()).collect();
    assert_eq!(fields, ["scope", "valid_until", "user", "role"]);
}

#[tokio::test]
async fn computed_assignments_are_ended_by_their_rule_only() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    school.install("omenori").await;
    let made = school.rule("omenori", "ens", "PT", None).await;
    let refused = assignments::end(&school.ctx, school.recorded("a").await[0].id).await.unwrap_err();
    assert!(refused.to_string().contains(&made.id.to_string()), "{refused}");
}

#[tokio::test]
async fn nobody_gives_a_role_to_themselves_or_ends_their_own() {
    let school = School::new(&["admin-a", "b"], &[]).await;
    school.install("omenori").await;
    let ctx = acting(&school, "admin-a", &[GatewayRole::Administrator]);
    let refused = assignments::add(&ctx, &new(school.people["admin-a"], "omenori", "ADMIN")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let own = assignments::add(&school.ctx, &new(school.people["admin-a"], "omenori", "ADMIN")).await.unwrap();
    assert!(matches!(assignments::end(&ctx, own.id).await, Err(Error::Forbidden(_))));
    assignments::add(&ctx, &new(school.people["b"], "passerelle", "administrator")).await.unwrap();
    let mut tx = school.ctx.store.read().await.unwrap();
    let person = user::get(&mut tx, school.people["b"]).await.unwrap();
    assert_eq!(roles::gateway_roles_in(&mut tx, &school.ctx, &person).await.unwrap(), [GatewayRole::Administrator.into()]);
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_by_hand_or_by_a_rule() {
    let school = School::new(&["a", "b"], &[]).await;
    let platform = school.test.platform().await;
    let operators = platform.context();
    let (person, _) = passerelle::services::establishments::create_operator(
        &platform,
        &passerelle::services::users::NewUser { username: "op".to_owned(), ..Default::default() },
    )
    .await
    .unwrap();
    let below = Context { actor: Actor::user(UserId::new(), &[GatewayRole::Administrator]), ..operators.clone() };
    let refused = assignments::add(&below, &new(person.id, "passerelle", "operator")).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let refused = rules::create(&below, &rule("passerelle", "dsi", "operator", None)).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    // What an operator set up, someone below neither takes away nor turns round.
    let set_up = rules::create(operators, &rule("passerelle", "dsi", "operator", None)).await.unwrap();
    assert!(matches!(rules::delete(&below, set_up.id).await, Err(Error::Forbidden(_))));
    let turned = rules::update(&below, &set_up, &rule("passerelle", "dsi", "auditor", None)).await;
    assert!(matches!(turned, Err(Error::Forbidden(_))));
    let held = assignments::list(operators, &PageRequest::first(1), &Filter::default()).await.unwrap();
    assert!(matches!(assignments::end(&below, held.items[0].id).await, Err(Error::Forbidden(_))));
    // On the platform not even what they hold: only operators configure there.
    let equal = rules::create(&below, &rule("passerelle", "dsi", "administrator", None)).await;
    assert!(matches!(equal, Err(Error::Forbidden(_))));
    let captured = rules::create(operators, &rule("passerelle", "(?<role>.+)", "{role}", None)).await;
    assert!(matches!(captured, Err(Error::Invalid(_))));
    // An auditor reads and gives nothing; an establishment knows no operators.
    let auditor = acting(&school, "a", &[GatewayRole::Auditor]);
    assert!(matches!(assignments::add(&auditor, &new(school.people["b"], "passerelle", "auditor")).await, Err(Error::Forbidden(_))));
    let unknown = assignments::add(&school.ctx, &new(school.people["b"], "passerelle", "operator")).await;
    assert!(matches!(unknown, Err(Error::Invalid(_))));
}

/// What somebody decided that a person is not to hold comes back by no list and by no longer end, until that decision ends.
#[tokio::test]
async fn what_is_excluded_is_neither_imported_nor_prolonged() {
    let school = School::new(&["a", "b"], &[]).await;
    school.install("omenori").await;
    let (ctx, end) = (&school.ctx, school.ctx.now.plus_s(3600));
    let lent = NewAssignment { valid_until: Some(end), ..new(school.people["a"], "omenori", "MA") };
    let lent = assignments::add(ctx, &lent).await.unwrap();
    let decided = |user: &str| NewExclusion {
        user: school.people[user],
        application: "omenori".to_owned(),
        role: "MA".to_owned(),
        scope: None,
        reason: "ne l’est plus".to_owned(),
        valid_until: None,
    };
    exclusions::add(ctx, &decided("a")).await.unwrap();
    let other = exclusions::add(ctx, &decided("b")).await.unwrap();
    let lasting = |valid_until| AssignmentFields { valid_until, reason: None };
    for longer in [None, Some(end.plus_s(1))] {
        assert!(matches!(assignments::edit(ctx, &lent, &lasting(longer)).await, Err(Error::Conflict(_))), "{longer:?}");
    }
    let lent = assignments::edit(ctx, &lent, &lasting(Some(end.plus_s(-1)))).await.unwrap();
    let row = |who: &str, role: &str, until: Option<String>| AssignmentRow {
        username: who.to_owned(),
        application: "omenori".to_owned(),
        role: role.to_owned(),
        scope: None,
        until,
        reason: None,
    };
    let rows = vec![row("a", "MA", None), row("b", "MA", None), row("b", "PT", None)];
    let outcome = roles::import(ctx, Brought::Rows(rows.clone()), false).await.unwrap();
    assert_eq!((outcome.added, outcome.updated, outcome.refused.len()), (1, 0, 2), "{outcome:?}");
    assert!(outcome.refused.iter().all(|one| one.field == "role" && one.message.contains("ne l’est plus")), "{outcome:?}");
    exclusions::end(ctx, other.id).await.unwrap();
    let outcome = roles::import(ctx, Brought::Rows(rows), false).await.unwrap();
    assert_eq!((outcome.added, outcome.unchanged, outcome.refused.len()), (1, 1, 1), "{outcome:?}");
    let shorter = vec![row("a", "MA", Some(ctx.now.plus_s(60).to_string()))];
    assert_eq!(roles::import(ctx, Brought::Rows(shorter), false).await.unwrap().updated, 1);
    assignments::end(ctx, lent.id).await.unwrap();
}
