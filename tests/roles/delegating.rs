//! Delegated administration: what whoever administers a unit, the help desk, and whoever answers for an application may do, and nothing else
//! (SCO-6, SCO-13, SCO-17, VAU-1, VAU-11).

use passerelle::services::applications::ApplicationFields;
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::rules;
use passerelle::services::units::{self, UnitFields};
use passerelle::services::users::{self, NewUser, UserPatch};
use passerelle::services::{applications, roles, tokens};
use passerelle::store::establishment::assignment::Filter;
use passerelle::store::establishment::unit::{self, Unit};
use passerelle::store::establishment::user;
use passerelle::types::id::{TokenId, UnitId, UserId};
use passerelle::types::page::PageRequest;
use passerelle::types::permission::{Extent, GatewayRole};
use serde_json::json;

use super::assigning::new;
use super::school::School;

pub const PEOPLE: [&str; 7] = ["chef-iut", "chef-rt", "prof-rt", "chef-geii", "prof-geii", "aide", "nomade"];

fn unit_of(school: &School, name: &str, above: Option<UnitId>) -> Unit {
    Unit {
        id: UnitId::new(),
        name: name.to_owned(),
        title: name.to_uppercase(),
        parent_id: above,
        parent: None,
        source_id: None,
        source: None,
        created_at: school.ctx.now,
        updated_at: school.ctx.now,
    }
}

/// An institute with two departments, whose heads administer their people; scodoc, of which roles hold in departments.
pub async fn institute() -> School {
    let school = School::new(&PEOPLE, &[]).await;
    let iut = unit_of(&school, "iut", None);
    let below = ["rt", "geii"].map(|name| unit_of(&school, name, Some(iut.id)));
    let mut tx = school.ctx.store.begin().await.unwrap();
    unit::insert_all(&mut tx, std::slice::from_ref(&iut)).await.unwrap();
    unit::insert_all(&mut tx, &below).await.unwrap();
    tx.commit().await.unwrap();
    for (person, home) in [("chef-iut", "iut"), ("chef-rt", "rt"), ("prof-rt", "rt"), ("chef-geii", "geii"), ("prof-geii", "geii")] {
        school.change(person, |row| row.home_unit = Some(home.to_owned())).await;
    }
    school.install("scodoc").await;
    let marks = json!({ "name": "notes", "scope_kind": "service", "roles": [{ "name": "reader" }, { "name": "writer" }],
        "services": [{ "name": "bulletins", "access": "protected" }, { "name": "absences", "access": "open" }] });
    school.application(marks).await;
    school
}

pub fn scoped(user: UserId, application: &str, role: &str, scope: &str) -> NewAssignment {
    NewAssignment { scope: Some(scope.to_owned()), ..new(user, application, role) }
}

/// Gives someone a role of the gateway, and acts as them from then on.
pub async fn acting_as(school: &School, person: &str, role: &str, scope: &str) -> Context {
    assignments::add(&school.ctx, &scoped(school.people[person], "passerelle", role, scope)).await.unwrap();
    signed_in(school, person).await
}

/// Someone with what they hold now.
pub async fn signed_in(school: &School, person: &str) -> Context {
    let mut tx = school.ctx.store.read().await.unwrap();
    let row = user::get(&mut tx, school.people[person]).await.unwrap();
    let roles = roles::gateway_roles_in(&mut tx, &school.ctx, &row).await.unwrap();
    Context { actor: Actor::User { id: row.id, roles }, ..school.ctx.clone() }
}

async fn seen_by(ctx: &Context) -> Vec<String> {
    let listed = users::list(ctx, &PageRequest::first(50), &user::Filter::default()).await.unwrap();
    assert_eq!(usize::try_from(listed.total).unwrap(), listed.items.len(), "the total counts what is listed and nothing else");
    listed.items.into_iter().map(|person| person.username).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn forbidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn hidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::NotFound(_))), "{answer:?}");
}

