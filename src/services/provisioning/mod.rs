//! Provisioning: people and groups written to an application that has a SCIM service of its own (RFC 7644), as its roles say. The store notes who
//! changed; a job looks at them, writes what is due, and compares everything when asked.

mod adopt;
mod check;
mod compare_group;
mod desired;
mod fields;
mod letters;
mod mapping;
mod queue;
mod reading;
mod reconcile;
mod remote;
mod round;
mod turn;
mod write_group;
mod write_person;

pub use check::{Step, check};
pub use fields::{AuthFields, ProvisioningFields};
pub use round::round;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::audit;
use super::context::{Context, Gateway};
use super::error::Error;
use super::provisioning_bell;
use super::vault::Place;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::provisioned::{self, Filter, Kind, Provisioned};
use crate::store::establishment::provisioning::{self, Provisioning};
use crate::store::establishment::provisioning_drift::{self, Drift};
use crate::store::establishment::provisioning_guard;
use crate::store::establishment::provisioning_mark;
use crate::store::establishment::provisioning_state::{self, Asked, ProvisioningState};
use crate::store::registry::job;
use crate::store::{Store, Tx};
use crate::types::id::ProvisioningId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;
use fields::{settings_of, wrong_fields};

/// A provisioning, and how it goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Shown {
    /// The application.
    pub application: String,
    /// As it is configured, without the secret.
    #[serde(flatten)]
    pub fields: ProvisioningFields,
    /// How it goes.
    pub state: ProvisioningState,
    /// How many there are in which state.
    pub queue: Counted,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How many there are in which state of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counted {
    /// Accounts of people.
    pub users: BTreeMap<String, i64>,
    /// Groups.
    pub groups: BTreeMap<String, i64>,
}

/// That of an application.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, application: &str) -> Result<Provisioning, Error> {
    ctx.require(Permission::Read)?;
    find_in(&mut ctx.store.read().await?, application).await
}

/// The same with how it goes.
///
/// # Errors
/// When the store fails.
pub async fn shown(ctx: &Context, standing: &Provisioning) -> Result<Shown, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let state = provisioning_state::get(&mut tx, standing.id).await?;
    let mut queue = Counted::default();
    for one in provisioned::tally(&mut tx, standing.id).await? {
        let word = serde_json::to_value(one.state).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        let of = if one.kind == Kind::User { &mut queue.users } else { &mut queue.groups };
        of.insert(word, one.count);
    }
    Ok(Shown {
        application: standing.application.clone(),
        fields: ProvisioningFields::from(standing),
        state,
        queue,
        created_at: standing.created_at,
        updated_at: standing.updated_at,
    })
}

async fn application_in(tx: &mut Tx, name: &str) -> Result<Application, Error> {
    application::find_by_name(tx, name).await?.ok_or_else(|| Error::not_found(format!("application «{name}»")))
}

async fn find_in(tx: &mut Tx, name: &str) -> Result<Provisioning, Error> {
    let application = application_in(tx, name).await?;
    let found = provisioning::find_of_application(tx, application.id).await?;
    found.ok_or_else(|| Error::not_found(format!("provisioning of «{name}»")))
}

/// Sets up the provisioning of an application, or configures it anew. `read` is what the caller read, when there was something.
///
/// # Errors
/// `NotFound` for the application; `Stale`; `Invalid` with every field that does not fit, also when an address changes and the secret is not
/// given again.
pub async fn put(ctx: &Context, name: &str, read: Option<&Provisioning>, fields: &ProvisioningFields) -> Result<Provisioning, Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let application = application_in(&mut tx, name).await?;
    let standing = provisioning::find_of_application(&mut tx, application.id).await?;
    match (read, &standing) {
        (Some(read), Some(standing)) => Error::unless_same(read, standing)?,
        (None, None) => {}
        _ => return Err(Error::Stale),
    }
    let wrong = wrong_fields(ctx, &application, fields, standing.as_ref());
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let id = standing.as_ref().map_or_else(ProvisioningId::new, |standing| standing.id);
    let secret_sealed = match &fields.auth.secret {
        Some(secret) => Some(seal(ctx, id, secret)?),
        None => standing.as_ref().and_then(|standing| standing.secret_sealed.clone()),
    };
    let made = Provisioning {
        id,
        application_id: application.id,
        application: application.name,
        settings: settings_of(fields),
        secret_sealed,
        enabled: fields.enabled,
        created_at: standing.as_ref().map_or(ctx.now, |standing| standing.created_at),
        updated_at: ctx.now,
    };
    if let Some(standing) = &standing {
        provisioning::update(&mut tx, &made).await?;
        if standing.settings.url != made.settings.url {
            // There, nothing is known of what is written.
            provisioned::delete_all(&mut tx, id).await?;
        }
    } else {
        provisioning::insert(&mut tx, &made).await?;
    }
    // What was changed may concern everyone, and what was paused is tried again.
    let state = provisioning_state::get(&mut tx, id).await?;
    let anew = ProvisioningState { looked_at: None, paused: None, paused_at: None, rest_until: None, abilities_at: None, ..state };
    provisioning_state::put(&mut tx, id, &anew).await?;
    let action = if standing.is_some() { "provisioning.updated" } else { "provisioning.created" };
    let detail = json!({ "before": standing.as_ref().map(told), "after": told(&made), "secret": fields.auth.secret.is_some() });
    audit::record_in(&mut tx, ctx, action, ("provisioning", &id.to_string()), detail).await?;
    tx.commit().await?;
    work_now(ctx, &made).await;
    Ok(made)
}

