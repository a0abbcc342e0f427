//! One rule of a claim shape: where the value comes from, then, in this order, filter, rewrite, map, prefix, pick or join, cast.

use std::collections::BTreeMap;

use regex::{Captures, Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::claims::{self, ClaimFacts};

/// Longest pattern, template or fixed text, in bytes.
const TEXT_MAX_BYTES: usize = 500;
/// Largest compiled pattern, in bytes.
const PATTERN_SIZE_MAX_BYTES: usize = 256 * 1024;
/// Most entries of a map.
const MAP_MAX: usize = 500;

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pick {
    First,
    Last,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cast {
    String,
    Integer,
    Boolean,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    from: Option<String>,
    value: Option<Value>,
    template: Option<String>,
    matching: Option<String>,
    #[serde(default)]
    map: BTreeMap<String, String>,
    prefix: Option<String>,
    pick: Option<Pick>,
    join: Option<String>,
    cast: Option<Cast>,
    default: Option<Value>,
    scope: Option<String>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Name(String),
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(super) struct ShapeRule {
    from: Option<String>,
    fixed: Option<Value>,
    template: Option<Vec<Piece>>,
    matching: Option<Regex>,
    map: BTreeMap<String, String>,
    prefix: Option<String>,
    pick: Option<Pick>,
    join: Option<String>,
    cast: Option<Cast>,
    default: Option<Value>,
    scope: Option<String>,
}

impl ShapeRule {
    /// Reads a rule; the error is a sentence.
    pub(super) fn parse(rule: &Value) -> Result<Self, String> {
        let declared: Declared = Declared::deserialize(rule).map_err(|e| e.to_string())?;
        if let Some(path) = declared.from.as_deref().filter(|path| !claims::is_fact(path)) {
            return Err(format!("from names «{path}», which is nothing known about people: try groups, roles, attributes.NAME, …"));
        }
        match (&declared.from, &declared.value, &declared.template) {
            (Some(_), None, _) | (None, Some(_), None) | (None, None, Some(_)) => {}
            _ => return Err("say where the value comes from: one of from, value and template (template also rewrites from)".to_owned()),
        }
        let texts = [&declared.template, &declared.matching, &declared.prefix, &declared.join, &declared.scope];
        if texts.into_iter().flatten().any(|text| text.len() > TEXT_MAX_BYTES) || declared.map.len() > MAP_MAX {
            return Err(format!("a text has at most {TEXT_MAX_BYTES} bytes and a map {MAP_MAX} entries"));
        }
        let matching = declared.matching.as_deref().map(whole_value).transpose()?;
        if matching.is_some() && declared.from.is_none() {
            return Err("matching filters what from gives: add from".to_owned());
        }
        let template = declared.template.as_deref().map(pieces).transpose()?;
        check_names(template.as_deref().unwrap_or_default(), declared.from.is_some(), matching.as_ref())?;
        if [&declared.value, &declared.default].into_iter().flatten().any(Value::is_object) {
            return Err("value and default are a text, a number, a boolean or a list".to_owned());
        }
        Ok(Self {
            from: declared.from,
            fixed: declared.value,
            template,
            matching,
            map: declared.map,
            prefix: declared.prefix,
            pick: declared.pick,
            join: declared.join,
            cast: declared.cast,
            default: declared.default,
            scope: declared.scope,
        })
    }

    /// The scope the claim waits for, if any.
    pub(super) fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The claim's value; absent when nothing is left.
    pub(super) fn value(&self, facts: &ClaimFacts) -> Option<Value> {
        self.computed(facts).or_else(|| self.default.clone())
    }

    fn computed(&self, facts: &ClaimFacts) -> Option<Value> {
        let source = match (&self.from, &self.template) {
            (Some(path), _) => claims::fact(facts, path)?,
            (None, Some(template)) => Value::from(filled(template, |name| text_fact(facts, name))?),
            (None, None) => self.fixed.clone()?,
        };
        let source = match source {
            Value::Array(items) => {
                let kept = items.into_iter().filter_map(|item| self.rewritten(item, facts)).collect::<Vec<_>>();
                self.gathered(kept)?
            }
            single => self.rewritten(single, facts)?,
        };
        match source {
            Value::Array(items) => Some(items.into_iter().filter_map(|item| self.cast(item)).collect()),
            single => self.cast(single),
        }
    }

    /// Filters and rewrites one text; objects and numbers pass when nothing is asked of them as texts.
    fn rewritten(&self, item: Value, facts: &ClaimFacts) -> Option<Value> {
        let asked =
            self.matching.is_some() || !self.map.is_empty() || self.prefix.is_some() || (self.from.is_some() && self.template.is_some());
        let Some(text) = as_text(&item).filter(|_| asked) else { return (!asked).then_some(item) };
        let captures = match &self.matching {
            Some(pattern) => Some(pattern.captures(&text)?),
            None => None,
        };
        let rewritten = match (&self.from, &self.template) {
            (Some(_), Some(template)) => filled(template, |name| piece(&text, captures.as_ref(), facts, name))?,
            _ => text.clone(),
        };
        let mapped = self.map.get(&rewritten).cloned().unwrap_or(rewritten);
        // A template of optional captures may leave nothing: an empty text is no value.
        (!mapped.is_empty()).then(|| Value::from(format!("{}{mapped}", self.prefix.as_deref().unwrap_or_default())))
    }

    fn gathered(&self, mut items: Vec<Value>) -> Option<Value> {
        match (self.pick, &self.join) {
            (Some(Pick::First), _) => (!items.is_empty()).then(|| items.swap_remove(0)),
            (Some(Pick::Last), _) => items.pop(),
            (None, Some(separator)) => {
                let texts: Vec<_> = items.iter().filter_map(as_text).collect();
                (!texts.is_empty()).then(|| Value::from(texts.join(separator)))
            }
            (None, None) => Some(Value::from(items)),
        }
    }

    fn cast(&self, value: Value) -> Option<Value> {
        match self.cast {
            None => Some(value),
            Some(Cast::String) => as_text(&value).map(Value::from),
            Some(Cast::Integer) => as_text(&value)?.trim().parse::<i64>().ok().map(Value::from),
            Some(Cast::Boolean) => match as_text(&value)?.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "oui" => Some(Value::from(true)),
                "false" | "0" | "no" | "non" => Some(Value::from(false)),
                _ => None,
            },
        }
    }
}

/// A pattern matches the whole value, letter case ignored, as in rules.
fn whole_value(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .case_insensitive(true)
        .size_limit(PATTERN_SIZE_MAX_BYTES)
        .build()
        .map_err(|e| format!("matching does not compile: {e}"))
}

/// Splits a template at its `{name}` places; `{{` and `}}` stand for the braces themselves.
fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut read = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else if let Some((name, after)) = from.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            read.push(Piece::Text(std::mem::take(&mut text)));
            read.push(Piece::Name(name.to_owned()));
            rest = after;
        } else {
            return Err("template has a lone brace: write {{ or }} for the character itself".to_owned());
        }
    }
    text.push_str(rest);
    read.push(Piece::Text(text));
    Ok(read)
}

