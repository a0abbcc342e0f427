//! Rule sets: rules prepared for a date, such as the first day of a school year. Simulated beforehand, applied by a person or at their time, and
//! taken back if wanted. What rules give is the work of `roles`.

mod due;
mod turn;

pub use due::{apply_due, plan};
pub use turn::{Applied, apply, cancel, roll_back, schedule};

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audit;
use super::context::Context;
use super::error::Error;
use super::roles::{self, RuleFields, Simulation, View};
use crate::store::establishment::rule_set::{self, RuleSet, RuleSetState};
use crate::store::{self, Tx};
use crate::types::Invalid;
use crate::types::id::RuleSetId;
use crate::types::permission::Permission;
use crate::types::wording;

/// Most rule sets of an establishment.
const RULE_SETS_MAX: usize = 100;
const TITLE_LENGTH_MAX: usize = 200;

/// A rule set as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSetFields {
    /// Its name in addresses and commands.
    pub name: String,
    /// What people read; the name when left out.
    #[serde(default)]
    pub title: String,
    /// All rules as they are to be.
    pub rules: Vec<RuleFields>,
}

/// A rule set's fields as they can be written again.
///
/// # Errors
/// When what the store holds is no list of rules.
pub fn fields_of(set: &RuleSet) -> Result<RuleSetFields, Error> {
    Ok(RuleSetFields { name: set.name.clone(), title: set.title.clone(), rules: rules_of(&set.rules)? })
}

fn rules_of(kept: &serde_json::Value) -> Result<Vec<RuleFields>, Error> {
    let unreadable = |e| Error::Internal(format!("a rule set holds rules as they are written, and does not: {e}"));
    Vec::<RuleFields>::deserialize(kept).map_err(unreadable)
}

fn kept(rules: &[RuleFields]) -> Result<serde_json::Value, Error> {
    serde_json::to_value(rules).map_err(|e| Error::Internal(format!("rules are always JSON, and are not: {e}")))
}

/// All rule sets, by name.
pub async fn list(ctx: &Context) -> Result<Vec<RuleSet>, Error> {
    ctx.require(Permission::Read)?;
    Ok(rule_set::list(&mut ctx.store.read().await?).await?)
}

/// One rule set.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, name: &str) -> Result<RuleSet, Error> {
    ctx.require(Permission::Read)?;
    get_in(&mut ctx.store.read().await?, name).await
}

async fn get_in(tx: &mut Tx, name: &str) -> Result<RuleSet, Error> {
    rule_set::find_by_name(tx, name).await?.ok_or_else(|| Error::not_found(format!("rule set «{name}»")))
}

/// Prepares a rule set. Nothing of it stands yet.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Conflict` when the name is taken; `Forbidden` when a rule gives a role of the gateway that
/// the caller does not hold.
pub async fn create(ctx: &Context, fields: &RuleSetFields) -> Result<RuleSet, Error> {
    ctx.require(Permission::ManageRoles)?;
    let fields = checked(ctx, fields).await?;
    let mut tx = ctx.store.begin().await?;
    if rule_set::list(&mut tx).await?.len() >= RULE_SETS_MAX {
        return Err(Error::Conflict(format!("an establishment has at most {RULE_SETS_MAX} rule sets: remove old ones first")));
    }
    let made = RuleSet {
        id: RuleSetId::new(),
        name: fields.name,
        title: fields.title,
        rules: kept(&fields.rules)?,
        state: RuleSetState::Prepared,
        apply_at: None,
        expected: None,
        previous: None,
        note: None,
        created_by: ctx.actor.label(),
        created_at: ctx.now,
        updated_at: ctx.now,
        applied_at: None,
    };
    rule_set::insert(&mut tx, &made).await.map_err(|error| taken(error, &made.name))?;
    record_in(&mut tx, ctx, "rule_set.created", &made).await?;
    tx.commit().await?;
    Ok(made)
}

/// Writes a rule set anew that is not to be applied by itself and does not stand. It is prepared again.
///
/// # Errors
/// As for [`create`], `NotFound`, `Stale` when it is not the rule set any more that the caller read, and `Conflict` for one that is scheduled
/// or applied.
pub async fn update(ctx: &Context, read: &RuleSet, fields: &RuleSetFields) -> Result<RuleSet, Error> {
    ctx.require(Permission::ManageRoles)?;
    let fields = checked(ctx, fields).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, &read.name).await?;
    Error::unless_same(read, &standing)?;
    if matches!(standing.state, RuleSetState::Scheduled | RuleSetState::Applied) {
        return Err(Error::Conflict(format!(
            "«{}» is {}: cancel it, roll it back, or write another one",
            standing.name,
            word(standing.state)
        )));
    }
    let changed = RuleSet {
        name: fields.name,
        title: fields.title,
        rules: kept(&fields.rules)?,
        state: RuleSetState::Prepared,
        apply_at: None,
        expected: None,
        previous: None,
        note: None,
        updated_at: ctx.now,
        applied_at: None,
        ..standing
    };
    rule_set::update(&mut tx, &changed).await.map_err(|error| taken(error, &changed.name))?;
    record_in(&mut tx, ctx, "rule_set.updated", &changed).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Removes a rule set that is not to be applied. Rules that stand stay.
///
/// # Errors
/// `NotFound`; `Conflict` for one that is scheduled.
pub async fn delete(ctx: &Context, name: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.begin().await?;
    let gone = get_in(&mut tx, name).await?;
    if gone.state == RuleSetState::Scheduled {
        return Err(Error::Conflict(format!("«{name}» is scheduled: cancel it first")));
    }
    rule_set::delete(&mut tx, gone.id).await?;
    record_in(&mut tx, ctx, "rule_set.deleted", &gone).await?;
    tx.commit().await?;
    Ok(())
}

/// Who would gain and lose what if the rule set were applied now. Nothing is written.
///
/// # Errors
/// `NotFound`; as for [`roles::simulate`].
pub async fn simulate(ctx: &Context, name: &str, view: &View) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    let set = get(ctx, name).await?;
    roles::simulate_seen(ctx, &rules_of(&set.rules)?, view).await
}

async fn checked(ctx: &Context, fields: &RuleSetFields) -> Result<RuleSetFields, Error> {
    let mut wrong = Vec::new();
    wrong.extend(wording::wrong_name("name", "a rule set", &fields.name));
    if fields.title.chars().count() > TITLE_LENGTH_MAX || fields.title.chars().any(char::is_control) {
        wrong.push(Invalid::new("title", format!("has at most {TITLE_LENGTH_MAX} characters, on one line")));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    roles::check(ctx, &fields.rules).await?;
    let mut whole = fields.clone();
    if whole.title.trim().is_empty() {
        whole.title.clone_from(&whole.name);
    }
    Ok(whole)
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Taken(_) => Error::Conflict(format!("there is a rule set «{name}» already: choose another name")),
        other => other.into(),
    }
}

/// A state as sentences name it.
const fn word(state: RuleSetState) -> &'static str {
    match state {
        RuleSetState::Prepared => "prepared",
        RuleSetState::Scheduled => "scheduled",
        RuleSetState::Applied => "applied",
        RuleSetState::Held => "held",
        RuleSetState::RolledBack => "rolled back",
        RuleSetState::Cancelled => "cancelled",
    }
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, set: &RuleSet) -> Result<(), Error> {
    let rules = set.rules.as_array().map_or(0, Vec::len);
    let detail = json!({ "name": set.name, "rules": rules, "state": set.state, "apply_at": set.apply_at, "expected": set.expected,
        "note": set.note });
    audit::record_in(tx, ctx, action, ("rule_set", &set.id.to_string()), detail).await
}
