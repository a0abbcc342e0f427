//! One value of a resource: checked against its attribute and made regular. What becomes of the whole resource is decided elsewhere.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use connectors::record::regular;
use serde_json::{Map, Value};

use super::error::ScimError;
use super::resource::excerpt;
use super::schema::{AttrRef, Attribute, Type};

/// Longest text, in characters.
pub const TEXT_MAX_CHARS: usize = 4_096;
/// Longest value in base64, and longest reference (pictures may be within their address), in bytes.
pub const BYTES_MAX: usize = 65_536;
/// Most values of one attribute. Members of a group are bounded by the size of the body alone.
pub const VALUES_MAX: usize = 200;

/// Base64, with or without its padding: clients write both.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Where a value comes from, and thus how it may be wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In a whole resource: as the table says.
    Whole,
    /// In a PATCH, where one value of a list may stand without brackets (RFC 7644 §3.5.2.1), and where Entra ID wraps single ones in a list.
    Patch,
}

/// The value as it is kept; `None` when it says that there is none (null, an empty text, list or object).
///
/// # Errors
/// `invalidValue` naming the attribute.
pub(super) fn settle(named: AttrRef, value: Value, form: Form) -> Result<Option<Value>, ScimError> {
    let attribute = named.leaf();
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        return single(named, unwrapped(attribute, value, form), form);
    }
    let items = match value {
        Value::Array(items) => items,
        one if form == Form::Patch => vec![one],
        _ => return Err(ScimError::invalid_value(format!("{named}: a list"))),
    };
    if items.len() > VALUES_MAX && attribute.name != "members" {
        return Err(ScimError::invalid_value(format!("{named}: more than {VALUES_MAX} values")));
    }
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        let Some(item) = element(named, item, form)? else { continue };
        if attribute.name == "members" || !kept.iter_mut().any(|other| merge_same(attribute, other, &item)) {
            kept.push(item);
        }
    }
    if kept.iter().filter(|item| is_primary(item)).count() > 1 {
        return Err(ScimError::invalid_value(format!("{named}: more than one is primary")));
    }
    Ok((!kept.is_empty()).then_some(Value::Array(kept)))
}

/// One element of a list; `None` when there is nothing in it.
pub(super) fn element(named: AttrRef, item: Value, form: Form) -> Result<Option<Value>, ScimError> {
    let settled = parts_of_element(named, item, form)?;
    Ok(settled.filter(|item| has_substance(named.leaf(), item)))
}

/// The same, whether it says anything by itself or not.
pub(super) fn parts_of_element(named: AttrRef, item: Value, form: Form) -> Result<Option<Value>, ScimError> {
    let attribute = named.leaf();
    let item = match item {
        plain @ Value::String(_) if attribute.is_complex() && form == Form::Patch && attribute.sub("value").is_some() => wrapped(plain),
        Value::Object(mut members) if !attribute.is_complex() && members.len() == 1 => match members.remove("value") {
            Some(inner) => inner,
            None => Value::Object(members),
        },
        other => other,
    };
    single(named, item, form)
}

/// Whether an element of a list says anything: one that has a place for a value, and none in it, is nothing.
pub(super) fn has_substance(attribute: &Attribute, item: &Value) -> bool {
    let Value::Object(members) = item else { return true };
    let named = |name: &str| members.contains_key(name);
    if attribute.sub("value").is_some() {
        named("value") || named("$ref")
    } else {
        members.keys().any(|name| name != "type" && name != "primary")
    }
}

/// Whether two elements are the same value for the same use (RFC 7643 §2.4); when they are, the first one takes what only the second says.
pub(super) fn merge_same(attribute: &Attribute, first: &mut Value, second: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (&mut *first, second) else { return *first == *second };
    if attribute.sub("value").is_none() {
        let same = without_primary(one).eq(without_primary(other));
        if same && is_primary(second) {
            one.insert("primary".to_owned(), Value::Bool(true));
        }
        return same;
    }
    if one.get("value") != other.get("value") || one.get("$ref") != other.get("$ref") || !same_use(one.get("type"), other.get("type")) {
        return false;
    }
    for (name, value) in other {
        if name == "primary" && *value == Value::Bool(true) {
            one.insert(name.clone(), value.clone());
        } else {
            one.entry(name.as_str()).or_insert_with(|| value.clone());
        }
    }
    true
}

