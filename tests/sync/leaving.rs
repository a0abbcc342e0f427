//! People who left: kept for their days of grace, then erased by their source's policy, and by nothing else.

use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::leaving::{self, ERASED_MAX, Round};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::roles::exclusions::{self, NewExclusion};
use passerelle::services::{audit, groups, housekeeping, jobs, sources, sync, users};
use passerelle::store::establishment::audit_event::{self, AuditEvent};
use passerelle::store::establishment::link::{self, Link};
use passerelle::store::establishment::source::{self, Source};
use passerelle::store::establishment::sync_run::{Mode, State};
use passerelle::store::establishment::user::{self, DisabledBy, User, UserStatus};
use passerelle::store::establishment::{exclusion, group, source_state};
use passerelle::store::registry::job::{self, Kind};
use passerelle::types::id::{SourceId, UserId};
use passerelle::types::leaving::{Afterwards, Leaving};
use passerelle::types::page::PageRequest;

use super::{Fed, add, delete, dn, group as group_entry, person};

const DAY_S: i64 = 24 * 3600;

fn at_day(fed: &Fed, day: i64) -> Context {
    Context { now: fed.ctx.now.plus_s(day * DAY_S), ..fed.ctx.clone() }
}

async fn with_policy(people: &[&str], then: Afterwards) -> Fed {
    let fed = Fed::with_people(people).await;
    fed.change(|fields| fields.leaving = Leaving { grace_days: 30, then }).await;
    fed.sync().await;
    fed
}

async fn read_at_day(fed: &Fed, day: i64) {
    let ctx = at_day(fed, day);
    let run = sync::run_to_end(&ctx, "ldap", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.error), (State::Done, None));
}

async fn round_at_day(fed: &Fed, day: i64) -> Round {
    leaving::round(&at_day(fed, day)).await.unwrap().0
}

async fn events(fed: &Fed, action: &str) -> Vec<AuditEvent> {
    let filter = audit_event::Filter { action: Some(action.to_owned()), ..audit_event::Filter::default() };
    audit::list(&fed.ctx, &PageRequest::first(100), &filter).await.unwrap().items
}

async fn give_by_hand(fed: &Fed, username: &str) {
    let given = NewAssignment {
        user: fed.user(username).await.id,
        application: "passerelle".to_owned(),
        role: "auditor".to_owned(),
        scope: None,
        valid_from: None,
        valid_until: None,
        reason: None,
    };
    assignments::add(&fed.ctx, &given).await.unwrap();
}

#[tokio::test]
async fn whoever_is_gone_is_anonymised_after_the_days_of_grace_and_one_more_reading() {
    let fed = with_policy(&["anne", "bob", "chloe"], Afterwards::Anonymise).await;
    let (anne, bob) = (fed.user("anne").await, fed.user("bob").await);
    let kept_out = |user| NewExclusion {
        user,
        application: "passerelle".to_owned(),
        role: "auditor".to_owned(),
        scope: None,
        reason: "décision du 3 septembre".to_owned(),
        valid_until: None,
    };
    for user in [anne.id, bob.id] {
        exclusions::add(&fed.ctx, &kept_out(user)).await.unwrap();
    }
    fed.slapd.modify(&delete("anne"));
    fed.sync().await;
    let profile = users::profile(&fed.ctx, anne.id).await.unwrap();
    assert_eq!(profile.departure(), Some((fed.ctx.now.plus_s(30 * DAY_S), Afterwards::Anonymise)));
    assert_eq!(users::profile(&fed.ctx, bob.id).await.unwrap().departure(), None);

    read_at_day(&fed, 29).await;
    assert_eq!(round_at_day(&fed, 29).await, Round::default());
    // The days are over, and nobody looked since whether she is back.
    assert_eq!(round_at_day(&fed, 31).await, Round { sources_unread: 1, ..Round::default() });
    assert_eq!(fed.user("anne").await.email.as_deref(), Some("anne@acad-test.fr"));
    read_at_day(&fed, 31).await;
    assert_eq!(round_at_day(&fed, 31).await, Round { anonymised: 1, ..Round::default() });
    assert_eq!(round_at_day(&fed, 32).await, Round::default(), "once is enough");

    let nobody = users::get(&fed.ctx, anne.id).await.unwrap();
    assert_eq!((nobody.status, nobody.erased_at), (UserStatus::Disabled, Some(at_day(&fed, 31).now)));
    assert!(nobody.username.starts_with("erased-") && nobody.display_name == nobody.username, "{nobody:?}");
    assert_eq!((nobody.given_name, nobody.family_name, nobody.email, nobody.attributes.len()), (None, None, None, 0));
    assert_eq!(users::profile(&fed.ctx, anne.id).await.unwrap().links, []);
    let excluded = exclusions::list(&fed.ctx, &PageRequest::first(9), &exclusion::Filter::default()).await.unwrap().items;
    assert_eq!(excluded.iter().map(|one| one.user_id).collect::<Vec<_>>(), [bob.id], "what was decided of them is gone with them");
    assert!(matches!(users::enable(&fed.ctx, anne.id).await, Err(Error::Conflict(_))));
    let told = events(&fed, "user.anonymised").await;
    assert_eq!(told.len(), 1);
    assert!(told[0].subject_id == anne.id.to_string() && !told[0].detail.to_string().contains("anne"), "{told:?}");

    // Who comes back under the same name is somebody new.
    fed.slapd.modify(&add(&person("anne")));
    read_at_day(&fed, 33).await;
    assert_ne!(fed.user("anne").await.id, anne.id);
}

