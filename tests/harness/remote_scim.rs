//! A SCIM service to read, over a socket of its own: pages by index and by cursor, simple filters, versions, tokens, and whatever it may do wrong.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub const TOKEN: &str = "jeton-d-essai";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// A time long before any test.
pub const LONG_AGO: &str = "2020-01-01T00:00:00Z";
/// A time after all of them.
pub const LATELY: &str = "2900-01-01T00:00:00Z";

/// What it does wrong in the place of one answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: it answers as it should.
    None,
    /// A status, and how many seconds to wait.
    Busy(u16, Option<&'static str>),
    /// A status with SCIM's body of errors.
    Refused(u16, &'static str),
    /// Elsewhere.
    Redirect,
    /// A web page.
    WebPage,
    /// JSON that is no list.
    OtherJson,
    /// The answer without its end, as if it were whole.
    Truncated,
    /// The connection ends in the middle of the body.
    Dropped,
    /// Nothing ever.
    Silent,
    /// A body that never ends.
    Endless,
    /// Nested beyond measure.
    Deep,
}

/// How it behaves throughout.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "habits that a service has or has not, each apart from the others")]
pub struct Habits {
    /// By cursor, which it announces.
    pub by_cursor: bool,
    /// Cursors end after so many uses.
    pub cursors_end_after: Option<usize>,
    /// It filters nothing, and says so.
    pub no_filter: bool,
    /// It says that it filters, and gives everything.
    pub ignores_filters: bool,
    /// The same page whatever is asked.
    pub same_page: bool,
    /// So many more announced than there are.
    pub announces_more: usize,
    /// Most resources of a page.
    pub page_max: Option<usize>,
    /// Groups show their members only when they are read by themselves.
    pub members_apart: bool,
    /// Lists show no versions.
    pub versions_apart: bool,
    /// It has no groups at all.
    pub no_groups: bool,
    /// A token by client credentials, which ends after so many requests.
    pub tokens_end_after: Option<usize>,
    /// Someone is removed after each page of users.
    pub shrinks: bool,
    /// Its order turns with each request.
    pub turns: bool,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: String,
}

#[derive(Default)]
struct Held {
    users: Vec<Value>,
    groups: Vec<Value>,
    habits: Habits,
    faults: VecDeque<(String, Fault)>,
    heard: Vec<Heard>,
    tokens: usize,
    uses: usize,
    cursors: usize,
}

/// A running service; dropping it stops it.
pub struct ScimService {
    pub base: String,
    held: Arc<Mutex<Held>>,
    serving: tokio::task::JoinHandle<()>,
}

impl ScimService {
    pub async fn start() -> Self {
        Self::with(Habits::default()).await
    }

    pub async fn with(habits: Habits) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/scim/v2", socket.local_addr().unwrap());
        let held = Arc::new(Mutex::new(Held { habits, ..Held::default() }));
        let router = router(&held);
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { base, held, serving }
    }

    /// The same service for a socket of another kind.
    pub fn router(&self) -> Router {
        router(&self.held)
    }

    pub fn habit(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.held.lock().unwrap().habits);
    }

    /// What it does wrong when asked for a path next; several in turn.
    pub fn fail(&self, path: &str, faults: &[Fault]) {
        let mut held = self.held.lock().unwrap();
        held.faults.extend(faults.iter().map(|fault| (path.to_owned(), fault.clone())));
    }

    /// Writes a user, new or not; changed at this time.
    pub fn user(&self, id: &str, user_name: &str, at: &str, more: &Value) {
        let mut resource = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "userName": user_name, "active": true,
            "name": {"givenName": user_name, "familyName": "Essai"}, "emails": [{"value": format!("{user_name}@acad-test.fr"), "type": "work"}],
            "meta": {"resourceType": "User", "lastModified": at}
        });
        merge(&mut resource, more);
        put(&mut self.held.lock().unwrap().users, resource);
    }

    /// So many users, all of them long ago.
    pub fn users(&self, count: usize) {
        for number in 0..count {
            self.user(&format!("u{number:05}"), &format!("user{number:05}"), LONG_AGO, &json!({}));
        }
    }

    /// Writes a group of these members: (`User` or `Group`, `id`).
    pub fn group(&self, id: &str, name: &str, at: &str, members: &[(&str, &str)]) {
        let members: Vec<Value> = members.iter().map(|(kind, id)| json!({"value": id, "type": kind})).collect();
        let version = format!("W/\"{}\"", members.len());
        let resource = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": id, "displayName": name, "members": members,
            "meta": {"resourceType": "Group", "lastModified": at, "version": version}
        });
        put(&mut self.held.lock().unwrap().groups, resource);
    }

    pub fn remove(&self, id: &str) {
        let mut held = self.held.lock().unwrap();
        held.users.retain(|user| user["id"] != id);
        held.groups.retain(|group| group["id"] != id);
    }

    /// Everything it was asked since it was last listened to.
    pub fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.held.lock().unwrap().heard)
    }
}

