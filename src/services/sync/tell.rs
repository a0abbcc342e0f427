//! Letters to administrators about a run that is held: once for what it would take away, however often a schedule tries it again.

use std::collections::HashSet;

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::super::mail::{self, HeldRun, Letter, ToAdministrators};
use crate::store::Tx;
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::store::establishment::sync_run::{self, Run};

/// Most names in a letter.
const NAMES_MAX: usize = 20;
/// What takes away.
const LOSSES: [Operation; 3] = [Operation::Disabled, Operation::Removed, Operation::MembersRemoved];

/// Announces letters, when there is a server that takes them and somebody to read them. To be called before the run's last transaction.
///
/// # Errors
/// When a store fails.
pub async fn announce(ctx: &Context) -> Result<Option<ToAdministrators>, Error> {
    mail::announce(ctx, "a run is held").await
}

/// Writes the letters with the end of the run, unless those of an earlier run said the same.
pub async fn write_in(told: &ToAdministrators, tx: &mut Tx, ctx: &Context, run: &Run) -> Result<(), Error> {
    let losses = losses(tx, run).await?;
    if let Some(earlier) = sync_run::find_held_before(tx, run).await?
        && same(&losses, &self::losses(tx, &earlier).await?)
        && (!losses.is_empty() || earlier.error == run.error)
    {
        return Ok(());
    }
    let letter = Letter::RunHeld(Box::new(held(ctx, run, &losses)));
    told.write_in(tx, ctx, &letter, Some(run.id.uuid())).await
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
