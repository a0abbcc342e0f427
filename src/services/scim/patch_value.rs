//! One change of one attribute, as a PATCH operation asks for it. Who may ask is known already.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::evaluate::element_fulfils;
use super::grammar::{Literal, Operator, Tree};
use super::patch::{Selected, Target, Verb};
use super::resource_value::{Form, VALUES_MAX, each_once, element, has_substance, is_primary, merge_same, parts_of_element, settle};
use super::schema::{AttrRef, Attribute, Mutability, resolve_sub};

/// What is to be done, and where.
pub(super) struct Change<'a> {
    pub(super) target: &'a Target,
    pub(super) verb: Verb,
    pub(super) value: Option<&'a Value>,
}

/// Does it.
///
/// # Errors
/// `noTarget`, `mutability`, `invalidValue`.
pub(super) fn change(resource: &mut Map<String, Value>, change: &Change) -> Result<(), ScimError> {
    let attr = change.target.attr;
    let done = match attr.extension {
        None => within(resource, change),
        Some(schema) => {
            let mut inner = match resource.remove(schema.urn) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            let done = within(&mut inner, change);
            if !inner.is_empty() {
                resource.insert(schema.urn.to_owned(), Value::Object(inner));
            }
            done
        }
    };
    if attr.attribute.required && !resource.contains_key(attr.attribute.name) && done.is_ok() {
        return Err(match change.verb {
            // RFC 7644 §3.5.2.2.
            Verb::Remove => ScimError::mutability(format!("{attr} is required, and cannot be removed")),
            _ => ScimError::invalid_value(format!("{attr} is required")),
        });
    }
    done
}

fn within(map: &mut Map<String, Value>, change: &Change) -> Result<(), ScimError> {
    let Change { target, verb, value } = change;
    let attr = target.attr;
    match (&target.selected, attr.sub) {
        (Some(selected), _) => select(map, attr, *verb, selected, *value),
        (None, Some(sub)) if attr.attribute.multi_valued => every(map, attr, *verb, sub, *value),
        (None, Some(_)) => one_part(map, attr, *verb, *value),
        (None, None) if attr.attribute.multi_valued => list(map, attr, *verb, *value),
        (None, None) => single(map, attr, *verb, *value),
    }
}

/// A plain value, or one with parts, of which those that are not named stay (RFC 7644 §3.5.2.3).
fn single(map: &mut Map<String, Value>, attr: AttrRef, verb: Verb, value: Option<&Value>) -> Result<(), ScimError> {
    let name = attr.attribute.name;
    let settled = settled(attr, verb, value)?;
    if let (Some(Value::Object(standing)), Some(Value::Object(asked))) = (map.get_mut(name), value.filter(|_| verb == Verb::Replace)) {
        standing.retain(|part, _| !asked.iter().any(|(name, value)| value.is_null() && name.eq_ignore_ascii_case(part)));
    }
    match (settled, map.get_mut(name)) {
        (Some(Value::Object(new)), Some(Value::Object(standing))) => {
            // A reference to someone else keeps nothing of the one before.
            if new.get("value").is_some_and(|value| standing.get("value") != Some(value)) {
                standing.clear();
            }
            standing.extend(new);
        }
        (Some(new), _) => drop(map.insert(name.to_owned(), new)),
        (None, _) if verb == Verb::Add || value.is_some_and(Value::is_object) => {}
        (None, _) => drop(map.remove(name)),
    }
    if map.get(name).and_then(Value::as_object).is_some_and(Map::is_empty) {
        map.remove(name);
    }
    Ok(())
}

fn one_part(map: &mut Map<String, Value>, attr: AttrRef, verb: Verb, value: Option<&Value>) -> Result<(), ScimError> {
    let name = attr.attribute.name;
    let settled = settled(attr, verb, value)?;
    let mut parts = match map.remove(name) {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    };
    put(&mut parts, attr.leaf(), settled, verb);
    if !parts.is_empty() {
        map.insert(name.to_owned(), Value::Object(parts));
    }
    Ok(())
}