/// SCO-17: an account can be modified by an administrator of the person's home department, and by nobody of another.
#[tokio::test]
async fn a_unit_administrator_changes_the_people_whose_home_it_is() {
    let school = institute().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    assert_eq!(seen_by(&head).await, ["chef-rt", "prof-rt"]);
    let (own, other, nobody_s) = (school.people["prof-rt"], school.people["prof-geii"], school.people["nomade"]);
    let renamed = UserPatch { display_name: Some("Professeure".to_owned()), ..UserPatch::default() };
    assert_eq!(users::update(&head, own, None, &renamed).await.unwrap().display_name, "Professeure");
    users::reset(&head, own).await.unwrap();
    users::disable(&head, own).await.unwrap();
    users::enable(&head, own).await.unwrap();
    for stranger in [other, nobody_s] {
        hidden(users::get(&head, stranger).await);
        hidden(users::update(&head, stranger, None, &renamed).await);
        hidden(users::reset(&head, stranger).await);
        hidden(users::disable(&head, stranger).await);
        hidden(users::enable(&head, stranger).await);
        hidden(users::invite(&head, stranger).await);
    }
    forbidden(users::delete(&head, own).await);
    // Nobody is made elsewhere or moved elsewhere.
    let newcomer =
        |unit: Option<&str>| NewUser { username: "nouveau".to_owned(), home_unit: unit.map(str::to_owned), ..NewUser::default() };
    for unit in [None, Some("geii"), Some("iut")] {
        let refused = users::create(&head, &newcomer(unit)).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid(wrong) if wrong[0].field == "home_unit" && wrong[0].message.contains("rt")), "{refused}");
        let moved = UserPatch { home_unit: Some(unit.map(str::to_owned)), ..UserPatch::default() };
        assert!(matches!(users::update(&head, own, None, &moved).await, Err(Error::Invalid(_))));
    }
    users::create(&head, &newcomer(Some("rt"))).await.unwrap();
}

#[tokio::test]
async fn a_role_in_a_unit_holds_in_the_units_below_it_and_not_above() {
    let school = institute().await;
    let head = acting_as(&school, "chef-iut", "unit_administrator", "iut").await;
    assert_eq!(seen_by(&head).await, ["chef-iut", "chef-rt", "prof-rt", "chef-geii", "prof-geii"]);
    let moved = UserPatch { home_unit: Some(Some("geii".to_owned())), ..UserPatch::default() };
    users::update(&head, school.people["prof-rt"], None, &moved).await.unwrap();
    let below = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    hidden(users::get(&below, school.people["prof-rt"]).await);
    hidden(users::reset(&below, school.people["chef-iut"]).await);
    // Whoever stands above changes those who administer below; never the other way round, nor beside.
    users::reset(&head, school.people["chef-rt"]).await.unwrap();
    let also = acting_as(&school, "prof-geii", "unit_administrator", "geii").await;
    school.change("chef-rt", |row| row.home_unit = Some("geii".to_owned())).await;
    forbidden(users::reset(&also, school.people["chef-rt"]).await);
}

/// SCO-12, SCO-13: AdminRT lets Dupont manage the users of department RT only.
#[tokio::test]
async fn a_unit_administrator_gives_roles_that_hold_in_the_unit_to_people_of_the_unit() {
    let school = institute().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let (own, other) = (school.people["prof-rt"], school.people["prof-geii"]);
    let given = assignments::add(&head, &scoped(own, "scodoc", "Ens", "rt")).await.unwrap();
    for (scope, application) in [("geii", "scodoc"), ("iut", "scodoc"), ("", "scodoc"), ("bulletins", "notes"), ("", "notes")] {
        let role = if application == "notes" { "reader" } else { "Ens" };
        forbidden(assignments::add(&head, &scoped(own, application, role, scope)).await);
    }
    assert!(matches!(assignments::add(&head, &scoped(other, "scodoc", "Ens", "rt")).await, Err(Error::Invalid(_))), "they do not see them");
    let elsewhere = assignments::add(&school.ctx, &scoped(other, "scodoc", "Ens", "rt")).await.unwrap();
    let above = assignments::add(&school.ctx, &new(own, "scodoc", "Secr")).await.unwrap();
    let listed = assignments::list(&head, &PageRequest::first(50), &Filter::default()).await.unwrap();
    assert_eq!(listed.total, 3, "their people's, their own among them: {:?}", listed.items);
    hidden(assignments::get(&head, elsewhere.id).await);
    hidden(assignments::end(&head, elsewhere.id).await);
    forbidden(assignments::end(&head, above.id).await);
    assignments::end(&head, given.id).await.unwrap();
}

