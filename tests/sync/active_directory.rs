//! Active Directory as a source: everyone, their groups by either way of belonging, what changed since, and their passwords.

use std::net::IpAddr;

use connectors::Bar;
use passerelle::services::context::Context;
use passerelle::services::login::attempt::{Attempt, Outcome, sign_in};
use passerelle::services::login::browser::Browser;
use passerelle::services::sources::{SourceFields, create};
use passerelle::services::{sync, users};
use passerelle::store::establishment::source::SourceKind;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::{Filter, UserStatus};
use passerelle::store::establishment::{group, source, source_state};
use passerelle::types::leaving::Leaving;
use passerelle::types::matching::Matching;
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::open_guard;
use crate::harness::gateway::TestGateway;
use crate::harness::samba::{ADMIN, ADMIN_PASSWORD, BASE, PEOPLE, Samba, password, person};

async fn run(ctx: &Context, mode: Mode) -> Run {
    let run = sync::run_to_end(ctx, "ad", mode).await.unwrap();
    assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
    run
}

/// The groups a person is in directly.
async fn groups_of(ctx: &Context, username: &str) -> Vec<String> {
    let user = users::resolve(ctx, username).await.unwrap();
    let mut tx = ctx.store.read().await.unwrap();
    group::list_direct_of_user(&mut tx, user.id).await.unwrap().into_iter().map(|group| group.name).collect()
}

async fn attempt(ctx: &Context, username: &str, password: &str) -> Outcome {
    let (browser, address) = (Browser::new(), IpAddr::from([192, 0, 2, 1]));
    sign_in(ctx, &Attempt { username, password, address, browser: &browser, session: None, interaction: None }).await.unwrap()
}

async fn method(ctx: &Context) -> String {
    let mut tx = ctx.store.read().await.unwrap();
    let source = source::find_by_name(&mut tx, "ad").await.unwrap().unwrap();
    let kept = source_state::get(&mut tx, source.id).await.unwrap().bookmark.unwrap();
    let (_, body) = kept.split_once(' ').unwrap();
    serde_json::from_str::<serde_json::Value>(body).unwrap()["method"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_domain_is_followed_from_its_first_reading_to_its_last_change() {
    let samba = Samba::start();
    let gateway = TestGateway::start().await;
    let (_, ctx) = gateway.establishment("Lycée Louise Michel").await;
    let settings = json!({"urls": [samba.url()], "bind_dn": ADMIN, "bind_password": ADMIN_PASSWORD, "base_dn": BASE, "profile": "active-directory",
        "user_filter": "(&(objectCategory=person)(objectClass=user)(mail=*))"});
    let (guard, leaving) = (open_guard(), Leaving::default());
    let fields = SourceFields {
        name: "ad".into(),
        kind: SourceKind::Ldap,
        settings,
        schedule: None,
        guard,
        leaving,
        matching: Matching::default(),
        route: None,
        enabled: true,
    };
    create(&ctx, &fields).await.unwrap();
    run(&ctx, Mode::Full).await;
    let everyone = users::list(&ctx, &PageRequest::first(500), &Filter::default()).await.unwrap();
    assert_eq!(everyone.items.iter().filter(|user| user.username != "admin").count(), PEOPLE);
    assert_eq!(method(&ctx).await, "dirsync");
    assert_eq!(groups_of(&ctx, "p003").await, ["Domain Users", "everyone", "few"]);
    assert!(matches!(attempt(&ctx, "p003", &password(3)).await, Outcome::SignedIn(_)));
    assert!(matches!(attempt(&ctx, "p003", "wrong").await, Outcome::Wrong));
    assert!(matches!(attempt(&ctx, "p007", &password(7)).await, Outcome::Barred(Bar::AccountDisabled)));

    samba.modify(&format!("dn: {}\nchangetype: delete\n", person(1)));
    samba.modify(&format!("dn: CN=few,OU=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: {}\n", person(2)));
    samba.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: CN=Elsewhere\ndeleteoldrdn: 1\nnewsuperior: OU=elsewhere,{BASE}\n",
        person(3)
    ));
    samba.modify(&format!("dn: {}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n", person(4)));
    samba.modify(&format!(
        "dn: CN=New One,OU=people,{BASE}\nchangetype: add\nobjectClass: user\nsAMAccountName: new1\nmail: new1@ad.test\n"
    ));
    let second = run(&ctx, Mode::Changes).await;
    assert_eq!((second.note.as_deref(), second.counts.created), (None, 1));
    assert_eq!(users::resolve(&ctx, "p001").await.unwrap().status, UserStatus::Disabled);
    assert_eq!(users::resolve(&ctx, "p004").await.unwrap().status, UserStatus::Disabled);
    assert_eq!(groups_of(&ctx, "p002").await, ["Domain Users", "everyone"]);
    assert_eq!(groups_of(&ctx, "p003").await, ["Domain Users", "everyone", "few"], "a move takes nobody out of a group");
    assert_eq!(groups_of(&ctx, "new1").await, ["Domain Users"]);
    assert!(matches!(attempt(&ctx, "p003", &password(3)).await, Outcome::SignedIn(_)), "by the new DN");
    assert!(matches!(attempt(&ctx, "p001", &password(1)).await, Outcome::Wrong));

    // A whole reading finds nothing that the changes did not tell.
    let third = run(&ctx, Mode::Full).await;
    let counts = third.counts;
    let changed = [counts.created, counts.updated, counts.disabled, counts.removed, counts.memberships_added, counts.memberships_removed];
    assert_eq!(changed, [0; 6], "{counts:?}");
}
