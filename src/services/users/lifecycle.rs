//! Who may sign in: disabling, enabling, removing, inviting.

use serde_json::json;

use super::super::audit;
use super::super::context::{Context, Subject};
use super::super::error::Error;
use super::super::links::{self, Link};
use super::super::logout_notices;
use super::super::roles;
use super::authority::may_change_in;
use super::erase::gone_for_good;
use super::traces;
use crate::store::Tx;
use crate::store::establishment::one_time_link::{self, Purpose};
use crate::store::establishment::source::{self, SourceKind};
use crate::store::establishment::user::{self, DisabledBy, User, UserStatus};
use crate::store::establishment::{credential, grant, link, session};
use crate::types::id::UserId;
use crate::types::permission::Permission;

/// Disables a person: sessions end and grants are revoked at once. They keep credentials, links and history.
///
/// # Errors
/// `NotFound`; `Forbidden` on oneself and on someone who may do more.
pub async fn disable(ctx: &Context, id: UserId) -> Result<User, Error> {
    ctx.require_somewhere(Permission::AttachPeople)?;
    if ctx.actor.person() == Some(id) {
        return Err(Error::Forbidden("nobody disables themselves: ask another administrator".to_owned()));
    }
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let user = user::get(&mut tx, id).await?;
    ctx.require_for(Permission::AttachPeople, &Subject::Person(&user))?;
    may_change_in(&mut tx, ctx, id).await?;
    let user = disable_in(&mut tx, ctx, user, DisabledBy::Administrator).await?;
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(user)
}

/// The same within a transaction, around which the caller announces notices. An administrator's word outlives a source's.
pub async fn disable_in(tx: &mut Tx, ctx: &Context, mut user: User, by: DisabledBy) -> Result<User, Error> {
    let standing = user.disabled_by == Some(DisabledBy::Administrator);
    user.status = UserStatus::Disabled;
    user.disabled_by = Some(if standing { DisabledBy::Administrator } else { by });
    user.updated_at = ctx.now;
    user::update(tx, &user).await?;
    logout_notices::for_user_in(tx, ctx, user.id, None).await?;
    session::delete_of_user(tx, user.id).await?;
    grant::revoke_of_user(tx, user.id, ctx.now).await?;
    // A link made before is not to work again when the person is enabled.
    one_time_link::delete_of_user(tx, user.id).await?;
    roles::withdraw_in(tx, ctx, user.id).await?;
    audit::record_in(tx, ctx, "user.disabled", ("user", &user.id.to_string()), json!({ "username": user.username, "by": by })).await?;
    Ok(user)
}

/// Lets a disabled person sign in again, with everything they had.
///
/// # Errors
/// `NotFound`; `Conflict` when a source says the person is gone or inactive; `Forbidden` on someone who may do more.
pub async fn enable(ctx: &Context, id: UserId) -> Result<User, Error> {
    ctx.require_somewhere(Permission::AttachPeople)?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let user = user::get(&mut tx, id).await?;
    ctx.require_for(Permission::AttachPeople, &Subject::Person(&user))?;
    may_change_in(&mut tx, ctx, id).await?;
    if user.erased_at.is_some() {
        return Err(gone_for_good());
    }
    // What an administrator took away may be given back, but never against what the source says.
    let links = link::list_of_user(&mut tx, id).await?;
    let shut_out = !links.is_empty() && !links.iter().any(|link| link.present && link.active);
    if user.disabled_by == Some(DisabledBy::Source) || shut_out {
        return Err(Error::Conflict(
            "the person's source says they are gone or inactive: put that right in the source, and sync".to_owned(),
        ));
    }
    let user = enable_in(&mut tx, ctx, user).await?;
    roles::recompute_users_in(&mut tx, ctx, &[user.id]).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(user)
}

/// The same within a transaction. Whoever has neither a password nor a source stays pending. The caller recomputes their roles, at once for
/// all those that it enables.
pub async fn enable_in(tx: &mut Tx, ctx: &Context, mut user: User) -> Result<User, Error> {
    let known = credential::find_password_hash(tx, user.id).await?.is_some() || !link::list_of_user(tx, user.id).await?.is_empty();
    user.status = if known { UserStatus::Active } else { UserStatus::Pending };
    user.disabled_by = None;
    user.updated_at = ctx.now;
    user::update(tx, &user).await?;
    audit::record_in(tx, ctx, "user.enabled", ("user", &user.id.to_string()), json!({ "username": user.username })).await?;
    Ok(user)
}