/// What the trail says of a provisioning.
fn told(one: &Provisioning) -> Value {
    json!({ "application": one.application, "settings": one.settings, "enabled": one.enabled })
}

/// Forgets the provisioning of an application. Accounts and groups there stay as they are.
///
/// # Errors
/// `NotFound`.
pub async fn delete(ctx: &Context, name: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let gone = find_in(&mut tx, name).await?;
    provisioning::delete(&mut tx, gone.id).await?;
    audit::record_in(&mut tx, ctx, "provisioning.deleted", ("provisioning", &gone.id.to_string()), told(&gone)).await?;
    Ok(tx.commit().await?)
}

/// Has everything there compared with what is to be, and put right when `repairs`.
///
/// # Errors
/// `NotFound`; `Conflict` when it is not enabled or is paused.
pub async fn reconcile(ctx: &Context, name: &str, repairs: bool) -> Result<Provisioning, Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let standing = find_in(&mut tx, name).await?;
    if !standing.enabled {
        return Err(Error::Conflict(format!("the provisioning of «{name}» is not enabled")));
    }
    let state = provisioning_state::get(&mut tx, standing.id).await?;
    if let Some(why) = &state.paused {
        return Err(Error::Conflict(format!("the provisioning of «{name}» is paused, check it first: {why}")));
    }
    let asked = if repairs { Asked::Repair } else { Asked::Report };
    provisioning_state::put(&mut tx, standing.id, &ProvisioningState { asked: Some(asked), ..state }).await?;
    let detail = json!({ "application": name, "repairs": repairs });
    audit::record_in(&mut tx, ctx, "provisioning.reconciled", ("provisioning", &standing.id.to_string()), detail).await?;
    tx.commit().await?;
    work_now(ctx, &standing).await;
    Ok(standing)
}

/// Lets go on what is held, for a day: so many rows at most as whoever approves was told of. Answers how many.
///
/// # Errors
/// `NotFound`; `Conflict` when nothing is held, or more than `rows`.
pub async fn approve(ctx: &Context, name: &str, rows: u64) -> Result<u64, Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let standing = find_in(&mut tx, name).await?;
    let held = provisioning_guard::held(&mut tx, standing.id).await?;
    if held == 0 {
        return Err(Error::Conflict(format!("nothing of «{name}» is held")));
    }
    if held > rows {
        return Err(Error::Conflict(format!("{held} of «{name}» are held by now, and not {rows}: look at them again")));
    }
    let approved = provisioning_guard::approve(&mut tx, standing.id, ctx.now).await?;
    let detail = json!({ "application": name, "removals": approved });
    audit::record_in(&mut tx, ctx, "provisioning.approved", ("provisioning", &standing.id.to_string()), detail).await?;
    tx.commit().await?;
    work_now(ctx, &standing).await;
    Ok(approved)
}

/// Tries anew what was not taken. Answers how many.
///
/// # Errors
/// `NotFound`.
pub async fn retry(ctx: &Context, name: &str) -> Result<u64, Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let standing = find_in(&mut tx, name).await?;
    let again = provisioned::retry(&mut tx, standing.id, ctx.now).await?;
    resume_in(&mut tx, ctx, &standing).await?;
    let detail = json!({ "application": name, "rows": again });
    audit::record_in(&mut tx, ctx, "provisioning.retried", ("provisioning", &standing.id.to_string()), detail).await?;
    tx.commit().await?;
    work_now(ctx, &standing).await;
    Ok(again)
}

