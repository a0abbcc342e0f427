//! What SQLite files do beyond the contract: one that is lost, broken, newer or left behind; many of them; two programs on one folder.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use passerelle::store::establishment::user::{self, User};
use passerelle::store::registry::zone::{self, Zone};
use passerelle::store::{Bounds, Error, LOG_MAX_BYTES, Store, StoreUrl, Stores};
use tempfile::TempDir;

use super::engine::{named, write_in};
use super::samples::person;

/// Where the version of a SQLite file stands, in four bytes (https://sqlite.org/fileformat.html §1.3).
const USER_VERSION_AT: usize = 60;

async fn open(folder: &TempDir, open_max: u64) -> Stores {
    try_open(folder.path(), open_max).await.unwrap()
}

async fn try_open(folder: &Path, open_max: u64) -> Result<Stores, Error> {
    Stores::open(&StoreUrl::Sqlite(folder.to_owned()), &[], Bounds { open_max, connections_max: 4 }).await
}

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join("establishments").join(format!("{name}.sqlite"))
}

async fn add(store: &Store, username: &str) {
    write_in(store, async |tx| user::insert(tx, &person(username)).await).await;
}

async fn usernames(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.unwrap();
    user::usernames(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect()
}

/// A folder with the establishments `un` and `deux`, closed.
async fn closed_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(&folder, 16).await;
    for name in ["un", "deux"] {
        add(&stores.provision_new(named(name)).await.unwrap(), name).await;
    }
    stores.close().await;
    folder
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = closed_folder().await;
    let stores = open(&folder, 16).await;
    let store = stores.establishment(named("un")).await.unwrap();
    assert_eq!(usernames(&store).await, ["un"]);
    assert_eq!(store.label(), file(&folder, "un").display().to_string());
    let mut opened: Vec<String> = stores.opened().into_iter().map(|(name, _)| name).collect();
    opened.sort();
    assert_eq!(opened, ["platform", "un"]);
}

