//! Letters to administrators about a run that is held: once for what it would take away, however often a schedule tries it again.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::super::mail::{self, HeldRun, Letter, Recipient};
use super::super::outbox::{self, Announced};
use crate::store::Tx;
use crate::store::establishment::assignment::{self, Filter};
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::store::establishment::sync_run::{self, Run};
use crate::store::establishment::user::{self, UserStatus};
use crate::types::id::UserId;
use crate::types::locale::Locale;
use crate::types::page::PageRequest;
use crate::types::permission::{APPLICATION, GatewayRole};

/// Most administrators who get a letter.
const RECIPIENTS_MAX: i64 = 50;
/// Most names in a letter.
const NAMES_MAX: usize = 20;
/// What takes away.
const LOSSES: [Operation; 3] = [Operation::Disabled, Operation::Removed, Operation::MembersRemoved];

/// Letters about a run, announced before its transaction.
#[derive(Debug)]
pub struct Telling {
    recipients: Vec<Recipient>,
    announced: Announced,
}

/// Announces letters, when there is a server that takes them and somebody to read them. To be called before the run's last transaction.
///
/// # Errors
/// When a store fails.
pub async fn announce(ctx: &Context) -> Result<Option<Telling>, Error> {
    if !ctx.gateway.mailer.is_configured() {
        return Ok(None);
    }
    let recipients = recipients(ctx).await?;
    if recipients.is_empty() {
        tracing::warn!(establishment = ctx.slug(), "a run is held, and no administrator has an address to be told at");
        return Ok(None);
    }
    Ok(Some(Telling { recipients, announced: outbox::announce(ctx).await? }))
}

impl Telling {
    /// Writes the letters with the end of the run, unless those of an earlier run said the same.
    pub async fn write_in(&self, tx: &mut Tx, ctx: &Context, run: &Run) -> Result<(), Error> {
        let losses = losses(tx, run).await?;
        if let Some(earlier) = sync_run::find_held_before(tx, run).await?
            && same(&losses, &self::losses(tx, &earlier).await?)
            && (!losses.is_empty() || earlier.error == run.error)
        {
            return Ok(());
        }
        let letter = Letter::RunHeld(Box::new(held(ctx, run, &losses)));
        for recipient in &self.recipients {
            mail::write_in(tx, ctx, recipient, &letter, Some(run.id.uuid())).await?;
        }
        Ok(())
    }

    /// Has the letters sent, after the commit.
    pub async fn hurry(self, ctx: &Context) {
        self.announced.hurry(ctx).await;
    }
}

fn held(ctx: &Context, run: &Run, losses: &[Change]) -> HeldRun {
    let named: Vec<&Change> = losses.iter().filter(|change| change.kind != ChangeKind::Membership).collect();
    HeldRun {
        establishment: ctx.establishment.name.clone(),
        slug: ctx.slug().to_owned(),
        source: run.source.clone(),
        run: run.id.to_string(),
        url: format!("{}/api/v1/establishments/{}/runs/{}", ctx.gateway.public_url, ctx.slug(), run.id),
        read: run.counts.read,
        people: run.counts.disabled,
        groups: run.counts.removed,
        memberships: run.counts.memberships_removed,
        names: named.iter().take(NAMES_MAX).map(|change| change.name.clone()).collect(),
        others: named.len().saturating_sub(NAMES_MAX) as u64,
    }
}

async fn losses(tx: &mut Tx, run: &Run) -> Result<Vec<Change>, Error> {
    let mut all = Vec::new();
    for operation in LOSSES {
        all.extend(change::list_of_operation(tx, run.id, operation).await?);
    }
    Ok(all)
}

/// Whether two runs would take the same away, in whatever order.
fn same(one: &[Change], other: &[Change]) -> bool {
    fn key(change: &Change) -> (Operation, Option<Uuid>, String) {
        let members = change.detail.as_ref().filter(|_| change.kind == ChangeKind::Membership);
        (change.operation, change.subject_id, members.map(ToString::to_string).unwrap_or_default())
    }
    one.len() == other.len() && one.iter().map(key).collect::<HashSet<_>>() == other.iter().map(key).collect()
}

/// Whoever may decide and has an address; the establishment's contact when nobody does.
async fn recipients(ctx: &Context) -> Result<Vec<Recipient>, Error> {
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
    let holds = |from: Option<_>, until: Option<_>| from.is_none_or(|from| from <= ctx.now) && until.is_none_or(|until| until > ctx.now);
    let holders: BTreeSet<UserId> = given.into_iter().filter(|one| holds(one.valid_from, one.valid_until)).map(|one| one.user_id).collect();
    let people = user::list_by_ids(&mut tx, &holders.into_iter().collect::<Vec<_>>()).await?;
    let active = people.into_iter().filter(|person| person.status == UserStatus::Active);
    let mut found: Vec<Recipient> = active
        .filter_map(|person| {
            let locale = person.locale.as_deref().and_then(Locale::from_tag).unwrap_or_default();
            Some(Recipient { name: Some(person.display_name), email: person.email?, locale })
        })
        .collect();
    let contact = &ctx.establishment.contact;
    if let Some(email) = contact.email.clone().filter(|_| found.is_empty()) {
        found.push(Recipient { name: None, email, locale: Locale::default() });
    }
    let mut seen = BTreeSet::new();
    Ok(found.into_iter().filter(|one| seen.insert(one.email.to_lowercase())).collect())
}