#[tokio::test]
async fn a_purge_removes_the_person_and_all_that_hangs_on_them() {
    let fed = with_policy(&["anne", "bob"], Afterwards::Purge).await;
    fed.slapd.modify(&add(&group_entry("profs", &[&dn("anne"), &dn("bob")])));
    fed.sync().await;
    let anne = fed.user("anne").await;
    fed.slapd.modify(&delete("anne"));
    fed.sync().await;
    read_at_day(&fed, 31).await;
    assert_eq!(round_at_day(&fed, 31).await, Round { purged: 1, ..Round::default() });
    assert!(matches!(users::get(&fed.ctx, anne.id).await, Err(Error::NotFound(_))));
    let (told, rounds) = (events(&fed, "user.purged").await, events(&fed, "leaving.round").await);
    assert_eq!((told.len(), told[0].subject_id.clone()), (1, anne.id.to_string()));
    assert!(!told[0].detail.to_string().contains("anne"));
    assert_eq!((rounds.len(), rounds[0].detail["purged"].clone()), (1, 1.into()));
    let profs = groups::list(&fed.ctx, &PageRequest::first(10), &group::Filter::default()).await.unwrap().items;
    assert_eq!(profs[0].member_count, 1);
    assert_eq!(sync::run_to_end(&at_day(&fed, 32), "ldap", Mode::Full).await.unwrap().counts.created, 0);
}

#[tokio::test]
async fn whoever_comes_back_in_time_has_everything_and_the_days_begin_again() {
    let fed = with_policy(&["anne", "bob"], Afterwards::Purge).await;
    let anne = fed.user("anne").await;
    let hide = async |filter: &str| fed.change(|fields| fields.settings["user_filter"] = filter.into()).await;
    hide("(uid=bob)").await;
    fed.sync().await;
    hide("(objectClass=inetOrgPerson)").await;
    read_at_day(&fed, 29).await;
    hide("(uid=bob)").await;
    read_at_day(&fed, 30).await;
    read_at_day(&fed, 31).await;
    assert_eq!(round_at_day(&fed, 31).await, Round::default());
    let profile = users::profile(&fed.ctx, anne.id).await.unwrap();
    assert_eq!(profile.departure().unwrap().0, fed.ctx.now.plus_s(60 * DAY_S));
}

#[tokio::test]
async fn a_person_s_decision_stands_against_the_policy() {
    let fed = with_policy(&["anne", "bob", "chloe", "david"], Afterwards::Purge).await;
    give_by_hand(&fed, "bob").await;
    // Closed by an administrator, and still in the directory.
    users::disable(&fed.ctx, fed.user("david").await.id).await.unwrap();
    // Closed by an administrator, and gone as well.
    users::disable(&fed.ctx, fed.user("anne").await.id).await.unwrap();
    let local = users::create(&fed.ctx, &users::NewUser { username: "zoe".to_owned(), ..users::NewUser::default() }).await.unwrap().0;
    users::disable(&fed.ctx, local.id).await.unwrap();
    state_by_hand(&fed, &local).await;
    fed.slapd.modify(&[delete("anne"), delete("bob")].concat());
    fed.sync().await;
    read_at_day(&fed, 31).await;
    assert_eq!(round_at_day(&fed, 31).await, Round { purged: 1, kept_for_a_role: 1, kept_as_made_by_hand: 1, ..Round::default() });
    let left: Vec<String> = fed.everyone().await.into_iter().map(|user| user.username).collect();
    assert_eq!(left.iter().filter(|name| ["bob", "chloe", "david", "zoe"].contains(&name.as_str())).count(), 4, "{left:?}");
    assert_eq!(left.len(), 4);
}

/// Has the directory's source state someone made by hand, under a key that is not there.
async fn state_by_hand(fed: &Fed, user: &User) {
    let source = sources::get(&fed.ctx, "ldap").await.unwrap().id;
    let mut tx = fed.ctx.store.begin().await.unwrap();
    link::insert_all(&mut tx, &[linked(source, user.id, "by-hand")]).await.unwrap();
    tx.commit().await.unwrap();
}

fn linked(source_id: SourceId, user_id: UserId, key: &str) -> Link {
    Link { source_id, external_id: key.to_owned(), user_id, dn: None, place: None, content_hash: Vec::new(), present: true, active: true }
}

