//! Visits: what the sample application remembers of a browser, in memory and behind a cookie, and how it answers that browser.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::Sample;
use super::provider::{Pending, SignedIn};
use crate::fronts::web::csp;
use crate::i18n::{self, Texts};
use crate::types::locale::Locale;
use crate::types::secret::{Secret, TokenHash};

/// The cookie. Cookies do not know ports: its name keeps it apart from the gateway's on the same address.
const COOKIE_NAME: &str = "sample_visit";
/// Most visits remembered.
const VISITS_MAX: u64 = 2_000;
/// How long a visit may pause.
const IDLE_MAX: Duration = Duration::from_hours(2);

/// What is remembered of one browser.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What every form of this visit carries, so that no other site's form is taken for ours.
    pub form_token: Secret,
    /// A sign-in under way.
    pub pending: Option<Arc<Pending>>,
    /// Who is signed in.
    pub signed_in: Option<Arc<SignedIn>>,
}

impl Visit {
    fn new() -> Self {
        Self { form_token: Secret::random(""), pending: None, signed_in: None }
    }
}

/// Every visit.
#[derive(Debug)]
pub struct Visits(moka::sync::Cache<TokenHash, Visit>);

impl Default for Visits {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(VISITS_MAX).time_to_idle(IDLE_MAX).build())
    }
}

/// A browser that asks for something, and what is remembered of it.
#[derive(Debug)]
pub struct Visitor {
    /// What is remembered.
    pub visit: Visit,
    /// In which language to answer.
    pub texts: Texts,
    cookie: Secret,
    /// Whether the browser does not have the cookie yet.
    fresh: bool,
    sample: Arc<Sample>,
}

impl FromRequestParts<Arc<Sample>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, sample: &Arc<Sample>) -> Result<Self, Infallible> {
        let accepted = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let texts = Texts(i18n::negotiate(None, accepted, Locale::Fr));
        let brought = cookie(&parts.headers);
        let known = brought.and_then(|cookie| sample.visits.0.get(&cookie.hash()).map(|visit| (cookie, visit)));
        let fresh = known.is_none();
        let (cookie, visit) = known.unwrap_or_else(|| (Secret::random(""), Visit::new()));
        Ok(Self { visit, texts, cookie, fresh, sample: sample.clone() })
    }
}

fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let (_, value) = pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE_NAME)?;
    Secret::parse("cookie", value.to_owned()).ok()
}

impl Visitor {
    /// Gives the visit a new cookie: whoever knew the old one knows nothing of the person who signs in now.
    pub fn renew(&mut self) {
        self.sample.visits.0.invalidate(&self.cookie.hash());
        self.cookie = Secret::random("");
        self.visit = Visit::new();
        self.fresh = true;
    }

    /// Whether a form came from a page of this visit.
    pub fn wrote(&self, form_token: &str) -> bool {
        self.visit.form_token.matches(form_token)
    }

    /// A page.
    pub fn page(self, status: StatusCode, page: &impl Template) -> Response {
        match page.render() {
            Ok(html) => self.answer((status, Html(html)).into_response()),
            Err(error) => {
                tracing::error!(%error, "page of the sample application not rendered");
                self.answer(StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
        }
    }

    /// To another address, to be read with GET (RFC 9110 §15.4.4).
    pub fn go(self, address: &str) -> Response {
        let Ok(location) = HeaderValue::from_str(address) else {
            return self.answer(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let mut answer = StatusCode::SEE_OTHER.into_response();
        answer.headers_mut().insert(LOCATION, location);
        self.answer(answer)
    }

    /// Remembers the visit, and adds the cookie and the security headers.
    fn answer(self, mut answer: Response) -> Response {
        self.sample.visits.0.insert(self.cookie.hash(), self.visit);
        let headers = answer.headers_mut();
        // Chromium applies `form-action` to the redirects after a form, and signing out leads to the gateway.
        for (name, value) in csp::headers(&[&self.sample.settings.gateway_url]) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        if self.fresh
            // Not `Secure`: the demo speaks plain HTTP on the loopback interface.
            && let Ok(value) = HeaderValue::from_str(&format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie.expose()))
        {
            headers.append(SET_COOKIE, value);
        }
        answer
    }
}
