//! Who is to be looked at again for applications that are provisioned. The store notes it itself, by triggers, in the transaction that changes
//! what someone is or holds; here it is read and taken away.

use uuid::Uuid;

use super::provisioned::Kind;
use crate::store::tx::on;
use crate::store::{Error, Tx};

/// Whether someone is noted.
pub async fn any(tx: &mut Tx) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM provisioning_marks)";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Takes some marks away, and answers whose they were.
pub async fn take(tx: &mut Tx, limit: i64) -> Result<Vec<(Kind, Uuid)>, Error> {
    const SQL: &str = "DELETE FROM provisioning_marks WHERE (kind, subject) IN (SELECT kind, subject FROM provisioning_marks LIMIT $1) \
         RETURNING kind, subject";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(limit).fetch_all(c).await)?)
}

/// Notes people for whom time alone changed something: no row of theirs is written then.
pub async fn put_users(tx: &mut Tx, users: &[crate::types::id::UserId]) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO provisioning_marks (kind, subject) SELECT $1, $2 WHERE EXISTS (SELECT 1 FROM provisionings WHERE enabled) \
         ON CONFLICT (kind, subject) DO NOTHING";
    for user in users {
        on!(tx, |c| sqlx::query(SQL).bind(Kind::User).bind(*user).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Notes everyone who was given anything.
pub async fn put_everyone(tx: &mut Tx) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO provisioning_marks (kind, subject) SELECT DISTINCT $1, user_id FROM assignments \
         WHERE EXISTS (SELECT 1 FROM provisionings WHERE enabled) ON CONFLICT (kind, subject) DO NOTHING";
    on!(tx, |c| sqlx::query(SQL).bind(Kind::User).execute(c).await.map(drop))?;
    Ok(())
}
