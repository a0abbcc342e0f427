//! `/logout` (OpenID Connect RP-Initiated Logout 1.0), by GET and by form, with a page that asks where the request proves nothing.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer::Answer;
use super::error_page::{ErrorPage, Problem};
use super::pages::{LoggedOutPage, LogoutPage};
use super::visit::{Visit, rewritten};
use crate::services::error::Error;
use crate::services::oidc::end_session::{self, Ended};
use crate::services::oidc::logout::{LogoutError, LogoutRequest};
use crate::services::oidc::parameters::Parameters;

/// A client's request, or a person's own.
pub(super) async fn get(visit: Visit) -> Response {
    let answer = end(&visit, false).await;
    visit.respond(answer)
}

/// Our own page's answer, or a client's request by form: that one becomes a GET, with which browsers send our cookies along.
pub(super) async fn post(visit: Visit, body: String) -> Response {
    let sent = Parameters::decode(&body);
    if sent.get("csrf").is_none() {
        let query = rewritten(&body, None);
        let joint = if query.is_empty() { "" } else { "?" };
        return visit.respond(Ok(Answer::go(format!("{}{joint}{query}", visit.path_of("logout")))));
    }
    let answer = if visit.owns("logout", &sent) { end(&visit, true).await } else { Ok(Answer::problem(&visit, Problem::Csrf)) };
    visit.respond(answer)
}

async fn end(visit: &Visit, confirmed: bool) -> Result<Answer, Error> {
    let request = match LogoutRequest::read(&visit.query) {
        Ok(request) => request,
        Err(error) => return Ok(refused(visit, error)),
    };
    Ok(match end_session::end(&visit.ctx, &request, visit.session.as_deref(), confirmed).await? {
        Ended::Ask(then) => {
            let place = if visit.ctx.is_platform() { "Passerelle".to_owned() } else { visit.ctx.establishment.name.clone() };
            let (action, csrf) = (visit.here(), visit.form_token("logout"));
            Answer::page(&LogoutPage { chrome: visit.bilingual_chrome(), action, csrf, place }).bound().leading_to(then.as_deref())
        }
        Ended::Done(Some(address)) => Answer::go(address).with_cookies(visit.signed_out()),
        Ended::Done(None) => Answer::page(&LoggedOutPage { chrome: visit.chrome() }).with_cookies(visit.signed_out()),
        Ended::Refused(error) => refused(visit, error),
    })
}

fn refused(visit: &Visit, error: LogoutError) -> Answer {
    let page = ErrorPage::logout(visit.chrome(), error).with_reference(visit.ctx.request_id.to_string());
    Answer::page(&page).with_status(StatusCode::BAD_REQUEST)
}
