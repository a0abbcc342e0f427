//! `/login`: the sign-in page. After a sign-in the browser goes back to `/authorize`, which decides what comes next.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::Answer;
use super::error_page::Problem;
use super::pages::{Chrome, SignInNotice, SignInPage};
use super::reviews;
use super::visit::Visit;
use crate::services::error::Error;
use crate::services::login::attempt::{self, Attempt, Outcome};
use crate::services::login::session;
use crate::services::oidc::authorization::{self, Shown};
use crate::services::oidc::parameters::Parameters;

/// Longest user name looked at, in bytes; the field allows fewer.
const USERNAME_MAX_BYTES: usize = 512;

/// The page of someone who signed in without any application in view.
#[derive(Clone, Debug, Template)]
#[template(path = "signed_in.html")]
struct SignedInPage {
    chrome: Chrome,
    person: String,
    logout: String,
    /// Where reviews wait for them, if some do.
    reviews: Option<String>,
}

/// An establishment's own address leads to its sign-in page.
pub(super) async fn home(visit: Visit) -> Response {
    let answer = visit.blocked().unwrap_or_else(|| Answer::go(visit.path_of("login")));
    visit.respond(Ok(answer))
}

/// The page.
pub(super) async fn show(visit: Visit) -> Response {
    let (visit, shown) = match about(visit).await {
        Ok(found) => found,
        Err(answered) => return *answered,
    };
    let answer = page(&visit, shown.as_ref()).await;
    visit.respond(answer)
}

async fn page(visit: &Visit, shown: Option<&Shown>) -> Result<Answer, Error> {
    let live = match shown {
        Some(shown) => shown.live.clone(),
        None => session::find(&visit.ctx, visit.session.as_deref()).await?,
    };
    match (shown, live) {
        (None, Some(live)) => {
            if let Some(page) = wanted(visit) {
                return Ok(Answer::go(page));
            }
            let reviews = reviews::waiting(visit, &live).await?.then(|| visit.path_of("reviews"));
            let (person, logout) = (live.user.display_name, visit.path_of("logout"));
            Ok(Answer::page(&SignedInPage { chrome: visit.bilingual_chrome(), person, logout, reviews }))
        }
        (Some(shown), live) => {
            let hint = shown.request.login_hint.clone().unwrap_or_default();
            Ok(form(visit, Some(shown), hint, live.map(|_| SignInNotice::Again)))
        }
        (None, None) => Ok(form(visit, None, String::new(), None)),
    }
}

/// The form, sent.
pub(super) async fn submit(visit: Visit, body: String) -> Response {
    let (visit, shown) = match about(visit).await {
        Ok(found) => found,
        Err(answered) => return *answered,
    };
    let sent = Parameters::decode(&body);
    let answer =
        if visit.owns("login", &sent) { sign_in(&visit, shown.as_ref(), &sent).await } else { Ok(Answer::problem(&visit, Problem::Csrf)) };
    visit.respond(answer)
}

/// What the page is about, in the language its application wished for; or the answer, when it is about nothing any more.
async fn about(visit: Visit) -> Result<(Visit, Option<Shown>), Box<Response>> {
    if let Some(blocked) = visit.blocked() {
        return Err(Box::new(visit.respond(Ok(blocked))));
    }
    let Some(handle) = visit.query.get("interaction") else { return Ok((visit, None)) };
    match authorization::shown(&visit.ctx, handle, visit.visitor()).await {
        Ok(Some(shown)) => {
            let visit = visit.in_language(shown.request.ui_locales.as_deref());
            Ok((visit, Some(shown)))
        }
        Ok(None) => Err(Box::new(visit.respond(Ok(Answer::problem(&visit, Problem::Expired))))),
        Err(error) => Err(Box::new(visit.respond(Err(error)))),
    }
}

async fn sign_in(visit: &Visit, shown: Option<&Shown>, sent: &Parameters) -> Result<Answer, Error> {
    let username = sent.get("username").map(str::trim).unwrap_or_default();
    let password = sent.get("password").unwrap_or_default();
    let again = |notice, status| form(visit, shown, username.to_owned(), Some(notice)).with_status(status);
    if username.is_empty() || password.is_empty() {
        return Ok(again(SignInNotice::Missing, StatusCode::UNPROCESSABLE_ENTITY));
    }
    if username.len() > USERNAME_MAX_BYTES {
        return Ok(form(visit, shown, String::new(), Some(SignInNotice::Wrong)).with_status(StatusCode::UNAUTHORIZED));
    }
    let interaction = visit.query.get("interaction");
    let (address, browser, session) = (visit.address, &visit.browser, visit.session.as_deref());
    match attempt::sign_in(&visit.ctx, &Attempt { username, password, address, browser, session, interaction }).await {
        Ok(Outcome::SignedIn(cookie)) => {
            let next = interaction.map(|handle| visit.step("authorize", handle)).or_else(|| wanted(visit));
            let next = next.unwrap_or_else(|| visit.path_of("login"));
            Ok(Answer::go(next).with_cookies(visit.signed_in(cookie.expose())))
        }
        Ok(Outcome::Wrong) => Ok(again(SignInNotice::Wrong, StatusCode::UNAUTHORIZED)),
        Ok(Outcome::Barred(bar)) => Ok(again(SignInNotice::Barred(bar), StatusCode::FORBIDDEN)),
        Ok(Outcome::Expired) => Ok(Answer::problem(visit, Problem::Expired)),
        Err(Error::TooMany { retry_after_s }) => {
            let notice = SignInNotice::Throttled { retry_after_s: u64::from(retry_after_s) };
            Ok(again(notice, StatusCode::TOO_MANY_REQUESTS).retry_after(retry_after_s))
        }
        Err(Error::Outside(why)) => {
            tracing::warn!(establishment = visit.ctx.slug(), request.id = %visit.ctx.request_id, why, "password not checked");
            Ok(again(SignInNotice::Unavailable, StatusCode::SERVICE_UNAVAILABLE))
        }
        Err(error) => Err(error),
    }
}

/// The page of ours that sent the browser here to sign in.
fn wanted(visit: &Visit) -> Option<String> {
    visit.query.get("page").and_then(reviews::page_of).map(|page| visit.path_of(&page))
}

fn form(visit: &Visit, shown: Option<&Shown>, username: String, notice: Option<SignInNotice>) -> Answer {
    let page = SignInPage {
        chrome: visit.bilingual_chrome(),
        action: visit.here(),
        csrf: visit.form_token("login"),
        application: shown.map(|shown| shown.application.clone()),
        username,
        notice,
    };
    Answer::page(&page).bound().leading_to(shown.map(|shown| shown.request.redirect_uri.as_str()))
}
