//! One notice on its way: a logout token, made and signed when it is sent, posted to where the application hears of sign-outs.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::context::Context;
use super::super::egress::CallError;
use super::super::error::Error;
use super::super::keys::crypto::Algorithm;
use super::super::keys::jws::{self, TokenType};
use super::super::outbox::{Outcome, Outgoing};
use super::Notice;
use crate::store::establishment::client;

/// How long a logout token holds, in seconds: two minutes at most are recommended (OpenID Connect Back-Channel Logout 1.0 §2.4).
const LIFETIME_S: i64 = 120;
/// How long an application that does not answer is tried again, in seconds: by then people's sessions there are of another day.
const TRIED_FOR_S: i64 = 24 * 3600;
/// The member of `events` that makes it a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Sends a notice once. Sending it again does no harm: the session has ended already.
pub async fn send(ctx: &Context, outgoing: &Outgoing, content: &Value) -> Outcome {
    match attempt(ctx, outgoing, content).await {
        Ok(outcome) => outcome,
        Err(error) => later(ctx, outgoing, error.to_string()),
    }
}

async fn attempt(ctx: &Context, outgoing: &Outgoing, content: &Value) -> Result<Outcome, Error> {
    let Ok(notice) = serde_json::from_value::<Notice>(content.clone()) else {
        return Ok(Outcome::Refused("the notice does not read".to_owned()));
    };
    // One that is not registered any more, or elsewhere, is told all the same: the person was signed in where the notice goes.
    let found = client::find(&mut ctx.store.read().await?, &outgoing.recipient).await?;
    if found.is_some_and(|client| !client.enabled) {
        return Ok(Outcome::Refused("the application is disabled".to_owned()));
    }
    let token = sign(ctx, &outgoing.recipient, &notice).await?;
    Ok(match ctx.gateway.egress.post_form(&notice.address, &[("logout_token", &token)]).await {
        // §2.8: 200, and 204 for what some frameworks make of it.
        Ok(200 | 204) => Outcome::Sent,
        Ok(status @ (408 | 425 | 429 | 500 | 502..=504 | 506..=599)) => later(ctx, outgoing, format!("the application answered {status}")),
        Ok(status @ 300..=399) => Outcome::Refused(format!("the application answered {status}: redirects are not followed")),
        Ok(status) => Outcome::Refused(format!("the application answered {status}")),
        Err(CallError::Refused(refusal)) => Outcome::Refused(refusal.to_string()),
        Err(CallError::Failed(why)) => later(ctx, outgoing, why),
    })
}

fn later(ctx: &Context, outgoing: &Outgoing, why: String) -> Outcome {
    let tried_s = ctx.now.seconds().saturating_sub(outgoing.created_at.seconds());
    if tried_s < TRIED_FOR_S { Outcome::Later(why) } else { Outcome::Refused(format!("given up after a day: {why}")) }
}

/// The logout token (§2.4), signed as the client's ID tokens are. It has no nonce, so that it never passes for one of them.
async fn sign(ctx: &Context, client_id: &str, notice: &Notice) -> Result<String, Error> {
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", ctx.issuer().into());
    set("aud", client_id.into());
    set("iat", ctx.now.seconds().into());
    set("exp", ctx.now.plus_s(LIFETIME_S).seconds().into());
    set("jti", Uuid::new_v4().to_string().into());
    set("events", json!({ EVENT: {} }));
    set("sub", notice.sub.to_string().into());
    if let Some(sid) = notice.sid {
        set("sid", sid.to_string().into());
    }
    let algorithm = Algorithm::from(notice.algorithm);
    let key = ctx.ring().await?.signer(algorithm)?;
    let signed = match algorithm {
        Algorithm::Es256 => jws::sign(&key, TokenType::LogoutToken, &claims),
        Algorithm::Rs256 => ctx.gateway.keys.run_rsa(move || jws::sign(&key, TokenType::LogoutToken, &claims)).await?,
    };
    signed.map_err(|error| Error::Internal(error.to_string()))
}
