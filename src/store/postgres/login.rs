//! The gateway's own login: what it must be, and what to do when it is not.

use sqlx::postgres::PgConnectOptions;
use sqlx::{FromRow, PgConnection};

use crate::store::Error;

/// The oldest version of the server that serves: 13, the oldest that is still kept up.
const SERVER_VERSION_MIN: i64 = 130_000;

/// What the server says of the login.
#[derive(Debug, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is one right of the login, as the server tells it")]
struct Login {
    name: String,
    database: String,
    inherits: bool,
    is_superuser: bool,
    creates_roles: bool,
    creates_schemas: bool,
    version: i64,
    encoding: String,
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
    const SQL: &str = "SELECT CAST(r.rolname AS TEXT) AS name, CAST(current_database() AS TEXT) AS database, r.rolinherit AS inherits, \
         r.rolsuper AS is_superuser, r.rolcreaterole AS creates_roles, has_database_privilege(current_database(), 'CREATE') AS creates_schemas, \
         CAST(current_setting('server_version_num') AS BIGINT) AS version, current_setting('server_encoding') AS encoding \
         FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";
    let login: Login = sqlx::query_as(SQL).fetch_one(connection).await?;
    let Login { name, database, .. } = &login;
    let wrong = if login.version < SERVER_VERSION_MIN {
        format!("it is version {}, and the gateway wants 13 or newer", login.version / 10_000)
    } else if login.encoding != "UTF8" {
        format!("the database «{database}» is in {}: make it with ENCODING 'UTF8'", login.encoding)
    } else if login.is_superuser {
        format!("«{name}» is a superuser, whom no wall stops: make a login of its own for the gateway, as docs/operators.md says")
    } else if login.inherits {
        format!("«{name}» inherits, and so would read every establishment at once: run ALTER ROLE \"{name}\" NOINHERIT")
    } else if !login.creates_roles {
        format!("«{name}» may not make the SQL roles of establishments: run ALTER ROLE \"{name}\" CREATEROLE")
    } else if !login.creates_schemas {
        format!("«{name}» may not make schemas: run GRANT CREATE ON DATABASE \"{database}\" TO \"{name}\"")
    } else {
        return Ok(());
    };
    Err(Error::Refused { place: label.to_owned(), reason: wrong })
}