/// Responsibilities are handed on below, and never beyond what one holds.
#[tokio::test]
async fn a_unit_administrator_delegates_within_the_unit() {
    let school = institute().await;
    let head = acting_as(&school, "chef-iut", "unit_administrator", "iut").await;
    let deputy = school.people["chef-rt"];
    assignments::add(&head, &scoped(deputy, "passerelle", "unit_administrator", "rt")).await.unwrap();
    assignments::add(&head, &scoped(deputy, "passerelle", "help_desk", "geii")).await.unwrap();
    for (role, scope) in [("help_desk", ""), ("auditor", ""), ("administrator", ""), ("responsible", "notes"), ("responsible", "iut")] {
        let refused = assignments::add(&head, &scoped(deputy, "passerelle", role, scope)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_) | Error::Invalid(_))), "{role} in «{scope}»: {refused:?}");
    }
    let outside = assignments::add(&head, &scoped(school.people["nomade"], "passerelle", "help_desk", "rt")).await;
    assert!(matches!(outside, Err(Error::Invalid(_))));
    // The deputy holds less, and hands on less.
    let below = signed_in(&school, "chef-rt").await;
    assignments::add(&below, &scoped(school.people["prof-rt"], "passerelle", "help_desk", "rt")).await.unwrap();
    forbidden(assignments::add(&below, &scoped(school.people["prof-rt"], "passerelle", "unit_administrator", "iut")).await);
    forbidden(assignments::add(&below, &scoped(school.people["prof-rt"], "passerelle", "help_desk", "geii")).await);
}

#[tokio::test]
async fn the_help_desk_makes_links_and_does_nothing_else() {
    let school = institute().await;
    let desk = acting_as(&school, "aide", "help_desk", "").await;
    // With the administrator whom the institute began with.
    assert_eq!(seen_by(&desk).await.len(), PEOPLE.len() + 1);
    let someone = school.people["prof-rt"];
    users::reset(&desk, someone).await.unwrap();
    forbidden(users::disable(&desk, someone).await);
    forbidden(users::update(&desk, someone, None, &UserPatch::default()).await);
    forbidden(users::create(&desk, &NewUser { username: "nouveau".to_owned(), ..NewUser::default() }).await);
    forbidden(assignments::add(&desk, &new(someone, "notes", "reader")).await);
    forbidden(assignments::list(&desk, &PageRequest::first(1), &Filter::default()).await);
    let local = acting_as(&school, "nomade", "help_desk", "geii").await;
    users::reset(&local, school.people["prof-geii"]).await.unwrap();
    hidden(users::reset(&local, someone).await);
}

/// VAU-11: access to protected services is authorised by a person responsible for them.
#[tokio::test]
async fn whoever_answers_for_a_service_gives_it_and_takes_it_away() {
    let school = institute().await;
    let clerk = acting_as(&school, "aide", "responsible", "notes/bulletins").await;
    let someone = school.people["prof-rt"];
    let given = assignments::add(&clerk, &scoped(someone, "notes", "reader", "bulletins")).await.unwrap();
    for (application, role, scope) in [("notes", "reader", "absences"), ("notes", "reader", ""), ("scodoc", "Ens", "rt")] {
        forbidden(assignments::add(&clerk, &scoped(someone, application, role, scope)).await);
    }
    forbidden(assignments::add(&clerk, &scoped(someone, "passerelle", "responsible", "notes/bulletins")).await);
    let other = assignments::add(&school.ctx, &scoped(someone, "notes", "reader", "absences")).await.unwrap();
    let listed = assignments::list(&clerk, &PageRequest::first(50), &Filter::default()).await.unwrap();
    assert_eq!((listed.total, listed.items[0].id), (1, given.id));
    hidden(assignments::get(&clerk, other.id).await);
    hidden(assignments::end(&clerk, other.id).await);
    assignments::end(&clerk, given.id).await.unwrap();
    // For the whole application: all of its roles.
    let chief = acting_as(&school, "nomade", "responsible", "notes").await;
    assignments::add(&chief, &new(someone, "notes", "writer")).await.unwrap();
    assignments::end(&chief, other.id).await.unwrap();
}

#[tokio::test]
async fn whoever_answers_for_an_application_finds_people_by_name_and_learns_no_more() {
    let school = institute().await;
    school
        .change("prof-rt", |row| {
            row.attributes.insert("carte".to_owned(), vec!["4711".to_owned()]);
        })
        .await;
    let clerk = acting_as(&school, "aide", "responsible", "notes").await;
    let found = users::profile(&clerk, school.people["prof-rt"]).await.unwrap();
    assert_eq!((found.user.display_name.as_str(), found.user.home_unit.as_deref()), ("prof-rt", Some("rt")));
    assert!(found.user.email.is_none() && found.user.attributes.is_empty() && found.links.is_empty());
    let listed = users::list(&clerk, &PageRequest::first(50), &user::Filter::default()).await.unwrap();
    assert_eq!(listed.items.len(), PEOPLE.len() + 1);
    assert!(listed.items.iter().all(|person| person.email.is_none() && person.attributes.is_empty()));
    forbidden(users::reset(&clerk, school.people["prof-rt"]).await);
}

