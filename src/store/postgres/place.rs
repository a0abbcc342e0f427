//! A store's schema and role: made, brought to the newest version, removed. Each is one transaction, so a crash leaves the state before.

use sqlx::migrate::MigrateError;
use sqlx::{Connection, Executor, FromRow, PgConnection};

use super::{PgTransaction, Schema, Server};
use crate::store::dialect::{self, SchemaName};
use crate::store::{Error, migrate};

impl Schema {
    /// The schema of this name, under whichever role owns it. None when it is not there.
    ///
    /// # Errors
    /// `Refused` when it belongs to someone who does not keep establishments apart; or what the server says.
    pub async fn find(server: &Server, name: &SchemaName) -> Result<Option<Self>, Error> {
        if name.is_registry() {
            return Ok(Some(Self::new(server, name.clone())));
        }
        // Under the login itself, and on a connection to the stores: whoever holds one to the registry may be waiting for this.
        let own = Self { pool: server.pool.clone(), ..Self::new(server, SchemaName::registry()) };
        let mut transaction = own.read().await?;
        let found = owner(transaction.parts().0, server, name).await?;
        Ok(found.map(|name| Self::new(server, name)))
    }

    /// Makes the schema, and the role that owns it, when they are not there; brings it to the newest version.
    ///
    /// # Errors
    /// `Newer`, `Migration`, or what the server says.
    pub async fn provision(server: &Server, name: &SchemaName, kind: migrate::Kind) -> Result<Self, Error> {
        let mut connection = Server::fresh(&server.pool).await?;
        let mut transaction = connection.begin().await?;
        // Nodes that start together make it once.
        transaction.execute(dialect::lock_schema(name)).await?;
        let found = if name.is_registry() { None } else { owner(&mut transaction, server, name).await? };
        let name = match found {
            Some(name) => name,
            None => make(&mut transaction, name).await?,
        };
        let schema = Self::new(server, name);
        transaction.execute(dialect::enter(&schema.name)).await?;
        schema.migrate(&mut transaction, kind).await?;
        transaction.commit().await?;
        Ok(schema)
    }

    /// Checks that the schema is there and of this program's version, and brings an older one up.
    ///
    /// # Errors
    /// `Missing`, `Newer`, `Migration`, or what the server says.
    pub async fn check(&self, kind: migrate::Kind) -> Result<(), Error> {
        const VERSION: &str = "SELECT max(version) FROM _sqlx_migrations";
        let mut transaction = match self.read().await {
            Err(Error::Gone) => return Err(Error::Missing(self.label())),
            begun => begun?,
        };
        let found: Option<i64> =
            sqlx::query_scalar(VERSION).fetch_one(transaction.parts().0).await.map_err(|error| match error.into() {
                Error::Gone => Error::Missing(self.label()),
                other => other,
            })?;
        drop(transaction);
        let (found, known) = (found.unwrap_or_default(), kind.newest());
        if found > known {
            return Err(Error::Newer { place: self.label(), found, known });
        }
        if found < known {
            Self::provision(&self.server, &self.name, kind).await?;
        }
        Ok(())
    }

    /// Removes the schema and its role with all that is in them.
    pub async fn remove(&self) -> Result<(), Error> {
        let mut connection = Server::fresh(&self.pool).await?;
        let mut transaction = connection.begin().await?;
        transaction.execute(dialect::lock_schema(&self.name)).await?;
        for statement in dialect::remove_schema(&self.name) {
            transaction.execute(statement).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Ends a writing transaction of a schema by removing all of it: whoever waits for the turn finds nothing.
    pub async fn remove_in(server: &Server, name: &SchemaName, mut transaction: PgTransaction) -> Result<(), Error> {
        let found = owner(transaction.parts().0, server, name).await?;
        for statement in dialect::remove_schema(&found.ok_or(Error::Gone)?) {
            transaction.parts().0.execute(statement).await?;
        }
        transaction.commit().await
    }

    /// The schema as messages name it.
    pub fn label(&self) -> String {
        format!("{} in {}", self.name, self.server.label())
    }

    async fn migrate(&self, connection: &mut PgConnection, kind: migrate::Kind) -> Result<(), Error> {
        let failed = |source| Error::Migration { place: self.label(), source };
        match migrate::bring_up_postgres(connection, kind).await {
            Err(MigrateError::VersionMissing(found)) => Err(Error::Newer { place: self.label(), found, known: kind.newest() }),
            migrated => migrated.map_err(failed),
        }
    }
}

/// Who owns a schema, and whether the login may take that role.
#[derive(Debug, FromRow)]
struct Owner {
    role: String,
    may_be_taken: bool,
    login: String,
}

/// The name of a schema that is there, under the role that owns it.
async fn owner(connection: &mut PgConnection, server: &Server, name: &SchemaName) -> Result<Option<SchemaName>, Error> {
    const SQL: &str = "SELECT CAST(pg_get_userbyid(nspowner) AS TEXT) AS role, pg_has_role(nspowner, 'MEMBER') AS may_be_taken, \
         CAST(current_user AS TEXT) AS login FROM pg_catalog.pg_namespace WHERE nspname = $1";
    let found: Option<Owner> = sqlx::query_as(SQL).bind(name.to_string()).fetch_optional(connection).await?;
    let Some(Owner { role, may_be_taken, login }) = found else { return Ok(None) };
    let refused = |reason| Error::Refused { place: format!("{name} in {}", server.label()), reason };
    if !may_be_taken {
        let mended = format!("run GRANT \"{role}\" TO \"{login}\" as a superuser, or use the login that made it");
        return Err(refused(format!("it belongs to «{role}», which «{login}» may not take on: {mended}")));
    }
    let Some(named) = name.under(&role) else {
        return Err(refused(format!(
            "it belongs to «{role}», and not to a role of its own: restore it with its roles (pg_dumpall --roles-only)"
        )));
    };
    Ok(Some(named))
}

/// Makes a schema under a role whose name the server does not know yet.
async fn make(connection: &mut PgConnection, name: &SchemaName) -> Result<SchemaName, Error> {
    const SQL: &str = "SELECT CAST(rolname AS TEXT) FROM pg_catalog.pg_roles WHERE starts_with(CAST(rolname AS TEXT), $1) LIMIT 1000";
    let taken: Vec<String> = sqlx::query_scalar(SQL).bind(name.to_string()).fetch_all(&mut *connection).await?;
    let name = name.under_new_role(&taken);
    for statement in dialect::make_schema(&name) {
        connection.execute(statement).await?;
    }
    Ok(name)
}

impl Server {
    /// A new connection with the settings of a pool, because a cancelled migration must not leave its role to whoever comes next.
    async fn fresh(pool: &sqlx::Pool<sqlx::Postgres>) -> Result<PgConnection, Error> {
        let options = pool.connect_options();
        let connected = tokio::time::timeout(super::ACQUIRE_TIMEOUT, PgConnection::connect_with(&options)).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }
}
