//! One-time links by which a person chooses a password. The address is shown once; the store keeps a hash.

use super::context::Context;
use super::error::Error;
use super::logout_notices;
use super::roles;
use crate::store::Tx;
use crate::store::establishment::one_time_link::{self, OneTimeLink, Purpose};
use crate::store::establishment::user::{self, User, UserStatus};
use crate::store::establishment::{credential, grant, session};
use crate::types::id::UserId;
use crate::types::secret::{Secret, TokenHash};

/// A link as it is shown, once.
#[derive(Debug)]
pub struct Link {
    /// The address to open.
    pub url: Secret,
    /// End of its life.
    pub expires_at: crate::types::time::Timestamp,
}

/// Makes a link for a person; earlier ones of theirs stop working.
pub async fn make_in(tx: &mut Tx, ctx: &Context, user: UserId, purpose: Purpose) -> Result<Link, Error> {
    let token = Secret::random("");
    let expires_at = ctx.now.plus_s(i64::from(ctx.gateway.limits.one_time_link_lifetime_s));
    let link = OneTimeLink { user_id: user, purpose, created_at: ctx.now, expires_at };
    one_time_link::replace(tx, token.hash(), &link).await?;
    let url = Secret::parse("link", format!("{}/invitation/{}", ctx.issuer(), token.expose()))?;
    Ok(Link { url, expires_at })
}

/// The person a link is for, while it lives.
///
/// # Errors
/// `NotFound` when it was used, has expired, or never was.
pub async fn find(ctx: &Context, token: &str) -> Result<User, Error> {
    let mut tx = ctx.store.read().await?;
    find_in(&mut tx, ctx, token).await
}

async fn find_in(tx: &mut Tx, ctx: &Context, token: &str) -> Result<User, Error> {
    let gone = || Error::not_found("link: it was used, has expired, or was replaced; ask for a new one");
    let link = one_time_link::find_live(tx, TokenHash::of(token), ctx.now).await?.ok_or_else(gone)?;
    let person = user::find(tx, link.user_id).await?.ok_or_else(gone)?;
    // A link never gives access back to someone disabled (SECURITY 28).
    if person.status == UserStatus::Disabled { Err(gone()) } else { Ok(person) }
}

/// Uses a link to choose a password. A pending person becomes active; sessions and grants from before end.
///
/// # Errors
/// `NotFound` for a link that does not live, `Invalid` for a password that is refused: then the link still works.
pub async fn choose_password(ctx: &Context, token: &str, password: Secret) -> Result<User, Error> {
    let person = find(ctx, token).await?;
    let personal: Vec<&str> = [person.given_name.as_deref(), person.family_name.as_deref(), Some(person.username.as_str())]
        .into_iter()
        .flatten()
        .chain(person.email.as_deref().and_then(|e| e.split('@').next()))
        .collect();
    ctx.gateway.passwords.check_new(&password, &personal)?;
    let hash = ctx.gateway.passwords.hash(password).await?;
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut person = find_in(&mut tx, ctx, token).await?;
    if !one_time_link::spend(&mut tx, TokenHash::of(token), ctx.now).await? {
        return Err(Error::not_found("link: it was used meanwhile"));
    }
    credential::set_password_hash(&mut tx, person.id, &hash, ctx.now).await?;
    if person.status == UserStatus::Pending {
        person.status = UserStatus::Active;
        person.updated_at = ctx.now;
        user::update(&mut tx, &person).await?;
    }
    roles::recompute_users_in(&mut tx, ctx, &[person.id]).await?;
    logout_notices::for_user_in(&mut tx, ctx, person.id, None).await?;
    session::delete_of_user(&mut tx, person.id).await?;
    grant::revoke_of_user(&mut tx, person.id, ctx.now).await?;
    super::audit::record_in(&mut tx, ctx, "user.password_chosen", ("user", &person.id.to_string()), serde_json::json!({})).await?;
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(person)
}
