//! Establishments: made, listed, prepared. Work on the registry takes a [`PlatformContext`].

mod access;
mod block;
mod create;
mod delete;
mod edit;
mod letters;
mod prepare;

pub use access::{AccessReset, Administrator, NewReset, administrators, reset_administrator};
pub use block::{Blocking, block, receipt, unblock};
pub use create::{Created, create};
pub use delete::{carry_on, check_confirmation, delete, platform_of};
pub use edit::{EstablishmentFields, current, edit};
pub use prepare::{prepare, prepare_in};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::context::{Context, Gateway, PlatformContext};
use super::error::Error;
use super::installation;
use super::links::Link;
use super::users::{self, NewUser};
use crate::store::Tx;
use crate::store::establishment::signing_key::{self, SigningKey};
use crate::store::establishment::user::User;
use crate::store::registry::establishment::{self, Contact, DEFAULT_PLACEMENT, Establishment, EstablishmentStatus, Filter};
use crate::store::registry::zone::{self, Zone};
use crate::types::Invalid;
use crate::types::email::Email;
use crate::types::fold;
use crate::types::id::EstablishmentId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, GatewayRole, Permission};
use crate::types::slug::Slug;
use crate::types::uai::Uai;

/// Longest free text of an establishment, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// How many zones are named to whoever names one that is not there.
const ZONES_NAMED_MAX: usize = 20;
/// Greatest number of an establishment: so far below what a store holds that there is always a next one.
pub const NUMBER_MAX: i64 = 999_999_999;

/// The person to write to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewContact {
    /// Family name.
    pub family_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Address.
    pub email: Option<String>,
}

/// An establishment to be made.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEstablishment {
    /// What people read.
    pub name: String,
    /// Its name in addresses; made of the name when left out.
    #[serde(default)]
    pub slug: Option<String>,
    /// Its number; the next one when left out.
    #[serde(default)]
    pub number: Option<i64>,
    /// Its official number.
    #[serde(default)]
    pub uai: Option<String>,
    /// A zone of the operator's list.
    #[serde(default)]
    pub zone: Option<String>,
    /// Postcode and town.
    #[serde(default)]
    pub locality: Option<String>,
    /// Whom to write to.
    #[serde(default)]
    pub contact: NewContact,
    /// Whether to mail the addresses and the first administrator's link to the contact. Left out: yes, where mail is configured and the contact
    /// has an address.
    #[serde(default)]
    pub send_mail: Option<bool>,
}

/// The establishment that [`create`] would make. Nothing of it is kept.
///
/// # Errors
/// As for [`create`].
pub async fn preview(platform: &PlatformContext, new: &NewEstablishment) -> Result<Establishment, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    // The transaction is never committed: the registry itself tells what is taken.
    let mut registry = platform.registry().begin().await?;
    register_in(&mut registry, platform.context(), new).await
}

async fn register_in(registry: &mut Tx, ctx: &Context, new: &NewEstablishment) -> Result<Establishment, Error> {
    let mut made = fitting_in(registry, ctx, new).await?;
    if new.number.is_none() {
        made.number = establishment::next_number(registry).await?;
    }
    establishment::insert(registry, &made, &search_of(&made)).await.map_err(|e| taken(e, &made))?;
    Ok(made)
}

/// The fields as they are kept, unless any does not fit: then all of those are told, the zone too.
async fn fitting_in(registry: &mut Tx, ctx: &Context, new: &NewEstablishment) -> Result<Establishment, Error> {
    let zone = check_zone_in(registry, new.zone.as_deref().filter(|zone| !zone.is_empty())).await;
    match (regular(ctx, new), zone) {
        (Err(Error::Invalid(mut wrong)), Err(Error::Invalid(more))) => {
            wrong.extend(more);
            Err(Error::Invalid(wrong))
        }
        (made, zone) => zone.and(made),
    }
}

