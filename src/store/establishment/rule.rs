//! Rules: directory facts → (application, role, scope).

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, RuleId};
use crate::types::time::Timestamp;

/// One condition: exactly one of `group`, alone or with `source`, `attribute` with `matches`, `unit`, `source`, `any`, `all`; `not` turns it
/// round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// A pattern for the name or the normalised DN of an effective group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The name of an attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// A pattern for one value of that attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// A pattern for one of the person's units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The name of a source the person comes from; beside `group`, of the source that states the group (`local` for one that none states).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Conditions of which one at least must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub any: Option<Vec<Condition>>,
    /// Conditions that must all hold: what `when` says at the top, inside an `any`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub all: Option<Vec<Condition>>,
    /// The condition must not hold.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

/// One rule: when all conditions hold, the role is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Rule {
    /// Key.
    pub id: RuleId,
    /// The application's key.
    #[serde(skip)]
    pub application_id: ApplicationId,
    /// The application's name.
    pub application: String,
    /// Conditions that must all hold.
    #[sqlx(json)]
    #[serde(rename = "when")]
    pub conditions: Vec<Condition>,
    /// The role, with `{captures}`.
    pub role: String,
    /// The scope, with `{captures}`.
    pub scope: Option<String>,
    /// Smaller is stronger when two rules give the same role in the same scope.
    pub priority: i64,
    /// Whether the rule counts.
    pub enabled: bool,
    /// It gives nothing before.
    pub valid_from: Option<Timestamp>,
    /// It gives nothing from then on.
    pub valid_until: Option<Timestamp>,
    /// The day of the year, `08-31`, at whose end it stops giving, until somebody renews it.
    pub ends: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One rule by key.
pub async fn find(tx: &mut Tx, id: RuleId) -> Result<Option<Rule>, Error> {
    const SQL: &str = "SELECT r.id, r.application_id, a.name AS application, r.conditions, r.role, r.scope, r.priority, r.enabled, \
         r.valid_from, r.valid_until, r.ends, r.created_at, r.updated_at FROM rules r JOIN applications a ON a.id = r.application_id WHERE r.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// All rules, by application, priority and age.
pub async fn list(tx: &mut Tx) -> Result<Vec<Rule>, Error> {
    const SQL: &str = "SELECT r.id, r.application_id, a.name AS application, r.conditions, r.role, r.scope, r.priority, r.enabled, \
         r.valid_from, r.valid_until, r.ends, r.created_at, r.updated_at FROM rules r JOIN applications a ON a.id = r.application_id ORDER BY a.name, r.priority, r.id LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Writes a new rule.
pub async fn insert(tx: &mut Tx, r: &Rule) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO rules (id, application_id, conditions, role, scope, priority, enabled, valid_from, valid_until, ends, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.application_id).bind(Json(&r.conditions)).bind(&r.role).bind(&r.scope);
        let row = row.bind(r.priority).bind(r.enabled).bind(r.valid_from).bind(r.valid_until).bind(&r.ends);
        row.bind(r.created_at).bind(r.updated_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of a rule.
///
/// # Errors
/// `NotFound`.
pub async fn update(tx: &mut Tx, r: &Rule) -> Result<(), Error> {
    const SQL: &str = "UPDATE rules SET application_id = $2, conditions = $3, role = $4, scope = $5, priority = $6, enabled = $7, \
         valid_from = $8, valid_until = $9, ends = $10, updated_at = $11 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.application_id).bind(Json(&r.conditions)).bind(&r.role).bind(&r.scope);
        let row = row.bind(r.priority).bind(r.enabled).bind(r.valid_from).bind(r.valid_until).bind(&r.ends);
        row.bind(r.updated_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("rule")) } else { Ok(()) }
}

/// Removes a rule; its assignments must have gone before.
///
/// # Errors
/// `Referenced`, `NotFound`.
pub async fn delete(tx: &mut Tx, id: RuleId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM rules WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("rule")) } else { Ok(()) }
}

/// What tells whether rules, or anything they are compiled against, changed: how many there are and when one last did.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Stamp {
    rules: i64,
    rule_changed: Option<Timestamp>,
    applications: i64,
    application_changed: Option<Timestamp>,
    groups: i64,
    group_changed: Option<Timestamp>,
    nestings: i64,
    sources: i64,
    source_changed: Option<Timestamp>,
}

/// The stamp of what rules are evaluated with now.
pub async fn stamp(tx: &mut Tx) -> Result<Stamp, Error> {
    const SQL: &str = "SELECT (SELECT count(*) FROM rules) AS rules, (SELECT max(updated_at) FROM rules) AS rule_changed, \
         (SELECT count(*) FROM applications) AS applications, (SELECT max(updated_at) FROM applications) AS application_changed, \
         (SELECT count(*) FROM groups) AS groups, (SELECT max(updated_at) FROM groups) AS group_changed, \
         (SELECT count(*) FROM nestings) AS nestings, \
         (SELECT count(*) FROM sources) AS sources, (SELECT max(updated_at) FROM sources) AS source_changed";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_one(c).await)?)
}
