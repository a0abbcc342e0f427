//! A PostgreSQL server: one schema and one SQL role an establishment, one shared pool. A transaction begins by taking the role and the
//! path of its schema, so that what another establishment has cannot be named in it.

mod login;
mod outage;
mod place;
mod transaction;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Pool, Postgres};
use tokio::sync::{Mutex, OnceCell};

use super::Error;
use super::dialect::{self, SchemaName};

pub use login::{Database, look};
use outage::Outage;
pub use transaction::PgTransaction;

/// How long a caller waits for a connection, or for its turn to write in one store.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server lets one statement run.
const SERVER_STATEMENT_TIMEOUT_MS: &str = "60000";
/// How long the server lets a writer wait for the one before.
const SERVER_LOCK_TIMEOUT_MS: &str = "10000";
/// How long the server keeps a transaction whose node says nothing: then others may write again.
const SERVER_IDLE_TIMEOUT_MS: &str = "60000";
/// How long an answer is waited for here, when the server or the way to it is gone without a word.
pub const STATEMENT_DEADLINE: Duration = Duration::from_secs(75);
/// A connection is made anew after so long: its backend keeps what it learnt of every schema.
const CONNECTION_LIFETIME: Duration = Duration::from_hours(1);
/// An idle connection is closed after this.
const CONNECTION_IDLE: Duration = Duration::from_mins(10);
/// Connections to the registry, beside those to the stores: whoever holds one of the former may wait for one of the latter.
const REGISTRY_CONNECTIONS_MAX: u32 = 4;
/// One of so many connections is kept ready.
const WARM_OF: u32 = 4;
/// The channel on which nodes tell each other what changed.
const CHANNEL: &str = "passerelle";

/// A server that stores lie on.
#[derive(Clone)]
pub struct Server {
    registry: Pool<Postgres>,
    pool: Pool<Postgres>,
    outage: Outage,
    label: String,
    proven: Arc<OnceCell<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.label).finish()
    }
}

impl Server {
    /// Connects, and checks that the login is one that keeps establishments apart.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` with what to change.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Self, Error> {
        let server = Self::named(url, connections_max)?;
        server.prove().await?;
        Ok(server)
    }

    /// A server that is connected to when it is first wanted: one that is away keeps the stores elsewhere from nobody.
    ///
    /// # Errors
    /// `Refused` when the address is none.
    pub fn named(url: &str, connections_max: u32) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url).map_err(|source| Error::Refused {
            place: "PostgreSQL".to_owned(),
            reason: format!("store.url is no address of a database: {source}"),
        })?;
        let label = login::label(&options);
        let options = options.application_name("passerelle").statement_cache_capacity(256).options([
            ("statement_timeout", SERVER_STATEMENT_TIMEOUT_MS),
            ("lock_timeout", SERVER_LOCK_TIMEOUT_MS),
            ("idle_in_transaction_session_timeout", SERVER_IDLE_TIMEOUT_MS),
            ("client_min_messages", "warning"),
            ("jit", "off"),
        ]);
        let options = options.disable_statement_logging();
        let pool = PgPoolOptions::new()
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(CONNECTION_LIFETIME)
            .idle_timeout(CONNECTION_IDLE);
        let registry = pool.clone().max_connections(REGISTRY_CONNECTIONS_MAX.min(connections_max)).connect_lazy_with(options.clone());
        let pool = pool.max_connections(connections_max).connect_lazy_with(options);
        Ok(Self { outage: Outage::new(&registry, &label), registry, pool, label, proven: Arc::default() })
    }

    /// Checks once that the login is one that keeps establishments apart.
    ///
    /// # Errors
    /// `Unreachable`, `Refused` with what to change; then the next caller checks again.
    pub async fn prove(&self) -> Result<(), Error> {
        let proof = async {
            let mut connection = self.registry.acquire().await.map_err(|error| login::refused(error, &self.label))?;
            login::check(&mut connection, &self.label).await
        };
        self.proven.get_or_try_init(|| self.outage.guard(Box::pin(proof))).await.copied()
    }

    /// Where it is, without secrets: for messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Tells of changes that other nodes made, on a connection of its own: it is held for as long as the node runs.
    pub async fn listen(&self) -> Result<PgListener, Error> {
        let own = PgPoolOptions::new().max_connections(1).test_before_acquire(false).acquire_timeout(ACQUIRE_TIMEOUT);
        let own = own.max_lifetime(None).idle_timeout(None).connect_lazy_with((*self.registry.connect_options()).clone());
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// A plain connection under the gateway's own login.
    pub async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        Ok(self.pool.acquire().await?)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.registry.close().await;
        self.pool.close().await;
    }
}

