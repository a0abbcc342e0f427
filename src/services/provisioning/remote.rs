//! The SCIM service of an application (RFC 7644), as far as it is written to and compared: one line to it, at a bounded pace, and what its answers
//! mean. Decides nothing of what is written.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use url::Url;
use zeroize::Zeroizing;

use super::super::context::Context;
use super::super::egress::{Answer, CallError, Carried, Egress, Line, Verb};
use super::super::error::Error;
use crate::store::establishment::provisioning::{AuthKind, Settings};
use crate::store::establishment::provisioning_state::Abilities;
use crate::types::nul;
use crate::types::time::Timestamp;

/// The media type of SCIM (RFC 7644 §3.1).
const SCIM: &str = "application/scim+json";
/// The schema of errors (RFC 7644 §3.12).
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// What is accepted: services that answer with plain JSON are read too.
const ACCEPTED: &str = "application/scim+json, application/json;q=0.9";
/// Longest wait that a service may ask for, in seconds.
const RETRY_AFTER_MAX_S: i64 = 3600;
/// Wait after an answer that asks for one and names none, in seconds.
const RETRY_AFTER_S: i64 = 30;
/// Longest word of a service that is kept, in characters.
const SAID_MAX: usize = 300;

/// Why something was not done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service does not know the gateway: a person sees to it.
    Denied(String),
    /// The service lets the gateway not do this.
    Forbidden(String),
    /// The service asks to be left alone so long, in seconds.
    Busy(i64, String),
    /// This one thing is to wait so long, in seconds.
    Later(i64, String),
    /// The service did not answer, or failed.
    Down(String),
    /// There is no such resource.
    Missing,
    /// Another has what has to be unique.
    Taken(String),
    /// It changed since it was read.
    Stale,
    /// It refuses this, and says why.
    Refused(String),
}

impl Fault {
    /// What is told of it.
    pub fn told(&self) -> String {
        match self {
            Self::Denied(why) | Self::Forbidden(why) | Self::Down(why) | Self::Taken(why) | Self::Refused(why) => why.clone(),
            Self::Busy(wait_s, why) | Self::Later(wait_s, why) => format!("{why}; it asks for a pause of {wait_s} seconds"),
            Self::Missing => "there is no such resource there".to_owned(),
            Self::Stale => "it changed there meanwhile".to_owned(),
        }
    }
}

/// A resource or a list, as it came.
#[derive(Debug)]
pub struct Reply {
    /// The version, when the service tells it.
    pub etag: Option<String>,
    /// The body; null when there is none.
    pub body: Value,
}

/// A service, ready to be asked.
pub struct Remote<'e> {
    line: Line<'e>,
    base: String,
    authorization: Zeroizing<String>,
    pace: Duration,
    next: Instant,
    /// What the clock said when it was opened, and when that was.
    opened: (Timestamp, Instant),
}

impl std::fmt::Debug for Remote<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("line", &self.line).finish_non_exhaustive()
    }
}

impl<'e> Remote<'e> {
    /// Gets ready: with client credentials, a token is asked for.
    ///
    /// # Errors
    /// `Fault`.
    pub async fn open(ctx: &'e Context, settings: &Settings, secret: &str) -> Result<Self, Fault> {
        let egress = &ctx.gateway.egress;
        let (line, base) = line(egress, &settings.url)?;
        let token = match settings.auth.kind {
            AuthKind::Bearer => Zeroizing::new(secret.to_owned()),
            AuthKind::ClientCredentials => token(egress, settings, secret, ctx.now).await?,
        };
        let authorization = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let pace = Duration::from_secs(1) / settings.rate.max(1);
        Ok(Self { line, base, authorization, pace, next: Instant::now(), opened: (ctx.now, Instant::now()) })
    }

