//! Sources that are removed with what came from them.

use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::leaving::{Fate, Removal, remove};
use passerelle::services::roles::assignments::{self, NewAssignment};
use passerelle::services::{groups, sources, sync, users};
use passerelle::store::establishment::link::{self, Link};
use passerelle::store::establishment::source::{self, Source};
use passerelle::store::establishment::sync_run::{Filter, Mode};
use passerelle::store::establishment::user::{DisabledBy, UserStatus};
use passerelle::store::establishment::{credential, group};
use passerelle::types::id::SourceId;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;

use super::{Fed, add, delete, dn, group as group_entry};

/// Anne has a password and a role given by hand, Bob left, Chloé is stated by another source too, David is one of many.
async fn school() -> Fed {
    let fed = Fed::with_people(&["anne", "bob", "chloe", "david"]).await;
    fed.slapd.modify(&add(&group_entry("profs", &[&dn("anne"), &dn("bob"), &dn("david")])));
    fed.sync().await;
    fed.slapd.modify(&delete("bob"));
    fed.sync().await;
    let (anne, chloe) = (fed.user("anne").await, fed.user("chloe").await);
    let given = NewAssignment {
        user: anne.id,
        application: "passerelle".to_owned(),
        role: "auditor".to_owned(),
        scope: None,
        valid_from: None,
        valid_until: None,
        reason: None,
    };
    assignments::add(&fed.ctx, &given).await.unwrap();
    let second = Source { id: SourceId::new(), name: "second".to_owned(), ..sources::get(&fed.ctx, "ldap").await.unwrap() };
    let elsewhere = Link {
        source_id: second.id,
        external_id: "c".to_owned(),
        user_id: chloe.id,
        dn: None,
        place: None,
        content_hash: Vec::new(),
        present: true,
        active: true,
    };
    let mut tx = fed.ctx.store.begin().await.unwrap();
    credential::set_password_hash(&mut tx, anne.id, "$argon2id$", fed.ctx.now).await.unwrap();
    source::insert(&mut tx, &second).await.unwrap();
    link::insert_all(&mut tx, &[elsewhere]).await.unwrap();
    tx.commit().await.unwrap();
    fed
}

