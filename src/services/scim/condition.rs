//! Filters, orders and cursors as a store understands them. What a store cannot look for is refused, never answered wrongly.

mod related;

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use uuid::Uuid;

use super::error::ScimError;
use super::evaluate::element_fulfils;
use super::filter::{Filter, Op, Operand};
use super::schema::{AttrRef, Kind, Type};
use super::values::{head, is_indexed};
use super::writing::HOT;
use crate::store::establishment::scim_search::{NumberColumn, Order, SortKey, Test, TextColumn, Where};
use crate::types::id::SourceId;

/// Milliseconds of a second.
const SECOND_MS: i64 = 1000;

/// A filter as a condition.
///
/// # Errors
/// `invalidFilter`.
pub fn of(kind: Kind, filter: &Filter) -> Result<Where, ScimError> {
    let all = |filters: &[Filter]| filters.iter().map(|one| of(kind, one)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::And(filters) => Where::All(all(filters)?),
        Filter::Or(filters) => Where::Any(all(filters)?),
        Filter::Not(one) => Where::Not(Box::new(of(kind, one)?)),
        Filter::Present(attr) => present(kind, *attr)?,
        Filter::Compare { attr, op, value } => compare(kind, *attr, *op, value)?,
        Filter::Element { attr, filter } if is_indexed(attr) => element(*attr, filter),
        Filter::Element { attr, filter } => related::element(kind, *attr, filter)?,
    })
}

/// A condition on one element; what an index knows of it narrows the resources first.
fn element(attr: AttrRef, filter: &Filter) -> Where {
    let inside = Where::Element(attr.key(), Box::new(within(filter)));
    let parts = if let Filter::And(parts) = filter { parts.as_slice() } else { std::slice::from_ref(filter) };
    let narrowed = parts.iter().find_map(|part| match part {
        Filter::Compare { attr, op: Op::Equal, value: Operand::Text(text) } => by_index(&attr.key(), text),
        _ => None,
    });
    match narrowed {
        Some(narrowed) => Where::All(vec![narrowed, inside]),
        None => inside,
    }
}

fn within(filter: &Filter) -> Where {
    match filter {
        Filter::And(filters) => Where::All(filters.iter().map(within).collect()),
        Filter::Or(filters) => Where::Any(filters.iter().map(within).collect()),
        Filter::Not(one) => Where::Not(Box::new(within(one))),
        Filter::Present(attr) => Where::HasValue(attr.key()),
        Filter::Compare { attr, op, value } => each_value(&attr.key(), *op, value),
        // The grammar has no brackets within brackets.
        Filter::Element { .. } => Where::Constant(false),
    }
}

fn present(kind: Kind, attr: AttrRef) -> Result<Where, ScimError> {
    Ok(match attr.key().as_str() {
        "id" | "schemas" | "username" | "meta" | "meta.resourcetype" | "meta.created" | "meta.lastmodified" | "meta.location"
        | "meta.version" => Where::Constant(true),
        "externalid" => Where::HasExternalId,
        "members" | "members.value" | "members.type" | "members.$ref" | "members.display" => Where::HasMembers,
        "groups" | "groups.value" | "groups.type" | "groups.$ref" | "groups.display" => Where::HasGroups,
        "displayname" if kind == Kind::Group => Where::Constant(true),
        key if is_indexed(&attr) => Where::HasValue(key.to_owned()),
        _ => return Err(unfit(attr, "cannot be filtered")),
    })
}

fn compare(kind: Kind, attr: AttrRef, op: Op, value: &Operand) -> Result<Where, ScimError> {
    let key = attr.key();
    match (key.as_str(), value) {
        ("id", Operand::Text(text)) if op == Op::Equal => Ok(key_named(text).map_or(Where::Constant(false), Where::Key)),
        ("id", Operand::Text(text)) => Ok(column(related::key_column(kind), op, text)),
        ("externalid", Operand::Text(text)) => Ok(column(TextColumn::ExternalId, op, text)),
        ("username", Operand::Text(text)) => Ok(column(TextColumn::Name, op, text)),
        ("displayname", Operand::Text(text)) if kind == Kind::Group => Ok(column(TextColumn::Name, op, text)),
        ("meta.created", Operand::Instant(at)) => Ok(instant(NumberColumn::CreatedAt, op, *at)),
        ("meta.lastmodified", Operand::Instant(at)) => Ok(instant(NumberColumn::UpdatedAt, op, *at)),
        // That of a person is not the revision alone: see `versions`.
        ("meta.version", Operand::Text(text)) if op == Op::Equal && kind == Kind::Group => Ok(version(text)),
        ("meta.resourcetype", _) => {
            let compared = Filter::Compare { attr, op, value: value.clone() };
            Ok(Where::Constant(element_fulfils(&compared, &json!({ "resourceType": kind.name() }))))
        }
        _ if matches!(attr.attribute.name, "schemas" | "members" | "groups") => {
            related::element(kind, attr.whole(), &Filter::Compare { attr, op, value: value.clone() })
        }
        (key, value) if is_indexed(&attr) => Ok(value_test(key, op, value)),
        _ => Err(unfit(attr, "cannot be filtered like this")),
    }
}

fn unfit(attr: AttrRef, why: &str) -> ScimError {
    ScimError::invalid_filter(format!("{attr} {why}"))
}

/// Identifiers are exact: only as the gateway writes them.
fn key_named(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().filter(|id| id.to_string() == text)
}

fn version(text: &str) -> Where {
    let rev = text.strip_prefix("W/\"").and_then(|rest| rest.strip_suffix('"')).and_then(|rev| rev.parse::<i64>().ok());
    match rev.filter(|rev| format!("W/\"{rev}\"") == text) {
        Some(rev) => Where::Number(NumberColumn::Rev, Order::Is, rev),
        None => Where::Constant(false),
    }
}

