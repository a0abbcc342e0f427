//! `/invitation/{token}`: the page of a one-time link, on which a person chooses a password.

use axum::extract::RawPathParams;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::Answer;
use super::error_page::Problem;
use super::pages::{PasswordNotice, PasswordSavedPage, SetPasswordPage};
use super::visit::Visit;
use crate::services::error::Error;
use crate::services::links;
use crate::services::oidc::parameters::Parameters;
use crate::store::establishment::user::User;
use crate::types::secret::Secret;

/// The page.
pub(super) async fn show(visit: Visit, parameters: RawPathParams) -> Response {
    let answer = page(&visit, &token_of(&parameters)).await;
    visit.respond(answer)
}

/// The form, sent.
pub(super) async fn submit(visit: Visit, parameters: RawPathParams, body: String) -> Response {
    let sent = Parameters::decode(&body);
    let answer = if visit.owns("invitation", &sent) {
        save(&visit, &token_of(&parameters), &sent).await
    } else {
        Ok(Answer::problem(&visit, Problem::Csrf))
    };
    visit.respond(answer)
}

/// The page afterwards.
pub(super) async fn saved(visit: Visit) -> Response {
    let page = PasswordSavedPage { chrome: visit.chrome(), sign_in: visit.path_of("login") };
    visit.respond(Ok(Answer::page(&page)))
}

fn token_of(parameters: &RawPathParams) -> String {
    parameters.iter().find(|(name, _)| *name == "token").map(|(_, token)| token.to_owned()).unwrap_or_default()
}

async fn page(visit: &Visit, token: &str) -> Result<Answer, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(blocked);
    }
    match links::find(&visit.ctx, token).await {
        Ok(person) => Ok(form(visit, &person, None)),
        Err(Error::NotFound(_)) => Ok(Answer::problem(visit, Problem::Link)),
        Err(error) => Err(error),
    }
}

async fn save(visit: &Visit, token: &str, sent: &Parameters) -> Result<Answer, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(blocked);
    }
    let person = match links::find(&visit.ctx, token).await {
        Ok(person) => person,
        Err(Error::NotFound(_)) => return Ok(Answer::problem(visit, Problem::Link)),
        Err(error) => return Err(error),
    };
    let again = |notice| Ok(form(visit, &person, Some(notice)).with_status(StatusCode::UNPROCESSABLE_ENTITY));
    let Some(typed) = sent.get("password") else { return again(PasswordNotice::Missing) };
    if sent.get("password_confirm") != Some(typed) {
        return again(PasswordNotice::Differs);
    }
    if typed.len() > visit.ctx.gateway.limits.password_length_max {
        return again(PasswordNotice::TooLong);
    }
    let Ok(password) = Secret::parse("password", typed.to_owned()) else { return again(PasswordNotice::TooLong) };
    match links::choose_password(&visit.ctx, token, password).await {
        Ok(_) => Ok(Answer::go(visit.path_of("invitation/saved"))),
        Err(Error::Invalid(_)) => again(PasswordNotice::TooWeak),
        Err(Error::NotFound(_)) => Ok(Answer::problem(visit, Problem::Link)),
        Err(error) => Err(error),
    }
}

fn form(visit: &Visit, person: &User, notice: Option<PasswordNotice>) -> Answer {
    Answer::page(&SetPasswordPage {
        chrome: visit.bilingual_chrome(),
        action: visit.here(),
        csrf: visit.form_token("invitation"),
        person: person.display_name.clone(),
        username: person.username.clone(),
        notice,
    })
    .bound()
}
