//! Databases that do not serve, and stores of which one is lost, newer or half migrated: each says what it is and what to do, without a
//! secret, and the other stores serve.

use passerelle::store::establishment::user;
use passerelle::store::{Address, Error, Store, StoreUrl, Stores};
use passerelle::types::secret::Secret;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Executor, raw_sql};

use super::engine::{BOUNDS, at, on_every_engine};
use super::samples::person;
use super::transactions::usernames;
use crate::harness::postgres::{self, Database, Server};
use crate::harness::store::{Engine, TestStore};

/// The password of servers that ask for one.
const PASSWORD: &str = "correct-horse";

async fn opened(url: &str) -> Result<Stores, Error> {
    Stores::open(&StoreUrl::Postgres(Secret::parse("store.url", url.to_owned()).unwrap()), &[], BOUNDS).await
}

/// Fails unless opening is refused with all of these words, and without a secret.
async fn is_refused(url: &str, words: &[&str]) -> Error {
    let refused = opened(url).await.expect_err("opened, though it had to be refused");
    let text = refused.to_string();
    for word in words {
        assert!(text.contains(word), "«{word}» is not in: {text}");
    }
    assert!(!text.contains(PASSWORD) && !format!("{refused:?}").contains(PASSWORD), "a secret is told: {refused:?}");
    refused
}

async fn as_admin(database: &Database, statements: &[String]) {
    let mut admin = database.admin().await;
    for statement in statements {
        admin.execute(raw_sql(AssertSqlSafe(statement.clone()))).await.unwrap();
    }
}

