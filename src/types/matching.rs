//! How a source's people are found among those whom other sources state, and whose word counts for what, as it is declared. Matches nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Invalid;

/// Most anchors, most rules, most fields of a rule, most fields with authority.
const MANY: usize = 16;
/// Longest name of a field, in characters.
const FIELD_LENGTH_MAX: usize = 64;
/// What a person's own attribute may not be called in a rule, since it is no text to compare.
const NOT_COMPARED: [&str; 3] = ["active", "attributes", "units"];

/// Names of one field or of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Names {
    /// One.
    One(String),
    /// Several: any of them.
    Any(Vec<String>),
}

impl Names {
    /// Each of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Any(names) => names,
        }
    }
}

/// Fields that are all the same for two entries of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// The fields, compared without accents, letter case and punctuation; dates in any usual form.
    pub fields: Vec<String>,
    /// Whether a single likeness is enough. Left out, a person decides.
    #[serde(default)]
    pub link: bool,
}

/// How a source's people are matched. A field is one of a person's (`username`, `email`, `family_name`, …) or the name of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    /// Keys that name one person for certain: a field of this source's records, and the person's fields that hold the same.
    pub anchor: BTreeMap<String, Names>,
    /// What makes two entries look like one person.
    pub soft: Vec<Likeness>,
    /// Fields of which this source's word goes before that of others, `active` and `attributes` among them.
    pub authority: BTreeSet<String>,
    /// Of two sources, the one of the lower number is heard first; of equal ones, the one added first.
    pub priority: i32,
}

impl Matching {
    /// As it stands in a source's row; nothing declared when there is nothing.
    ///
    /// # Errors
    /// `Invalid` when it has another form.
    pub fn parse(raw: Option<&Value>) -> Result<Self, Invalid> {
        let Some(raw) = raw.filter(|raw| !raw.is_null()) else { return Ok(Self::default()) };
        let declared: Self = Deserialize::deserialize(raw).map_err(|e| Invalid::new("matching", e.to_string()))?;
        match declared.wrong().into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(declared),
        }
    }

    /// Whether any of its people may be someone else's.
    pub fn looks(&self) -> bool {
        !self.anchor.is_empty() || !self.soft.is_empty()
    }

    /// What does not fit.
    pub fn wrong(&self) -> Vec<Invalid> {
        let mut wrong = Vec::new();
        let sizes = [("anchor", self.anchor.len()), ("soft", self.soft.len()), ("authority", self.authority.len())];
        wrong.extend(
            sizes
                .into_iter()
                .filter(|(_, size)| *size > MANY)
                .map(|(name, _)| Invalid::new(format!("matching.{name}"), format!("at most {MANY}"))),
        );
        for (here, there) in &self.anchor {
            let named = std::iter::once(here).chain(there.all());
            if there.all().is_empty() || there.all().len() > MANY || !named.clone().all(|name| compared(name)) {
                wrong.push(Invalid::new(format!("matching.anchor.{here}"), not_compared()));
            }
        }
        for (at, rule) in self.soft.iter().enumerate() {
            if rule.fields.is_empty() || rule.fields.len() > MANY || !rule.fields.iter().all(|name| compared(name)) {
                wrong.push(Invalid::new(format!("matching.soft[{at}].fields"), not_compared()));
            }
        }
        if !self.authority.iter().all(|name| fits(name)) {
            wrong.push(Invalid::new(
                "matching.authority",
                "names fields of a person: `email`, `active`, `attributes`, or one attribute's name",
            ));
        }
        wrong
    }
}

fn fits(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= FIELD_LENGTH_MAX && !name.chars().any(char::is_control)
}

fn compared(name: &str) -> bool {
    fits(name) && !NOT_COMPARED.contains(&name)
}

fn not_compared() -> String {
    format!("names 1 to {MANY} fields of a person that hold text: `username`, `email`, `family_name`…, or an attribute's name")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_declared_comes_back_and_what_does_not_fit_is_named() {
        let declared = json!({ "anchor": { "number": ["employee_number", "student_number"], "email": "email" },
            "soft": [{ "fields": ["family_name", "birth_date"] }, { "fields": ["email"], "link": true }], "authority": ["active"], "priority": -1 });
        let parsed = Matching::parse(Some(&declared)).unwrap();
        assert_eq!(parsed.anchor["number"].all().len(), 2);
        assert_eq!((parsed.soft[0].link, parsed.soft[1].link, parsed.priority), (false, true, -1));
        assert_eq!(Matching::parse(None).unwrap(), Matching::default());
        let field = |raw: Value| Matching::parse(Some(&raw)).unwrap_err().field;
        assert_eq!(field(json!({ "anchors": {} })), "matching");
        assert_eq!(field(json!({ "anchor": { "number": "units" } })), "matching.anchor.number");
        assert_eq!(field(json!({ "anchor": { "number": [] } })), "matching.anchor.number");
        assert_eq!(field(json!({ "soft": [{ "fields": ["email"] }, { "fields": [] }] })), "matching.soft[1].fields");
        assert_eq!(field(json!({ "authority": [""] })), "matching.authority");
    }
}
