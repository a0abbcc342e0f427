//! Configured feeds of people and groups.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::leaving::Leaving;
use crate::types::matching::Matching;
use crate::types::schedule::Schedule;
use crate::types::time::Timestamp;

/// What protocol a source speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum SourceKind {
    /// A directory.
    Ldap,
    /// SCIM: a service that is read when `settings.url` names one, a feed otherwise.
    Scim,
    /// A spreadsheet.
    Csv,
    /// A file of directory entries.
    Ldif,
}

/// How much of one kind a run may take away before a person has to approve it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Most objects taken away in one run.
    pub max_count: u64,
    /// Most objects taken away, in per cent of what the source had.
    pub max_percent: f64,
}

/// The deletion guard of a source. A run that passes a bound is held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// People disabled.
    pub people: Bound,
    /// Groups removed.
    pub groups: Bound,
    /// Memberships removed.
    pub memberships: Bound,
    /// Largest drop of the number of people read against what the source had, in per cent.
    pub shrink_percent: f64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            people: Bound { max_count: 500, max_percent: 10.0 },
            groups: Bound { max_count: 200, max_percent: 20.0 },
            memberships: Bound { max_count: 20_000, max_percent: 20.0 },
            shrink_percent: 20.0,
        }
    }
}

/// One source. Its secret is sealed and never shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Source {
    /// Key.
    pub id: SourceId,
    /// Its name in addresses and commands.
    pub name: String,
    /// Protocol.
    pub kind: SourceKind,
    /// Settings of the connector, without secrets.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// The sealed bind password, token or client secret.
    #[serde(skip)]
    pub secret_sealed: Option<Vec<u8>>,
    /// Bounds on what one run may take away.
    #[sqlx(json)]
    pub guard: Guard,
    /// When it runs by itself.
    #[sqlx(json(nullable))]
    pub schedule: Option<Schedule>,
    /// What becomes of whoever leaves.
    #[sqlx(json(nullable))]
    pub leaving: Option<Leaving>,
    /// How its people are found among those other sources state, and whose word counts for what.
    #[sqlx(json(nullable))]
    pub matching: Option<Matching>,
    /// On the platform: the expression that gives each record its establishments.
    pub route: Option<String>,
    /// The source of the platform that feeds this one.
    #[serde(skip)]
    pub routed_from: Option<SourceId>,
    /// Whether runs and sign-ins through it are allowed.
    pub enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One source by key.
pub async fn find(tx: &mut Tx, id: SourceId) -> Result<Option<Source>, Error> {
    const SQL: &str = "SELECT id, name, kind, settings, secret_sealed, guard, schedule, leaving, matching, route, routed_from, enabled, created_at, \
         updated_at FROM sources WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One source by name.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<Source>, Error> {
    const SQL: &str = "SELECT id, name, kind, settings, secret_sealed, guard, schedule, leaving, matching, route, routed_from, enabled, created_at, \
         updated_at FROM sources WHERE name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// All sources, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<Source>, Error> {
    const SQL: &str = "SELECT id, name, kind, settings, secret_sealed, guard, schedule, leaving, matching, route, routed_from, enabled, created_at, \
         updated_at FROM sources ORDER BY name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new source.
///
/// # Errors
/// `Taken` when the name is another's.
pub async fn insert(tx: &mut Tx, s: &Source) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO sources (id, name, kind, settings, secret_sealed, guard, enabled, created_at, updated_at, schedule, leaving, \
         matching, route, routed_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.id).bind(&s.name).bind(s.kind).bind(Json(&s.settings)).bind(&s.secret_sealed);
        let row = row.bind(Json(&s.guard)).bind(s.enabled).bind(s.created_at).bind(s.updated_at);
        let row = row.bind(s.schedule.as_ref().map(Json)).bind(s.leaving.as_ref().map(Json)).bind(s.matching.as_ref().map(Json));
        row.bind(&s.route).bind(s.routed_from).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of a source.
///
/// # Errors
/// `Taken`, `NotFound`.
pub async fn update(tx: &mut Tx, s: &Source) -> Result<(), Error> {
    const SQL: &str = "UPDATE sources SET name = $2, settings = $3, secret_sealed = $4, guard = $5, enabled = $6, updated_at = $7, schedule = $8, \
         leaving = $9, matching = $10, route = $11 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.id).bind(&s.name).bind(Json(&s.settings)).bind(&s.secret_sealed);
        let row = row.bind(Json(&s.guard)).bind(s.enabled).bind(s.updated_at);
        let row = row.bind(s.schedule.as_ref().map(Json)).bind(s.leaving.as_ref().map(Json)).bind(s.matching.as_ref().map(Json));
        row.bind(&s.route).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("source")) } else { Ok(()) }
}

/// Removes a source with its runs. One that people or groups came from is still referred to.
///
/// # Errors
/// `Referenced`.
pub async fn delete(tx: &mut Tx, id: SourceId) -> Result<(), Error> {
    const RUNS: &str = "DELETE FROM runs WHERE source_id = $1";
    const SQL: &str = "DELETE FROM sources WHERE id = $1";
    on!(tx, |c| sqlx::query(RUNS).bind(id).execute(c).await.map(drop))?;
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}
