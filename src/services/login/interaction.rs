//! Interactions: an authorization request kept while its person signs in. The handle works only in the browser it was made in.

use super::browser::Browser;
use super::session::Live;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::store::Tx;
use crate::store::establishment::interaction::{self, Answer, Interaction};
use crate::types::secret::{Secret, TokenHash};

/// Keeps a request for this browser; the handle goes into addresses.
pub async fn begin(ctx: &Context, browser: &Browser, request: Vec<(String, String)>) -> Result<Secret, Error> {
    let handle = Secret::random("");
    let kept = Interaction {
        browser_hash: browser.hash().as_bytes().to_vec(),
        request,
        signed_in_session: None,
        consent: None,
        consent_session: None,
        created_at: ctx.now,
        expires_at: ctx.now.plus_s(i64::from(ctx.gateway.limits.interaction_lifetime_s)),
    };
    let mut tx = ctx.store.begin().await?;
    interaction::insert(&mut tx, handle.hash(), &kept).await?;
    tx.commit().await?;
    Ok(handle)
}

/// The interaction of a handle, in the browser it was made in; none when it expired, ended or is another browser's.
pub async fn find_in(tx: &mut Tx, ctx: &Context, handle: &str, browser: Option<&Browser>) -> Result<Option<Interaction>, Error> {
    let Some(browser) = browser else { return Ok(None) };
    let found = interaction::find_live(tx, TokenHash::of(handle), ctx.now).await?;
    // Hashes of random values: comparing them tells nothing about the values.
    Ok(found.filter(|kept| kept.browser_hash == browser.hash().as_bytes()))
}

/// The same, on a connection of its own.
pub async fn find(ctx: &Context, handle: &str, browser: Option<&Browser>) -> Result<Option<Interaction>, Error> {
    let mut tx = ctx.store.read().await?;
    find_in(&mut tx, ctx, handle, browser).await
}

/// Keeps what the person answered on the consent page; false when the interaction is no longer there for this browser.
pub async fn answer(ctx: &Context, handle: &str, browser: &Browser, live: &Live, answer: Answer) -> Result<bool, Error> {
    let mut tx = ctx.store.begin().await?;
    if find_in(&mut tx, ctx, handle, Some(browser)).await?.is_none() {
        return Ok(false);
    }
    interaction::mark_consent(&mut tx, TokenHash::of(handle), answer, live.session.id).await?;
    tx.commit().await?;
    Ok(true)
}
