//! How much is taken away in an application: what waits, what was taken of late, what is held, and what a person approved.

use super::provisioned::{Action, State};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::ProvisioningId;
use crate::types::time::Timestamp;

/// Seconds of an hour: what was taken away is counted by hours.
const HOUR_S: i64 = 3600;
/// So many hours are kept.
const KEPT_HOURS: i64 = 48;

/// How much would be taken away that nobody approved since `since`, and how much is there and active.
pub async fn removals(tx: &mut Tx, of: ProvisioningId, since: Timestamp) -> Result<(i64, i64), Error> {
    const WAITING: &str = "SELECT count(*) FROM provisioned WHERE provisioning_id = $1 AND state IN ($2, $3) AND action IN ($4, $5) \
         AND (approved = $6 OR coalesce(approved_at, 0) <= $7)";
    const ACTIVE: &str = "SELECT count(*) FROM provisioned WHERE provisioning_id = $1 AND active = $2";
    let waiting = on!(tx, |c| {
        let row = sqlx::query_scalar(WAITING).bind(of).bind(State::Waiting).bind(State::Failed);
        row.bind(Action::Deactivate).bind(Action::Delete).bind(false).bind(since).fetch_one(c).await
    })?;
    Ok((waiting, on!(tx, |c| sqlx::query_scalar(ACTIVE).bind(of).bind(true).fetch_one(c).await)?))
}

/// Holds all that would be taken away and that nobody approved since `since`. Answers how many.
pub async fn hold(tx: &mut Tx, of: ProvisioningId, since: Timestamp) -> Result<u64, Error> {
    const SQL: &str = "UPDATE provisioned SET state = $2, approved = $7 WHERE provisioning_id = $1 AND state IN ($3, $4) \
         AND action IN ($5, $6) AND (approved = $7 OR coalesce(approved_at, 0) <= $8)";
    Ok(on!(tx, |c| {
        let row = sqlx::query(SQL).bind(of).bind(State::Held).bind(State::Waiting).bind(State::Failed);
        let row = row.bind(Action::Deactivate).bind(Action::Delete).bind(false).bind(since);
        row.execute(c).await.map(|d| d.rows_affected())
    })?)
}

/// How many are held.
pub async fn held(tx: &mut Tx, of: ProvisioningId) -> Result<u64, Error> {
    const SQL: &str = "SELECT count(*) FROM provisioned WHERE provisioning_id = $1 AND state = $2";
    let count: i64 = on!(tx, |c| sqlx::query_scalar(SQL).bind(of).bind(State::Held).fetch_one(c).await)?;
    Ok(count.unsigned_abs())
}

/// Lets go on what is held. Answers how many.
pub async fn approve(tx: &mut Tx, of: ProvisioningId, now: Timestamp) -> Result<u64, Error> {
    const SQL: &str =
        "UPDATE provisioned SET state = $2, approved = $3, approved_at = $4, due_at = $4 WHERE provisioning_id = $1 AND state = $5";
    Ok(on!(tx, |c| {
        let row = sqlx::query(SQL).bind(of).bind(State::Waiting).bind(true).bind(now).bind(State::Held);
        row.execute(c).await.map(|d| d.rows_affected())
    })?)
}

/// Adds to what was taken away in this hour without anyone's approval, and forgets what is long past.
pub async fn take(tx: &mut Tx, of: ProvisioningId, at: Timestamp, removals: u64) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO provisioning_taken (provisioning_id, hour, removals) VALUES ($1, $2, $3) \
         ON CONFLICT (provisioning_id, hour) DO UPDATE SET removals = provisioning_taken.removals + excluded.removals";
    const PAST: &str = "DELETE FROM provisioning_taken WHERE provisioning_id = $1 AND hour < $2";
    let count = i64::try_from(removals).unwrap_or(i64::MAX);
    on!(tx, |c| sqlx::query(SQL).bind(of).bind(hour(at)).bind(count).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(PAST).bind(of).bind(hour(at) - KEPT_HOURS).execute(c).await.map(drop))?;
    Ok(())
}

/// How much was taken away without anyone's approval since an hour.
pub async fn taken_since(tx: &mut Tx, of: ProvisioningId, since: Timestamp) -> Result<i64, Error> {
    const SQL: &str = "SELECT CAST(coalesce(sum(removals), 0) AS BIGINT) FROM provisioning_taken WHERE provisioning_id = $1 AND hour >= $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(of).bind(hour(since)).fetch_one(c).await)?)
}

fn hour(at: Timestamp) -> i64 {
    at.seconds().div_euclid(HOUR_S)
}