/// One store on a server: the schema `name` under the SQL role that owns it, or the registry's under the login itself.
pub struct Schema {
    pool: Pool<Postgres>,
    server: Server,
    name: SchemaName,
    read: String,
    write: String,
    snapshot: String,
    // Writers of one store on one node wait here, so that they do not each hold a connection while they wait.
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.server.label).field(&self.name).finish()
    }
}

impl Schema {
    /// A schema of a server, which may not be there yet.
    pub fn new(server: &Server, name: SchemaName) -> Self {
        let pool = if name.is_registry() { &server.registry } else { &server.pool };
        Self {
            pool: pool.clone(),
            read: dialect::begin(&name, "READ ONLY", false),
            // Not `READ WRITE`: a standby, or a login that may only read, then says so in the words of a write.
            write: dialect::begin(&name, "", true),
            snapshot: dialect::begin(&name, "ISOLATION LEVEL REPEATABLE READ READ ONLY", false),
            server: server.clone(),
            name,
            turn: Arc::default(),
        }
    }

    /// A reading transaction: each statement sees the last commit.
    pub async fn read(&self) -> Result<PgTransaction, Error> {
        self.server.outage.guard(Box::pin(self.begin(&self.read))).await
    }

    /// A reading transaction in which every statement sees the same moment.
    pub async fn snapshot(&self) -> Result<PgTransaction, Error> {
        self.server.outage.guard(Box::pin(self.begin(&self.snapshot))).await
    }

    /// The writing transaction; waits for the one before, on whichever node.
    pub async fn write(&self) -> Result<PgTransaction, Error> {
        let begun = async {
            let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, self.turn.clone().lock_owned()).await.map_err(|_| Error::Busy)?;
            Ok(self.begin(&self.write).await?.with_turn(turn))
        };
        self.server.outage.guard(Box::pin(begun)).await
    }

    /// Takes the role on some connections at once, which are opened when there are fewer. The first time that a connection takes any role it reads
    /// all that the login is a member of, which are as many as there are establishments; here no request waits for that.
    pub async fn warm(&self) {
        let connections = self.pool.options().get_max_connections().div_ceil(WARM_OF);
        let begun = futures::future::join_all((0..connections).map(|_| self.read())).await;
        let warm = begun.iter().filter(|begun| begun.is_ok()).count();
        tracing::debug!(warm, connections, "connections to the stores stand ready");
    }

    /// The server it lies on.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Its name, and its role's.
    pub fn name(&self) -> &SchemaName {
        &self.name
    }

    /// Connections of the pool may have died since they were last used; that shows at their first statement, and others are taken then.
    async fn begin(&self, text: &str) -> Result<PgTransaction, Error> {
        // All that are there may be dead, after a restart of the server for instance.
        let mut tries_left = self.pool.size().saturating_add(2);
        loop {
            tries_left -= 1;
            match PgTransaction::begin(&self.pool, text).await {
                Ok(begun) => return Ok(begun),
                Err(error) if tries_left > 0 && is_lost(&error) => self.server.outage.look(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a connection is gone, and another may serve: it broke, or the server ended it (class 57P, operator intervention).
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(source) => source.kind() != std::io::ErrorKind::TimedOut && source.kind() != std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}
