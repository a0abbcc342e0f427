//! Filters (RFC 7644 §3.4.2.2) as a closed query: every name found in the table, every operand of the type it is compared with. It asks no store.
//!
//! What the standard leaves open is decided once, here: an attribute of several values matches when any of them does; `ne` is the contrary of `eq`, so that someone without the
//! attribute, or none of whose values is that one, matches; `eq null` is the contrary of `pr`; nothing is before or after what is absent.

use super::error::ScimError;
use super::grammar::{self, Literal, Operator, Tree};
use super::resource::excerpt;
use super::resource_value::boolean;
use super::schema::{AttrRef, Attribute, Kind, Named, Type, resolve, resolve_sub};
use super::values::comparable;

/// A filter that is understood. `And` of nothing is true, `Or` of nothing is false.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// One of them at least.
    Or(Vec<Filter>),
    /// The contrary.
    Not(Box<Filter>),
    /// There is a value.
    Present(AttrRef),
    /// There is a value that compares like this. The attribute is never a complex one.
    Compare {
        /// What is compared: of a list, any of its values.
        attr: AttrRef,
        /// How.
        op: Op,
        /// With what.
        value: Operand,
    },
    /// One value of a list fulfils all of this by itself. Every attribute within is the list or a part of it.
    Element {
        /// The list as a whole.
        attr: AttrRef,
        /// What the one value fulfils.
        filter: Box<Filter>,
    },
}

/// How two values are compared. `ne` is `Not` of `Equal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The same.
    Equal,
    /// The operand is within it. Texts alone.
    Contains,
    /// It begins with the operand. Texts alone.
    StartsWith,
    /// It ends with the operand. Texts alone.
    EndsWith,
    /// After the operand. Texts by their code points, instants by time.
    Greater,
    /// After it, or the same.
    GreaterOrEqual,
    /// Before it.
    Less,
    /// Before it, or the same.
    LessOrEqual,
}

/// What a value is compared with, in the form in which `values` writes values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A text, folded already unless letter case matters.
    Text(String),
    /// Yes or no.
    Boolean(bool),
    /// Milliseconds since 1970.
    Instant(i64),
}

/// Reads a filter over resources of one kind.
///
/// # Errors
/// `invalidFilter` with what is wrong and where: the grammar, an attribute that there is not, a comparison that makes no sense.
pub fn parse(kind: Kind, text: &str) -> Result<Filter, ScimError> {
    let tree = grammar::filter(text).map_err(ScimError::invalid_filter)?;
    Reader { kind, others: false }.meaning(&tree)
}

/// Reads a filter over resources of every kind, for those of one: what is asked about attributes that only others have is false.
///
/// # Errors
/// As [`parse`], for attributes that no kind has.
pub fn parse_among_all(kind: Kind, text: &str) -> Result<Filter, ScimError> {
    let tree = grammar::filter(text).map_err(ScimError::invalid_filter)?;
    Reader { kind, others: true }.meaning(&tree)
}

/// What stands within the brackets after a list, in a PATCH path.
///
/// # Errors
/// `invalidFilter`.
pub(super) fn selection(list: AttrRef, tree: &Tree) -> Result<Filter, ScimError> {
    within(list, tree)
}

struct Reader {
    kind: Kind,
    others: bool,
}

impl Reader {
    fn meaning(&self, tree: &Tree) -> Result<Filter, ScimError> {
        match tree {
            Tree::And(items) => Ok(Filter::And(items.iter().map(|item| self.meaning(item)).collect::<Result<_, _>>()?)),
            Tree::Or(items) => Ok(Filter::Or(items.iter().map(|item| self.meaning(item)).collect::<Result<_, _>>()?)),
            Tree::Not(inner) => Ok(Filter::Not(Box::new(self.meaning(inner)?))),
            Tree::Present(name) => Ok(self.named(name)?.map_or(Filter::Or(Vec::new()), Filter::Present)),
            Tree::Compare(name, operator, literal) => match self.named(name)? {
                Some(attr) => compare(attr, *operator, literal),
                None => Ok(Filter::Or(Vec::new())),
            },
            Tree::Selected(name, inner, then) => match self.named(name)? {
                Some(list) => selected(list, inner, then.as_deref()),
                None => Ok(Filter::Or(Vec::new())),
            },
        }
    }

    /// The attribute of this name; none when only resources of another kind have it, and that is no error.
    fn named(&self, name: &str) -> Result<Option<AttrRef>, ScimError> {
        match resolved(self.kind, name) {
            Some(Named::Attribute(attr)) => return Ok(Some(attr)),
            Some(Named::Schema(schema)) => {
                return Err(ScimError::invalid_filter(format!("«{}» is a schema: name one of its attributes", schema.urn)));
            }
            None => {}
        }
        if self.others && Kind::ALL.iter().any(|kind| resolved(*kind, name).is_some()) {
            return Ok(None);
        }
        Err(ScimError::invalid_filter(format!("a {} has no attribute «{}»", self.kind, excerpt(name))))
    }
}

/// What a name means. The values of a list of plain ones have the name `value` too (RFC 7643 §2.4).
fn resolved(kind: Kind, name: &str) -> Option<Named> {
    resolve(kind, name).or_else(|| match name.rsplit_once('.') {
        Some((list, part)) => match resolve(kind, list)? {
            Named::Attribute(list) if list.attribute.multi_valued && list.sub.is_none() => resolve_sub(list, part).map(Named::Attribute),
            _ => None,
        },
        None => None,
    })
}

