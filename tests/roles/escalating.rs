//! Ways by which someone could get more than they were given, each of them shut (SECURITY 24; CVE-2026-94000, CVE-2026-9099; OME-69).

use passerelle::services::applications::{self, ApplicationFields};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::roles::{self, RuleFields, assignments, rules};
use passerelle::services::rule_sets::{self, RuleSetFields};
use passerelle::services::tokens::{self, NewToken};
use passerelle::services::users::{self, NewUser, UserPatch};
use passerelle::services::{clients, groups, sources};
use passerelle::store::establishment::application::Level;
use passerelle::store::establishment::group::Filter;
use passerelle::types::id::TokenId;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::{GatewayRole, Held};
use serde_json::json;

use super::assigning::new;
use super::delegating::{acting_as, institute, scoped, signed_in};
use super::school::{School, rule};

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn forbidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
}

/// Everyone to whom something was delegated.
async fn delegates(school: &School) -> Vec<Context> {
    vec![
        acting_as(school, "chef-rt", "unit_administrator", "rt").await,
        acting_as(school, "aide", "help_desk", "").await,
        acting_as(school, "nomade", "responsible", "notes").await,
        Context { actor: Actor::token(TokenId::new(), GatewayRole::HelpDesk), ..school.ctx.clone() },
    ]
}

#[tokio::test]
async fn whoever_was_delegated_something_configures_nothing() {
    let school = institute().await;
    let fields: ApplicationFields = serde_json::from_value(json!({ "name": "autre", "roles": [{ "name": "chef" }] })).unwrap();
    let source =
        serde_json::from_value(json!({ "name": "annuaire", "settings": { "urls": ["ldap://127.0.0.1:1"], "base_dn": "dc=x" } })).unwrap();
    let client = serde_json::from_value(json!({ "name": "Console" })).unwrap();
    let token: NewToken = serde_json::from_value(json!({ "name": "x", "scope": "help_desk" })).unwrap();
    for ctx in &delegates(&school).await {
        forbidden(rules::create(ctx, &rule("passerelle", "dsi", "administrator", None)).await);
        forbidden(rules::create(ctx, &rule("notes", "dsi", "reader", None)).await);
        forbidden(rules::list(ctx).await);
        forbidden(applications::create(ctx, &fields).await);
        forbidden(sources::create(ctx, &source).await);
        forbidden(clients::create(ctx, &client).await);
        forbidden(tokens::create(ctx, &token).await);
        forbidden(groups::list(ctx, &PageRequest::first(1), &Filter::default()).await);
    }
}

/// A link to choose a password is the account itself: nobody makes one for whoever may do more.
#[tokio::test]
async fn nobody_takes_over_the_account_of_someone_stronger() {
    let school = institute().await;
    let ctxs = delegates(&school).await;
    // The administrator is at home in the very unit, and everyone sees them.
    assignments::add(&school.ctx, &new(school.people["prof-rt"], "passerelle", "administrator")).await.unwrap();
    let renamed = UserPatch { email: Some(Some("moi@univ-test.fr".to_owned())), ..UserPatch::default() };
    for ctx in &ctxs {
        forbidden(users::reset(ctx, school.people["prof-rt"]).await);
        forbidden(users::disable(ctx, school.people["prof-rt"]).await);
        forbidden(users::update(ctx, school.people["prof-rt"], None, &renamed).await);
    }
    // Who answers for an application, or sends links everywhere, is beyond a unit's administrator.
    assignments::add(&school.ctx, &scoped(school.people["chef-geii"], "passerelle", "responsible", "notes")).await.unwrap();
    school.change("chef-geii", |row| row.home_unit = Some("rt".to_owned())).await;
    forbidden(users::reset(&ctxs[0], school.people["chef-geii"]).await);
}