fn list(map: &mut Map<String, Value>, attr: AttrRef, verb: Verb, value: Option<&Value>) -> Result<(), ScimError> {
    let name = attr.attribute.name;
    let asked = value.filter(|value| !value.is_null());
    if verb == Verb::Remove {
        let Some(asked) = asked else {
            map.remove(name);
            return Ok(());
        };
        let gone = items(settle(attr, asked.clone(), Form::Patch)?);
        let mut standing = items(map.remove(name));
        standing.retain(|item| !gone.iter().any(|gone| is_meant(gone, item)));
        return store(map, attr, standing, &[]);
    }
    let new = items(settled(attr, verb, value)?);
    if verb == Verb::Replace {
        map.remove(name);
        return store(map, attr, new, &[]);
    }
    let mut standing = items(map.remove(name));
    let mut touched = Vec::with_capacity(new.len());
    for item in new {
        touched.push(append(attr.attribute, &mut standing, item));
    }
    store(map, attr, standing, &touched)
}

/// The same part of every value.
fn every(map: &mut Map<String, Value>, attr: AttrRef, verb: Verb, sub: &'static Attribute, value: Option<&Value>) -> Result<(), ScimError> {
    let settled = settled(attr, verb, value)?;
    let mut standing = items(map.remove(attr.attribute.name));
    keeps(attr, sub, !standing.is_empty())?;
    if standing.is_empty() && settled.is_some() {
        standing.push(Value::Object(Map::new()));
    }
    for item in &mut standing {
        if let Value::Object(parts) = item {
            put(parts, sub, settled.clone(), verb);
        }
    }
    let touched: Vec<usize> = (0..standing.len()).collect();
    store(map, attr.whole(), standing, &touched)
}

/// The selected values of a list, or one part of each.
fn select(map: &mut Map<String, Value>, attr: AttrRef, verb: Verb, selected: &Selected, value: Option<&Value>) -> Result<(), ScimError> {
    let mut standing = items(map.remove(attr.attribute.name));
    let mut touched: Vec<usize> =
        standing.iter().enumerate().filter(|(_, item)| element_fulfils(&selected.filter, item)).map(|(at, _)| at).collect();
    if touched.is_empty() {
        // Entra ID takes away by such a path what it may never have set.
        if verb == Verb::Remove && selected.sub.is_some() && pinned(attr, &selected.tree, &mut Map::new()) {
            return store(map, attr, standing, &[]);
        }
        let made = if verb == Verb::Remove { None } else { made(attr, verb, selected, value)? };
        let Some(made) = made else { return Err(ScimError::no_target(format!("no value of {attr} is selected by the path"))) };
        touched.push(append(attr.attribute, &mut standing, made));
        return store(map, attr, standing, &touched);
    }
    if let Some(sub) = selected.sub {
        keeps(attr, sub, true)?;
        let settled = settled(attr.part(sub), verb, value)?;
        for at in &touched {
            if let Some(Value::Object(parts)) = standing.get_mut(*at) {
                put(parts, sub, settled.clone(), verb);
            }
        }
        return store(map, attr, standing, &touched);
    }
    let new = match value.filter(|_| verb != Verb::Remove) {
        // What is added to a value need not be one by itself.
        Some(value) if verb == Verb::Add => parts_of_element(attr, bare(value.clone()), Form::Patch)?,
        Some(value) => element(attr, bare(value.clone()), Form::Patch)?,
        None => None,
    };
    match (verb, new) {
        (Verb::Add, None) => {}
        (Verb::Remove | Verb::Replace, None) => {
            let mut at = 0;
            standing.retain(|_| {
                at += 1;
                !touched.contains(&(at - 1))
            });
            touched.clear();
        }
        (_, Some(new)) => {
            for at in &touched {
                match (verb, standing.get_mut(*at), &new) {
                    (Verb::Add, Some(Value::Object(parts)), Value::Object(new)) => parts.extend(new.clone()),
                    (_, Some(item), new) => *item = new.clone(),
                    (_, None, _) => {}
                }
            }
        }
    }
    store(map, attr, standing, &touched)
}

/// A value that the path selects by its parts, and that there is not: Entra ID sets `emails[type eq "work"].value` without asking whether there is one. `None` when the path does not say
/// what it would be.
fn made(attr: AttrRef, verb: Verb, selected: &Selected, value: Option<&Value>) -> Result<Option<Value>, ScimError> {
    let Some(value) = value.filter(|_| verb == Verb::Add || selected.sub.is_some()) else { return Ok(None) };
    let mut parts = Map::new();
    if !pinned(attr, &selected.tree, &mut parts) {
        return Ok(None);
    }
    match (selected.sub, bare(value.clone())) {
        (Some(sub), value) => drop(parts.insert(sub.name.to_owned(), value)),
        (None, Value::Object(new)) => parts.extend(new),
        (None, plain) => drop(parts.insert("value".to_owned(), plain)),
    }
    element(attr, Value::Object(parts), Form::Patch)
}

