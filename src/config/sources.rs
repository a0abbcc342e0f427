//! Gathers the settings from where they are given, remembers where, and checks each against its description.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::error::{ConfigError, Place, Problem};
use super::setting::{Accepted, Setting, variable_of};
use super::{Config, settings};

/// What the environment variables of the gateway start with.
pub(super) const PREFIX: &str = "PASSERELLE__";

/// What was given, by key; a later source replaces an earlier one.
#[derive(Default)]
pub(super) struct Sources {
    given: BTreeMap<String, (Place, Value)>,
    problems: Vec<Problem>,
}

impl Sources {
    /// Reads the TOML file.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let document = DeTable::parse(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            ConfigError::Syntax { path: path.to_owned(), line, column, message: error.message().to_owned() }
        })?;
        self.take_table(document.get_ref(), "", &File { path, text: &text });
        Ok(())
    }

    fn take_table(&mut self, table: &DeTable<'_>, section: &str, file: &File<'_>) {
        for (name, value) in table {
            let key = if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
            let place = Place::File { path: file.path.to_owned(), line: position(file.text, name.span().start).0 };
            match value.get_ref() {
                DeValue::Table(inner) if is_section(&key) => self.take_table(inner, &key, file),
                inner => self.take(key, place, plain(inner)),
            }
        }
    }

    /// Reads the variables that start with `PASSERELLE__`, in the order of their names.
    pub(super) fn read_environment(&mut self, env: impl Iterator<Item = (String, String)>) {
        let ours: BTreeMap<_, _> = env.filter(|(name, _)| name.to_uppercase().starts_with(PREFIX)).collect();
        for (name, raw) in ours {
            let key = name.get(PREFIX.len()..).unwrap_or_default().to_lowercase().replace("__", ".");
            let place = Place::Variable(name.clone());
            if name != variable_of(&key) {
                self.problems.push(Problem {
                    place,
                    key: key.clone(),
                    given: None,
                    reason: "is set by a variable in lower case".to_owned(),
                    accepted: format!("Write {}.", variable_of(&key)),
                });
                continue;
            }
            let number = find(&key).is_some_and(|setting| matches!(setting.accepted, Accepted::Number { .. }));
            let value = match raw.parse() {
                Ok(whole) if number => Value::Integer(whole),
                _ => Value::String(raw),
            };
            self.take(key, place, value);
        }
    }

    /// `--data DIR` stands for `store.url = "sqlite:DIR"`.
    pub(super) fn read_data_argument(&mut self, folder: &Path) {
        let (key, place) = ("store.url".to_owned(), Place::Argument("--data"));
        match folder.to_str() {
            Some(folder) => self.take(key, place, Value::String(super::Store::url_of(folder))),
            None => self.problems.push(Problem {
                place,
                key,
                given: Some(folder.display().to_string()),
                reason: "is not UTF-8".to_owned(),
                accepted: "Give a folder whose name is UTF-8.".to_owned(),
            }),
        }
    }

    fn take(&mut self, key: String, place: Place, value: Value) {
        if find(&key).is_some() {
            self.given.insert(key, (place, value));
        } else {
            self.problems.push(unknown(key, place));
        }
    }

    /// Checks every value given.
    pub(super) fn check(&mut self) {
        for (key, (place, value)) in &self.given {
            let Some(setting) = find(key) else { continue };
            if let Err(reason) = setting.check(value) {
                self.problems.push(wrong(setting, place.clone(), Some(value), reason));
            }
        }
    }

    /// Makes the configuration of what was given, if all of it is right alone.
    pub(super) fn build(&mut self) -> Result<Config, ConfigError> {
        if !self.problems.is_empty() {
            return Err(ConfigError::Settings(std::mem::take(&mut self.problems)));
        }
        let mut table = Table::new();
        for (key, (_, value)) in &self.given {
            match key.split_once('.') {
                None => drop(table.insert(key.clone(), value.clone())),
                Some((section, name)) => {
                    let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                    if let Value::Table(inner) = inner {
                        inner.insert(name.to_owned(), value.clone());
                    }
                }
            }
        }
        // Every value passed its check, so this fails only when a check is laxer than its type: the tests try each bound.
        Config::deserialize(table).map_err(|error| {
            ConfigError::Settings(vec![Problem {
                place: Place::Default,
                key: "configuration".to_owned(),
                given: None,
                reason: format!("is not accepted ({})", error.message()),
                accepted: "See the reference of the settings.".to_owned(),
            }])
        })
    }

    /// Adds a problem for each setting that contradicts another one.
    pub(super) fn refuse_contradictions(&mut self, contradictions: &[(&'static str, String)]) {
        for (key, reason) in contradictions {
            let Some(setting) = find(key) else { continue };
            let (place, value) = match self.given.get(*key) {
                Some((place, value)) => (place.clone(), Some(value)),
                None => (Place::Default, None),
            };
            self.problems.push(wrong(setting, place, value, reason.clone()));
        }
    }

    /// The problems met, if any.
    pub(super) fn into_problems(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError::Settings(self.problems)) }
    }
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