async fn check_zone_in(registry: &mut Tx, name: Option<&str>) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    if zone::find(registry, name).await?.is_some() {
        return Ok(());
    }
    let all: Vec<String> = zone::list(registry).await?.into_iter().take(ZONES_NAMED_MAX).map(|zone| zone.name).collect();
    let known = if all.is_empty() { "which is empty".to_owned() } else { format!("where there are: {}", all.join(", ")) };
    Err(Error::invalid("zone", format!("«{name}» is not on the operator's list of zones, {known}")))
}

/// What lists look in.
fn search_of(e: &Establishment) -> String {
    fold(&[&e.name, &e.slug, e.uai.as_deref().unwrap_or(""), e.locality.as_deref().unwrap_or("")].join(" "))
}

fn taken(error: crate::store::Error, made: &Establishment) -> Error {
    let crate::store::Error::Taken(column) = &error else { return error.into() };
    let what = match column.rsplit('.').next() {
        Some("slug") => format!("the slug «{}» is taken: choose another with `--slug`, or `slug` in the API", made.slug),
        Some("number") => format!("the number {} is taken: leave it out to get the next one", made.number),
        Some("uai") => format!("the UAI {} belongs to another establishment", made.uai.as_deref().unwrap_or_default()),
        _ => column.clone(),
    };
    Error::Conflict(what)
}

/// Makes an operator of the platform, pending until the link that comes back is used.
///
/// # Errors
/// `Invalid`, `Conflict` when the user name is taken.
pub async fn create_operator(platform: &PlatformContext, new: &NewUser) -> Result<(User, Link), Error> {
    let ctx = platform.context();
    ctx.require(Permission::ManageEstablishments)?;
    let mut tx = ctx.store.begin().await?;
    let made = users::create_in(&mut tx, ctx, new).await?;
    prepare::give_gateway_role_in(&mut tx, ctx, made.0.id, GatewayRole::Operator, "made an operator").await?;
    tx.commit().await?;
    Ok(made)
}

/// A page of establishments.
pub async fn list(platform: &PlatformContext, page: &PageRequest, filter: &Filter) -> Result<Page<Establishment>, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let mut tx = platform.registry().read().await?;
    Ok(establishment::list(&mut tx, page, filter).await?)
}

/// Establishments that serve, for the page on which a person chooses theirs: public by nature.
pub async fn choices(platform: &PlatformContext, page: &PageRequest) -> Result<Page<Establishment>, Error> {
    let mut tx = platform.registry().read().await?;
    let filter = Filter { status: Some("active".to_owned()), ..Filter::default() };
    Ok(establishment::list(&mut tx, page, &filter).await?)
}

/// Whether the registry and the platform's store answer, and the master key is theirs.
///
/// # Errors
/// What the store says when they do not; `Conflict` when the key is another's.
pub async fn reachable(gateway: &Gateway) -> Result<(), Error> {
    installation::check_key(&gateway.stores, &gateway.vault).await?;
    let platform = gateway.stores.platform().await?;
    crate::store::establishment::application::find_by_name(&mut platform.read().await?, APPLICATION).await?;
    Ok(())
}

/// The establishment as it stands now, whatever this node remembers of it, for whoever may read in it.
pub async fn show(ctx: &Context) -> Result<Establishment, Error> {
    ctx.require(Permission::Read)?;
    let standing = establishment::find(&mut ctx.gateway.stores.registry().read().await?, ctx.slug()).await?;
    // The platform's own is in no registry.
    Ok(standing.unwrap_or_else(|| (*ctx.establishment).clone()))
}

/// The establishment's signing keys, newest first; made now when it has none yet.
pub async fn signing_keys(ctx: &Context) -> Result<Vec<SigningKey>, Error> {
    ctx.require(Permission::Read)?;
    ctx.ring().await?;
    let mut tx = ctx.store.read().await?;
    Ok(signing_key::list(&mut tx).await?)
}

/// The operator's list of zones.
pub async fn zones(platform: &PlatformContext) -> Result<Vec<Zone>, Error> {
    platform.context().require(Permission::Read)?;
    let mut tx = platform.registry().read().await?;
    Ok(zone::list(&mut tx).await?)
}

