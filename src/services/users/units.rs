//! People change units with the units themselves. Whom a source describes, the source places.

use super::super::context::Context;
use super::super::error::Error;
use super::super::unit_tree::Tree;
use crate::store::Tx;
use crate::store::establishment::{link, user};
use crate::types::Invalid;
use crate::types::id::UserId;

/// People looked at in one step.
const STEP: i64 = 1_000;
/// Most units of one person.
const UNITS_OF_ONE_MAX: usize = 100;

/// Units of someone as they are kept: each once, without space at its ends.
///
/// # Errors
/// `Invalid` with the place in the list.
pub fn regular(named: &[String]) -> Result<Vec<String>, Error> {
    if named.len() > UNITS_OF_ONE_MAX {
        return Err(Error::invalid("units", format!("someone has at most {UNITS_OF_ONE_MAX} units")));
    }
    let mut units: Vec<String> = Vec::with_capacity(named.len());
    for (at, raw) in named.iter().enumerate() {
        let field = format!("units[{at}]");
        let unit = super::name(&field, Some(raw))?.ok_or_else(|| Error::invalid(field, "must not be empty"))?;
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    Ok(units)
}

/// Checks units that a person chose for someone against the tree. While there is none, every name is taken.
///
/// # Errors
/// `Invalid` for each that the tree does not have, with the nearest ones.
pub async fn check_in(tx: &mut Tx, home_unit: Option<&str>, units: &[String]) -> Result<(), Error> {
    if home_unit.is_none() && units.is_empty() {
        return Ok(());
    }
    let tree = Tree::load(tx).await?;
    let home = home_unit.and_then(|unit| tree.check("home_unit", unit).err());
    let others = units.iter().enumerate().filter_map(|(at, unit)| tree.check(&format!("units[{at}]"), unit).err());
    let wrong: Vec<Invalid> = home.into_iter().chain(others).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Everyone in a unit is in another one from now on, or in none. Answers who; their roles are the caller's to recompute.
///
/// # Errors
/// `Conflict` when a source describes one of them: what it states comes back with the next sync.
pub(in crate::services) async fn put_in_unit_in(tx: &mut Tx, ctx: &Context, from: &str, to: Option<&str>) -> Result<Vec<UserId>, Error> {
    let mut moved = Vec::new();
    let mut after = None;
    loop {
        let people = user::list_in_unit(tx, from, after, STEP).await?;
        let Some(last) = people.last() else { return Ok(moved) };
        after = Some(last.id);
        let keys: Vec<UserId> = people.iter().map(|person| person.id).collect();
        if let Some((id, owner)) = link::list_named_of_users(tx, &keys).await?.into_iter().find(|(_, link)| link.present) {
            let who = people.iter().find(|person| person.id == id).map_or("?", |person| person.username.as_str());
            return Err(Error::Conflict(format!(
                "the source «{}» describes people in «{from}», {who} among them: change their unit there, and sync",
                owner.source
            )));
        }
        for mut person in people {
            if person.home_unit.as_deref() == Some(from) {
                person.home_unit = to.map(str::to_owned);
            }
            let had = person.units.len();
            person.units.retain(|unit| unit != from);
            let was_in = person.units.len() < had;
            person.units.extend(to.filter(|to| was_in && !person.units.iter().any(|unit| unit == to)).map(str::to_owned));
            person.updated_at = ctx.now;
            user::update(tx, &person).await?;
            moved.push(person.id);
        }
    }
}
