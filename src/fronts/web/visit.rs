//! One request of a browser: where, which browser, which session, in which language; and the check that a form is the browser's own.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderValue, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::Response;
use url::form_urlencoded::{Serializer, parse};

use super::answer::Answer;
use super::cookies::{self, Name};
use super::error_page::Problem;
use super::pages::Chrome;
use crate::fronts::edge;
use crate::i18n;
use crate::services::context::{Context, Gateway};
use crate::services::error::Error;
use crate::services::login::browser::Browser;
use crate::services::oidc::authorization::Visitor;
use crate::services::oidc::parameters::Parameters;
use crate::types::locale::Locale;
use crate::types::slug::PLATFORM;

/// Longest query carried along in the addresses of pages, in bytes.
const QUERY_MAX_BYTES: usize = 16 * 1024;

/// One request of a browser.
pub struct Visit {
    pub(super) ctx: Context,
    pub(super) browser: Browser,
    /// Whether the browser came without its cookie, and is to be given one with a form.
    fresh: bool,
    pub(super) session: Option<String>,
    pub(super) address: IpAddr,
    pub(super) query: Parameters,
    /// The query as it came.
    pub(super) raw_query: String,
    path: String,
    headers: HeaderMap,
}

impl std::fmt::Debug for Visit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visit").field("establishment", &self.ctx.slug()).field("request", &self.ctx.request_id).finish_non_exhaustive()
    }
}

impl FromRequestParts<Arc<Gateway>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Response> {
        match edge::context(parts, gateway).await {
            Ok(ctx) => Ok(Self::of(parts, ctx)),
            Err(error) => Err(Self::nowhere(parts, gateway, error).await),
        }
    }
}

impl Visit {
    fn of(parts: &Parts, ctx: Context) -> Self {
        let secure = is_secure(&ctx);
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let query = Parameters::decode(&raw_query);
        let browser = cookies::read(&parts.headers, Name::Browser(ctx.slug()), secure).and_then(|value| Browser::from_cookie(&value));
        let session = cookies::read(&parts.headers, Name::Session(ctx.slug()), secure);
        let locale = i18n::negotiate(query.get("ui_locales"), edge::header(&parts.headers, ACCEPT_LANGUAGE), Locale::default());
        let ctx = Context { locale, ..ctx };
        // The path as the browser knows it: a router below a prefix sees only the rest.
        let seen = parts.uri.path();
        let path = if ctx.is_platform() || seen.starts_with("/e/") { seen.to_owned() } else { format!("/e/{}{seen}", ctx.slug()) };
        Self {
            fresh: browser.is_none(),
            browser: browser.unwrap_or_default(),
            session,
            address: edge::address(parts, &ctx.gateway),
            query,
            raw_query,
            path,
            headers: parts.headers.clone(),
            ctx,
        }
    }

    /// The answer where no establishment is: told in the platform's own frame.
    async fn nowhere(parts: &Parts, gateway: &Arc<Gateway>, error: Error) -> Response {
        use crate::services::context::Actor;
        let now = crate::types::time::Timestamp::now();
        match Context::open(gateway, PLATFORM, Actor::Anonymous, now).await {
            Ok(platform) => Self::of(parts, platform).respond(Err(error)),
            // Not even the platform's store answers.
            Err(_) => Answer::nowhere(i18n::negotiate(None, edge::header(&parts.headers, ACCEPT_LANGUAGE), Locale::default()), &error),
        }
    }

