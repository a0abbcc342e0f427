//! Catalogues as files: taken in, whole or only tried, and written out again.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles::{Consent, Simulation, View, effects, objection, simulate_catalogue};
use super::difference::{CatalogueDifference, is_newer};
use super::fields::ApplicationFields;
use super::{create, get_in, in_the_way_in, replace_in, same_roles};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::types::id::ApplicationId;
use crate::types::permission::{APPLICATION, Permission};

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Imported {
    /// The application's name.
    pub application: String,
    /// Whether it was not there before.
    pub created: bool,
    /// Whether it was written: false when it was only tried, and when nothing changes.
    pub written: bool,
    /// The edition that stood.
    pub version_before: Option<String>,
    /// The edition that came.
    pub version: Option<String>,
    /// How the two differ.
    pub difference: CatalogueDifference,
    /// What has to be done first: the import is refused while there is any.
    pub in_the_way: Vec<String>,
    /// Who would gain and lose which role; only when it was only tried.
    pub people: Option<Simulation>,
}

/// Whether the actor may take in a catalogue at all, before one is read.
///
/// # Errors
/// `Forbidden`.
pub fn may_import(ctx: &Context) -> Result<(), Error> {
    ctx.require(Permission::ManageRoles)
}

/// Takes in a catalogue: adds the application, or puts this edition in the place of the one that stands. Title, claim shape and services that the
/// catalogue does not state stay as they are.
///
/// # Errors
/// `Invalid`; `Conflict` when roles that would go are still given, for an edition that is not newer of roles that nobody may edit, and for
/// the gateway's own application; `Held` when it takes many roles away and `confirm_losses` is not their number.
pub async fn import(ctx: &Context, fields: &ApplicationFields, confirm_losses: Option<u64>) -> Result<Imported, Error> {
    ctx.require(Permission::ManageRoles)?;
    let stays = guarded(ctx, fields, confirm_losses).await?;
    let told = effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let Some(before) = application::find_by_name(&mut tx, &fields.name).await? else {
        drop(tx);
        let made = create(ctx, fields).await?;
        return Ok(Imported { created: true, written: true, ..outcome(None, &ApplicationFields::from(&made)) });
    };
    let after = supposed(ctx, &before, fields)?;
    let mut found = outcome(Some(&before), &ApplicationFields::from(&after));
    if found.difference.is_empty() {
        return Ok(found);
    }
    found.in_the_way = refusals_in(&mut tx, &before, &after, &found.difference).await?;
    if !found.in_the_way.is_empty() {
        return Err(Error::Conflict(found.in_the_way.join("; ")));
    }
    let changed = replace_in(&mut tx, ctx, &before, &after, "application.imported").await?;
    // Who came between the look ahead and the change counts too; nothing is committed then.
    refuse_losses(ctx, stays, changed.lost, confirm_losses)?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(Imported { written: true, ..found })
}

/// What importing a catalogue would change, who would gain and lose which role, and what stands in its way. Writes nothing.
///
/// # Errors
/// `Invalid`, also when it takes too long.
pub async fn try_import(ctx: &Context, fields: &ApplicationFields) -> Result<Imported, Error> {
    ctx.require(Permission::ManageRoles)?;
    let mut tx = ctx.store.read().await?;
    let standing = application::find_by_name(&mut tx, &fields.name).await?;
    let (mut found, after) = match &standing {
        None => {
            let whole = fields.checked()?;
            let after = whole.clone().written_over(ApplicationId::new(), ctx.now, ctx.now);
            (Imported { created: true, ..outcome(None, &whole) }, after)
        }
        Some(before) => {
            let after = supposed(ctx, before, fields)?;
            let mut found = outcome(Some(before), &ApplicationFields::from(&after));
            found.in_the_way = refusals_in(&mut tx, before, &after, &found.difference).await?;
            (found, after)
        }
    };
    drop(tx);
    found.people = Some(simulate_catalogue(ctx, &after.name, &after, &View::default()).await?);
    Ok(found)
}

/// An application as a catalogue has it, to be written to a file.
///
/// # Errors
/// `NotFound`.
pub async fn export(ctx: &Context, name: &str) -> Result<ApplicationFields, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(ApplicationFields::from(&get_in(&mut tx, name).await?))
}

/// Looks ahead, and answers how many roles stay.
async fn guarded(ctx: &Context, fields: &ApplicationFields, confirm_losses: Option<u64>) -> Result<u64, Error> {
    let mut tx = ctx.store.read().await?;
    let Some(before) = application::find_by_name(&mut tx, &fields.name).await? else { return Ok(0) };
    drop(tx);
    let after = supposed(ctx, &before, fields)?;
    if same_roles(&before, &after) {
        return Ok(0);
    }
    let foretold = simulate_catalogue(ctx, &after.name, &after, &View::default()).await?;
    refuse_losses(ctx, foretold.unchanged_count, foretold.lost_count, confirm_losses)?;
    Ok(foretold.unchanged_count)
}

fn refuse_losses(ctx: &Context, stays: u64, lost: u64, confirmed: Option<u64>) -> Result<(), Error> {
    match objection(&ctx.gateway.limits, stays + lost, lost, Consent { foretold: 0, confirmed }) {
        Some(why) => Err(Error::Held(format!("importing this catalogue: {why}"))),
        None => Ok(()),
    }
}

/// The application as it would stand.
fn supposed(ctx: &Context, before: &Application, fields: &ApplicationFields) -> Result<Application, Error> {
    let mut whole = fields.checked()?;
    if fields.title.trim().is_empty() {
        whole.title.clone_from(&before.title);
    }
    if whole.claim_shape.as_object().is_none_or(serde_json::Map::is_empty) {
        whole.claim_shape.clone_from(&before.claim_shape);
    }
    if whole.services.is_empty() {
        whole.services.clone_from(&before.services);
    }
    // What stays and what comes must fit together too.
    Ok(whole.checked()?.written_over(before.id, before.created_at, ctx.now))
}

fn outcome(before: Option<&Application>, after: &ApplicationFields) -> Imported {
    let nothing = ApplicationFields { roles: Vec::new(), services: Vec::new(), ..after.clone() };
    let standing = before.map_or(nothing, ApplicationFields::from);
    Imported {
        application: after.name.clone(),
        created: false,
        written: false,
        version_before: before.and_then(|before| before.policy.version.clone()),
        version: after.policy.version.clone(),
        difference: CatalogueDifference::between(&standing, after),
        in_the_way: Vec::new(),
        people: None,
    }
}

async fn refusals_in(
    tx: &mut Tx,
    before: &Application,
    after: &Application,
    difference: &CatalogueDifference,
) -> Result<Vec<String>, Error> {
    if difference.is_empty() {
        return Ok(Vec::new());
    }
    let mut refusals = Vec::new();
    if before.name == APPLICATION {
        refusals.push(format!("{APPLICATION} is the gateway itself: its catalogue comes with the program"));
    }
    let (edition, standing) = (after.policy.version.as_deref(), before.policy.version.as_deref());
    if !before.policy.roles_editable && !is_newer(edition, standing) {
        let [came, stands] = [edition, standing].map(|version| version.unwrap_or("(none)"));
        let why = "its roles are its makers' (roles_editable is false)";
        refusals
            .push(format!("«{}»: {why}, and {came} is no newer edition than {stands}: import one whose policy.version is", before.name));
    }
    refusals.extend(in_the_way_in(tx, before, after).await?);
    Ok(refusals)
}
