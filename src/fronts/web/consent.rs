//! `/consent`: the page that asks whether an application may learn what it asks for. The answer is kept with the interaction, and
//! `/authorize` decides what comes of it.

use axum::response::Response;

use super::answer::Answer;
use super::error_page::Problem;
use super::pages::ConsentPage;
use super::visit::Visit;
use crate::services::error::Error;
use crate::services::login::interaction;
use crate::services::login::session;
use crate::services::oidc::authorization;
use crate::services::oidc::parameters::Parameters;
use crate::store::establishment::interaction::Answer as Reply;

/// The page.
pub(super) async fn show(visit: Visit) -> Response {
    let answer = page(&visit).await;
    visit.respond(answer)
}

async fn page(visit: &Visit) -> Result<Answer, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(blocked);
    }
    let handle = visit.query.get("interaction").unwrap_or_default();
    let Some(shown) = authorization::shown(&visit.ctx, handle, visit.visitor()).await? else {
        return Ok(Answer::problem(visit, Problem::Expired));
    };
    let Some(live) = shown.live else { return Ok(Answer::go(visit.step("authorize", handle))) };
    let page = ConsentPage {
        chrome: visit.bilingual_chrome(),
        action: visit.here(),
        csrf: visit.form_token("consent"),
        application: shown.application,
        person: live.user.display_name,
        scopes: shown.request.scope.names().map(str::to_owned).collect(),
    };
    Ok(Answer::page(&page).bound().leading_to(Some(&shown.request.redirect_uri)))
}

/// The answer.
pub(super) async fn submit(visit: Visit, body: String) -> Response {
    let sent = Parameters::decode(&body);
    let answer = if visit.owns("consent", &sent) { reply(&visit, &sent).await } else { Ok(Answer::problem(&visit, Problem::Csrf)) };
    visit.respond(answer)
}

async fn reply(visit: &Visit, sent: &Parameters) -> Result<Answer, Error> {
    if let Some(blocked) = visit.blocked() {
        return Ok(blocked);
    }
    let handle = visit.query.get("interaction").unwrap_or_default();
    let back = Answer::go(visit.step("authorize", handle));
    let reply = match sent.get("answer") {
        Some("allow") => Reply::Allowed,
        Some("deny") => Reply::Denied,
        _ => return Ok(back),
    };
    let Some(live) = session::find(&visit.ctx, visit.session.as_deref()).await? else { return Ok(back) };
    let kept = interaction::answer(&visit.ctx, handle, &visit.browser, &live, reply).await?;
    Ok(if kept { back } else { Answer::problem(visit, Problem::Expired) })
}
