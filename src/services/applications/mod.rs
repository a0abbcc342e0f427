//! Applications and their catalogues of roles: made, changed, imported, removed. A change of the catalogue recomputes everyone in the same transaction.

mod catalogue;
mod declared;
mod difference;
mod fields;
mod import;
mod matrix;
mod named;

pub use catalogue::{Shipped, catalogue, from_catalogue, shipped, shipped_of, to_toml};
pub use difference::{CatalogueDifference, FieldChange, PrivilegeChange};
pub use fields::ApplicationFields;
pub use import::{Imported, export, import, may_import, try_import};
pub use matrix::{Matrix, MatrixRow};

use serde_json::json;

use super::audit;
use super::context::Context;
use super::error::Error;
use super::roles::{Changed, Simulation, View, effects, hold_losses_in, recompute_all_in, simulate_catalogue};
use crate::store::establishment::application::{self, Application, Policy};
use crate::store::establishment::pending::{self, Pending};
use crate::store::establishment::{api_token, assignment, ended_assignment, exclusion, rule};
use crate::store::{self, Tx};
use crate::types::id::ApplicationId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, Permission};

/// Most applications of an establishment.
const APPLICATIONS_MAX: usize = 500;

/// All applications that the caller may see, by name: whoever gives roles of some sees those.
pub async fn list(ctx: &Context) -> Result<Vec<Application>, Error> {
    require_some(ctx)?;
    let mut tx = ctx.store.read().await?;
    let all = application::list(&mut tx).await?;
    Ok(all.into_iter().filter(|application| sees(ctx, application)).collect())
}

fn require_some(ctx: &Context) -> Result<(), Error> {
    if ctx.actor.may_somewhere(Permission::ValidateAccess) {
        return ctx.require_somewhere(Permission::ValidateAccess);
    }
    ctx.require(Permission::Read)
}

fn sees(ctx: &Context, application: &Application) -> bool {
    ctx.actor.may(Permission::Read) || ctx.actor.gives_of(application)
}

/// One application.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, name: &str) -> Result<Application, Error> {
    require_some(ctx)?;
    let mut tx = ctx.store.read().await?;
    let found = get_in(&mut tx, name).await?;
    if sees(ctx, &found) { Ok(found) } else { Err(unknown(name)) }
}

/// An application's privileges beside its roles.
///
/// # Errors
/// `NotFound`.
pub async fn matrix(ctx: &Context, name: &str) -> Result<Matrix, Error> {
    get(ctx, name).await.map(|application| Matrix::from(&application))
}

/// A page of those who have nothing but the default role of an application where that means to wait (OME-46). Nobody waits elsewhere.
///
/// # Errors
/// `NotFound`.
pub async fn pending(ctx: &Context, name: &str, page: &PageRequest) -> Result<Page<Pending>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let application = get_in(&mut tx, name).await?;
    if !application.policy.pending_until_validated {
        return Ok(Page { items: Vec::new(), next_cursor: None, total: 0 });
    }
    Ok(pending::list(&mut tx, page, application.id, ctx.now).await?)
}

async fn get_in(tx: &mut Tx, name: &str) -> Result<Application, Error> {
    application::find_by_name(tx, name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!("application «{name}»"))
}

/// Adds an application. With a default role, everyone active has it at once.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Conflict` when the name is taken.
pub async fn create(ctx: &Context, fields: &ApplicationFields) -> Result<Application, Error> {
    ctx.require(Permission::ManageRoles)?;
    let fields = fields.checked()?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    if application::list(&mut tx).await?.len() >= APPLICATIONS_MAX {
        return Err(Error::Conflict(format!("an establishment has at most {APPLICATIONS_MAX} applications")));
    }
    let made = fields.written_over(ApplicationId::new(), ctx.now, ctx.now);
    application::insert(&mut tx, &made).await.map_err(|error| taken(error, &made.name))?;
    let changed = if made.default_role.is_some() { recompute_all_in(&mut tx, ctx).await? } else { Changed::default() };
    record_in(&mut tx, ctx, "application.created", &made, changed).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(made)
}

/// Writes an application anew; rules, clients, assignments, and whoever answers for it follow it under another name.
///
/// # Errors
/// `NotFound`, `Invalid`; `Stale` when it is not the application any more that the caller read; `Conflict` when the name is taken, when a rule or a person's hand still gives a role that would go, and for the
/// gateway's own application, of which the title and the claim shape may change; `Held` when it takes many roles away.
pub async fn update(ctx: &Context, read: &Application, fields: &ApplicationFields) -> Result<Application, Error> {
    update_confirmed(ctx, read, fields, None).await
}

/// The same, where a person accepts that exactly so many roles are taken away.
///
/// # Errors
/// As for [`update`].
pub async fn update_confirmed(
    ctx: &Context,
    read: &Application,
    fields: &ApplicationFields,
    confirm_losses: Option<u64>,
) -> Result<Application, Error> {
    ctx.require(Permission::ManageRoles)?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let before = get_in(&mut tx, &read.name).await?;
    Error::unless_same(read, &before)?;
    let fields = fields.checked()?;
    let after = fields.written_over(before.id, before.created_at, ctx.now);
    check_what_is_fixed(&before, &after)?;
    let in_the_way = in_the_way_in(&mut tx, &before, &after).await?;
    if !in_the_way.is_empty() {
        return Err(Error::Conflict(in_the_way.join("; ")));
    }
    let changed = replace_in(&mut tx, ctx, &before, &after, "application.updated").await?;
    hold_losses_in(&mut tx, ctx, changed.lost, confirm_losses).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(after)
}

