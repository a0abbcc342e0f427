//! Hides what nobody is to read in what is kept of requests: the values of secret names, and of all that the table of attributes does not know, since nobody can say what they are.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::super::filter;
use super::super::patch;
use super::super::schema::{Attribute, COMMON, Kind};

/// What stands in the place of a value that is hidden.
pub const MASK: &str = "***";

/// Parts of names whose values nobody is to read, whoever knows them.
const SECRET: [&str; 7] = ["password", "passwd", "pwd", "secret", "token", "credential", "private"];
/// The words of requests themselves (RFC 7644 §3.4.3, §3.5.2, §3.7), besides attributes.
const PROTOCOL: [&str; 16] = [
    "operations",
    "op",
    "path",
    "value",
    "failonerrors",
    "bulkid",
    "method",
    "data",
    "version",
    "filter",
    "attributes",
    "excludedattributes",
    "sortby",
    "sortorder",
    "startindex",
    "count",
];
/// Parameters of an address whose values name attributes, places and numbers.
const PARAMETERS: [&str; 7] = ["attributes", "excludedattributes", "sortby", "sortorder", "startindex", "count", "cursor"];
/// The words of filters that compare with what stands next.
const COMPARING: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Names of attributes and of their parts in lower case, whichever resource has them, and the protocol's own.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let schemas = Kind::ALL.into_iter().flat_map(Kind::schemas);
    let attributes: Vec<&Attribute> = COMMON.iter().chain(schemas.flat_map(|schema| schema.attributes)).collect();
    let parts = attributes.iter().flat_map(|attribute| attribute.subs);
    let names = attributes.iter().copied().chain(parts).map(|attribute| attribute.name.to_ascii_lowercase());
    names.chain(PROTOCOL.map(str::to_owned)).chain(["cursor".to_owned()]).collect()
});

/// Hides values in a body, at any depth: of secret and of unknown names, what a PATCH operation puts at such a path, and what filters compare such attributes with.
pub fn mask(value: &mut Value) {
    if value.is_object() {
        within(value);
    } else {
        *value = Value::String(MASK.to_owned());
    }
}

