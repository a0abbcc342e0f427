//! Units: listed, added, renamed, moved and removed, with the people, scopes and units that hang on them. A unit is what people's
//! `home_unit` and `units`, rules and scopes say by its name; the tree itself is in `unit_tree`.

mod follow;
mod remove;
mod stated;

pub use remove::{Removed, remove};
pub(in crate::services) use stated::{Stated, follow_in};

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::audit;
use super::context::Context;
use super::error::Error;
use super::roles;
use super::unit_tree::Tree;
use super::users;
use crate::store::Tx;
use crate::store::establishment::unit::{self, Filter, Unit};
use crate::store::establishment::{api_token, assignment_by_hand, campaign, exclusion, review_item};
use crate::types::Invalid;
use crate::types::id::{RuleId, UnitId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use follow::rules_naming;

/// Longest name of a unit, in characters: a scope may be as long.
const NAME_LENGTH_MAX: usize = 200;
/// Longest title, in characters.
const TITLE_LENGTH_MAX: usize = 200;

/// What an administrator writes of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitFields {
    /// Its name: what people's units, rules and scopes say.
    pub name: String,
    /// What people read; the name when left out.
    #[serde(default)]
    pub title: String,
    /// The name of the unit above; none at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl From<&Unit> for UnitFields {
    fn from(unit: &Unit) -> Self {
        Self { name: unit.name.clone(), title: unit.title.clone(), parent: unit.parent.clone() }
    }
}

/// A rule that speaks of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamingRule {
    /// The rule.
    pub id: RuleId,
    /// Its application.
    pub application: String,
    /// The role it gives.
    pub role: String,
}

/// A unit as it is after a change, with what followed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedUnit {
    /// The unit.
    #[serde(flatten)]
    pub unit: Unit,
    /// People who are in it and got its new name.
    pub people: u64,
    /// Roles given by hand whose scope got its new name.
    pub assignments: u64,
    /// Rules that speak of the name it had: look whether they still give what they are meant to give.
    pub rules: Vec<NamingRule>,
}

/// A page of units, oldest first: of those whose people the actor may see.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Unit>, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let filter = Filter { within: ctx.actor.units_for(Permission::SeePeople), ..filter.clone() };
    let mut tx = ctx.store.read().await?;
    Ok(unit::list(&mut tx, page, &filter).await?)
}

/// The tree of all units.
pub async fn tree(ctx: &Context) -> Result<Tree, Error> {
    ctx.require(Permission::Read)?;
    Tree::load(&mut ctx.store.read().await?).await
}

/// One unit.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: UnitId) -> Result<Unit, Error> {
    ctx.require_somewhere(Permission::SeePeople)?;
    let found = get_in(&mut ctx.store.read().await?, id).await?;
    let sees = ctx.actor.units_for(Permission::SeePeople).is_none_or(|own| own.contains(&found.name));
    if sees { Ok(found) } else { Err(Error::not_found("unit")) }
}

async fn get_in(tx: &mut Tx, id: UnitId) -> Result<Unit, Error> {
    unit::find(tx, id).await?.ok_or_else(|| Error::not_found("unit"))
}

/// One unit by its name.
///
/// # Errors
/// `NotFound`.
pub async fn named(ctx: &Context, name: &str) -> Result<Unit, Error> {
    ctx.require(Permission::Read)?;
    unit::find_by_name(&mut ctx.store.read().await?, name).await?.ok_or_else(|| Error::not_found(format!("unit «{name}»")))
}