fn find(key: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.key == key)
}

fn is_section(key: &str) -> bool {
    settings().any(|setting| !key.is_empty() && section_of(setting.key) == key)
}

/// The section of a key: nothing for those at the top of the file.
fn section_of(key: &str) -> &str {
    key.split_once('.').map_or("", |(section, _)| section)
}

fn wrong(setting: &Setting, place: Place, value: Option<&Value>, reason: String) -> Problem {
    Problem {
        place,
        key: setting.key.to_owned(),
        given: value.map(|value| setting.shown(value)),
        reason,
        accepted: format!("It takes {}.", setting.accepted),
    }
}

/// The problem of a key that is no setting: the nearest one, or what its section takes.
fn unknown(key: String, place: Place) -> Problem {
    let written = |known: &str| match place {
        Place::Variable(_) if is_section(known) => format!("{}__…", variable_of(known)),
        Place::Variable(_) => variable_of(known),
        _ if is_section(known) => format!("[{known}]"),
        _ => known.to_owned(),
    };
    let (reason, accepted) = if is_section(&key) {
        ("is a section and not a setting", format!("Write {} with its settings below it.", written(&key)))
    } else if let Some(known) = nearest(&key) {
        ("is not a setting", format!("Did you mean {}?", written(known)))
    } else {
        let listed: Vec<_> = siblings(&key).into_iter().map(written).collect();
        ("is not a setting", format!("The settings are: {}.", listed.join(", ")))
    };
    Problem { place, key, given: None, reason: reason.to_owned(), accepted }
}

/// What stands beside a key: the settings of its section, or what stands at the top of the file.
fn siblings(key: &str) -> Vec<&'static str> {
    let section = section_of(key);
    let inside: Vec<_> =
        settings().map(|setting| setting.key).filter(|known| section_of(known) == section && is_section(section)).collect();
    if inside.is_empty() { top() } else { inside }
}

/// What stands at the top of the file: its own settings and the sections, in their order.
fn top() -> Vec<&'static str> {
    let mut names: Vec<_> = settings().map(|setting| setting.key.split_once('.').map_or(setting.key, |(section, _)| section)).collect();
    names.dedup();
    names
}

/// Longest unknown key that is compared with the known ones, in bytes.
const COMPARED_LENGTH_MAX: usize = 100;

/// The known key that needs the fewest changes: the last part may have moved from another section, or a third of the letters be wrong.
fn nearest(key: &str) -> Option<&'static str> {
    if key.len() > COMPARED_LENGTH_MAX {
        return None;
    }
    let name = key.rsplit('.').next().unwrap_or(key);
    if let Some(moved) = settings().find(|setting| setting.key.rsplit('.').next() == Some(name)) {
        return Some(moved.key);
    }
    let known = settings().map(|setting| setting.key).chain(top());
    let (distance, known) = known.map(|known| (edit_distance(key, known), known)).min()?;
    (distance <= key.len() / 3).then_some(known)
}

/// Levenshtein's distance, a row at a time.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            let above = *cell;
            *cell = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The value without its place. Dates, numbers with a point and integers beyond 64 bits are kept as TOML writes them, for the message.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Float(f64::INFINITY), Value::Integer)
        }
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(at) => Value::Datetime(*at),
        DeValue::Array(_) => Value::Array(Vec::new()),
        DeValue::Table(_) => Value::Table(Table::new()),
    }
}

/// Line and column of an offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