/// Removes a person for good. A person whom a source still states would only come back, and is refused.
///
/// # Errors
/// `NotFound`, `Conflict`, `Forbidden` on oneself and on someone who may do more.
pub async fn delete(ctx: &Context, id: UserId) -> Result<(), Error> {
    ctx.require(Permission::ManageUsers)?;
    if ctx.actor.person() == Some(id) {
        return Err(Error::Forbidden("nobody removes themselves: ask another administrator".to_owned()));
    }
    let notices = logout_notices::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let user = user::get(&mut tx, id).await?;
    may_change_in(&mut tx, ctx, id).await?;
    if let Some(owner) = link::list_of_user(&mut tx, id).await?.into_iter().find(|l| l.present) {
        return Err(Error::Conflict(format!(
            "the source «{}» still states this person: remove them there first, or disable them",
            owner.source
        )));
    }
    logout_notices::for_user_in(&mut tx, ctx, id, None).await?;
    traces::wipe_in(&mut tx, id).await?;
    user::delete(&mut tx, id).await?;
    audit::record_in(&mut tx, ctx, "user.deleted", ("user", &id.to_string()), json!({ "username": user.username })).await?;
    tx.commit().await?;
    notices.hurry(ctx).await;
    Ok(())
}

/// A new one-time link for someone who has not chosen a password yet.
///
/// # Errors
/// `NotFound`, `Conflict` when the person is not pending, `Forbidden` on someone who may do more.
pub async fn invite(ctx: &Context, id: UserId) -> Result<Link, Error> {
    make_link(ctx, id, Purpose::Invitation).await
}

/// A one-time link to choose another password.
///
/// # Errors
/// `NotFound`, `Conflict` for someone disabled: a reset never gives access back; `Forbidden` on someone who may do more.
pub async fn reset(ctx: &Context, id: UserId) -> Result<Link, Error> {
    make_link(ctx, id, Purpose::Reset).await
}

/// The same within a transaction; whoever calls has checked what the actor may do.
pub(in crate::services) async fn reset_in(tx: &mut Tx, ctx: &Context, id: UserId) -> Result<Link, Error> {
    make_link_in(tx, ctx, id, Purpose::Reset).await
}

async fn make_link(ctx: &Context, id: UserId, purpose: Purpose) -> Result<Link, Error> {
    ctx.require_somewhere(Permission::ResetPasswords)?;
    let mut tx = ctx.store.begin().await?;
    let made = make_link_in(&mut tx, ctx, id, purpose).await?;
    tx.commit().await?;
    Ok(made)
}

async fn make_link_in(tx: &mut Tx, ctx: &Context, id: UserId, purpose: Purpose) -> Result<Link, Error> {
    let user = user::get(tx, id).await?;
    ctx.require_for(Permission::ResetPasswords, &Subject::Person(&user))?;
    may_change_in(tx, ctx, id).await?;
    if let Some(keeper) = keeps_password_in(tx, id).await? {
        return Err(Error::Conflict(format!("the source «{keeper}» keeps this person's password: it is changed there")));
    }
    match (purpose, user.status) {
        (_, UserStatus::Disabled) => return Err(Error::Conflict("this person is disabled: enable them first".to_owned())),
        (Purpose::Invitation, UserStatus::Active) => {
            let told = if credential::find_password_hash(tx, id).await?.is_some() {
                "this person is active already: use `reset` to let them choose another password"
            } else {
                "this person is active and has no password yet: use `reset` to let them choose one"
            };
            return Err(Error::Conflict(told.to_owned()));
        }
        _ => {}
    }
    let made = links::make_in(tx, ctx, id, purpose).await?;
    let action = if purpose == Purpose::Invitation { "user.invited" } else { "user.reset" };
    audit::record_in(tx, ctx, action, ("user", &id.to_string()), json!({})).await?;
    Ok(made)
}

/// The source whose directory checks a person's password, if one does.
async fn keeps_password_in(tx: &mut Tx, user: UserId) -> Result<Option<String>, Error> {
    for stated in link::list_of_user(tx, user).await?.into_iter().filter(|link| link.present) {
        let binds = source::find(tx, stated.source_id).await?.is_some_and(|source| {
            source.kind == SourceKind::Ldap && source.settings.get("sign_in").and_then(serde_json::Value::as_str) != Some("none")
        });
        if binds {
            return Ok(Some(stated.source));
        }
    }
    Ok(None)
}