#[tokio::test]
async fn a_role_of_the_gateway_is_given_only_where_it_can_hold() {
    let school = institute().await;
    let someone = school.people["prof-rt"];
    let nowhere = [
        ("administrator", "rt"),
        ("auditor", "rt"),
        ("unit_administrator", ""),
        ("unit_administrator", "chimie"),
        ("help_desk", "chimie"),
        ("responsible", ""),
        ("responsible", "passerelle"),
        ("responsible", "passerelle/x"),
        ("responsible", "moodle"),
        ("responsible", "notes/cantine"),
    ];
    for (role, scope) in nowhere {
        let refused = assignments::add(&school.ctx, &scoped(someone, "passerelle", role, scope)).await;
        assert!(matches!(&refused, Err(Error::Invalid(wrong)) if wrong[0].field == "scope"), "{role} in «{scope}»: {refused:?}");
    }
}

#[tokio::test]
async fn a_token_carries_a_role_with_its_extent_and_falls_with_its_maker() {
    let school = institute().await;
    let admin = acting_as(&school, "nomade", "administrator", "").await;
    let new: tokens::NewToken =
        serde_json::from_value(json!({ "name": "annuaire RT", "scope": "unit_administrator", "within": "rt" })).unwrap();
    let (made, secret) = tokens::create(&admin, &new).await.unwrap();
    assert_eq!((made.scope.as_str(), made.within.as_deref()), ("unit_administrator", Some("rt")));
    let caller = tokens::authenticate(&school.test.gateway, secret.expose(), school.ctx.now).await.unwrap().unwrap();
    let ctx = Context { actor: caller.actor, ..school.ctx.clone() };
    assert_eq!(seen_by(&ctx).await, ["chef-rt", "prof-rt"]);
    for (scope, within) in
        [("unit_administrator", None), ("unit_administrator", Some("chimie")), ("auditor", Some("rt")), ("responsible", Some("rt"))]
    {
        let wrong: tokens::NewToken = serde_json::from_value(json!({ "name": "x", "scope": scope, "within": within })).unwrap();
        let refused = tokens::create(&admin, &wrong).await;
        assert!(matches!(&refused, Err(Error::Invalid(wrong)) if wrong[0].field == "within"), "{scope} {within:?}");
    }
    users::disable(&school.ctx, school.people["nomade"]).await.unwrap();
    assert!(tokens::authenticate(&school.test.gateway, secret.expose(), school.ctx.now).await.unwrap().is_none());
}

/// A rule of the gateway gives roles where groups say.
#[tokio::test]
async fn a_rule_makes_unit_administrators_of_groups() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("resp-rt", &["a"], &[])];
    let school = School::new(&["a"], &groups).await;
    school.rule("passerelle", "resp-(?<unit>.+)", "unit_administrator", Some("{unit}")).await;
    let head = signed_in(&school, "a").await;
    assert_eq!(head.actor.held()[0].extent, Extent::unit("rt"));
    assert_eq!(head.actor.held()[0].role, GatewayRole::UnitAdministrator);
    let everywhere = Context { actor: Actor::token(TokenId::new(), GatewayRole::HelpDesk), ..school.ctx.clone() };
    forbidden(users::reset(&everywhere, school.people["a"]).await);
}

#[tokio::test]
async fn whoever_gives_roles_of_an_application_sees_its_catalogue() {
    let school = institute().await;
    let names = async |ctx: &Context| -> Vec<String> {
        applications::list(ctx).await.unwrap().into_iter().map(|application| application.name).collect()
    };
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    assert_eq!(names(&head).await, ["passerelle", "scodoc"]);
    let clerk = acting_as(&school, "aide", "responsible", "notes/bulletins").await;
    assert_eq!(names(&clerk).await, ["notes"]);
    assert_eq!(applications::get(&clerk, "notes").await.unwrap().services.len(), 2);
    hidden(applications::get(&clerk, "scodoc").await);
    let desk = acting_as(&school, "nomade", "help_desk", "").await;
    forbidden(applications::list(&desk).await);
}