#[tokio::test]
async fn another_source_that_states_or_keeps_someone_has_its_say() {
    let fed = with_policy(&["anne", "bob", "chloe"], Afterwards::Purge).await;
    let (anne, bob) = (fed.user("anne").await, fed.user("bob").await);
    let first = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mild = Leaving { grace_days: 60, then: Afterwards::Anonymise };
    let second = Source { id: SourceId::new(), name: "second".to_owned(), leaving: Some(mild), ..first.clone() };
    let mut tx = fed.ctx.store.begin().await.unwrap();
    source::insert(&mut tx, &second).await.unwrap();
    link::insert_all(&mut tx, &[linked(second.id, anne.id, "a"), linked(second.id, bob.id, "b")]).await.unwrap();
    link::mark_gone(&mut tx, second.id, anne.id, fed.ctx.now).await.unwrap();
    source_state::keep(
        &mut tx,
        &source_state::SourceState { full_at: Some(at_day(&fed, 99).now), ..source_state::SourceState::new(second.id) },
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    fed.slapd.modify(&[delete("anne"), delete("bob")].concat());
    fed.sync().await;
    let departure = users::profile(&fed.ctx, anne.id).await.unwrap().departure();
    assert_eq!(departure, Some((fed.ctx.now.plus_s(60 * DAY_S), Afterwards::Anonymise)), "the longest days, the mildest end");
    assert_eq!(users::profile(&fed.ctx, bob.id).await.unwrap().departure(), None, "the second source still states him");
    read_at_day(&fed, 61).await;
    assert_eq!(round_at_day(&fed, 59).await, Round::default());
    assert_eq!(round_at_day(&fed, 61).await, Round { anonymised: 1, ..Round::default() });
    assert_eq!(users::get(&fed.ctx, bob.id).await.unwrap().disabled_by, Some(DisabledBy::Source));
}

#[tokio::test]
async fn a_round_erases_a_thousand_people_and_the_next_one_the_rest() {
    let fed = with_policy(&["anne"], Afterwards::Purge).await;
    let source = sources::get(&fed.ctx, "ldap").await.unwrap();
    let sample = fed.user("anne").await;
    let many: Vec<User> = (0..ERASED_MAX + 7)
        .map(|n| User { id: UserId::new(), username: format!("left{n}"), status: UserStatus::Disabled, ..sample.clone() })
        .collect();
    let links: Vec<Link> = many.iter().map(|user| linked(source.id, user.id, &user.username)).collect();
    let mut tx = fed.ctx.store.begin().await.unwrap();
    user::insert_all(&mut tx, &many).await.unwrap();
    link::insert_all(&mut tx, &links).await.unwrap();
    for one in &many {
        link::mark_gone(&mut tx, source.id, one.id, fed.ctx.now).await.unwrap();
    }
    tx.commit().await.unwrap();
    read_at_day(&fed, 31).await;
    assert_eq!(round_at_day(&fed, 31).await.purged, ERASED_MAX);
    assert_eq!(round_at_day(&fed, 32).await.purged, 7);
    assert_eq!(fed.everyone().await.len(), 1);
}

#[tokio::test]
async fn rounds_are_daily_work_of_some_node_where_a_source_erases() {
    let fed = with_policy(&["anne", "bob"], Afterwards::Keep).await;
    let gateway = &fed.ctx.gateway;
    let planned = async || {
        let jobs = job::list(&mut gateway.stores.registry().read().await.unwrap()).await.unwrap();
        jobs.into_iter().find(|job| job.kind == Kind::Leaving)
    };
    housekeeping::sweep(gateway, fed.ctx.now).await;
    assert_eq!(planned().await, None);
    fed.change(|fields| fields.leaving = Leaving { grace_days: 1, then: Afterwards::Purge }).await;
    housekeeping::sweep(gateway, fed.ctx.now).await;
    assert_eq!(planned().await.unwrap().slug, fed.ctx.slug());

    fed.slapd.modify(&delete("anne"));
    fed.sync().await;
    jobs::run_due(gateway, fed.ctx.now).await.unwrap();
    assert_eq!(planned().await.unwrap().due_at, fed.ctx.now.plus_s(DAY_S));
    read_at_day(&fed, 1).await;
    jobs::run_due(gateway, fed.ctx.now.plus_s(DAY_S)).await.unwrap();
    assert_eq!(fed.everyone().await.len(), 1);

    fed.change(|fields| fields.leaving.then = Afterwards::Keep).await;
    jobs::run_due(gateway, fed.ctx.now.plus_s(3 * DAY_S)).await.unwrap();
    assert_eq!(planned().await, None, "nothing is done any more where nobody is erased");
}

#[tokio::test]
async fn a_policy_has_its_bounds() {
    let fed = Fed::with_people(&["anne"]).await;
    let standing = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mut fields = sources::SourceFields::from(&standing);
    assert_eq!(fields.leaving, Leaving::default());
    for grace_days in [0, 3651] {
        fields.leaving = Leaving { grace_days, then: Afterwards::Purge };
        let Err(Error::Invalid(wrong)) = sources::update(&fed.ctx, &standing, &fields).await else {
            panic!("{grace_days} days are accepted")
        };
        assert_eq!(wrong[0].field, "leaving.grace_days");
    }
}
