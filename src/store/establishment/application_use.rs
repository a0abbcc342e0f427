//! When someone last signed in to an application, to the day; and roles and accounts that nobody uses.

use serde::Serialize;
use utoipa::ToSchema;

use super::assignment::Origin;
use super::user::UserStatus;
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, AssignmentId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// A day, in seconds.
const DAY_S: i64 = 24 * 3600;

/// One role whose holder does not use its application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Unused {
    /// The assignment.
    pub id: AssignmentId,
    /// The person.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The name they sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was given.
    pub given_at: Timestamp,
    /// When they last signed in to the application, to the day; never when absent.
    pub last_used_at: Option<Timestamp>,
    /// When they last signed in at all.
    pub last_sign_in_at: Option<Timestamp>,
}

/// What a list of unused roles may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The person.
    pub user: Option<UserId>,
    /// The application's name.
    pub application: Option<String>,
    /// Exact role.
    pub role: Option<String>,
    /// Exact scope.
    pub scope: Option<String>,
    /// Exact origin.
    pub origin: Option<String>,
}

/// The day of an instant.
pub fn day(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds() - at.seconds().rem_euclid(DAY_S))
}

/// Notes that someone signed in to an application. Writes on the first time of a day only, and says whether it did.
pub async fn note(tx: &mut Tx, user: UserId, application: ApplicationId, now: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO uses (user_id, application_id, used_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id, application_id) DO UPDATE SET used_at = excluded.used_at";
    let today = day(now);
    if last(tx, user, application).await?.is_some_and(|known| known >= today) {
        return Ok(false);
    }
    on!(tx, |c| sqlx::query(SQL).bind(user).bind(application).bind(today).execute(c).await.map(drop))?;
    Ok(true)
}

/// Forgets when a person signed in to which application.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM uses WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// When someone last signed in to an application, to the day.
pub async fn last(tx: &mut Tx, user: UserId, application: ApplicationId) -> Result<Option<Timestamp>, Error> {
    const SQL: &str = "SELECT used_at FROM uses WHERE user_id = $1 AND application_id = $2";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).bind(application).fetch_optional(c).await)?)
}

/// The last uses of people within a range of keys (`after` excluded, `last` included), by person.
pub async fn list_between(tx: &mut Tx, after: Option<UserId>, last: UserId) -> Result<Vec<(UserId, ApplicationId, Timestamp)>, Error> {
    const SQL: &str =
        "SELECT user_id, application_id, used_at FROM uses WHERE ($1 IS NULL OR user_id > $1) AND user_id <= $2 ORDER BY user_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(last).fetch_all(c).await)?)
}

/// A page of roles given before an instant whose holders have not signed in to the application since the day of it, oldest first. Default roles
/// are left out: everyone has them.
pub async fn list_unused(tx: &mut Tx, page: &PageRequest, since: Timestamp, f: &Filter) -> Result<Page<Unused>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, p.username, p.display_name, a.name AS application, x.role, x.scope, x.origin, \
         x.created_at AS given_at, u.used_at AS last_used_at, p.last_sign_in_at FROM assignments x \
         JOIN applications a ON a.id = x.application_id JOIN users p ON p.id = x.user_id \
         LEFT JOIN uses u ON u.user_id = x.user_id AND u.application_id = x.application_id \
         WHERE x.origin <> $1 AND x.created_at < $2 AND (u.used_at IS NULL OR u.used_at < $3) AND ($4 IS NULL OR x.id > $4) \
         AND ($5 IS NULL OR p.search LIKE $5 ESCAPE '\\') AND ($6 IS NULL OR x.user_id = $6) AND ($7 IS NULL OR a.name = $7) \
         AND ($8 IS NULL OR x.role = $8) AND ($9 IS NULL OR x.scope = $9) AND ($10 IS NULL OR x.origin = $10) ORDER BY x.id LIMIT $11";
    const COUNT: &str = "SELECT count(*) FROM assignments x JOIN applications a ON a.id = x.application_id JOIN users p ON p.id = x.user_id \
         LEFT JOIN uses u ON u.user_id = x.user_id AND u.application_id = x.application_id \
         WHERE x.origin <> $1 AND x.created_at < $2 AND (u.used_at IS NULL OR u.used_at < $3) \
         AND ($4 IS NULL OR p.search LIKE $4 ESCAPE '\\') AND ($5 IS NULL OR x.user_id = $5) AND ($6 IS NULL OR a.name = $6) \
         AND ($7 IS NULL OR x.role = $7) AND ($8 IS NULL OR x.scope = $8) AND ($9 IS NULL OR x.origin = $9)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(Origin::Default).bind(since).bind(day(since)).bind(page.after).bind(&query).bind(f.user);
        let listed = listed.bind(&f.application).bind(&f.role).bind(&f.scope).bind(&f.origin);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(Origin::Default).bind(since).bind(day(since)).bind(&query).bind(f.user);
        counted.bind(&f.application).bind(&f.role).bind(&f.scope).bind(&f.origin).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |x: &Unused| x.id.uuid()))
}

/// Someone who may sign in and does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct UnusedAccount {
    /// The person.
    pub id: UserId,
    /// The name they sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
    /// Their address.
    pub email: Option<String>,
    /// Their home unit.
    pub home_unit: Option<String>,
    /// When they last signed in; never when absent.
    pub last_sign_in_at: Option<Timestamp>,
    /// When they were added.
    pub created_at: Timestamp,
}

/// A page of active people who were added before an instant and have not signed in since, oldest first.
pub async fn list_unused_accounts(tx: &mut Tx, page: &PageRequest, since: Timestamp) -> Result<Page<UnusedAccount>, Error> {
    const SQL: &str = "SELECT id, username, display_name, email, home_unit, last_sign_in_at, created_at FROM users \
         WHERE status = $1 AND created_at < $2 AND (last_sign_in_at IS NULL OR last_sign_in_at < $2) AND ($3 IS NULL OR id > $3) \
         AND ($4 IS NULL OR search LIKE $4 ESCAPE '\\') ORDER BY id LIMIT $5";
    const COUNT: &str = "SELECT count(*) FROM users WHERE status = $1 AND created_at < $2 AND (last_sign_in_at IS NULL OR last_sign_in_at < $2) \
         AND ($3 IS NULL OR search LIKE $3 ESCAPE '\\')";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(UserStatus::Active).bind(since).bind(page.after).bind(&query);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(UserStatus::Active).bind(since).bind(&query).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |x: &UnusedAccount| x.id.uuid()))
}
