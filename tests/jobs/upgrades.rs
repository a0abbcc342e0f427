//! Stores that an older program left are brought up in the background, a few at a time, and counted until then.

use passerelle::services::establishments::{self, NewEstablishment};
use passerelle::services::upgrades;
use passerelle::store::establishment::application;
use passerelle::store::establishment::audit_event::{self, Filter};
use passerelle::store::registry::establishment;
use passerelle::store::{Store, newest_version};
use passerelle::types::page::PageRequest;
use passerelle::types::permission::{APPLICATION, GatewayRole};
use passerelle::types::time::Timestamp;

use crate::harness::gateway::TestGateway;

/// More than one batch.
const STORES: usize = 23;

async fn note(registry: &Store, known: &[establishment::Establishment], version: i64) {
    let mut tx = registry.begin().await.unwrap();
    for there in known {
        establishment::note_version(&mut tx, there.id, version).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn stores_are_brought_up_in_batches_and_one_that_cannot_be_opened_holds_up_nobody() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let mut made = Vec::new();
    for n in 0..STORES {
        let new = NewEstablishment { name: format!("École {n}"), ..NewEstablishment::default() };
        made.push(establishments::create(&platform, &new).await.unwrap().establishment);
    }
    assert_eq!(upgrades::behind(&platform).await.unwrap(), 0, "a new store is of this version");
    let registry = test.gateway.stores.registry();
    note(registry, &made, newest_version() - 1).await;
    test.gateway.stores.remove(&made[3]).await.unwrap();
    assert_eq!(upgrades::behind(&platform).await.unwrap(), i64::try_from(STORES).unwrap());

    let first = upgrades::bring_some_up(&test.gateway, None, Timestamp::now()).await.unwrap();
    assert_eq!((first.brought_up, first.failed), (19, 1));
    let second = upgrades::bring_some_up(&test.gateway, first.last, Timestamp::now()).await.unwrap();
    assert_eq!((second.brought_up, second.failed), (3, 0));
    let end = upgrades::bring_some_up(&test.gateway, second.last, Timestamp::now()).await.unwrap();
    assert_eq!(end, upgrades::Batch::default());
    assert_eq!(upgrades::behind(&platform).await.unwrap(), 1, "what could not be opened is told");
    // A version that only a newer program knows is not taken back.
    note(registry, &made, newest_version() + 1).await;
    assert_eq!(upgrades::bring_some_up(&test.gateway, None, Timestamp::now()).await.unwrap(), upgrades::Batch::default());
}

#[tokio::test]
async fn a_node_that_is_about_to_stop_begins_no_further_store() {
    let test = TestGateway::start().await;
    let (created, _) = test.establishment("Lycée Ampère").await;
    note(test.gateway.stores.registry(), &[created.establishment], 0).await;
    test.gateway.node.stop();
    let batch = upgrades::bring_some_up(&test.gateway, None, Timestamp::now()).await.unwrap();
    assert_eq!((batch.brought_up, batch.last), (0, None));
    assert_eq!(upgrades::behind(&test.platform().await).await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_of_an_older_program_gets_the_roles_of_this_one_once() {
    let test = TestGateway::start().await;
    let (created, ctx) = test.establishment("Lycée Ampère").await;
    let mut tx = ctx.store.begin().await.unwrap();
    let today = application::find_by_name(&mut tx, APPLICATION).await.unwrap().unwrap();
    let mut older = today.clone();
    older.title = "Notre passerelle".to_owned();
    older.scope_kind = application::ScopeKind::None;
    older.roles.truncate(2);
    application::update(&mut tx, &older).await.unwrap();
    tx.commit().await.unwrap();
    for _ in 0..2 {
        note(test.gateway.stores.registry(), std::slice::from_ref(&created.establishment), 0).await;
        assert_eq!(upgrades::bring_some_up(&test.gateway, None, ctx.now).await.unwrap().brought_up, 1);
    }
    let mut tx = ctx.store.read().await.unwrap();
    let after = application::find_by_name(&mut tx, APPLICATION).await.unwrap().unwrap();
    assert_eq!((&after.roles, after.scope_kind), (&today.roles, today.scope_kind));
    assert_eq!(after.title, "Notre passerelle", "what the establishment chose stays");
    assert!(!after.roles.iter().any(|role| role.name == GatewayRole::Operator.name()), "operators are the platform's");
    let only = Filter { action: Some("application.updated".to_owned()), ..Filter::default() };
    assert_eq!(audit_event::list(&mut tx, &PageRequest::first(10), &only).await.unwrap().total, 1, "the second time nothing changed");
}
