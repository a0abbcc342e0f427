//! What is written of a person: attributes of SCIM (RFC 7643 §4.1) by templates over what the gateway knows, and how what stands there differs
//! from it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::store::establishment::provisioning_drift::Differing;
use crate::store::establishment::user::User;
use crate::types::Invalid;
use crate::types::fold_case;

/// The schema of accounts (RFC 7643 §8.7.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Most attributes of a mapping, and the longest template, in bytes.
const ATTRIBUTES_MAX: usize = 60;
const TEMPLATE_MAX_BYTES: usize = 500;
/// Attributes with one text.
const SINGLE: [&str; 9] =
    ["userName", "externalId", "displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"];
/// Parts of `name`.
const NAME_PARTS: [&str; 6] = ["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"];
/// Attributes with several values.
const MULTIPLE: [&str; 4] = ["emails", "phoneNumbers", "roles", "entitlements"];
/// Kinds of addresses and numbers that have a template of their own (RFC 7643 §4.1.2).
const TYPED: [(&str, &[&str]); 2] =
    [("emails", &["work", "home", "other"]), ("phoneNumbers", &["work", "home", "mobile", "fax", "pager", "other"])];
/// Attributes whose letter case says nothing (RFC 7643 §4.1.1; addresses are compared as people read them).
const CASELESS: [&str; 2] = ["userName", "emails"];

/// What is written when nothing else is said.
pub fn usual() -> BTreeMap<String, String> {
    let pairs = [
        ("userName", "{username}"),
        ("externalId", "{id}"),
        ("displayName", "{display_name}"),
        ("name.givenName", "{given_name}"),
        ("name.familyName", "{family_name}"),
        ("emails", "{email}"),
        ("preferredLanguage", "{locale}"),
        ("roles", "{roles}"),
    ];
    pairs.map(|(path, template)| (path.to_owned(), template.to_owned())).into()
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

/// A checked mapping.
#[derive(Clone, Debug)]
pub struct Mapping(Vec<(String, Vec<Piece>)>);

/// A person as templates see them.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The person.
    pub user: &'a User,
    /// The roles they hold there, by name.
    pub roles: &'a [String],
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// `Invalid` for each attribute and template that does not fit.
    pub fn parse(raw: &BTreeMap<String, String>) -> Result<Self, Vec<Invalid>> {
        let mut wrong = Vec::new();
        let mut parsed = Vec::new();
        if raw.len() > ATTRIBUTES_MAX {
            wrong.push(Invalid::new("mapping", format!("at most {ATTRIBUTES_MAX} attributes")));
        }
        if !raw.contains_key("userName") {
            wrong.push(Invalid::new("mapping.userName", "every account has a userName (RFC 7643 §4.1.1): give it a template"));
        }
        for (path, template) in raw {
            if !is_writable(path) {
                wrong.push(Invalid::new(format!("mapping.{path}"), unknown_path()));
            }
            match pieces(template) {
                Ok(found) => parsed.push((path.clone(), found)),
                Err(why) => wrong.push(Invalid::new(format!("mapping.{path}"), why)),
            }
        }
        if wrong.is_empty() { Ok(Self(parsed)) } else { Err(wrong) }
    }

    /// The account as it is to be. Attributes whose fields are all empty are left out.
    pub fn account(&self, facts: Facts<'_>, active: bool) -> Value {
        let mut account = Map::new();
        let mut schemas = BTreeSet::from([USER.to_owned()]);
        for (path, pieces) in &self.0 {
            let Some(value) = rendered(path, pieces, facts) else { continue };
            if let Some((urn, attribute)) = extension(path) {
                schemas.insert(urn.to_owned());
                if let Value::Object(inside) = account.entry(urn).or_insert_with(|| json!({})) {
                    inside.insert(attribute.to_owned(), value);
                }
            } else if let Some((list, _)) = typed(path) {
                join(account.entry(list).or_insert_with(|| json!([])), value);
            } else if let Some((outer, part)) = path.split_once('.') {
                if let Value::Object(inside) = account.entry(outer).or_insert_with(|| json!({})) {
                    inside.insert(part.to_owned(), value);
                }
            } else if MULTIPLE.contains(&path.as_str()) {
                join(account.entry(path).or_insert_with(|| json!([])), value);
            } else {
                account.insert(path.clone(), value);
            }
        }
        for (list, _) in TYPED {
            if let Some(Value::Array(values)) = account.get_mut(list) {
                put_in_order(list, values);
            }
        }
        account.insert("active".to_owned(), active.into());
        account.insert("schemas".to_owned(), json!(schemas));
        Value::Object(account)
    }

    /// The `externalId` of someone of whom only the key is known any more: none when it is made of anything else.
    pub fn key_of(&self, subject: &str) -> Option<String> {
        let pieces = self.0.iter().find(|(path, _)| path == "externalId").map(|(_, pieces)| pieces.as_slice());
        matches!(pieces, Some([Piece::Field(field)]) if field == "id").then(|| subject.to_owned())
    }

    /// Every attribute that is written, and `active`.
    fn paths(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(path, _)| typed(path).map_or(path.as_str(), |(list, _)| list)).chain(["active"]).collect()
    }

    /// How an account as it stands there differs from what it is to be, in the attributes that are written.
    pub fn differences(&self, there: &Value, wanted: &Value) -> BTreeMap<String, Differing> {
        let mut found = BTreeMap::new();
        for path in self.paths() {
            let (is, to_be) = (at(there, path), at(wanted, path));
            // Attributes that some services do not know are not asked for again and again: they are written once, and not compared.
            if !same(path, is, to_be) {
                found.insert(path.to_owned(), Differing { there: is.clone(), wanted: to_be.clone() });
            }
        }
        found
    }
}

