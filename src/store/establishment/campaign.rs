//! Reviews: which roles are looked at, until when, and how far they are.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{CampaignId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Whether a review goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum CampaignState {
    /// It goes on.
    Open,
    /// It has ended: nothing of it changes any more.
    Closed,
}

/// Which roles a review looks at, and who decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Extent {
    /// Roles of this application; of all when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// This role alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Of people of this unit and of those below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Only roles given before this instant whose holders have not signed in to the application since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_since: Option<Timestamp>,
    /// Whether the administrators of each person's unit decide, and those who are named only where a unit has none. On roles of the gateway
    /// decides whoever is named and holds them.
    pub by_unit: bool,
    /// Who decides, by key: they take turns. Nobody decides on roles of their own.
    pub reviewers: Vec<UserId>,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Campaign {
    /// Key.
    pub id: CampaignId,
    /// Its name in commands.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Which roles are looked at, and who decides.
    #[sqlx(json)]
    pub extent: Extent,
    /// Whether it goes on.
    pub state: CampaignState,
    /// Until when reviewers are asked to decide.
    pub due_at: Timestamp,
    /// When reviewers were last reminded.
    pub reminded_at: Option<Timestamp>,
    /// Who began it, as the trail names them.
    pub created_by: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
}

/// What a list of reviews may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact name.
    pub name: Option<String>,
    /// Exact state.
    pub state: Option<String>,
}

/// One review by key.
pub async fn find(tx: &mut Tx, id: CampaignId) -> Result<Option<Campaign>, Error> {
    const SQL: &str =
        "SELECT id, name, title, extent, state, due_at, reminded_at, created_by, created_at, closed_at FROM campaigns WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One review by name.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Campaign>, Error> {
    const SQL: &str =
        "SELECT id, name, title, extent, state, due_at, reminded_at, created_by, created_at, closed_at FROM campaigns WHERE name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// A page of reviews, oldest first; words are looked for in name and title.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Campaign>, Error> {
    const SQL: &str = "SELECT id, name, title, extent, state, due_at, reminded_at, created_by, created_at, closed_at FROM campaigns \
         WHERE ($1 IS NULL OR name = $1) AND ($2 IS NULL OR state = $2) ORDER BY id LIMIT $3";
    let rows: Vec<Campaign> = on!(tx, |c| sqlx::query_as(SQL).bind(&f.name).bind(&f.state).bind(ROWS_MAX).fetch_all(c).await)?;
    // There are few, and what people wrote is folded as it is read.
    let fits =
        |one: &Campaign| page.query.as_ref().is_none_or(|words| fold(&format!("{} {}", one.name, one.title)).contains(words.as_str()));
    let found: Vec<Campaign> = rows.into_iter().filter(fits).collect();
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let most = usize::try_from(page.limit + 1).unwrap_or_default();
    let rows = found.into_iter().filter(|one| page.after.is_none_or(|after| one.id.uuid() > after)).take(most).collect();
    Ok(Page::cut(rows, page.limit, total, |x: &Campaign| x.id.uuid()))
}

/// Reviews that go on and wait for a person's decision, the first due first.
pub async fn list_open_of(tx: &mut Tx, reviewer: UserId) -> Result<Vec<Campaign>, Error> {
    const SQL: &str = "SELECT id, name, title, extent, state, due_at, reminded_at, created_by, created_at, closed_at FROM campaigns \
         WHERE state = $1 AND id IN (SELECT campaign_id FROM review_items WHERE reviewer_id = $2) ORDER BY due_at, id LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(CampaignState::Open).bind(reviewer).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new review.
///
/// # Errors
/// `Taken` when the name is another's.
pub async fn insert(tx: &mut Tx, k: &Campaign) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO campaigns (id, name, title, extent, state, due_at, reminded_at, created_by, created_at, closed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(k.id).bind(&k.name).bind(&k.title).bind(Json(&k.extent)).bind(k.state);
        row.bind(k.due_at).bind(k.reminded_at).bind(&k.created_by).bind(k.created_at).bind(k.closed_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of a review that goes on: its title, when it is due, when reviewers were reminded, and its end.
///
/// # Errors
/// `NotFound`, also for one that has ended.
pub async fn update(tx: &mut Tx, k: &Campaign) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE campaigns SET title = $2, due_at = $3, reminded_at = $4, state = $5, closed_at = $6 WHERE id = $1 AND state = $7";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(k.id).bind(&k.title).bind(k.due_at).bind(k.reminded_at).bind(k.state).bind(k.closed_at);
        row.bind(CampaignState::Open).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("review that goes on")) } else { Ok(()) }
}

/// Lets reviews that go on follow an application to another name.
pub async fn rename_application(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    rewrite(tx, |extent| rename(&mut extent.application, from, to)).await
}

/// Lets reviews that go on follow a unit to another name, or to the unit that takes it over.
pub async fn rename_unit(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    rewrite(tx, |extent| rename(&mut extent.unit, from, to)).await
}

fn rename(named: &mut Option<String>, from: &str, to: &str) -> bool {
    let renamed = named.as_deref() == Some(from);
    if renamed {
        *named = Some(to.to_owned());
    }
    renamed
}

async fn rewrite(tx: &mut Tx, change: impl Fn(&mut Extent) -> bool) -> Result<(), Error> {
    const LIST: &str = "SELECT id, extent FROM campaigns WHERE state = $1 ORDER BY id LIMIT $2";
    const SQL: &str = "UPDATE campaigns SET extent = $2 WHERE id = $1";
    let rows: Vec<(CampaignId, Json<Extent>)> =
        on!(tx, |c| sqlx::query_as(LIST).bind(CampaignState::Open).bind(ROWS_MAX).fetch_all(c).await)?;
    for (id, Json(mut extent)) in rows {
        if change(&mut extent) {
            on!(tx, |c| sqlx::query(SQL).bind(id).bind(Json(&extent)).execute(c).await.map(drop))?;
        }
    }
    Ok(())
}
