//! Units as a source states them: those it names are there, and those it names no more go when nothing hangs on them.

use std::collections::{BTreeSet, HashMap, HashSet};

use connectors::StatedUnit;
use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::unit_tree::{DEPTH_MAX, Tree};
use super::follow::rules_naming;
use super::{UnitFields, wrong_fields, wrong_title};
use crate::store::Tx;
use crate::store::establishment::unit::{self, UNITS_MAX, Unit};
use crate::store::establishment::{api_token, assignment_by_hand, audit_event, exclusion, user};
use crate::types::id::{SourceId, UnitId};

/// Most units that the trail names of one run; it always has their number.
const TRACED_MAX: usize = 100;
/// Units that people may still add by hand, however many sources state.
const ROOM_BY_HAND: usize = 500;
/// Longest part of a name that is told of one that does not fit, in characters.
const TOLD_LENGTH_MAX: usize = 80;
/// How often it is told of a source that names of its do not become units, in seconds: once a day.
const TOLD_EVERY_S: i64 = 24 * 3600;

/// What a source says of units.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// Units that its people are in.
    pub people: &'a HashSet<String>,
    /// Units that it keeps entries of, with their titles and which stands above which; none when it keeps no such entries.
    pub tree: Option<&'a [StatedUnit]>,
    /// Whether this is all it says.
    pub whole: bool,
}

/// Brings the tree to what a source states. Units it names and that are not there are added, as the source's. Of a whole reading, its own that
/// it names no more go, unless someone is in them, a role or a token was given for them, an exclusion or a rule names them or units stand below them. Where the source
/// keeps entries of units, title and place of its own are what those say; otherwise they are the administrators'. Names that do not fit, and units
/// beyond what an establishment has room for, are left out: people keep such a name, and the trail tells it once a day.
pub(in crate::services) async fn follow_in(tx: &mut Tx, ctx: &Context, source: SourceId, said: &Stated<'_>) -> Result<(), Error> {
    let tree = Tree::load(tx).await?;
    let names: BTreeSet<&str> =
        said.people.iter().map(String::as_str).chain(said.tree.into_iter().flatten().map(|unit| unit.name.as_str())).collect();
    let added = added_in(tx, ctx, source, &names, &tree).await?;
    let changed = match said.tree {
        Some(stated) => arranged_in(tx, ctx, source, stated).await?,
        None => 0,
    };
    let tree = if added.is_empty() && changed == 0 { tree } else { Tree::load(tx).await? };
    let gone: Vec<&str> = if said.whole { tree.of_source(source).map(|place| place.name.as_str()).collect() } else { Vec::new() };
    let gone: Vec<&str> = gone.into_iter().filter(|name| !names.contains(*name) && tree.children(name).is_empty()).collect();
    let removed = removed_in(tx, ctx, &tree, &gone).await?;
    if added.is_empty() && changed == 0 && removed.is_empty() {
        return Ok(());
    }
    let traced = |all: &[String]| all.iter().take(TRACED_MAX).cloned().collect::<Vec<_>>();
    let detail = json!({ "source": source, "added": added.len(), "changed": changed, "removed": removed.len(),
        "names_added": traced(&added), "names_removed": traced(&removed) });
    audit::record_in(tx, ctx, "units.stated", ("establishment", ctx.slug()), detail).await
}

/// Gives the source's units the titles and places that its entries say, those above first. Answers how many changed.
async fn arranged_in(tx: &mut Tx, ctx: &Context, source: SourceId, stated: &[StatedUnit]) -> Result<u64, Error> {
    let mut tree = Tree::load(tx).await?;
    let standing: HashMap<String, Unit> =
        unit::list_of_source(tx, source).await?.into_iter().map(|unit| (unit.name.clone(), unit)).collect();
    let mut changed = 0;
    for one in above_first(stated) {
        let Some(known) = standing.get(one.name.as_str()) else { continue };
        let parent = match &one.parent {
            None => None,
            Some(above) if tree.may_stand_below(&known.name, above) => tree.place(above).map(|place| place.id),
            Some(above) => {
                tracing::warn!(
                    unit = known.name,
                    above,
                    "a source puts a unit below one that is not there, below itself, or too deep: it stays"
                );
                known.parent_id
            }
        };
        let title = one.title.clone().filter(|title| wrong_title(title).is_none()).unwrap_or_else(|| known.name.clone());
        if known.parent_id == parent && known.title == title {
            continue;
        }
        tree.put(&known.name, parent);
        unit::update(tx, &Unit { title, parent_id: parent, updated_at: ctx.now, ..known.clone() }).await?;
        changed += 1;
    }
    Ok(changed)
}

