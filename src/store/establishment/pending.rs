//! People who hold nothing but the default role of an application.

use serde::Serialize;
use utoipa::ToSchema;

use super::assignment::Origin;
use super::user::UserStatus;
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Someone who waits for an administrator to give them a role (OME-43, OME-46).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Pending {
    /// The person.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// What people read.
    pub display_name: String,
    /// Where to write to.
    pub email: Option<String>,
    /// The unit they belong to.
    pub home_unit: Option<String>,
    /// Since when they wait.
    pub since: Timestamp,
}

/// A page of those who wait at an instant, oldest person first.
pub async fn list(tx: &mut Tx, page: &PageRequest, application: ApplicationId, now: Timestamp) -> Result<Page<Pending>, Error> {
    const SQL: &str = "SELECT u.id AS user_id, u.username, u.display_name, u.email, u.home_unit, x.created_at AS since \
         FROM assignments x JOIN users u ON u.id = x.user_id WHERE x.application_id = $1 AND x.origin = $2 AND u.status = $3 \
         AND NOT EXISTS (SELECT 1 FROM assignments o WHERE o.user_id = x.user_id AND o.application_id = $1 AND o.origin <> $2 \
         AND (o.valid_from IS NULL OR o.valid_from <= $4) AND (o.valid_until IS NULL OR o.valid_until > $4)) \
         AND ($5 IS NULL OR u.search LIKE $5 ESCAPE '\\') AND ($6 IS NULL OR u.id > $6) ORDER BY u.id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM assignments x JOIN users u ON u.id = x.user_id \
         WHERE x.application_id = $1 AND x.origin = $2 AND u.status = $3 \
         AND NOT EXISTS (SELECT 1 FROM assignments o WHERE o.user_id = x.user_id AND o.application_id = $1 AND o.origin <> $2 \
         AND (o.valid_from IS NULL OR o.valid_from <= $4) AND (o.valid_until IS NULL OR o.valid_until > $4)) \
         AND ($5 IS NULL OR u.search LIKE $5 ESCAPE '\\')";
    let words = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(application).bind(Origin::Default).bind(UserStatus::Active).bind(now).bind(&words);
        listed.bind(page.after).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(application).bind(Origin::Default).bind(UserStatus::Active).bind(now);
        counted.bind(&words).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |p: &Pending| p.user_id.uuid()))
}
