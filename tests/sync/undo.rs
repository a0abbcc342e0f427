//! Runs that are taken back: whole, in part, not at all.

use std::collections::BTreeMap;

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::leases::{self, HOLD_S};
use passerelle::services::{groups, jobs, sync, users};
use passerelle::store::establishment::change::{self, Change, ChangeKind, Operation};
use passerelle::store::establishment::group::{self, Group};
use passerelle::store::establishment::sync_run::{self, Counts, Mode, Progress, Run, State};
use passerelle::store::establishment::user::{self, DisabledBy, User, UserStatus};
use passerelle::store::establishment::{link, membership, source_state};
use passerelle::store::registry::job::Kind;
use passerelle::types::id::RunId;
use passerelle::types::page::PageRequest;

use super::{Fed, add, delete, dn, group as group_entry, person, rename};
use crate::harness::slapd::BASE;

/// Runs of one test begin a minute after each other.
fn later(fed: &Fed, minutes: i64) -> Context {
    Context { now: fed.ctx.now.plus_s(60 * minutes), ..fed.ctx.clone() }
}

async fn sync_at(fed: &Fed, minutes: i64) -> Run {
    let run = sync::run_to_end(&later(fed, minutes), "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
    run
}

async fn undo_at(fed: &Fed, minutes: i64, run: &Run) -> Run {
    let undone = sync::undo_to_end(&later(fed, minutes), run.id, false).await.unwrap();
    assert_eq!((undone.state, undone.error.as_deref(), undone.undoes), (State::Done, None, Some(run.id)));
    assert_eq!(sync::run(&fed.ctx, run.id).await.unwrap().state, State::Undone);
    undone
}

async fn skipped(fed: &Fed, run: &Run) -> Vec<(String, String)> {
    let told = |change: Change| (change.name, change.detail.unwrap()["reason"].as_str().unwrap().to_owned());
    fed.changes(run).await.into_iter().filter(|c| c.operation == Operation::Skipped).map(told).collect()
}

async fn all_groups(fed: &Fed) -> Vec<Group> {
    groups::list(&fed.ctx, &PageRequest::first(100), &group::Filter::default()).await.unwrap().items
}

/// Everything a run may write of people, places and memberships, by what people read.
async fn picture(fed: &Fed) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let mut tx = fed.ctx.store.read().await.unwrap();
    for user in fed.everyone().await {
        let links = link::list_of_user(&mut tx, user.id).await.unwrap();
        let places: Vec<_> =
            links.iter().map(|l| (l.external_id.clone(), l.dn.clone(), l.present, l.active, l.left_at.is_some())).collect();
        let fields = User { updated_at: fed.ctx.now, created_at: fed.ctx.now, ..user.clone() };
        seen.insert(format!("user {}", user.id), format!("{fields:?} {places:?}"));
    }
    for group in all_groups(fed).await {
        let members = membership::users_of_group(&mut tx, group.id).await.unwrap();
        let children = membership::children_of_group(&mut tx, group.id).await.unwrap();
        let Group { id, name, display_name, dn, dn_key, external_id, member_count, .. } = group;
        let place = (name, display_name, dn, dn_key, external_id, member_count);
        seen.insert(format!("group {id}"), format!("{place:?} {members:?} {children:?}"));
    }
    seen
}

/// A directory in which everything that a run can do happens at once.
async fn changed() -> (Fed, BTreeMap<String, String>, Run) {
    let fed = Fed::with_people(&["anne", "bob", "chloe", "david", "emma", "fred"]).await;
    fed.slapd.modify(&add(&[
        group_entry("profs", &[&dn("anne"), &dn("bob")]),
        group_entry("club", &[&dn("chloe"), &dn("david"), &format!("cn=profs,ou=groups,{BASE}")]),
        group_entry("old", &[&dn("emma"), &dn("fred"), &format!("cn=profs,ou=groups,{BASE}")]),
    ]
    .concat()));
    sync_at(&fed, 0).await;
    let before = picture(&fed).await;
    fed.slapd.modify(
        &[
            // Someone leaves, and someone new gets the name; two swap theirs; one moves; one changes.
            delete("anne"),
            add(&person("gilles")),
            rename("bob", "xavier"),
            rename("chloe", "bob"),
            rename("xavier", "chloe"),
            rename("gilles", "anne"),
            format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: other@acad-test.fr\n\n", dn("david")),
            format!(
                "dn: ou=autre,ou=people,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: autre\n\n\
             dn: {}\nchangetype: modrdn\nnewrdn: uid=emma\ndeleteoldrdn: 1\nnewsuperior: ou=autre,ou=people,{BASE}\n\n",
                dn("emma")
            ),
            // A group goes, one comes, one changes its name and its members.
            format!("dn: cn=old,ou=groups,{BASE}\nchangetype: delete\n\n"),
            add(&group_entry("new", &[&dn("fred"), &dn("anne")])),
            format!(
                "dn: cn=club,ou=groups,{BASE}\nchangetype: modify\nreplace: member\nmember: {}\nmember: {}\n\n\
             dn: cn=club,ou=groups,{BASE}\nchangetype: modrdn\nnewrdn: cn=guild\ndeleteoldrdn: 1\n\n",
                dn("david"),
                dn("fred")
            ),
        ]
        .concat(),
    );
    let run = sync_at(&fed, 1).await;
    assert!(run.counts.created > 1 && run.counts.disabled == 1 && run.counts.removed == 1, "{:?}", run.counts);
    assert!(run.counts.moved >= 3 && run.counts.memberships_added > 2 && run.counts.memberships_removed > 2, "{:?}", run.counts);
    (fed, before, run)
}