/// What is there, was written and is still to be.
///
/// # Errors
/// `NotFound`.
pub async fn queue(ctx: &Context, name: &str, page: &PageRequest, filter: &Filter) -> Result<Page<Provisioned>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let standing = find_in(&mut tx, name).await?;
    Ok(provisioned::list(&mut tx, standing.id, page, filter).await?)
}

/// How the application differed when it was last compared.
///
/// # Errors
/// `NotFound`.
pub async fn drift(ctx: &Context, name: &str, page: &PageRequest, filter: &provisioning_drift::Filter) -> Result<Page<Drift>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let standing = find_in(&mut tx, name).await?;
    Ok(provisioning_drift::list(&mut tx, standing.id, page, filter).await?)
}

/// Goes on with what was paused or left alone.
async fn resume_in(tx: &mut Tx, ctx: &Context, standing: &Provisioning) -> Result<(), Error> {
    let state = provisioning_state::get(tx, standing.id).await?;
    if state.paused.is_none() && state.rest_until.is_none() {
        return Ok(());
    }
    let resumed = ProvisioningState { paused: None, paused_at: None, rest_until: None, failures: 0, ..state };
    provisioning_state::put(tx, standing.id, &resumed).await?;
    let detail = json!({ "application": standing.application });
    audit::record_in(tx, ctx, "provisioning.resumed", ("provisioning", &standing.id.to_string()), detail).await
}

/// Has a provisioning seen to now; when that fails, it is at the next sweep.
async fn work_now(ctx: &Context, standing: &Provisioning) {
    if let Err(error) = provisioning_bell::ask(&ctx.gateway, ctx.slug(), &standing.id.to_string(), ctx.now).await {
        tracing::warn!(establishment = ctx.slug(), %error, "an application is written to a little later");
    }
}

fn place<'a>(ctx: &'a Context, row: &'a str) -> Place<'a> {
    Place { establishment: ctx.slug(), table: "provisionings", column: "secret_sealed", row }
}

fn seal(ctx: &Context, id: ProvisioningId, secret: &str) -> Result<Vec<u8>, Error> {
    let sealed = ctx.gateway.vault.seal(place(ctx, &id.to_string()), secret.as_bytes());
    sealed.map_err(|error| Error::Internal(format!("a secret was not sealed: {error}")))
}

/// The token or client secret.
fn secret_of(ctx: &Context, standing: &Provisioning) -> Result<Zeroizing<String>, Error> {
    let sealed = standing.secret_sealed.as_deref().unwrap_or_default();
    let opened = ctx.gateway.vault.open_sealed(place(ctx, &standing.id.to_string()), sealed);
    let opened = opened.map_err(|error| Error::Internal(error.to_string()))?;
    let text = std::str::from_utf8(&opened).map_err(|_| Error::Internal("a secret that was text is none".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Makes sure that somebody sees to what is to be written: a bell may have failed, or a registry been put back.
///
/// # Errors
/// When a store fails.
pub async fn plan(gateway: &Gateway, slug: &str, store: &Store, now: Timestamp) -> Result<(), Error> {
    let mut tx = store.read().await?;
    let mut subjects = Vec::new();
    if provisioning_mark::any(&mut tx).await? {
        subjects.push((String::new(), now));
    }
    for one in provisioning::list(&mut tx).await?.into_iter().filter(|one| one.enabled) {
        let state = provisioning_state::get(&mut tx, one.id).await?;
        if state.paused.is_some() {
            continue;
        }
        let due = provisioned::next_due(&mut tx, one.id).await?.filter(|_| !one.settings.dry_run);
        let due = due.into_iter().chain(round::compared_next(&one, &state)).min();
        let due = if state.looked_at.is_none() || state.asked.is_some() { Some(now) } else { due };
        subjects.extend(due.map(|due| (one.id.to_string(), due.max(state.rest_until.unwrap_or_default()))));
    }
    drop(tx);
    for (subject, due) in subjects {
        let waiting = job::find(&mut gateway.stores.registry().read().await?, job::Kind::Provision, slug, &subject).await?;
        if waiting.is_none_or(|job| job.due_at > due.max(now)) {
            provisioning_bell::ask(gateway, slug, &subject, due.max(now)).await?;
        }
    }
    Ok(())
}
