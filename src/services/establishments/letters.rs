//! The letters that an establishment's contact gets, and when they are written.

use std::sync::Arc;

use super::super::context::Context;
use super::super::error::Error;
use super::super::links::Link;
use super::super::mail::{self, Letter, Recipient};
use super::super::outbox::{self, Announced};
use crate::store::Tx;
use crate::store::establishment::user::User;
use crate::store::registry::establishment::{Contact, Establishment};
use crate::types::Invalid;

/// Whether the letter is to be written: unless told otherwise, wherever it can be.
///
/// # Errors
/// `Invalid` when it is asked for and cannot be sent, with what to do.
pub(super) fn is_wanted(ctx: &Context, asked: Option<bool>, contact: &Contact) -> Result<bool, Invalid> {
    let configured = ctx.gateway.mailer.is_configured();
    match asked {
        Some(false) => Ok(false),
        None => Ok(configured && contact.email.is_some()),
        Some(true) if !configured => Err(Invalid::new(
            "send_mail",
            "no server takes mail: set mail.host and mail.from in the configuration, or ask for no mail and pass the link of the answer on yourself",
        )),
        Some(true) if contact.email.is_none() => {
            Err(Invalid::new("contact.email", "is where the mail goes: give it, or ask for no mail and pass the link on yourself"))
        }
        Some(true) => Ok(true),
    }
}

/// Announces the letter before the establishment is written. Should it never be, there is nothing to send and nobody minds.
pub(super) async fn announce(ctx: &Context, wanted: &Establishment) -> Result<Announced, Error> {
    outbox::announce(&Context { establishment: Arc::new(wanted.clone()), ..ctx.clone() }).await
}

/// The contact's address, for a letter that is to be written.
///
/// # Errors
/// `Invalid` when it cannot be sent, with what to do.
pub(super) fn reachable(ctx: &Context) -> Result<String, Invalid> {
    let contact = &ctx.establishment.contact;
    is_wanted(ctx, Some(true), contact)?;
    contact.email.clone().ok_or_else(|| Invalid::new("contact.email", "is where the mail goes"))
}

/// Writes the letter with a link by which an administrator chooses another password, in the transaction that makes the link (SAC-23).
pub(super) async fn write_reset_in(tx: &mut Tx, there: &Context, administrator: &str, link: &Link) -> Result<(), Error> {
    let letter = Letter::AccessReset {
        establishment: there.establishment.name.clone(),
        sign_in_url: format!("{}/login", there.issuer()),
        administrator: administrator.to_owned(),
        // It goes to the contact, sealed until it is sent.
        link: link.url.expose().to_owned(),
        link_expires_at: link.expires_at,
    };
    mail::write_in(tx, there, &recipient(there, &there.establishment.contact), &letter, None).await.map(drop)
}

fn recipient(there: &Context, contact: &Contact) -> Recipient {
    let names = [contact.given_name.as_deref(), contact.family_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Recipient { name: (!name.is_empty()).then_some(name), email: contact.email.clone().unwrap_or_default(), locale: there.locale }
}

/// Writes the letter with the first administrator's link, in the transaction that makes that person.
pub(super) async fn write_in(tx: &mut Tx, there: &Context, contact: &Contact, administrator: &User, link: &Link) -> Result<(), Error> {
    let letter = Letter::EstablishmentCreated {
        establishment: there.establishment.name.clone(),
        sign_in_url: format!("{}/login", there.issuer()),
        administrator: administrator.username.clone(),
        // It goes to the contact, sealed until it is sent.
        link: link.url.expose().to_owned(),
        link_expires_at: link.expires_at,
    };
    mail::write_in(tx, there, &recipient(there, contact), &letter, None).await.map(drop)
}
