//! The application's own pages: choose, sign in, see, sign out. Each extracts, asks the provider once, and renders.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;

use super::Sample;
use super::pages::{ErrorPage, Frame, IndexPage, MePage, SignedOutPage};
use super::provider::{Failure, SignedIn, Stage};
use super::shown::{Reasons, ShownPerson};
use super::visits::Visitor;

/// What comes back from the provider (OpenID Connect Core §3.1.2.5, §3.1.2.6).
#[derive(Debug, Default, Deserialize)]
pub struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// A form that carries nothing but its token.
#[derive(Debug, Deserialize)]
pub struct Pressed {
    form_token: String,
}

/// Whether UserInfo was just read again.
#[derive(Debug, Default, Deserialize)]
pub struct Seen {
    refreshed: Option<u8>,
}

impl Visitor {
    /// The frame of this visitor's pages.
    pub(super) fn frame(&self) -> Frame {
        let person = self.visit.signed_in.as_ref().map(|signed_in| ShownPerson::of(signed_in).name);
        // The token stands in the visitor's own forms.
        Frame { texts: self.texts, form_token: self.visit.form_token.expose().to_owned(), person }
    }

    /// A page that says what went wrong.
    pub(super) fn error(self, status: StatusCode, title: &str, detail: &str, said: Option<String>, again: &str) -> Response {
        let page = ErrorPage { frame: self.frame(), title: title.to_owned(), detail: detail.to_owned(), said, again: again.to_owned() };
        self.page(status, &page)
    }

    /// The answer to a form that is not one of this visit's.
    pub(super) fn stale_form(self, again: &str) -> Response {
        let (title, detail) = (self.texts.text("demo-stale-title"), self.texts.text("demo-stale-detail"));
        self.error(StatusCode::FORBIDDEN, &title, &detail, None, again)
    }

    fn unknown_place(self) -> Response {
        let (title, detail) = (self.texts.text("demo-missing-title"), self.texts.text("demo-missing-detail"));
        self.error(StatusCode::NOT_FOUND, &title, &detail, None, "/")
    }

    fn failed(self, failure: &Failure, slug: &str) -> Response {
        tracing::warn!(%failure, establishment.slug = slug, "sign-in at the sample application failed");
        let texts = self.texts;
        let again = format!("/login/{slug}");
        let (status, title, detail) = match failure {
            Failure::Refused { code, .. } if code == "access_denied" => {
                (StatusCode::FORBIDDEN, texts.text("demo-denied-title"), texts.text("demo-denied-detail"))
            }
            Failure::Refused { .. } => (StatusCode::BAD_REQUEST, texts.text("demo-refused-title"), texts.text("demo-refused-detail")),
            Failure::Broken { stage: Stage::Discovery, .. } => {
                (StatusCode::BAD_GATEWAY, texts.text("demo-unreachable-title"), texts.text("demo-unreachable-detail"))
            }
            Failure::Broken { .. } => (StatusCode::BAD_GATEWAY, texts.text("demo-broken-title"), texts.text("demo-broken-detail")),
        };
        self.error(status, &title, &detail, Some(failure.to_string()), &again)
    }
}

/// `GET /`: which establishment, and who to be.
pub async fn index(State(sample): State<Arc<Sample>>, visitor: Visitor) -> Response {
    let settings = &sample.settings;
    let page = IndexPage { frame: visitor.frame(), places: settings.places.clone(), gateway_url: settings.gateway_url.clone() };
    visitor.page(StatusCode::OK, &page)
}

/// `GET /login/{slug}`: to the provider.
pub async fn begin(State(sample): State<Arc<Sample>>, Path(slug): Path<String>, mut visitor: Visitor) -> Response {
    let Some(place) = sample.place(&slug) else { return visitor.unknown_place() };
    match sample.begin_sign_in(place).await {
        Ok((url, pending)) => {
            visitor.visit.pending = Some(Arc::new(pending));
            visitor.go(url.as_str())
        }
        Err(failure) => visitor.failed(&failure, &slug),
    }
}

