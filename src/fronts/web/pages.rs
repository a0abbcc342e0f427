//! Page structs: what each template shows. They decide nothing, and every sentence comes from `i18n`.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use connectors::Bar;

use crate::i18n::Texts;
use crate::types::locale::Locale;

/// The style sheet, served at [`STYLESHEET_PATH`].
pub const STYLESHEET: &str = include_str!("assets/passerelle.css");
/// The icon, served at [`ICON_PATH`].
pub const ICON: &str = include_str!("assets/passerelle.svg");
/// Where the style sheet is served.
pub const STYLESHEET_PATH: &str = "/assets/passerelle.css";
/// Where the icon is served.
pub const ICON_PATH: &str = "/assets/passerelle.svg";

/// The style sheet's address carries its hash, so that it may be cached for ever and still change with a release.
static STYLESHEET_HREF: LazyLock<String> = LazyLock::new(|| {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLESHEET.as_bytes());
    let (head, _) = digest.as_ref().split_at(9);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(head);
    format!("{STYLESHEET_PATH}?v={tag}")
});

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Chrome {
    /// The language.
    pub texts: Texts,
    /// The establishment's name, where the page is one of an establishment.
    pub establishment: Option<String>,
    /// Where the same page stands in the other language, if it can be asked for again.
    pub other_language: Option<String>,
    /// The public address's path, without trailing slash: empty unless the gateway stands below a path.
    pub base_path: String,
}

impl Chrome {
    /// The frame of a page without establishment.
    pub fn new(locale: Locale) -> Self {
        Self { texts: Texts(locale), establishment: None, other_language: None, base_path: String::new() }
    }

    /// The same, for an establishment.
    #[must_use]
    pub fn of(mut self, establishment: impl Into<String>) -> Self {
        self.establishment = Some(establishment.into());
        self
    }

    /// The same, with a link to the page in the other language.
    #[must_use]
    pub fn with_other_language(mut self, href: impl Into<String>) -> Self {
        self.other_language = Some(href.into());
        self
    }

    pub(super) fn t(&self, key: &str) -> String {
        self.texts.text(key)
    }

    pub(super) fn lang(&self) -> &'static str {
        self.texts.locale().tag()
    }

    pub(super) fn other_lang(&self) -> &'static str {
        match self.texts.locale() {
            Locale::Fr => Locale::En.tag(),
            Locale::En => Locale::Fr.tag(),
        }
    }

    pub(super) fn stylesheet(&self) -> String {
        format!("{}{}", self.base_path, *STYLESHEET_HREF)
    }

    pub(super) fn at_root(&self, path: &str) -> String {
        format!("{}{path}", self.base_path)
    }
}

/// Why the last attempt to sign in failed, or why the page is shown though a session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInNotice {
    /// The name or the password is wrong: the same sentence whichever it is.
    Wrong,
    /// A field was empty.
    Missing,
    /// Too many attempts: how long to wait.
    Throttled {
        /// Seconds until the next attempt counts.
        retry_after_s: u64,
    },
    /// The directory does not answer.
    Unavailable,
    /// The password is right, and the directory does not let its owner in.
    Barred(Bar),
    /// Not an error: the application wants the person to sign in again.
    Again,
}

impl SignInNotice {
    const fn is_error(self) -> bool {
        !matches!(self, Self::Again)
    }
}

/// The sign-in page.
#[derive(Clone, Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf: String,
    /// The application the person is on the way to.
    pub application: Option<String>,
    /// What was typed before, or hinted by the application.
    pub username: String,
    /// What to say first.
    pub notice: Option<SignInNotice>,
}

impl SignInPage {
    fn failed(&self) -> bool {
        self.notice.is_some_and(SignInNotice::is_error)
    }

    fn sentence(&self) -> Option<String> {
        let texts = self.chrome.texts;
        self.notice.map(|notice| match notice {
            SignInNotice::Wrong => texts.text("sign-in-wrong"),
            SignInNotice::Missing => texts.text("sign-in-missing"),
            SignInNotice::Throttled { .. } => texts.text("sign-in-throttled"),
            SignInNotice::Unavailable => texts.text("sign-in-unavailable"),
            SignInNotice::Barred(bar) => texts.text(match bar {
                Bar::AccountDisabled => "sign-in-account-disabled",
                Bar::AccountExpired => "sign-in-account-expired",
                Bar::PasswordExpired => "sign-in-password-expired",
                Bar::PasswordToChange => "sign-in-password-to-change",
                Bar::NotNow => "sign-in-not-now",
            }),
            SignInNotice::Again => texts.text("sign-in-again"),
        })
    }

