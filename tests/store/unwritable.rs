//! Stores that can be read and not written: a full disk, a file that is another's, a standby, a login that may only read. Each is told in
//! words, answers 503, and the others serve.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use passerelle::fronts::http::problem::Problem;
use passerelle::store::establishment::user;
use passerelle::store::tx::Connection;
use passerelle::store::{Error, Store, StoreUrl, Stores};
use passerelle::types::secret::Secret;
use reqwest::StatusCode;
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor};

use super::engine::{BOUNDS, at, named, on_every_engine, write_in};
use super::samples::person;
use super::transactions::usernames;
use crate::api::kit::Served;
use crate::harness::postgres::{self, Server};

/// Names the folder whose stores another process opens, as a user whom one of them does not belong to.
const FOLDER: &str = "PASSERELLE_TEST_UNWRITABLE_FOLDER";
/// The test below, as the test binary names it.
const TEST: &str = "store::unwritable::a_file_that_is_another_users_is_read_and_told_when_it_is_written";
/// The user `nobody` of Debian, to whom root gives way: root writes everywhere.
const NOBODY: u32 = 65_534;

/// Writes someone.
async fn write(store: &Store, name: &str) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    user::insert(&mut tx, &person(name)).await?;
    tx.commit().await
}

/// Lets a store's disk be as good as full: a file may not grow, and a server answers as it does then.
pub async fn fill(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    match tx.connection() {
        Connection::Sqlite(connection, _) => connection.execute("PRAGMA max_page_count = 1").await.map(drop).unwrap(),
        Connection::Postgres(connection, _) => {
            let refuse = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
                 CREATE TRIGGER no_room BEFORE INSERT ON users EXECUTE FUNCTION no_room()";
            connection.execute(sqlx::raw_sql(refuse)).await.map(drop).unwrap();
        }
    }
    tx.commit().await.unwrap();
}

/// Writes until there is no room, which is soon.
async fn written_until_refused(store: &Store) -> Error {
    for n in 0..10_000 {
        if let Err(refused) = write(store, &format!("n{n}")).await {
            return refused;
        }
    }
    panic!("there is always room");
}

