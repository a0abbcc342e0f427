//! What nodes tell each other: an establishment changed, so that what is kept of it is dropped at once. On files there is one node.

use sqlx::postgres::PgListener;

use super::dialect::Engine;
use super::tx::on;
use super::{Error, Tx};

/// Says, when the transaction commits, that what is kept of an establishment must be dropped.
pub async fn announce(tx: &mut Tx, slug: &str) -> Result<(), Error> {
    const SQL: &str = "SELECT CAST(pg_notify('passerelle', $1) AS TEXT)";
    if tx.engine() == Engine::Postgres {
        on!(tx, |c| sqlx::query(SQL).bind(slug).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// What other nodes say.
#[derive(Debug)]
pub struct Notices(pub(super) PgListener);

impl Notices {
    /// The slug of an establishment that changed; nothing when the connection was lost and made again: then anything may have changed.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        Ok(self.0.try_recv().await?.map(|said| said.payload().to_owned()))
    }
}
