//! An application's own SCIM service, small and strict, with faults that a test asks for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The token it takes.
pub const TOKEN: &str = "jeton-de-l-application";

/// What goes wrong with a request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status instead of the work.
    Status(u16),
    /// 429, and so many seconds to wait.
    Busy(u32),
    /// The work is done, and the answer lost.
    Lost,
    /// No answer, as long as the connection lasts.
    Never,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub body: Value,
}

#[derive(Default)]
pub struct Inner {
    pub users: BTreeMap<String, Value>,
    pub groups: BTreeMap<String, Value>,
    pub asked: Vec<Asked>,
    faults: VecDeque<(Method, String, Fault)>,
    refused: Vec<String>,
    /// Names that lists leave out, though they count them.
    pub hidden: Vec<String>,
    unlisted: Vec<String>,
    /// What whole lists say of how many there are, the last one again and again; nothing when empty.
    pub totals: Option<Vec<usize>>,
    patch: bool,
    token: String,
    made: u32,
}

/// A service; dropping it stops it.
pub struct ScimService {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    serving: tokio::task::JoinHandle<()>,
}

impl ScimService {
    pub async fn start() -> Self {
        Self::starting(true).await
    }

    /// One that takes no PATCH.
    pub async fn without_patch() -> Self {
        Self::starting(false).await
    }

    async fn starting(patch: bool) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scim/v2", socket.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner { patch, token: TOKEN.to_owned(), ..Inner::default() }));
        let router = Router::new().fallback(serve).with_state(inner.clone());
        let serving = tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        Self { url, inner, serving }
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The next request of this method whose path contains a text meets a fault.
    pub fn fail(&self, method: Method, part: &str, fault: Fault) {
        self.inner().faults.push_back((method, part.to_owned(), fault));
    }

    /// Whoever is named so is never created.
    pub fn refuse(&self, username: &str) {
        self.inner().refused.push(username.to_owned());
    }

    /// Whoever or whatever is named so is counted in lists, and left out.
    pub fn hide(&self, name: &str) {
        self.inner().hidden.push(name.to_owned());
    }

    /// Whoever is named so is neither counted in lists nor shown.
    pub fn unlist(&self, name: &str) {
        self.inner().unlisted.push(name.to_owned());
    }

    /// It takes another token from now on.
    pub fn change_token(&self, token: &str) {
        token.clone_into(&mut self.inner().token);
    }

    /// Everybody there: user name, and whether they are active.
    pub fn people(&self) -> Vec<(String, bool)> {
        let inner = self.inner();
        let mut all: Vec<(String, bool)> =
            inner.users.values().map(|user| (user["userName"].as_str().unwrap().to_owned(), user["active"] != false)).collect();
        all.sort();
        all
    }

    pub fn user(&self, username: &str) -> Value {
        self.inner().users.values().find(|user| user["userName"] == username).cloned().unwrap_or(Value::Null)
    }

    /// Groups there, with the user names of their members.
    pub fn groups(&self) -> Vec<(String, Vec<String>)> {
        let inner = self.inner();
        let name = |member: &Value| inner.users[member["value"].as_str().unwrap()]["userName"].as_str().unwrap().to_owned();
        let mut all: Vec<(String, Vec<String>)> = inner
            .groups
            .values()
            .map(|group| {
                let mut members: Vec<String> = group["members"].as_array().into_iter().flatten().map(name).collect();
                members.sort();
                (group["displayName"].as_str().unwrap().to_owned(), members)
            })
            .collect();
        all.sort();
        all
    }

    /// Puts somebody there who was not written by the gateway.
    pub fn add(&self, username: &str) -> String {
        let mut inner = self.inner();
        inner.made += 1;
        let id = format!("seul-{}", inner.made);
        inner.users.insert(id.clone(), json!({ "id": id, "userName": username, "active": true }));
        id
    }

    /// Takes what was asked until now.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inner().asked)
    }
}

