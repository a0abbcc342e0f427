//! Source attribute → record field, by declaration. Compiled once, pure: it neither reads nor writes anything.
//!
//! A field is given by one or more alternatives separated by `|`; the first that yields something wins. An alternative is
//! - `mail`: every value of that attribute;
//! - `supannEtablissement{UAI}`: the values that carry the label `{UAI}` (SUPANN's labelled syntax), without it;
//! - `ENTEleveClasses$2`: of each value, the second of the parts between dollars (SDET's `structure$class`);
//! - `supannRoleEntite[code]`: of each composite value `[role=…][type=…][code=…]`, what stands behind that key;
//! - `supannRoleEntite[type={SUPANN}F300][code]`: the same, of those values only whose `type` is that;
//! - `manager<uid>`, `dn<ou>`: of each DN, every value of that type, from the entry upwards; `dn` is the entry's own;
//! - `{givenName} {sn}`: a template, made from the first value of each; it yields nothing when one of them is absent.
//!
//! Steps follow one another: `supannRoleEntite[role]{SUPANN}` takes the label away from what `[role]` gave.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

mod expression;

use expression::{Expression, Naming};
pub(crate) use expression::{Names, Selector};

/// The longest declaration of a field, in bytes.
pub const EXPRESSION_BYTES_MAX: usize = 512;
/// How many fields a mapping may declare.
pub const FIELDS_MAX: usize = 64;
/// The fields of a person that a mapping may fill; any further key becomes one of the person's attributes.
pub const FIELDS: [&str; 9] =
    ["external_id", "username", "given_name", "family_name", "display_name", "email", "locale", "home_unit", "units"];

/// Why a mapping was refused: the field, and what is wrong with its declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mapping.{field}: {reason}")]
pub struct MappingError {
    /// The key of the mapping.
    pub field: String,
    /// What is wrong and what is accepted.
    pub reason: String,
}

/// A compiled mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    names: Names,
    fields: BTreeMap<String, Expression>,
}

/// What a mapping makes of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The login name.
    pub username: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The first address.
    pub email: Option<String>,
    /// Preferred language.
    pub locale: Option<String>,
    /// First unit.
    pub home_unit: Option<String>,
    /// Every unit.
    pub units: Vec<String>,
    /// Everything else, by the mapping's own keys; a key without value is left out.
    pub attributes: BTreeMap<String, Vec<String>>,
}

/// How a mapping came to what it made of one entry, field by field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// The field of the record, or the key of one of the person's attributes.
    pub field: String,
    /// The alternative that won; all of them when none yields anything.
    pub from: String,
    /// What it yields, as far as it is kept.
    pub values: Vec<String>,
}

impl Mapping {
    /// Compiles the declarations, field by field. `external_id` is not one of them: a key is read from bytes, not from text.
    ///
    /// # Errors
    /// [`MappingError`] naming the field.
    pub fn compile(declared: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        Self::compile_as(Naming::Attribute, declared)
    }

    /// The same over paths into SCIM resources (RFC 7644 §3.10) in the place of attributes.
    ///
    /// # Errors
    /// [`MappingError`] naming the field.
    pub fn compile_paths(declared: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        Self::compile_as(Naming::Path, declared)
    }

    fn compile_as(naming: Naming, declared: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        let mut mapping = Self { names: Names(Vec::new(), naming), fields: BTreeMap::new() };
        let refuse = |field: &str, reason: String| MappingError { field: field.to_owned(), reason };
        if declared.len() > FIELDS_MAX {
            return Err(refuse("*", format!("{} fields are more than the {FIELDS_MAX} accepted", declared.len())));
        }
        for (field, text) in declared.iter().filter(|(field, _)| *field != "external_id") {
            if !is_name(field) {
                return Err(refuse(field, "a field is named by letters, digits, `-`, `_` and `.`, 64 at most".to_owned()));
            }
            if text.len() > EXPRESSION_BYTES_MAX {
                return Err(refuse(field, format!("longer than {EXPRESSION_BYTES_MAX} bytes")));
            }
            let expression = Expression::compile(text, &mut mapping.names).map_err(|reason| refuse(field, reason))?;
            mapping.fields.insert(field.clone(), expression);
        }
        if mapping.fields.contains_key("username") {
            Ok(mapping)
        } else {
            Err(refuse("username", "needed: the attribute that holds the login name, for instance `uid`".to_owned()))
        }
    }

    /// The attributes to ask the server for; a caller hands their values to [`Mapping::apply`] in this order.
    pub fn names(&self) -> &[String] {
        &self.names.0
    }

    /// Another declaration over the same entries, whose attributes are asked for with the others.
    pub(crate) fn also(&mut self, text: &str) -> Option<Selector> {
        Selector::parse(text, &mut self.names)
    }

    /// What was declared for the login name, for messages.
    pub fn username_attributes(&self) -> String {
        let slots = self.fields.get("username").map(Expression::slots).unwrap_or_default();
        slots.into_iter().filter_map(|slot| self.names.0.get(slot)).map(String::as_str).collect::<Vec<_>>().join(" or ")
    }

    /// Applies the mapping to regular values, one list an attribute of [`Mapping::names`].
    pub fn apply<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Mapped {
        let mut out = Mapped::default();
        for (field, expression) in &self.fields {
            let mut found = expression.evaluate(values);
            let first = |found: Vec<String>| found.into_iter().next();
            match field.as_str() {
                "username" => out.username = first(found),
                "given_name" => out.given_name = first(found),
                "family_name" => out.family_name = first(found),
                "display_name" => out.display_name = first(found),
                "email" => out.email = first(found),
                "locale" => out.locale = first(found),
                "home_unit" => out.home_unit = first(found),
                "units" => {
                    let mut met = BTreeSet::new();
                    found.retain(|unit| met.insert(unit.clone()));
                    out.units = found;
                }
                other if !found.is_empty() => {
                    out.attributes.insert(other.to_owned(), found);
                }
                _ => {}
            }
        }
        out
    }

    /// How each field comes about, in the order of their names.
    pub fn trace<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<Traced> {
        let many = |field: &str| field == "units" || !FIELDS.contains(&field);
        let trace = |(field, expression): (&String, &Expression)| {
            let (from, mut values) = expression.explain(values);
            if !many(field) {
                values.truncate(1);
            }
            Traced { field: field.clone(), from, values }
        };
        self.fields.iter().map(trace).collect()
    }

    /// The places of the attributes that something of the record depends on: what stands in others does no harm.
    pub(crate) fn reached<T: AsRef<str>>(&self, values: &[Vec<T>]) -> BTreeSet<usize> {
        self.fields.values().flat_map(|expression| expression.reached(values)).collect()
    }
}

/// An attribute description without options other than its own (RFC 4512 §2.5), or a field's name.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b';'))
}

/// Servers answer with the short name (RFC 4519) whichever of the two was asked for.
pub(crate) fn canonical_name(name: &str) -> &str {
    match name.to_ascii_lowercase().as_str() {
        "commonname" => "cn",
        "surname" => "sn",
        "gn" => "givenName",
        "userid" => "uid",
        "rfc822mailbox" => "mail",
        "localityname" => "l",
        "organizationname" => "o",
        "organizationalunitname" => "ou",
        _ => name,
    }
}

#[cfg(test)]
mod tests;
