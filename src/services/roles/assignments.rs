//! Roles given by hand, and the list of all assignments.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::{Context, Subject};
use super::super::error::Error;
use super::super::unit_tree::Tree;
use super::authority::{check_extent_in, may_assign, not_oneself, seen, seen_in};
use super::edges;
use super::evaluate::step;
use super::pattern::TEMPLATE_LENGTH_MAX;
use super::place::check_place;
use super::recompute::recompute_by_hand_in;
use super::{effects, exclusions};
use crate::store;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application, ScopeKind};
use crate::store::establishment::assignment::{self, Assignment, Filter, Origin, Step};
use crate::store::establishment::user::{self, User};
use crate::store::establishment::{assignment_by_hand, ended_assignment};
use crate::types::Invalid;
use crate::types::id::{AssignmentId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, Permission};
use crate::types::time::Timestamp;
use crate::types::wording::{self, wrong_reason, wrong_time};

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
    let filter = Filter { within: seen(ctx)?, ..filter.clone() };
    let mut tx = ctx.store.read().await?;
    Ok(assignment::list(&mut tx, page, &filter).await?)
}

/// One assignment.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: AssignmentId) -> Result<Assignment, Error> {
    let within = seen(ctx)?;
    let mut tx = ctx.store.read().await?;
    let found = assignment::find(&mut tx, id).await?;
    seen_in(&mut tx, within.as_ref(), found).await
}