#[tokio::test]
async fn a_run_that_nothing_followed_is_taken_back_whole() {
    let (fed, before, run) = changed().await;
    let preview = sync::undo_to_end(&later(&fed, 2), run.id, true).await.unwrap();
    assert_eq!((preview.mode, preview.state, preview.undoes), (Mode::Preview, State::Done, Some(run.id)));
    assert_eq!(skipped(&fed, &preview).await, []);
    assert_ne!(picture(&fed).await, before, "a preview writes nothing");
    assert_eq!(sync::run(&fed.ctx, run.id).await.unwrap().state, State::Done);

    let undone = undo_at(&fed, 3, &run).await;
    assert_eq!(skipped(&fed, &undone).await, []);
    assert_eq!(picture(&fed).await, before);
    assert_eq!(preview.counts, undone.counts, "a preview tells what will be");
    let named = |changes: Vec<Change>| changes.into_iter().map(|c| (c.kind, c.operation, c.subject_id)).collect::<Vec<_>>();
    assert_eq!(named(fed.changes(&preview).await), named(fed.changes(&undone).await));
    assert_eq!(fed.user("anne").await.status, UserStatus::Active);

    // The source waits for a person; asked to run, it does the same again, and ends where it was.
    let again = sync_at(&fed, 4).await;
    assert_eq!((again.counts.disabled, again.counts.removed), (1, 1));
    assert_eq!(sync_at(&fed, 5).await.counts.disabled, 0);
}

#[tokio::test]
async fn what_was_touched_since_is_left_and_named() {
    let fed = Fed::with_people(&["anne", "bob", "chloe", "david"]).await;
    sync_at(&fed, 0).await;
    let mail = |uid: &str, to: &str| format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: {to}@acad-test.fr\n\n", dn(uid));
    fed.slapd.modify(
        &[
            delete("anne"),
            delete("bob"),
            mail("chloe", "first"),
            mail("david", "first"),
            add(&person("emma")),
            add(&person("fred")),
            add(&group_entry("profs", &[&dn("david")])),
        ]
        .concat(),
    );
    let run = sync_at(&fed, 1).await;
    // An administrator confirms that one of them left; a later run writes the address of another again, and changes someone new.
    users::disable(&later(&fed, 2), fed.user("anne").await.id).await.unwrap();
    fed.slapd.modify(&[mail("chloe", "second"), mail("emma", "second")].concat());
    fed.slapd.modify(&format!("dn: cn=profs,ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: {}\n\n", dn("chloe")));
    sync_at(&fed, 3).await;

    let undone = undo_at(&fed, 4, &run).await;
    let mut left = skipped(&fed, &undone).await;
    left.sort();
    let expected = [
        ("anne", "an administrator disabled this person since"),
        ("chloe", "changed again since: email"),
        ("emma", "a later run changed this person"),
        ("profs", "a later run changed this group or its members"),
    ];
    assert_eq!(left, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));
    assert_eq!(undone.counts.skipped, 4);
    let email = async |name: &str| fed.user(name).await.email.unwrap();
    assert_eq!((email("chloe").await.as_str(), email("david").await.as_str()), ("second@acad-test.fr", "david@acad-test.fr"));
    let anne = fed.user("anne").await;
    assert_eq!((anne.status, anne.disabled_by), (UserStatus::Disabled, Some(DisabledBy::Administrator)));
    assert_eq!(fed.user("bob").await.status, UserStatus::Active);
    assert!(users::resolve(&fed.ctx, "fred").await.is_err(), "someone new who has nothing is removed");
    assert_eq!(fed.user("emma").await.status, UserStatus::Active);
    assert_eq!(all_groups(&fed).await.len(), 1);
}

