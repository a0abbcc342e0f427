//! The walls between establishments on PostgreSQL, looked at from both sides: what an SQL role may name, and what transactions leave
//! behind on connections that establishments share.
//!
//! Roles stop mistakes, and not SQL of an attacker's own: `SET ROLE NONE` or `set_config('role', …)` leads out of a role, as the login may
//! take every role. Nobody's text becomes SQL here (`dialect.rs` alone assembles any, from our own names); whoever wants a wall that holds
//! against that too gives an establishment a placement of its own, with another database and login.

use passerelle::store::establishment::user;
use passerelle::store::tx::Connection;
use passerelle::store::{Address, Bounds, Error, Store, Stores, Tx};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor, Row};

use super::engine::{at, on_every_engine, write_in};
use super::samples::person;
use super::transactions::{given_up_after, usernames};
use crate::harness::store::{Engine, TestStore};

/// Futures given up half-way, on each size of pool.
const GIVEN_UP: usize = 3_000;
/// Places at which they are given up; the works below wait about so often.
const PLACES: usize = 8;
/// Transactions of two stores in turn.
const IN_TURN: usize = 4_000;

/// What other connections to the database hold.
const LEFT: &str = "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
     AND (state <> 'idle' OR xact_start IS NOT NULL)) + \
     (SELECT count(*) FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid \
     WHERE s.datname = current_database() AND s.pid <> pg_backend_pid())";

/// Two establishments in one database, and whoever looks behind the scenes.
struct Walls {
    stores: Stores,
    a: Store,
    b: Store,
    /// Where each lies: SQL roles are the server's, so the keys are new ones.
    schemas: [String; 2],
    place: TestStore,
}

/// Longest that a backend whose client is gone may take to end, on a machine whose cores are all busy.
const END_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

impl Walls {
    /// With so many connections for both.
    async fn with(connections_max: u32) -> Self {
        let place = TestStore::on(Engine::Postgres);
        let stores = Stores::open(&place.url(), &[], Bounds { open_max: 16, connections_max }).await.unwrap();
        let places = [at("a"), at("b")];
        let [a, b] = [stores.provision_new(&places[0]).await.unwrap(), stores.provision_new(&places[1]).await.unwrap()];
        for (store, name) in [(&a, "anne"), (&b, "bruno")] {
            write_in(store, async |tx| user::insert(tx, &person(name)).await).await;
        }
        Self { stores, a, b, schemas: places.map(|at| schema(&at)), place }
    }

    async fn admin(&self) -> PgConnection {
        self.place.database.as_ref().unwrap().admin().await
    }

    /// Fails unless nothing of what was begun is left, on any connection.
    async fn leave_nothing(&self, connections: usize) {
        // Each connection of the pool is taken at once, and gives back what it had first.
        let mut taken = Vec::new();
        for _ in 0..connections {
            taken.push(self.a.read().await.unwrap());
        }
        for tx in &mut taken {
            // What stands at the session, once the transaction that hides it is over.
            let at_session = "SELECT current_setting('role'), session_user = current_user, current_setting('search_path')";
            let connection = of(tx);
            connection.execute("ROLLBACK").await.unwrap();
            let row = connection.fetch_one(at_session).await.unwrap();
            assert_eq!((row.get::<&str, _>(0), row.get::<bool, _>(1)), ("none", true), "a role stays behind");
            assert!(!row.get::<&str, _>(2).contains("est_"), "a path stays behind");
        }
        drop(taken);
        // A writer of each goes through, so no lock is left; when its end is answered, the server has let go of everything.
        for store in [&self.a, &self.b] {
            let mut held = Vec::new();
            held.push(store.begin().await.unwrap());
            for _ in 1..connections {
                held.push(store.read().await.unwrap());
            }
            for tx in held {
                tx.commit().await.unwrap();
            }
        }
        // A connection that was given up is closed here first, and its backend ends a moment later.
        let mut admin = self.admin().await;
        let gone = async { while sqlx::query_scalar::<_, i64>(LEFT).fetch_one(&mut admin).await.unwrap() > 0 {} };
        tokio::time::timeout(END_DEADLINE, gone).await.expect("transactions or locks stay behind");
    }
}

/// The PostgreSQL connection of a transaction.
fn of(tx: &mut Tx) -> &mut PgConnection {
    match tx.connection() {
        Connection::Postgres(connection, _) => connection,
        Connection::Sqlite(..) => panic!("a transaction of PostgreSQL was wanted"),
    }
}

/// Where an establishment lies.
fn schema(at: &Address) -> String {
    format!("est_{}", at.id.uuid().simple())
}