fn check_names(template: &[Piece], has_from: bool, matching: Option<&Regex>) -> Result<(), String> {
    let captured = |name: &str| matching.is_some_and(|pattern| pattern.capture_names().flatten().any(|n| n == name));
    let unknown = template.iter().find_map(|piece| match piece {
        Piece::Name(name) if !(claims::is_fact(name) || captured(name) || (has_from && name == "value")) => Some(name),
        _ => None,
    });
    unknown.map_or(Ok(()), |name| Err(format!("template names «{name}», which is neither a fact about people nor a capture of matching")))
}

/// Fills a template; nothing when any of its names has no value, so that no half-made text goes out.
fn filled(template: &[Piece], lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut made = String::new();
    for piece in template {
        match piece {
            Piece::Text(text) => made.push_str(text),
            Piece::Name(name) => made.push_str(&lookup(name)?),
        }
    }
    Some(made)
}

fn piece(value: &str, captures: Option<&Captures<'_>>, facts: &ClaimFacts, name: &str) -> Option<String> {
    let found = captures.and_then(|c| c.name(name)).map(|m| m.as_str().to_owned());
    found.or_else(|| if name == "value" { Some(value.to_owned()) } else { text_fact(facts, name) })
}

fn text_fact(facts: &ClaimFacts, name: &str) -> Option<String> {
    match claims::fact(facts, name)? {
        Value::Array(items) => items.first().and_then(as_text),
        single => as_text(&single),
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
