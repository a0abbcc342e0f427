//! What is counted of a SCIM feed: its resources, when it last asked, and what it took away of late.

use serde::Serialize;
use utoipa::ToSchema;

use super::source_state::Taken;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// Seconds of an hour.
const HOUR_S: i64 = 3600;

/// How a feed stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct FeedState {
    /// People it states.
    pub users: i64,
    /// Groups it states.
    pub groups: i64,
    /// Its last request, to the minute.
    pub requested_at: Option<Timestamp>,
}

/// How a feed stands; as nothing when it never asked.
pub async fn get(tx: &mut Tx, source: SourceId) -> Result<FeedState, Error> {
    const SQL: &str = "SELECT users, groups, requested_at FROM scim_feeds WHERE source_id = $1";
    let found: Option<FeedState> = on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_optional(c).await)?;
    Ok(found.unwrap_or_default())
}

/// Counts resources that came (or went, below zero).
pub async fn count(tx: &mut Tx, source: SourceId, users: i64, groups: i64) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO scim_feeds (source_id, users, groups) VALUES ($1, $2, $3) ON CONFLICT (source_id) DO UPDATE SET \
         users = scim_feeds.users + excluded.users, groups = scim_feeds.groups + excluded.groups";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(users).bind(groups).execute(c).await.map(drop))?;
    Ok(())
}

/// Notes a request.
pub async fn touch(tx: &mut Tx, source: SourceId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO scim_feeds (source_id, users, groups, requested_at) VALUES ($1, 0, 0, $2) \
         ON CONFLICT (source_id) DO UPDATE SET requested_at = excluded.requested_at";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// What a feed took away in the hours since one.
pub async fn taken_since(tx: &mut Tx, source: SourceId, since: Timestamp) -> Result<Taken, Error> {
    const SQL: &str = "SELECT CAST(coalesce(sum(people), 0) AS BIGINT), CAST(coalesce(sum(groups), 0) AS BIGINT), \
         CAST(coalesce(sum(memberships), 0) AS BIGINT) FROM scim_taken WHERE source_id = $1 AND hour >= $2";
    let (people, groups, memberships): (i64, i64, i64) =
        on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(hour(since)).fetch_one(c).await)?;
    Ok(Taken { people: people.unsigned_abs(), groups: groups.unsigned_abs(), memberships: memberships.unsigned_abs() })
}

/// Adds to what a feed took away in this hour.
pub async fn take(tx: &mut Tx, source: SourceId, at: Timestamp, taken: Taken) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO scim_taken (source_id, hour, people, groups, memberships) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (source_id, hour) DO UPDATE SET people = scim_taken.people + excluded.people, \
         groups = scim_taken.groups + excluded.groups, memberships = scim_taken.memberships + excluded.memberships";
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(source).bind(hour(at)).bind(whole(taken.people)).bind(whole(taken.groups));
        row.bind(whole(taken.memberships)).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Forgets what every feed took away before an hour.
pub async fn forget_taken(tx: &mut Tx, before: Timestamp) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM scim_taken WHERE hour < $1";
    on!(tx, |c| sqlx::query(SQL).bind(hour(before)).execute(c).await.map(drop))?;
    Ok(())
}

fn hour(at: Timestamp) -> i64 {
    at.seconds().div_euclid(HOUR_S)
}
