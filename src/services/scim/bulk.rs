//! Bulk requests (RFC 7644 §3.7): read, put into an order in which whatever is referred to is made first, and told back. Pure: who carries the
//! operations out is not known here.

mod order;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub use order::{Order, Part, Step, order};

use super::error::ScimError;
use super::limits::BULK_OPERATIONS_MAX;
use super::schema::Kind;

/// The schema of a request.
const REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The schema of an answer.
const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// What a reference to another operation's resource begins with (RFC 7644 §3.7.2).
pub const REFERENCE: &str = "bulkId:";
/// Where identifiers stand that may be references: within members and managers, or in their place.
const REFERRING: [&str; 3] = ["value", "manager", "members"];

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Removes one.
    Delete,
}

impl Method {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// One operation that can be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What it does.
    pub method: Method,
    /// To which kind of resource.
    pub kind: Kind,
    /// To which one: an identifier, or a reference to one that is made in the same request. Empty where one is made.
    pub target: String,
    /// The version that the resource is to have, as it was given out.
    pub version: Option<String>,
    /// Its body; empty where nothing is sent.
    pub body: Map<String, Value>,
}

/// One operation as it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The method's name, as it was sent.
    method: String,
    /// Its name within the request.
    pub bulk_id: Option<String>,
    /// Which resource it is about, where it names one.
    pub target: Option<(Kind, String)>,
    /// What it is to do, or why that cannot be done.
    pub wish: Result<Operation, ScimError>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// So many failures end it.
    pub fail_on_errors: Option<u64>,
    /// The operations, as they were sent.
    pub operations: Vec<Sent>,
}

/// What became of an operation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which of those that were sent.
    pub at: usize,
    /// The status of its answer.
    pub status: u16,
    /// Where the resource is; none when it was not made.
    pub location: Option<String>,
    /// The version it has now.
    pub version: Option<String>,
    /// Why it failed.
    pub error: Option<ScimError>,
}

/// Reads a request.
///
/// # Errors
/// `invalidSyntax` for what is no Bulk request, 413 for one of too many operations. What is wrong with one operation is told of that one.
pub fn parse(body: &Map<String, Value>) -> Result<Request, ScimError> {
    let schemas = field(body, "schemas").and_then(Value::as_array);
    let is_named = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(REQUEST_URN));
    if !schemas.is_some_and(|all| all.iter().any(is_named)) {
        return Err(ScimError::invalid_syntax(format!("schemas has to name {REQUEST_URN}")));
    }
    let fail_on_errors = match field(body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(count) => match count.as_u64().filter(|count| *count > 0) {
            None => return Err(ScimError::invalid_value("failOnErrors is a whole number from 1 on")),
            some => some,
        },
    };
    let operations = field(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| ScimError::invalid_syntax("Operations is a list of operations"))?;
    if operations.len() > BULK_OPERATIONS_MAX {
        return Err(ScimError::new(413, format!("{} operations are too many: send {BULK_OPERATIONS_MAX} at most", operations.len())));
    }
    let mut operations: Vec<Sent> = operations.iter().map(sent).collect();
    refuse_repeated(&mut operations);
    Ok(Request { fail_on_errors, operations })
}

/// A member of an object, whatever the letter case of its name (RFC 7643 §2.1).
fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn sent(operation: &Value) -> Sent {
    let nothing = Map::new();
    let operation = operation.as_object().unwrap_or(&nothing);
    let text = |name: &str| field(operation, name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let bulk_id = Some(text("bulkId")).filter(|id| !id.is_empty());
    let (method, path) = (text("method"), text("path"));
    let target =
        place(&path).filter(|(_, target)| !target.is_empty() && Method::parse(&method).is_some_and(|method| method != Method::Post));
    let wish = wish(operation, &method, &path, bulk_id.is_some());
    Sent { method, bulk_id, target: target.map(|(kind, target)| (kind, target.to_owned())), wish }
}

/// The kind of resource that a path names, and which one.
fn place(path: &str) -> Option<(Kind, &str)> {
    let path = path.trim_start_matches('/');
    let (endpoint, target) = path.split_once('/').unwrap_or((path, ""));
    let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint() == endpoint)?;
    Some((kind, target)).filter(|_| !target.contains('/'))
}

fn wish(operation: &Map<String, Value>, method: &str, path: &str, is_named: bool) -> Result<Operation, ScimError> {
    let method = Method::parse(method).ok_or_else(|| ScimError::invalid_syntax("method is POST, PUT, PATCH or DELETE"))?;
    let unknown = || ScimError::invalid_value(format!("«{path}» is no path of a resource: /Users, /Groups, or one of theirs"));
    let (kind, target) = place(path).ok_or_else(unknown)?;
    if (method == Method::Post) != target.is_empty() {
        return Err(unknown());
    }
    if method == Method::Post && !is_named {
        return Err(ScimError::invalid_value("bulkId is required where something is made"));
    }
    let body = match field(operation, "data") {
        Some(Value::Object(body)) => body.clone(),
        _ if method == Method::Delete => Map::new(),
        _ => return Err(ScimError::invalid_syntax("data is the object that the method sends")),
    };
    let version = field(operation, "version").and_then(Value::as_str).filter(|version| !version.is_empty()).map(str::to_owned);
    Ok(Operation { method, kind, target: target.to_owned(), version, body })
}