impl Drop for ScimService {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn router(held: &Arc<Mutex<Held>>) -> Router {
    Router::new().fallback(answer).with_state(held.clone())
}

fn merge(resource: &mut Value, more: &Value) {
    for (name, value) in more.as_object().unwrap() {
        resource[name] = value.clone();
    }
}

fn put(all: &mut Vec<Value>, resource: Value) {
    match all.iter_mut().find(|known| known["id"] == resource["id"]) {
        Some(known) => *known = resource,
        None => all.push(resource),
    }
}

async fn answer(State(held): State<Arc<Mutex<Held>>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path = uri.path().trim_start_matches("/scim/v2").to_owned();
    let heard = Heard { path, query, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let fault = {
        let mut held = held.lock().unwrap();
        held.heard.push(heard.clone());
        let at = held.faults.iter().position(|(path, _)| *path == heard.path);
        at.and_then(|at| held.faults.remove(at)).map(|(_, fault)| fault)
    };
    match fault {
        Some(fault) => wrong(&held, &heard, fault).await,
        None => right(&mut held.lock().unwrap(), &heard),
    }
}

fn right(held: &mut Held, heard: &Heard) -> Response {
    if heard.path == "/token" {
        return token(held, heard);
    }
    let sent = heard.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let wanted = if held.habits.tokens_end_after.is_some() { format!("Bearer granted-{}", held.tokens) } else { format!("Bearer {TOKEN}") };
    held.uses += 1;
    if sent != Some(wanted) || held.habits.tokens_end_after.is_some_and(|most| held.uses > most) {
        return error(401, "this token is not accepted");
    }
    let habits = held.habits.clone();
    match heard.path.split('/').collect::<Vec<_>>().as_slice() {
        ["", "ServiceProviderConfig"] => scim(&json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "filter": {"supported": !habits.no_filter, "maxResults": 200}, "sort": {"supported": true}, "etag": {"supported": true},
            "pagination": {"cursor": habits.by_cursor, "index": true}
        })),
        ["", "Users"] => {
            let listed = list(held, heard, &held.users.clone());
            if habits.shrinks && !held.users.is_empty() {
                held.users.remove(0);
            }
            listed
        }
        ["", "Groups"] if !habits.no_groups => {
            let mut groups = held.groups.clone();
            if habits.members_apart {
                for group in &mut groups {
                    group.as_object_mut().unwrap().remove("members");
                }
            }
            if habits.versions_apart {
                for group in &mut groups {
                    group["meta"].as_object_mut().unwrap().remove("version");
                }
            }
            list(held, heard, &groups)
        }
        ["", kind @ ("Users" | "Groups"), id] => {
            let all = if *kind == "Users" { &held.users } else { &held.groups };
            all.iter().find(|one| one["id"] == *id).map_or_else(|| error(404, "not found"), |one| single(one, heard))
        }
        _ => error(404, "no such endpoint"),
    }
}

/// By client credentials, the secret in the header.
fn token(held: &mut Held, heard: &Heard) -> Response {
    // `client` and `s+é` percent-encoded, joined and in Base64.
    let basic = heard.headers.get(AUTHORIZATION).is_some_and(|value| value == "Basic Y2xpZW50OnMlMkIlQzMlQTk=");
    let posted = heard.body.contains("client_id=client&client_secret=s%2B%C3%A9");
    if !(basic || posted) || !heard.body.contains("grant_type=client_credentials") {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({"error": "invalid_client", "error_description": "unknown"}))).into_response();
    }
    held.tokens += 1;
    held.uses = 0;
    axum::Json(json!({"access_token": format!("granted-{}", held.tokens), "token_type": "Bearer", "expires_in": 60})).into_response()
}

fn single(resource: &Value, heard: &Heard) -> Response {
    let version = resource["meta"]["version"].as_str().unwrap_or("W/\"1\"").to_owned();
    if heard.headers.get(IF_NONE_MATCH).is_some_and(|known| *known == *version) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut answer = scim(resource);
    answer.headers_mut().insert(ETAG, version.parse().unwrap());
    answer
}

