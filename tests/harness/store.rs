//! What the gateways of tests remember things in: SQLite files, or PostgreSQL when the variable `PASSERELLE_TEST_STORE` says so.
//!
//! `scripts/test` runs what opens gateways on both. The contract of the store (`tests/store`) is tried on both whatever the variable says.

use passerelle::config::Config;
use passerelle::store::StoreUrl;
use tempfile::TempDir;

use super::postgres::{self, Database};

/// Names the engine of a run: `sqlite`, as when it is not set, or `postgres`.
const VARIABLE: &str = "PASSERELLE_TEST_STORE";

/// What a store may lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// The engine of this run.
    #[expect(clippy::disallowed_methods, reason = "a test binary takes no argument but tests' names, and this is about all of them")]
    fn chosen() -> Self {
        let wish = std::env::var_os(VARIABLE);
        Self::named(wish.as_deref().map_or("", |name| name.to_str().unwrap_or("not UTF-8")))
    }

    fn named(name: &str) -> Self {
        match name {
            "" | "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            other => panic!("{VARIABLE} is sqlite or postgres, and not {other}"),
        }
    }
}

/// A fresh place for one installation, and a configuration that names it; dropping it removes everything. It outlives the gateways over it.
#[derive(Debug)]
pub struct TestStore {
    pub config: Config,
    /// Where it lies, on PostgreSQL.
    pub database: Option<Database>,
    // Goes with it.
    _folder: TempDir,
}

impl TestStore {
    /// On the engine of this run.
    pub fn new() -> Self {
        Self::on(Engine::chosen())
    }

    /// On this engine.
    pub fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = (engine == Engine::Postgres).then(postgres::database);
        let config = match &database {
            None => Config::load(None, std::iter::empty(), Some(folder.path())),
            Some(database) => {
                let beside = folder.path().to_str().unwrap().to_owned();
                let set = [("PASSERELLE__STORE__URL", database.url().to_owned()), ("PASSERELLE__STORE__FOLDER", beside)];
                Config::load(None, set.into_iter().map(|(name, value)| (name.to_owned(), value)), None)
            }
        };
        Self { config: config.unwrap(), database, _folder: folder }
    }

    /// Where the stores lie, for those who open them without a gateway.
    pub fn url(&self) -> StoreUrl {
        passerelle::app::store_url(&self.config.store.url).unwrap()
    }
}

#[test]
fn engine_of_a_run_is_one_that_is_known() {
    assert_eq!([Engine::named(""), Engine::named("sqlite"), Engine::named("postgres")], [Engine::Sqlite, Engine::Sqlite, Engine::Postgres]);
    let refused = std::panic::catch_unwind(|| Engine::named("postgresql")).unwrap_err();
    assert!(refused.downcast::<String>().unwrap().contains("sqlite or postgres"));
}