/// A fact that a rule looks at is as good as the role: whoever may write it gives no more by it than by hand.
#[tokio::test]
async fn nobody_mints_an_administrator_by_a_fact_that_a_rule_looks_at() {
    let school = institute().await;
    let head = acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    rules::create(&school.ctx, &rule("passerelle", r#"[{"attribute": "family_name", "matches": "Président.*"}]"#, "administrator", None))
        .await
        .unwrap();
    let named = |username: &str, family: &str| NewUser {
        username: username.to_owned(),
        family_name: Some(family.to_owned()),
        home_unit: Some("rt".to_owned()),
        ..NewUser::default()
    };
    // Made by hand they are pending, and the rule gives nothing yet: the link that comes back would open it.
    forbidden(users::create(&head, &named("complice", "Présidente")).await);
    let (made, _) = users::create(&head, &named("complice", "Personne")).await.unwrap();
    let renamed = |family: &str| UserPatch { family_name: Some(Some(family.to_owned())), ..UserPatch::default() };
    forbidden(users::update(&head, made.id, None, &renamed("Présidente")).await);
    forbidden(users::update(&head, school.people["prof-rt"], None, &renamed("Président")).await);
    assert_eq!(users::get(&head, made.id).await.unwrap().family_name.as_deref(), Some("Personne"), "nothing of it was kept");
    users::update(&head, made.id, None, &renamed("Quelqu’une")).await.unwrap();
    // Whom an administrator disabled they do not bring back, when a rule makes an administrator of them.
    users::update(&school.ctx, school.people["prof-rt"], None, &renamed("Président")).await.unwrap();
    users::disable(&school.ctx, school.people["prof-rt"]).await.unwrap();
    forbidden(users::enable(&head, school.people["prof-rt"]).await);
    // An administrator may: it is no more than they hold.
    let admin = acting_as(&school, "chef-iut", "administrator", "").await;
    users::create(&admin, &named("vice", "Président adjoint")).await.unwrap();
}

#[tokio::test]
async fn nobody_changes_their_own_roles_by_a_rule() {
    let groups: [(&str, &[&str], &[&str]); 2] = [("dsi", &["admin-a"], &[]), ("ens", &["admin-a", "b"], &[])];
    let school = School::new(&["admin-a", "b"], &groups).await;
    school.install("omenori").await;
    let ctx = acting_as(&school, "admin-a", "administrator", "").await;
    forbidden(rules::create(&ctx, &rule("passerelle", "dsi", "auditor", None)).await);
    forbidden(rules::create(&ctx, &rule("passerelle", r#"[{"attribute": "username", "matches": "admin-a"}]"#, "auditor", None)).await);
    assert!(rules::list(&ctx).await.unwrap().is_empty(), "nothing of it was kept");
    let standing = rules::create(&school.ctx, &rule("passerelle", "dsi", "auditor", None)).await.unwrap();
    forbidden(rules::delete(&ctx, standing.id).await);
    forbidden(rules::update(&ctx, &standing, &rule("passerelle", "personne", "auditor", None)).await);
    // Nor all at once, nor by a set that waits for its date, when nobody asks who wrote it.
    let none: [RuleFields; 0] = [];
    let foretold = roles::simulate(&ctx, &none).await.unwrap();
    forbidden(roles::apply(&ctx, &none, foretold.simulation.as_deref().unwrap(), None).await);
    let set: RuleSetFields = serde_json::from_value(json!({ "name": "rentree", "rules": [
        { "application": "passerelle", "when": [{ "group": "ens", "source": "local" }], "role": "auditor" }] }))
    .unwrap();
    rule_sets::create(&ctx, &set).await.unwrap();
    let more: RuleSetFields = serde_json::from_value(json!({ "name": "coup", "rules": [
        { "application": "passerelle", "when": [{ "group": "ens", "source": "local" }], "role": "help_desk" }] }))
    .unwrap();
    forbidden(rule_sets::create(&ctx, &more).await);
    // What touches others, and other applications, is their work.
    rules::create(&ctx, &rule("omenori", "ens", "PT", None)).await.unwrap();
    rules::create(&ctx, &rule("passerelle", r#"[{"attribute": "username", "matches": "b"}]"#, "auditor", None)).await.unwrap();
}

#[tokio::test]
async fn nobody_changes_their_own_roles_by_their_own_facts() {
    let school = institute().await;
    let ctx = acting_as(&school, "nomade", "administrator", "").await;
    let own = school.people["nomade"];
    let home = UserPatch { home_unit: Some(Some("rt".to_owned())), ..UserPatch::default() };
    forbidden(users::update(&ctx, own, None, &home).await);
    rules::create(&school.ctx, &rule("notes", r#"[{"attribute": "given_name", "matches": "Zoé"}]"#, "writer", None)).await.unwrap();
    let named = |given: &str| UserPatch { given_name: Some(Some(given.to_owned())), ..UserPatch::default() };
    forbidden(users::update(&ctx, own, None, &named("Zoé")).await);
    users::update(&ctx, own, None, &named("Zoe")).await.unwrap();
}

/// A token acts for whoever made it: their own roles are theirs by it too.
#[tokio::test]
async fn nobody_changes_their_own_roles_by_a_token_of_theirs() {
    let school = institute().await;
    let admin = acting_as(&school, "nomade", "administrator", "").await;
    let new_token: NewToken = serde_json::from_value(json!({ "name": "script", "scope": "administrator" })).unwrap();
    let (_, secret) = tokens::create(&admin, &new_token).await.unwrap();
    let caller = tokens::authenticate(&school.test.gateway, secret.expose(), school.ctx.now).await.unwrap().unwrap();
    let by_token = Context { actor: caller.actor, ..school.ctx.clone() };
    forbidden(assignments::add(&by_token, &new(school.people["nomade"], "notes", "writer")).await);
    forbidden(assignments::add(&by_token, &new(school.people["nomade"], "passerelle", "auditor")).await);
    assignments::add(&by_token, &new(school.people["aide"], "notes", "writer")).await.unwrap();
    // And one made with it is theirs again.
    let (child, _) = tokens::create(&by_token, &new_token).await.unwrap();
    assert_eq!(child.created_by, Some(school.people["nomade"]));
}

#[tokio::test]
async fn the_catalogue_of_the_gateway_is_fixed() {
    let school = institute().await;
    let standing = applications::get(&school.ctx, "passerelle").await.unwrap();
    let mut fields = ApplicationFields::from(&standing);
    fields.roles[2].privileges.insert("roles.manage".to_owned(), Level::Yes);
    assert!(matches!(applications::update(&school.ctx, &standing, &fields).await, Err(Error::Conflict(_))));
    let mut fields = ApplicationFields::from(&standing);
    fields.default_role = Some("administrator".to_owned());
    assert!(matches!(applications::update(&school.ctx, &standing, &fields).await, Err(Error::Conflict(_))));
    let another: ApplicationFields =
        serde_json::from_value(json!({ "name": "passerelle", "roles": [{ "name": "administrator" }] })).unwrap();
    assert!(matches!(applications::create(&school.ctx, &another).await, Err(Error::Conflict(_))));
    assert!(matches!(applications::delete(&school.ctx, "passerelle").await, Err(Error::Conflict(_))));
}

/// What was given of the gateway where it cannot hold gives nothing, whoever wrote it.
#[tokio::test]
async fn a_role_in_a_scope_where_it_cannot_hold_gives_nothing() {
    for (role, scope) in [("administrator", "rt"), ("responsible", "passerelle"), ("unit_administrator", "")] {
        assert_eq!(Held::parse(role, scope), None, "{role} in «{scope}»");
    }
    let school = institute().await;
    school.rule("passerelle", "nobody", "help_desk", None).await;
    let ctx = signed_in(&school, "prof-rt").await;
    assert!(ctx.actor.held().is_empty());
    forbidden(users::list(&ctx, &PageRequest::first(1), &passerelle::store::establishment::user::Filter::default()).await);
}

/// Two roles that each give half of what an act needs do not give it together.
#[tokio::test]
async fn roles_do_not_add_up() {
    let school = institute().await;
    acting_as(&school, "chef-rt", "unit_administrator", "rt").await;
    let both = acting_as(&school, "chef-rt", "responsible", "notes").await;
    // As responsible they see everyone; as the unit's administrator they give scodoc in the unit: to people of the unit.
    users::get(&both, school.people["prof-geii"]).await.unwrap();
    forbidden(assignments::add(&both, &scoped(school.people["prof-geii"], "scodoc", "Ens", "rt")).await);
    forbidden(users::reset(&both, school.people["prof-geii"]).await);
    assignments::add(&both, &new(school.people["prof-geii"], "notes", "reader")).await.unwrap();
}

/// A rule that fits its writer on a later day, or that gives what a hand gave, would keep their role when the hand takes it back.
#[tokio::test]
async fn nobody_keeps_or_extends_their_own_roles_by_a_rule() {
    let school = School::new(&["admin-a", "b"], &[("dsi", &["admin-a"], &[])]).await;
    let ctx = acting_as(&school, "admin-a", "administrator", "").await;
    let same = rule("passerelle", "dsi", "administrator", None);
    let later = RuleFields { valid_from: Some(school.ctx.now.plus_s(30 * 24 * 3600)), ..same.clone() };
    for fields in [&same, &later] {
        forbidden(rules::create(&ctx, fields).await);
        let foretold = roles::simulate(&ctx, std::slice::from_ref(fields)).await.unwrap();
        forbidden(roles::apply(&ctx, std::slice::from_ref(fields), foretold.simulation.as_deref().unwrap(), None).await);
    }
    assert!(rules::list(&ctx).await.unwrap().is_empty(), "nothing of it was kept");
    // What another wrote for them they do not lengthen, bring forward or remove; nor by a set, there and back.
    let standing = rules::create(&school.ctx, &later).await.unwrap();
    forbidden(rules::delete(&ctx, standing.id).await);
    forbidden(rules::update(&ctx, &standing, &RuleFields { valid_from: Some(school.ctx.now.plus_s(24 * 3600)), ..later.clone() }).await);
    forbidden(rules::update(&ctx, &standing, &RuleFields { valid_until: Some(school.ctx.now.plus_s(60 * 24 * 3600)), ..later }).await);
    let set = RuleSetFields { name: "rentree".to_owned(), title: String::new(), rules: vec![same] };
    rule_sets::create(&school.ctx, &set).await.unwrap();
    forbidden(rule_sets::apply(&ctx, "rentree", None).await);
    rule_sets::apply(&school.ctx, "rentree", None).await.unwrap();
    forbidden(rule_sets::roll_back(&ctx, "rentree", None).await);
    // A rule that has ended for good gives nobody anything: they tidy it away.
    let (at, over) = (school.ctx.now.plus_s(3600), Some(school.ctx.now.plus_s(60)));
    let ended = RuleFields { valid_until: over, ..rule("passerelle", "dsi", "auditor", None) };
    let ended = rules::create(&school.ctx, &ended).await.unwrap();
    rules::delete(&Context { now: at, ..ctx }, ended.id).await.unwrap();
}
