//! PATCH (RFC 7644 §3.5.2) over a resource in canonical form: all of the operations, or none. Members of a group are for `members`: a store changes them one by one.
//!
//! Beside the standard it takes what Entra ID and Okta send: operations in capitals, texts for truths, dotted names and URNs as keys of a value without path, single values in a
//! list, and a value selected by its type that is not there yet.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::filter::{Filter, selection};
use super::grammar::{self, Tree};
use super::patch_value::{Change, change};
use super::resource::{excerpt, finish};
use super::schema::{AttrRef, Attribute, Kind, Named, Schema, resolve, resolve_sub};

/// The schema of a PATCH body.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Most operations in one request.
pub const OPERATIONS_MAX: usize = 1_000;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Adds values, or sets those that there are not.
    Add,
    /// Sets values, whatever there was.
    Replace,
    /// Takes values away.
    Remove,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// What it does.
    pub verb: Verb,
    /// Where; without one, the value says so by its names.
    pub path: Option<String>,
    /// With what.
    pub value: Option<Value>,
    /// Its place in the request, from 0.
    pub at: usize,
}

/// A place within a resource.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The attribute; of one without selection, the part too.
    pub(super) attr: AttrRef,
    /// Which values of a list.
    pub(super) selected: Option<Selected>,
}

/// Some values of a list.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub(super) filter: Filter,
    /// The same as it is written.
    pub(super) tree: Tree,
    /// The part of each that is meant.
    pub(super) sub: Option<&'static Attribute>,
}

