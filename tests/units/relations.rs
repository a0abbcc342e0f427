//! Relations between people: added, ended, imported.

use passerelle::services::brought_rows::{Brought, Imported, Refused};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::relations::{self, NewRelation, RelationRow};
use passerelle::services::users;
use passerelle::store::establishment::relation::{self, Filter};
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;

use crate::roles::school::School;

fn new(kind: &str, user: UserId, other: UserId) -> NewRelation {
    NewRelation { kind: kind.to_owned(), user, other, valid_from: None, valid_until: None, reason: None }
}

async fn tutors(school: &School, user: &str, other: &str) -> bool {
    let mut tx = school.ctx.store.read().await.unwrap();
    relation::exists(&mut tx, "tutor", school.people[user], school.people[other], school.ctx.now).await.unwrap()
}

async fn total(school: &School) -> i64 {
    relations::list(&school.ctx, &PageRequest::first(1), &Filter::default()).await.unwrap().total
}

#[tokio::test]
async fn a_relation_is_added_once_and_ended() {
    let school = School::new(&["tuteur", "apprenti"], &[]).await;
    let (ctx, [tutor, apprentice]) = (&school.ctx, ["tuteur", "apprenti"].map(|name| school.people[name]));
    let made = relations::add(ctx, &new("tutor", tutor, apprentice)).await.unwrap();
    assert_eq!((made.username.as_str(), made.other_username.as_str()), ("tuteur", "apprenti"));
    assert!(tutors(&school, "tuteur", "apprenti").await && !tutors(&school, "apprenti", "tuteur").await);
    assert!(matches!(relations::add(ctx, &new("tutor", tutor, apprentice)).await, Err(Error::Conflict(_))));
    relations::end(ctx, made.id).await.unwrap();
    assert!(!tutors(&school, "tuteur", "apprenti").await);
    assert!(matches!(relations::end(ctx, made.id).await, Err(Error::NotFound(_))));
    let ended = NewRelation { valid_until: Some(ctx.now), ..new("Tutor!", tutor, tutor) };
    let Err(Error::Invalid(wrong)) = relations::add(ctx, &ended).await else { panic!("it does not fit") };
    assert_eq!(wrong.iter().map(|w| w.field.as_str()).collect::<Vec<_>>(), ["kind", "valid_until", "other"]);
    let backwards =
        NewRelation { valid_from: Some(ctx.now.plus_s(20)), valid_until: Some(ctx.now.plus_s(10)), ..new("tutor", tutor, apprentice) };
    assert!(matches!(relations::add(ctx, &backwards).await, Err(Error::Invalid(_))));
    assert!(matches!(relations::add(ctx, &new("tutor", tutor, UserId::new())).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn nobody_becomes_a_tutor_by_their_own_hand() {
    let school = School::new(&["chef", "apprenti"], &[]).await;
    let [chef, apprentice] = ["chef", "apprenti"].map(|name| school.people[name]);
    let acting = Context { actor: Actor::User { id: chef, roles: vec![GatewayRole::Administrator.into()] }, ..school.ctx.clone() };
    assert!(matches!(relations::add(&acting, &new("tutor", chef, apprentice)).await, Err(Error::Forbidden(_))));
    let row = |username: &str, other: &str| RelationRow {
        kind: "tutor".to_owned(),
        username: username.to_owned(),
        other_username: other.to_owned(),
        until: None,
        reason: None,
    };
    let imported = relations::import(&acting, Brought::Rows(vec![row("CHEF", "apprenti"), row("apprenti", "chef")]), false).await.unwrap();
    assert_eq!((imported.added, imported.refused[0].line, imported.refused[0].field.as_str()), (1, 1, "username"));
    let auditor = Context { actor: Actor::User { id: chef, roles: vec![GatewayRole::Auditor.into()] }, ..school.ctx.clone() };
    assert!(matches!(relations::add(&auditor, &new("tutor", apprentice, chef)).await, Err(Error::Forbidden(_))));
    assert!(matches!(relations::import(&auditor, Brought::Rows(Vec::new()), true).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_list_of_relations_is_taken_but_for_the_rows_that_do_not_fit() {
    let school = School::new(&["t", "a", "b"], &[]).await;
    let csv = "Kind;Username;Other_Username;Until;Reason\ntutor;t;A;2999-08-31;stage\ntutor;t;t;;\ntutor;t;personne;;\n\
               Tutor;t;b;;\ntutor;t;b;2001-01-01;\ntutor;t;a;;\ntutor;;a;;\nguardian;t;b;;\n";
    let brought = || Brought::Csv(csv.as_bytes().to_vec());
    let tried = relations::import(&school.ctx, brought(), true).await.unwrap();
    assert_eq!((tried.added, tried.dry_run, total(&school).await), (2, true, 0), "nothing is written");
    let imported = relations::import(&school.ctx, brought(), false).await.unwrap();
    assert_eq!(Imported { dry_run: true, ..imported.clone() }, tried, "what was tried is what is done");
    let refused: Vec<(u64, &str)> = imported.refused.iter().map(|Refused { line, field, .. }| (*line, field.as_str())).collect();
    let expected = [(3, "other_username"), (4, "other_username"), (5, "kind"), (6, "until"), (7, "row"), (8, "username")];
    assert_eq!(refused, expected);
    assert!(tutors(&school, "t", "a").await && !tutors(&school, "t", "b").await);
    let listed = relations::list(&school.ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(listed.items[0].valid_until.unwrap().to_string(), "2999-09-01T00:00:00Z", "the day is counted in");
    let again = "kind,username,other_username,until,reason\ntutor,t,a,2999-08-31,stage\nguardian,t,b,2999-08-31,\n";
    let again = relations::import(&school.ctx, Brought::Csv(again.as_bytes().to_vec()), false).await.unwrap();
    assert_eq!((again.added, again.updated, again.unchanged, again.refused.len()), (0, 1, 1, 0));
    assert_eq!(total(&school).await, 2);
    let odd = relations::import(&school.ctx, Brought::Csv(b"kind;user\ntutor;t".to_vec()), false).await;
    assert!(matches!(odd, Err(Error::Invalid(wrong)) if wrong[0].field == "csv"));
}

#[tokio::test]
async fn relations_go_with_the_person() {
    let school = School::new(&["t", "a", "b"], &[]).await;
    let [t, a, b] = ["t", "a", "b"].map(|name| school.people[name]);
    for (one, other) in [(t, a), (b, t)] {
        relations::add(&school.ctx, &new("tutor", one, other)).await.unwrap();
    }
    users::delete(&school.ctx, t).await.unwrap();
    assert_eq!(total(&school).await, 0);
}
