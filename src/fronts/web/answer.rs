//! What goes out to a browser: a page or a way on, always with the security headers; and the one table from errors to pages and statuses.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::csp;
use super::error_page::{ErrorPage, Problem};
use super::pages::Chrome;
use super::visit::Visit;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::oidc::redirect_uri::form_target;
use crate::types::locale::Locale;

enum Body {
    Page(Result<String, askama::Error>),
    Way(String),
}

/// An answer to a browser.
pub(super) struct Answer {
    status: StatusCode,
    body: Body,
    targets: Vec<String>,
    cookies: Vec<String>,
    retry_after_s: Option<u32>,
    bound: bool,
}

impl Answer {
    /// A page.
    pub(super) fn page(page: &impl Template) -> Self {
        Self::new(StatusCode::OK, Body::Page(page.render()))
    }

    /// A way on, to be followed by GET (RFC 9110 §15.4.4).
    pub(super) fn go(address: impl Into<String>) -> Self {
        Self::new(StatusCode::SEE_OTHER, Body::Way(address.into()))
    }

    /// The page of a problem.
    pub(super) fn problem(visit: &Visit, problem: Problem) -> Self {
        let page = ErrorPage::of(visit.chrome(), problem).with_reference(visit.ctx.request_id.to_string());
        Self::page(&page).with_status(status(problem))
    }

    /// The page of an error. What the person reads is not what the log says.
    pub(super) fn failed(visit: &Visit, error: &Error) -> Self {
        match error {
            Error::NotFound(_) => Self::problem(visit, Problem::NotFound),
            Error::TooMany { retry_after_s } => Self::problem(visit, Problem::Busy).retry_after(*retry_after_s),
            other => {
                tracing::error!(establishment = visit.ctx.slug(), request.id = %visit.ctx.request_id, error = %other, "page failed");
                match other.retry_after_s() {
                    Some(seconds) => Self::problem(visit, Problem::Unavailable).retry_after(seconds),
                    None => Self::problem(visit, Problem::Generic),
                }
            }
        }
    }

    /// The page of an error where not even the platform's frame can be had.
    pub(super) fn nowhere(locale: Locale, error: &Error) -> Response {
        tracing::error!(%error, "page failed");
        let (problem, wait_s) = error.retry_after_s().map_or((Problem::Generic, None), |s| (Problem::Unavailable, Some(s)));
        let page = Self::page(&ErrorPage::of(Chrome::new(locale), problem)).with_status(status(problem));
        Self { retry_after_s: wait_s, ..page }.written(|what| tracing::error!("{what}"))
    }

    /// The same with a status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, its forms allowed to lead to an address of an application.
    pub(super) fn leading_to(mut self, address: Option<&str>) -> Self {
        self.targets.extend(address.and_then(form_target));
        self
    }

    /// The same with cookie lines.
    pub(super) fn with_cookies(mut self, lines: Vec<String>) -> Self {
        self.cookies.extend(lines);
        self
    }

    /// The same with the time to wait.
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The same, for this browser alone: it holds a form, or leads to a step that only this browser may take, so the browser needs its cookie.
    pub(super) fn bound(mut self) -> Self {
        self.bound = true;
        self
    }

    /// Whether it is for this browser alone. Whoever only reads a page, or is only sent on, is given no cookie.
    pub(super) fn is_bound(&self) -> bool {
        self.bound
    }

    fn new(status: StatusCode, body: Body) -> Self {
        Self { status, body, targets: Vec::new(), cookies: Vec::new(), retry_after_s: None, bound: false }
    }

    /// Writes it.
    pub(super) fn into_response(self, ctx: &Context) -> Response {
        self.written(|what| tracing::error!(establishment = ctx.slug(), request.id = %ctx.request_id, "{what}"))
    }

    fn written(self, tell: impl Fn(&str)) -> Response {
        let broken = |what: &str| {
            tell(what);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        };
        let mut response = match self.body {
            Body::Page(Ok(html)) => (self.status, [(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Body::Page(Err(_)) => return broken("a template failed"),
            Body::Way(address) => match HeaderValue::from_str(&address) {
                Ok(address) => (self.status, [(LOCATION, address)]).into_response(),
                Err(_) => return broken("a registered address is not one a header can hold"),
            },
        };
        let targets: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        let headers = response.headers_mut();
        for (name, value) in csp::headers(&targets) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for line in &self.cookies {
            if let Ok(line) = HeaderValue::from_str(line) {
                headers.append(SET_COOKIE, line);
            }
        }
        response
    }
}

fn status(problem: Problem) -> StatusCode {
    match problem {
        Problem::Generic => StatusCode::INTERNAL_SERVER_ERROR,
        Problem::NotFound | Problem::Link => StatusCode::NOT_FOUND,
        Problem::Expired => StatusCode::BAD_REQUEST,
        Problem::Csrf | Problem::Blocked => StatusCode::FORBIDDEN,
        Problem::Busy => StatusCode::TOO_MANY_REQUESTS,
        Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}