/// Whether no two elements are the same value for the same use, as [`merge_same`] takes them: looked up, so that a long list costs no more than its length. False also where that cannot
/// be told in this way.
pub(super) fn each_once(attribute: &Attribute, items: &[Value]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| match item {
        Value::String(text) => seen.insert((Some(Cow::Borrowed(text.as_str())), None, None)),
        Value::Object(parts) if attribute.sub("value").is_some() => {
            let text = |name: &str| parts.get(name).and_then(Value::as_str);
            seen.insert((text("value").map(Cow::Borrowed), text("$ref"), text("type").map(str::to_lowercase)))
        }
        Value::Object(parts) => {
            let whole: Vec<(&String, &Value)> = without_primary(parts).collect();
            seen.insert((serde_json::to_string(&whole).ok().map(Cow::Owned), None, None))
        }
        _ => false,
    })
}

/// Whether an element is the one to use first.
pub(super) fn is_primary(item: &Value) -> bool {
    item.get("primary") == Some(&Value::Bool(true))
}

fn without_primary(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    members.iter().filter(|(name, _)| *name != "primary")
}

fn same_use(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::String(one)), Some(Value::String(other))) => one.to_lowercase() == other.to_lowercase(),
        (one, other) => one == other,
    }
}

/// A single value out of what Entra ID wraps it in: `[{"value": "x"}]`, or `{"value": "x"}`; and a reference to someone by their identifier alone.
fn unwrapped(attribute: &Attribute, value: Value, form: Form) -> Value {
    let value = match value {
        Value::Array(mut items) if form == Form::Patch && items.len() <= 1 => items.pop().unwrap_or(Value::Null),
        other => other,
    };
    match value {
        Value::Object(mut members) if form == Form::Patch && !attribute.is_complex() && members.contains_key("value") => {
            members.remove("value").unwrap_or(Value::Null)
        }
        plain @ Value::String(_) if attribute.is_complex() && attribute.sub("value").is_some() => wrapped(plain),
        other => other,
    }
}

fn wrapped(plain: Value) -> Value {
    Value::Object(Map::from_iter([("value".to_owned(), plain)]))
}

fn single(named: AttrRef, value: Value, form: Form) -> Result<Option<Value>, ScimError> {
    let attribute = named.leaf();
    let refuse = |what: &str| Err(ScimError::invalid_value(format!("{named}: {what}")));
    match (attribute.typ, value) {
        (_, Value::Null) => Ok(None),
        (Type::Complex, Value::Object(members)) => parts(named, members, form),
        (Type::Complex, _) => refuse("an object"),
        (Type::Boolean, Value::Bool(yes)) => Ok(Some(Value::Bool(yes))),
        // Entra ID writes its truths as texts.
        (Type::Boolean, Value::String(text)) if text.is_empty() => Ok(None),
        (Type::Boolean, Value::String(text)) => match boolean(&text) {
            Some(yes) => Ok(Some(Value::Bool(yes))),
            None => refuse("true or false"),
        },
        (Type::Boolean, _) => refuse("true or false"),
        (typ, Value::String(text)) => match text_of(typ, &text) {
            Ok(kept) => Ok(kept.map(Value::String)),
            Err(what) => refuse(&what),
        },
        _ => refuse("a text"),
    }
}

/// What a text says of yes and no, whatever its letter case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        yes if yes.eq_ignore_ascii_case("true") => Some(true),
        no if no.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn text_of(typ: Type, text: &str) -> Result<Option<String>, String> {
    let Some(text) = regular(text) else { return Ok(None) };
    if text.contains('\0') {
        return Err("holds the NUL character (U+0000), which no text may hold".to_owned());
    }
    match typ {
        Type::Binary | Type::Reference if text.len() > BYTES_MAX => return Err(format!("more than {BYTES_MAX} bytes")),
        Type::Binary if BASE64.decode(text.as_bytes()).is_err() => return Err("bytes in base64".to_owned()),
        Type::DateTime if text.parse::<jiff::Timestamp>().is_err() => {
            return Err(format!("«{}» is not an instant: write it like 2026-09-15T08:00:00Z", excerpt(&text)));
        }
        Type::String if text.chars().count() > TEXT_MAX_CHARS => return Err(format!("more than {TEXT_MAX_CHARS} characters")),
        _ => {}
    }
    Ok(Some(text.into_owned()))
}

fn parts(named: AttrRef, members: Map<String, Value>, form: Form) -> Result<Option<Value>, ScimError> {
    let mut kept = Map::new();
    for (name, value) in members {
        let Some(sub) = named.attribute.sub(&name).filter(|sub| !sub.is_read_only()) else { continue };
        let Some(value) = settle(named.part(sub), value, form)? else { continue };
        if kept.insert(sub.name.to_owned(), value).is_some() {
            return Err(ScimError::invalid_syntax(format!("{}.{} stands there twice", named.attribute.name, sub.name)));
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}