fn within(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(within),
        Value::Object(members) => {
            // Names of members count in any letter case, as where the request is carried out.
            let leads_astray = |path: &Value| match path {
                Value::Null => false,
                Value::String(path) => !(path.trim().is_empty() || path.starts_with('/') || is_path(path.trim())),
                _ => true,
            };
            let astray = members.iter().any(|(name, path)| name.eq_ignore_ascii_case("path") && leads_astray(path));
            for (name, member) in members.iter_mut() {
                let filters = ["path", "filter"].iter().any(|filtering| name.eq_ignore_ascii_case(filtering));
                match member {
                    Value::Object(_) | Value::Array(_) if is_known(name) && !(astray && name.eq_ignore_ascii_case("value")) => {
                        within(member);
                    }
                    Value::String(text) if filters => *text = masked_filter(text),
                    _ if is_known(name) && !(astray && name.eq_ignore_ascii_case("value")) => {}
                    _ => *member = Value::String(MASK.to_owned()),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Hides the values of parameters in an address, but for those of SCIM; of a filter, those that unknown attributes are compared with.
pub fn masked_path(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let part = |part: &str| {
        let Some((name, value)) = part.split_once('=') else { return part.to_owned() };
        let folded = name.to_ascii_lowercase();
        if PARAMETERS.contains(&folded.as_str()) {
            return part.to_owned();
        }
        if folded != "filter" {
            return format!("{name}={MASK}");
        }
        let asked: String = url::form_urlencoded::parse(format!("={value}").as_bytes()).map(|(_, text)| text.into_owned()).collect();
        let masked = masked_filter(&asked);
        if masked == asked { part.to_owned() } else { format!("{name}={masked}") }
    };
    format!("{path}?{}", query.split('&').map(part).collect::<Vec<_>>().join("&"))
}

/// What a refusal says, without what it cites of a filter that was not understood.
pub fn masked_detail(detail: &str) -> String {
    const CITED: &str = ", where «";
    const END: &str = "» stands";
    let Some((told, rest)) = detail.split_once(CITED) else { return detail.to_owned() };
    let Some((cited, rest)) = rest.split_once(END) else { return format!("{told}{CITED}{MASK}") };
    let cited = if told.contains("a value (") { MASK.to_owned() } else { hidden(cited) };
    format!("{told}{CITED}{cited}{END}{rest}")
}

fn is_known(name: &str) -> bool {
    !is_secret(name) && (KNOWN.contains(&name.to_ascii_lowercase()) || is_path(name))
}

/// Whether a path leads somewhere in a resource of any kind.
fn is_path(path: &str) -> bool {
    !is_secret(path) && Kind::ALL.into_iter().any(|kind| patch::target(kind, path).is_ok())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|secret| name.contains(secret))
}

/// A filter or a path as it is when it asks for what is known; what it compares is hidden otherwise.
fn masked_filter(text: &str) -> String {
    // Of what only the other kind has, a kind does not look at the parts.
    let understood = || Kind::ALL.into_iter().all(|kind| filter::parse_among_all(kind, text).is_ok());
    let known = text.trim().is_empty() || text.starts_with('/') || is_path(text.trim()) || understood();
    if known { text.to_owned() } else { hidden(text) }
}

/// A filter with everything hidden that is in quotation marks, or stands where it is compared with.
fn hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut compared = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => quoted(rest),
            c if is_between(c) => c.len_utf8(),
            _ => rest.find(|c| is_between(c) || c == '"').unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        if first == '"' || (compared && !is_between(first)) {
            shown.push_str(if first == '"' { "\"***\"" } else { MASK });
            compared = false;
            continue;
        }
        if !first.is_whitespace() {
            compared = COMPARING.iter().any(|word| token.eq_ignore_ascii_case(word));
        }
        shown.push_str(token);
    }
    shown
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || "()[]".contains(c)
}

/// How long a text in quotation marks is, in bytes: to its end, where they are not closed.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use serde_json::json;

    use super::super::super::schema::ENTERPRISE_URN;
    use super::*;

    fn masked(mut body: Value) -> Value {
        mask(&mut body);
        body
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let body = json!({
            "userName": "a", "Password": "x", "name": {"familyName": "É", "client_secret": {"a": 1}},
            "Operations": [{"op": "replace", "path": "password", "value": "x"}, {"op": "replace", "path": "title", "value": "t"},
                {"op": "replace", "Path": "unicodePwd", "Value": "x"}, {"op": "replace", "path": ["password"], "value": "x"}]
        });
        let expected = json!({
            "userName": "a", "Password": MASK, "name": {"familyName": "É", "client_secret": MASK},
            "Operations": [{"op": "replace", "path": "password", "value": MASK}, {"op": "replace", "path": "title", "value": "t"},
                {"op": "replace", "Path": "unicodePwd", "Value": MASK}, {"op": "replace", "path": ["password"], "value": MASK}]
        });
        assert_eq!(masked(body), expected);
    }

    #[test]
    fn what_nobody_knows_is_hidden_and_what_the_table_knows_is_not() {
        let ssn = "urn:example:hr:2.0:User";
        let body = json!({
            "schemas": [ENTERPRISE_URN, ssn], "userName": "a", "ssn": "1 99", "emails": [{"value": "a@x.fr", "type": "work", "pin": 12}],
            ENTERPRISE_URN: {"department": "Chimie", "salary": 3}, ssn: {"ssn": "1 99"}, "title": {"pin": 1}
        });
        let expected = json!({
            "schemas": [ENTERPRISE_URN, ssn], "userName": "a", "ssn": MASK, "emails": [{"value": "a@x.fr", "type": "work", "pin": MASK}],
            ENTERPRISE_URN: {"department": "Chimie", "salary": MASK}, ssn: MASK, "title": {"pin": MASK}
        });
        assert_eq!(masked(body), expected);
        let department = format!("{ENTERPRISE_URN}:department");
        let known = json!({"Operations": [
            {"op": "Replace", "value": {"name.familyName": "É", (department.clone()): "Chimie", "emails[type eq \"work\"].value": "a@x.fr"}},
            {"op": "add", "path": department, "value": "x"}, {"op": "add", "path": "members", "value": [{"value": "7", "$ref": "y", "display": "z"}]},
            {"op": "remove", "path": "members[value eq \"7\"]"}, {"op": "add", "path": null, "value": {"active": "False"}}
        ]});
        assert_eq!(masked(known.clone()), known);
        let bulk = json!({"failOnErrors": 1, "Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "a", "pin": 1}}]});
        let told = masked(bulk);
        assert_eq!(
            told["Operations"][0],
            json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "a", "pin": MASK}})
        );
        let unknown = masked(
            json!({"Operations": [{"op": "add", "path": "urn:example:hr:2.0:User:ssn", "value": "1 99"}, {"op": "add", "value": {"ssn": "1 99"}}]}),
        );
        assert_eq!(
            unknown["Operations"],
            json!([{"op": "add", "path": "urn:example:hr:2.0:User:ssn", "value": MASK}, {"op": "add", "value": {"ssn": MASK}}])
        );
        assert_eq!(masked(json!("hunter2")), json!(MASK));
        assert_eq!(masked(json!(["hunter2"])), json!(MASK));
    }

    #[test]
    fn what_unknown_attributes_are_compared_with_is_hidden() {
        for known in ["userName eq \"a\"", "emails[type eq \"work\"].value co \"x\" or members.value eq \"7\"", "", "not (active eq true)"]
        {
            assert_eq!(masked_filter(known), known);
        }
        for (asked, shown) in [
            ("password eq \"hunter2\"", "password eq \"***\""),
            ("userName eq \"a\" and ssn SW hunter2", "userName eq \"***\" and ssn SW ***"),
            ("ssn eq \"hunter\\\"2\" or (pin gt 12)", "ssn eq \"***\" or (pin gt ***)"),
            ("ssn eq \"hunter2", "ssn eq \"***\""),
            ("vault[pin eq \"hunter2\"].value", "vault[pin eq \"***\"].value"),
            ("emails[pin eq \"hunter2\"]", "emails[pin eq \"***\"]"),
        ] {
            assert_eq!(masked_filter(asked), shown);
        }
        let search = masked(json!({"filter": "pin eq \"hunter2\"", "count": 3}));
        assert_eq!(search, json!({"filter": "pin eq \"***\"", "count": 3}));
        let path = masked(json!({"Operations": [{"op": "remove", "path": "vault[pin eq \"hunter2\"]"}]}));
        assert_eq!(path["Operations"][0]["path"], "vault[pin eq \"***\"]");
    }

    #[test]
    fn secrets_in_an_address_are_hidden() {
        assert_eq!(masked_path("/Users?access_token=x&filter=userName eq \"a\""), "/Users?access_token=***&filter=userName eq \"a\"");
        assert_eq!(masked_path("/Users"), "/Users");
        assert_eq!(masked_path("/Users?aadOptscim062020&count=1&key=x&f%69lter=x"), "/Users?aadOptscim062020&count=1&key=***&f%69lter=***");
        assert_eq!(masked_path("/Users?filter=pin+eq+%22hunter2%22"), "/Users?filter=pin eq \"***\"");
        assert_eq!(masked_path("/Users?filter=externalId%20eq%20%22%C3%89%22"), "/Users?filter=externalId%20eq%20%22%C3%89%22");
    }

    #[test]
    fn what_a_refusal_cites_is_hidden_where_it_may_be_a_value() {
        let value = "invalidFilter: a value (a text in quotation marks, …) is expected at character 13, where «hunter2» stands";
        assert!(!masked_detail(value).contains("hunter2"), "{}", masked_detail(value));
        let operator = "an operator (eq, …) is expected at character 10, where «\"hunter2\"» stands (remove x)";
        assert_eq!(masked_detail(operator), "an operator (eq, …) is expected at character 10, where «\"***\"» stands (remove x)");
        for plain in ["a User has no attribute «shoeSize»", "and, or, or the end is expected at character 4, where «x» stands"] {
            assert_eq!(masked_detail(plain), plain);
        }
    }
}
