//! Roles given by hand, and the list of all assignments.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::authority::{may_give, not_oneself};
use super::edges;
use super::evaluate::step;
use super::pattern::TEMPLATE_LENGTH_MAX;
use super::place::check_place;
use super::recompute::recompute_by_hand_in;
use super::{effects, exclusions};
use crate::store;
use crate::store::establishment::assignment::{self, Assignment, Filter, Origin};
use crate::store::establishment::{application, ended_assignment, user};
use crate::types::Invalid;
use crate::types::id::{AssignmentId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, Permission};
use crate::types::time::Timestamp;

/// Longest reason, in characters.
const REASON_LENGTH_MAX: usize = 500;

/// A role to be given by hand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// The person.
    pub user: UserId,
    /// The application's name.
    pub application: String,
    /// A role of its catalogue.
    pub role: String,
    /// Where it holds; everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// It holds from then on; at once when left out.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// It holds until then; without end when left out.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// Why, in a person's words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A page of assignments of every origin, oldest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Assignment>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(assignment::list(&mut tx, page, filter).await?)
}

/// One assignment.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: AssignmentId) -> Result<Assignment, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    assignment::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("assignment"))
}

/// Gives a role by hand. Where the application allows one role only, the catalogue's order decides between this one and what rules give.
///
/// # Errors
/// `Invalid`; `Conflict` when the person was given the same role in the same scope by hand already; `Forbidden` for oneself, and for a
/// role of the gateway that the caller does not hold.
pub async fn add(ctx: &Context, new: &NewAssignment) -> Result<Assignment, Error> {
    ctx.require(Permission::ManageRoles)?;
    not_oneself(ctx, new.user)?;
    let mut wrong = checked(ctx, new);
    edges::announce(ctx, new.valid_from.into_iter().chain(new.valid_until)).await?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let application = application::find_by_name(&mut tx, &new.application).await?;
    let person = user::find(&mut tx, new.user).await?;
    if person.is_none() {
        wrong.push(Invalid::new("user", format!("there is no user {}", new.user)));
    }
    match &application {
        None => wrong.push(Invalid::new("application", format!("there is no application «{}»: add it first", new.application))),
        Some(a) if !a.roles.iter().any(|role| role.name == new.role) => {
            let names: Vec<&str> = a.roles.iter().map(|role| role.name.as_str()).collect();
            wrong.push(Invalid::new("role", format!("«{}» is not a role of {}: {}", new.role, a.name, names.join(", "))));
        }
        Some(a) => {
            let scope = new.scope.as_deref().unwrap_or_default();
            wrong.extend(a.role(&new.role).and_then(|role| check_place(a, role, scope).err()));
        }
    }
    let (Some(application), true) = (application, wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    may_give(ctx, &application.name, &new.role)?;
    exclusions::stand_aside_in(&mut tx, ctx, new.user, &application.name, &new.role, new.scope.as_deref().unwrap_or_default()).await?;
    let words = new.reason.as_deref().map(str::trim).filter(|words| !words.is_empty());
    let made = Assignment {
        id: AssignmentId::new(),
        user_id: new.user,
        application_id: application.id,
        application: application.name,
        role: new.role.clone(),
        scope: new.scope.clone().unwrap_or_default(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: new.valid_from,
        valid_until: new.valid_until,
        reason: words.map(|words| step("role", words)).into_iter().collect(),
        given_by: Some(ctx.actor.label()),
        created_at: ctx.now,
    };
    let before = effects::before_in(&mut tx, &[new.user]).await?;
    assignment::insert_all(&mut tx, std::slice::from_ref(&made)).await.map_err(|error| match error {
        store::Error::Taken(_) => {
            Error::Conflict("this role was given by hand in this scope already: end that assignment first".to_owned())
        }
        other => other.into(),
    })?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    record_in(&mut tx, ctx, "assignment.added", &made).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(made)
}

/// Takes away a role that was given by hand. What rules give is changed by the rules.
///
/// # Errors
/// `NotFound`; `Conflict` for an assignment that was computed; `Forbidden` as for [`add`].
pub async fn end(ctx: &Context, id: AssignmentId) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let ended = assignment::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("assignment"))?;
    match (ended.origin, ended.rule_id) {
        (Origin::Manual, _) => {}
        (_, Some(rule)) => {
            return Err(Error::Conflict(format!("the rule {rule} gives this role: change the rule, or the facts it looks at")));
        }
        (_, None) => return Err(Error::Conflict(format!("this is the default role of {}: change the application", ended.application))),
    }
    not_oneself(ctx, ended.user_id)?;
    may_give(ctx, &ended.application, &ended.role)?;
    // The trail keeps what was: the row itself goes, so that the same role can be given again.
    ended_assignment::keep_all(&mut tx, &[id], ctx.now).await?;
    let before = effects::before_in(&mut tx, &[ended.user_id]).await?;
    assignment::delete(&mut tx, id).await?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    record_in(&mut tx, ctx, "assignment.ended", &ended).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(())
}

fn checked(ctx: &Context, new: &NewAssignment) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    if let Some(scope) = new.scope.as_deref().filter(|scope| !scope.is_empty()) {
        if scope.trim() != scope || scope.chars().count() > TEMPLATE_LENGTH_MAX || scope.chars().any(char::is_control) {
            let why = format!("has at most {TEMPLATE_LENGTH_MAX} characters, no space at either end and no control characters");
            wrong.push(Invalid::new("scope", why));
        }
        if new.application == APPLICATION {
            wrong.push(Invalid::new("scope", format!("roles of {APPLICATION} hold in the whole establishment: leave the scope out")));
        }
    }
    if let Some(until) = new.valid_until
        && until <= new.valid_from.unwrap_or(ctx.now).max(ctx.now)
    {
        wrong.push(Invalid::new("valid_until", "must lie in the future and after valid_from"));
    }
    if new.reason.as_deref().is_some_and(|words| words.chars().count() > REASON_LENGTH_MAX) {
        wrong.push(Invalid::new("reason", format!("has at most {REASON_LENGTH_MAX} characters")));
    }
    wrong
}

async fn record_in(tx: &mut store::Tx, ctx: &Context, action: &str, a: &Assignment) -> Result<(), Error> {
    let detail = json!({ "assignment": a.id, "application": a.application, "role": a.role, "scope": a.scope, "valid_from": a.valid_from,
        "valid_until": a.valid_until, "reason": a.reason.first().map(|step| &step.name) });
    audit::record_in(tx, ctx, action, ("user", &a.user_id.to_string()), detail).await
}
