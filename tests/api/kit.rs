//! The API served on a port of its own, and a caller with a token.

use std::sync::Arc;

use passerelle::fronts::api;
use passerelle::services::context::Gateway;
use passerelle::services::tokens::{self, NewToken};
use passerelle::store::establishment::api_token::TokenKind;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::harness::gateway::TestGateway;

/// A gateway that serves its API.
pub struct Served {
    pub test: TestGateway,
    pub base: String,
    http: reqwest::Client,
}

/// Serves a gateway's API, and tells where.
pub async fn serve(gateway: &Arc<Gateway>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = api::router(gateway.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Served {
    pub async fn start() -> Self {
        Self::over(TestGateway::start().await).await
    }

    /// Over this gateway.
    pub async fn over(test: TestGateway) -> Self {
        let base = serve(&test.gateway).await;
        Self { test, base, http: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap() }
    }

    /// A token of an establishment, or of the platform, with a role.
    pub async fn token(&self, slug: &str, role: &str) -> String {
        self.token_within(slug, role, None).await
    }

    /// The same for a role that holds in a unit, or for an application.
    pub async fn token_within(&self, slug: &str, role: &str, within: Option<&str>) -> String {
        let ctx = self.test.context(slug).await;
        let (name, within) = (format!("{role} of the test"), within.map(str::to_owned));
        let new = NewToken { name, kind: TokenKind::Api, source: None, scope: role.to_owned(), within, expires_at: None };
        tokens::create(&ctx, &new).await.unwrap().1.expose().to_owned()
    }

    /// An establishment of this name; its slug.
    pub async fn establishment(&self, name: &str) -> String {
        self.test.establishment(name).await.0.establishment.slug
    }

    /// Sends a request as it is described.
    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
        self.send_with(method, path, token, body, &[]).await
    }

    /// The same with further headers.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// Sends a body that is no JSON.
    pub async fn put_bytes(&self, path: &str, token: &str, body: &[u8]) -> Answer {
        let request = self.http.put(format!("{}{path}", self.base)).bearer_auth(token).body(body.to_vec());
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, Some(token), None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(token), Some(body)).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(token), Some(body)).await
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The fields a 422 or 400 names.
    pub fn fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().map_or(Vec::new(), |errors| errors.iter().map(|e| e["field"].as_str().unwrap()).collect())
    }
}
