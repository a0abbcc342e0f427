//! Whom the gateway writes to about an establishment: whoever may decide there and has an address. It sends nothing.

use std::collections::BTreeSet;

use super::super::context::Context;
use super::super::error::Error;
use super::Recipient;
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
