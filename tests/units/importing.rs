//! Roles given by hand: many at once, changed, and by whom.

use passerelle::services::audit;
use passerelle::services::brought_rows::{Brought, Imported};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::relations::{self, RelationRow};
use passerelle::services::roles::assignments::{self, AssignmentFields};
use passerelle::services::roles::{self, AssignmentRow};
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::audit_event;
use passerelle::store::registry::job::{self, Kind};
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;

use super::tree::departments;
use crate::roles::school::School;

async fn import(ctx: &Context, csv: &str, dry_run: bool) -> Imported {
    roles::import(ctx, Brought::Csv(csv.as_bytes().to_vec()), dry_run).await.unwrap()
}

#[tokio::test]
async fn a_list_of_roles_is_given_but_for_the_rows_that_do_not_fit() {
    let school = departments(&["a", "b"]).await;
    school.install("omenori").await;
    let csv = "username,application,role,scope,until,reason\n\
               a,scodoc,Ens,RT,2999-08-31,rentrée\n\
               B,omenori,PT,,,\n\
               personne,scodoc,Ens,RT,,\n\
               a,moodle,Ens,,,\n\
               a,scodoc,Chef,RT,,\n\
               a,scodoc,Ens,rt2,,\n\
               a,scodoc,Secr,RT,2001-01-01,\n\
               a,scodoc,Secr,RT,demain,\n\
               a,scodoc,Ens,RT,,encore\n";
    let tried = import(&school.ctx, csv, true).await;
    assert!(school.held("a", "scodoc").await.is_empty(), "nothing is written");
    let imported = import(&school.ctx, csv, false).await;
    assert_eq!(Imported { dry_run: true, ..imported.clone() }, tried, "what was tried is what is done");
    assert_eq!((imported.added, imported.updated, imported.unchanged), (2, 0, 0));
    let refused: Vec<(u64, &str)> = imported.refused.iter().map(|one| (one.line, one.field.as_str())).collect();
    let expected = [(4, "username"), (5, "application"), (6, "role"), (7, "scope"), (8, "until"), (9, "until"), (10, "row")];
    assert_eq!(refused, expected);
    assert_eq!((school.held("a", "scodoc").await, school.held("b", "omenori").await), (vec!["Ens_RT".to_owned()], vec!["PT".to_owned()]));
    let default_is_gone: Vec<Origin> = school.recorded("b").await.iter().map(|held| held.origin).collect();
    assert_eq!(default_is_gone, [Origin::Manual], "roles are computed with it");
    let again = import(&school.ctx, "username,application,role,scope,reason\na,scodoc,Ens,RT,autre\nb,omenori,PT,,\n", false).await;
    assert_eq!((again.added, again.updated, again.unchanged), (0, 1, 1));
    let held = school.recorded("a").await;
    let held = held.iter().find(|held| held.application == "scodoc").unwrap();
    assert_eq!((held.valid_until, held.reason[0].name.as_str(), held.given_by.as_deref()), (None, "autre", Some("system")));
    let trail = audit_event::Filter { action: Some("assignment.added".to_owned()), ..audit_event::Filter::default() };
    assert_eq!(audit::list(&school.ctx, &PageRequest::first(10), &trail).await.unwrap().total, 2, "each is in the trail");
}

/// Whoever tries what a list would do waits for no writer, keeps none waiting, and has nobody look anything up later.
#[tokio::test]
async fn trying_a_list_writes_nothing_and_waits_for_nobody() {
    let school = departments(&["a", "b"]).await;
    let writer = school.ctx.store.begin().await.unwrap();
    let tried = import(&school.ctx, "username,application,role,scope,until\na,scodoc,Ens,RT,2999-08-31\n", true).await;
    assert_eq!((tried.added, tried.refused.len()), (1, 0));
    let row = RelationRow { kind: "tutor".to_owned(), username: "a".to_owned(), other_username: "b".to_owned(), until: None, reason: None };
    let tried = relations::import(&school.ctx, Brought::Rows(vec![row]), true).await.unwrap();
    assert_eq!((tried.added, tried.refused.len()), (1, 0));
    drop(writer);
    let mut registry = school.ctx.gateway.stores.registry().read().await.unwrap();
    let waiting = job::find(&mut registry, Kind::RoleEdges, school.ctx.slug(), "").await.unwrap();
    assert_eq!(waiting.map(|job| job.due_at), None);
}

#[tokio::test]
async fn nobody_imports_more_than_they_hold_or_anything_for_themselves() {
    let school = School::new(&["chef", "b"], &[]).await;
    school.install("omenori").await;
    let row = |username: &str, application: &str, role: &str| AssignmentRow {
        username: username.to_owned(),
        application: application.to_owned(),
        role: role.to_owned(),
        scope: None,
        until: None,
        reason: None,
    };
    let rows = vec![row("chef", "omenori", "ADMIN"), row("b", "passerelle", "administrator"), row("b", "omenori", "PT")];
    let acting = |role| Context { actor: Actor::User { id: school.people["chef"], roles: vec![role] }, ..school.ctx.clone() };
    let imported = roles::import(&acting(GatewayRole::Administrator.into()), Brought::Rows(rows.clone()), false).await.unwrap();
    assert_eq!((imported.added, imported.refused.len()), (2, 1));
    assert_eq!((imported.refused[0].line, imported.refused[0].field.as_str()), (1, "username"));
    assert_eq!(school.recorded("b").await[0].given_by.as_deref(), Some(format!("user:{}", school.people["chef"]).as_str()));
    let refused = roles::import(&acting(GatewayRole::Auditor.into()), Brought::Rows(rows), true).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn the_end_and_the_reason_of_a_role_given_by_hand_may_change() {
    let groups: [(&str, &[&str], &[&str]); 1] = [("ens", &["b"], &[])];
    let school = School::new(&["a", "b"], &groups).await;
    school.install("omenori").await;
    let ctx = &school.ctx;
    let made = assignments::add(ctx, &crate::roles::assigning::new(school.people["a"], "omenori", "MA")).await.unwrap();
    let until = Some(ctx.now.plus_s(60));
    let changed = assignments::edit(ctx, &made, &AssignmentFields { valid_until: until, reason: Some("stage".to_owned()) }).await.unwrap();
    assert_eq!((changed.valid_until, changed.reason[0].name.as_str()), (until, "stage"));
    assert_eq!(school.held_with(ctx, "a", "omenori").await[0].until, until);
    let stale = assignments::edit(ctx, &made, &AssignmentFields { valid_until: None, reason: None }).await;
    assert!(matches!(stale, Err(Error::Stale)));
    let past = assignments::edit(ctx, &changed, &AssignmentFields { valid_until: Some(ctx.now), reason: Some("x".repeat(501)) }).await;
    let Err(Error::Invalid(wrong)) = past else { panic!("it does not fit") };
    assert_eq!(wrong.iter().map(|w| w.field.as_str()).collect::<Vec<_>>(), ["valid_until", "reason"]);
    school.rule("omenori", "ens", "PT", None).await;
    let computed = school.recorded("b").await.remove(0);
    let refused = assignments::edit(ctx, &computed, &AssignmentFields { valid_until: None, reason: None }).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let oneself = Context { actor: Actor::User { id: school.people["a"], roles: vec![GatewayRole::Administrator.into()] }, ..ctx.clone() };
    let refused = assignments::edit(&oneself, &changed, &AssignmentFields { valid_until: None, reason: None }).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
}
