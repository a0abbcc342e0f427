//! Where a value stands in a SCIM resource (RFC 7644 §3.10): an attribute, of an extension too, of those of its values that fit, a part of each.
//! Reads JSON, knows no field of ours.

use serde_json::{Map, Value};

/// The longest path, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 256;
/// Comparisons of one value filter.
const CONDITIONS_MAX: usize = 8;
/// Schemas whose attributes stand at the top of a resource (RFC 7643 §4).
const CORE: [&str; 2] = ["urn:ietf:params:scim:schemas:core:2.0:user", "urn:ietf:params:scim:schemas:core:2.0:group"];

/// What is accepted, for messages.
pub(crate) const FORMS: &str = "accepted are `attribute`, `attribute.part`, `attribute[type eq \"work\"].part` (with `eq`, `ne`, `co`, `sw`, `ew`, `pr` \
    and `and`), each after `urn:…:` of its extension where it has one, a template such as `{name.givenName} {name.familyName}`, and `|` between alternatives";

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The extension's URN; none of the core schemas.
    schema: Option<String>,
    attribute: String,
    conditions: Vec<Condition>,
    part: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    part: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Present,
    Compared(Comparison, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Contains,
    Starts,
    Ends,
}

impl Comparison {
    const NAMES: [(&'static str, Self); 5] =
        [("eq", Self::Equal), ("ne", Self::NotEqual), ("co", Self::Contains), ("sw", Self::Starts), ("ew", Self::Ends)];

    /// Letters of either case are one: what a filter of this kind looks at is a type or a flag.
    fn holds(self, found: &str, wanted: &str) -> bool {
        let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
        match self {
            Self::Equal => found == wanted,
            Self::NotEqual => found != wanted,
            Self::Contains => found.contains(&wanted),
            Self::Starts => found.starts_with(&wanted),
            Self::Ends => found.ends_with(&wanted),
        }
    }
}

impl Path {
    /// Reads a path; `None` when the text is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > PATH_BYTES_MAX || text.contains(['{', '}', '|']) {
            return None;
        }
        let (head, filter, tail) = match text.split_once('[') {
            None => (text, None, ""),
            Some((head, rest)) => {
                let (filter, tail) = rest.rsplit_once(']')?;
                (head, Some(filter), tail)
            }
        };
        let (schema, name) = schema(head);
        let (attribute, part) = match (filter, name.split_once('.')) {
            (Some(_), None) => (name, if tail.is_empty() { None } else { Some(tail.strip_prefix('.')?) }),
            (None, Some((attribute, part))) => (attribute, Some(part)),
            (None, None) => (name, None),
            (Some(_), Some(_)) => return None,
        };
        if !is_name(attribute) || !part.is_none_or(is_name) {
            return None;
        }
        let conditions = filter.map_or(Some(Vec::new()), conditions)?;
        Some(Self { schema: schema.map(str::to_owned), attribute: attribute.to_owned(), conditions, part: part.map(str::to_owned) })
    }

    /// Every value there, as text, in the order of the resource. Of a value that has parts and of which none is named, its `value` counts.
    pub(crate) fn texts(&self, resource: &Value) -> Vec<String> {
        let holder = match &self.schema {
            None => Some(resource),
            Some(urn) => member(resource, urn),
        };
        let Some(found) = holder.and_then(|holder| member(holder, &self.attribute)) else { return Vec::new() };
        let fits = |value: &&Value| self.conditions.iter().all(|condition| condition.holds(value));
        each(found).iter().filter(fits).filter_map(|value| self.part_of(value)).flat_map(each).filter_map(text).collect()
    }

    fn part_of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match &self.part {
            Some(part) => member(value, part),
            None if value.is_object() => member(value, "value"),
            None => Some(value),
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        let found: Vec<String> = member(value, &self.part).into_iter().flat_map(each).filter_map(text).collect();
        match &self.test {
            Test::Present => !found.is_empty(),
            Test::Compared(Comparison::NotEqual, wanted) => found.iter().all(|found| Comparison::NotEqual.holds(found, wanted)),
            Test::Compared(comparison, wanted) => found.iter().any(|found| comparison.holds(found, wanted)),
        }
    }
}