/// What a selection says of the value, when it says it all by `eq` and `and`.
fn pinned(attr: AttrRef, tree: &Tree, parts: &mut Map<String, Value>) -> bool {
    match tree {
        Tree::And(items) => items.iter().all(|item| pinned(attr, item, parts)),
        Tree::Compare(name, Operator::Eq, literal) => {
            let Some(sub) = resolve_sub(attr, name).and_then(|part| part.sub) else { return false };
            let value = match literal {
                Literal::Text(text) | Literal::Number(text) => Value::String(text.clone()),
                Literal::Truth(yes) => Value::Bool(*yes),
                Literal::Null => return true,
            };
            parts.insert(sub.name.to_owned(), value);
            true
        }
        _ => false,
    }
}

/// A part that is written once stays as it is.
fn keeps(attr: AttrRef, sub: &Attribute, stands: bool) -> Result<(), ScimError> {
    if stands && sub.mutability == Mutability::Immutable {
        return Err(ScimError::mutability(format!(
            "{}.{} is written once: remove the value, and add another",
            attr.attribute.name, sub.name
        )));
    }
    Ok(())
}

fn settled(attr: AttrRef, verb: Verb, value: Option<&Value>) -> Result<Option<Value>, ScimError> {
    match value {
        Some(value) if verb != Verb::Remove => settle(attr, value.clone(), Form::Patch),
        _ => Ok(None),
    }
}

fn put(parts: &mut Map<String, Value>, sub: &Attribute, value: Option<Value>, verb: Verb) {
    match value {
        Some(value) => drop(parts.insert(sub.name.to_owned(), value)),
        None if verb == Verb::Add => {}
        None => drop(parts.remove(sub.name)),
    }
}

fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// One value out of the list that it may stand in.
fn bare(value: Value) -> Value {
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().unwrap_or(Value::Null),
        other => other,
    }
}

/// Whether a value that is to go is this one: by its `value`, or by everything that is said of it.
fn is_meant(gone: &Value, item: &Value) -> bool {
    let (Value::Object(gone), Value::Object(parts)) = (gone, item) else { return gone == item };
    gone.iter().all(|(name, value)| name == "display" || parts.get(name) == Some(value))
}

/// Adds a value, unless it is there; its place.
fn append(attribute: &Attribute, standing: &mut Vec<Value>, item: Value) -> usize {
    if let Some(at) = standing.iter_mut().position(|other| merge_same(attribute, other, &item)) {
        return at;
    }
    standing.push(item);
    standing.len() - 1
}

/// Puts a list back: each value once, those touched last deciding which one is primary (RFC 7644 §3.5.2).
fn store(map: &mut Map<String, Value>, attr: AttrRef, mut standing: Vec<Value>, touched: &[usize]) -> Result<(), ScimError> {
    let primary: Vec<usize> = touched.iter().copied().filter(|at| standing.get(*at).is_some_and(is_primary)).collect();
    match primary.as_slice() {
        [] => {}
        [only] => {
            for (at, item) in standing.iter_mut().enumerate() {
                if let Some(primary) = item.get_mut("primary").filter(|_| at != *only) {
                    *primary = Value::Bool(false);
                }
            }
        }
        _ => return Err(ScimError::invalid_value(format!("{attr}: more than one would be primary"))),
    }
    standing.retain(|item| has_substance(attr.attribute, item));
    let mut kept: Vec<Value> = Vec::with_capacity(standing.len());
    if each_once(attr.attribute, &standing) {
        kept = standing;
    } else {
        for item in standing {
            append(attr.attribute, &mut kept, item);
        }
    }
    if kept.len() > VALUES_MAX && attr.attribute.name != "members" {
        return Err(ScimError::invalid_value(format!("{attr}: more than {VALUES_MAX} values")));
    }
    if !kept.is_empty() {
        map.insert(attr.attribute.name.to_owned(), Value::Array(kept));
    }
    Ok(())
}