fn unknown_path() -> String {
    format!(
        "no attribute that is written: {}, name.PART with one of {}, {}, {}, or URN:attribute of an extension",
        SINGLE.join(", "),
        NAME_PARTS.join(", "),
        MULTIPLE.join(", "),
        TYPED.map(|(list, kinds)| format!("{list}.KIND with one of {}", kinds.join(", "))).join(", ")
    )
}

fn is_writable(path: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'$')
    };
    if let Some((urn, attribute)) = extension(path) {
        return urn != USER && urn.len() <= 200 && plain(attribute) && urn.bytes().all(|b| b.is_ascii_graphic());
    }
    SINGLE.contains(&path)
        || MULTIPLE.contains(&path)
        || typed(path).is_some()
        || path.strip_prefix("name.").is_some_and(|part| NAME_PARTS.contains(&part))
}

/// The URN and the attribute of an extension's attribute (RFC 7644 §3.10).
/// The list and the kind of `emails.home`.
fn typed(path: &str) -> Option<(&'static str, &'static str)> {
    let (list, kind) = path.split_once('.')?;
    let (list, kinds) = TYPED.iter().find(|(known, _)| *known == list)?;
    kinds.iter().find(|known| **known == kind).map(|kind| (*list, *kind))
}

/// Adds to a list.
fn join(list: &mut Value, more: Value) {
    if let (Value::Array(list), Value::Array(more)) = (list, more) {
        list.extend(more);
    }
}

/// Each value once, those of work first; of addresses, the first is the primary one (RFC 7643 §2.4).
fn put_in_order(name: &str, list: &mut Vec<Value>) {
    list.sort_by_key(|one| one.get("type").and_then(Value::as_str) != Some("work"));
    let mut known = BTreeSet::new();
    list.retain(|one| one.get("value").and_then(Value::as_str).is_some_and(|value| known.insert(value.to_owned())));
    for (at, one) in list.iter_mut().enumerate().filter(|_| name == "emails") {
        if let Some(members) = one.as_object_mut() {
            members.insert("primary".to_owned(), (at == 0).into());
        }
    }
}

fn extension(path: &str) -> Option<(&str, &str)> {
    if path.starts_with("urn:") { path.rsplit_once(':') } else { None }
}

fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    if template.len() > TEMPLATE_MAX_BYTES {
        return Err(format!("a template has at most {TEMPLATE_MAX_BYTES} bytes"));
    }
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (field, after) = after.split_once('}').ok_or("a { is not closed by }")?;
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        }
        if !is_field(field) {
            return Err(format!(
                "{{{field}}} is no field: username, id, given_name, family_name, display_name, email, locale, home_unit, units, roles, or \
                 attributes.NAME"
            ));
        }
        found.push(Piece::Field(field.to_owned()));
        rest = after;
    }
    if rest.contains('}') {
        return Err("a } has no {".to_owned());
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Ok(found)
}

fn is_field(name: &str) -> bool {
    const FIELDS: [&str; 10] =
        ["username", "id", "given_name", "family_name", "display_name", "email", "locale", "home_unit", "units", "roles"];
    FIELDS.contains(&name) || name.strip_prefix("attributes.").is_some_and(|attribute| !attribute.is_empty())
}

/// The values of a field.
fn values(field: &str, facts: Facts<'_>) -> Vec<String> {
    let user = facts.user;
    let one = |value: Option<&String>| value.cloned().into_iter().collect::<Vec<_>>();
    match field {
        "username" => vec![user.username.clone()],
        "id" => vec![user.id.to_string()],
        "given_name" => one(user.given_name.as_ref()),
        "family_name" => one(user.family_name.as_ref()),
        "display_name" => vec![user.display_name.clone()],
        "email" => one(user.email.as_ref()),
        "locale" => one(user.locale.as_ref()),
        "home_unit" => one(user.home_unit.as_ref()),
        "units" => user.units.clone(),
        "roles" => facts.roles.to_vec(),
        other => other.strip_prefix("attributes.").and_then(|name| user.attributes.get(name)).cloned().unwrap_or_default(),
    }
}

fn rendered(path: &str, pieces: &[Piece], facts: Facts<'_>) -> Option<Value> {
    let (list, kind) = typed(path).unwrap_or((path, "work"));
    if MULTIPLE.contains(&list) {
        // A single field gives all its values.
        let all = match pieces {
            [Piece::Field(field)] => values(field, facts),
            _ => text(pieces, facts).into_iter().collect(),
        };
        let listed: Vec<Value> = all.into_iter().filter(|value| !value.is_empty()).map(|value| listed(list, kind, &value)).collect();
        return (!listed.is_empty()).then_some(Value::Array(listed));
    }
    text(pieces, facts).map(Value::String)
}

