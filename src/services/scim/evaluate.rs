//! Whether a resource, or one value of a list, fulfils a filter. It is what the store's answers are compared with, and what selects values in a PATCH.

use serde_json::{Map, Value};

use super::filter::{Filter, Op, Operand, instant_ms};
use super::schema::{AttrRef, Attribute, Type};
use super::values::comparable;

/// Whether a canonical resource fulfils a filter over resources of its kind.
pub fn evaluate(filter: &Filter, resource: &Map<String, Value>) -> bool {
    match filter {
        Filter::And(items) => items.iter().all(|item| evaluate(item, resource)),
        Filter::Or(items) => items.iter().any(|item| evaluate(item, resource)),
        Filter::Not(inner) => !evaluate(inner, resource),
        Filter::Present(attr) => elements(*attr, resource).iter().any(|element| part(*attr, element).is_some()),
        Filter::Compare { attr, op, value } => elements(*attr, resource).iter().any(|element| compares(*attr, *op, value, element)),
        Filter::Element { attr, filter } => elements(*attr, resource).iter().any(|element| element_fulfils(filter, element)),
    }
}

/// Whether one value of a list fulfils a filter over its parts.
pub fn element_fulfils(filter: &Filter, element: &Value) -> bool {
    match filter {
        Filter::And(items) => items.iter().all(|item| element_fulfils(item, element)),
        Filter::Or(items) => items.iter().any(|item| element_fulfils(item, element)),
        Filter::Not(inner) => !element_fulfils(inner, element),
        Filter::Present(attr) => part(*attr, element).is_some(),
        Filter::Compare { attr, op, value } => compares(*attr, *op, value, element),
        // The grammar has no brackets within brackets.
        Filter::Element { .. } => false,
    }
}

/// The values of an attribute: those of a list, or the only one.
pub(super) fn elements(attr: AttrRef, resource: &Map<String, Value>) -> &[Value] {
    let within = match attr.extension {
        None => Some(resource),
        Some(schema) => resource.get(schema.urn).and_then(Value::as_object),
    };
    match within.and_then(|map| map.get(attr.attribute.name)) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

/// What of one value is meant: the part, or all of it.
pub(super) fn part(attr: AttrRef, element: &Value) -> Option<&Value> {
    match attr.sub {
        None => Some(element),
        Some(sub) => element.get(sub.name),
    }
}

fn compares(attr: AttrRef, op: Op, operand: &Operand, element: &Value) -> bool {
    part(attr, element).is_some_and(|value| holds(attr.leaf(), op, operand, value))
}

fn holds(leaf: &'static Attribute, op: Op, operand: &Operand, value: &Value) -> bool {
    match (operand, value) {
        (Operand::Text(wanted), Value::String(text)) => {
            let text = comparable(leaf, text);
            match op {
                Op::Equal => text == *wanted,
                Op::Contains => text.contains(wanted.as_str()),
                Op::StartsWith => text.starts_with(wanted.as_str()),
                Op::EndsWith => text.ends_with(wanted.as_str()),
                Op::Greater => text > *wanted,
                Op::GreaterOrEqual => text >= *wanted,
                Op::Less => text < *wanted,
                Op::LessOrEqual => text <= *wanted,
            }
        }
        (Operand::Boolean(wanted), Value::Bool(yes)) => op == Op::Equal && yes == wanted,
        (Operand::Instant(wanted), Value::String(text)) if leaf.typ == Type::DateTime => instant_ms(text).is_some_and(|at| match op {
            Op::Equal => at == *wanted,
            Op::Greater => at > *wanted,
            Op::GreaterOrEqual => at >= *wanted,
            Op::Less => at < *wanted,
            Op::LessOrEqual => at <= *wanted,
            Op::Contains | Op::StartsWith | Op::EndsWith => false,
        }),
        _ => false,
    }
}