    /// Asks the service something. `path` is below its base.
    ///
    /// # Errors
    /// `Fault`, also for every status that is no success.
    pub async fn ask(&mut self, verb: Verb, path: &str, body: Option<&Value>, if_match: Option<&str>) -> Result<Reply, Fault> {
        sleep_until(self.next).await;
        self.next = Instant::now() + self.pace;
        let text = body.map(Value::to_string);
        let carried = Carried {
            authorization: Some(&self.authorization),
            accept: ACCEPTED,
            body: text.as_deref().map(|text| (SCIM, text)),
            if_match,
        };
        let answer = self.line.send(verb, &format!("{}{path}", self.base), carried).await.map_err(not_called)?;
        metrics::counter!("passerelle_provisioning_requests_total", "status" => answer.status.to_string()).increment(1);
        if answer.status == 404 && !is_scim_error(&answer) {
            return Err(self.missing(path, &answer).await);
        }
        understood(answer, self.now())
    }

    /// What the clock says.
    fn now(&self) -> Timestamp {
        let (at, begun) = self.opened;
        at.plus_s(i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX))
    }

    /// What a 404 means that is no error of SCIM: that a resource is gone, if its list is there; otherwise something before the service speaks, or
    /// this is none. Nobody is taken for gone because a proxy knows nothing for a moment.
    async fn missing(&mut self, path: &str, answer: &Answer) -> Fault {
        let said = || Fault::Refused(format!("the service answered 404, and not in SCIM's words: {}", said(answer)));
        let list = path.strip_prefix('/').and_then(|rest| rest.split_once('/')).map(|(list, _)| list);
        let Some(list) = list else { return said() };
        sleep_until(self.next).await;
        self.next = Instant::now() + self.pace;
        let asked = format!("{}/{list}?startIndex=1&count=1", self.base);
        let carried = Carried { authorization: Some(&self.authorization), accept: ACCEPTED, body: None, if_match: None };
        let now = self.now();
        match self.line.send(Verb::Get, &asked, carried).await.map_err(not_called).and_then(|answer| understood(answer, now)) {
            Ok(reply) if reply.body.get("totalResults").is_some() => Fault::Missing,
            Ok(_) | Err(Fault::Missing) => said(),
            Err(other) => other,
        }
    }

    /// The resources of a list whose attribute has a value (RFC 7644 §3.4.2.2).
    ///
    /// # Errors
    /// `Fault`.
    pub async fn find(&mut self, resources: &str, attribute: &str, value: &str) -> Result<Vec<Value>, Fault> {
        // JSON's escapes are those of filters (RFC 7644 §3.4.2.2).
        let filter = format!("{attribute} eq {}", Value::from(value));
        let query = serde_urlencoded::to_string([("filter", filter.as_str())]).unwrap_or_default();
        let reply = self.ask(Verb::Get, &format!("/{resources}?{query}"), None, None).await?;
        // A service may pass over a filter that it does not understand, and answer with everybody.
        let mut found = resources_of(&reply.body);
        let fold = |text: &str| crate::types::fold_case(text);
        found.retain(|one| one.get(attribute).and_then(Value::as_str).is_some_and(|is| fold(is) == fold(value)));
        Ok(found)
    }

    /// What the service says it can do (RFC 7644 §4). One that does not say is taken to filter and to replace.
    ///
    /// # Errors
    /// `Fault` other than that there is no such page.
    pub async fn abilities(&mut self) -> Result<Abilities, Fault> {
        let told = match self.ask(Verb::Get, "/ServiceProviderConfig", None, None).await {
            Ok(reply) => reply.body,
            Err(Fault::Missing | Fault::Refused(_)) => return Ok(Abilities { patch: false, filter: true, etag: false }),
            Err(other) => return Err(other),
        };
        let has = |name: &str| told.get(name).and_then(|one| one.get("supported")).and_then(Value::as_bool).unwrap_or(false);
        Ok(Abilities { patch: has("patch"), filter: has("filter"), etag: has("etag") })
    }
}

/// The resources of a list.
pub fn resources_of(list: &Value) -> Vec<Value> {
    list.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn line<'e>(egress: &'e Egress, raw: &str) -> Result<(Line<'e>, String), Fault> {
    let line = egress.line(raw).map_err(|refusal| Fault::Denied(format!("the address is not called: {refusal}")))?;
    let url = Url::parse(raw).map_err(|error| Fault::Denied(error.to_string()))?;
    Ok((line, url.path().trim_end_matches('/').to_owned()))
}