/// A URN before the last colon, and the name after it.
fn schema(head: &str) -> (Option<&str>, &str) {
    let urn = head.split_at_checked(4).is_some_and(|(start, _)| start.eq_ignore_ascii_case("urn:"));
    match head.rsplit_once(':').filter(|_| urn) {
        Some((urn, name)) if CORE.iter().any(|core| core.eq_ignore_ascii_case(urn)) => (None, name),
        Some((urn, name)) => (Some(urn), name),
        None => (None, head),
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'$')
        && text.bytes().skip(1).all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// `type eq "work" and primary eq true`.
fn conditions(text: &str) -> Option<Vec<Condition>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = rest.split_once(' ')?;
        let (word, after) = after.trim_start().split_once(' ').unwrap_or((after.trim_start(), ""));
        let (asked, after) = if word.eq_ignore_ascii_case("pr") {
            (Test::Present, after)
        } else {
            let (_, comparison) = Comparison::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?;
            let (wanted, after) = literal(after.trim_start())?;
            (Test::Compared(*comparison, wanted), after)
        };
        if !is_name(part) || found.len() == CONDITIONS_MAX {
            return None;
        }
        found.push(Condition { part: part.to_owned(), test: asked });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(found);
        }
        let (and, after) = rest.split_once(' ')?;
        rest = after.trim_start();
        if !and.eq_ignore_ascii_case("and") {
            return None;
        }
    }
}

/// A text in quotes, or a word such as `true` or `3`; and what follows.
fn literal(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        let end = text.find(' ').unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        return (!word.is_empty() && !word.contains('"')).then(|| (word.to_owned(), rest));
    }
    let mut read = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = read.next()?.ok()?;
    Some((value, text.get(read.byte_offset()..)?))
}

/// A member of an object, whatever the case of its letters (RFC 7643 §2.1).
pub(super) fn member<'a>(holder: &'a Value, name: &str) -> Option<&'a Value> {
    let found = |object: &'a Map<String, Value>| {
        object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
    };
    holder.as_object().and_then(found).filter(|value| !value.is_null())
}

/// The values of an attribute that may have several.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

/// A single value as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::Path;
    use serde_json::{Value, json};

    fn anne() -> Value {
        json!({
            "userName": "anne", "Active": true, "name": {"familyName": "Noël"},
            "emails": [
                {"value": "a@home.test", "type": "home"},
                {"value": "a@work.test", "type": "Work", "primary": true},
                "bare@text.test"
            ],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "RT", "manager": {"value": "7", "displayName": "Léa"}},
            "nothing": null, "level": 3
        })
    }

    #[test]
    fn a_path_takes_what_stands_there_whatever_the_letter_case_of_names() {
        let of = |path: &str| Path::parse(path).unwrap().texts(&anne());
        assert_eq!(of("username"), ["anne"]);
        assert_eq!(of("name.FamilyName"), ["Noël"]);
        assert_eq!(of("active"), ["true"]);
        assert_eq!(of("level"), ["3"]);
        assert_eq!(of("emails.value"), ["a@home.test", "a@work.test"]);
        assert_eq!(of("emails"), ["a@home.test", "a@work.test", "bare@text.test"]);
        assert_eq!(of(r#"emails[type eq "work"].value"#), ["a@work.test"]);
        assert_eq!(of(r#"emails[type sw "w" and primary eq true].value"#), ["a@work.test"]);
        assert_eq!(of(r#"emails[type ne "work" and type pr].value"#), ["a@home.test"]);
        assert_eq!(of(r#"emails[value ew ".test" and value co "home"]"#), ["a@home.test"]);
        assert_eq!(of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"), ["RT"]);
        assert_eq!(of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager.displayName"), ["Léa"]);
        assert_eq!(of("urn:ietf:params:scim:schemas:core:2.0:User:userName"), ["anne"]);
        for absent in ["nothing", "title", "name", "level.part", r#"emails[type eq "other"].value"#] {
            assert!(of(absent).is_empty(), "{absent}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in [
            "",
            "a b",
            "1a",
            "a.",
            ".a",
            "a.b.c",
            "emails[type eq \"work\"",
            "emails[]",
            "emails[type]",
            "emails[type eq]",
            "emails[type is \"x\"]",
            "emails[type eq \"a\" or type eq \"b\"]",
            "emails[type eq \"a\"]value",
            "a.b[c pr]",
            "urn:x",
            "a|b",
            "{a}",
            "emails[type eq \"a]",
        ] {
            // `urn:x` is the attribute `x` of `urn`, which names no schema.
            assert_eq!(Path::parse(wrong).is_none(), wrong != "urn:x", "{wrong}");
        }
        assert!(Path::parse(&"a".repeat(300)).is_none());
    }
}