fn column(column: TextColumn, op: Op, text: &str) -> Where {
    match test(op, text) {
        Some(how) => Where::Text(column, how),
        // Every text contains nothing, begins and ends with it.
        None if column == TextColumn::ExternalId => Where::HasExternalId,
        None => Where::Constant(true),
    }
}

fn value_test(key: &str, op: Op, value: &Operand) -> Where {
    let compared = each_value(key, op, value);
    match (op, value) {
        (Op::Equal, Operand::Text(text)) => match by_index(key, text) {
            // A text that is shorter than beginnings are is its own.
            Some(indexed) if head(text) == text && head(&format!("{text}.")) != text => indexed,
            Some(indexed) => Where::All(vec![indexed, compared]),
            None => compared,
        },
        _ => compared,
    }
}

fn each_value(key: &str, op: Op, value: &Operand) -> Where {
    match value {
        Operand::Text(text) => test(op, text).map_or_else(|| Where::HasValue(key.to_owned()), |how| Where::Value(key.to_owned(), how)),
        Operand::Boolean(yes) => Where::ValueNumber(key.to_owned(), Order::Is, i64::from(*yes)),
        Operand::Instant(at) => match order(op) {
            Some(order) => Where::ValueNumber(key.to_owned(), order, *at),
            None => Where::Constant(false),
        },
    }
}

fn by_index(key: &str, text: &str) -> Option<Where> {
    HOT.contains(&key).then(|| Where::Indexed { attribute: key.to_owned(), head: head(text).to_owned() })
}

fn test(op: Op, text: &str) -> Option<Test> {
    let text = text.to_owned();
    Some(match op {
        Op::Equal => Test::Is(text),
        Op::Contains | Op::StartsWith | Op::EndsWith if text.is_empty() => return None,
        Op::Contains => Test::Contains(text),
        Op::StartsWith => Test::Begins(text),
        Op::EndsWith => Test::Ends(text),
        Op::Greater => Test::Above(text),
        Op::GreaterOrEqual => Test::AtLeast(text),
        Op::Less => Test::Below(text),
        Op::LessOrEqual => Test::AtMost(text),
    })
}

fn order(op: Op) -> Option<Order> {
    Some(match op {
        Op::Equal => Order::Is,
        Op::Greater => Order::Above,
        Op::GreaterOrEqual => Order::AtLeast,
        Op::Less => Order::Below,
        Op::LessOrEqual => Order::AtMost,
        Op::Contains | Op::StartsWith | Op::EndsWith => return None,
    })
}

/// Columns hold whole seconds: what lies between two of them is compared with the nearer one on its side.
fn instant(column: NumberColumn, op: Op, at_ms: i64) -> Where {
    let (second, rest) = (at_ms.div_euclid(SECOND_MS), at_ms.rem_euclid(SECOND_MS));
    match (order(op), rest) {
        (None, _) | (Some(Order::Is), 1..) => Where::Constant(false),
        (Some(Order::Below), 1..) => Where::Number(column, Order::AtMost, second),
        (Some(Order::AtLeast), 1..) => Where::Number(column, Order::Above, second),
        (Some(order), _) => Where::Number(column, order, second),
    }
}

/// What a list is ordered by.
///
/// # Errors
/// `invalidValue` for what has no order here.
pub fn sort_key(kind: Kind, by: &AttrRef) -> Result<SortKey, ScimError> {
    let number = matches!(by.leaf().typ, Type::Boolean | Type::DateTime);
    Ok(match by.key().as_str() {
        "username" => SortKey::Name,
        "displayname" if kind == Kind::Group => SortKey::Name,
        "externalid" => SortKey::ExternalId,
        // Identifiers grow with time.
        "id" | "meta.created" => SortKey::CreatedAt,
        "meta.lastmodified" => SortKey::UpdatedAt,
        key if is_indexed(by) && number => SortKey::Number(key.to_owned()),
        key if is_indexed(by) => SortKey::Text(key.to_owned()),
        _ => return Err(ScimError::invalid_value(format!("sortBy: {by} has no order here"))),
    })
}

/// What ties a cursor to the list that it was given for, and to its feed.
pub fn mark(source: SourceId, kind: Kind, wanted: &Where, sort: Option<&(SortKey, bool)>) -> u32 {
    let mut hasher = DefaultHasher::new();
    (format!("{source} {kind:?} {wanted:?} {sort:?}")).hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// The cursor after a key.
pub fn key_cursor(last: Uuid, mark: u32) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([mark.to_be_bytes().as_slice(), last.as_bytes()].concat())
}

/// The cursor after so many.
pub fn offset_cursor(offset: i64, mark: u32) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([mark.to_be_bytes().as_slice(), &offset.to_be_bytes()].concat())
}

/// Where a cursor leads: after a key, or after so many.
///
/// # Errors
/// `invalidCursor` for one that was not given for this list.
pub fn read_cursor(cursor: &str, mark: u32) -> Result<(Option<Uuid>, i64), ScimError> {
    let wrong = || ScimError::invalid_cursor("this cursor was not given for this list: begin again without one");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (said, place) = bytes.split_at_checked(4).ok_or_else(wrong)?;
    if said != mark.to_be_bytes() {
        return Err(wrong());
    }
    if let Ok(offset) = <[u8; 8]>::try_from(place) {
        return Ok((None, i64::from_be_bytes(offset).max(0)));
    }
    Ok((Some(Uuid::from_slice(place).map_err(|_| wrong())?), 0))
}
