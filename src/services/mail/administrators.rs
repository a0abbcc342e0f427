//! Whom the gateway writes to about an establishment: whoever may decide there and has an address.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::super::outbox::{self, Announced};
use super::{Letter, Recipient, write_in};
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Filter};
use crate::store::establishment::user::{self, UserStatus};
use crate::types::id::UserId;
use crate::types::locale::Locale;
use crate::types::page::PageRequest;
use crate::types::permission::{APPLICATION, GatewayRole};

/// Most administrators who get a letter.
const RECIPIENTS_MAX: i64 = 50;

/// Whoever may decide and has an address; the establishment's contact when nobody does.
///
/// # Errors
/// When the store fails.
pub async fn administrators(ctx: &Context) -> Result<Vec<Recipient>, Error> {
    let role = if ctx.is_platform() { GatewayRole::Operator } else { GatewayRole::Administrator };
    let filter = Filter {
        application: Some(APPLICATION.to_owned()),
        role: Some(role.name().to_owned()),
        scope: Some(String::new()),
        ..Filter::default()
    };
    // A role of the gateway that is bound to a scope gives nothing.
    let mut tx = ctx.store.read().await?;
    let given = assignment::list(&mut tx, &PageRequest::first(RECIPIENTS_MAX), &filter).await?.items;
    let holders: BTreeSet<UserId> =
        given.into_iter().filter(|one| ctx.now.is_within(one.valid_from, one.valid_until)).map(|one| one.user_id).collect();
    let people = user::list_by_ids(&mut tx, &holders.into_iter().collect::<Vec<_>>()).await?;
    let active = people.into_iter().filter(|person| person.status == UserStatus::Active);
    let mut found: Vec<Recipient> = active.filter_map(|person| Recipient::of(&person)).collect();
    let contact = &ctx.establishment.contact;
    if let Some(email) = contact.email.clone().filter(|_| found.is_empty()) {
        found.push(Recipient { name: None, email, locale: Locale::default() });
    }
    let mut seen = BTreeSet::new();
    Ok(found.into_iter().filter(|one| seen.insert(one.email.to_lowercase())).collect())
}

/// Letters to administrators about one thing, announced before the transaction of their cause.
#[derive(Debug)]
pub struct ToAdministrators {
    recipients: Vec<Recipient>,
    announced: Announced,
}

/// Announces such letters, when there is a server that takes them and somebody to read them. `what` happened is for the log, should there be nobody.
///
/// # Errors
/// When a store fails.
pub async fn announce(ctx: &Context, what: &'static str) -> Result<Option<ToAdministrators>, Error> {
    if !ctx.gateway.mailer.is_configured() {
        return Ok(None);
    }
    let recipients = administrators(ctx).await?;
    if recipients.is_empty() {
        tracing::warn!(establishment = ctx.slug(), "{what}, and no administrator has an address to be told at");
        return Ok(None);
    }
    Ok(Some(ToAdministrators { recipients, announced: outbox::announce(ctx).await? }))
}

impl ToAdministrators {
    /// Writes the letter to each, in the transaction of its cause.
    ///
    /// # Errors
    /// As [`write_in`].
    pub async fn write_in(&self, tx: &mut Tx, ctx: &Context, letter: &Letter, batch: Option<Uuid>) -> Result<(), Error> {
        for recipient in &self.recipients {
            write_in(tx, ctx, recipient, letter, batch).await?;
        }
        Ok(())
    }

    /// Has them sent, after the commit.
    pub async fn hurry(self, ctx: &Context) {
        self.announced.hurry(ctx).await;
    }
}
