//! One attempt to sign in: throttle, check, and only then a session. Whatever is wrong with the name, the password or the person,
//! the answer is the same; only who typed a right password learns why their directory does not let them in.

use std::net::IpAddr;

use connectors::Bar;
use serde_json::json;

use super::password::Check;
use super::{browser::Browser, interaction, password, session, throttle};
use crate::services::audit;
use crate::services::context::{Actor, Context};
use crate::services::error::Error;
use crate::services::logout_notices;
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::secret::{Secret, TokenHash};
use crate::types::username::Username;

/// What came with the form.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// The name typed.
    pub username: &'a str,
    /// The password typed.
    pub password: &'a str,
    /// Where from.
    pub address: IpAddr,
    /// The browser.
    pub browser: &'a Browser,
    /// The cookie of the session there was before.
    pub session: Option<&'a str>,
    /// The interaction this sign-in is for.
    pub interaction: Option<&'a str>,
}

/// How it ended.
#[derive(Debug)]
pub enum Outcome {
    /// Signed in: the new session's cookie.
    SignedIn(Secret),
    /// The name, the password or the person is not right.
    Wrong,
    /// The password is right, and the person's directory does not let them in: whoever knows the password may know why.
    Barred(Bar),
    /// The interaction has ended, or is another browser's.
    Expired,
}

/// Tries to sign in.
///
/// # Errors
/// `TooMany` when the account or the address has to wait, `Outside` when a directory does not answer.
pub async fn sign_in(ctx: &Context, attempt: &Attempt<'_>) -> Result<Outcome, Error> {
    if let Some(handle) = attempt.interaction
        && interaction::find(ctx, handle, Some(attempt.browser)).await?.is_none()
    {
        return Ok(Outcome::Expired);
    }
    let counters = throttle::Counters::of(attempt.username, attempt.address);
    throttle::admit(ctx, counters).await?;
    let named = Username::parse(attempt.username).ok();
    // One that is longer than any password is refused alike for everyone, before anybody is asked.
    let fits_any = |typed: &Secret| typed.expose().len() <= ctx.gateway.limits.password_length_max;
    let typed = Secret::parse("password", attempt.password.to_owned()).ok().filter(fits_any);
    let (Some(named), Some(typed)) = (named, typed) else { return Ok(refused(ctx, attempt)) };
    let known = {
        let mut tx = ctx.store.read().await?;
        user::find_by_username(&mut tx, named.as_str()).await?
    };
    let check = password::verify(ctx, known.as_ref(), &typed).await?;
    let Some(person) = known.filter(|_| ctx.is_open()) else { return Ok(refused(ctx, attempt)) };
    match check {
        Check::Right => {}
        Check::Wrong => return Ok(refused(ctx, attempt)),
        Check::Barred(bar) => {
            let _ = refused(ctx, attempt);
            return Ok(Outcome::Barred(bar));
        }
    }
    begin(ctx, attempt, &person, counters).await
}

async fn begin(ctx: &Context, attempt: &Attempt<'_>, person: &User, counters: throttle::Counters) -> Result<Outcome, Error> {
    let notices = announce(ctx, attempt, person).await?;
    let mut tx = ctx.store.begin().await?;
    // Read again within the transaction: someone disabled while the password was checked gets no session.
    let Some(person) = user::find(&mut tx, person.id).await?.filter(|now| now.status == UserStatus::Active) else {
        return Ok(refused(ctx, attempt));
    };
    let replaced = session::find_any_in(&mut tx, ctx, attempt.session).await?;
    let (cookie, begun) = session::begin_in(&mut tx, ctx, &person, replaced.as_ref()).await?;
    if let Some(handle) = attempt.interaction {
        if interaction::find_in(&mut tx, ctx, handle, Some(attempt.browser)).await?.is_none() {
            return Ok(Outcome::Expired);
        }
        crate::store::establishment::interaction::mark_signed_in(&mut tx, TokenHash::of(handle), begun.id).await?;
    }
    throttle::forgive_in(&mut tx, ctx, counters).await?;
    user::touch_sign_in(&mut tx, person.id, ctx.now).await?;
    let id = person.id.to_string();
    let acting = Context { actor: Actor::User { id: person.id, roles: Vec::new() }, ..ctx.clone() };
    audit::record_in(&mut tx, &acting, "session.begun", ("user", &id), json!({ "session": begun.id.to_string(), "method": begun.method }))
        .await?;
    tx.commit().await?;
    if let Some(notices) = notices {
        notices.hurry(ctx).await;
    }
    metrics::counter!("passerelle_sign_ins_total", "outcome" => "signed_in").increment(1);
    Ok(Outcome::SignedIn(cookie))
}

/// On a shared computer, whoever signs in ends the session of the one before: who holds grants of that one hears of it.
async fn announce(ctx: &Context, attempt: &Attempt<'_>, person: &User) -> Result<Option<logout_notices::Announced>, Error> {
    if attempt.session.is_none() {
        return Ok(None);
    }
    let replaced = session::find_any_in(&mut ctx.store.read().await?, ctx, attempt.session).await?;
    Ok(match replaced {
        Some(replaced) if replaced.user_id != person.id => Some(logout_notices::announce(ctx).await?),
        Some(_) | None => None,
    })
}

fn refused(ctx: &Context, attempt: &Attempt<'_>) -> Outcome {
    metrics::counter!("passerelle_sign_ins_total", "outcome" => "refused").increment(1);
    // The name is left out: people type passwords into the wrong field.
    tracing::info!(establishment = ctx.slug(), request.id = %ctx.request_id, address = %attempt.address, "sign-in refused");
    Outcome::Wrong
}
