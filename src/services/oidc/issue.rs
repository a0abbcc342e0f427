//! Issuing a code (RFC 6749 §4.1.2): the grant, the code, the consent and the interaction's end in one transaction.

use super::authorization::{Case, Decision, Kept};
use super::authorize::next_step::ConsentAnswer;
use super::authorize::response;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::login::session as sessions;
use crate::store::establishment::authorization_code::{self, AuthorizationCode};
use crate::store::establishment::grant::{self, Grant};
use crate::store::establishment::{consent, interaction};
use crate::types::id::GrantId;
use crate::types::secret::{Secret, TokenHash};

/// How long a spent code is kept after its tokens are gone, so that a late second use is still told (OIDC.md 25).
const SPENT_CODE_KEPT_S: i64 = 3600;

/// Issues a code and tells where to take it.
pub(super) async fn code(ctx: &Context, case: &Case<'_>) -> Result<Decision, Error> {
    let request = &case.request;
    let live =
        case.live.as_ref().ok_or_else(|| Error::Internal("a code was to be issued to nobody, though a session comes first".into()))?;
    let code = Secret::random("");
    let made = grant_of(ctx, case, live);
    let row = AuthorizationCode {
        grant_id: made.id,
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.as_ref().map(|challenge| challenge.as_str().to_owned()),
        expires_at: ctx.now.plus_s(i64::from(ctx.gateway.limits.authorization_code_lifetime_s)),
        spent_at: None,
    };
    let mut tx = ctx.store.begin().await?;
    if let Some(kept) = &case.kept
        && !interaction::delete(&mut tx, TokenHash::of(kept.handle)).await?
    {
        return Ok(Decision::Expired);
    }
    if !grant::insert_in_session(&mut tx, &made, ctx.now).await? {
        // Signed out in another window meanwhile: what came of the session ended with it.
        return Ok(Decision::Expired);
    }
    if case.answer == ConsentAnswer::Allowed {
        let allowed = case.granted.union(&request.scope).to_string();
        consent::upsert(&mut tx, live.user.id, &request.client_id, &allowed, ctx.now).await?;
    }
    authorization_code::insert(&mut tx, code.hash(), &row).await?;
    sessions::touch_in(&mut tx, ctx, &live.session).await?;
    tx.commit().await?;
    Ok(Decision::Return(response::success(&request.redirect_uri, code.expose(), request.state.as_deref(), &ctx.issuer())))
}

fn grant_of(ctx: &Context, case: &Case<'_>, live: &sessions::Live) -> Grant {
    let limits = &ctx.gateway.limits;
    let online_s = i64::from(limits.authorization_code_lifetime_s) + i64::from(limits.access_token_lifetime_s) + SPENT_CODE_KEPT_S;
    let offline_s = if case.request.scope.contains("offline_access") { i64::from(limits.refresh_token_lifetime_s) } else { 0 };
    let online = ctx.now.plus_s(online_s.max(offline_s));
    // Whoever is to hear of the session's end is remembered until then.
    let hears = case.client.backchannel_logout_uri.is_some();
    Grant {
        id: GrantId::new(),
        user_id: live.user.id,
        client_id: case.request.client_id.clone(),
        session_id: live.session.id,
        sid: live.session.id,
        scope: case.request.scope.to_string(),
        nonce: case.request.nonce.clone(),
        auth_time: live.session.auth_time,
        created_at: ctx.now,
        expires_at: if hears { online.max(live.session.expires_at) } else { online },
        revoked_at: None,
    }
}

/// Ends an interaction without a code; false when it had ended already.
pub(super) async fn close(ctx: &Context, kept: &Kept<'_>) -> Result<bool, Error> {
    let mut tx = ctx.store.begin().await?;
    let ended = interaction::delete(&mut tx, TokenHash::of(kept.handle)).await?;
    tx.commit().await?;
    Ok(ended)
}