async fn removed(fed: &Fed, fate: Fate) -> Removal {
    let preview = remove(&fed.ctx, "ldap", fate, None, true).await.unwrap();
    assert!(sources::get(&fed.ctx, "ldap").await.unwrap().enabled, "a preview leaves the source as it is");
    let removal = remove(&fed.ctx, "ldap", fate, Some("ldap"), false).await.unwrap();
    assert_eq!(removal, preview, "a preview tells what will be");
    assert!(matches!(sources::get(&fed.ctx, "ldap").await, Err(Error::NotFound(_))));
    let runs = sync::runs(&fed.ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(runs.total, 0, "its runs go with it");
    removal
}

async fn standing(fed: &Fed, username: &str) -> Option<(UserStatus, Option<DisabledBy>, usize)> {
    let user = users::resolve(&fed.ctx, username).await.ok()?;
    let links = users::profile(&fed.ctx, user.id).await.unwrap().links.len();
    Some((user.status, user.disabled_by, links))
}

async fn group_names(fed: &Fed) -> Vec<String> {
    groups::list(&fed.ctx, &PageRequest::first(10), &group::Filter::default()).await.unwrap().items.into_iter().map(|g| g.name).collect()
}

#[tokio::test]
async fn people_who_are_kept_are_the_establishments_own() {
    let fed = school().await;
    let removal = removed(&fed, Fate::Keep).await;
    let expected =
        Removal { people: 4, stated_elsewhere: 1, kept: 2, without_password: 1, disabled: 1, groups_kept: 1, ..Removal::default() };
    assert_eq!(removal, expected);
    assert_eq!(standing(&fed, "anne").await, Some((UserStatus::Active, None, 0)));
    assert_eq!(standing(&fed, "david").await, Some((UserStatus::Active, None, 0)));
    assert_eq!(standing(&fed, "chloe").await, Some((UserStatus::Active, None, 1)));
    // No source is left that would say who is back: an administrator may.
    let bob = fed.user("bob").await;
    users::enable(&fed.ctx, bob.id).await.unwrap();
    assert_eq!(group_names(&fed).await, ["profs"]);
    let profs = groups::list(&fed.ctx, &PageRequest::first(10), &group::Filter::default()).await.unwrap().items.remove(0);
    assert_eq!((profs.source_id, profs.member_count), (None, 2));
    users::reset(&fed.ctx, fed.user("david").await.id).await.unwrap();
}

#[tokio::test]
async fn people_who_are_disabled_wait_for_an_administrator() {
    let fed = school().await;
    let removal = removed(&fed, Fate::Disable).await;
    assert_eq!(removal, Removal { people: 4, stated_elsewhere: 1, disabled: 3, groups_removed: 1, ..Removal::default() });
    let shut = Some((UserStatus::Disabled, Some(DisabledBy::Administrator), 0));
    for name in ["anne", "bob", "david"] {
        assert_eq!(standing(&fed, name).await, shut, "{name}");
    }
    assert_eq!(standing(&fed, "chloe").await, Some((UserStatus::Active, None, 1)));
    assert_eq!(group_names(&fed).await, [""; 0]);
    users::enable(&fed.ctx, fed.user("david").await.id).await.unwrap();
}

#[tokio::test]
async fn people_are_removed_for_good_only_when_that_is_confirmed() {
    let fed = school().await;
    for confirm in [None, Some("LDAP"), Some("")] {
        let Err(Error::Invalid(wrong)) = remove(&fed.ctx, "ldap", Fate::Purge, confirm, false).await else { panic!("{confirm:?}") };
        assert_eq!(wrong[0].field, "confirm");
    }
    assert_eq!(fed.everyone().await.len(), 4);
    let removal = removed(&fed, Fate::Purge).await;
    assert_eq!(removal, Removal { people: 4, stated_elsewhere: 1, disabled: 1, purged: 2, groups_removed: 1, ..Removal::default() });
    // A role given by hand is a person's decision: she is disabled, and told apart.
    assert_eq!(standing(&fed, "anne").await, Some((UserStatus::Disabled, Some(DisabledBy::Administrator), 0)));
    assert_eq!((standing(&fed, "bob").await, standing(&fed, "david").await), (None, None));
    assert_eq!(standing(&fed, "chloe").await, Some((UserStatus::Active, None, 1)));
}

#[tokio::test]
async fn whoever_removes_a_source_does_not_shut_themselves_out() {
    let fed = school().await;
    let david = fed.user("david").await;
    let ctx = Context { actor: Actor::user(david.id, &[GatewayRole::Administrator]), ..fed.ctx.clone() };
    remove(&ctx, "ldap", Fate::Disable, None, false).await.unwrap();
    assert_eq!(standing(&fed, "david").await, Some((UserStatus::Active, None, 0)));
}

#[tokio::test]
async fn a_removal_that_was_broken_off_goes_on_when_asked_again() {
    let fed = school().await;
    let (david, source) = (fed.user("david").await, sources::get(&fed.ctx, "ldap").await.unwrap());
    // As after a crash: the source is closed, and some of its people are seen to.
    let mut tx = fed.ctx.store.begin().await.unwrap();
    source::update(&mut tx, &Source { enabled: false, ..source.clone() }).await.unwrap();
    let key = users::profile(&fed.ctx, david.id).await.unwrap().links[0].external_id.clone();
    link::delete(&mut tx, source.id, &key).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(sync::start(&fed.ctx, "ldap", Mode::Full).await, Err(Error::Conflict(_))), "it does not run meanwhile");
    let removal = remove(&fed.ctx, "ldap", Fate::Keep, None, false).await.unwrap();
    assert_eq!((removal.people, removal.groups_kept), (3, 1));
    assert!(matches!(sources::get(&fed.ctx, "ldap").await, Err(Error::NotFound(_))));
}
