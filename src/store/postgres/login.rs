//! The gateway's own login: what it must be, and what to do when it is not.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, FromRow, PgConnection};

use crate::store::Error;
use crate::store::look::{STORES_MAX, Sight};
use crate::types::time::Timestamp;

/// The oldest version of the server that serves: 13, the oldest that is still kept up.
const SERVER_VERSION_MIN: i64 = 130_000;

/// What the server says of itself, the database and the login.
#[derive(Clone, Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is one right, as the server tells it")]
pub struct Database {
    /// The login.
    pub login: String,
    /// The database's name.
    pub name: String,
    inherits: bool,
    is_superuser: bool,
    creates_roles: bool,
    creates_schemas: bool,
    /// Whether everybody may make temporary tables there.
    pub gives_temporary: bool,
    /// Whether it is a standby, which can only be read.
    pub is_standby: bool,
    /// The server's version, as 150004 for 15.4.
    pub version: i64,
    /// The encoding of the database.
    pub encoding: String,
    /// Connections that the server lets in, without those it keeps for superusers.
    pub connections_max: i64,
    /// The server's clock.
    pub clock: Timestamp,
}

impl Database {
    /// What keeps the gateway from using it, each with what to do.
    pub fn faults(&self) -> Vec<String> {
        let Self { login, name, .. } = self;
        let faults = [
            (self.version < SERVER_VERSION_MIN, format!("it is version {}, and the gateway wants 13 or newer", self.version / 10_000)),
            (self.encoding != "UTF8", format!("the database «{name}» is in {}: make it with ENCODING 'UTF8'", self.encoding)),
            (
                self.is_superuser,
                format!("«{login}» is a superuser, whom no wall stops: make a login of its own for the gateway, as docs/operators.md says"),
            ),
            (
                self.inherits,
                format!("«{login}» inherits, and so would read every establishment at once: run ALTER ROLE \"{login}\" NOINHERIT"),
            ),
            (!self.creates_roles, format!("«{login}» may not make the SQL roles of establishments: run ALTER ROLE \"{login}\" CREATEROLE")),
            (!self.creates_schemas, format!("«{login}» may not make schemas: run GRANT CREATE ON DATABASE \"{name}\" TO \"{login}\"")),
        ];
        faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, said)| said).collect()
    }
}

/// Where a server is, without secrets.
pub fn label(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    format!("postgres://{host}:{}/{}", options.get_port(), options.get_database().unwrap_or(options.get_username()))
}

/// What stands in the way of a first connection, in words.
pub fn refused(error: sqlx::Error, label: &str) -> Error {
    let sqlx::Error::Database(database) = &error else { return Error::Unreachable { place: label.to_owned(), source: error } };
    let code = database.code().unwrap_or_default().into_owned();
    let advice = match code.as_str() {
        "28P01" | "28000" => "it refuses the login: correct user and password in store.url, or pg_hba.conf on the server",
        "3D000" => "there is no such database: make it as docs/operators.md says, or correct store.url",
        "53300" => "it has no connection left: raise max_connections there, or lower store.connections_max",
        _ => return Error::Unreachable { place: label.to_owned(), source: error },
    };
    Error::Refused { place: label.to_owned(), reason: format!("{advice} ({})", database.message()) }
}

/// Refuses a login that would not keep establishments apart, or could not make them.
pub async fn check(connection: &mut PgConnection, label: &str) -> Result<(), Error> {
    match describe(connection).await?.faults().into_iter().next() {
        Some(reason) => Err(Error::Refused { place: label.to_owned(), reason }),
        None => Ok(()),
    }
}

async fn describe(connection: &mut PgConnection) -> Result<Database, Error> {
    const SQL: &str = "SELECT CAST(r.rolname AS TEXT) AS login, CAST(current_database() AS TEXT) AS name, r.rolinherit AS inherits, \
         r.rolsuper AS is_superuser, r.rolcreaterole AS creates_roles, has_database_privilege(current_database(), 'CREATE') AS creates_schemas, \
         has_database_privilege('public', current_database(), 'TEMPORARY') AS gives_temporary, pg_is_in_recovery() AS is_standby, \
         CAST(current_setting('server_version_num') AS BIGINT) AS version, current_setting('server_encoding') AS encoding, \
         CAST(current_setting('max_connections') AS BIGINT) - CAST(current_setting('superuser_reserved_connections') AS BIGINT) \
         - CAST(coalesce(current_setting('reserved_connections', true), '0') AS BIGINT) AS connections_max, \
         CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) AS clock \
         FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    Ok(sqlx::query_as(SQL).fetch_one(connection).await?)
}

/// Looks at a database, and at the stores in it. Nothing is made or changed.
///
/// # Errors
/// `Unreachable`, `Refused`, or what the server says.
pub async fn look(url: &str) -> Result<Sight, Error> {
    const SCHEMAS: &str =
        "SELECT CAST(nspname AS TEXT) FROM pg_catalog.pg_namespace WHERE starts_with(CAST(nspname AS TEXT), 'est_') LIMIT $1";
    const ROLES: &str = "SELECT CAST(r.rolname AS TEXT) FROM pg_catalog.pg_roles r WHERE starts_with(CAST(r.rolname AS TEXT), 'est_') \
         AND pg_has_role(r.oid, 'MEMBER') AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_shdepend d WHERE d.refobjid = r.oid AND d.deptype = 'o') \
         LIMIT $1";
    let options = PgConnectOptions::from_str(url).map_err(|source| Error::Refused {
        place: "PostgreSQL".to_owned(),
        reason: format!("store.url is no address of a database: {source}"),
    })?;
    let label = label(&options);
    let connecting = tokio::time::timeout(super::ACQUIRE_TIMEOUT, PgConnection::connect_with(&options)).await;
    let connected = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let mut connection = connected.map_err(|error| refused(error, &label))?;
    let most = i64::try_from(STORES_MAX).unwrap_or(i64::MAX);
    let sight = Sight {
        database: Some(describe(&mut connection).await?),
        stores: sqlx::query_scalar(SCHEMAS).bind(most).fetch_all(&mut connection).await?,
        roles: sqlx::query_scalar(ROLES).bind(most).fetch_all(&mut connection).await?,
    };
    // It goes either way.
    connection.close().await.ok();
    Ok(sight)
}