impl Drop for ScimService {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(State(inner): State<Arc<Mutex<Inner>>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = uri.to_string();
    let fault = {
        let mut inner = inner.lock().unwrap();
        inner.asked.push(Asked { method: method.clone(), path: path.clone(), body: body.clone() });
        let at = inner.faults.iter().position(|(of, part, _)| *of == method && path.contains(part.as_str()));
        at.and_then(|at| inner.faults.remove(at)).map(|(_, _, fault)| fault)
    };
    match fault {
        Some(Fault::Status(status)) => return refused(status, "a fault of the test"),
        Some(Fault::Busy(wait_s)) => {
            let mut answer = refused(429, "too fast");
            answer.headers_mut().insert(RETRY_AFTER, wait_s.to_string().parse().unwrap());
            return answer;
        }
        Some(Fault::Never) => std::future::pending().await,
        Some(Fault::Lost) => {
            inner.lock().unwrap().answer(&method, &uri, &headers, &body);
            return refused(502, "lost");
        }
        None => {}
    }
    inner.lock().unwrap().answer(&method, &uri, &headers, &body)
}

fn refused(status: u16, detail: &str) -> Response {
    let error = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail });
    (StatusCode::from_u16(status).unwrap(), error.to_string()).into_response()
}

fn told(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/scim+json")], body.to_string()).into_response()
}

