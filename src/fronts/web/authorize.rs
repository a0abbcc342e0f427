//! `/authorize` (OpenID Connect Core §3.1.2): the only dispatcher of a sign-in. Every page of it comes back here.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer::Answer;
use super::error_page::{ErrorPage, Problem};
use super::visit::{Visit, rewritten};
use crate::services::error::Error;
use crate::services::oidc::authorization::{self, Decision};

/// A new request, or an interaction that goes on.
pub(super) async fn get(visit: Visit) -> Response {
    let answer = dispatch(&visit).await;
    visit.respond(answer)
}

/// The same by form (Core §3.1.2.1). Browsers send our cookies (`SameSite=Lax`) along with a GET only, so the form becomes one.
pub(super) async fn post(visit: Visit, body: String) -> Response {
    let address = format!("{}?{}", visit.path_of("authorize"), rewritten(&body, None));
    visit.respond(Ok(Answer::go(address)))
}

async fn dispatch(visit: &Visit) -> Result<Answer, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(blocked);
    }
    // A client may send a parameter of any name (RFC 6749 §3.1): with a client_id it is a new request all the same.
    let decision = match visit.query.get("interaction").filter(|_| visit.query.get("client_id").is_none()) {
        Some(handle) => authorization::resume(&visit.ctx, handle, visit.visitor()).await?,
        None => authorization::begin(&visit.ctx, &visit.query, visit.visitor()).await?,
    };
    Ok(match decision {
        Decision::Return(address) => Answer::go(address),
        Decision::SignIn(handle) => Answer::go(visit.step("login", handle.expose())).bound(),
        Decision::Consent(handle) => Answer::go(visit.step("consent", handle.expose())).bound(),
        Decision::RoleMissing(application) => {
            let contact = contact(visit);
            let page = ErrorPage::role_missing(visit.chrome(), &application, contact.as_deref());
            Answer::page(&page).with_status(StatusCode::FORBIDDEN)
        }
        Decision::Refuse(error) => {
            let page = ErrorPage::authorization(visit.chrome(), error).with_reference(visit.ctx.request_id.to_string());
            Answer::page(&page).with_status(StatusCode::BAD_REQUEST)
        }
        Decision::Expired => Answer::problem(visit, Problem::Expired),
    })
}

/// Whom to ask for a role: the establishment's contact.
fn contact(visit: &Visit) -> Option<String> {
    let contact = &visit.ctx.establishment.contact;
    let parts = [contact.given_name.as_deref(), contact.family_name.as_deref(), contact.email.as_deref()];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|joined| !joined.is_empty())
}