/// A name that stands twice names nothing: the later ones are refused.
fn refuse_repeated(operations: &mut [Sent]) {
    let mut names = BTreeSet::new();
    for operation in operations {
        let makes = operation.wish.as_ref().is_ok_and(|wish| wish.method == Method::Post);
        if let Some(name) = operation.bulk_id.as_ref().filter(|name| makes && !names.insert((*name).clone())) {
            operation.wish = Err(ScimError::invalid_value(format!("the bulkId «{name}» stands twice in the request")));
        }
    }
}

/// The names of operations that an operation refers to.
pub fn references(operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    found.extend(operation.target.strip_prefix(REFERENCE).map(str::to_owned));
    for (name, member) in &operation.body {
        collect(name, member, &mut found);
    }
    found
}

fn collect(name: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| collect(name, member, found)),
        Value::String(text) => found.extend(reference(name, text).map(|(_, reference)| reference.to_owned())),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The name that the text of an attribute refers to, and where it begins: the whole text where identifiers stand, a quoted part in the path of a PATCH.
fn reference<'t>(name: &str, text: &'t str) -> Option<(usize, &'t str)> {
    if name.eq_ignore_ascii_case("path") {
        let begins = text.find("\"bulkId:")? + 1;
        let reference = text.get(begins + REFERENCE.len()..)?.split('"').next()?;
        return Some((begins, reference));
    }
    let is_referring = REFERRING.iter().any(|known| name.eq_ignore_ascii_case(known));
    text.strip_prefix(REFERENCE).filter(|_| is_referring).map(|reference| (0, reference))
}

/// Leaves out of a body what refers to some operations: members of a list, and whole attributes such as a manager.
pub fn leave_out(value: &mut Map<String, Value>, names: &BTreeSet<String>) {
    value.retain(|name, member| !refers(name, member, names));
    for (name, member) in value.iter_mut() {
        leave_out_below(name, member, names);
    }
}

