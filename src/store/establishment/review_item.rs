//! The roles that a review looks at, one by one: who decides, what they decided, and what became of it.

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;

use super::assignment::Origin;
use super::campaign::CampaignState;
use crate::store::dialect::{ROWS_PER_INSERT, like_part};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{CampaignId, ReviewItemId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, GatewayRole};
use crate::types::time::Timestamp;

/// What a reviewer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Decision {
    /// The person keeps the role.
    Keep,
    /// The role is taken away.
    Withdraw,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Outcome {
    /// They keep it.
    Kept,
    /// What was given by hand has ended.
    Ended,
    /// Rules give it no more.
    Excluded,
    /// They held it no more already.
    Gone,
}

/// One role of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct ReviewItem {
    /// Key.
    pub id: ReviewItemId,
    /// The review.
    #[serde(rename = "campaign")]
    pub campaign_id: CampaignId,
    /// Who decides; nobody when absent.
    #[serde(rename = "reviewer")]
    pub reviewer_id: Option<UserId>,
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
    /// When the person last signed in to the application, to the day, as the review began; never when absent.
    pub last_used_at: Option<Timestamp>,
    /// When the person last signed in at all, as the review began.
    pub last_sign_in_at: Option<Timestamp>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Why, in the reviewer's words.
    pub reason: Option<String>,
    /// Who decided, as the trail names them.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: Option<Outcome>,
}

/// What a list of items may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Who decides.
    pub reviewer: Option<UserId>,
    /// The person.
    pub user: Option<UserId>,
    /// The application's name.
    pub application: Option<String>,
    /// Exact role.
    pub role: Option<String>,
    /// Exact scope.
    pub scope: Option<String>,
    /// Exact decision.
    pub decision: Option<String>,
    /// Whether it was decided.
    pub decided: Option<bool>,
}

/// How far a review is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Progress {
    /// Roles looked at.
    pub items: i64,
    /// Kept.
    pub kept: i64,
    /// Taken away.
    pub withdrawn: i64,
    /// Not decided.
    pub open: i64,
    /// Not decided, and with nobody who could.
    pub without_reviewer: i64,
}

/// One item by key.
pub async fn find(tx: &mut Tx, id: ReviewItemId) -> Result<Option<ReviewItem>, Error> {
    const SQL: &str = "SELECT i.id, i.campaign_id, i.reviewer_id, i.user_id, u.username, u.display_name, i.application, i.role, i.scope, \
         i.origin, i.last_used_at, i.last_sign_in_at, i.decision, i.reason, i.decided_by, i.decided_at, i.outcome \
         FROM review_items i JOIN users u ON u.id = i.user_id WHERE i.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of a review's items; words are looked for in the person's names.
pub async fn list(tx: &mut Tx, campaign: CampaignId, page: &PageRequest, f: &Filter) -> Result<Page<ReviewItem>, Error> {
    const SQL: &str = "SELECT i.id, i.campaign_id, i.reviewer_id, i.user_id, u.username, u.display_name, i.application, i.role, i.scope, \
         i.origin, i.last_used_at, i.last_sign_in_at, i.decision, i.reason, i.decided_by, i.decided_at, i.outcome \
         FROM review_items i JOIN users u ON u.id = i.user_id WHERE i.campaign_id = $1 AND ($2 IS NULL OR i.id > $2) \
         AND ($3 IS NULL OR u.search LIKE $3 ESCAPE '\\') AND ($4 IS NULL OR i.reviewer_id = $4) AND ($5 IS NULL OR i.user_id = $5) \
         AND ($6 IS NULL OR i.application = $6) AND ($7 IS NULL OR i.role = $7) AND ($8 IS NULL OR i.scope = $8) \
         AND ($9 IS NULL OR i.decision = $9) AND ($10 IS NULL OR (i.decision IS NOT NULL) = $10) ORDER BY i.id LIMIT $11";
    const COUNT: &str = "SELECT count(*) FROM review_items i JOIN users u ON u.id = i.user_id WHERE i.campaign_id = $1 \
         AND ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR i.reviewer_id = $3) AND ($4 IS NULL OR i.user_id = $4) \
         AND ($5 IS NULL OR i.application = $5) AND ($6 IS NULL OR i.role = $6) AND ($7 IS NULL OR i.scope = $7) \
         AND ($8 IS NULL OR i.decision = $8) AND ($9 IS NULL OR (i.decision IS NOT NULL) = $9)";
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(campaign).bind(page.after).bind(&query).bind(f.reviewer).bind(f.user);
        let listed = listed.bind(&f.application).bind(&f.role).bind(&f.scope).bind(&f.decision).bind(f.decided);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(campaign).bind(&query).bind(f.reviewer).bind(f.user).bind(&f.application);
        counted.bind(&f.role).bind(&f.scope).bind(&f.decision).bind(f.decided).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |x: &ReviewItem| x.id.uuid()))
}

/// How far a review is, or one reviewer's part of it.
pub async fn progress(tx: &mut Tx, campaign: CampaignId, reviewer: Option<UserId>) -> Result<Progress, Error> {
    const SQL: &str = "SELECT count(*) AS items, count(CASE WHEN decision = 'keep' THEN 1 END) AS kept, \
         count(CASE WHEN decision = 'withdraw' THEN 1 END) AS withdrawn, count(CASE WHEN decision IS NULL THEN 1 END) AS open, \
         count(CASE WHEN decision IS NULL AND reviewer_id IS NULL THEN 1 END) AS without_reviewer \
         FROM review_items WHERE campaign_id = $1 AND ($2 IS NULL OR reviewer_id = $2)";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(campaign).bind(reviewer).fetch_one(c).await)?)
}

