//! On the platform: the establishments that a routed source feeds, and what its last reading became in each.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::sync_run::Counts;
use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{RunId, SourceId};
use crate::types::time::Timestamp;

/// What became of an establishment's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Outcome {
    /// Its run ended well.
    Done,
    /// There was nothing to do: no run is listed.
    Unchanged,
    /// Its guard held the run.
    Held,
    /// Its run failed, or could not begin.
    Failed,
    /// The source is disabled there, or waits for a person.
    Skipped,
}

/// One establishment's part of a routed source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct RoutedPart {
    /// The source, on the platform.
    #[serde(skip)]
    pub source_id: SourceId,
    /// The establishment.
    pub slug: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its run there.
    pub run_id: Option<RunId>,
    /// People that the last reading gave it.
    pub people: i64,
    /// Groups that the last reading gave it.
    pub groups: i64,
    /// What its run counted.
    #[serde(flatten)]
    #[sqlx(json)]
    pub counts: Counts,
    /// Why it was held or failed, in words.
    pub error: Option<String>,
    /// When that was.
    pub fed_at: Timestamp,
}

/// Every establishment that a source feeds, by slug.
pub async fn list(tx: &mut Tx, source: SourceId) -> Result<Vec<RoutedPart>, Error> {
    const SQL: &str = "SELECT source_id, slug, outcome, run_id, people, groups, counts, error, fed_at FROM routed_parts \
         WHERE source_id = $1 ORDER BY slug LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes what the last reading became in one establishment.
pub async fn keep(tx: &mut Tx, p: &RoutedPart) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO routed_parts (source_id, slug, outcome, run_id, people, groups, counts, error, fed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (source_id, slug) DO UPDATE SET outcome = excluded.outcome, \
         run_id = excluded.run_id, people = excluded.people, groups = excluded.groups, counts = excluded.counts, \
         error = excluded.error, fed_at = excluded.fed_at";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(p.source_id).bind(&p.slug).bind(p.outcome).bind(p.run_id).bind(p.people).bind(p.groups);
        row.bind(Json(&p.counts)).bind(&p.error).bind(p.fed_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Forgets an establishment that there is no more.
pub async fn delete(tx: &mut Tx, source: SourceId, slug: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM routed_parts WHERE source_id = $1 AND slug = $2";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(slug).execute(c).await.map(drop))?;
    Ok(())
}
