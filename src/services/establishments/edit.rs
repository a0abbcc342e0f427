//! An establishment's fields, changed by an operator. The slug stays: addresses, keys and stores are named after it. Whoever is written to is
//! not whoever administers, so that another contact changes no administrator (SAC-18).

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::super::audit;
use super::super::context::{Context, PlatformContext};
use super::super::error::Error;
use super::{NewContact, NewEstablishment};
use crate::store::Tx;
use crate::store::registry::establishment::{self, Establishment};
use crate::types::permission::Permission;

/// The fields of an establishment that may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EstablishmentFields {
    /// What people read.
    pub name: String,
    /// Its number.
    pub number: i64,
    /// Its official number.
    #[serde(default)]
    pub uai: Option<String>,
    /// A zone of the operator's list.
    #[serde(default)]
    pub zone: Option<String>,
    /// Postcode and town.
    #[serde(default)]
    pub locality: Option<String>,
    /// Whom to write to; no account.
    #[serde(default)]
    pub contact: NewContact,
}

impl From<&Establishment> for EstablishmentFields {
    fn from(e: &Establishment) -> Self {
        let contact = e.contact.clone();
        Self {
            name: e.name.clone(),
            number: e.number,
            uai: e.uai.clone(),
            zone: e.zone.clone(),
            locality: e.locality.clone(),
            contact: NewContact { family_name: contact.family_name, given_name: contact.given_name, email: contact.email },
        }
    }
}

/// The establishment as the registry has it now, for whoever is about to change it.
///
/// # Errors
/// `NotFound` for the platform.
pub async fn current(ctx: &Context) -> Result<Establishment, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    standing_in(&mut ctx.gateway.stores.registry().read().await?, ctx).await
}

/// Changes an establishment's fields, as the caller read it.
///
/// # Errors
/// `Stale` when it changed since; `Invalid` with every field that does not fit; `Conflict` when number or UAI is taken; `NotFound` for the platform, which has no such fields.
pub async fn edit(ctx: &Context, read: &Establishment, fields: &EstablishmentFields) -> Result<Establishment, Error> {
    ctx.require(Permission::ManageEstablishments)?;
    let mut registry = ctx.gateway.stores.registry().begin().await?;
    let standing = standing_in(&mut registry, ctx).await?;
    Error::unless_same(read, &standing)?;
    let wanted = wanted(ctx, &standing, fields)?;
    let changed = changed(&EstablishmentFields::from(&standing), &EstablishmentFields::from(&wanted));
    if changed.is_empty() {
        return Ok(standing);
    }
    super::check_zone_in(&mut registry, wanted.zone.as_deref()).await?;
    establishment::update(&mut registry, &wanted, &super::search_of(&wanted)).await.map_err(|e| super::taken(e, &wanted))?;
    registry.commit().await?;
    ctx.gateway.establishments.forget(ctx.slug());
    // Field names alone: a contact's details are a person's own, and do not stay in a trail.
    record(ctx, "establishment.updated", json!({ "changed": changed })).await?;
    Ok(wanted)
}

/// The establishment's row as it is now, within a transaction of the registry.
pub(super) async fn standing_in(registry: &mut Tx, ctx: &Context) -> Result<Establishment, Error> {
    let gone = || Error::not_found(format!("establishment «{}» in the registry", ctx.slug()));
    establishment::find(registry, ctx.slug()).await?.ok_or_else(gone)
}

/// Adds an event to the establishment's trail and to the platform's: to each, in a transaction of its own.
pub(super) async fn record(ctx: &Context, action: &str, detail: serde_json::Value) -> Result<(), Error> {
    let mut tx = ctx.store.begin().await?;
    audit::record_in(&mut tx, ctx, action, ("establishment", ctx.slug()), detail.clone()).await?;
    tx.commit().await?;
    record_on_platform(ctx, action, detail).await
}

/// Adds an event to the platform's trail alone.
pub(super) async fn record_on_platform(ctx: &Context, action: &str, detail: serde_json::Value) -> Result<(), Error> {
    let platform = PlatformContext::open(&ctx.gateway, ctx.actor.clone(), ctx.now).await?;
    let mut tx = platform.context().store.begin().await?;
    audit::record_in(&mut tx, platform.context(), action, ("establishment", ctx.slug()), detail).await?;
    Ok(tx.commit().await?)
}

/// The fields as they are kept, looked at like those of a new establishment.
fn wanted(ctx: &Context, standing: &Establishment, fields: &EstablishmentFields) -> Result<Establishment, Error> {
    let fields = fields.clone();
    let as_new = NewEstablishment {
        name: fields.name,
        slug: Some(standing.slug.clone()),
        number: Some(fields.number),
        uai: fields.uai,
        zone: fields.zone,
        locality: fields.locality,
        contact: fields.contact,
        send_mail: None,
    };
    let Establishment { number, name, uai, zone, locality, contact, .. } = super::regular(ctx, &as_new)?;
    Ok(Establishment { number, name, uai, zone, locality, contact, updated_at: ctx.now, ..standing.clone() })
}

fn changed(before: &EstablishmentFields, after: &EstablishmentFields) -> Vec<&'static str> {
    let all = [
        ("name", before.name != after.name),
        ("number", before.number != after.number),
        ("uai", before.uai != after.uai),
        ("zone", before.zone != after.zone),
        ("locality", before.locality != after.locality),
        ("contact", before.contact != after.contact),
    ];
    all.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect()
}
