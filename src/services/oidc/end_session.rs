//! RP-initiated logout carried through (OpenID Connect RP-Initiated Logout 1.0): what `logout` decides is done here.

use super::facts;
use super::id_token;
use super::logout::{LogoutError, LogoutRequest, LogoutSession, LogoutStep};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::login::session;
use crate::store::establishment::client;

/// What to do with the browser.
#[derive(Debug)]
pub enum Ended {
    /// Ask first; afterwards the browser may go to this address.
    Ask(Option<String>),
    /// Done: send it there, or show that it is done.
    Done(Option<String>),
    /// Refused on a page.
    Refused(LogoutError),
}

/// Ends the session of this browser if the request may, or if the person `confirmed`.
pub async fn end(ctx: &Context, request: &LogoutRequest, cookie: Option<&str>, confirmed: bool) -> Result<Ended, Error> {
    let hint = match &request.id_token_hint {
        Some(token) => id_token::verify_hint(token, &ctx.issuer(), ctx.ring().await?.verifying()).ok(),
        None => None,
    };
    let mut tx = ctx.store.read().await?;
    let client = match &hint {
        Some(hint) => client::find(&mut tx, &hint.client_id).await?.filter(|client| client.enabled),
        None => None,
    };
    let live = session::find_in(&mut tx, ctx, cookie).await?;
    drop(tx);
    let subject = live.as_ref().map(|live| facts::subject(&live.user)).unwrap_or_default();
    let id = live.as_ref().map(|live| live.session.id.to_string()).unwrap_or_default();
    let present = live.as_ref().map(|_| LogoutSession { subject: &subject, session_id: &id });
    let registered = client.as_ref().map(|client| client.post_logout_redirect_uris.as_slice());
    let then = match request.decide(hint.as_ref(), registered, present) {
        Err(error) => return Ok(Ended::Refused(error)),
        Ok(LogoutStep::Confirm { then }) if !confirmed => return Ok(Ended::Ask(then)),
        Ok(LogoutStep::Confirm { then } | LogoutStep::End { then }) => then,
    };
    if let Some(live) = live {
        session::end(ctx, &live).await?;
    }
    Ok(Ended::Done(then))
}