/// Who has still to decide, and on how many.
pub async fn list_waiting(tx: &mut Tx, campaign: CampaignId) -> Result<Vec<(UserId, i64)>, Error> {
    const SQL: &str = "SELECT reviewer_id, count(*) FROM review_items WHERE campaign_id = $1 AND decision IS NULL AND reviewer_id IS NOT NULL \
         GROUP BY reviewer_id ORDER BY reviewer_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(campaign).fetch_all(c).await)?)
}

/// Writes new items, none of them decided.
pub async fn insert_all(tx: &mut Tx, items: &[ReviewItem]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO review_items (id, campaign_id, reviewer_id, user_id, application, role, scope, origin, last_used_at, last_sign_in_at) ";
    for chunk in items.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, i| {
                row.push_bind(i.id).push_bind(i.campaign_id).push_bind(i.reviewer_id).push_bind(i.user_id).push_bind(&i.application);
                row.push_bind(&i.role).push_bind(&i.scope).push_bind(i.origin).push_bind(i.last_used_at).push_bind(i.last_sign_in_at);
            });
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Lets what goes on in reviews follow an application to another name. What was laid before someone of an application that had that name and is
/// gone makes room, unless it was decided.
pub async fn rename_application(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const STALE: &str = "DELETE FROM review_items WHERE application = $2 AND decision IS NULL \
         AND campaign_id IN (SELECT id FROM campaigns WHERE state = $3) \
         AND EXISTS (SELECT 1 FROM review_items o WHERE o.campaign_id = review_items.campaign_id AND o.user_id = review_items.user_id \
         AND o.application = $1 AND o.role = review_items.role AND o.scope = review_items.scope AND o.origin = review_items.origin)";
    const NAMED: &str = "UPDATE review_items SET application = $2 WHERE application = $1 \
         AND campaign_id IN (SELECT id FROM campaigns WHERE state = $3) \
         AND NOT EXISTS (SELECT 1 FROM review_items o WHERE o.campaign_id = review_items.campaign_id AND o.user_id = review_items.user_id \
         AND o.application = $2 AND o.role = review_items.role AND o.scope = review_items.scope AND o.origin = review_items.origin)";
    // Whoever answers for it answers for it under the new name.
    const ANSWERING: &str = "UPDATE review_items SET scope = $2 || substr(scope, length($1) + 1) WHERE application = $4 AND role = $5 \
         AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') AND campaign_id IN (SELECT id FROM campaigns WHERE state = $3) \
         AND NOT EXISTS (SELECT 1 FROM review_items o WHERE o.campaign_id = review_items.campaign_id AND o.user_id = review_items.user_id \
         AND o.application = $4 AND o.role = $5 AND o.scope = $2 || substr(review_items.scope, length($1) + 1) \
         AND o.origin = review_items.origin)";
    for sql in [STALE, NAMED] {
        on!(tx, |c| sqlx::query(sql).bind(from).bind(to).bind(CampaignState::Open).execute(c).await.map(drop))?;
    }
    let responsible = GatewayRole::Responsible.name();
    on!(tx, |c| {
        let row = sqlx::query(ANSWERING).bind(from).bind(to).bind(CampaignState::Open).bind(APPLICATION).bind(responsible);
        row.execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Lets what goes on in reviews follow roles to another scope: those that are held there now, and are no more where they were.
pub async fn follow_scope(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE review_items SET scope = $2 WHERE scope = $1 AND campaign_id IN (SELECT id FROM campaigns WHERE state = $3) \
         AND EXISTS (SELECT 1 FROM assignments x JOIN applications a ON a.id = x.application_id WHERE x.user_id = review_items.user_id \
         AND a.name = review_items.application AND x.role = review_items.role AND x.scope = $2 AND x.origin = review_items.origin) \
         AND NOT EXISTS (SELECT 1 FROM assignments x JOIN applications a ON a.id = x.application_id WHERE x.user_id = review_items.user_id \
         AND a.name = review_items.application AND x.role = review_items.role AND x.scope = $1 AND x.origin = review_items.origin) \
         AND NOT EXISTS (SELECT 1 FROM review_items o WHERE o.campaign_id = review_items.campaign_id AND o.user_id = review_items.user_id \
         AND o.application = review_items.application AND o.role = review_items.role AND o.scope = $2 AND o.origin = review_items.origin)";
    on!(tx, |c| sqlx::query(SQL).bind(from).bind(to).bind(CampaignState::Open).execute(c).await.map(drop))?;
    Ok(())
}

/// Wipes what was written of a person whose roles were under review, and lays before nobody what waited for them. What was decided stays.
pub async fn erase_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "UPDATE review_items SET reason = NULL, last_used_at = NULL, last_sign_in_at = NULL WHERE user_id = $1";
    const WAITING: &str = "UPDATE review_items SET reviewer_id = NULL WHERE reviewer_id = $1 AND decision IS NULL";
    for sql in [SQL, WAITING] {
        on!(tx, |c| sqlx::query(sql).bind(user).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Writes what was decided on an item.
///
/// # Errors
/// `NotFound`.
pub async fn decide(tx: &mut Tx, i: &ReviewItem) -> Result<(), Error> {
    const SQL: &str = "UPDATE review_items SET decision = $2, reason = $3, decided_by = $4, decided_at = $5, outcome = $6 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(i.id).bind(i.decision).bind(&i.reason).bind(&i.decided_by).bind(i.decided_at);
        row.bind(i.outcome).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("role under review")) } else { Ok(()) }
}

/// Leaves items to nobody in particular.
pub async fn release(tx: &mut Tx, ids: &[ReviewItemId]) -> Result<(), Error> {
    const HEAD: &str = "UPDATE review_items SET reviewer_id = NULL WHERE decision IS NULL AND id IN (";
    for chunk in ids.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            let mut keys = query.separated(", ");
            for id in chunk {
                keys.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}