fn selected(list: AttrRef, inner: &Tree, then: Option<&Tree>) -> Result<Filter, ScimError> {
    if list.sub.is_some() || !(list.attribute.multi_valued || list.attribute.is_complex()) {
        return Err(ScimError::invalid_filter(format!("{list} has no values to select with brackets")));
    }
    let mut all = vec![within(list, inner)?];
    if let Some(then) = then {
        all.push(within(list, then)?);
    }
    if !list.attribute.multi_valued {
        all.insert(0, Filter::Present(list));
        return Ok(Filter::And(all));
    }
    let filter = match all.pop() {
        Some(only) if all.is_empty() => only,
        popped => Filter::And(all.into_iter().chain(popped).collect()),
    };
    Ok(Filter::Element { attr: list, filter: Box::new(filter) })
}

fn within(list: AttrRef, tree: &Tree) -> Result<Filter, ScimError> {
    let part = |name: &str| {
        let none = || ScimError::invalid_filter(format!("{list} has no part «{}»", excerpt(name)));
        resolve_sub(list, name).ok_or_else(none)
    };
    match tree {
        Tree::And(items) => Ok(Filter::And(items.iter().map(|item| within(list, item)).collect::<Result<_, _>>()?)),
        Tree::Or(items) => Ok(Filter::Or(items.iter().map(|item| within(list, item)).collect::<Result<_, _>>()?)),
        Tree::Not(inner) => Ok(Filter::Not(Box::new(within(list, inner)?))),
        Tree::Present(name) => Ok(Filter::Present(part(name)?)),
        Tree::Compare(name, operator, literal) => compare(part(name)?, *operator, literal),
        Tree::Selected(..) => Err(ScimError::invalid_filter("brackets within brackets: a value has no values of its own")),
    }
}

fn compare(named: AttrRef, operator: Operator, literal: &Literal) -> Result<Filter, ScimError> {
    if *literal == Literal::Null {
        let absent = Filter::Not(Box::new(Filter::Present(named)));
        return match operator {
            Operator::Eq => Ok(absent),
            Operator::Ne => Ok(Filter::Present(named)),
            _ => Err(ScimError::invalid_filter(format!("{named}: null is compared with eq and ne alone"))),
        };
    }
    // RFC 7643 §2.4: of a list of complex values, `value` is meant.
    let attr = match (named.leaf().is_complex(), named.attribute.sub("value")) {
        (false, _) => named,
        (true, Some(value)) if named.sub.is_none() => named.part(value),
        (true, _) => return Err(ScimError::invalid_filter(format!("{named} has parts: name the one to compare"))),
    };
    let value = operand(attr, attr.leaf(), literal)?;
    let op = match (operator, &value) {
        (Operator::Eq | Operator::Ne, _) => Op::Equal,
        (_, Operand::Boolean(_)) => return Err(ScimError::invalid_filter(format!("{attr} is true or false: compare it with eq or ne"))),
        (Operator::Gt, _) => Op::Greater,
        (Operator::Ge, _) => Op::GreaterOrEqual,
        (Operator::Lt, _) => Op::Less,
        (Operator::Le, _) => Op::LessOrEqual,
        (_, Operand::Instant(_)) => {
            return Err(ScimError::invalid_filter(format!("{attr} is an instant: compare it with eq, ne, gt, ge, lt or le")));
        }
        (Operator::Co, _) => Op::Contains,
        (Operator::Sw, _) => Op::StartsWith,
        (Operator::Ew, _) => Op::EndsWith,
    };
    let compared = Filter::Compare { attr, op, value };
    Ok(if operator == Operator::Ne { Filter::Not(Box::new(compared)) } else { compared })
}

fn operand(attr: AttrRef, leaf: &'static Attribute, literal: &Literal) -> Result<Operand, ScimError> {
    let refuse = |what: &str| Err(ScimError::invalid_filter(format!("{attr}: {what}")));
    match (leaf.typ, literal) {
        _ if !leaf.is_filterable() => refuse("is kept, but cannot be asked for"),
        (Type::Boolean, Literal::Truth(yes)) => Ok(Operand::Boolean(*yes)),
        // Entra ID: `roles[primary eq "True"]`.
        (Type::Boolean, Literal::Text(text)) => match boolean(text) {
            Some(yes) => Ok(Operand::Boolean(yes)),
            None => refuse("is compared with true or false"),
        },
        (Type::Boolean, _) => refuse("is compared with true or false"),
        (Type::DateTime, Literal::Text(text)) => match instant_ms(text) {
            Some(at) => Ok(Operand::Instant(at)),
            None => refuse(&format!("«{}» is not an instant: write it like 2026-09-15T08:00:00Z", excerpt(text))),
        },
        (Type::DateTime, _) => refuse("is compared with an instant in quotation marks"),
        (_, Literal::Text(text)) if text.contains('\0') => refuse("no text holds the NUL character (U+0000)"),
        (_, Literal::Text(text) | Literal::Number(text)) => Ok(Operand::Text(comparable(leaf, text))),
        _ => refuse("is compared with a text in quotation marks"),
    }
}

/// An instant as RFC 3339 writes it, in milliseconds since 1970.
pub(super) fn instant_ms(text: &str) -> Option<i64> {
    text.trim().parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected fails")]
mod tests;