/// Who would gain and lose what if an application were so. Writes nothing.
///
/// # Errors
/// `Invalid` with every field that does not fit, or when it takes too long.
pub async fn simulate(ctx: &Context, read: &Application, fields: &ApplicationFields, view: &View) -> Result<Simulation, Error> {
    ctx.require(Permission::ManageRoles)?;
    let supposed = fields.checked()?.written_over(read.id, read.created_at, ctx.now);
    simulate_catalogue(ctx, &read.name, &supposed, view).await
}

/// Writes an application over the one that stands, and recomputes what people hold of it.
async fn replace_in(tx: &mut Tx, ctx: &Context, before: &Application, after: &Application, action: &str) -> Result<Changed, Error> {
    application::update(tx, after).await.map_err(|error| taken(error, &after.name))?;
    let renamed = before.name != after.name;
    if renamed {
        named::follow_in(tx, ctx, &before.name, &after.name).await?;
    }
    let same = same_roles(before, after) && !renamed;
    let changed = if same { Changed::default() } else { recompute_all_in(tx, ctx).await? };
    record_in(tx, ctx, action, after, changed).await?;
    Ok(changed)
}

fn same_roles(before: &Application, after: &Application) -> bool {
    before.roles == after.roles && before.cardinality == after.cardinality && before.default_role == after.default_role
}

/// What no edit may change: the gateway's own application, and roles that are their makers' (OME-72).
fn check_what_is_fixed(before: &Application, after: &Application) -> Result<(), Error> {
    let same = same_roles(before, after) && before.scope_kind == after.scope_kind;
    let own_changes = !same || before.name != after.name || before.policy != after.policy || !after.services.is_empty();
    if own_changes && before.name == APPLICATION {
        return Err(Error::Conflict(format!("{APPLICATION} is the gateway itself: only its title and its claim shape may change")));
    }
    // How people are told and how long accounts stay is the establishment's to say; what roles are and mean is not.
    let open = |policy: &Policy| Policy { deletion_policy: before.policy.deletion_policy, notify: before.policy.notify, ..policy.clone() };
    let policy = Policy { on_role_loss: before.policy.on_role_loss, ..open(&after.policy) };
    let changes = !same || policy != before.policy;
    if changes && !before.policy.roles_editable {
        let why = "its roles are its makers' (roles_editable is false)";
        return Err(Error::Conflict(format!("«{}»: {why}: import a newer edition of its catalogue to change them", before.name)));
    }
    Ok(())
}

/// Removes an application, with what its default role gave.
///
/// # Errors
/// `NotFound`; `Conflict` while rules, clients or roles given by hand belong to it, or someone answers for it, and for the gateway's own.
pub async fn delete(ctx: &Context, name: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)?;
    if name == APPLICATION {
        return Err(Error::Conflict(format!("{APPLICATION} is the gateway itself and stays")));
    }
    let mut tx = ctx.store.begin().await?;
    let gone = get_in(&mut tx, name).await?;
    let rules = rule::list(&mut tx).await?.iter().filter(|rule| rule.application_id == gone.id).count();
    let by_hand = assignment::manual_roles_of_application(&mut tx, gone.id).await?;
    if rules > 0 || !by_hand.is_empty() {
        let held = if by_hand.is_empty() { String::new() } else { format!(" and roles given by hand ({})", by_hand.join(", ")) };
        return Err(Error::Conflict(format!("«{name}» still has {rules} rules{held}: remove those first")));
    }
    named::check_nobody_answers_in(&mut tx, ctx, name).await?;
    ended_assignment::keep_computed_of_application(&mut tx, gone.id, ctx.now).await?;
    assignment::delete_computed_of_application(&mut tx, gone.id).await?;
    exclusion::delete_of_application(&mut tx, gone.id).await?;
    exclusion::delete_answering_for(&mut tx, name).await?;
    api_token::delete_answering_for(&mut tx, name).await?;
    application::delete(&mut tx, gone.id).await.map_err(|error| match error {
        store::Error::Referenced(_) => Error::Conflict(format!("«{name}» still has clients: remove those first")),
        other => other.into(),
    })?;
    record_in(&mut tx, ctx, "application.deleted", &gone, Changed::default()).await?;
    tx.commit().await?;
    Ok(())
}

/// A role goes from a catalogue only when nothing names it any more: what still does.
async fn in_the_way_in(tx: &mut Tx, before: &Application, after: &Application) -> Result<Vec<String>, Error> {
    let going: Vec<&str> = before.roles.iter().map(|role| role.name.as_str()).filter(|name| after.role(name).is_none()).collect();
    if going.is_empty() {
        return Ok(Vec::new());
    }
    let rules = rule::list(tx).await?;
    let giving = rules.iter().filter(|r| r.application_id == before.id && going.contains(&r.role.as_str()));
    let mut told: Vec<String> =
        giving.map(|rule| format!("the rule {} gives the role «{}»: change the rule first", rule.id, rule.role)).collect();
    let by_hand = assignment::manual_roles_of_application(tx, before.id).await?;
    let held = by_hand.iter().filter(|held| going.contains(&held.as_str()));
    told.extend(held.map(|held| format!("the role «{held}» was given by hand: end those assignments first")));
    Ok(told)
}

fn taken(error: store::Error, name: &str) -> Error {
    match error {
        store::Error::Taken(_) => Error::Conflict(format!("there is an application «{name}» already: choose another name")),
        other => other.into(),
    }
}

async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, application: &Application, changed: Changed) -> Result<(), Error> {
    let detail = json!({ "application": ApplicationFields::from(application), "gained": changed.gained, "lost": changed.lost });
    audit::record_in(tx, ctx, action, ("application", &application.name), detail).await
}
