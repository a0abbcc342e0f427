//! Settings over the columns of one file, and what they make of a row. Judges one row at a time; homonyms and repeated keys are others' matter.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::expression::Placed;
use super::settings::{Active, Field, Grouping, Settings};
use super::table::{Row, Table};
use crate::dn;
use crate::fold;
use crate::ldap::Cause;
use crate::record::{Kind, Person, Unreadable, regular};

/// Longest key, in bytes: stores compare it in indexes, which bound what they hold.
const KEY_BYTES_MAX: usize = 1024;
/// Most groups that one cell names.
const VALUES_MAX: usize = 200;

/// Where everything stands in one file.
#[derive(Debug)]
pub(super) struct Layout {
    fields: Vec<(String, Placed)>,
    key: Vec<usize>,
    groups: Vec<GroupColumn>,
    active: Option<(usize, Active)>,
    titles: Vec<String>,
}

#[derive(Debug)]
struct GroupColumn {
    at: usize,
    declared: Grouping,
}

/// What a row says.
#[derive(Debug)]
pub(super) enum Entry {
    /// Someone.
    Person(Box<Draft>),
    /// Someone who cannot be used, and the groups the row names all the same.
    Aside(Unreadable, Option<Place>, Vec<GroupValue>),
}

/// Someone, without a login name that is free for sure.
#[derive(Debug)]
pub(super) struct Draft {
    /// The person; the login name is as built, when it is built.
    pub(super) person: Person,
    /// Whether the login name was built, and has to be made unique.
    pub(super) built: bool,
    /// The groups the row names.
    pub(super) groups: Vec<GroupValue>,
}

/// A person's place, which rows have in the stead of a DN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) key: String,
    pub(super) dn: String,
    pub(super) dn_key: String,
}

/// One group, as a cell names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupValue {
    pub(super) key: String,
    pub(super) dn: String,
    pub(super) dn_key: String,
    pub(super) name: String,
}

impl Layout {
    /// Finds everything in a file.
    ///
    /// # Errors
    /// A column that settings name and the file has not: a title that changed must not look like everyone's value having gone.
    pub(super) fn new(settings: &Settings, table: &Table<'_>) -> Result<Self, Cause> {
        let there = || table.columns.iter().map(|column| format!("«{}»", column.title)).collect::<Vec<_>>().join(", ");
        let missing =
            |key: &str, text: &str| Cause::Content(format!("`{key}` names «{text}», and the file has no such column, but {}", there()));
        let mut fields = Vec::new();
        for Field { name, expression, declared } in &settings.fields {
            match expression.place(table)? {
                Some(placed) => fields.push((name.clone(), placed)),
                None if *declared || name == "username" => return Err(missing(&format!("mapping.{name}"), expression.text())),
                None => {}
            }
        }
        let key = find_key(settings, table)?.ok_or_else(|| {
            let names: Vec<String> = settings.keys.iter().map(|parts| parts.join("+")).collect();
            missing("key", &names.join("|"))
        })?;
        let mut groups = Vec::new();
        for declared in &settings.groups {
            match first_of(&declared.columns, table)? {
                Some(at) => groups.push(GroupColumn { at, declared: declared.clone() }),
                None if declared.declared => return Err(missing("groups.column", &declared.columns.join("|"))),
                None => {}
            }
        }
        let active = match &settings.active {
            None => None,
            Some(active) => {
                let at = first_of(&active.columns, table)?.ok_or_else(|| missing("active.column", &active.columns.join("|")))?;
                Some((at, active.clone()))
            }
        };
        Ok(Self { fields, key, groups, active, titles: table.columns.iter().map(|column| column.title.clone()).collect() })
    }

    /// The columns that make the key.
    pub(super) fn key_titles(&self) -> Vec<&str> {
        self.key.iter().map(|at| self.title(*at)).collect()
    }

