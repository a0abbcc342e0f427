//! Requests to a SCIM service as its client: with a token, in patience, and answers that are SCIM or a cause. Knows no person and no group.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::Scim;
use super::fault::Fault;
use super::http::{Answer, Asked, Http};
use super::path::member;
use super::settings::{Grant, Method};
use crate::ldap::Cause;

/// How often one request is made again when the service is busy.
const AGAIN_MAX: u32 = 10;
/// The longest pause that nobody asked for.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// Answers of so many bytes take a while to read.
const LARGE_BYTES: usize = 256 * 1024;
/// The longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A client over one connection, until its time is over.
pub(super) struct Client {
    scim: Scim,
    pub(super) http: Http,
    token: Option<Zeroizing<String>>,
    until: Instant,
    /// The service's clock when it first answered, in seconds since 1970.
    pub(super) clock: Option<i64>,
    /// Requests made.
    pub(super) requests: usize,
}

/// What stands at an address.
pub(super) enum Got {
    /// A resource, and its entity tag.
    Resource(Value, Option<String>),
    /// What was there before.
    Unchanged,
    /// Nothing.
    Missing,
}

impl Client {
    pub(super) fn new(scim: &Scim, until: Instant) -> Self {
        let settings = scim.settings();
        let http = Http::new(settings.address.clone(), scim.tls(), scim.admission(), settings.limits);
        Self { scim: scim.clone(), http, token: None, until, clock: None, requests: 0 }
    }

    pub(super) fn scim(&self) -> &Scim {
        &self.scim
    }

    /// What there is at a path below the service's address; a cause when there is nothing.
    pub(super) async fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Result<Value, Cause> {
        match self.look(path, query, None).await? {
            Got::Resource(resource, _) => Ok(resource),
            Got::Unchanged | Got::Missing => Err(Fault::EndpointMissing(path.to_owned()).cause()),
        }
    }

    /// The same where nothing, or nothing new, may be there.
    pub(super) async fn look(&mut self, path: &str, query: &[(&str, &str)], etag: Option<&str>) -> Result<Got, Cause> {
        let pause = self.scim.settings().page_pause;
        if self.requests > 0 && !pause.is_zero() {
            sleep(pause).await;
        }
        let (target, asked) = (self.target(path, query), Asked::Get(etag.map(str::to_owned)));
        let mut renewed = false;
        loop {
            let authorization = self.authorization().await?;
            let answer = patiently(&mut self.http, self.until, &target, &asked, authorization.as_deref().map(String::as_str)).await?;
            self.requests += 1;
            self.clock = self.clock.or(answer.clock);
            // A token ends while pages are read; another one is asked for once.
            if answer.status == 401 && self.scim.settings().grant.is_some() && !std::mem::replace(&mut renewed, true) {
                self.token = None;
                continue;
            }
            return match answer.status {
                200 => {
                    let etag = answer.etag.clone();
                    Ok(Got::Resource(parsed(answer).await?, etag))
                }
                304 => Ok(Got::Unchanged),
                404 => Ok(Got::Missing),
                _ => Err(refusal(path, &answer)),
            };
        }
    }

