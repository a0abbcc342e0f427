//! Further placements: one that is away keeps the establishments elsewhere from nobody, not even from a start.

use std::time::Duration;

use passerelle::store::{Address, StoreUrl, Stores};

use super::engine::{BOUNDS, at};
use crate::harness::gateway::secret;
use crate::harness::postgres::Server;
use crate::harness::store::{Engine, TestStore};

/// Longest that a server which is back may go unnoticed, on a machine whose cores are all busy.
const BACK_DEADLINE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_placement_that_is_away_at_the_start_is_told_by_its_own_stores_alone_and_serves_when_it_is_back() {
    let server = Server::start_own();
    let database = server.database();
    let own = TestStore::on(Engine::Sqlite);
    let blocked = tempfile::NamedTempFile::new().unwrap();
    let more = [
        ("server".to_owned(), StoreUrl::Postgres(secret(database.url()))),
        ("folder".to_owned(), StoreUrl::Sqlite(blocked.path().join("below-a-file"))),
    ];
    server.stop();
    let stores = Stores::open(&own.url(), &more, BOUNDS).await.unwrap();
    stores.provision_new(at("ici")).await.unwrap();
    let there = |placement: &str| Address { placement: placement.to_owned(), ..at("ailleurs") };
    let away = stores.provision(there("server")).await.unwrap_err();
    assert!(away.is_passing(), "{away:?}");
    let nowhere = stores.provision(there("folder")).await.unwrap_err();
    assert!(nowhere.to_string().contains("below-a-file"), "{nowhere}");
    server.start_again();
    // The gateway looks now and then whether it is back; until then it refuses at once.
    let back = async {
        while stores.provision(there("server")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BACK_DEADLINE, back).await.unwrap();
}
