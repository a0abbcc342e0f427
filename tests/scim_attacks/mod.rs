//! Tests of: what whoever means harm, or does not know better, may try on feeds, on their service and on what administers them. Over HTTP, as they would.

mod addresses;
mod administering;
mod cursors;
mod filters;
mod input;
mod inspecting;
mod limits;
mod outside;
mod races;
mod strangers;
mod tokens;
mod wire;

use std::fmt::Write as _;

use passerelle::services::tokens as made;
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::scim_client::{Feed, Pushed};
use crate::harness::server::Place;

/// The words that SCIM has for refusals (RFC 7644 §3.12 table 9, RFC 9865 §2.3).
const WORDS: [&str; 13] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
];

/// Sends these bytes, and reads what comes until the connection ends.
async fn raw(pushed: &Pushed, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(pushed.server.listens_at.strip_prefix("http://").unwrap()).await.unwrap();
    // Who is refused early hangs up on the rest.
    drop(stream.write_all(bytes).await);
    let mut told = Vec::new();
    drop(stream.read_to_end(&mut told).await);
    String::from_utf8_lossy(&told).into_owned()
}

/// A request of a feed with any target and headers, written by hand.
fn written(pushed: &Pushed, feed: &Feed, line: &str, headers: &[String], body: &[u8]) -> Vec<u8> {
    let (method, target) = line.split_once(' ').unwrap();
    let mut head = format!("{method} /e/{}/scim/v2{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n", pushed.place.slug());
    if !feed.token.is_empty() {
        write!(head, "authorization: Bearer {}\r\n", feed.token).unwrap();
    }
    for header in headers {
        write!(head, "{header}\r\n").unwrap();
    }
    if !body.is_empty() {
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// The status of an answer that was read as text.
fn status(told: &str) -> u16 {
    told.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {told:?}"))
}

/// The body of an answer that was read as text, which has a length.
fn body(told: &str) -> Value {
    let (_, body) = told.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {told}"))
}

/// A caller of the admin API with a role.
struct Admin {
    base: String,
    token: String,
}

impl Admin {
    async fn of(pushed: &Pushed, role: &str, within: Option<&str>) -> Self {
        Self { base: pushed.server.public_url.clone(), token: api_token(&pushed.place, role, within).await }
    }

    /// The status and the body of an answer. `path` is below the establishment.
    async fn ask(&self, place: &Place, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = reqwest::Client::new().request(method, format!("{}/api/v1/establishments/{}{path}", self.base, place.slug()));
        request = request.bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

async fn api_token(place: &Place, role: &str, within: Option<&str>) -> String {
    let new = serde_json::json!({ "name": role, "kind": "api", "scope": role, "within": within });
    made::create(&place.ctx, &serde_json::from_value(new).unwrap()).await.unwrap().1.expose().to_owned()
}