/// Asks for a token with a client's name and secret (RFC 6749 §4.4.2), both in the header (§2.3.1).
async fn token(egress: &Egress, settings: &Settings, secret: &str, now: Timestamp) -> Result<Zeroizing<String>, Fault> {
    let auth = &settings.auth;
    let (Some(token_url), Some(client_id)) = (&auth.token_url, &auth.client_id) else {
        return Err(Fault::Denied("auth.token_url and auth.client_id are missing".to_owned()));
    };
    let (mut line, path) = line(egress, token_url)?;
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(auth.scope.as_deref().map(|scope| ("scope", scope)));
    let body = serde_urlencoded::to_string(form).unwrap_or_default();
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), encoded(secret)));
    let basic = Zeroizing::new(format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair.as_bytes())));
    let carried = Carried {
        authorization: Some(&basic),
        accept: "application/json",
        body: Some(("application/x-www-form-urlencoded", &body)),
        if_match: None,
    };
    let target = if path.is_empty() { "/" } else { &path };
    let answer = line.send(Verb::Post, target, carried).await.map_err(not_called)?;
    if answer.status == 400 {
        // What is wrong with the client is told so too (RFC 6749 §5.2).
        return Err(Fault::Denied(format!("the authorization server refuses the client: {}", said(&answer))));
    }
    let reply = understood(answer, now)?;
    let token = reply.body.get("access_token").and_then(Value::as_str);
    token
        .map(|token| Zeroizing::new(token.to_owned()))
        .ok_or_else(|| Fault::Denied("the authorization server gave no access_token".to_owned()))
}

fn not_called(error: CallError) -> Fault {
    match error {
        CallError::Refused(refusal) => Fault::Denied(format!("the address is not called: {refusal}")),
        CallError::Failed(why) => Fault::Down(why),
    }
}

/// What an answer means.
fn understood(answer: Answer, now: Timestamp) -> Result<Reply, Fault> {
    let status = answer.status;
    match status {
        200..=299 => {}
        401 => return Err(Fault::Denied(format!("the service answered {status}: {}", said(&answer)))),
        403 => return Err(Fault::Forbidden(format!("the service answered {status}: {}", said(&answer)))),
        404 if is_scim_error(&answer) => return Err(Fault::Missing),
        409 => return Err(Fault::Taken(said(&answer))),
        412 => return Err(Fault::Stale),
        429 => return Err(Fault::Busy(wait_s(&answer, now), said(&answer))),
        503 if answer.retry_after.is_some() => return Err(Fault::Later(wait_s(&answer, now), said(&answer))),
        500..=599 => return Err(Fault::Down(format!("the service answered {status}: {}", said(&answer)))),
        _ => return Err(Fault::Refused(format!("the service answered {status}: {}", said(&answer)))),
    }
    let body = if answer.body.iter().all(u8::is_ascii_whitespace) {
        Value::Null
    } else {
        serde_json::from_slice(&answer.body).map_err(|_| {
            Fault::Refused(format!("the service answered {status} with what is no JSON: is the URL that of its SCIM service?"))
        })?
    };
    if let Some(place) = nul::within(&body) {
        return Err(Fault::Refused(format!(
            "the service answered {status} with the NUL character (U+0000) at «{place}», which nothing here can keep"
        )));
    }
    Ok(Reply { etag: answer.etag, body })
}

/// Whether an answer is an error as SCIM writes it (RFC 7644 §3.12), and not a page of somebody on the way.
fn is_scim_error(answer: &Answer) -> bool {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let schemas = body.as_ref().and_then(|body| body.get("schemas")).and_then(Value::as_array);
    schemas.is_some_and(|schemas| schemas.iter().any(|one| one.as_str() == Some(ERROR)))
}