/// With an application's new name, whoever answers for it answers for it still; while someone does, it stays.
#[tokio::test]
async fn responsibilities_follow_an_application_to_its_new_name_and_keep_it() {
    let school = institute().await;
    let clerk = acting_as(&school, "aide", "responsible", "notes/bulletins").await;
    school.rule("passerelle", r#"[{"unit": "rt"}]"#, "responsible", Some("notes")).await;
    let new_token: tokens::NewToken =
        serde_json::from_value(json!({ "name": "Notes", "scope": "responsible", "within": "notes" })).unwrap();
    let (token, _) = tokens::create(&school.ctx, &new_token).await.unwrap();
    let standing = applications::get(&school.ctx, "notes").await.unwrap();
    let fields = ApplicationFields { name: "releves".to_owned(), ..ApplicationFields::from(&standing) };
    applications::update(&school.ctx, &standing, &fields).await.unwrap();
    let extents = async |person: &str| -> Vec<String> {
        signed_in(&school, person).await.actor.held().iter().map(|held| held.extent.scope()).collect()
    };
    assert_eq!(extents("aide").await, ["releves/bulletins"]);
    assert_eq!(extents("prof-rt").await, ["releves"], "what a rule gives follows too");
    assert_eq!(tokens::get(&school.ctx, token.id).await.unwrap().within.as_deref(), Some("releves"));
    assert_eq!(clerk.actor.held()[0].extent.scope(), "notes/bulletins", "what was looked up before is of the old name");

    let told = applications::delete(&school.ctx, "releves").await.unwrap_err().to_string();
    assert!(told.contains("people by hand: 1, API tokens: 1, rules: 1"), "{told}");
    tokens::revoke(&school.ctx, token.id).await.unwrap();
    let rule = rules::list(&school.ctx).await.unwrap().into_iter().find(|rule| rule.role == "responsible").unwrap();
    rules::delete(&school.ctx, rule.id).await.unwrap();
    let only = Filter { role: Some("responsible".to_owned()), ..Filter::default() };
    let given = assignments::list(&school.ctx, &PageRequest::first(9), &only).await.unwrap();
    assignments::end(&school.ctx, given.items[0].id).await.unwrap();
    applications::delete(&school.ctx, "releves").await.unwrap();
}

/// With a unit's new name, the roles that hold there hold on; those for an application of that name are of another kind.
#[tokio::test]
async fn responsibilities_follow_a_unit_to_its_new_name() {
    let school = institute().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    school.application(json!({ "name": "rt", "roles": [{ "name": "reader" }] })).await;
    acting_as(&school, "aide", "responsible", "rt").await;
    let new_token: tokens::NewToken =
        serde_json::from_value(json!({ "name": "RT", "scope": "unit_administrator", "within": "rt" })).unwrap();
    let (token, _) = tokens::create(&school.ctx, &new_token).await.unwrap();
    let standing = units::named(&school.ctx, "rt").await.unwrap();
    let fields = UnitFields { name: "reseaux".to_owned(), ..UnitFields::from(&standing) };
    units::update(&school.ctx, &standing, &fields).await.unwrap();
    assert_eq!(seen_by(&signed_in(&school, "chef-rt").await).await, ["chef-rt", "prof-rt"]);
    assert_eq!(seen_by(&head).await, [""; 0], "what was looked up before is of the old name");
    assert_eq!(signed_in(&school, "aide").await.actor.held()[0].extent.scope(), "rt");
    assert_eq!(tokens::get(&school.ctx, token.id).await.unwrap().within.as_deref(), Some("reseaux"));
}

/// Whoever answers for an application finds people by name: what they are not shown they do not find out by searching for it either.
#[tokio::test]
async fn what_is_not_shown_is_not_found_by_searching() {
    let school = institute().await;
    school.change("prof-rt", |row| row.email = Some("cachee@ailleurs.example".to_owned())).await;
    let clerk = acting_as(&school, "aide", "responsible", "notes").await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let found = async |ctx: &Context, words: &str| {
        let page = PageRequest::parse(Some(9), None, Some(words)).unwrap();
        users::list(ctx, &page, &user::Filter::default()).await.unwrap().items.into_iter().map(|one| one.username).collect::<Vec<_>>()
    };
    assert_eq!(found(&head, "ailleurs").await, ["prof-rt"], "their administrator sees the address");
    assert_eq!(found(&school.ctx, "ailleurs").await, ["prof-rt"]);
    assert_eq!((found(&clerk, "ailleurs").await, found(&clerk, "prof-rt").await), (vec![], vec!["prof-rt".to_owned()]));
    let only = async |filter: user::Filter| users::list(&clerk, &PageRequest::first(9), &filter).await;
    forbidden(only(user::Filter { disabled_by: Some("admin".to_owned()), ..user::Filter::default() }).await);
    forbidden(only(user::Filter { locale: Some("fr".to_owned()), ..user::Filter::default() }).await);
    let known = user::Filter { email: Some("cachee@ailleurs.example".to_owned()), ..user::Filter::default() };
    assert_eq!(only(known).await.unwrap().items.len(), 1, "an address that they know finds whose it is");
    let both = acting_as(&school, "chef-rt", "responsible", "notes").await;
    assert!(found(&both, "ailleurs").await.is_empty(), "one who is not shown everybody’s searches nobody’s");
}