fn list(held: &mut Held, heard: &Heard, all: &[Value]) -> Response {
    let habits = held.habits.clone();
    let number = |name: &str| heard.query.get(name).and_then(|text| text.parse::<usize>().ok());
    let filter = heard.query.get("filter").filter(|_| !habits.ignores_filters);
    if filter.is_some() && habits.no_filter {
        return error(400, "filters are not supported");
    }
    let mut found: Vec<Value> = all.iter().filter(|one| filter.is_none_or(|filter| matches(one, filter))).cloned().collect();
    if habits.turns && !found.is_empty() {
        let by = held.heard.len() % found.len();
        found.rotate_left(by);
    }
    let count = number("count").unwrap_or(100).min(habits.page_max.unwrap_or(usize::MAX));
    let cursor = heard.query.get("cursor").filter(|_| habits.by_cursor);
    if cursor.is_some_and(|cursor| !cursor.is_empty()) {
        held.cursors += 1;
        if habits.cursors_end_after.is_some_and(|most| held.cursors > most) {
            held.habits.cursors_end_after = None;
            return refusal(400, "expiredCursor", "begin again");
        }
    }
    let start = match cursor {
        Some(cursor) => cursor.trim_start_matches('c').parse().unwrap_or(0),
        None if habits.same_page => 0,
        None => number("startIndex").unwrap_or(1).max(1) - 1,
    };
    let page: Vec<&Value> = found.iter().skip(start).take(count).collect();
    let mut answer = json!({
        "schemas": [LIST], "totalResults": found.len() + habits.announces_more, "startIndex": start + 1, "itemsPerPage": page.len(), "Resources": page
    });
    if cursor.is_some() && start + count < found.len() {
        answer["nextCursor"] = json!(format!("c{}", start + count));
    }
    scim(&answer)
}

/// Comparisons joined by `and`, parentheses passed over.
fn matches(resource: &Value, filter: &str) -> bool {
    filter.split(" and ").all(|one| {
        let one = one.trim_matches(['(', ')', ' ']);
        let (path, rest) = one.split_once(' ').unwrap();
        let (comparison, wanted) = rest.split_once(' ').unwrap();
        let found = path.split('.').fold(resource, |value, part| &value[part]).as_str().unwrap_or_default();
        let wanted: String = serde_json::from_str(wanted).unwrap();
        match comparison {
            "eq" => found == wanted,
            "gt" => found > wanted.as_str(),
            other => panic!("{other} is not known to this service"),
        }
    })
}

async fn wrong(held: &Arc<Mutex<Held>>, heard: &Heard, fault: Fault) -> Response {
    match fault {
        Fault::None => right(&mut held.lock().unwrap(), heard),
        Fault::Busy(status, wait) => {
            let mut answer = error(status, "too many requests");
            if let Some(wait) = wait {
                answer.headers_mut().insert(RETRY_AFTER, wait.parse().unwrap());
            }
            answer
        }
        Fault::Refused(status, detail) => error(status, detail),
        Fault::Redirect => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "https://elsewhere.test/scim")]).into_response(),
        Fault::WebPage => ([(CONTENT_TYPE, "text/html")], "<!doctype html><title>Sign in</title>").into_response(),
        Fault::OtherJson => scim(&json!({"message": "hello"})),
        Fault::Truncated => {
            let answer = right(&mut held.lock().unwrap(), heard);
            let whole = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let cut = whole.slice(..whole.len() * 2 / 3);
            ([(CONTENT_TYPE, "application/scim+json")], cut).into_response()
        }
        Fault::Dropped => {
            let pieces = [Ok(Bytes::from_static(b"{\"totalResults\": 3, ")), Err(std::io::Error::other("gone"))];
            Body::from_stream(futures::stream::iter(pieces)).into_response()
        }
        Fault::Silent => std::future::pending().await,
        Fault::Endless => {
            let piece = Bytes::from(vec![b' '; 1024 * 1024]);
            Body::from_stream(futures::stream::repeat(piece).map(Ok::<_, std::io::Error>)).into_response()
        }
        Fault::Deep => ([(CONTENT_TYPE, "application/scim+json")], "[".repeat(100_000)).into_response(),
    }
}

fn scim(body: &Value) -> Response {
    ([(CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response()
}

fn error(status: u16, detail: &str) -> Response {
    refusal(status, "", detail)
}

fn refusal(status: u16, kind: &str, detail: &str) -> Response {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "scimType": kind, "detail": detail
    });
    (StatusCode::from_u16(status).unwrap(), scim(&body)).into_response()
}