fn leave_out_below(name: &str, value: &mut Value, names: &BTreeSet<String>) {
    match value {
        Value::Array(items) => {
            items.retain(|item| !refers(name, item, names));
            for item in items {
                leave_out_below(name, item, names);
            }
        }
        Value::Object(members) => leave_out(members, names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn refers(name: &str, value: &Value, names: &BTreeSet<String>) -> bool {
    let (name, text) = match value {
        Value::Object(object) => ("value", field(object, "value").and_then(Value::as_str)),
        other => (name, other.as_str()),
    };
    text.and_then(|text| reference(name, text)).is_some_and(|(_, reference)| names.contains(reference))
}

/// Puts identifiers where operations are referred to.
///
/// # Errors
/// 409 for a reference to what was not made; nothing has been changed then that matters.
pub fn resolve(operation: &mut Operation, made: &BTreeMap<String, String>) -> Result<(), ScimError> {
    let lookup = |name: &str| {
        made.get(name).cloned().ok_or_else(|| ScimError::new(409, format!("«{REFERENCE}{name}» was not made by this request")))
    };
    if let Some(name) = operation.target.strip_prefix(REFERENCE) {
        operation.target = lookup(name)?;
    }
    operation.body.iter_mut().try_for_each(|(name, member)| replace(name, member, &lookup))
}

fn replace(name: &str, value: &mut Value, lookup: &impl Fn(&str) -> Result<String, ScimError>) -> Result<(), ScimError> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| replace(name, item, lookup)),
        Value::Object(members) => members.iter_mut().try_for_each(|(name, member)| replace(name, member, lookup)),
        Value::String(text) => {
            if let Some((begins, found)) = reference(name, text) {
                let (id, ends) = (lookup(found)?, begins + REFERENCE.len() + found.len());
                text.replace_range(begins..ends, &id);
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The answer (RFC 7644 §3.7), in the order in which the operations were sent.
pub fn answer(request: &Request, outcomes: Vec<Outcome>) -> Map<String, Value> {
    let mut sorted: BTreeMap<usize, Outcome> = BTreeMap::new();
    sorted.extend(outcomes.into_iter().map(|outcome| (outcome.at, outcome)));
    let told = sorted.into_values().filter_map(|outcome| request.operations.get(outcome.at).map(|sent| told(sent, outcome)));
    let operations: Vec<Value> = told.map(Value::Object).collect();
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([RESPONSE_URN]));
    body.insert("Operations".to_owned(), Value::Array(operations));
    body
}

fn told(sent: &Sent, outcome: Outcome) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("method".to_owned(), Value::String(sent.method.clone()));
    let texts = [("bulkId", sent.bulk_id.clone()), ("version", outcome.version), ("location", outcome.location)];
    for (name, text) in texts {
        told.extend(text.map(|text| (name.to_owned(), Value::String(text))));
    }
    told.insert("status".to_owned(), Value::String(outcome.status.to_string()));
    told.extend(outcome.error.map(|error| ("response".to_owned(), Value::Object(error.body()))));
    told
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn request(operations: &Value) -> Request {
        parse(json!({ "schemas": [REQUEST_URN], "Operations": operations }).as_object().unwrap()).unwrap()
    }

    #[test]
    fn references_are_replaced_where_identifiers_stand_and_nowhere_else() {
        let mut request = request(&json!([{
            "method": "PATCH", "path": "/Groups/bulkId:g", "data": {
                "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "bulkId:u", "display": "bulkId:u" }] }],
                "displayName": "bulkId:u",
            },
        }]));
        let operation = request.operations[0].wish.as_mut().unwrap();
        let made = BTreeMap::from([("g".to_owned(), "1".to_owned()), ("u".to_owned(), "2".to_owned())]);
        resolve(operation, &made).unwrap();
        assert_eq!(operation.target, "1");
        assert_eq!(operation.body["Operations"][0]["value"], json!([{ "value": "2", "display": "bulkId:u" }]));
        assert_eq!(operation.body["displayName"], "bulkId:u");
        let by_path = json!({ "op": "remove", "path": "members[value eq \"bulkId:u\"]" });
        let body = json!({ "Operations": [by_path], "members": ["bulkId:u"], "manager": "bulkId:g", "nickName": "bulkId:u" });
        operation.body = body.as_object().unwrap().clone();
        assert_eq!(references(operation), BTreeSet::from(["g".to_owned(), "u".to_owned()]));
        resolve(operation, &made).unwrap();
        assert_eq!(operation.body["Operations"][0]["path"], "members[value eq \"2\"]");
        assert_eq!((&operation.body["members"], &operation.body["manager"]), (&json!(["2"]), &json!("1")));
        assert_eq!(operation.body["nickName"], "bulkId:u");
        operation.target = "bulkId:none".to_owned();
        assert_eq!(resolve(operation, &made).unwrap_err().status, 409);
    }

    #[test]
    fn what_refers_to_an_operation_can_be_left_out() {
        let mut body = json!({
            "members": [{ "value": "bulkId:a" }, { "value": "bulkId:b" }, { "value": "7" }], "urn:x": { "manager": { "Value": "bulkId:a" }, "title": "t" },
        });
        let Value::Object(ref mut map) = body else { unreachable!("it is an object") };
        leave_out(map, &BTreeSet::from(["a".to_owned()]));
        assert_eq!(body, json!({ "members": [{ "value": "bulkId:b" }, { "value": "7" }], "urn:x": { "title": "t" } }));
    }

    #[test]
    fn what_is_wrong_with_one_operation_is_told_of_it_alone() {
        let person = json!({ "userName": "a" });
        let request = request(&json!([
            { "method": "GET", "path": "/Users/1" },
            { "method": "POST", "path": "/Users", "data": person },
            { "method": "POST", "path": "/Users/1", "bulkId": "x", "data": person },
            { "method": "PUT", "path": "/Users", "data": person },
            { "method": "DELETE", "path": "/Cats/1" },
            { "method": "PATCH", "path": "/Groups/1/2", "data": person },
            { "method": "PUT", "path": "/Users/1" },
            "no object",
            { "method": "POST", "path": "/Users", "bulkId": "y", "data": person },
            { "method": "POST", "path": "/Users", "bulkId": "y", "data": person },
            { "method": "delete", "path": "/Users/1" },
        ]));
        let wrong: Vec<bool> = request.operations.iter().map(|sent| sent.wish.is_err()).collect();
        assert_eq!(wrong, [true, true, true, true, true, true, true, true, false, true, false]);
    }

    #[test]
    fn a_request_has_a_schema_and_a_bounded_list() {
        let status = |body: &Value| parse(body.as_object().unwrap()).map(|_| ()).map_err(|refused| refused.status);
        assert_eq!(status(&json!({ "schemas": [REQUEST_URN], "Operations": [] })), Ok(()));
        assert_eq!(status(&json!({ "Operations": [] })), Err(400));
        assert_eq!(status(&json!({ "schemas": [REQUEST_URN] })), Err(400));
        assert_eq!(status(&json!({ "schemas": [REQUEST_URN], "Operations": [], "failOnErrors": 0 })), Err(400));
        assert_eq!(status(&json!({ "schemas": [REQUEST_URN], "Operations": vec![json!({}); BULK_OPERATIONS_MAX + 1] })), Err(413));
    }
}