impl Verb {
    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// Reads the body of a PATCH.
///
/// # Errors
/// `invalidSyntax` when it is not one; `noTarget` for a removal without path; `invalidValue` where a value is missing.
pub fn parse(body: &Map<String, Value>) -> Result<Vec<Op>, ScimError> {
    let member = |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let names_patch = |urn: &Value| urn.as_str().is_some_and(|urn| urn.trim().eq_ignore_ascii_case(PATCH_URN));
    if !member("schemas").and_then(Value::as_array).is_some_and(|schemas| schemas.iter().any(names_patch)) {
        return Err(ScimError::invalid_syntax(format!("schemas is required: a list with {PATCH_URN}")));
    }
    let Some(Value::Array(operations)) = member("Operations") else {
        return Err(ScimError::invalid_syntax("Operations is required: a list of operations"));
    };
    if operations.is_empty() || operations.len() > OPERATIONS_MAX {
        return Err(ScimError::invalid_syntax(format!("Operations: from 1 to {OPERATIONS_MAX} of them")));
    }
    operations.iter().enumerate().map(|(at, operation)| read(at, operation).map_err(|error| error.at_operation(at))).collect()
}

/// The resource after all operations. Nothing is kept of it when one of them fails.
///
/// # Errors
/// The first operation that fails, by its place: `invalidPath`, `invalidFilter`, `noTarget`, `mutability`, `invalidValue`.
pub fn apply(kind: Kind, mut resource: Map<String, Value>, operations: &[Op]) -> Result<Map<String, Value>, ScimError> {
    for operation in operations {
        step(kind, &mut resource, operation).map_err(|error| error.at_operation(operation.at))?;
    }
    finish(kind, &mut resource)?;
    Ok(resource)
}

fn read(at: usize, operation: &Value) -> Result<Op, ScimError> {
    let Value::Object(members) = operation else {
        return Err(ScimError::invalid_syntax("an operation is an object with op, path and value"));
    };
    let member = |name: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let verb = match member("op").and_then(Value::as_str).map(str::trim) {
        Some(op) if op.eq_ignore_ascii_case("add") => Verb::Add,
        Some(op) if op.eq_ignore_ascii_case("replace") => Verb::Replace,
        Some(op) if op.eq_ignore_ascii_case("remove") => Verb::Remove,
        Some(op) => return Err(ScimError::invalid_syntax(format!("op: add, replace or remove, not «{}»", excerpt(op)))),
        None => return Err(ScimError::invalid_syntax("op is required: add, replace or remove")),
    };
    let path = match member("path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.trim().to_owned()).filter(|path| !path.is_empty()),
        Some(_) => return Err(ScimError::invalid_path("path: a text")),
    };
    let value = member("value").cloned();
    match (verb, &path, &value) {
        (Verb::Remove, None, _) => Err(ScimError::no_target("path is required to remove something")),
        (Verb::Add | Verb::Replace, _, None) => Err(ScimError::invalid_value("value is required")),
        _ => Ok(Op { verb, path, value, at }),
    }
}

fn step(kind: Kind, resource: &mut Map<String, Value>, operation: &Op) -> Result<(), ScimError> {
    let value = operation.value.as_ref();
    let Some(path) = &operation.path else { return whole(kind, resource, operation.verb, None, value) };
    match target(kind, path)? {
        Place::Schema(schema) => match operation.verb {
            Verb::Remove if schema.code.is_empty() => Err(ScimError::mutability(format!("{} cannot be removed from a {kind}", schema.urn))),
            Verb::Remove => {
                resource.remove(schema.urn);
                Ok(())
            }
            verb => whole(kind, resource, verb, Some(schema), value),
        },
        Place::Target(target) => {
            let read_only =
                target.attr.is_read_only() || target.selected.as_ref().and_then(|one| one.sub).is_some_and(Attribute::is_read_only);
            if read_only || target.attr.attribute.name == "schemas" {
                return Err(ScimError::mutability(format!("{} is written by the gateway alone", target.attr)));
            }
            change(resource, &Change { target: &target, verb: operation.verb, value })
        }
    }
}

/// What a path leads to.
pub(super) enum Place {
    Schema(&'static Schema),
    Target(Target),
}

/// Reads a path.
///
/// # Errors
/// `invalidPath`, and `invalidFilter` within its brackets.
pub(super) fn target(kind: Kind, path: &str) -> Result<Place, ScimError> {
    let read = grammar::path(path).map_err(ScimError::invalid_path)?;
    let attr = match resolve(kind, &read.attribute) {
        Some(Named::Attribute(attr)) => attr,
        Some(Named::Schema(schema)) if read.selected.is_none() => return Ok(Place::Schema(schema)),
        _ => return Err(ScimError::invalid_path(format!("a {kind} has no attribute «{}»", excerpt(&read.attribute)))),
    };
    let Some(tree) = read.selected else { return Ok(Place::Target(Target { attr, selected: None })) };
    if attr.sub.is_some() || !attr.attribute.multi_valued {
        return Err(ScimError::invalid_path(format!("{attr} has no values to select with brackets")));
    }
    let filter = selection(attr, &tree)?;
    let sub = match read.sub {
        None => None,
        Some(name) => match resolve_sub(attr, &name) {
            Some(part) => part.sub,
            None => return Err(ScimError::invalid_path(format!("{attr} has no part «{}»", excerpt(&name)))),
        },
    };
    Ok(Place::Target(Target { attr, selected: Some(Selected { filter, tree, sub }) }))
}

/// A value without path, or for a whole schema: each of its names is a path. Names that there are not are passed over, as in a whole resource; so is what only the gateway
/// writes, unless it says that the resource is another one.
fn whole(
    kind: Kind,
    resource: &mut Map<String, Value>,
    verb: Verb,
    schema: Option<&'static Schema>,
    value: Option<&Value>,
) -> Result<(), ScimError> {
    let Some(Value::Object(members)) = value else {
        return Err(ScimError::invalid_value("without a path, value is an object with the attributes to change"));
    };
    for (name, value) in members {
        let path = schema.map_or_else(|| name.clone(), |schema| format!("{}:{name}", schema.urn));
        match target(kind, &path) {
            Ok(Place::Schema(inner)) if schema.is_none() => match value {
                Value::Null if verb == Verb::Replace && !inner.code.is_empty() => drop(resource.remove(inner.urn)),
                Value::Null => {}
                value => whole(kind, resource, verb, Some(inner), Some(value))?,
            },
            Ok(Place::Target(target)) if target.attr.is_read_only() || target.attr.attribute.name == "schemas" => {
                same_id(resource, &target, value)?;
            }
            Ok(Place::Target(target)) => change(resource, &Change { target: &target, verb, value: Some(value) })?,
            // A name with brackets is meant as a path.
            Err(error) if path.contains('[') => return Err(error),
            Ok(Place::Schema(_)) | Err(_) => {}
        }
    }
    Ok(())
}

fn same_id(resource: &Map<String, Value>, target: &Target, value: &Value) -> Result<(), ScimError> {
    let standing = resource.get("id");
    if target.attr.attribute.name == "id" && standing.is_some_and(|standing| standing != value) {
        return Err(ScimError::mutability("id is given by the gateway, and stays"));
    }
    Ok(())
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test that meets the unexpected fails"
)]
mod tests;
