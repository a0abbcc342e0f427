//! What people decide that someone is not to hold, whatever rules give: made, listed and ended. Roles given by hand are ended by hand.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::authority::{lies_within, may_give, may_take, not_oneself, seen};
use super::edges;
use super::effects;
use super::pattern::TEMPLATE_LENGTH_MAX;
use super::recompute::recompute_by_hand_in;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::exclusion::{self, Exclusion, Filter};
use crate::store::establishment::user;
use crate::store::{self, Tx};
use crate::types::Invalid;
use crate::types::id::{ExclusionId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;
use crate::types::wording::REASON_LENGTH_MAX;

/// A role that someone is not to hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExclusion {
    /// The person.
    pub user: UserId,
    /// The application's name.
    pub application: String,
    /// A role of its catalogue; not its default role, which everyone has.
    pub role: String,
    /// In this scope; the role that holds everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// Why, in a person's words.
    pub reason: String,
    /// Until then; without end when left out.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
}

/// A page of exclusions, oldest first: of those that the actor may see.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Exclusion>, Error> {
    let filter = Filter { within: seen(ctx)?, ..filter.clone() };
    let mut tx = ctx.store.read().await?;
    Ok(exclusion::list(&mut tx, page, &filter).await?)
}

/// One exclusion.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: ExclusionId) -> Result<Exclusion, Error> {
    let within = seen(ctx)?;
    let gone = || Error::not_found("exclusion");
    let mut tx = ctx.store.read().await?;
    let found = exclusion::find(&mut tx, id).await?.ok_or_else(gone)?;
    let Some(within) = within else { return Ok(found) };
    let sees = lies_within(&mut tx, &within, found.user_id, (&found.application, &found.scope)).await?;
    if sees { Ok(found) } else { Err(gone()) }
}

/// Decides that someone is not to hold a role, and takes it away if a rule gave it.
///
/// # Errors
/// `Invalid`; `Conflict` when the same role is excluded in this scope already; `Forbidden` for oneself, and for a role of the gateway that the
/// caller does not hold.
pub async fn add(ctx: &Context, new: &NewExclusion) -> Result<Exclusion, Error> {
    ctx.require(Permission::ManageRoles)?;
    not_oneself(ctx, new.user)?;
    edges::announce(ctx, new.valid_until).await?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let application = application::find_by_name(&mut tx, &new.application).await?;
    let person = user::find(&mut tx, new.user).await?;
    let mut wrong = checked(ctx, new, application.as_ref());
    if person.is_none() {
        wrong.push(Invalid::new("user", format!("there is no user {}", new.user)));
    }
    let (Some(application), Some(person), true) = (application, person, wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    may_take(ctx, &application.name, &new.role)?;
    let made = Exclusion {
        id: ExclusionId::new(),
        user_id: person.id,
        username: person.username,
        application_id: application.id,
        application: application.name,
        role: new.role.clone(),
        scope: new.scope.clone().unwrap_or_default(),
        reason: new.reason.trim().to_owned(),
        given_by: ctx.actor.label(),
        valid_until: new.valid_until,
        created_at: ctx.now,
    };
    let before = effects::before_in(&mut tx, &[made.user_id]).await?;
    insert_in(&mut tx, ctx, &made).await?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(made)
}

/// Writes an exclusion with its event; the caller has checked it, and recomputes the person.
pub(in crate::services) async fn insert_in(tx: &mut Tx, ctx: &Context, made: &Exclusion) -> Result<(), Error> {
    exclusion::insert(tx, made).await.map_err(|error| match error {
        store::Error::Taken(_) => Error::Conflict("this role is excluded in this scope already: end that exclusion first".to_owned()),
        other => other.into(),
    })?;
    record_in(tx, ctx, "exclusion.added", made).await
}

/// Ends an exclusion: rules give again what they give.
///
/// # Errors
/// `NotFound`, `Forbidden` as for [`add`].
pub async fn end(ctx: &Context, id: ExclusionId) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let ended = exclusion::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("exclusion"))?;
    not_oneself(ctx, ended.user_id)?;
    // What rules give again, they give for as long as they like.
    may_give(ctx, &ended.application, &ended.role, None)?;
    let before = effects::before_in(&mut tx, &[ended.user_id]).await?;
    exclusion::delete(&mut tx, id).await?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    record_in(&mut tx, ctx, "exclusion.ended", &ended).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(())
}

/// Stands in the way of giving by hand what someone decided that the person is not to hold.
pub(super) async fn stand_aside_in(
    tx: &mut Tx,
    ctx: &Context,
    user: UserId,
    application: &str,
    role: &str,
    scope: &str,
) -> Result<(), Error> {
    let filter = Filter {
        user: Some(user),
        application: Some(application.to_owned()),
        role: Some(role.to_owned()),
        scope: Some(scope.to_owned()),
        within: None,
    };
    let standing = exclusion::list(tx, &PageRequest::first(1), &filter).await?.items.into_iter().next();
    match standing.filter(|one| one.valid_until.is_none_or(|until| until > ctx.now)) {
        Some(one) => {
            Err(Error::Conflict(format!("this person is not to hold this role («{}»): end the exclusion {} first", one.reason, one.id)))
        }
        None => Ok(()),
    }
}

fn checked(ctx: &Context, new: &NewExclusion, application: Option<&Application>) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    match application {
        None => wrong.push(Invalid::new("application", format!("there is no application «{}»", new.application))),
        Some(a) if a.default_role.as_deref() == Some(new.role.as_str()) => {
            let why = format!(
                "«{}» is the default role of {}: everyone has it who has no other, and nobody is excluded from it",
                new.role, a.name
            );
            wrong.push(Invalid::new("role", why));
        }
        Some(a) if !a.roles.iter().any(|role| role.name == new.role) => {
            let names: Vec<&str> = a.roles.iter().map(|role| role.name.as_str()).collect();
            wrong.push(Invalid::new("role", format!("«{}» is not a role of {}: {}", new.role, a.name, names.join(", "))));
        }
        Some(_) => {}
    }
    if let Some(scope) = new.scope.as_deref()
        && (scope.trim() != scope || scope.chars().count() > TEMPLATE_LENGTH_MAX || scope.chars().any(char::is_control))
    {
        let why = format!("has at most {TEMPLATE_LENGTH_MAX} characters, no space at either end and no control characters");
        wrong.push(Invalid::new("scope", why));
    }
    if new.valid_until.is_some_and(|until| until <= ctx.now) {
        wrong.push(Invalid::new("valid_until", "must lie in the future"));
    }
    if new.reason.trim().is_empty() || new.reason.chars().count() > REASON_LENGTH_MAX {
        wrong.push(Invalid::new("reason", format!("has 1 to {REASON_LENGTH_MAX} characters: whoever asks later reads it")));
    }
    wrong
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, x: &Exclusion) -> Result<(), Error> {
    let detail = json!({ "exclusion": x.id, "application": x.application, "role": x.role, "scope": x.scope, "valid_until": x.valid_until,
        "reason": x.reason });
    audit::record_in(tx, ctx, action, ("user", &x.user_id.to_string()), detail).await
}