/// Units in an order in which each comes after the one above it. What stands in a ring comes last.
fn above_first(stated: &[StatedUnit]) -> Vec<&StatedUnit> {
    let by_name: HashMap<&str, &StatedUnit> = stated.iter().map(|unit| (unit.name.as_str(), unit)).collect();
    let depth = |unit: &StatedUnit| {
        let mut above = unit.parent.as_deref();
        let mut depth = 0;
        while let Some(name) = above.filter(|_| depth <= DEPTH_MAX) {
            depth += 1;
            above = by_name.get(name).and_then(|unit| unit.parent.as_deref());
        }
        depth
    };
    let mut ordered: Vec<&StatedUnit> = stated.iter().collect();
    ordered.sort_by_key(|unit| depth(unit));
    ordered
}

async fn added_in(tx: &mut Tx, ctx: &Context, source: SourceId, stated: &BTreeSet<&str>, tree: &Tree) -> Result<Vec<String>, Error> {
    let fits = |name: &String| wrong_fields(&UnitFields { name: name.clone(), ..UnitFields::default() }).is_empty();
    let new = stated.iter().filter(|name| !tree.has(name)).map(|name| (*name).to_owned());
    let (mut names, unfit): (Vec<String>, Vec<String>) = new.partition(fits);
    let room = UNITS_MAX.saturating_sub(ROOM_BY_HAND).saturating_sub(tree.len());
    let beyond = names.split_off(room.min(names.len()));
    tell_in(tx, ctx, source, &unfit, &beyond).await?;
    let new = |name: &String| Unit {
        id: UnitId::new(),
        name: name.clone(),
        title: name.clone(),
        parent_id: None,
        parent: None,
        source_id: Some(source),
        source: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    unit::insert_all(tx, &names.iter().map(new).collect::<Vec<_>>()).await?;
    Ok(names)
}

/// Tells what does not become a unit, and why: once a day, since every reading and every turn of a feed would say the same.
async fn tell_in(tx: &mut Tx, ctx: &Context, source: SourceId, unfit: &[String], beyond: &[String]) -> Result<(), Error> {
    if unfit.is_empty() && beyond.is_empty() {
        return Ok(());
    }
    let subject = ("units_of_source", source.to_string());
    let told = audit_event::last_at(tx, "units.left_out", (subject.0, &subject.1)).await?;
    if told.is_some_and(|told| told.plus_s(TOLD_EVERY_S) > ctx.now) {
        return Ok(());
    }
    tracing::warn!(source.id = %source, unfit = unfit.len(), beyond = beyond.len(), "names of a source do not become units");
    let some =
        |all: &[String]| -> Vec<String> { all.iter().take(TRACED_MAX).map(|name| name.chars().take(TOLD_LENGTH_MAX).collect()).collect() };
    let detail = json!({ "source": source, "unfit": unfit.len(), "names_unfit": some(unfit), "beyond": beyond.len(), "names_beyond": some(beyond),
        "units_max": UNITS_MAX - ROOM_BY_HAND });
    audit::record_in(tx, ctx, "units.left_out", (subject.0, &subject.1), detail).await
}

async fn removed_in(tx: &mut Tx, ctx: &Context, tree: &Tree, gone: &[&str]) -> Result<Vec<String>, Error> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let peopled = user::units_of_everyone(tx).await?;
    let mut removed = Vec::new();
    for name in gone.iter().filter(|name| !peopled.contains(**name)) {
        let free = assignment_by_hand::count_in(tx, name).await? == 0
            && api_token::count_in_unit(tx, name, ctx.now).await? == 0
            && exclusion::count_in_unit(tx, name, ctx.now).await? == 0
            && rules_naming(tx, name).await?.is_empty();
        if let Some(place) = tree.place(name).filter(|_| free) {
            unit::delete(tx, place.id).await?;
            removed.push((*name).to_owned());
        }
    }
    Ok(removed)
}