/// Adds a zone, or gives it another title.
///
/// # Errors
/// `Invalid` when the name is not a short name.
pub async fn save_zone(platform: &PlatformContext, zone: &Zone) -> Result<(), Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    Slug::parse(&zone.name).map_err(|e| Invalid::new("name", e.message))?;
    let title = text("title", Some(&zone.title))?.ok_or_else(|| Error::invalid("title", "must not be empty"))?;
    let mut tx = platform.registry().begin().await?;
    zone::upsert(&mut tx, &Zone { name: zone.name.clone(), title }).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes a zone off the list.
///
/// # Errors
/// `Conflict` while an establishment lies in it, `NotFound`.
pub async fn delete_zone(platform: &PlatformContext, name: &str) -> Result<(), Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let mut tx = platform.registry().begin().await?;
    let there = Filter { zone: Some(name.to_owned()), ..Filter::default() };
    let count = establishment::list(&mut tx, &PageRequest::first(1), &there).await?.total;
    if count > 0 {
        return Err(Error::Conflict(format!(
            "establishments that lie in the zone «{name}»: {count}; give them another zone, or none, first"
        )));
    }
    zone::delete(&mut tx, name).await?;
    tx.commit().await?;
    Ok(())
}

/// The establishment that these fields make, under a key of its own, its number 0 when none is wanted. Every field is looked at, so that a form
/// shows all that is wrong at once.
///
/// # Errors
/// `Invalid` with every field that does not fit.
pub fn regular(ctx: &Context, new: &NewEstablishment) -> Result<Establishment, Error> {
    let mut wrong = Vec::new();
    let mut keep = |result: Result<Option<String>, Error>| match result {
        Ok(value) => value,
        Err(Error::Invalid(fields)) => {
            wrong.extend(fields);
            None
        }
        Err(other) => {
            wrong.push(Invalid::new("establishment", other.to_string()));
            None
        }
    };
    let name = keep(text("name", Some(&new.name)).and_then(|n| n.map(Some).ok_or_else(|| Error::invalid("name", "must not be empty"))));
    let slug = new.slug.as_deref().map_or_else(|| Slug::from_name(&new.name), Slug::parse);
    let slug = keep(match slug {
        // A name that does not fit is told as a name, and not once more as the slug made of it.
        Err(_) if new.slug.is_none() && name.is_none() => Ok(None),
        slug => slug.map(|s| Some(s.as_str().to_owned())).map_err(Error::from),
    });
    let uai = new.uai.as_deref().filter(|u| !u.trim().is_empty()).map(Uai::parse).transpose();
    let uai = keep(uai.map(|u| u.map(|u| u.as_str().to_owned())).map_err(Error::from));
    let locality = keep(text("locality", new.locality.as_deref()));
    let email = new.contact.email.as_deref().filter(|e| !e.trim().is_empty()).map(Email::parse).transpose();
    let email = keep(email.map(|e| e.map(|e| e.as_str().to_owned())).map_err(|e| Error::invalid("contact.email", e.message)));
    let contact = Contact {
        family_name: keep(text("contact.family_name", new.contact.family_name.as_deref())),
        given_name: keep(text("contact.given_name", new.contact.given_name.as_deref())),
        email,
    };
    if new.number.is_some_and(|n| !(1..=NUMBER_MAX).contains(&n)) {
        wrong.push(Invalid::new("number", format!("must be from 1 to {NUMBER_MAX}; leave it out to get the next one")));
    }
    wrong.extend(letters::is_wanted(ctx, new.send_mail, &contact).err());
    let (Some(name), Some(slug), true) = (name, slug, wrong.is_empty()) else { return Err(Error::Invalid(wrong)) };
    Ok(Establishment {
        id: EstablishmentId::new(),
        number: new.number.unwrap_or_default(),
        slug,
        name,
        uai,
        zone: new.zone.clone().filter(|z| !z.is_empty()),
        locality,
        contact,
        status: EstablishmentStatus::Active,
        placement: DEFAULT_PLACEMENT.to_owned(),
        created_at: ctx.now,
        updated_at: ctx.now,
    })
}

fn text(field: &str, raw: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = raw.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
    if text.chars().count() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("has at most {TEXT_LENGTH_MAX} characters and no control characters")));
    }
    Ok(Some(text.to_owned()))
}
