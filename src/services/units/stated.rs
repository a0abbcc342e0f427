//! Units as a source states them: those it names are there, and those it names no more go when nothing hangs on them.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::unit_tree::Tree;
use super::follow::rules_naming;
use super::{UnitFields, wrong_fields};
use crate::store::Tx;
use crate::store::establishment::unit::{self, UNITS_MAX, Unit};
use crate::store::establishment::{assignment_by_hand, user};
use crate::types::id::{SourceId, UnitId};

/// Most units that the trail names of one run; it always has their number.
const TRACED_MAX: usize = 100;

/// Brings the tree to what a source states. Units it names and that are not there are added at the top, as the source's; with `whole`, its own
/// that it names no more go, unless someone is in them, a role was given for them, a rule names them or units stand below them. Title and
/// place of a unit are nobody's but the administrators'.
pub(in crate::services) async fn follow_in(
    tx: &mut Tx,
    ctx: &Context,
    source: SourceId,
    stated: &BTreeSet<String>,
    whole: bool,
) -> Result<(), Error> {
    let tree = Tree::load(tx).await?;
    let added = added_in(tx, ctx, source, stated, &tree).await?;
    let gone: Vec<&str> = if whole { tree.of_source(source).map(|place| place.name.as_str()).collect() } else { Vec::new() };
    let gone: Vec<&str> = gone.into_iter().filter(|name| !stated.contains(*name) && tree.children(name).is_empty()).collect();
    let removed = removed_in(tx, &tree, &gone).await?;
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let named = |all: &[String]| all.iter().take(TRACED_MAX).cloned().collect::<Vec<_>>();
    let detail = json!({ "source": source, "added": added.len(), "removed": removed.len(), "names_added": named(&added),
        "names_removed": named(&removed) });
    audit::record_in(tx, ctx, "units.stated", ("establishment", ctx.slug()), detail).await
}

async fn added_in(tx: &mut Tx, ctx: &Context, source: SourceId, stated: &BTreeSet<String>, tree: &Tree) -> Result<Vec<String>, Error> {
    let fits = |name: &&String| !tree.has(name) && wrong_fields(&UnitFields { name: (*name).clone(), ..UnitFields::default() }).is_empty();
    let mut names: Vec<String> = stated.iter().filter(fits).cloned().collect();
    let room = UNITS_MAX.saturating_sub(tree.len());
    if names.len() > room {
        tracing::warn!(source.id = %source, left_out = names.len() - room, "more units are stated than an establishment may have");
        names.truncate(room);
    }
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

async fn removed_in(tx: &mut Tx, tree: &Tree, gone: &[&str]) -> Result<Vec<String>, Error> {
    if gone.is_empty() {
        return Ok(Vec::new());
    }
    let peopled = user::units_of_everyone(tx).await?;
    let mut removed = Vec::new();
    for name in gone.iter().filter(|name| !peopled.contains(**name)) {
        let free = assignment_by_hand::count_in(tx, name).await? == 0 && rules_naming(tx, name).await?.is_empty();
        if let Some(place) = tree.place(name).filter(|_| free) {
            unit::delete(tx, place.id).await?;
            removed.push((*name).to_owned());
        }
    }
    Ok(removed)
}
