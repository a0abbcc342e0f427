//! An establishment made, with a store, keys' place and a first administrator of its own: all of it, or nothing that stays.

use std::sync::Arc;

use serde_json::json;
use tracing::Instrument;

use super::super::audit;
use super::super::context::{Context, PlatformContext};
use super::super::error::Error;
use super::super::links::Link;
use super::super::users::{self, NewUser};
use super::{NewEstablishment, fitting_in, letters, prepare, register_in};
use crate::store::Tx;
use crate::store::establishment::user::User;
use crate::store::registry::establishment::{self, Contact, Establishment};
use crate::types::permission::{GatewayRole, Permission};

/// The first administrator's user name when the contact has no address.
const FIRST_ADMINISTRATOR: &str = "admin";

/// A new establishment, its first administrator, and the link by which that person chooses a password. The link is mailed to the contact, or
/// shown once: never both.
#[derive(Debug)]
pub struct Created {
    /// The establishment.
    pub establishment: Establishment,
    /// Its first administrator, pending.
    pub administrator: User,
    /// The contact's address, when the link is mailed there.
    pub mailed_to: Option<String>,
    /// The administrator's one-time link, when it is not mailed.
    pub link: Option<Link>,
}

/// Makes an establishment with a store, keys' place and a first administrator of its own. Once begun it is carried through, also when the
/// caller hangs up; when a step fails, the store that was made for it is removed.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Conflict` when slug, number or UAI is taken.
pub async fn create(platform: &PlatformContext, new: &NewEstablishment) -> Result<Created, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let (platform, new) = (platform.clone(), new.clone());
    let making = async move { Box::pin(carry_through(&platform, &new)).await };
    let ended = tokio::spawn(making.in_current_span()).await;
    ended.unwrap_or_else(|e| Err(Error::Internal(format!("making an establishment broke off: {e}"))))
}

async fn carry_through(platform: &PlatformContext, new: &NewEstablishment) -> Result<Created, Error> {
    let ctx = platform.context();
    let wanted = fitting_in(&mut platform.registry().read().await?, ctx, new).await?;
    let is_mailed = letters::is_wanted(ctx, new.send_mail, &wanted.contact)?;
    let announced = if is_mailed { Some(letters::announce(ctx, &wanted).await?) } else { None };
    let mut registry = platform.registry().begin().await?;
    let made = register_in(&mut registry, ctx, new).await?;
    let (there, administrator, link) = match settle(ctx, &mut registry, &made, is_mailed).await {
        Ok(settled) => settled,
        Err(error) => {
            // The registry is still held: nobody makes another of this slug meanwhile, whose file would bear the same name.
            told(&made, ctx.gateway.stores.remove(&made).await.map_err(Error::from));
            return Err(error);
        }
    };
    if let Err(error) = registry.commit().await {
        told(&made, withdraw_unknown(platform, &made).await);
        return Err(error.into());
    }
    let mut trail = ctx.store.begin().await?;
    let detail = json!({ "name": made.name, "mailed": is_mailed });
    audit::record_in(&mut trail, ctx, "establishment.created", ("establishment", &made.slug), detail).await?;
    trail.commit().await?;
    if let Some(announced) = announced {
        announced.hurry(&there).await;
    }
    let mailed_to = made.contact.email.clone().filter(|_| is_mailed);
    Ok(Created { establishment: made, administrator, mailed_to, link: (!is_mailed).then_some(link) })
}

/// Fills the store of an establishment that the registry is about to know: whoever finds an establishment finds its store.
async fn settle(ctx: &Context, registry: &mut Tx, made: &Establishment, is_mailed: bool) -> Result<(Context, User, Link), Error> {
    let store = ctx.gateway.stores.provision_new(made).await?;
    establishment::note_version(registry, made.id, crate::store::newest_version()).await?;
    let there = Context { establishment: Arc::new(made.clone()), store, ..ctx.clone() };
    let (administrator, link) = first_administrator(&there, &made.contact, is_mailed).await?;
    Ok((there, administrator, link))
}

/// Removes the store of an establishment that the registry did not take. One that it took, its answer lost, stays.
async fn withdraw_unknown(platform: &PlatformContext, made: &Establishment) -> Result<(), Error> {
    // Writers take turns: a commit that was under way has ended here.
    let mut registry = platform.registry().begin().await?;
    match establishment::find(&mut registry, &made.slug).await? {
        Some(_) => Ok(()),
        None => Ok(platform.context().gateway.stores.remove(made).await?),
    }
}

fn told(made: &Establishment, removed: Result<(), Error>) {
    if let Err(error) = removed {
        tracing::error!(establishment = made.slug, %error, "an establishment was not made, and its store could not be removed");
    }
}

async fn first_administrator(there: &Context, contact: &Contact, is_mailed: bool) -> Result<(User, Link), Error> {
    let new = NewUser {
        username: contact.email.clone().unwrap_or_else(|| FIRST_ADMINISTRATOR.to_owned()),
        given_name: contact.given_name.clone(),
        family_name: contact.family_name.clone(),
        email: contact.email.clone(),
        ..NewUser::default()
    };
    let mut tx = there.store.begin().await?;
    prepare::prepare_in(&mut tx, there).await?;
    let made = users::create_in(&mut tx, there, &new).await?;
    prepare::give_gateway_role_in(&mut tx, there, made.0.id, GatewayRole::Administrator, "first administrator").await?;
    if is_mailed {
        letters::write_in(&mut tx, there, contact, &made.0, &made.1).await?;
    }
    tx.commit().await?;
    Ok(made)
}
