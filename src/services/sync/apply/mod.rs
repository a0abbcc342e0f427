//! Carries a plan out within one transaction, or only notes by name what it would do. Asks nobody and decides nothing.

mod farewell;
mod groups;
mod people;

use std::time::Instant;

use super::super::context::Context;
use super::super::error::Error;
use super::super::roles;
use super::inbox::Inbox;
use super::journal::Journal;
use super::plan::Plan;
use crate::store::Tx;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::sync_run::{Counts, Run};
use crate::types::id::{SourceId, UserId};

/// Beyond so many people touched, everyone's roles are computed again: one pass is cheaper.
const TOUCHED_MAX: usize = 5_000;

/// One run's work on its establishment.
struct Work<'a> {
    ctx: &'a Context,
    source: SourceId,
    inbox: &'a Inbox,
    plan: &'a Plan,
    /// False for a preview or a held run: changes are noted and nothing else is written.
    writes: bool,
    journal: Journal,
    counts: Counts,
    /// People whose roles may be others now.
    touched: Vec<UserId>,
    /// Whether anyone's may: groups within groups changed.
    everyone: bool,
}

/// Notes every change, and makes it when `writes`.
pub async fn carry(tx: &mut Tx, ctx: &Context, run: &Run, inbox: &Inbox, plan: &Plan, writes: bool) -> Result<Counts, Error> {
    let journal = Journal::new(run.id);
    let counts = Counts { read: inbox.read(), ..Counts::default() };
    let mut work = Work { ctx, source: run.source_id, inbox, plan, writes, journal, counts, touched: Vec::new(), everyone: false };
    let begun = Instant::now();
    work.people(tx).await?;
    work.quarantined(tx).await?;
    let people = begun.elapsed();
    work.groups(tx).await?;
    work.journal.flush(tx).await?;
    let groups = begun.elapsed();
    if writes {
        work.touched.sort_unstable();
        work.touched.dedup();
        let all = work.everyone || work.touched.len() > TOUCHED_MAX;
        // Roles follow facts in the same transaction.
        let changed = if all { roles::recompute_all_in(tx, ctx).await? } else { roles::recompute_users_in(tx, ctx, &work.touched).await? };
        tracing::debug!(run.id = %run.id, ?people, ?groups, roles = ?begun.elapsed(), touched = work.touched.len(), all,
            gained = changed.gained, lost = changed.lost, "facts written");
    }
    Ok(work.counts)
}

impl Work<'_> {
    async fn quarantined(&mut self, tx: &mut Tx) -> Result<(), Error> {
        let set_aside = |kind| (kind, Operation::Quarantined);
        let (inbox, plan) = (self.inbox, self.plan);
        for (at, reason) in &plan.people.quarantined {
            let Some(person) = inbox.people.get(*at) else { continue };
            let id = plan.people.ids.get(*at).copied().flatten().map(UserId::uuid);
            let detail = serde_json::json!({ "reason": reason.sentence(&person.username) });
            self.counts.quarantined += 1;
            self.journal.note(tx, set_aside(ChangeKind::User), id, &person.username, Some(detail)).await?;
        }
        for entry in &inbox.unreadable {
            let kind = if entry.kind == connectors::Kind::Person { ChangeKind::User } else { ChangeKind::Group };
            let name = entry.dn.as_deref().or(entry.external_id.as_deref()).unwrap_or("?");
            let detail = serde_json::json!({ "reason": entry.reason });
            self.journal.note(tx, set_aside(kind), None, name, Some(detail)).await?;
        }
        self.counts.quarantined += inbox.unreadable_count;
        Ok(())
    }
}
