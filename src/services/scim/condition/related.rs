//! Conditions on what a store knows of a resource by other means than its values: its schemas, its members, the groups that it is in.

use serde_json::{Value, json};

use super::super::error::ScimError;
use super::super::evaluate::element_fulfils;
use super::super::filter::{Filter, Op, Operand};
use super::super::schema::{AttrRef, Kind, Schema};
use super::super::values::is_indexed;
use super::{key_named, test, unfit};
use crate::store::establishment::scim_search::{TextColumn, Where};

/// A condition that one value of such a list fulfils.
///
/// # Errors
/// `invalidFilter` for what no store can look for.
pub(super) fn element(kind: Kind, list: AttrRef, filter: &Filter) -> Result<Where, ScimError> {
    match (list.attribute.name, filter) {
        ("schemas", _) => Ok(schemas(kind, filter)),
        ("members" | "groups", Filter::Or(filters)) => {
            Ok(Where::Any(filters.iter().map(|one| element(kind, list, one)).collect::<Result<_, _>>()?))
        }
        ("members", _) => {
            let (person, group) = (one_of(Kind::User, kind, filter)?, one_of(Kind::Group, kind, filter)?);
            Ok(narrowed(filter, Where::Member, Where::MemberWith(Box::new(person), Box::new(group))))
        }
        ("groups", _) => {
            let group = one_of(Kind::Group, kind, filter)?;
            Ok(narrowed(filter, Where::InGroup, Where::GroupWith(Box::new(group))))
        }
        _ => Err(unfit(list, "cannot be filtered")),
    }
}

/// A resource has its own schema, and each of which it has a value.
fn schemas(kind: Kind, filter: &Filter) -> Where {
    let named = |schema: &&Schema| element_fulfils(filter, &Value::String(schema.urn.to_owned()));
    Where::Any(kind.schemas().iter().filter(named).map(has_schema).collect())
}

fn has_schema(schema: &'static Schema) -> Where {
    if schema.code.is_empty() {
        return Where::Constant(true);
    }
    let whole = schema.attributes.iter().map(|attribute| AttrRef { extension: Some(schema), attribute, sub: None });
    Where::Any(whole.filter(is_indexed).map(|attr| Where::HasValue(attr.key())).collect())
}

/// Whoever is named by an identifier is found by it, and nothing else is looked at before.
fn narrowed(filter: &Filter, by_key: impl Fn(uuid::Uuid) -> Where, whole: Where) -> Where {
    let key = |part: &Filter| match part {
        Filter::Compare { attr, op: Op::Equal, value: Operand::Text(text) } if is_key(*attr) => {
            Some(key_named(text).map_or(Where::Constant(false), &by_key))
        }
        _ => None,
    };
    match filter {
        Filter::And(parts) => match parts.iter().find_map(key) {
            Some(found) => Where::All(vec![found, whole]),
            None => whole,
        },
        one => key(one).unwrap_or(whole),
    }
}

fn is_key(attr: AttrRef) -> bool {
    attr.sub.is_some_and(|sub| sub.name == "value")
}

/// What a member, or a group of someone's, that is of kind `is` has to be. `of` is what it is in, or who is in it.
fn one_of(is: Kind, of: Kind, filter: &Filter) -> Result<Where, ScimError> {
    let each = |filters: &[Filter]| filters.iter().map(|one| one_of(is, of, one)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::And(filters) => Where::All(each(filters)?),
        Filter::Or(filters) => Where::Any(each(filters)?),
        Filter::Not(one) => Where::Not(Box::new(one_of(is, of, one)?)),
        // All parts of both are always there.
        Filter::Present(_) => Where::Constant(true),
        Filter::Compare { attr, op, value: Operand::Text(text) } => part(is, of, *attr, *op, text)?,
        Filter::Compare { attr, .. } => return Err(unfit(*attr, "cannot be filtered like this")),
        // The grammar has no brackets within brackets.
        Filter::Element { .. } => Where::Constant(false),
    })
}

fn part(is: Kind, of: Kind, attr: AttrRef, op: Op, text: &str) -> Result<Where, ScimError> {
    let column = |column: TextColumn| test(op, text).map_or(Where::Constant(true), |how| Where::Text(column, how));
    match attr.sub.map_or("value", |sub| sub.name) {
        "value" if op == Op::Equal => Ok(key_named(text).map_or(Where::Constant(false), Where::Key)),
        "value" => Ok(column(key_column(is))),
        "type" => {
            let said = if of == Kind::Group { is.name() } else { "direct" };
            let compared = Filter::Compare { attr, op, value: Operand::Text(text.to_owned()) };
            Ok(Where::Constant(element_fulfils(&compared, &json!({ "type": said }))))
        }
        "display" if is == Kind::Group => Ok(column(TextColumn::Name)),
        _ => Err(unfit(attr, "cannot be filtered: ask for `value` or `type`")),
    }
}

/// The column of a key as text.
pub(super) const fn key_column(kind: Kind) -> TextColumn {
    match kind {
        Kind::User => TextColumn::PersonKey,
        Kind::Group => TextColumn::GroupKey,
    }
}