/// `GET /callback/{slug}`: back from the provider, with a code or with its refusal.
pub async fn finish(
    State(sample): State<Arc<Sample>>,
    Path(slug): Path<String>,
    Query(answer): Query<Answer>,
    mut visitor: Visitor,
) -> Response {
    let Some(place) = sample.place(&slug) else { return visitor.unknown_place() };
    let expected = visitor.visit.pending.take().filter(|p| p.slug == slug && answer.state.as_deref().is_some_and(|s| p.is_answered_by(s)));
    // RFC 9207 §2.4: an answer that names another issuer is not this provider's.
    let Some(pending) = expected.filter(|_| answer.iss.as_ref().is_none_or(|iss| *iss == place.issuer)) else {
        let (title, detail) = (visitor.texts.text("demo-state-title"), visitor.texts.text("demo-state-detail"));
        return visitor.error(StatusCode::BAD_REQUEST, &title, &detail, None, &format!("/login/{slug}"));
    };
    let done = match (answer.code, answer.error) {
        (Some(code), None) => sample.finish_sign_in(place, &pending, code).await,
        (_, error) => Err(Failure::Refused {
            code: error.unwrap_or_else(|| "invalid_response".to_owned()),
            description: answer.error_description.unwrap_or_default(),
        }),
    };
    match done {
        Ok(signed_in) => {
            visitor.renew();
            visitor.visit.signed_in = Some(Arc::new(signed_in));
            visitor.go("/me")
        }
        Err(failure) => visitor.failed(&failure, &slug),
    }
}

/// `GET /me`: who is signed in, with which roles, and why.
pub async fn me(State(sample): State<Arc<Sample>>, Query(seen): Query<Seen>, visitor: Visitor) -> Response {
    let Some(signed_in) = visitor.visit.signed_in.clone() else { return visitor.go("/") };
    let Some(place) = sample.place(&signed_in.slug) else { return visitor.unknown_place() };
    let person = ShownPerson::of(&signed_in);
    let explained = sample.explain(place, &person.username).await;
    let reasons = explained.map(|e| Reasons::of(e, &place.application, visitor.texts)).map_err(|e| e.to_string());
    let page = MePage {
        frame: visitor.frame(),
        establishment: place.name.clone(),
        application: place.application_title.clone(),
        directory_href: directory_href(&sample, &signed_in, &person.username),
        person,
        reasons,
        refreshed: seen.refreshed.is_some(),
    };
    visitor.page(StatusCode::OK, &page)
}

/// The directory's page about someone signed in.
fn directory_href(sample: &Sample, signed_in: &SignedIn, username: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("place", &signed_in.slug);
    if let Some(place) = sample.place(&signed_in.slug)
        && let Ok(found) = sample.settings.directory.people(&place.base_dn, username, usize::MAX)
        && let Some(entry) = found.iter().find(|entry| entry.first("uid") == Some(username))
    {
        query.append_pair("person", entry.dn());
    }
    format!("/directory?{}", query.finish())
}

/// `POST /refresh`: reads UserInfo again. An access token that ended means signing in again, which a session makes a matter of one redirect.
pub async fn refresh(State(sample): State<Arc<Sample>>, mut visitor: Visitor, form: Result<Form<Pressed>, FormRejection>) -> Response {
    let Some(signed_in) = visitor.visit.signed_in.clone() else { return visitor.go("/") };
    if !form.is_ok_and(|Form(pressed)| visitor.wrote(&pressed.form_token)) {
        return visitor.stale_form("/me");
    }
    let Some(place) = sample.place(&signed_in.slug) else { return visitor.unknown_place() };
    match sample.refresh(place, &signed_in).await {
        Ok(fresh) => {
            visitor.visit.signed_in = Some(Arc::new(fresh));
            visitor.go("/me?refreshed=1")
        }
        Err(failure) => {
            tracing::debug!(%failure, "UserInfo of the sample application not read; signing in again");
            visitor.go(&format!("/login/{}", signed_in.slug))
        }
    }
}

/// `POST /logout`: forgets the person here, then ends the session at the provider (RP-Initiated Logout 1.0 §2).
pub async fn sign_out(State(sample): State<Arc<Sample>>, mut visitor: Visitor, form: Result<Form<Pressed>, FormRejection>) -> Response {
    if !form.is_ok_and(|Form(pressed)| visitor.wrote(&pressed.form_token)) {
        return visitor.stale_form("/me");
    }
    let signed_in = visitor.visit.signed_in.clone();
    visitor.renew();
    let Some((place, signed_in)) = signed_in.as_ref().and_then(|s| Some((sample.place(&s.slug)?, s))) else { return visitor.go("/") };
    match sample.sign_out_url(place, signed_in).await {
        Ok(url) => visitor.go(url.as_str()),
        Err(failure) => visitor.failed(&failure, &signed_in.slug),
    }
}

/// `GET /signed-out`: back from the provider.
pub async fn signed_out(visitor: Visitor) -> Response {
    let page = SignedOutPage { frame: visitor.frame() };
    visitor.page(StatusCode::OK, &page)
}

/// Any other address.
pub async fn missing(visitor: Visitor) -> Response {
    visitor.unknown_place()
}
