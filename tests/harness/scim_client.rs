//! An identity provider that pushes people and groups: a feed of an establishment, and requests to it over HTTP. Whatever the answer is, it has
//! the form that RFC 7644 demands of every answer.

use passerelle::config::Config;
use passerelle::services::sources;
use passerelle::services::tokens::{self, NewToken};
use passerelle::store::establishment::api_token::TokenKind;
use passerelle::types::secret::Secret;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use super::relying_party::http;
use super::server::{Place, TestServer};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const OWN: &str = "urn:passerelle:params:scim:schemas:extension:1.0:User";
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The one media type of answers (RFC 7644 §8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";

/// A serving gateway with an establishment into which feeds push.
pub struct Pushed {
    pub server: TestServer,
    pub place: Place,
}

/// One feed, as whoever holds its token uses it.
#[derive(Clone)]
pub struct Feed {
    pub base: String,
    pub token: String,
    http: reqwest::Client,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Pushed {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::start_with(adjust).await;
        let place = server.establishment("École Jean-Macé").await;
        Self { server, place }
    }

    /// With one feed.
    pub async fn with_feed() -> (Self, Feed) {
        let pushed = Self::start().await;
        let feed = pushed.feed("entra").await;
        (pushed, feed)
    }

    /// A new feed of the establishment, with a token of its own.
    pub async fn feed(&self, name: &str) -> Feed {
        feed_of(&self.place, name).await
    }
}

/// A new feed of an establishment, with the guard that it has when nothing is said.
pub async fn feed_of(place: &Place, name: &str) -> Feed {
    let fields = json!({ "name": name, "kind": "scim", "settings": {} });
    sources::create(&place.ctx, &serde_json::from_value(fields).unwrap()).await.unwrap();
    let token = token_of(place, name).await;
    Feed { base: format!("{}/scim/v2", place.issuer()), token: token.expose().to_owned(), http: http() }
}

/// One more token of a feed.
pub async fn token_of(place: &Place, feed: &str) -> Secret {
    let new: NewToken = serde_json::from_value(json!({ "name": format!("{feed} of the test"), "kind": "scim", "source": feed })).unwrap();
    assert_eq!(new.kind, TokenKind::Scim);
    tokens::create(&place.ctx, &new).await.unwrap().1
}

impl Feed {
    /// The same feed with another token, or one of somebody else.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    /// Sends a request of any kind.
    pub async fn said(&self, request: reqwest::RequestBuilder) -> Said {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let said = Said { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) };
        said.check(&bytes);
        said
    }

    pub async fn get(&self, path: &str) -> Said {
        self.said(self.request("GET", path)).await
    }

    pub async fn delete(&self, path: &str) -> Said {
        self.said(self.request("DELETE", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Said {
        self.send("POST", path, body, &[]).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Said {
        self.send("PUT", path, body, &[]).await
    }

    pub async fn patch(&self, path: &str, operations: &Value) -> Said {
        self.send("PATCH", path, &json!({ "schemas": [PATCH], "Operations": operations }), &[]).await
    }

    /// Sends a body with further headers.
    pub async fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Said {
        let mut request = self.request(method, path).header(CONTENT_TYPE, MEDIA_TYPE).body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.said(request).await
    }

    /// What a filter finds.
    pub async fn find(&self, path: &str, filter: &str) -> Said {
        self.said(self.request("GET", path).query(&[("filter", filter)])).await
    }

    /// A person made by the least that is needed: their `id`.
    pub async fn person(&self, user_name: &str) -> String {
        let made = self.post("/Users", &json!({ "schemas": [USER], "userName": user_name })).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.id()
    }

    /// A group with these members: its `id`.
    pub async fn group(&self, display_name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let made = self.post("/Groups", &json!({ "schemas": [GROUP], "displayName": display_name, "members": members })).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.id()
    }

    /// Who the members of a group are, in the order of their identifiers.
    pub async fn members(&self, group: &str) -> Vec<String> {
        let read = self.get(&format!("/Groups/{group}")).await;
        assert_eq!(read.status, 200, "{:?}", read.body);
        let mut members = read.texts("/members", "value");
        members.sort();
        members
    }
}

impl Said {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}: {:#}", self.body))
    }

    pub fn id(&self) -> String {
        self.text("/id").to_owned()
    }

    /// A member of each of the objects in a list, which may be absent.
    pub fn texts(&self, pointer: &str, name: &str) -> Vec<String> {
        let listed = self.body.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        listed.iter().map(|item| item[name].as_str().unwrap_or_else(|| panic!("no {name}: {item}")).to_owned()).collect()
    }

    /// How many a list has in all, and how many of them it shows.
    pub fn counts(&self) -> (u64, usize) {
        let shown = self.body["Resources"].as_array().map_or(0, Vec::len);
        (self.body["totalResults"].as_u64().unwrap_or_else(|| panic!("no totalResults: {:#}", self.body)), shown)
    }

    /// The status of a refusal and its kind (RFC 7644 §3.12).
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["scimType"].as_str().unwrap_or_default())
    }

    /// What holds of every answer: the media type, the error's form, the same version in header and body, no nulls.
    fn check(&self, bytes: &[u8]) {
        if matches!(self.status, 204 | 304) {
            assert!(bytes.is_empty(), "{} with a body: {}", self.status, String::from_utf8_lossy(bytes));
            return;
        }
        let whole = String::from_utf8_lossy(bytes);
        assert_eq!(self.header("content-type"), MEDIA_TYPE, "{} {whole}", self.status);
        assert!(self.body.is_object(), "{} {whole}", self.status);
        assert!(!holds_null(&self.body), "null in {whole}");
        if self.status >= 400 {
            assert_eq!(self.body["schemas"], json!([ERROR]), "{whole}");
            assert_eq!(self.body["status"], json!(self.status.to_string()), "{whole}");
            assert!(!self.text("/detail").is_empty());
            assert_eq!(self.status == 401, self.headers.contains_key("www-authenticate"), "{whole}");
        }
        if let Some(version) = self.body.pointer("/meta/version").and_then(Value::as_str) {
            assert_eq!(self.header("etag"), version, "{whole}");
        }
        if self.status == 201 && self.body.pointer("/meta/location").is_some() {
            assert_eq!(self.header("location"), self.text("/meta/location"));
        }
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
