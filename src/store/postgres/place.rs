//! A store's schema and role: made, brought to the newest version, removed. Each is one transaction, so a crash leaves the state before.

use sqlx::migrate::MigrateError;
use sqlx::{Connection, Executor, PgConnection};

use super::{PgTransaction, Schema, Server};
use crate::store::dialect;
use crate::store::{Error, migrate};

impl Schema {
    /// Makes the schema, and the role that owns it, when they are not there; brings it to the newest version.
    ///
    /// # Errors
    /// `Newer`, `Migration`, or what the server says.
    pub async fn provision(&self, kind: migrate::Kind) -> Result<(), Error> {
        let mut connection = self.own_connection().await?;
        let mut transaction = connection.begin().await?;
        // Nodes that start together make it once.
        transaction.execute(dialect::lock_schema(&self.name)).await?;
        for statement in dialect::make_schema(&self.name) {
            transaction.execute(statement).await?;
        }
        transaction.execute(dialect::enter(&self.name)).await?;
        self.migrate(&mut transaction, kind).await?;
        Ok(transaction.commit().await?)
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
            return self.provision(kind).await;
        }
        Ok(())
    }

    /// Removes the schema and its role with all that is in them.
    pub async fn remove(&self) -> Result<(), Error> {
        let mut connection = self.own_connection().await?;
        let mut transaction = connection.begin().await?;
        transaction.execute(dialect::lock_schema(&self.name)).await?;
        if transaction.execute(dialect::find_role(&self.name)).await?.rows_affected() == 0 {
            return Ok(());
        }
        for statement in dialect::remove_schema(&self.name) {
            transaction.execute(statement).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Ends a writing transaction of this schema by removing all of it: whoever waits for the turn finds nothing.
    pub async fn remove_in(&self, mut transaction: PgTransaction) -> Result<(), Error> {
        for statement in dialect::remove_schema(&self.name) {
            transaction.parts().0.execute(statement).await?;
        }
        transaction.commit().await
    }

    /// The schema as messages name it.
    pub fn label(&self) -> String {
        format!("{} in {}", self.name, self.server.label())
    }

    /// A connection of its own, because a cancelled migration must not leave its role to whoever comes next.
    async fn own_connection(&self) -> Result<PgConnection, Error> {
        Server::fresh(&self.pool).await
    }

    async fn migrate(&self, connection: &mut PgConnection, kind: migrate::Kind) -> Result<(), Error> {
        let failed = |source| Error::Migration { place: self.label(), source };
        match migrate::bring_up_postgres(connection, kind).await {
            Err(MigrateError::VersionMissing(found)) => Err(Error::Newer { place: self.label(), found, known: kind.newest() }),
            migrated => migrated.map_err(failed),
        }
    }
}

impl Server {
    /// A new connection with the settings of a pool.
    async fn fresh(pool: &sqlx::Pool<sqlx::Postgres>) -> Result<PgConnection, Error> {
        let options = pool.connect_options();
        let connected = tokio::time::timeout(super::ACQUIRE_TIMEOUT, PgConnection::connect_with(&options)).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }
}
