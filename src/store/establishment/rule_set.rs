//! Rules prepared for a date, with what stood before them.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{RuleSetId, UserId};
use crate::types::time::Timestamp;

/// How far a rule set came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum RuleSetState {
    /// Written, and nothing more.
    Prepared,
    /// It is applied at its time.
    Scheduled,
    /// Its rules stand.
    Applied,
    /// Its time came, and it would have taken away more than was foretold: a person decides.
    Held,
    /// What stood before it stands again.
    RolledBack,
    /// It is not applied.
    Cancelled,
}

/// What a simulation foretold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Foretold {
    /// Roles that are given.
    pub gained: u64,
    /// Roles that are taken away.
    pub lost: u64,
    /// Who accepted that by having it scheduled: it is applied by their right. Nobody in particular when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<UserId>,
}

/// One rule set.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
pub struct RuleSet {
    /// Key.
    pub id: RuleSetId,
    /// Its name in addresses and commands.
    pub name: String,
    /// What people read.
    pub title: String,
    /// All rules as they are to be, in the form in which rules are written.
    #[sqlx(json)]
    #[schema(value_type = Vec<Object>)]
    pub rules: serde_json::Value,
    /// How far it came.
    pub state: RuleSetState,
    /// When it is applied by itself.
    pub apply_at: Option<Timestamp>,
    /// What was foretold when it was scheduled.
    #[sqlx(json(nullable))]
    pub expected: Option<Foretold>,
    /// All rules as they stood before it was applied.
    #[sqlx(json(nullable))]
    #[schema(value_type = Option<Vec<Object>>)]
    pub previous: Option<serde_json::Value>,
    /// Why it is held, in words.
    pub note: Option<String>,
    /// Who prepared it.
    pub created_by: String,
    /// When it was prepared.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When its rules came to stand.
    pub applied_at: Option<Timestamp>,
}

/// One rule set by key.
pub async fn find(tx: &mut Tx, id: RuleSetId) -> Result<Option<RuleSet>, Error> {
    const SQL: &str = "SELECT id, name, title, rules, state, apply_at, expected, previous, note, created_by, created_at, updated_at, \
         applied_at FROM rule_sets WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One rule set by name.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> Result<Option<RuleSet>, Error> {
    const SQL: &str = "SELECT id, name, title, rules, state, apply_at, expected, previous, note, created_by, created_at, updated_at, \
         applied_at FROM rule_sets WHERE name = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(name).fetch_optional(c).await)?)
}

/// All rule sets, by name.
pub async fn list(tx: &mut Tx) -> Result<Vec<RuleSet>, Error> {
    const SQL: &str = "SELECT id, name, title, rules, state, apply_at, expected, previous, note, created_by, created_at, updated_at, \
         applied_at FROM rule_sets ORDER BY name LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Those that are to be applied by themselves, and when.
pub async fn list_scheduled(tx: &mut Tx) -> Result<Vec<(RuleSetId, Timestamp)>, Error> {
    const SQL: &str = "SELECT id, apply_at FROM rule_sets WHERE state = 'scheduled' AND apply_at IS NOT NULL ORDER BY apply_at LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new rule set.
///
/// # Errors
/// `Taken` when the name is another's.
pub async fn insert(tx: &mut Tx, s: &RuleSet) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO rule_sets (id, name, title, rules, state, apply_at, expected, previous, note, created_by, created_at, \
         updated_at, applied_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.id).bind(&s.name).bind(&s.title).bind(Json(&s.rules)).bind(s.state).bind(s.apply_at);
        let row = row.bind(s.expected.as_ref().map(Json)).bind(s.previous.as_ref().map(Json)).bind(&s.note).bind(&s.created_by);
        row.bind(s.created_at).bind(s.updated_at).bind(s.applied_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of a rule set.
///
/// # Errors
/// `Taken`, `NotFound`.
pub async fn update(tx: &mut Tx, s: &RuleSet) -> Result<(), Error> {
    const SQL: &str = "UPDATE rule_sets SET name = $2, title = $3, rules = $4, state = $5, apply_at = $6, expected = $7, previous = $8, \
         note = $9, updated_at = $10, applied_at = $11 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.id).bind(&s.name).bind(&s.title).bind(Json(&s.rules)).bind(s.state).bind(s.apply_at);
        let row = row.bind(s.expected.as_ref().map(Json)).bind(s.previous.as_ref().map(Json)).bind(&s.note);
        row.bind(s.updated_at).bind(s.applied_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("rule set")) } else { Ok(()) }
}

/// Removes a rule set.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, id: RuleSetId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM rule_sets WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("rule set")) } else { Ok(()) }
}