    /// The columns that nothing looks at.
    pub(super) fn unused(&self) -> Vec<&str> {
        let mut used: Vec<usize> = self.fields.iter().flat_map(|(_, placed)| placed.columns()).collect();
        used.extend(self.key.iter().chain(self.groups.iter().map(|group| &group.at)).chain(self.active.iter().map(|(at, _)| at)));
        (0..self.titles.len()).filter(|at| !used.contains(at)).map(|at| self.title(at)).filter(|title| !title.is_empty()).collect()
    }

    fn title(&self, at: usize) -> &str {
        self.titles.get(at).map_or("", String::as_str)
    }

    /// What a row says.
    pub(super) fn entry(&self, row: &Row<'_>) -> Entry {
        let groups = self.group_values(row);
        let place = self.place(row);
        let aside = |place: Option<Place>, groups, reason: String| {
            let named = place.as_ref().map(|place| (Some(place.dn.clone()), Some(place.key.clone())));
            let (dn, external_id) = named.unwrap_or_default();
            Entry::Aside(Unreadable { dn, external_id, kind: Kind::Person, reason: format!("line {}: {reason}", row.line) }, place, groups)
        };
        match (place, &row.fault) {
            (place, Some(fault)) => aside(place.ok(), groups.unwrap_or_default(), fault.clone()),
            (Err(reason), None) => aside(None, Vec::new(), reason),
            (Ok(place), None) => match groups.and_then(|groups| Ok((self.person(row, &place)?, groups))) {
                Ok(((person, built), groups)) => Entry::Person(Box::new(Draft { person, built, groups })),
                Err(reason) => aside(Some(place), self.group_values(row).unwrap_or_default(), reason),
            },
        }
    }

    fn place(&self, row: &Row<'_>) -> Result<Place, String> {
        let single = self.key.len() == 1;
        let mut parts = Vec::new();
        for at in &self.key {
            let value = self.cell(row, *at)?.ok_or_else(|| format!("column «{}»: no key", self.title(*at)))?;
            // A name as a key must not depend on how it is capitalised this year.
            parts.push(if single { value.into_owned() } else { fold::plain(&value).split_whitespace().collect::<Vec<_>>().join(" ") });
        }
        let key = parts.join("|");
        if key.len() > KEY_BYTES_MAX {
            return Err(format!("column «{}»: the key is longer than {KEY_BYTES_MAX} bytes", self.key_titles().join("», «")));
        }
        let dn = format!("uid={}", dn::rdn_escape(&key));
        let dn_key = dn::normalise(&dn).map_err(|error| format!("column «{}»: no key: {error}", self.key_titles().join("», «")))?;
        Ok(Place { key, dn, dn_key })
    }

    fn person(&self, row: &Row<'_>, place: &Place) -> Result<(Person, bool), String> {
        let mut person = Person {
            external_id: place.key.clone(),
            dn: place.dn.clone(),
            dn_key: place.dn_key.clone(),
            username: String::new(),
            given_name: None,
            family_name: None,
            display_name: String::new(),
            email: None,
            locale: None,
            active: true,
            inactive_reason: None,
            opens: None,
            closes: None,
            home_unit: None,
            units: Vec::new(),
            attributes: BTreeMap::new(),
        };
        let mut built = false;
        for (name, placed) in &self.fields {
            let is_login = name == "username";
            let accept = |value: &str, template: bool| if is_login && template { fold::login(value) } else { Some(value.to_owned()) };
            let found = placed.evaluate(|at| self.cell(row, at), accept)?;
            built |= is_login && found.built;
            put(&mut person, name, found.values);
        }
        if person.username.is_empty() {
            return Err("no login name: the columns that make it are empty".to_owned());
        }
        if person.display_name.is_empty() {
            let names = [person.given_name.as_deref(), person.family_name.as_deref()];
            person.display_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        }
        if let Some((at, active)) = &self.active {
            let value = self.cell(row, *at)?.unwrap_or_default();
            person.active = active.values.contains(&fold::plain(&value)) != active.closed;
            person.inactive_reason = (!person.active).then(|| format!("{} {value}", self.title(*at)).trim_end().to_owned());
        }
        Ok((person, built))
    }