/// Fails unless the server refuses a statement because of rights.
async fn forbids(connection: &mut PgConnection, sql: &str) {
    let refused = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap_err();
    let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    assert_eq!(code, "42501", "{sql}: {refused}");
}

#[tokio::test]
async fn the_role_of_an_establishment_reads_and_writes_nothing_but_its_own() {
    let walls = Walls::with(2).await;
    let [own, other] = &walls.schemas;
    let attempts = [
        format!("SELECT username FROM {other}.users"),
        format!("DELETE FROM {other}.users"),
        format!("CREATE TABLE {other}.mine (id BIGINT)"),
        format!("LOCK TABLE {other}.write_turn IN ACCESS SHARE MODE"),
        format!("GRANT USAGE ON SCHEMA {other} TO {own}"),
        "SELECT slug FROM passerelle.establishments".to_owned(),
        "UPDATE passerelle.installation SET key_check = NULL".to_owned(),
        "CREATE TABLE passerelle.mine (id BIGINT)".to_owned(),
        "CREATE SCHEMA mine".to_owned(),
        "CREATE ROLE mine".to_owned(),
        "CREATE TEMPORARY TABLE users (username TEXT)".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
    ];
    for sql in attempts {
        forbids(of(&mut walls.a.begin().await.unwrap()), &sql).await;
    }
    let visible = "SELECT count(*) FROM information_schema.tables WHERE table_schema LIKE 'est\\_%' AND table_schema <> $1 OR table_schema = 'passerelle'";
    let mut tx = walls.a.read().await.unwrap();
    let seen: i64 = sqlx::query_scalar(visible).bind(own).fetch_one(of(&mut tx)).await.unwrap();
    assert_eq!(seen, 0);
    drop(tx);
    assert_eq!((usernames(&walls.a).await, usernames(&walls.b).await), (vec!["anne".to_owned()], vec!["bruno".to_owned()]));
}

#[tokio::test]
async fn the_gateways_own_login_reads_no_establishment_before_it_takes_its_role() {
    let walls = Walls::with(2).await;
    let database = walls.place.database.as_ref().unwrap();
    let mut login = PgConnection::connect(database.url()).await.unwrap();
    for schema in &walls.schemas {
        let sql = format!("SELECT username FROM {schema}.users");
        forbids(&mut login, &sql).await;
        login.execute(AssertSqlSafe(format!("SET ROLE {schema}"))).await.unwrap();
        login.execute(AssertSqlSafe(sql)).await.unwrap();
        login.execute("RESET ROLE").await.unwrap();
    }
    // Neither does the transaction of the registry, which takes no role.
    forbids(of(&mut walls.stores.registry().begin().await.unwrap()), &format!("SELECT username FROM {}.users", walls.schemas[0])).await;
}

