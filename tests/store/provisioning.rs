//! Applications that are written to: what is noted, what is queued, and what was found there.

use std::collections::BTreeMap;

use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::assignment::{Assignment, Origin};
use passerelle::store::establishment::provisioned::{self, Action, Kind, Provisioned, State};
use passerelle::store::establishment::provisioned_member::{self, ProvisionedMember};
use passerelle::store::establishment::provisioning::{self, Adopt, Auth, AuthKind, Groups, OnLoss, Provisioning, Settings};
use passerelle::store::establishment::provisioning_drift::{self, Differing, Drift, What};
use passerelle::store::establishment::provisioning_state::{self, Abilities, Asked, ProvisioningState, Report};
use passerelle::store::establishment::source::Bound;
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::establishment::{application, assignment, group, membership, provisioning_guard, provisioning_mark, user};
use passerelle::types::id::{AssignmentId, ProvisioningId, UserId};
use passerelle::types::page::PageRequest;
use serde_json::json;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, person};

pub fn provisioning_of(application: &Application, groups: Groups) -> Provisioning {
    let auth = Auth { kind: AuthKind::Bearer, token_url: None, client_id: None, scope: None };
    Provisioning {
        id: ProvisioningId::new(),
        application_id: application.id,
        application: application.name.clone(),
        settings: Settings {
            url: "https://wiki.exemple.fr/scim/v2".to_owned(),
            auth,
            roles: vec!["chef".to_owned()],
            mapping: BTreeMap::from([("userName".to_owned(), "{username}".to_owned())]),
            on_loss: OnLoss::Delete,
            adopt: Adopt::Name,
            groups,
            group_name: "{name}".to_owned(),
            group_pattern: None,
            rate: 10,
            guard: Bound { max_count: 10, max_percent: 20.0 },
            remove_unknown: false,
            dry_run: false,
            compare_every: 24,
            compare_repairs: false,
        },
        secret_sealed: Some(vec![1, 2, 3]),
        enabled: true,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn given(user: &User, application: &Application, role: &str) -> Assignment {
    Assignment {
        id: AssignmentId::new(),
        user_id: user.id,
        application_id: application.id,
        application: application.name.clone(),
        role: role.to_owned(),
        scope: String::new(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: None,
        valid_until: None,
        reason: Vec::new(),
        given_by: None,
        created_at: NOW,
    }
}

pub async fn place(bed: &Bed, groups: Groups) -> (Vec<User>, Application, Provisioning) {
    let wiki = samples::application("wiki");
    let mut people: Vec<User> = ["une", "deux", "trois"].map(person).into();
    people.sort_by_key(|one| one.id);
    let made = provisioning_of(&wiki, groups);
    bed.write(async |tx| {
        user::insert_all(tx, &people).await?;
        application::insert(tx, &wiki).await?;
        provisioning::insert(tx, &made).await
    })
    .await;
    (people, wiki, made)
}

async fn taken(bed: &Bed) -> Vec<(Kind, Uuid)> {
    let mut noted = Vec::new();
    bed.write(async |tx| {
        noted = provisioning_mark::take(tx, 100).await?;
        Ok(())
    })
    .await;
    noted.sort();
    noted
}

#[tokio::test]
async fn provisionings_are_written_changed_listed_and_forgotten() {
    on_every_engine(async |bed| {
        let (_, wiki, made) = place(bed, Groups::None).await;
        let changed = Provisioning { enabled: false, secret_sealed: None, updated_at: LATER, ..made.clone() };
        let mut tx = bed.read().await;
        assert_eq!(provisioning::find(&mut tx, made.id).await.unwrap().as_ref(), Some(&made));
        assert_eq!(provisioning::find_of_application(&mut tx, wiki.id).await.unwrap().as_ref(), Some(&made));
        drop(tx);
        bed.write(async |tx| provisioning::update(tx, &changed).await).await;
        assert_eq!(provisioning::list(&mut bed.read().await).await.unwrap(), [changed]);
        let state = ProvisioningState {
            looked_at: Some(NOW),
            paused: Some("401".to_owned()),
            paused_at: Some(NOW),
            rest_until: Some(LATER),
            failures: 3,
            abilities: Some(Abilities { patch: true, filter: true, etag: false }),
            abilities_at: Some(NOW),
            asked: Some(Asked::Repair),
            report: Some(Report { at: NOW, repairs: true, users_read: 1, groups_read: 2, missing: 3, unknown: 4, differs: 5, error: None }),
            written_at: Some(LATER),
        };
        assert_eq!(provisioning_state::get(&mut bed.read().await, made.id).await.unwrap(), ProvisioningState::default());
        bed.write(async |tx| provisioning_state::put(tx, made.id, &ProvisioningState::default()).await).await;
        bed.write(async |tx| provisioning_state::put(tx, made.id, &state).await).await;
        assert_eq!(provisioning_state::get(&mut bed.read().await, made.id).await.unwrap(), state);
        bed.write(async |tx| provisioning::delete(tx, made.id).await).await;
        assert_eq!(provisioning_state::get(&mut bed.read().await, made.id).await.unwrap(), ProvisioningState::default());
    })
    .await;
}

#[tokio::test]
async fn the_store_notes_whoever_changes_while_something_is_written_and_nobody_else() {
    on_every_engine(async |bed| {
        let (people, wiki, made) = place(bed, Groups::None).await;
        let mark = |user: &User| (Kind::User, user.id.uuid());
        assert!(taken(bed).await.is_empty(), "new people hold nothing");
        let rows = [given(&people[0], &wiki, "chef"), given(&people[1], &wiki, "chef")];
        bed.write(async |tx| assignment::insert_all(tx, &rows).await).await;
        assert!(provisioning_mark::any(&mut bed.read().await).await.unwrap());
        assert_eq!(taken(bed).await, [mark(&people[0]), mark(&people[1])]);
        assert!(!provisioning_mark::any(&mut bed.read().await).await.unwrap());
        bed.write(async |tx| {
            user::touch_sign_in(tx, people[0].id, LATER).await?;
            user::update(tx, &User { updated_at: LATER, ..people[0].clone() }).await
        })
        .await;
        assert!(taken(bed).await.is_empty(), "nothing of what is written changed");
        bed.write(async |tx| user::update(tx, &User { status: UserStatus::Disabled, ..people[0].clone() }).await).await;
        assert_eq!(taken(bed).await, [mark(&people[0])]);
        bed.write(async |tx| {
            assignment::end(tx, rows[1].id, LATER).await?;
            assignment::end(tx, rows[1].id, NOW).await
        })
        .await;
        assert_eq!(taken(bed).await, [mark(&people[1])]);
        bed.write(async |tx| application::update(tx, &Application { title: "Autre".to_owned(), ..wiki.clone() }).await).await;
        assert_eq!(taken(bed).await, [mark(&people[0]), mark(&people[1])]);
        bed.write(async |tx| user::delete(tx, people[0].id).await).await;
        bed.write(async |tx| assignment::delete(tx, rows[1].id).await).await;
        assert_eq!(taken(bed).await, [mark(&people[0]), mark(&people[1])]);
        bed.write(async |tx| provisioning_mark::put_users(tx, &[people[2].id, people[2].id]).await).await;
        assert_eq!(taken(bed).await, [mark(&people[2])]);
        bed.write(async |tx| assignment::insert_all(tx, &[given(&people[1], &wiki, "chef")]).await).await;
        taken(bed).await;
        bed.write(async |tx| provisioning_mark::put_everyone(tx).await).await;
        assert_eq!(taken(bed).await, [mark(&people[1])]);
        bed.write(async |tx| provisioning::update(tx, &Provisioning { enabled: false, ..made.clone() }).await).await;
        bed.write(async |tx| {
            assignment::delete_of_user(tx, people[1].id).await?;
            provisioning_mark::put_users(tx, &[people[1].id]).await?;
            provisioning_mark::put_everyone(tx).await
        })
        .await;
        assert!(taken(bed).await.is_empty(), "nobody is written to");
    })
    .await;
}

#[tokio::test]
async fn groups_are_noted_where_groups_are_written() {
    on_every_engine(async |bed| {
        let (people, _, made) = place(bed, Groups::Groups).await;
        let (outer, inner) = (samples::group("tous"), samples::group("échecs"));
        bed.write(async |tx| group::upsert_all(tx, &[outer.clone(), inner.clone()]).await).await;
        assert_eq!(taken(bed).await.len(), 2);
        bed.write(async |tx| {
            membership::insert_nesting(tx, outer.id, inner.id).await?;
            membership::insert_all(tx, &[(inner.id, people[0].id), (outer.id, people[1].id)]).await
        })
        .await;
        let mut expected = [(Kind::User, people[0].id.uuid()), (Kind::User, people[1].id.uuid()), (Kind::Group, outer.id.uuid())];
        expected.sort();
        assert_eq!(taken(bed).await, expected);
        let mut below = membership::users_below_group(&mut bed.read().await, outer.id).await.unwrap();
        below.sort();
        assert_eq!(below, [people[0].id, people[1].id]);
        let ids: Vec<UserId> = people.iter().map(|one| one.id).collect();
        let above = group::list_above_each(&mut bed.read().await, &ids).await.unwrap();
        let of = |user: UserId| {
            above.iter().filter(|one| one.user_id == user).map(|one| one.name.as_str()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(of(people[0].id), std::collections::BTreeSet::from(["tous", "échecs"]));
        assert_eq!(of(people[1].id), std::collections::BTreeSet::from(["tous"]));
        bed.write(async |tx| group::upsert_all(tx, &[inner.clone(), group::Group { name: "toutes".to_owned(), ..outer.clone() }]).await)
            .await;
        assert_eq!(taken(bed).await, [(Kind::Group, outer.id.uuid())]);
        bed.write(async |tx| {
            membership::delete(tx, inner.id, people[0].id).await?;
            membership::delete_nesting(tx, outer.id, inner.id).await
        })
        .await;
        assert_eq!(taken(bed).await, [(Kind::User, people[0].id.uuid()), (Kind::Group, outer.id.uuid())]);
        bed.write(async |tx| group::delete(tx, outer.id).await).await;
        assert_eq!(taken(bed).await, [(Kind::User, people[1].id.uuid()), (Kind::Group, outer.id.uuid())]);
        let fewer = Provisioning { settings: Settings { groups: Groups::Roles, ..made.settings.clone() }, ..made };
        bed.write(async |tx| provisioning::update(tx, &fewer).await).await;
        bed.write(async |tx| group::delete(tx, inner.id).await).await;
        assert!(taken(bed).await.is_empty());
    })
    .await;
}

fn named(rows: &[Provisioned]) -> Vec<&str> {
    rows.iter().map(|row| row.name.as_str()).collect()
}

fn subject(name: &str) -> (String, String) {
    (format!("key-{name}"), name.to_owned())
}

/// One of four rows is held, and one is called École.
async fn listed(bed: &Bed, of: ProvisioningId) {
    let tally = provisioned::tally(&mut bed.read().await, of).await.unwrap();
    assert_eq!(tally.iter().map(|one| one.count).sum::<i64>(), 4);
    let held = provisioned::Filter { state: Some("held".to_owned()), ..provisioned::Filter::default() };
    assert_eq!(named(&provisioned::list(&mut bed.read().await, of, &PageRequest::first(5), &held).await.unwrap().items), ["zoé"]);
    let all = walk(2, None, async |page| provisioned::list(&mut bed.read().await, of, page, &provisioned::Filter::default()).await).await;
    assert_eq!(all.len(), 4);
    let words = PageRequest { query: Some("ecole".to_owned()), ..PageRequest::first(5) };
    let found = provisioned::list(&mut bed.read().await, of, &words, &provisioned::Filter::default()).await.unwrap();
    assert_eq!((found.total, named(&found.items)), (1, vec!["École"]));
}

#[tokio::test]
async fn the_queue_is_marked_settled_and_listed_and_a_newer_mark_is_not_hidden() {
    on_every_engine(async |bed| {
        let (_, _, made) = place(bed, Groups::None).await;
        let of = made.id;
        bed.write(async |tx| {
            provisioned::mark(tx, of, Kind::User, &[subject("anne"), subject("École"), subject("zoé")], NOW).await?;
            provisioned::mark(tx, of, Kind::Group, &[subject("groupe")], NOW).await
        })
        .await;
        let rows = provisioned::list_marked(&mut bed.read().await, of, 10).await.unwrap();
        assert_eq!(named(&rows), ["anne", "École", "zoé", "groupe"], "people first");
        let mut anne = rows[0].clone();
        anne.remote_id = Some("1".to_owned());
        anne.written = Some(vec![7]);
        (anne.active, anne.state, anne.action) = (true, State::Done, Some(Action::Create));
        let waiting = |row: &Provisioned, action| Provisioned { state: State::Waiting, action: Some(action), due_at: NOW, ..row.clone() };
        bed.write(async |tx| {
            provisioned::settle(tx, &anne).await?;
            provisioned::settle(tx, &waiting(&rows[1], Action::Update)).await?;
            provisioned::settle(tx, &waiting(&rows[2], Action::Delete)).await
        })
        .await;
        let due = async |deletes, at| provisioned::list_due(&mut bed.read().await, of, (Kind::User, deletes), at, 10).await.unwrap();
        assert_eq!(named(&due(false, NOW).await), ["École"]);
        assert_eq!(named(&due(true, NOW).await), ["zoé"]);
        assert!(due(false, NOW.plus_s(-1)).await.is_empty());
        assert_eq!(provisioning_guard::removals(&mut bed.read().await, of, NOW).await.unwrap(), (1, 1));
        // Marked again while it is written: what ends later does not hide that, and what is known there is kept.
        bed.write(async |tx| provisioned::mark(tx, of, Kind::User, &[("key-École".to_owned(), String::new())], LATER).await).await;
        let late = Provisioned { remote_id: Some("2".to_owned()), state: State::Done, ..rows[1].clone() };
        bed.write(async |tx| provisioned::settle(tx, &late).await).await;
        let again = provisioned::list_by_subjects(&mut bed.read().await, of, Kind::User, &["key-École".to_owned()]).await.unwrap();
        assert_eq!((again[0].state, again[0].remote_id.as_deref(), again[0].name.as_str()), (State::Marked, Some("2"), "École"));
        assert_eq!(provisioned::list_by_remote(&mut bed.read().await, of, Kind::User, &["2".to_owned()]).await.unwrap(), again);
        assert_eq!(provisioned::next_due(&mut bed.read().await, of).await.unwrap(), Some(NOW));
        assert_eq!(bed.write(async |tx| provisioning_guard::hold(tx, of, NOW).await).await, 1);
        assert_eq!(provisioning_guard::removals(&mut bed.read().await, of, NOW).await.unwrap(), (0, 1));
        assert_eq!(provisioning_guard::held(&mut bed.read().await, of).await.unwrap(), 1);
        listed(bed, of).await;
        bed.write(async |tx| {
            assert_eq!(provisioning_guard::approve(tx, of, NOW).await?, 1);
            provisioned::forget(tx, &rows[1]).await?;
            provisioned::mark_rows(tx, of, &[anne.id], NOW).await
        })
        .await;
        let before = NOW.plus_s(-1);
        assert_eq!(provisioning_guard::removals(&mut bed.read().await, of, before).await.unwrap(), (0, 1), "it is approved");
        assert_eq!(provisioning_guard::removals(&mut bed.read().await, of, NOW).await.unwrap(), (1, 1), "that was too long ago");
        let after = provisioned::list_after(&mut bed.read().await, of, Kind::User, Some(anne.id), 10).await.unwrap();
        assert_eq!((named(&after), after[0].remote_id.as_deref()), (vec!["École", "zoé"], None));
        let failed = Provisioned { state: State::GivenUp, ..rows[3].clone() };
        bed.write(async |tx| {
            provisioned::settle(tx, &failed).await?;
            assert_eq!(provisioned::retry(tx, of, NOW).await?, 1);
            provisioned::mark_all(tx, of, NOW).await
        })
        .await;
        assert_eq!(provisioned::list_marked(&mut bed.read().await, of, 10).await.unwrap().len(), 4);
        bed.write(async |tx| provisioned::delete_all(tx, of).await).await;
        assert_eq!(provisioned::next_due(&mut bed.read().await, of).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn members_are_wanted_and_written() {
    on_every_engine(async |bed| {
        let (people, wiki, made) = place(bed, Groups::Roles).await;
        let of = made.id;
        bed.write(async |tx| provisioned::mark(tx, of, Kind::Group, &[subject("membres")], NOW).await).await;
        let row = provisioned::list_marked(&mut bed.read().await, of, 1).await.unwrap().remove(0);
        let member = |at: usize, wanted, written| ProvisionedMember { provisioned_id: row.id, user_id: people[at].id, wanted, written };
        bed.write(async |tx| provisioned_member::put(tx, &[member(0, true, false), member(1, true, true), member(2, false, true)]).await)
            .await;
        let unwritten = async |wanted| provisioned_member::list_unwritten(&mut bed.read().await, row.id, wanted, None, 10).await.unwrap();
        assert_eq!(unwritten(true).await, [people[0].id]);
        assert_eq!(unwritten(false).await, [people[2].id]);
        let wanted = provisioned_member::list_wanted(&mut bed.read().await, row.id, Some(people[0].id), 10).await.unwrap();
        assert_eq!(wanted, [people[1].id]);
        assert_eq!(provisioned_member::count(&mut bed.read().await, row.id).await.unwrap(), (2, 2));
        bed.write(async |tx| {
            provisioned_member::settle(tx, row.id, true, &[people[0].id]).await?;
            provisioned_member::settle(tx, row.id, false, &[people[2].id]).await
        })
        .await;
        let ids: Vec<UserId> = people.iter().map(|one| one.id).collect();
        let known = provisioned_member::list_of_users(&mut bed.read().await, of, &ids).await.unwrap();
        assert_eq!(known, [member(0, true, true), member(1, true, true)]);
        bed.write(async |tx| {
            provisioned_member::forget_user(tx, of, people[1].id).await?;
            provisioned_member::forget_written(tx, row.id).await
        })
        .await;
        assert_eq!(provisioned_member::list_of_users(&mut bed.read().await, of, &ids).await.unwrap(), [member(0, true, false)]);
        bed.write(async |tx| {
            provisioned_member::settle(tx, row.id, true, &ids).await?;
            provisioned_member::unwrite_users(tx, of, &ids).await
        })
        .await;
        assert_eq!(provisioned_member::list_of_users(&mut bed.read().await, of, &ids).await.unwrap(), [member(0, true, false)]);
        bed.write(async |tx| provisioned_member::want_nobody(tx, row.id).await).await;
        assert_eq!(provisioned_member::list_of_users(&mut bed.read().await, of, &ids).await.unwrap(), [member(0, false, false)]);
        let rows = [given(&people[0], &wiki, "chef"), Assignment { valid_from: Some(LATER), ..given(&people[1], &wiki, "chef") }];
        bed.write(async |tx| assignment::insert_all(tx, &rows).await).await;
        let held = assignment::list_held_of(&mut bed.read().await, &ids, wiki.id, NOW).await.unwrap();
        assert_eq!(held.iter().map(|one| one.user_id).collect::<Vec<_>>(), [people[0].id]);
        let all = assignment::list_given(&mut bed.read().await, wiki.id, None, 10).await.unwrap();
        assert_eq!(all, [people[0].id, people[1].id]);
        assert_eq!(assignment::list_given(&mut bed.read().await, wiki.id, Some(people[0].id), 10).await.unwrap(), [people[1].id]);
    })
    .await;
}

#[tokio::test]
async fn differences_are_kept_by_name_until_the_next_comparison() {
    on_every_engine(async |bed| {
        let (_, _, made) = place(bed, Groups::None).await;
        let differing = Differing { there: json!("Nana"), wanted: json!(null) };
        let drift = |name: &str, what| Drift {
            id: Uuid::now_v7(),
            kind: Kind::User,
            what,
            name: name.to_owned(),
            remote_id: Some("1".to_owned()),
            fields: BTreeMap::from([("displayName".to_owned(), differing.clone())]),
        };
        let found = [drift("Élodie", What::Differs), drift("bob", What::Missing)];
        bed.write(async |tx| provisioning_drift::insert_all(tx, made.id, &found).await).await;
        let all = walk(1, None, async |page| {
            provisioning_drift::list(&mut bed.read().await, made.id, page, &provisioning_drift::Filter::default()).await
        })
        .await;
        assert_eq!(all, found);
        let words = PageRequest { query: Some("elodie".to_owned()), ..PageRequest::first(5) };
        let only = provisioning_drift::Filter { kind: Some("user".to_owned()), what: Some("differs".to_owned()), name: None };
        assert_eq!(provisioning_drift::list(&mut bed.read().await, made.id, &words, &only).await.unwrap().items, found[..1]);
        bed.write(async |tx| provisioning_drift::clear(tx, made.id).await).await;
        let none = provisioning_drift::list(&mut bed.read().await, made.id, &words, &only).await.unwrap();
        assert_eq!(none.total, 0);
    })
    .await;
}