    fn group_values(&self, row: &Row<'_>) -> Result<Vec<GroupValue>, String> {
        let mut out: Vec<GroupValue> = Vec::new();
        for GroupColumn { at, declared } in &self.groups {
            let Some(cell) = self.cell(row, *at)? else { continue };
            let values: Vec<&str> = match &declared.separator {
                Some(separator) => cell.split(separator.as_str()).collect(),
                None => vec![&cell],
            };
            if values.len() > VALUES_MAX {
                return Err(format!("column «{}»: more than {VALUES_MAX} groups", self.title(*at)));
            }
            for value in values.into_iter().filter_map(regular) {
                let group = group(declared, &value).map_err(|reason| format!("column «{}»: {reason}", self.title(*at)))?;
                if !out.contains(&group) {
                    out.push(group);
                }
            }
        }
        Ok(out)
    }

    /// A cell as regular text; `None` when it is empty or not there.
    fn cell<'r>(&self, row: &Row<'r>, at: usize) -> Result<Option<Cow<'r, str>>, String> {
        let Some(bytes) = row.cells.get(at) else { return Ok(None) };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| format!("column «{}»: a character is not in the encoding of the file", self.title(at)))?;
        if text.contains('\0') {
            return Err(format!("column «{}»: it holds the NUL character (U+0000)", self.title(at)));
        }
        Ok(regular(text))
    }
}

fn put(person: &mut Person, field: &str, values: Vec<String>) {
    let mut values = values.into_iter();
    match field {
        "username" => person.username = values.next().unwrap_or_default(),
        "given_name" => person.given_name = values.next(),
        "family_name" => person.family_name = values.next(),
        "display_name" => person.display_name = values.next().unwrap_or_default(),
        "email" => person.email = values.next(),
        "locale" => person.locale = values.next(),
        "home_unit" => person.home_unit = values.next(),
        "units" => person.units = values.collect(),
        other => {
            let values: Vec<String> = values.map(|value| if other == "birth_date" { iso_date(value) } else { value }).collect();
            if !values.is_empty() {
                person.attributes.insert(other.to_owned(), values);
            }
        }
    }
}

/// `31/12/2010` as `2010-12-31`; anything else stays as it is.
fn iso_date(text: String) -> String {
    let parts: Vec<&str> = text.split(['/', '.', '-']).collect();
    let digits = |part: &str, least: usize, most: usize| (least..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [day, month, year] if digits(day, 1, 2) && digits(month, 1, 2) && digits(year, 4, 4) => format!("{year}-{month:0>2}-{day:0>2}"),
        _ => text,
    }
}

fn group(declared: &Grouping, value: &str) -> Result<GroupValue, String> {
    let folded = fold::plain(value).split_whitespace().collect::<Vec<_>>().join(" ");
    let dn = format!("cn={},ou={}", dn::rdn_escape(value), declared.kind);
    let dn_key = dn::normalise(&dn).map_err(|error| format!("`{value}` cannot name a group: {error}"))?;
    if folded.len() > KEY_BYTES_MAX / 2 {
        return Err(format!("a group's name is longer than {} bytes", KEY_BYTES_MAX / 2));
    }
    Ok(GroupValue { key: format!("{}={folded}", declared.kind), dn, dn_key, name: declared.name.replace("{value}", value) })
}

fn find_key(settings: &Settings, table: &Table<'_>) -> Result<Option<Vec<usize>>, Cause> {
    for parts in &settings.keys {
        let mut found = Vec::new();
        for part in parts {
            found.extend(table.find(part)?);
        }
        if found.len() == parts.len() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn first_of(names: &[String], table: &Table<'_>) -> Result<Option<usize>, Cause> {
    for name in names {
        if let Some(at) = table.find(name)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