#[tokio::test]
async fn what_is_made_is_its_owners_alone_and_a_folder_that_was_there_keeps_its_rights() {
    let there = tempfile::tempdir().unwrap();
    std::fs::set_permissions(there.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in [there.path().to_owned(), there.path().join("new")] {
        let stores = try_open(&folder, 4).await.unwrap();
        assert_eq!((mode(&folder.join("establishments")), mode(&folder.join("registry.sqlite"))), (0o700, 0o600));
        // The log holds what the file will hold.
        for name in ["registry.sqlite-wal", "registry.sqlite-shm", "establishments/platform.sqlite", "establishments/platform.sqlite-wal"] {
            assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
        }
        stores.close().await;
    }
    assert_eq!((mode(there.path()), mode(&there.path().join("new"))), (0o755, 0o700));
}

#[tokio::test]
async fn a_lost_file_is_told_to_everyone_who_asks_and_the_others_serve() {
    let folder = closed_folder().await;
    let stores = open(&folder, 16).await;
    std::fs::remove_file(file(&folder, "un")).unwrap();
    let name = named("un");
    let asked = (0..16).map(|_| stores.establishment(&name));
    for answer in futures::future::join_all(asked).await {
        let error = answer.unwrap_err();
        assert!(matches!(&error, Error::Missing(place) if *place == file(&folder, "un").display().to_string()), "{error:?}");
        assert!(error.to_string().contains("backup"), "{error}");
    }
    assert!(!file(&folder, "un").exists(), "an empty file would hide the loss");
    assert_eq!(usernames(&stores.establishment(named("deux")).await.unwrap()).await, ["deux"]);
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let folder = closed_folder().await;
    let path = file(&folder, "un");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[USER_VERSION_AT..USER_VERSION_AT + 4].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let stores = open(&folder, 16).await;
    let error = stores.establishment(named("un")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Newer { place, found: 9_999, known } if *place == path.display().to_string() && *known < 9_999),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(usernames(&stores.establishment(named("deux")).await.unwrap()).await, ["deux"]);
}

#[tokio::test]
async fn a_broken_file_is_named_and_the_others_serve() {
    let folder = closed_folder().await;
    for garbage in [b"not a database, but long enough to be taken for one".repeat(100), vec![0_u8; 3]] {
        std::fs::write(file(&folder, "un"), &garbage).unwrap();
        let stores = open(&folder, 16).await;
        let error = stores.establishment(named("un")).await.unwrap_err();
        assert!(error.to_string().contains(&*file(&folder, "un").to_string_lossy()), "the file is named: {error}");
        assert_eq!(std::fs::read(file(&folder, "un")).unwrap(), garbage, "it is kept for whoever may mend it");
        assert_eq!(usernames(&stores.establishment(named("deux")).await.unwrap()).await, ["deux"]);
        stores.close().await;
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("a-file");
    std::fs::write(&taken, "").unwrap();
    let below = taken.join("stores");
    let error = try_open(&below, 16).await.unwrap_err();
    assert!(matches!(&error, Error::Folder { path, .. } if path.starts_with(&below)), "{error:?}");
    let blocked = folder.path().join("blocked");
    std::fs::create_dir_all(blocked.join("registry.sqlite")).unwrap();
    let error = try_open(&blocked, 16).await.unwrap_err();
    assert!(error.to_string().contains("registry.sqlite"), "{error}");
}

#[tokio::test]
async fn a_new_establishment_starts_empty_whatever_a_crash_left_behind() {
    let folder = closed_folder().await;
    let stores = open(&folder, 16).await;
    // Left by a program that was killed: a file, and a log that is not its own.
    std::fs::write(file(&folder, "un").with_extension("sqlite-wal"), "left behind").unwrap();
    assert_eq!(usernames(&stores.provision_new(named("un")).await.unwrap()).await, [""; 0]);
    // Left by this very program, which still has it open.
    let before = stores.provision(named("trois")).await.unwrap();
    add(&before, "avant").await;
    let anew = stores.provision_new(named("trois")).await.unwrap();
    assert_eq!(usernames(&anew).await, [""; 0]);
    let names = std::fs::read_dir(folder.path().join("establishments")).unwrap().map(|f| f.unwrap().file_name());
    let aside = names.filter(|n| n.to_string_lossy().starts_with("trois.set-aside-") && n.to_string_lossy().ends_with(".sqlite"));
    assert_eq!(aside.count(), 1, "nothing is overwritten");
    add(&anew, "après").await;
    stores.close().await;
    let reopened = open(&folder, 16).await;
    assert_eq!(usernames(&reopened.establishment(named("trois")).await.unwrap()).await, ["après"], "it is written in the file that stays");
}

#[tokio::test]
async fn provisioning_what_is_there_keeps_it() {
    let folder = closed_folder().await;
    let stores = open(&folder, 16).await;
    assert_eq!(usernames(&stores.provision(named("un")).await.unwrap()).await, ["un"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn more_establishments_than_may_be_open_serve_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(&folder, 2).await;
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        stores.provision_new(named(name)).await.unwrap();
    }
    let tasks = (0..100).map(|n| {
        let stores = stores.clone();
        tokio::spawn(async move {
            let name = names[n % names.len()];
            let store = stores.establishment(named(name)).await.unwrap();
            add(&store, &format!("{name}{n}")).await;
            assert!(usernames(&store).await.contains(&format!("{name}{n}")));
        })
    });
    for done in futures::future::join_all(tasks).await {
        done.unwrap();
    }
    for name in names {
        let found = usernames(&stores.establishment(named(name)).await.unwrap()).await;
        assert_eq!(found.len(), 20, "{name}: {found:?}");
        assert!(found.iter().all(|username| username.starts_with(name)));
    }
    stores.close().await;
    let reopened = open(&folder, 16).await;
    assert_eq!(usernames(&reopened.establishment(named("a")).await.unwrap()).await.len(), 20);
}

#[tokio::test]
async fn the_establishments_used_last_stay_open_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(&folder, 2).await;
    for (name, expected) in [("a", ["a", "platform"]), ("b", ["a", "b"]), ("c", ["b", "c"]), ("b", ["b", "c"]), ("a", ["a", "b"])] {
        // One that was used much before gives way all the same.
        for _ in 0..10 {
            stores.provision(named(name)).await.unwrap();
        }
        let mut opened: Vec<String> = stores.opened().into_iter().map(|(name, _)| name).collect();
        opened.sort();
        assert_eq!(opened, expected, "after {name}");
    }
}

#[tokio::test]
async fn a_store_put_aside_while_in_use_goes_on_beside_the_one_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(&folder, 1).await;
    let held = stores.provision_new(named("a")).await.unwrap();
    let mut writing = held.begin().await.unwrap();
    user::insert(&mut writing, &person("un")).await.unwrap();
    for name in ["b", "c", "d"] {
        stores.provision_new(named(name)).await.unwrap();
    }
    let anew = tokio::spawn(async move { stores.establishment(named("a")).await.unwrap() }).await.unwrap();
    writing.commit().await.unwrap();
    add(&anew, "deux").await;
    add(&held, "trois").await;
    let mut found = usernames(&anew).await;
    found.sort();
    assert_eq!((found, usernames(&held).await.len()), (vec!["deux".to_owned(), "trois".to_owned(), "un".to_owned()], 3));
}

/// What one transaction of the test below adds to the log at most, in bytes.
const ADDED_MAX: u64 = 1024 * 1024;

/// Writes someone with a long attribute, a hundred kilobytes in one transaction, so many times without a pause: a checkpoint beside takes longer than
/// one of them. Answers how long the log was at most, and by how much it grew in all.
async fn write_closely(store: &Store, log: &Path, name: &str, times: usize) -> (u64, u64) {
    let (mut longest, mut grown, mut before) = (0, 0, 0);
    let attributes = BTreeMap::from([("note".to_owned(), vec!["é".repeat(50_000)])]);
    for n in 0..times {
        let someone = User { attributes: attributes.clone(), ..person(&format!("{name}-{n}")) };
        write_in(store, async |tx| user::insert(tx, &someone).await).await;
        let length = std::fs::metadata(log).unwrap().len();
        grown += length.saturating_sub(before);
        (longest, before) = (longest.max(length), length);
    }
    (longest, grown)
}

#[tokio::test]
async fn the_log_stays_bounded_while_writers_follow_each_other_closely() {
    let folder = tempfile::tempdir().unwrap();
    let stores = open(&folder, 16).await;
    let store = stores.provision_new(named("un")).await.unwrap();
    let log = folder.path().join("establishments/un.sqlite-wal");
    let (longest, grown) = write_closely(&store, &log, "first", 700).await;
    assert!(longest <= LOG_MAX_BYTES + ADDED_MAX, "{longest} bytes of log");
    assert!(2 * grown > 3 * LOG_MAX_BYTES, "{grown} bytes are too few to tell");

    // Whoever reads on in what the log held keeps it, and keeps nobody from writing; once they are done, it is cut.
    let mut reader = store.snapshot().await.unwrap();
    let (longest, _) = write_closely(&store, &log, "second", 450).await;
    assert!(longest > LOG_MAX_BYTES, "{longest} bytes of log");
    assert_eq!(user::usernames(&mut reader).await.unwrap().len(), 700);
    // Only dropped, it would end at some moment later.
    reader.commit().await.unwrap();
    for name in ["un", "deux", "trois"] {
        add(&store, name).await;
    }
    assert!(std::fs::metadata(&log).unwrap().len() <= LOG_MAX_BYTES, "the log is cut once nobody reads in it");
}

#[tokio::test]
async fn two_programs_on_one_folder_wait_for_each_other() {
    let folder = closed_folder().await;
    let (server, command) = (open(&folder, 16).await, open(&folder, 16).await);
    let (first, second) = (server.establishment(named("un")).await.unwrap(), command.establishment(named("un")).await.unwrap());
    let mut first_tx = first.begin().await.unwrap();
    user::insert(&mut first_tx, &person("par le serveur")).await.unwrap();
    let waiting = tokio::spawn(async move {
        let mut tx = second.begin().await.unwrap();
        assert!(user::find_by_username(&mut tx, "par le serveur").await.unwrap().is_some(), "the second sees the first's commit");
        user::insert(&mut tx, &person("par la commande")).await.unwrap();
        tx.commit().await.unwrap();
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "two writing transactions at once");
    first_tx.commit().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(usernames(&first).await, ["un", "par le serveur", "par la commande"]);
    let caen = Zone { name: "caen".to_owned(), title: "Caen".to_owned() };
    write_in(command.registry(), async |tx| zone::upsert(tx, &caen).await).await;
    assert_eq!(zone::list(&mut server.registry().read().await.unwrap()).await.unwrap(), [caen]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn programs_that_start_together_on_a_new_folder_all_start() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let starting = (0..4).map(|_| {
            let path = folder.path().to_owned();
            tokio::spawn(async move { try_open(&path, 16).await })
        });
        for started in futures::future::join_all(starting).await {
            let stores = started.unwrap().unwrap();
            assert_eq!(zone::list(&mut stores.registry().read().await.unwrap()).await.unwrap(), []);
        }
    }
}
