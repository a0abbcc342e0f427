//! Source attribute → record field, by declaration. Compiled once, pure: it neither reads nor writes anything.
//!
//! A field is given by one or more alternatives separated by `|`; the first that yields something wins. An alternative is
//! - `mail`: every value of that attribute;
//! - `supannEtablissement{UAI}`: the values that carry the label `{UAI}` (SUPANN's labelled syntax), without it;
//! - `{givenName} {sn}`: a template, made from the first value of each attribute; it yields nothing when one of them is absent.

use std::collections::BTreeMap;

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
    names: Vec<String>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
struct Expression(Vec<Alternative>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Alternative {
    Every(usize),
    Labelled(usize, String),
    Template(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    First(usize),
}

impl Mapping {
    /// Compiles the declarations, field by field. `external_id` is not one of them: a key is read from bytes, not from text.
    ///
    /// # Errors
    /// [`MappingError`] naming the field.
    pub fn compile(declared: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        let mut mapping = Self { names: Vec::new(), fields: BTreeMap::new() };
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
            let expression = mapping.expression(text).map_err(|reason| refuse(field, reason))?;
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
        &self.names
    }

    /// What was declared for the login name, for messages.
    pub fn username_attributes(&self) -> String {
        let slots = self.fields.get("username").map(Expression::slots).unwrap_or_default();
        slots.into_iter().filter_map(|slot| self.names.get(slot)).map(String::as_str).collect::<Vec<_>>().join(" or ")
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
                    found.dedup();
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

    fn slot(&mut self, attribute: &str) -> usize {
        let name = canonical_name(attribute);
        if let Some(known) = self.names.iter().position(|n| n.eq_ignore_ascii_case(name)) {
            return known;
        }
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    fn expression(&mut self, text: &str) -> Result<Expression, String> {
        let alternatives = text.split('|').map(|part| self.alternative(part.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Expression(alternatives))
    }

    fn alternative(&mut self, text: &str) -> Result<Alternative, String> {
        if is_name(text) {
            return Ok(Alternative::Every(self.slot(text)));
        }
        if let Some((name, rest)) = text.split_once('{')
            && let Some(label) = rest.strip_suffix('}')
            && is_name(name)
            && !label.contains(['{', '}'])
        {
            return Ok(Alternative::Labelled(self.slot(name), format!("{{{label}}}")));
        }
        self.template(text)
    }

    fn template(&mut self, text: &str) -> Result<Alternative, String> {
        const FORMS: &str =
            "accepted are `attribute`, `attribute{LABEL}`, a template such as `{givenName} {sn}`, and `|` between alternatives";
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(format!("`{{` is not closed in `{text}`; {FORMS}"));
            };
            if !is_name(name) || before.contains('}') {
                return Err(format!("`{name}` is not an attribute name in `{text}`; {FORMS}"));
            }
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::First(self.slot(name)));
            rest = tail;
        }
        if pieces.is_empty() || rest.contains('}') {
            return Err(format!("`{text}` names no attribute; {FORMS}"));
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Alternative::Template(pieces))
    }
}

impl Expression {
    fn evaluate<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<String> {
        self.0.iter().map(|alternative| alternative.evaluate(values)).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn slots(&self) -> Vec<usize> {
        self.0
            .iter()
            .flat_map(|alternative| match alternative {
                Alternative::Every(slot) | Alternative::Labelled(slot, _) => vec![*slot],
                Alternative::Template(pieces) => {
                    pieces.iter().filter_map(|p| if let Piece::First(slot) = p { Some(*slot) } else { None }).collect()
                }
            })
            .collect()
    }
}

impl Alternative {
    fn evaluate<T: AsRef<str>>(&self, values: &[Vec<T>]) -> Vec<String> {
        let of = |slot: &usize| values.get(*slot).map(Vec::as_slice).unwrap_or_default();
        match self {
            Self::Every(slot) => of(slot).iter().map(|value| value.as_ref().to_owned()).collect(),
            Self::Labelled(slot, label) => of(slot)
                .iter()
                .filter_map(|value| {
                    let (head, tail) = value.as_ref().split_at_checked(label.len())?;
                    let tail = tail.trim();
                    (head.eq_ignore_ascii_case(label) && !tail.is_empty()).then(|| tail.to_owned())
                })
                .collect(),
            Self::Template(pieces) => {
                let mut out = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => out.push_str(text),
                        Piece::First(slot) => match of(slot).first() {
                            Some(value) => out.push_str(value.as_ref()),
                            None => return Vec::new(),
                        },
                    }
                }
                crate::record::regular(&out).into_iter().map(std::borrow::Cow::into_owned).collect()
            }
        }
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
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::{BTreeMap, Mapped, Mapping};
    use proptest::prelude::*;

    fn mapped(declared: &[(&str, &str)], entry: &[(&str, &[&str])]) -> Mapped {
        let mut all = BTreeMap::from([("username".to_owned(), "uid".to_owned())]);
        all.extend(declared.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let mapping = Mapping::compile(&all).unwrap();
        let values = mapping.names().iter().map(|name| {
            let found = entry.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v).unwrap_or_default();
            found.iter().map(|v| (*v).to_owned()).collect()
        });
        mapping.apply(&values.collect::<Vec<_>>())
    }

    fn refusal(field: &str, text: &str) -> String {
        let declared = BTreeMap::from([("username".to_owned(), "uid".to_owned()), (field.to_owned(), text.to_owned())]);
        Mapping::compile(&declared).unwrap_err().to_string()
    }

    #[test]
    fn the_first_alternative_that_yields_something_wins() {
        let declared = [("display_name", "displayName|{givenName} {sn}|cn")];
        assert_eq!(mapped(&declared, &[("sn", &["Roux"]), ("givenName", &["Zoë"])]).display_name.unwrap(), "Zoë Roux");
        assert_eq!(mapped(&declared, &[("sn", &["Roux"]), ("cn", &["Z. Roux"])]).display_name.unwrap(), "Z. Roux");
        assert_eq!(mapped(&declared, &[]).display_name, None);
    }

    #[test]
    fn a_label_selects_values_and_goes_away() {
        let found = mapped(
            &[("uai", "supannEtablissement{UAI}"), ("all", "supannEtablissement")],
            &[("supannEtablissement", &["{uai}0751717J", "{SIRET}1234", "{UAI}", "é", "{UAI} 0870003F"])],
        );
        assert_eq!(found.attributes["uai"], ["0751717J", "0870003F"]);
        assert_eq!(found.attributes["all"].len(), 5);
    }

    #[test]
    fn a_key_without_value_is_left_out() {
        assert_eq!(mapped(&[("office", "roomNumber")], &[("uid", &["a"])]).attributes.len(), 0);
    }

    #[test]
    fn long_names_are_asked_for_by_their_short_ones() {
        assert_eq!(mapped(&[("family_name", "surname")], &[("sn", &["Faure"])]).family_name.unwrap(), "Faure");
    }

    #[test]
    fn a_declaration_that_cannot_be_read_is_refused_by_its_field() {
        assert!(refusal("email", "{mail").starts_with("mapping.email: `{` is not closed"));
        assert!(refusal("email", "").starts_with("mapping.email: `` names no attribute"));
        assert!(refusal("email", "mail|").starts_with("mapping.email"));
        assert!(refusal("no space", "mail").starts_with("mapping.no space: a field is named"));
        assert!(Mapping::compile(&BTreeMap::new()).unwrap_err().to_string().starts_with("mapping.username: needed"));
    }

    proptest! {
        #[test]
        fn any_declaration_compiles_or_is_refused_and_never_panics(text in "[a-z{}| é]{0,24}", value in "\\PC{0,8}") {
            let declared = BTreeMap::from([("username".to_owned(), "uid".to_owned()), ("x".to_owned(), text)]);
            if let Ok(mapping) = Mapping::compile(&declared) {
                let values = vec![vec![value]; mapping.names().len()];
                mapping.apply(&values);
            }
        }
    }
}