#[tokio::test]
async fn a_temporary_table_shadows_nothing_even_where_one_may_be_made() {
    let walls = Walls::with(1).await;
    let database = walls.place.database.as_ref().unwrap();
    let allow = format!("GRANT TEMPORARY ON DATABASE {} TO PUBLIC", database.name());
    walls.admin().await.execute(AssertSqlSafe(allow)).await.unwrap();
    let mut tx = walls.a.begin().await.unwrap();
    of(&mut tx).execute("CREATE TEMPORARY TABLE users (id UUID, username TEXT)").await.unwrap();
    of(&mut tx).execute("INSERT INTO pg_temp.users VALUES (gen_random_uuid(), 'mallory')").await.unwrap();
    assert_eq!(user::usernames(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect::<Vec<_>>(), ["anne"]);
    tx.commit().await.unwrap();
    assert_eq!(usernames(&walls.b).await, ["bruno"]);
}

#[tokio::test]
async fn the_same_texts_on_one_connection_never_read_the_wrong_establishment() {
    let walls = Walls::with(1).await;
    let mut wrong = 0;
    for n in 0..IN_TURN {
        let (store, expected) = if n.is_multiple_of(2) { (&walls.a, "anne") } else { (&walls.b, "bruno") };
        let mut tx = if n.is_multiple_of(5) { store.begin().await.unwrap() } else { store.read().await.unwrap() };
        wrong += usize::from(user::find_by_username(&mut tx, expected).await.unwrap().is_none());
        wrong += usize::from(user::usernames(&mut tx).await.unwrap().len() != 1);
        tx.commit().await.unwrap();
    }
    assert_eq!(wrong, 0);
    walls.leave_nothing(1).await;
}

/// One of several works, each with as many places to be given up at as it waits.
async fn work(walls: &Walls, n: usize) -> Result<(), Error> {
    let store = if n.is_multiple_of(2) { &walls.a } else { &walls.b };
    match n % 5 {
        0 => user::usernames(&mut store.read().await?).await.map(drop),
        1 => {
            let mut tx = store.begin().await?;
            user::insert(&mut tx, &person(&format!("n{n}"))).await?;
            tx.commit().await
        }
        2 => {
            // Refused by the engine, which ends the transaction; then committed all the same.
            let mut tx = store.begin().await?;
            let refused = user::insert(&mut tx, &person(if n.is_multiple_of(2) { "ANNE" } else { "BRUNO" })).await;
            assert!(matches!(refused, Err(Error::Taken(_))), "{refused:?}");
            let ended = tx.commit().await;
            assert!(matches!(ended, Err(Error::Broken)), "{ended:?}");
            Ok(())
        }
        3 => {
            let mut tx = store.snapshot().await?;
            user::usernames(&mut tx).await?;
            user::usernames(&mut tx).await.map(drop)
        }
        _ => {
            let mut tx = store.begin().await?;
            user::insert(&mut tx, &person(&format!("n{n}"))).await?;
            drop(tx);
            Ok(())
        }
    }
}

async fn given_up_everywhere_leaves_nothing(connections: u32) {
    let walls = Walls::with(connections).await;
    let (mut ended, mut given_up) = (0, 0);
    for n in 0..GIVEN_UP {
        if given_up_after((n / 10) % PLACES, async { work(&walls, n).await.unwrap() }).await {
            ended += 1;
        } else {
            given_up += 1;
        }
    }
    assert!(ended > GIVEN_UP / 10 && given_up > GIVEN_UP / 10, "both ends were met: {ended} ended, {given_up} given up");
    walls.leave_nothing(usize::try_from(connections).unwrap()).await;
    let names = [usernames(&walls.a).await, usernames(&walls.b).await];
    for (parity, names) in names.iter().enumerate() {
        let own = |name: &String| name.strip_prefix('n').is_none_or(|n| n.parse::<usize>().is_ok_and(|n| n % 2 == parity && n % 5 == 1));
        assert!(names.iter().all(own), "what was not committed is there, or in the other establishment: {names:?}");
    }
}

#[tokio::test]
async fn futures_given_up_anywhere_leave_no_role_no_transaction_and_no_lock_on_one_connection() {
    given_up_everywhere_leaves_nothing(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn futures_given_up_anywhere_leave_no_role_no_transaction_and_no_lock_on_two_connections() {
    given_up_everywhere_leaves_nothing(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_broken_off_while_they_take_turns_leave_nothing() {
    let walls = std::sync::Arc::new(Walls::with(2).await);
    for round in 0..200 {
        let tasks: Vec<_> = (0..4)
            .map(|part| {
                let walls = walls.clone();
                tokio::spawn(async move { work(&walls, round * 4 + part).await })
            })
            .collect();
        for (part, task) in tasks.into_iter().enumerate() {
            if part == 0 {
                tokio::task::yield_now().await;
            } else {
                task.abort();
            }
            // Aborted, or ended before.
            drop(task.await);
        }
    }
    walls.leave_nothing(2).await;
}

#[tokio::test]
async fn a_commit_after_a_statement_that_failed_is_refused() {
    on_every_engine(async |bed| {
        let mut tx = bed.store.begin().await.unwrap();
        user::insert(&mut tx, &person("Élodie")).await.unwrap();
        assert!(matches!(user::insert(&mut tx, &person("élodie")).await, Err(Error::Taken(_))));
        assert!(matches!(tx.commit().await, Err(Error::Broken)));
        assert_eq!(usernames(&bed.store).await, [""; 0]);
        // What is not there is an answer, and no failure.
        let mut tx = bed.store.begin().await.unwrap();
        assert!(user::find_by_username(&mut tx, "personne").await.unwrap().is_none());
        user::insert(&mut tx, &person("Élodie")).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(usernames(&bed.store).await, ["élodie"]);
    })
    .await;
}

#[tokio::test]
async fn a_text_with_a_nul_character_is_refused_with_words_and_never_as_a_failure_of_the_engine() {
    let walls = Walls::with(1).await;
    let mut tx = walls.a.begin().await.unwrap();
    let odd = user::User { given_name: Some("a\0b".to_owned()), ..person("odd") };
    let refused = user::insert(&mut tx, &odd).await.unwrap_err();
    assert!(matches!(refused, Error::Text), "{refused:?}");
    drop(tx);
    let mut odd = person("odd");
    odd.attributes.insert("a".to_owned(), vec!["b\0".to_owned()]);
    let refused = user::insert(&mut walls.a.begin().await.unwrap(), &odd).await.unwrap_err();
    assert!(matches!(refused, Error::Text), "{refused:?}");
    walls.leave_nothing(1).await;
}
