//! Instants at which time alone changes what people hold by hand, and until when they were seen to.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::UserId;
use crate::types::time::Timestamp;

use super::assignment::Origin;

/// Until when edges were seen to; never when none.
pub async fn seen_until(tx: &mut Tx) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT max(seen_until) FROM role_edges";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Writes down that edges were seen to until an instant.
pub async fn see_until(tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
    const SQL: &str =
        "INSERT INTO role_edges (id, seen_until) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET seen_until = excluded.seen_until";
    on!(tx, |c| sqlx::query(SQL).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// The next instant at which something given by hand begins or ends, or an exclusion ends.
pub async fn next_by_hand(tx: &mut Tx, after: Timestamp) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT min(at) FROM (SELECT min(valid_from) AS at FROM assignments WHERE valid_from > $1 AND origin = $2 \
         UNION ALL SELECT min(valid_until) FROM assignments WHERE valid_until > $1 AND origin = $2 \
         UNION ALL SELECT min(valid_until) FROM exclusions WHERE valid_until > $1) AS edges";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(after).bind(Origin::Manual).fetch_one(c).await)?)
}

/// The people for whom that came within a span of time: the start is excluded, the end included.
pub async fn people_between(tx: &mut Tx, after: Timestamp, until: Timestamp) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT user_id FROM assignments WHERE valid_from > $1 AND valid_from <= $2 AND origin = $3 \
         UNION SELECT user_id FROM assignments WHERE valid_until > $1 AND valid_until <= $2 AND origin = $3 \
         UNION SELECT user_id FROM exclusions WHERE valid_until > $1 AND valid_until <= $2 ORDER BY user_id";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(after).bind(until).bind(Origin::Manual).fetch_all(c).await)?)
}
