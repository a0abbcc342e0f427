//! Roles of the gateway held for a time: handed on for that time at most, by whatever way (SECURITY 24).

use passerelle::services::brought_rows::Brought;
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::roles::assignments::{self, AssignmentFields, NewAssignment};
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::roles::{self, AssignmentRow, RuleFields, rules};
use passerelle::services::rule_sets::{self, RuleSetFields};
use passerelle::services::tokens;
use serde_json::json;

use super::assigning::new;
use super::delegating::{institute, scoped, signed_in};
use super::school::rule;

#[expect(clippy::needless_pass_by_value, reason = "an answer is looked at where it comes")]
fn forbidden<T: std::fmt::Debug>(answer: Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Forbidden(_))), "{answer:?}");
}

/// Whoever holds a role of the gateway for a time hands it on for that time at most: otherwise it would come back to them without end.
#[tokio::test]
async fn nobody_hands_on_a_role_for_longer_than_they_hold_it() {
    let school = institute().await;
    let (end, later) = (school.ctx.now.plus_s(30 * 24 * 3600), school.ctx.now.plus_s(31 * 24 * 3600));
    let temporary = |person: &str, role: &str, scope: &str, until| NewAssignment {
        valid_until: until,
        ..scoped(school.people[person], "passerelle", role, scope)
    };
    assignments::add(&school.ctx, &temporary("chef-rt", "unit_administrator", "rt", Some(end))).await.unwrap();
    let head = signed_in(&school, "chef-rt").await;
    for until in [None, Some(later)] {
        forbidden(assignments::add(&head, &temporary("prof-rt", "unit_administrator", "rt", until)).await);
        forbidden(assignments::add(&head, &temporary("prof-rt", "help_desk", "rt", until)).await);
    }
    let given = assignments::add(&head, &temporary("prof-rt", "help_desk", "rt", Some(end))).await.unwrap();
    let lasting = |until| AssignmentFields { valid_until: until, reason: None };
    forbidden(assignments::edit(&head, &given, &lasting(None)).await);
    forbidden(assignments::edit(&head, &given, &lasting(Some(later))).await);
    let given = assignments::edit(&head, &given, &lasting(Some(end.plus_s(-1)))).await.unwrap();
    // Roles of other applications are not what they hold, and end when whoever gives them says.
    assignments::add(&head, &scoped(school.people["prof-rt"], "scodoc", "Ens", "rt")).await.unwrap();
    // What someone who stays gave without end, they take away all the same.
    assignments::end(&head, given.id).await.unwrap();
    let given = assignments::add(&school.ctx, &temporary("prof-rt", "help_desk", "rt", None)).await.unwrap();
    assignments::end(&head, given.id).await.unwrap();
}

/// An administrator for a time, by a rule, a row of a list, a token, or an exclusion that ends.
#[tokio::test]
async fn an_administrator_for_a_time_makes_nobody_administrator_for_ever() {
    let school = institute().await;
    let end = school.ctx.now.plus_s(30 * 24 * 3600);
    let stand_in = NewAssignment { valid_until: Some(end), ..new(school.people["nomade"], "passerelle", "administrator") };
    assignments::add(&school.ctx, &stand_in).await.unwrap();
    let ctx = signed_in(&school, "nomade").await;
    let by_rule = |until| RuleFields {
        valid_until: until,
        ..rule("passerelle", r#"[{"attribute": "username", "matches": "aide"}]"#, "administrator", None)
    };
    forbidden(rules::create(&ctx, &by_rule(None)).await);
    let set = RuleSetFields { name: "coup".to_owned(), title: String::new(), rules: vec![by_rule(None)] };
    forbidden(rule_sets::create(&ctx, &set).await);
    let standing = rules::create(&ctx, &by_rule(Some(end))).await.unwrap();
    forbidden(rules::update(&ctx, &standing, &by_rule(None)).await);
    rules::delete(&ctx, standing.id).await.unwrap();
    let excluded = NewExclusion {
        user: school.people["aide"],
        application: "passerelle".to_owned(),
        role: "administrator".to_owned(),
        scope: None,
        reason: "parti".to_owned(),
        valid_until: None,
    };
    let excluded = exclusions::add(&ctx, &excluded).await.unwrap();
    forbidden(exclusions::end(&ctx, excluded.id).await);
    let row = |until: Option<String>| AssignmentRow {
        username: "prof-rt".to_owned(),
        application: "passerelle".to_owned(),
        role: "auditor".to_owned(),
        scope: None,
        until,
        reason: None,
    };
    let outcome = roles::import(&ctx, Brought::Rows(vec![row(None), row(Some(end.to_string()))]), false).await.unwrap();
    assert_eq!((outcome.added, outcome.refused.len()), (1, 1), "{outcome:?}");
    assert!(outcome.refused[0].message.contains("longer"), "{outcome:?}");
    // A token acts no longer than whoever made it.
    let (_, secret) =
        tokens::create(&ctx, &serde_json::from_value(json!({ "name": "script", "scope": "administrator" })).unwrap()).await.unwrap();
    let caller = tokens::authenticate(&school.test.gateway, secret.expose(), school.ctx.now).await.unwrap().unwrap();
    let by_token = Context { actor: caller.actor, ..school.ctx.clone() };
    forbidden(assignments::add(&by_token, &new(school.people["aide"], "passerelle", "auditor")).await);
}
