//! Nodes that start together on one empty database, and many stores that go one by one.

use std::path::Path;
use std::sync::Arc;

use passerelle::config::Config;
use passerelle::services::context::Gateway;
use passerelle::store::{Bounds, Stores};
use passerelle::types::secret::Secret;
use sqlx::AssertSqlSafe;

use super::engine::at;
use crate::harness::store::{Engine, TestStore};

/// Nodes that start together.
const NODES: usize = 8;
/// Stores that are removed one by one: with their tables, more than twice the locks that a server has by default.
const REMOVED: usize = 50;

/// A node of an installation, with a folder and a key of its own.
fn node(place: &TestStore, folder: &Path, n: usize, key: &str) -> Config {
    let mut config = place.config.clone();
    let beside = folder.join(n.to_string());
    config.store.folder = beside;
    config.secrets.master_key = Some(Secret::parse("secrets.master_key", key.to_owned()).unwrap());
    config
}

/// Starts them all, and answers who serves and what the others say.
async fn start_together(configs: Vec<Config>) -> (Vec<Arc<Gateway>>, Vec<String>) {
    let starting = configs.into_iter().map(|config| tokio::spawn(async move { passerelle::app::open(&config).await }));
    let (mut serving, mut told) = (Vec::new(), Vec::new());
    for started in futures::future::join_all(starting).await {
        match started.unwrap() {
            Ok(gateway) => serving.push(gateway),
            Err(error) => told.push(format!("{error:#}")),
        }
    }
    (serving, told)
}

/// 32 bytes in base64, all of them this one.
fn key(byte: u8) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode([byte; 32])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_of_one_key_that_start_together_all_serve() {
    let (place, folder) = (TestStore::on(Engine::Postgres), tempfile::tempdir().unwrap());
    let (serving, told) = start_together((0..NODES).map(|n| node(&place, folder.path(), n, &key(7))).collect()).await;
    assert_eq!((serving.len(), told.as_slice()), (NODES, [""; 0].map(str::to_owned).as_slice()));
    let mut admin = place.database.as_ref().unwrap().admin().await;
    let made = "SELECT (SELECT count(*) FROM passerelle.installation), (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'est\\_%')";
    assert_eq!(sqlx::query_as::<_, (i64, i64)>(made).fetch_one(&mut admin).await.unwrap(), (1, 1), "one installation, one platform");
    for gateway in serving {
        gateway.stores.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_nodes_with_different_keys_one_kind_serves_and_the_others_are_told() {
    let (place, folder) = (TestStore::on(Engine::Postgres), tempfile::tempdir().unwrap());
    let kinds = 2_u8;
    let configs = (0..NODES).map(|n| node(&place, folder.path(), n, &key(u8::try_from(n).unwrap() % kinds))).collect();
    let (serving, told) = start_together(configs).await;
    assert_eq!((serving.len(), told.len()), (NODES / usize::from(kinds), NODES - NODES / usize::from(kinds)), "{told:?}");
    for text in &told {
        assert!(text.contains("master key") && text.contains("every node needs the same"), "{text}");
        assert!(!text.contains(&key(0)) && !text.contains(&key(1)), "a secret is told: {text}");
    }
    for gateway in serving {
        gateway.stores.close().await;
    }
}

#[tokio::test]
async fn many_stores_are_removed_one_by_one_without_using_up_the_servers_locks() {
    let place = TestStore::on(Engine::Postgres);
    let stores = Stores::open(&place.url(), &[], Bounds { open_max: 8, connections_max: 4 }).await.unwrap();
    let all: Vec<_> = (0..REMOVED).map(|n| at(&format!("ecole-{n}"))).collect();
    for at in &all {
        stores.provision_new(at).await.unwrap();
    }
    for at in &all {
        stores.remove(at).await.unwrap();
        // Removed already.
        stores.remove(at).await.unwrap();
    }
    removed_already_by_another_node(&place, &stores).await;
    let login = place.database.as_ref().unwrap().login();
    let left = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'est\\_%') + \
         (SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = $1::regrole AND r.rolname LIKE 'est\\_%')";
    let mut admin = place.database.as_ref().unwrap().admin().await;
    let left: i64 = sqlx::query_scalar(AssertSqlSafe(left.to_owned())).bind(login).fetch_one(&mut admin).await.unwrap();
    assert_eq!(left, 2, "the platform's schema and its role");
}

/// A removal whose answer was lost is told as done when it is asked for again, by whoever still has the store open.
async fn removed_already_by_another_node(place: &TestStore, stores: &Stores) {
    let other = Stores::open(&place.url(), &[], Bounds { open_max: 8, connections_max: 4 }).await.unwrap();
    let at = at("ecole-de-deux");
    stores.provision_new(&at).await.unwrap();
    other.remove(&at).await.unwrap();
    assert!(stores.is_open("ecole-de-deux"));
    stores.remove(&at).await.unwrap();
    assert!(!stores.is_open("ecole-de-deux"), "it is forgotten");
    other.close().await;
}
