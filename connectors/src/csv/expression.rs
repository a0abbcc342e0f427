//! What a field is made of: alternatives of columns and templates, as in a directory's mapping, over titles as people write them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::table::Table;
use crate::fold;
use crate::ldap::Cause;
use crate::mapping::Mapping;

/// Alternatives, the first that yields something wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    text: String,
    alternatives: Vec<Alternative>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    mapping: Mapping,
    template: bool,
}

/// An expression over the columns of one file: alternatives whose columns are not all there are left out.
#[derive(Debug)]
pub(super) struct Placed(Vec<(Alternative, Vec<usize>)>);

/// What an expression yields.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) values: Vec<String>,
    /// Whether it was put together by a template.
    pub(super) built: bool,
}

/// A column as settings write it, as a name: `None` when no letter or digit is in it.
pub(super) fn column(text: &str) -> Option<String> {
    Some(fold::column(text)).filter(|name| !name.is_empty())
}

impl Expression {
    /// Compiles `Login|{Prénom}.{Nom}`.
    ///
    /// # Errors
    /// What is wrong, and what is accepted.
    pub(super) fn compile(field: &str, text: &str) -> Result<Self, String> {
        let alternatives = text.split('|').map(|part| Alternative::compile(field, part.trim())).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), alternatives })
    }

    /// Whether some alternative is a template.
    pub(super) fn is_template(&self) -> bool {
        self.alternatives.iter().any(|alternative| alternative.template)
    }

    /// Finds its columns in a file. `None` when no alternative has all of them.
    ///
    /// # Errors
    /// A title that two columns bear.
    pub(super) fn place(&self, table: &Table<'_>) -> Result<Option<Placed>, Cause> {
        let mut placed = Vec::new();
        for alternative in &self.alternatives {
            let mut columns = Vec::new();
            for name in alternative.mapping.names() {
                columns.extend(table.find(name)?);
            }
            if columns.len() == alternative.mapping.names().len() {
                placed.push((alternative.clone(), columns));
            }
        }
        Ok((!placed.is_empty()).then_some(Placed(placed)))
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl Alternative {
    fn compile(field: &str, text: &str) -> Result<Self, String> {
        let template = text.contains('{') && !is_labelled(text);
        let written = translated(text).unwrap_or_else(|| text.to_owned());
        // A field's name is checked with its expression; `units` keeps every value of it.
        let declared = [("username", &written), (field, &written), ("units", &written)];
        let declared: BTreeMap<String, String> = declared.into_iter().map(|(name, text)| (name.to_owned(), text.clone())).collect();
        let mapping = Mapping::compile(&declared).map_err(|refused| refused.reason)?;
        Ok(Self { mapping, template })
    }
}

impl Placed {
    /// The columns it may look at.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|(_, columns)| columns.iter().copied())
    }

    /// What the cells of a row yield. `accept` turns a value away, so that the next alternative has its turn.
    ///
    /// # Errors
    /// What `cell` says of a cell that cannot be read.
    pub(super) fn evaluate<'a>(
        &self,
        cell: impl Fn(usize) -> Result<Option<Cow<'a, str>>, String>,
        accept: impl Fn(&str, bool) -> Option<String>,
    ) -> Result<Found, String> {
        for (alternative, columns) in &self.0 {
            let values = columns.iter().map(|at| Ok(cell(*at)?.into_iter().collect())).collect::<Result<Vec<Vec<_>>, String>>()?;
            let made = alternative.mapping.apply(&values).units;
            let values: Vec<String> = made.iter().filter_map(|value| accept(value, alternative.template)).collect();
            if !values.is_empty() {
                return Ok(Found { values, built: alternative.template });
            }
        }
        Ok(Found::default())
    }
}

/// `Établissement{UAI}`: a column, and the label its values carry.
fn is_labelled(text: &str) -> bool {
    text.split_once('{').is_some_and(|(name, rest)| !name.is_empty() && rest.ends_with('}') && !rest.contains('{') && !name.contains('}'))
}

/// Titles brought to names, braces left where they are; `None` when the text is not built as it should be, which the compiler tells better.
fn translated(text: &str) -> Option<String> {
    if !text.contains(['{', '}']) {
        return column(text);
    }
    if is_labelled(text) {
        let (name, label) = text.split_once('{')?;
        return Some(format!("{}{{{label}", column(name)?));
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        out.push_str(before);
        out.push('{');
        out.push_str(&column(name)?);
        out.push('}');
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}
