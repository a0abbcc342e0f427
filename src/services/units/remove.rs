//! Removing a unit: refused while something hangs on it, unless another unit takes that over.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles;
use super::super::unit_tree::Tree;
use super::super::users;
use super::follow::rules_naming;
use super::{NamingRule, get_in, record_in};
use crate::store::Tx;
use crate::store::establishment::unit::{self, Unit};
use crate::store::establishment::{api_token, assignment_by_hand, campaign, exclusion, review_item, user};
use crate::types::id::UnitId;
use crate::types::permission::Permission;

/// What went to another unit when one was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Removed {
    /// Units that stood below it.
    pub units: u64,
    /// People who were in it.
    pub people: u64,
    /// Roles given by hand whose scope it was.
    pub assignments: u64,
    /// Rules that speak of it.
    pub rules: Vec<NamingRule>,
}

/// Removes a unit. Units below it, people in it, and roles given by hand, API tokens and exclusions for it go to the unit `move_to`; without one,
/// there must be none.
///
/// # Errors
/// `NotFound`; `Conflict` while something hangs on it; `Invalid` when `move_to` is unknown or stands below it; `Forbidden` when the caller's
/// own roles would change.
pub async fn remove(ctx: &Context, id: UnitId, move_to: Option<&str>) -> Result<Removed, Error> {
    ctx.require(Permission::ManageUnits)?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let gone = get_in(&mut tx, id).await?;
    let tree = Tree::load(&mut tx).await?;
    let rules = rules_naming(&mut tx, &gone.name).await?;
    let removed = if let Some(heir) = move_to {
        Removed { rules, ..hand_over(&mut tx, ctx, &tree, &gone, heir).await? }
    } else {
        nothing_hangs_on(&mut tx, ctx, &tree, &gone).await?;
        Removed { rules, ..Removed::default() }
    };
    unit::delete(&mut tx, id).await?;
    let detail = json!({ "move_to": move_to, "units": removed.units, "people": removed.people, "assignments": removed.assignments });
    record_in(&mut tx, ctx, "unit.deleted", &gone, detail).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(removed)
}

async fn hand_over(tx: &mut Tx, ctx: &Context, tree: &Tree, gone: &Unit, heir: &str) -> Result<Removed, Error> {
    let heir_place = tree.parent_for(Some(&gone.name), heir).map_err(|invalid| Error::invalid("move_to", invalid.message))?;
    let own = roles::own::Own::of_actor_in(tx, ctx).await?;
    let units = unit::move_children(tx, gone.id, Some(heir_place.id), ctx.now).await?;
    let people = users::put_in_unit_in(tx, ctx, &gone.name, Some(heir)).await?;
    let assignments = assignment_by_hand::rename_scope(tx, &gone.name, heir).await?;
    api_token::rename_unit(tx, &gone.name, heir).await?;
    exclusion::rename_scope(tx, &gone.name, heir).await?;
    roles::recompute_users_in(tx, ctx, &people).await?;
    review_item::follow_scope(tx, &gone.name, heir).await?;
    campaign::rename_unit(tx, &gone.name, heir).await?;
    own.unchanged_in(tx).await?;
    Ok(Removed { units, people: people.len() as u64, assignments, rules: Vec::new() })
}

async fn nothing_hangs_on(tx: &mut Tx, ctx: &Context, tree: &Tree, gone: &Unit) -> Result<(), Error> {
    let below = tree.children(&gone.name).len();
    let people = user::count_in_unit(tx, &gone.name).await?;
    let assignments = assignment_by_hand::count_in(tx, &gone.name).await?;
    let tokens = api_token::count_in_unit(tx, &gone.name, ctx.now).await?;
    let exclusions = exclusion::count_in_unit(tx, &gone.name, ctx.now).await?;
    if below == 0 && [people, assignments, tokens, exclusions] == [0; 4] {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "on «{}» hang units below: {below}, people: {people}, roles given by hand: {assignments}, API tokens: {tokens}, \
         exclusions: {exclusions}. Name the unit that takes them over with move_to",
        gone.name
    )))
}