    fn wait(&self) -> Option<String> {
        match self.notice {
            Some(SignInNotice::Throttled { retry_after_s }) => Some(self.chrome.texts.counted("sign-in-retry", retry_after_s)),
            _ => None,
        }
    }
}

/// One establishment in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstablishmentChoice {
    /// Its name.
    pub name: String,
    /// Its town.
    pub locality: Option<String>,
    /// Its French school number.
    pub uai: Option<String>,
    /// Where choosing it leads.
    pub href: String,
}

/// The choice of an establishment: the page at `/`, and a step of signing in on the platform.
#[derive(Clone, Debug, Template)]
#[template(path = "choice.html")]
pub struct ChoicePage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the search goes, by GET.
    pub action: String,
    /// Parameters the search carries along.
    pub carried: Vec<(String, String)>,
    /// What was searched for; empty before the first search.
    pub q: String,
    /// What was found.
    pub found: Vec<EstablishmentChoice>,
    /// Whether more was found than is listed.
    pub more: bool,
    /// The one chosen last time on this device.
    pub last: Option<EstablishmentChoice>,
}

impl ChoicePage {
    fn count(&self) -> u64 {
        u64::try_from(self.found.len()).unwrap_or(u64::MAX)
    }
}

/// The consent page.
#[derive(Clone, Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form goes; the button pressed is `answer=allow` or `answer=deny`.
    pub action: String,
    /// The form's token.
    pub csrf: String,
    /// The application that asks.
    pub application: String,
    /// Who is signed in.
    pub person: String,
    /// The scopes asked for, by name.
    pub scopes: Vec<String>,
}

impl ConsentPage {
    /// Each scope in words.
    fn sentences(&self) -> Vec<String> {
        let texts = self.chrome.texts;
        let sentence = |name: &String| match name.as_str() {
            "openid" => texts.text("scope-openid"),
            "profile" => texts.text("scope-profile"),
            "email" => texts.text("scope-email"),
            "groups" => texts.text("scope-groups"),
            "roles" => texts.text("scope-roles"),
            "establishment" => texts.text("scope-establishment"),
            "offline_access" => texts.text("scope-offline-access"),
            other => texts.named("scope-other", other),
        };
        self.scopes.iter().map(sentence).collect()
    }
}

/// The page that asks before signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "logout.html")]
pub struct LogoutPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf: String,
    /// What the person is signed out of: the establishment, or the product.
    pub place: String,
}

/// The page after signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "logged_out.html")]
pub struct LoggedOutPage {
    /// The frame.
    pub chrome: Chrome,
}

/// Why a password was not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordNotice {
    /// Nothing was typed.
    Missing,
    /// The two entries differ.
    Differs,
    /// It is too easy to guess.
    TooWeak,
    /// It is longer than is hashed.
    TooLong,
}

/// The page of a one-time link where a password is chosen.
#[derive(Clone, Debug, Template)]
#[template(path = "set_password.html")]
pub struct SetPasswordPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf: String,
    /// How to greet the person.
    pub person: String,
    /// The name they will sign in with.
    pub username: String,
    /// What was wrong with the last try.
    pub notice: Option<PasswordNotice>,
}

impl SetPasswordPage {
    fn sentence(&self) -> Option<String> {
        let texts = self.chrome.texts;
        self.notice.map(|notice| match notice {
            PasswordNotice::Missing => texts.text("password-missing"),
            PasswordNotice::Differs => texts.text("password-differs"),
            PasswordNotice::TooWeak => texts.text("password-too-weak"),
            PasswordNotice::TooLong => texts.text("password-too-long"),
        })
    }
}

/// The page after a password was saved.
#[derive(Clone, Debug, Template)]
#[template(path = "password_saved.html")]
pub struct PasswordSavedPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where to sign in.
    pub sign_in: String,
}

/// The accessibility statement, linked from every page.
#[derive(Clone, Debug, Template)]
#[template(path = "accessibility.html")]
pub struct AccessibilityPage {
    /// The frame.
    pub chrome: Chrome,
}