/// Fails unless an error is told as one that passes, without what is the log's.
fn is_unavailable(refused: Error) {
    assert!(refused.is_passing(), "{refused:?}");
    let problem = Problem::from(passerelle::services::error::Error::from(refused));
    assert_eq!((problem.status, problem.retry_after_s), (503, Some(5)));
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_written_stays() {
    on_every_engine(async |bed| {
        let other = bed.stores.provision_new(at("lycee-de-la-mer")).await.unwrap();
        write(&bed.store, "avant").await.unwrap();
        fill(&bed.store).await;
        let refused = written_until_refused(&bed.store).await;
        assert!(matches!(refused, Error::Full), "{refused:?}");
        assert!(refused.to_string().contains("disk"), "{refused}");
        is_unavailable(refused);
        assert!(usernames(&bed.store).await.contains(&"avant".to_owned()));
        write(&other, "ailleurs").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_of_one_establishment_answers_503_and_the_others_serve() {
    let api = Served::start().await;
    let (full, other) = (api.establishment("Lycée Ampère").await, api.establishment("Lycée Curie").await);
    let tokens = [api.token(&full, "administrator").await, api.token(&other, "administrator").await];
    fill(&api.test.context(&full).await.store).await;
    let mut statuses = Vec::new();
    for n in 0..2_000 {
        let made = api.post(&format!("/api/v1/establishments/{full}/users"), &tokens[0], &json!({ "username": format!("n{n}") })).await;
        statuses.push(made.status);
        if made.status != StatusCode::CREATED {
            assert_eq!((made.status, &made.body["type"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("urn:passerelle:problem:unavailable")));
            assert_eq!(made.header("retry-after"), "5");
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(api.get(&format!("/api/v1/establishments/{full}/users"), &tokens[0]).await.status, StatusCode::OK, "what is there is read");
    let made = api.post(&format!("/api/v1/establishments/{other}/users"), &tokens[1], &json!({ "username": "ailleurs" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
}

/// The folder to open, in the process that the test starts of itself.
#[expect(clippy::disallowed_methods, reason = "the other process is this binary, which takes no argument but a test's name")]
fn folder_to_open() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

async fn opened(folder: &Path) -> Stores {
    Stores::open(&StoreUrl::Sqlite(folder.to_owned()), &[], BOUNDS).await.unwrap()
}

/// Gives everything below a folder to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_another_users_is_read_and_told_when_it_is_written() {
    if let Some(folder) = folder_to_open() {
        let stores = opened(&folder).await;
        let [a, b] = [stores.establishment(named("a")).await.unwrap(), stores.establishment(named("b")).await.unwrap()];
        assert_eq!(usernames(&a).await, ["avant"]);
        let refused = write(&a, "après").await.unwrap_err();
        assert!(matches!(refused, Error::ReadOnly(_)), "{refused:?}");
        assert!(refused.to_string().contains("right to write"), "{refused}");
        is_unavailable(refused);
        write(&b, "après").await.unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let stores = opened(folder.path()).await;
    for name in ["a", "b"] {
        let store = stores.provision_new(named(name)).await.unwrap();
        write_in(&store, async |tx| user::insert(tx, &person("avant")).await).await;
    }
    stores.close().await;
    let mut other = Command::new("/proc/self/exe");
    let file = folder.path().join("establishments").join("a.sqlite");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        give(folder.path(), NOBODY);
        chown(&file, Some(0), Some(0)).unwrap();
        other.uid(NOBODY).gid(NOBODY);
    }
    let ended = other
        .args(["--exact", TEST, "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

async fn opened_at(url: &str) -> Stores {
    Stores::open(&StoreUrl::Postgres(Secret::parse("store.url", url.to_owned()).unwrap()), &[], BOUNDS).await.unwrap()
}

#[tokio::test]
async fn a_standby_is_read_and_told_when_it_is_written() {
    let server = Server::start_own();
    let database = server.database();
    let stores = opened_at(database.url()).await;
    let there = at("a");
    write(&stores.provision_new(&there).await.unwrap(), "avant").await.unwrap();
    stores.close().await;
    let folder = server.folder().join("data");
    let settings = std::fs::read_to_string(folder.join("postgresql.conf")).unwrap();
    std::fs::write(folder.join("postgresql.conf"), format!("{settings}wal_level = replica\n")).unwrap();
    server.restart();
    server.stop();
    std::fs::write(folder.join("standby.signal"), "").unwrap();
    server.start_again();
    let stores = opened_at(database.url()).await;
    let store = stores.establishment(&there).await.unwrap();
    assert_eq!(usernames(&store).await, ["avant"]);
    for refused in [write(&store, "après").await.unwrap_err(), stores.provision_new(at("b")).await.unwrap_err()] {
        assert!(matches!(refused, Error::ReadOnly(_)), "{refused:?}");
        assert!(refused.to_string().contains("primary"), "{refused}");
        is_unavailable(refused);
    }
}

#[tokio::test]
async fn a_login_that_may_only_read_is_told_when_it_writes() {
    let database = postgres::database();
    let stores = opened_at(database.url()).await;
    let there = at("a");
    write(&stores.provision_new(&there).await.unwrap(), "avant").await.unwrap();
    stores.close().await;
    let only_read = format!("ALTER ROLE {} SET default_transaction_read_only = on", database.login());
    database.admin().await.execute(AssertSqlSafe(only_read)).await.unwrap();
    let stores = opened_at(database.url()).await;
    let store = stores.establishment(&there).await.unwrap();
    assert_eq!(usernames(&store).await, ["avant"]);
    for refused in [write(&store, "après").await.unwrap_err(), stores.provision_new(at("b")).await.unwrap_err()] {
        assert!(matches!(refused, Error::ReadOnly(_)), "{refused:?}");
        is_unavailable(refused);
    }
}