#[tokio::test]
async fn someone_new_who_signed_in_is_disabled_and_keeps_everything() {
    let fed = Fed::with_people(&["anne"]).await;
    sync_at(&fed, 0).await;
    fed.slapd.modify(&add(&[person("bob"), person("chloe")].concat()));
    let run = sync_at(&fed, 1).await;
    let bob = fed.user("bob").await;
    let mut tx = fed.ctx.store.begin().await.unwrap();
    user::touch_sign_in(&mut tx, bob.id, fed.ctx.now).await.unwrap();
    tx.commit().await.unwrap();
    let undone = undo_at(&fed, 2, &run).await;
    assert_eq!((undone.counts.disabled, undone.counts.removed, undone.counts.skipped), (1, 1, 0));
    let bob = users::profile(&fed.ctx, bob.id).await.unwrap();
    assert_eq!((bob.user.status, bob.user.disabled_by), (UserStatus::Disabled, Some(DisabledBy::Source)));
    assert!(!bob.links[0].present && bob.links[0].left_at.is_some());
    // The source brings both back: him as he was, her as somebody new.
    let again = sync_at(&fed, 3).await;
    assert_eq!((again.counts.enabled, again.counts.created), (1, 1));
}

#[tokio::test]
async fn runs_are_taken_back_one_after_another_from_the_last() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    sync_at(&fed, 0).await;
    let first_state = picture(&fed).await;
    fed.slapd.modify(&[delete("anne"), add(&person("david"))].concat());
    let first = sync_at(&fed, 1).await;
    let second_state = picture(&fed).await;
    fed.slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: d@acad-test.fr\n\n", dn("david")));
    fed.slapd.modify(&delete("bob"));
    let second = sync_at(&fed, 2).await;
    undo_at(&fed, 3, &second).await;
    assert_eq!(picture(&fed).await, second_state);
    let undone = undo_at(&fed, 4, &first).await;
    assert_eq!(skipped(&fed, &undone).await, []);
    assert_eq!(picture(&fed).await, first_state);
}

#[tokio::test]
async fn only_a_run_that_wrote_is_taken_back_and_only_once() {
    let fed = Fed::with_people(&["anne", "bob"]).await;
    let preview = fed.run(Mode::Preview).await;
    let run = fed.sync().await;
    let refused = async |run: &Run| match sync::undo_to_end(&fed.ctx, run.id, false).await {
        Err(Error::Conflict(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&preview).await, "this run changed nothing");
    let undone = undo_at(&fed, 1, &run).await;
    assert_eq!(fed.everyone().await.len(), 0);
    assert_eq!(refused(&run).await, "this run was taken back already");
    assert!(refused(&undone).await.starts_with("an undo is not taken back"));
    let source = passerelle::services::sources::get(&fed.ctx, "ldap").await.unwrap();
    let state = source_state::get(&mut fed.ctx.store.read().await.unwrap(), source.id).await.unwrap();
    assert!(source.enabled && state.paused_until.is_some_and(|until| until > fed.ctx.now.plus_s(365 * 24 * 3600)));
    assert!(state.error.unwrap().contains(&run.id.to_string()));
    let first = change::list(&mut fed.ctx.store.read().await.unwrap(), undone.id, 0, 10, &change::Filter::default()).await.unwrap().0;
    assert!(first.iter().all(|change| change.operation == Operation::Removed), "{first:?}");
}

#[tokio::test]
async fn an_undo_whose_node_is_gone_is_gone_on_with_by_another() {
    let (fed, before, run) = changed().await;
    // As a node left it that was killed: it had taken one person back, and told so.
    let (ctx, david) = (later(&fed, 2), fed.user("david").await);
    let left = Run {
        id: RunId::new(),
        mode: Mode::Undo,
        state: State::Running,
        counts: Counts { updated: 1, ..Counts::default() },
        started_at: ctx.now,
        duration_ms: None,
        progress: Some(Progress { noted: 1, ..Progress::default() }),
        undoes: Some(run.id),
        ..run.clone()
    };
    drop(leases::begin(&ctx.gateway, Kind::Sync, ctx.slug(), &left.id.to_string(), ctx.now).await.unwrap().unwrap());
    let told = Change {
        seq: 1,
        kind: ChangeKind::User,
        operation: Operation::Updated,
        subject_id: Some(david.id.uuid()),
        name: "david".to_owned(),
        detail: None,
    };
    let mut tx = ctx.store.begin().await.unwrap();
    sync_run::insert(&mut tx, &left).await.unwrap();
    change::insert_all(&mut tx, left.id, &[told]).await.unwrap();
    user::update(&mut tx, &User { email: Some("david@acad-test.fr".to_owned()), ..david }).await.unwrap();
    tx.commit().await.unwrap();

    jobs::run_due(&ctx.gateway, ctx.now.plus_s(HOLD_S + 1)).await.unwrap();
    let ended = sync::run(&fed.ctx, left.id).await.unwrap();
    assert_eq!((ended.state, ended.error.as_deref(), ended.counts.skipped), (State::Done, None, 0));
    assert_eq!(sync::run(&fed.ctx, run.id).await.unwrap().state, State::Undone);
    assert_eq!(picture(&fed).await, before);
}
