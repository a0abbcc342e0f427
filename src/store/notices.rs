//! What nodes tell each other: an establishment changed, so that what is kept of it is dropped at once; there is something to do, so that whoever
//! is free takes it. On files there is one node.

use sqlx::postgres::PgListener;

use super::dialect::Engine;
use super::tx::on;
use super::{Error, Tx};

/// Begins what is said of jobs; no slug begins so.
const JOBS: &str = ":jobs ";

/// What another node, or this one, said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The establishment of this slug changed, moved, came or went.
    Establishment(String),
    /// There is something to do now, said by the node of this name.
    Jobs(String),
    /// Something that this version does not know.
    Unknown,
}

impl Notice {
    fn read(payload: &str) -> Self {
        match payload.strip_prefix(JOBS) {
            Some(node) => Self::Jobs(node.to_owned()),
            None if payload.starts_with(':') => Self::Unknown,
            None => Self::Establishment(payload.to_owned()),
        }
    }
}

/// Says, when the transaction commits, that what is kept of an establishment must be dropped.
pub async fn announce(tx: &mut Tx, slug: &str) -> Result<(), Error> {
    say(tx, slug).await
}

/// Says, when the transaction commits, that there is something to do now.
pub async fn announce_jobs(tx: &mut Tx, node: &str) -> Result<(), Error> {
    say(tx, &format!("{JOBS}{node}")).await
}

async fn say(tx: &mut Tx, payload: &str) -> Result<(), Error> {
    const SQL: &str = "SELECT CAST(pg_notify('passerelle', $1) AS TEXT)";
    if tx.engine() == Engine::Postgres {
        on!(tx, |c| sqlx::query(SQL).bind(payload).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// What other nodes say.
#[derive(Debug)]
pub struct Notices(pub(super) PgListener);

impl Notices {
    /// What is said next; nothing when the connection was lost and made again: then anything may have changed.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn next(&mut self) -> Result<Option<Notice>, Error> {
        Ok(self.0.try_recv().await?.map(|said| Notice::read(said.payload())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_jobs_are_told_apart() {
        assert_eq!(Notice::read("jobs"), Notice::Establishment("jobs".into()));
        assert_eq!(Notice::read(":jobs 0198-x"), Notice::Jobs("0198-x".into()));
        assert_eq!(Notice::read(":later something"), Notice::Unknown);
    }
}