    /// Who asks, for the services.
    pub(super) fn visitor(&self) -> Visitor<'_> {
        Visitor { browser: &self.browser, session: self.session.as_deref() }
    }

    /// The path of a page of this issuer.
    pub(super) fn path_of(&self, page: &str) -> String {
        if self.ctx.is_platform() { format!("/{page}") } else { format!("/e/{}/{page}", self.ctx.slug()) }
    }

    /// The address of a page of this issuer for an interaction.
    pub(super) fn step(&self, page: &str, interaction: &str) -> String {
        let query = Serializer::new(String::new()).append_pair("interaction", interaction).finish();
        format!("{}?{query}", self.path_of(page))
    }

    /// This very address, for a form to come back to.
    pub(super) fn here(&self) -> String {
        if self.raw_query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, rewritten(&self.raw_query, None)) }
    }

    /// The frame of a page.
    pub(super) fn chrome(&self) -> Chrome {
        let frame = Chrome::new(self.ctx.locale);
        if self.ctx.is_platform() { frame } else { frame.of(self.ctx.establishment.name.clone()) }
    }

    /// The frame of a page that can be asked for again in the other language.
    pub(super) fn bilingual_chrome(&self) -> Chrome {
        let other = match self.ctx.locale {
            Locale::Fr => Locale::En,
            Locale::En => Locale::Fr,
        };
        let frame = self.chrome();
        if self.raw_query.len() > QUERY_MAX_BYTES {
            return frame;
        }
        frame.with_other_language(format!("{}?{}", self.path, rewritten(&self.raw_query, Some(other))))
    }

    /// The same visit in the language that a client wished for, unless the person chose one.
    pub(super) fn in_language(mut self, ui_locales: Option<&str>) -> Self {
        if self.query.get("ui_locales").is_none() {
            self.ctx.locale = i18n::negotiate(ui_locales, Some(self.ctx.locale.tag()), Locale::default());
        }
        self
    }

    /// The token of a form on this page.
    pub(super) fn form_token(&self, form: &str) -> String {
        self.browser.form_token(&self.form_name(form))
    }

    /// Whether a form is this browser's own (SECURITY 10): its token, and what the browser says of where it came from.
    pub(super) fn owns(&self, form: &str, sent: &Parameters) -> bool {
        let token = sent.get("csrf").unwrap_or_default();
        !self.fresh && self.came_from_here() && self.browser.knows(&self.form_name(form), token)
    }

    fn form_name(&self, form: &str) -> String {
        format!("{}/{form}/{}", self.ctx.slug(), self.query.get("interaction").unwrap_or_default())
    }

    /// Browsers send `Origin: null` where the page asked for no referrer, as ours do: then the token alone decides.
    fn came_from_here(&self) -> bool {
        let origin = edge::header(&self.headers, ORIGIN).is_none_or(|origin| origin == "null" || origin == self.ctx.gateway.public_url);
        let site = edge::header(&self.headers, "sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
        origin && site
    }

    /// The cookie lines of a new session.
    pub(super) fn signed_in(&self, session: &str) -> Vec<String> {
        let secure = is_secure(&self.ctx);
        let mut lines = vec![cookies::set(Name::Session(self.ctx.slug()), session, secure)];
        if !self.ctx.is_platform() {
            lines.push(cookies::set(Name::Last, self.ctx.slug(), secure));
        }
        lines
    }

    /// The cookie line of a session's end.
    pub(super) fn signed_out(&self) -> Vec<String> {
        vec![cookies::remove(Name::Session(self.ctx.slug()), is_secure(&self.ctx))]
    }

    /// The establishment chosen last on this device.
    pub(super) fn last_choice(&self) -> Option<String> {
        cookies::read(&self.headers, Name::Last, is_secure(&self.ctx))
    }

    /// Turns an answer, or an error, into what goes out.
    pub(super) fn respond(&self, answer: Result<Answer, Error>) -> Response {
        let answer = answer.unwrap_or_else(|error| Answer::failed(self, &error));
        let needs_browser = self.fresh && answer.is_bound();
        let mut response = answer.into_response(&self.ctx);
        if needs_browser {
            let line = cookies::set(Name::Browser(self.ctx.slug()), self.browser.cookie(), is_secure(&self.ctx));
            if let Ok(line) = HeaderValue::from_str(&line) {
                response.headers_mut().append(SET_COOKIE, line);
            }
        }
        response
    }

    /// The answer of a blocked establishment, if it is one.
    pub(super) fn blocked(&self) -> Option<Answer> {
        (!self.ctx.is_open()).then(|| Answer::problem(self, Problem::Blocked))
    }
}

fn is_secure(ctx: &Context) -> bool {
    ctx.gateway.public_url.starts_with("https:")
}

/// A query written again from its decoded pairs, so that nothing odd of it reaches an address; with a language, that one replaces any other.
pub(super) fn rewritten(raw: &str, language: Option<Locale>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in parse(raw.as_bytes()).filter(|(name, _)| language.is_none() || name != "ui_locales") {
        query.append_pair(&name, &value);
    }
    if let Some(language) = language {
        query.append_pair("ui_locales", language.tag());
    }
    query.finish()
}