impl Inner {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Value) -> Response {
        if uri.path() == "/token" {
            let known = headers.get(AUTHORIZATION).is_some_and(|value| value == "Basic cGFzc2VyZWxsZTpzZWNyZXQlMjFoYQ==");
            return if known { told(200, &json!({ "access_token": self.token })) } else { refused(400, "invalid_client") };
        }
        if headers.get(AUTHORIZATION).is_none_or(|value| value != &format!("Bearer {}", self.token)) {
            return refused(401, "who are you?");
        }
        let path = uri.path().strip_prefix("/scim/v2").unwrap_or_default();
        if path == "/ServiceProviderConfig" {
            return told(
                200,
                &json!({ "patch": { "supported": self.patch }, "filter": { "supported": true }, "etag": { "supported": false } }),
            );
        }
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (kind, id) = match parts.as_slice() {
            [kind] => (*kind, None),
            [kind, id] => (*kind, Some(*id)),
            _ => return refused(404, "nothing here"),
        };
        match (method, id) {
            (&Method::GET, None) => self.list(kind, uri.query().unwrap_or_default()),
            (&Method::POST, None) => self.create(kind, body),
            (_, Some(id)) if !self.all(kind).contains_key(id) => refused(404, "no such resource"),
            (&Method::GET, Some(id)) => told(200, &self.all(kind)[id].clone()),
            (&Method::DELETE, Some(id)) => self.delete(kind, id),
            (&Method::PUT, Some(id)) => {
                let mut whole = body.clone();
                whole["id"] = id.into();
                self.all(kind).insert(id.to_owned(), whole.clone());
                told(200, &whole)
            }
            (&Method::PATCH, Some(_)) if !self.patch => refused(501, "no PATCH"),
            (&Method::PATCH, Some(id)) => self.patch(kind, id, body),
            _ => refused(405, "not so"),
        }
    }

    fn all(&mut self, kind: &str) -> &mut BTreeMap<String, Value> {
        if kind == "Users" { &mut self.users } else { &mut self.groups }
    }

    fn list(&mut self, kind: &str, query: &str) -> Response {
        let query: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut found: Vec<Value> = self.all(kind).values().cloned().collect();
        if let Some(filter) = query.get("filter") {
            let (attribute, value) = filter.split_once(" eq ").unwrap();
            let value: String = serde_json::from_str(value).unwrap();
            found.retain(|one| one[attribute].as_str().is_some_and(|is| is.eq_ignore_ascii_case(&value)));
        }
        let whole = !query.contains_key("filter");
        let is_in = |names: &[String], one: &Value| {
            ["userName", "displayName"].iter().any(|name| one[*name].as_str().is_some_and(|name| names.iter().any(|other| other == name)))
        };
        found.retain(|one| !whole || !is_in(&self.unlisted, one));
        let number = |name: &str, or: usize| query.get(name).map_or(or, |text| text.parse().unwrap());
        let mut total = Some(found.len());
        found.retain(|one| !whole || !is_in(&self.hidden, one));
        if let Some(totals) = self.totals.as_mut().filter(|_| whole) {
            total = if totals.len() > 1 { Some(totals.remove(0)) } else { totals.first().copied() };
        }
        let page: Vec<Value> = found.into_iter().skip(number("startIndex", 1) - 1).take(number("count", 100)).collect();
        let mut list = json!({ "Resources": page });
        list["totalResults"] = json!(total);
        told(200, &list)
    }

    fn create(&mut self, kind: &str, body: &Value) -> Response {
        let name = body["userName"].as_str().unwrap_or_default().to_owned();
        if kind == "Users" && self.refused.contains(&name) {
            return refused(400, "this name is not taken");
        }
        let taken = |user: &Value| user["userName"].as_str().is_some_and(|is| is.eq_ignore_ascii_case(&name));
        if kind == "Users" && self.users.values().any(taken) {
            return refused(409, "userName is taken");
        }
        let members = body["members"].as_array().cloned().unwrap_or_default();
        if members.iter().any(|member| !self.users.contains_key(member["value"].as_str().unwrap())) {
            return refused(400, "a member is nobody here");
        }
        self.made += 1;
        let id = format!("{}-{}", kind.to_lowercase(), self.made);
        let mut whole = body.clone();
        whole["id"] = id.clone().into();
        self.all(kind).insert(id, whole.clone());
        told(201, &whole)
    }

    fn delete(&mut self, kind: &str, id: &str) -> Response {
        let named = |group: &Value| group["members"].as_array().is_some_and(|all| all.iter().any(|member| member["value"] == id));
        if kind == "Users" && self.groups.values().any(named) {
            return refused(400, "a group still names this account");
        }
        self.all(kind).remove(id);
        StatusCode::NO_CONTENT.into_response()
    }

    fn patch(&mut self, kind: &str, id: &str, body: &Value) -> Response {
        let mut whole = self.all(kind)[id].clone();
        for operation in body["Operations"].as_array().unwrap() {
            let (op, path, value) = (operation["op"].as_str().unwrap(), operation["path"].as_str().unwrap(), &operation["value"]);
            if path == "members" {
                let known = value.as_array().unwrap();
                if known.iter().any(|member| !self.users.contains_key(member["value"].as_str().unwrap())) {
                    return refused(400, "a member is nobody here");
                }
                let members = whole.as_object_mut().unwrap().entry("members").or_insert_with(|| json!([]));
                members.as_array_mut().unwrap().extend(known.iter().cloned());
            } else if let Some(rest) = path.strip_prefix("members[value eq ") {
                let gone: Value = serde_json::from_str(rest.trim_end_matches(']')).unwrap();
                whole["members"].as_array_mut().unwrap().retain(|member| member["value"] != gone);
            } else {
                put(&mut whole, path, if op == "remove" { &Value::Null } else { value });
            }
        }
        self.all(kind).insert(id.to_owned(), whole.clone());
        told(200, &whole)
    }
}

/// Puts a value at a path; null takes away what stands there.
fn put(whole: &mut Value, path: &str, value: &Value) {
    let parts = if path.starts_with("urn:") { path.rsplit_once(':') } else { path.split_once('.') };
    let (inside, name) = match parts {
        Some((outer, part)) => (whole.as_object_mut().unwrap().entry(outer).or_insert_with(|| json!({})), part),
        None => (whole, path),
    };
    let members = inside.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value.clone());
    }
}