fn listed(list: &str, kind: &str, value: &str) -> Value {
    match list {
        "emails" | "phoneNumbers" => json!({ "value": value, "type": kind }),
        _ => json!({ "value": value }),
    }
}

/// A template filled in; nothing when all its fields are empty.
fn text(pieces: &[Piece], facts: Facts<'_>) -> Option<String> {
    let mut whole = String::new();
    let (mut fields, mut filled) = (0, 0);
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.push_str(text),
            Piece::Field(field) => {
                fields += 1;
                if let Some(value) = values(field, facts).into_iter().find(|value| !value.is_empty()) {
                    filled += 1;
                    whole.push_str(&value);
                }
            }
        }
    }
    (!whole.is_empty() && (fields == 0 || filled > 0)).then_some(whole)
}

/// What stands at a path; letter case of names says nothing (RFC 7643 §2.1).
fn at<'v>(resource: &'v Value, path: &str) -> &'v Value {
    const NOTHING: &Value = &Value::Null;
    let member = |of: &'v Value, name: &str| {
        let members = of.as_object()?;
        members.get(name).or_else(|| members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    };
    let found = match (extension(path), path.split_once('.')) {
        (Some((urn, attribute)), _) => member(resource, urn).and_then(|inside| member(inside, attribute)),
        (None, Some((outer, part))) => member(resource, outer).and_then(|inside| member(inside, part)),
        (None, None) => member(resource, path),
    };
    found.unwrap_or(NOTHING)
}

fn same(path: &str, is: &Value, to_be: &Value) -> bool {
    if MULTIPLE.contains(&path) {
        // Kinds are compared where they tell values apart: not every service keeps them.
        let kinds: BTreeSet<&str> = kinds_of(to_be).collect();
        return set_of(path, is) == set_of(path, to_be) && (kinds.len() < 2 || kinds_of(is).collect::<BTreeSet<_>>() == kinds);
    }
    match (is, to_be) {
        // Some services answer with texts (Entra's dialect).
        (Value::String(text), Value::Bool(wanted)) => text.eq_ignore_ascii_case(if *wanted { "true" } else { "false" }),
        // One that says nothing of `active` has it so (RFC 7643 §4.1.1 leaves it to the service).
        (Value::Null, Value::Bool(wanted)) => *wanted,
        (Value::String(one), Value::String(other)) if CASELESS.contains(&path) => fold_case(one) == fold_case(other),
        // An empty text is no value (RFC 7643 §2.5).
        (Value::String(one), Value::Null) => one.is_empty(),
        _ => is == to_be,
    }
}

/// The kinds of the values of a list.
fn kinds_of(listed: &Value) -> impl Iterator<Item = &str> {
    let all = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(|one| one.get("type").and_then(Value::as_str))
}

fn set_of(path: &str, listed: &Value) -> BTreeSet<String> {
    let all = listed.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = all.iter().filter_map(|one| one.get("value").unwrap_or(one).as_str());
    texts.map(|text| if CASELESS.contains(&path) { fold_case(text) } else { text.to_owned() }).collect()
}

/// Operations that put right what differs (RFC 7644 §3.5.2).
pub fn operations(differences: &BTreeMap<String, Differing>) -> Vec<Value> {
    let operation = |(path, differing): (&String, &Differing)| {
        if differing.wanted.is_null() {
            json!({ "op": "remove", "path": path })
        } else {
            json!({ "op": "replace", "path": path, "value": differing.wanted })
        }
    };
    differences.iter().map(operation).collect()
}

/// What stands there with what differs put right, to be put in its place (RFC 7644 §3.5.1).
pub fn replaced(there: &Value, differences: &BTreeMap<String, Differing>) -> Value {
    let mut whole = there.as_object().cloned().unwrap_or_default();
    whole.remove("meta");
    let put = |members: &mut Map<String, Value>, name: &str, value: &Value| {
        members.retain(|known, _| !known.eq_ignore_ascii_case(name));
        if !value.is_null() {
            members.insert(name.to_owned(), value.clone());
        }
    };
    for (path, differing) in differences {
        let parts = extension(path).or_else(|| path.split_once('.'));
        match parts {
            Some((outer, part)) => {
                let mut inside = whole.get(outer).and_then(Value::as_object).cloned().unwrap_or_default();
                put(&mut inside, part, &differing.wanted);
                let inside = if inside.is_empty() { Value::Null } else { Value::Object(inside) };
                put(&mut whole, outer, &inside);
            }
            None => put(&mut whole, path, &differing.wanted),
        }
    }
    let mut schemas: BTreeSet<String> = BTreeSet::from([USER.to_owned()]);
    schemas.extend(whole.keys().filter(|name| name.starts_with("urn:")).cloned());
    whole.insert("schemas".to_owned(), json!(schemas));
    Value::Object(whole)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests;