/// Gives a role by hand. Where the application allows one role only, the catalogue's order decides between this one and what rules give.
///
/// # Errors
/// `Invalid`; `Conflict` when the person was given the same role in the same scope by hand already; `Forbidden` for oneself, and for a
/// role of the gateway that the caller does not hold.
pub async fn add(ctx: &Context, new: &NewAssignment) -> Result<Assignment, Error> {
    ctx.require_somewhere(Permission::ValidateAccess)?;
    not_oneself(ctx, new.user)?;
    let mut wrong = checked(ctx, new);
    let told = effects::announce(ctx).await?;
    edges::announce(ctx, new.valid_from.into_iter().chain(new.valid_until)).await?;
    let mut tx = ctx.store.begin().await?;
    let application = application::find_by_name(&mut tx, &new.application).await?;
    let sees = |person: &User| ctx.actor.may_for(Permission::SeePeople, &Subject::Person(person));
    let person = user::find(&mut tx, new.user).await?.filter(sees);
    if person.is_none() {
        wrong.push(Invalid::new("user", format!("there is no user {}", new.user)));
    }
    let misfit = wrong_role(application.as_ref(), new);
    let scope = new.scope.clone().unwrap_or_default();
    if let (Some(application), Some(person), None, true) = (&application, &person, &misfit, wrong.is_empty()) {
        // Before anything is told of places: whoever may not give the role there learns no more.
        may_assign(ctx, Permission::ValidateAccess, person, (application, &new.role, &scope), new.valid_until)?;
    }
    if let (Some(application), None) = (&application, &misfit) {
        let tree = Tree::load(&mut tx).await?;
        wrong.extend(check_place_in(&mut tx, &tree, application, (&new.role, &scope)).await?);
    }
    wrong.extend(misfit);
    let (Some(application), true) = (application, wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    exclusions::stand_aside_in(&mut tx, ctx, new.user, &application.name, &new.role, &scope).await?;
    let made = Assignment {
        id: AssignmentId::new(),
        user_id: new.user,
        application_id: application.id,
        application: application.name,
        role: new.role.clone(),
        scope,
        origin: Origin::Manual,
        rule_id: None,
        valid_from: new.valid_from,
        valid_until: new.valid_until,
        reason: words(new.reason.as_deref()),
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
    ctx.require_somewhere(Permission::RevokeAccess)?;
    let within = seen(ctx)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let found = assignment::find(&mut tx, id).await?;
    let ended = seen_in(&mut tx, within.as_ref(), found).await?;
    by_hand(&ended)?;
    may_change_in(&mut tx, ctx, Permission::RevokeAccess, &ended, Some(ctx.now)).await?;
    // The trail keeps what was: the row itself goes, so that the same role can be given again.
    let before = effects::before_in(&mut tx, &[ended.user_id]).await?;
    ended_assignment::keep_all(&mut tx, &[id], ctx.now).await?;
    assignment::delete(&mut tx, id).await?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    record_in(&mut tx, ctx, "assignment.ended", &ended).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(())
}

/// What may change of a role given by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentFields {
    /// It holds until then; without end when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Why, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<&Assignment> for AssignmentFields {
    fn from(given: &Assignment) -> Self {
        Self { valid_until: given.valid_until, reason: given.reason.first().map(|step| step.name.clone()) }
    }
}

/// Changes the end or the reason of a role that was given by hand.
///
/// # Errors
/// `NotFound`, `Stale` when it is not the assignment any more that the caller read, `Invalid`, and as for [`end`].
pub async fn edit(ctx: &Context, read: &Assignment, fields: &AssignmentFields) -> Result<Assignment, Error> {
    ctx.require_somewhere(Permission::ValidateAccess)?;
    let within = seen(ctx)?;
    let told = effects::announce(ctx).await?;
    edges::announce(ctx, fields.valid_until).await?;
    let mut tx = ctx.store.begin().await?;
    let found = assignment::find(&mut tx, read.id).await?;
    let standing = seen_in(&mut tx, within.as_ref(), found).await?;
    Error::unless_same(read, &standing)?;
    by_hand(&standing)?;
    may_change_in(&mut tx, ctx, Permission::ValidateAccess, &standing, fields.valid_until).await?;
    let wrong: Vec<Invalid> = wrong_time(ctx.now, standing.valid_from, fields.valid_until)
        .into_iter()
        .chain(wrong_reason("reason", fields.reason.as_deref()))
        .collect();
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if lasts_longer(standing.valid_until, fields.valid_until) {
        exclusions::stand_aside_in(&mut tx, ctx, standing.user_id, &standing.application, &standing.role, &standing.scope).await?;
    }
    let changed = Assignment { valid_until: fields.valid_until, reason: words(fields.reason.as_deref()), ..standing };
    let before = effects::before_in(&mut tx, &[changed.user_id]).await?;
    assignment_by_hand::update(&mut tx, &changed).await?;
    recompute_by_hand_in(&mut tx, ctx, before).await?;
    record_in(&mut tx, ctx, "assignment.updated", &changed).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(changed)
}

/// Whether a new end comes after the one before: what is prolonged is given once more.
pub(super) fn lasts_longer(before: Option<Timestamp>, after: Option<Timestamp>) -> bool {
    before.is_some_and(|before| after.is_none_or(|after| after > before))
}

/// Checks that the actor may give until then, or take away, a role that someone was given.
async fn may_change_in(
    tx: &mut Tx,
    ctx: &Context,
    permission: Permission,
    held: &Assignment,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let person = user::get(tx, held.user_id).await?;
    let application = application::find(tx, held.application_id).await?.ok_or_else(|| Error::not_found("application"))?;
    may_assign(ctx, permission, &person, (&application, &held.role, &held.scope), until)
}

fn by_hand(held: &Assignment) -> Result<(), Error> {
    match (held.origin, held.rule_id) {
        (Origin::Manual, _) => Ok(()),
        (_, Some(rule)) => Err(Error::Conflict(format!("the rule {rule} gives this role: change the rule, or the facts it looks at"))),
        (_, None) => Err(Error::Conflict(format!("this is the default role of {}: change the application", held.application))),
    }
}

/// What is wrong with the application and the role that are asked for.
pub(super) fn wrong_role(application: Option<&Application>, new: &NewAssignment) -> Option<Invalid> {
    let Some(application) = application else {
        return Some(Invalid::new("application", format!("there is no application «{}»: add it first", new.application)));
    };
    if let Some(role) = application.role(&new.role) {
        return check_place(application, role, new.scope.as_deref().unwrap_or_default()).err();
    }
    let names: Vec<&str> = application.roles.iter().map(|role| role.name.as_str()).collect();
    Some(Invalid::new("role", format!("«{}» is not a role of {}: {}", new.role, application.name, names.join(", "))))
}

/// A scope that is to be a unit is one of the tree, or one that rules give roles in already. While there is no tree, every name is taken. A role
/// of the gateway holds where it can.
pub(super) async fn check_place_in(
    tx: &mut Tx,
    tree: &Tree,
    application: &Application,
    (role, scope): (&str, &str),
) -> Result<Option<Invalid>, Error> {
    if application.name == APPLICATION {
        return check_extent_in(tx, tree, "scope", (role, scope)).await;
    }
    let Some(known) = application.role(role) else { return Ok(None) };
    if application.scope_kind_of(known) != ScopeKind::Unit || scope.is_empty() {
        return Ok(None);
    }
    let Err(unknown) = tree.check("scope", scope) else { return Ok(None) };
    let given_by_rules = assignment_by_hand::any_computed_in(tx, application.id, scope).await?;
    Ok((!given_by_rules).then_some(unknown))
}

/// A reason as assignments keep it.
pub(super) fn words(reason: Option<&str>) -> Vec<Step> {
    wording::words(reason).map(|words| step("role", words)).into_iter().collect()
}

pub(super) fn checked(ctx: &Context, new: &NewAssignment) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let misfit =
        |scope: &&str| scope.trim() != *scope || scope.chars().count() > TEMPLATE_LENGTH_MAX || scope.chars().any(char::is_control);
    if new.scope.as_deref().is_some_and(|scope| misfit(&scope)) {
        let why = format!("has at most {TEMPLATE_LENGTH_MAX} characters, no space at either end and no control characters");
        wrong.push(Invalid::new("scope", why));
    }
    wrong.extend(wrong_time(ctx.now, new.valid_from, new.valid_until));
    wrong.extend(wrong_reason("reason", new.reason.as_deref()));
    wrong
}

pub(super) async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, a: &Assignment) -> Result<(), Error> {
    let detail = json!({ "assignment": a.id, "application": a.application, "role": a.role, "scope": a.scope, "valid_from": a.valid_from,
        "valid_until": a.valid_until, "reason": a.reason.first().map(|step| &step.name) });
    audit::record_in(tx, ctx, action, ("user", &a.user_id.to_string()), detail).await
}