/// How long the service wants to be left alone, in seconds: it names them, or a date (RFC 9110 §10.2.3).
fn wait_s(answer: &Answer, now: Timestamp) -> i64 {
    let text = answer.retry_after.as_deref().unwrap_or_default().trim();
    let named = text.parse::<i64>().ok().or_else(|| {
        let until = httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(i64::try_from(until.as_secs()).ok()?.saturating_sub(now.seconds()))
    });
    named.unwrap_or(RETRY_AFTER_S).clamp(1, RETRY_AFTER_MAX_S)
}

/// The words of an error (RFC 7644 §3.12), or the beginning of whatever came.
fn said(answer: &Answer) -> String {
    let parsed: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let word = |name: &str| parsed.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str).map(str::to_owned);
    let words: Vec<String> = [word("scimType"), word("detail"), word("error"), word("error_description")].into_iter().flatten().collect();
    let whole = if words.is_empty() { String::from_utf8_lossy(&answer.body).into_owned() } else { words.join(": ") };
    whole.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID_MAX).collect()
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Outside(fault.told())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> Answer {
        Answer { status, retry_after: retry_after.map(str::to_owned), etag: None, body: body.as_bytes().to_vec() }
    }

    /// What an answer means on 2026-10-21 at seven.
    fn means(answer: Answer) -> Result<Reply, Fault> {
        understood(answer, Timestamp::from_seconds(1_792_566_000))
    }

    #[test]
    fn answers_mean_what_the_rfc_says() {
        let error =
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","scimType":"uniqueness","detail":"déjà là"}"#;
        assert_eq!(means(answer(409, None, error)).unwrap_err(), Fault::Taken("uniqueness: déjà là".to_owned()));
        assert!(matches!(means(answer(401, None, "")).unwrap_err(), Fault::Denied(_)));
        let gone = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"}"#;
        assert!(matches!(means(answer(404, None, gone)).unwrap_err(), Fault::Missing));
        assert!(matches!(means(answer(404, None, "<html>")).unwrap_err(), Fault::Refused(_)));
        assert!(matches!(means(answer(403, None, "")).unwrap_err(), Fault::Forbidden(_)));
        assert!(matches!(means(answer(400, None, "{}")).unwrap_err(), Fault::Refused(_)));
        assert!(matches!(means(answer(502, None, "<html>")).unwrap_err(), Fault::Down(_)));
        assert_eq!(means(answer(204, None, "")).unwrap().body, Value::Null);
        assert!(matches!(means(answer(200, None, "<html>")).unwrap_err(), Fault::Refused(_)));
        assert!(matches!(means(answer(200, None, r#"{"id":"a\u0000"}"#)).unwrap_err(), Fault::Refused(_)));
    }

    #[test]
    fn a_pause_is_as_long_as_asked_within_bounds() {
        for (named, wait) in [
            (Some("7"), 7),
            (Some("0"), 1),
            (Some("999999"), 3600),
            (None, 30),
            (Some("bientôt"), 30),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), 1680),
            (Some("Wednesday, 21-Oct-26 07:28:00 GMT"), 1680),
            (Some("Wed Oct 21 07:28:00 2026"), 1680),
            (Some("Wed, 21 Oct 2026 06:00:00 GMT"), 1),
            (Some("Thu, 22 Oct 2026 07:28:00 GMT"), 3600),
        ] {
            assert!(matches!(means(answer(429, named, "")).unwrap_err(), Fault::Busy(s, _) if s == wait), "{named:?}");
        }
        assert!(matches!(means(answer(503, Some("9"), "")).unwrap_err(), Fault::Later(9, _)));
        assert!(matches!(means(answer(503, None, "")).unwrap_err(), Fault::Down(_)));
    }

    #[test]
    fn words_of_a_service_stay_on_a_line_and_short() {
        let long = format!("a\r\nb{}", "é".repeat(1000));
        let told = said(&answer(500, None, &long));
        assert!(told.chars().count() == SAID_MAX && !told.contains(char::is_control), "{told}");
    }
}
