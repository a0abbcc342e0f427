//! Page structs of the sample application, and its style sheet. They decide nothing, and every sentence comes from `i18n`.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use super::admin::Run;
use super::shown::{Reasons, ShownChange, ShownPerson};
use super::{Function, Place, Suggestion};
use crate::i18n::Texts;

const STYLESHEET: &str = include_str!("../assets/sample.css");
const ICON: &str = include_str!("../assets/sample.svg");

/// The style sheet.
pub async fn stylesheet() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=300")], STYLESHEET)
}

/// The icon.
pub async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=300")], ICON)
}

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language.
    pub texts: Texts,
    /// What forms carry.
    pub form_token: String,
    /// Who is signed in.
    pub person: Option<String>,
}

impl Frame {
    fn t(&self, key: &str) -> String {
        self.texts.text(key)
    }

    fn lang(&self) -> &'static str {
        self.texts.locale().tag()
    }

    fn function(&self, suggestion: &Suggestion) -> String {
        match suggestion.function {
            Function::Teacher => self.texts.text("demo-teacher"),
            Function::Administrator => self.texts.text("demo-administrator"),
            Function::Pupil => self.texts.text("demo-pupil"),
            Function::Anyone => self.texts.text("demo-anyone"),
        }
    }
}

/// The first page: which establishment, and who to be.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/index.html")]
pub struct IndexPage {
    /// The frame.
    pub frame: Frame,
    /// The establishments.
    pub places: Vec<Place>,
    /// Where the gateway is.
    pub gateway_url: String,
}

/// Who is signed in, with which roles, and why.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/me.html")]
pub struct MePage {
    /// The frame.
    pub frame: Frame,
    /// The establishment's name.
    pub establishment: String,
    /// The application whose roles these are.
    pub application: String,
    /// The person.
    pub person: ShownPerson,
    /// Why, or why that is not known.
    pub reasons: Result<Reasons, String>,
    /// The directory's page about this person.
    pub directory_href: String,
    /// Whether UserInfo was read again just now.
    pub refreshed: bool,
}

/// The page after signing out.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/signed_out.html")]
pub struct SignedOutPage {
    /// The frame.
    pub frame: Frame,
}

/// Something went wrong, and what to do.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/error.html")]
pub struct ErrorPage {
    /// The frame.
    pub frame: Frame,
    /// What went wrong.
    pub title: String,
    /// What is known of it.
    pub detail: String,
    /// The answer in the protocol's own words.
    pub said: Option<String>,
    /// Where to try again.
    pub again: String,
}

/// One entry of the directory, to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its distinguished name.
    pub dn: String,
    /// What people read.
    pub name: String,
    /// More to tell homonyms apart.
    pub more: String,
    /// Where choosing it leads.
    pub href: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The person chosen in the directory.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The entry.
    pub dn: String,
    /// What people read.
    pub name: String,
    /// Groups the person is in directly.
    pub groups: Vec<Choice>,
    /// Groups the person could join.
    pub others: Vec<Choice>,
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct ShownRun {
    /// Its counts.
    pub run: Run,
    /// Its first named changes.
    pub changes: Vec<ShownChange>,
}

impl ShownRun {
    fn took(&self, frame: &Frame) -> String {
        frame.texts.counted("demo-run-took", self.run.duration_ms.unwrap_or_default())
    }
}

/// The directory: people, their groups, a move, a sync.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/directory.html")]
pub struct DirectoryPage {
    /// The frame.
    pub frame: Frame,
    /// The establishments.
    pub places: Vec<Choice>,
    /// The slug of the one shown.
    pub slug: String,
    /// The source that reads it.
    pub source: String,
    /// What was searched for.
    pub q: String,
    /// People found.
    pub people: Vec<Choice>,
    /// The person chosen.
    pub chosen: Option<Chosen>,
    /// Whether a move was just made, and is not in the gateway yet.
    pub moved: bool,
    /// The run just made.
    pub run: Option<ShownRun>,
    /// Whether someone of this establishment is signed in here.
    pub signed_in: bool,
}

/// A line of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An address that can be opened.
    Address(String),
    /// Anything else.
    Text(String),
}

/// A letter.
#[derive(Clone, Debug)]
pub struct ShownLetter {
    /// Whom it is for.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// When it was written, as its header says.
    pub date: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// The letters that the gateway sent.
#[derive(Clone, Debug, Template)]
#[template(path = "sample/mail.html")]
pub struct MailPage {
    /// The frame.
    pub frame: Frame,
    /// Newest first.
    pub letters: Vec<ShownLetter>,
}