/// Adds a unit.
///
/// # Errors
/// `Invalid` for a name or title that does not fit, an unknown unit above, and when there are too many; `Conflict` for a name that is taken.
pub async fn create(ctx: &Context, fields: &UnitFields) -> Result<Unit, Error> {
    ctx.require(Permission::ManageUnits)?;
    let mut tx = ctx.store.begin().await?;
    let tree = Tree::load(&mut tx).await?;
    let mut wrong = wrong_fields(fields);
    wrong.extend(tree.has_room().err());
    let above = placed(&tree, None, fields, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let made = Unit {
        id: UnitId::new(),
        name: fields.name.clone(),
        title: title(fields),
        parent_id: above,
        parent: fields.parent.clone(),
        source_id: None,
        source: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    unit::insert_all(&mut tx, std::slice::from_ref(&made)).await.map_err(|error| taken(error, &made.name))?;
    record_in(&mut tx, ctx, "unit.created", &made, json!({})).await?;
    tx.commit().await?;
    Ok(made)
}

/// Renames or moves a unit, or gives it another title. With a new name, people who are in it and scopes of roles given by hand follow; rules
/// that speak of the old name are told.
///
/// # Errors
/// `NotFound`, `Stale` when it is not the unit any more that the caller read, `Invalid` as for [`create`] and for a unit that would stand
/// below itself; `Conflict` for a name that is taken or that a source states; `Forbidden` when the caller's own roles would change.
pub async fn update(ctx: &Context, read: &Unit, fields: &UnitFields) -> Result<ChangedUnit, Error> {
    ctx.require(Permission::ManageUnits)?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let standing = get_in(&mut tx, read.id).await?;
    Error::unless_same(read, &standing)?;
    let tree = Tree::load(&mut tx).await?;
    let mut wrong = wrong_fields(fields);
    let above = placed(&tree, Some(&standing.name), fields, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let renamed = fields.name != standing.name;
    if let Some(source) = standing.source.as_ref().filter(|_| renamed) {
        return Err(Error::Conflict(format!("the source «{source}» states the unit «{}»: rename it there, and sync", standing.name)));
    }
    let changed = Unit {
        name: fields.name.clone(),
        title: title(fields),
        parent_id: above,
        parent: fields.parent.clone(),
        updated_at: ctx.now,
        ..standing.clone()
    };
    unit::update(&mut tx, &changed).await.map_err(|error| taken(error, &changed.name))?;
    let mut answer = ChangedUnit { unit: changed, people: 0, assignments: 0, rules: Vec::new() };
    if renamed {
        let own = roles::own::Own::of_actor_in(&mut tx, ctx).await?;
        let people = users::put_in_unit_in(&mut tx, ctx, &standing.name, Some(&answer.unit.name)).await?;
        answer.assignments = assignment_by_hand::rename_scope(&mut tx, &standing.name, &answer.unit.name).await?;
        api_token::rename_unit(&mut tx, &standing.name, &answer.unit.name).await?;
        exclusion::rename_scope(&mut tx, &standing.name, &answer.unit.name).await?;
        roles::recompute_users_in(&mut tx, ctx, &people).await?;
        review_item::follow_scope(&mut tx, &standing.name, &answer.unit.name).await?;
        campaign::rename_unit(&mut tx, &standing.name, &answer.unit.name).await?;
        own.unchanged_in(&mut tx).await?;
        answer.people = people.len() as u64;
        answer.rules = rules_naming(&mut tx, &standing.name).await?;
    }
    let detail = json!({ "before": UnitFields::from(&standing), "people": answer.people, "assignments": answer.assignments });
    record_in(&mut tx, ctx, "unit.updated", &answer.unit, detail).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(answer)
}

/// The key of the unit above; what is wrong with it goes to the list.
fn placed(tree: &Tree, moved: Option<&str>, fields: &UnitFields, wrong: &mut Vec<Invalid>) -> Option<UnitId> {
    let parent = fields.parent.as_deref()?;
    // What stands there stays, also when its name was changed in the same breath.
    match tree.parent_for(moved, parent) {
        Ok(place) => Some(place.id),
        Err(invalid) => {
            wrong.push(invalid);
            None
        }
    }
}

fn wrong_fields(fields: &UnitFields) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if fields.name.is_empty() || !fits(&fields.name, NAME_LENGTH_MAX) {
        let why = format!("has 1 to {NAME_LENGTH_MAX} characters, no space at either end and no control characters");
        wrong.push(Invalid::new("name", why));
    }
    wrong.extend(wrong_title(&fields.title));
    wrong
}

fn wrong_title(title: &str) -> Option<Invalid> {
    let why = || format!("has at most {TITLE_LENGTH_MAX} characters, no space at either end and no control characters");
    (!fits(title, TITLE_LENGTH_MAX)).then(|| Invalid::new("title", why()))
}

fn fits(text: &str, longest: usize) -> bool {
    text.trim() == text && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

fn title(fields: &UnitFields) -> String {
    if fields.title.is_empty() { fields.name.clone() } else { fields.title.clone() }
}

fn taken(error: crate::store::Error, name: &str) -> Error {
    match error {
        crate::store::Error::Taken(_) => Error::Conflict(format!("there is a unit «{name}» already: choose another name")),
        other => other.into(),
    }
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, unit: &Unit, mut detail: serde_json::Value) -> Result<(), Error> {
    if let Some(members) = detail.as_object_mut() {
        members.insert("unit".to_owned(), json!(UnitFields::from(unit)));
    }
    audit::record_in(tx, ctx, action, ("unit", &unit.id.to_string()), detail).await
}