#[tokio::test]
async fn a_login_that_keeps_nothing_apart_is_refused_with_what_to_change() {
    let database = postgres::database();
    let login = database.login();
    let cases: [(&str, &str, &[&str]); 3] = [
        ("SUPERUSER", "NOSUPERUSER", &["superuser", "docs/operators.md"]),
        ("INHERIT", "NOINHERIT", &["inherits", "ALTER ROLE", "NOINHERIT"]),
        ("NOCREATEROLE", "CREATEROLE", &["SQL roles", "ALTER ROLE", "CREATEROLE"]),
    ];
    for (wrong, right, words) in cases {
        as_admin(&database, &[format!("ALTER ROLE {login} {wrong}")]).await;
        let refused = is_refused(database.url(), &[words, &[login]].concat()).await;
        assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
        as_admin(&database, &[format!("ALTER ROLE {login} {right}")]).await;
    }
    let name = database.name();
    as_admin(&database, &[format!("ALTER DATABASE {name} OWNER TO postgres")]).await;
    is_refused(database.url(), &["may not make schemas", "GRANT CREATE ON DATABASE", name, login]).await;
    let made: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'passerelle'")
        .fetch_one(&mut database.admin().await)
        .await
        .unwrap();
    assert_eq!(made, 0, "nothing is made by a login that is refused");
    as_admin(&database, &[format!("GRANT CREATE ON DATABASE {name} TO {login}")]).await;
    opened(database.url()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let database = postgres::database();
    let odd = format!("{}_latin", database.name());
    let make = format!("CREATE DATABASE {odd} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    as_admin(&database, &[make]).await;
    let url = database.url().replacen(&format!("/{}?", database.name()), &format!("/{odd}?"), 1);
    is_refused(&url, &["LATIN1", "ENCODING 'UTF8'", &odd]).await;
    as_admin(&database, &[format!("DROP DATABASE {odd} WITH (FORCE)")]).await;
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_connection_is_told() {
    let server = Server::start_own();
    let database = server.database();
    let refused = is_refused(&database.url().replace(PASSWORD, "wrong"), &["store.url", "password", "pg_hba.conf"]).await;
    assert!(matches!(refused, Error::Refused { .. }) && !refused.to_string().contains("wrong"), "{refused:?}");
    is_refused(&database.url().replace(database.name(), "nowhere"), &["no such database", "nowhere", "docs/operators.md"]).await;
    is_refused(&database.url().replace(database.login(), "nobody"), &["refuses the login", "nobody"]).await;
    is_refused("postgres://gw@127.0.0.1:notaport/gw", &["store.url"]).await;
    server.stop();
    let refused = is_refused(database.url(), &["127.0.0.1", "does not answer"]).await;
    assert!(matches!(refused, Error::Unreachable { .. }) && refused.is_passing(), "{refused:?}");
    server.start_again();
    opened(database.url()).await.unwrap().close().await;
}

/// Two establishments that were written by this program, and are closed.
struct Closed {
    place: TestStore,
    a: Address,
    b: Address,
}

impl Closed {
    async fn on(engine: Engine) -> Self {
        let closed = Self { place: TestStore::on(engine), a: at("a"), b: at("b") };
        let stores = closed.open().await;
        for there in [&closed.a, &closed.b] {
            let store = stores.provision_new(there).await.unwrap();
            super::engine::write_in(&store, async |tx| user::insert(tx, &person(&there.slug)).await).await;
        }
        stores.close().await;
        closed
    }

    async fn open(&self) -> Stores {
        Stores::open(&self.place.url(), &[], BOUNDS).await.unwrap()
    }

    /// Carries statements out in the store `a`, behind the gateway's back.
    async fn behind_its_back(&self, statements: &[&str]) {
        if let Some(database) = &self.place.database {
            let enter = format!("SET search_path = {}", schema(&self.a));
            let statements = std::iter::once(enter).chain(statements.iter().map(|sql| (*sql).to_owned()));
            as_admin(database, &statements.collect::<Vec<_>>()).await;
            return;
        }
        let url = self.place.url();
        let file = url.folder().unwrap().join("establishments").join("a.sqlite");
        let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
        for sql in statements {
            connection.execute(raw_sql(AssertSqlSafe((*sql).to_owned()))).await.unwrap();
        }
        connection.close().await.unwrap();
    }

    /// The error of opening `a`, while `b` serves.
    async fn refusal_while_the_other_serves(&self) -> Error {
        let stores = self.open().await;
        let refused = stores.establishment(&self.a).await.unwrap_err();
        assert_eq!(usernames(&stores.establishment(&self.b).await.unwrap()).await, ["b"]);
        stores.close().await;
        refused
    }

    async fn has_table(&self, name: &str) -> bool {
        if let Some(database) = &self.place.database {
            let sql = "SELECT count(*) > 0 FROM pg_tables WHERE schemaname = $1 AND tablename = $2";
            sqlx::query_scalar(sql).bind(schema(&self.a)).bind(name).fetch_one(&mut database.admin().await).await.unwrap()
        } else {
            let url = self.place.url();
            let file = url.folder().unwrap().join("establishments").join("a.sqlite");
            let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
            let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = $1";
            sqlx::query_scalar(sql).bind(name).fetch_one(&mut connection).await.unwrap()
        }
    }
}

fn schema(at: &Address) -> String {
    format!("est_{}", at.id.uuid().simple())
}

async fn drop_schema(admin: &mut PgConnection, at: &Address, role_too: bool) {
    let name = schema(at);
    admin.execute(AssertSqlSafe(format!("DROP SCHEMA {name} CASCADE"))).await.unwrap();
    if role_too {
        admin.execute(AssertSqlSafe(format!("DROP ROLE {name}"))).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_or_a_role_that_is_gone_is_told_and_not_made_anew() {
    for role_too in [false, true] {
        let closed = Closed::on(Engine::Postgres).await;
        let database = closed.place.database.as_ref().unwrap();
        let stores = closed.open().await;
        let open: Store = stores.establishment(&closed.a).await.unwrap();
        drop_schema(&mut database.admin().await, &closed.a, role_too).await;
        // Whoever has it open learns that it is gone, and nothing else is.
        let written = open.begin().await.map(drop);
        assert!(matches!(&written, Err(gone @ Error::Gone) if gone.is_passing()), "{written:?}");
        let read = async { user::usernames(&mut open.read().await?).await }.await;
        assert!(matches!(read, Err(Error::Gone)), "{read:?}");
        stores.close().await;
        let refused = closed.refusal_while_the_other_serves().await;
        assert!(matches!(&refused, Error::Missing(place) if place.contains(&schema(&closed.a))), "{refused:?}");
        assert!(refused.to_string().contains("backup"), "{refused}");
        assert!(!closed.has_table("users").await, "an empty store would hide the loss");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_left_alone_on_every_engine() {
    for engine in Engine::ALL {
        let closed = Closed::on(engine).await;
        let newer = match engine {
            Engine::Sqlite => "PRAGMA user_version = 9999",
            Engine::Postgres => {
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', true, '\\x00', 0)"
            }
        };
        closed.behind_its_back(&[newer]).await;
        let refused = closed.refusal_while_the_other_serves().await;
        assert!(matches!(&refused, Error::Newer { found: 9_999, known, .. } if *known < 9_999), "{refused:?}");
        assert!(refused.to_string().contains("upgrade the program"), "{refused}");
    }
}

#[tokio::test]
async fn a_migration_that_fails_in_the_middle_leaves_the_store_as_it_was() {
    for engine in Engine::ALL {
        let closed = Closed::on(engine).await;
        // As after the first migration, but for a column that the second one finds in its way once it has made a table.
        let back = ["DROP TABLE outbox", "DELETE FROM _sqlx_migrations WHERE version > 1"];
        closed.behind_its_back(&back).await;
        if engine == Engine::Sqlite {
            closed.behind_its_back(&["PRAGMA user_version = 1"]).await;
        }
        for _ in 0..2 {
            let refused = closed.refusal_while_the_other_serves().await;
            assert!(refused.to_string().contains("left as it was"), "{refused}");
            assert!(!closed.has_table("outbox").await, "half of the migrations is there");
            assert!(closed.has_table("users").await);
        }
    }
}

#[tokio::test]
async fn a_store_that_is_provisioned_by_many_at_once_is_made_once() {
    on_every_engine(async |bed| {
        let same = at("same");
        let makers = (0..64_u32).map(|n| {
            let (stores, at) = (bed.stores.clone(), if n.is_multiple_of(2) { same.clone() } else { at(&format!("other-{n}")) });
            async move { stores.provision(at).await.unwrap() }
        });
        for store in futures::future::join_all(makers).await {
            assert_eq!(usernames(&store).await, [""; 0]);
        }
    })
    .await;
}
