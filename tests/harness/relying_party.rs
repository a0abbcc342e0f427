//! The two sides a provider talks to, over real HTTP: a browser that keeps cookies and follows nothing by itself, and an application's back
//! channel. The `openidconnect` crate is a relying party in `oidc::journey`; here requests can also be wrong in every way.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use passerelle::types::secret::Secret;
use reqwest::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client as Http, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use super::server::{CALLBACK, Place};

/// A PKCE verifier and its S256 challenge (RFC 7636, appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An HTTP client that follows nothing: where an answer leads is for the test to see.
pub fn http() -> Http {
    Http::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// The same, in the form in which the `openidconnect` crate wants its client.
pub async fn call(request: openidconnect::HttpRequest) -> Result<openidconnect::HttpResponse, reqwest::Error> {
    let response = http().execute(request.try_into()?).await?;
    let mut answer = openidconnect::HttpResponse::default();
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    *answer.body_mut() = response.bytes().await?.to_vec();
    Ok(answer)
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn location(&self) -> String {
        self.header(LOCATION.as_str()).unwrap_or_else(|| panic!("no Location: {} {}", self.status, self.text)).to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text))
    }

    /// The error of a JSON answer.
    pub fn error(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// The value of a field of the page.
    pub fn field(&self, name: &str) -> Option<String> {
        let (_, after) = self.text.split_once(&format!("name=\"{name}\" value=\""))?;
        after.split_once('"').map(|(value, _)| value.to_owned())
    }

    /// Where the page's posting form goes.
    pub fn action(&self) -> String {
        let (_, after) = self.text.split_once("<form method=\"post\" action=\"").unwrap_or_else(|| panic!("no form: {}", self.text));
        after.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&")
    }
}

/// A browser without JavaScript: it keeps cookies, and follows what it is told to.
#[derive(Clone, Debug)]
pub struct Agent {
    http: Http,
    base: String,
    pub cookies: BTreeMap<String, String>,
}

impl Agent {
    pub fn new(place: &Place) -> Self {
        Self { http: http(), base: place.ctx.gateway.public_url.clone(), cookies: BTreeMap::new() }
    }

    /// The same browser, over another client.
    pub fn over(self, http: Http) -> Self {
        Self { http, ..self }
    }

    /// The same browser, with the session of someone signed in.
    pub fn with_session(mut self, place: &Place, cookie: &str) -> Self {
        self.cookies.insert(format!("passerelle-session-{}", place.slug()), cookie.to_owned());
        self
    }

    pub fn session(&self, place: &Place) -> Option<&String> {
        self.cookies.get(&format!("passerelle-session-{}", place.slug()))
    }

    pub async fn get(&mut self, address: &str) -> Reply {
        let request = self.http.get(self.absolute(address));
        self.send(request).await
    }

    pub async fn post(&mut self, address: &str, form: &[(&str, &str)]) -> Reply {
        let request = self.http.post(self.absolute(address)).form(form);
        self.send(request).await
    }

    /// Sends a request of any kind, with this browser's cookies.
    pub async fn send(&mut self, request: RequestBuilder) -> Reply {
        let line = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let request = if line.is_empty() { request } else { request.header(COOKIE, line) };
        let reply = Reply::of(request).await;
        for line in reply.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    pub fn request(&self, method: Method, address: &str) -> RequestBuilder {
        self.http.request(method, self.absolute(address))
    }

    /// Follows redirects within the gateway, and stops at a page or at an application's address.
    pub async fn follow(&mut self, mut reply: Reply) -> Reply {
        for _ in 0..10 {
            if !reply.status.is_redirection() || !reply.location().starts_with('/') {
                return reply;
            }
            reply = self.get(&reply.location()).await;
        }
        panic!("redirected for ever");
    }

    /// Opens an address and follows it.
    pub async fn open(&mut self, address: &str) -> Reply {
        let reply = self.get(address).await;
        self.follow(reply).await
    }

    /// Fills in the page's form, and follows where it leads.
    pub async fn submit(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let reply = self.submit_only(page, fields).await;
        self.follow(reply).await
    }

    /// Fills in the page's form.
    pub async fn submit_only(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let csrf = page.field("csrf").unwrap_or_else(|| panic!("no form token: {} {}", page.status, page.text));
        let mut form = vec![("csrf", csrf.as_str())];
        form.extend_from_slice(fields);
        self.post(&page.action(), &form).await
    }

    fn absolute(&self, address: &str) -> String {
        if address.starts_with('/') { format!("{}{address}", self.base) } else { address.to_owned() }
    }
}

/// What an application reads of the address it was answered at.
#[derive(Clone, Debug)]
pub struct Callback(pub BTreeMap<String, String>);

impl Callback {
    pub fn of(reply: &Reply) -> Self {
        let location = reply.location();
        assert!(location.starts_with(CALLBACK), "{location}");
        Self(Url::parse(&location).unwrap().query_pairs().into_owned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn code(&self) -> &str {
        self.get("code").unwrap_or_else(|| panic!("no code: {:?}", self.0))
    }
}

/// An application.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    pub http: Http,
    pub issuer: String,
    pub client_id: String,
    pub secret: Secret,
}

impl RelyingParty {
    pub fn new(place: &Place, client_id: &str, secret: Secret) -> Self {
        Self { http: http(), issuer: place.issuer(), client_id: client_id.into(), secret }
    }

    /// The address of an ordinary request, with parameters added or (when empty) left out.
    pub fn authorize(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = BTreeMap::from([
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s t&é"),
            ("nonce", "n-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changes.iter().copied());
        let mut address = Url::parse(&format!("{}/authorize", self.issuer)).unwrap();
        address.query_pairs_mut().extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
        address.into()
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(format!("{}/{path}", self.issuer))).await
    }

    /// Exchanges a code, as it should be.
    pub async fn redeem(&self, code: &str) -> Reply {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]).await
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Any token request, with the client's secret in the header.
    pub async fn token(&self, form: &[(&str, &str)]) -> Reply {
        let encode = |raw: &str| url::form_urlencoded::byte_serialize(raw.as_bytes()).collect::<String>();
        let basic = BASE64_STANDARD.encode(format!("{}:{}", encode(&self.client_id), encode(self.secret.expose())));
        self.token_as(Some(&format!("Basic {basic}")), form).await
    }

    pub async fn token_as(&self, authorization: Option<&str>, form: &[(&str, &str)]) -> Reply {
        let request = self.http.post(format!("{}/token", self.issuer)).form(form);
        Reply::of(match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        })
        .await
    }

    pub async fn user_info(&self, access_token: &str) -> Reply {
        Reply::of(self.http.get(format!("{}/userinfo", self.issuer)).bearer_auth(access_token)).await
    }
}

/// The claims of a JWT, unverified: what verifies them is tested with `openidconnect`.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a JWT.
pub fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

/// The text of a member.
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}
