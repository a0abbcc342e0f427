//! The page of an error: what happened, and what to do. Which error becomes which HTTP status is decided elsewhere.

use askama::Template;

use super::pages::Chrome;
use crate::services::oidc::authorize::PageError;
use crate::services::oidc::logout::LogoutError;

/// An error shown to a person.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub chrome: Chrome,
    /// What happened, in a few words.
    pub title: String,
    /// What happened, in a sentence.
    pub detail: String,
    /// What to do.
    pub next: String,
    /// The request's identifier, for whoever reads the log.
    pub reference: Option<String>,
}

/// Errors of pages that no protocol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The gateway failed.
    Generic,
    /// No such page.
    NotFound,
    /// The interaction has ended, or is another browser's.
    Expired,
    /// The form's token is wrong.
    Csrf,
    /// A one-time link was used or has expired.
    Link,
    /// The establishment is blocked.
    Blocked,
    /// Too many requests.
    Busy,
    /// The store does not serve at the moment.
    Unavailable,
}

impl Problem {
    /// Every one, for tests of the texts.
    pub const ALL: [Self; 8] =
        [Self::Generic, Self::NotFound, Self::Expired, Self::Csrf, Self::Link, Self::Blocked, Self::Busy, Self::Unavailable];

    const fn text_key(self) -> &'static str {
        match self {
            Self::Generic => "error-generic",
            Self::NotFound => "error-not-found",
            Self::Expired => "error-expired",
            Self::Csrf => "error-csrf",
            Self::Link => "error-link",
            Self::Blocked => "error-blocked",
            Self::Busy => "error-busy",
            Self::Unavailable => "error-unavailable",
        }
    }
}

impl ErrorPage {
    /// The page of a problem.
    pub fn of(chrome: Chrome, problem: Problem) -> Self {
        Self::from_key(chrome, problem.text_key())
    }

    /// The page of an authorization request that cannot be answered by redirect.
    pub fn authorization(chrome: Chrome, error: PageError) -> Self {
        Self::from_key(chrome, error.text_key())
    }

    /// The page of a logout request that is refused.
    pub fn logout(chrome: Chrome, error: LogoutError) -> Self {
        Self::from_key(chrome, error.text_key())
    }

    /// The page for someone without a role in an application that wants one (`require_role`); `contact` is whom to ask.
    pub fn role_missing(chrome: Chrome, application: &str, contact: Option<&str>) -> Self {
        let texts = chrome.texts;
        let contact = contact.map_or_else(|| texts.text("role-missing-contact"), str::to_owned);
        Self {
            title: texts.named("role-missing-title", application),
            detail: texts.text("role-missing-detail"),
            next: texts.named("role-missing-next", &contact),
            reference: None,
            chrome,
        }
    }

    /// The same page with the request's identifier.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    fn from_key(chrome: Chrome, stem: &str) -> Self {
        let part = |name: &str| chrome.texts.text(&format!("{stem}-{name}"));
        let (title, detail, next) = (part("title"), part("detail"), part("next"));
        Self { chrome, title, detail, next, reference: None }
    }
}