    fn target(&self, path: &str, query: &[(&str, &str)]) -> String {
        let base = format!("{}{path}", self.scim.settings().address.path);
        if query.is_empty() {
            return base;
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        // A plus sign is a space in forms alone, and some services read none in an address.
        format!("{base}?{}", query.replace('+', "%20"))
    }

    async fn authorization(&mut self) -> Result<Option<Zeroizing<String>>, Cause> {
        let bearer = |token: &str| Some(Zeroizing::new(format!("Bearer {token}")));
        let Some(grant) = &self.scim.settings().grant else { return Ok(self.scim.secret().and_then(bearer)) };
        if self.token.is_none() {
            let http = Http::new(grant.address.clone(), self.scim.tls(), self.scim.admission(), self.scim.settings().limits);
            self.token = Some(token(http, grant, self.scim.secret().unwrap_or_default(), self.until).await?);
        }
        Ok(self.token.as_deref().and_then(|token| bearer(token)))
    }
}

/// A segment of a path.
pub(super) fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Asks, and again while the service is busy and there is time.
async fn patiently(http: &mut Http, until: Instant, target: &str, asked: &Asked, authorization: Option<&str>) -> Result<Answer, Cause> {
    let mut again = 0;
    loop {
        let answer = http.ask(target, asked, authorization).await?;
        if !matches!(answer.status, 429 | 502 | 503 | 504) {
            return Ok(answer);
        }
        let pause = answer.wait.unwrap_or_else(|| Duration::from_secs(1 << again.min(6)).min(PAUSE_MAX));
        let too_late = Instant::now().checked_add(pause).is_none_or(|then| then >= until);
        if again == AGAIN_MAX || too_late {
            return Err(Fault::ServiceBusy { status: answer.status }.cause());
        }
        again += 1;
        sleep(pause).await;
    }
}

/// A token by client credentials (RFC 6749 §4.4.2).
async fn token(mut http: Http, grant: &Grant, secret: &str, until: Instant) -> Result<Zeroizing<String>, Cause> {
    let form = |pairs: &[(&str, &str)]| Zeroizing::new(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish());
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(grant.scope.as_deref().map(|scope| ("scope", scope)));
    let authorization = match grant.method {
        Method::Basic => {
            let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = Zeroizing::new(format!("{}:{}", encoded(&grant.client_id), encoded(secret)));
            Some(Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(both.as_bytes()))))
        }
        Method::Post => {
            pairs.extend([("client_id", grant.client_id.as_str()), ("client_secret", secret)]);
            None
        }
    };
    let asked = Asked::Form(form(&pairs));
    let target = if grant.address.path.is_empty() { "/" } else { grant.address.path.as_str() };
    let answer = patiently(&mut http, until, target, &asked, authorization.as_deref().map(String::as_str)).await?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| member(&said, name).and_then(Value::as_str);
    let fits = |token: &&str| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    if let Some(token) = text("access_token").filter(fits).filter(|_| answer.status == 200) {
        return Ok(Zeroizing::new(token.to_owned()));
    }
    let words: Vec<&str> = ["error", "error_description"].into_iter().filter_map(text).collect();
    Err(Fault::TokenNotGiven { server: grant.address.text.clone(), status: answer.status, text: words.join(": ") }.cause())
}

/// The object of an answer. A large one is read on a thread of its own, so that nobody who signs in waits for it.
async fn parsed(answer: Answer) -> Result<Value, Cause> {
    if answer.body.len() < LARGE_BYTES {
        return json(&answer);
    }
    spawn_blocking(move || json(&answer)).await.unwrap_or(Err(Cause::GivenUp))
}

fn json(answer: &Answer) -> Result<Value, Cause> {
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Fault::NotScim("it is no JSON object".to_owned()).cause()),
        // Cut short, it is a fault of the way; anything else was never meant to be JSON.
        Err(error) if error.is_eof() && !answer.body.is_empty() => Err(Fault::AnswerBroken("the JSON has no end".to_owned()).cause()),
        Err(error) => {
            let kind = if answer.content_type.is_empty() { "no content type".to_owned() } else { answer.content_type.clone() };
            Err(Fault::NotScim(format!("{kind}, and no JSON ({error})")).cause())
        }
    }
}

/// Any status but those that are answers.
fn refusal(path: &str, answer: &Answer) -> Cause {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let word = |name: &str| member(&said, name).and_then(Value::as_str);
    let words: Vec<&str> = ["scimType", "detail"].into_iter().filter_map(word).filter(|word| !word.is_empty()).collect();
    let kind = word("scimType").unwrap_or_default().to_owned();
    let (status, text, path) = (answer.status, words.join(": "), path.to_owned());
    let fault = match status {
        401 => Fault::TokenRefused(text),
        403 => Fault::TokenForbidden { path, text },
        300..=399 => Fault::Redirected { status, to: answer.location.clone() },
        500.. => Fault::ServiceFailed { status, text },
        _ => Fault::RequestRefused { path, status, kind, text },
    };
    fault.cause()
}
