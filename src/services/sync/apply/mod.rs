//! Carries a plan out in short transactions, or only notes by name what it would do. Asks nobody and decides nothing.
//!
//! A small run is one transaction. A large one is several, each with its part of the change log, so that nobody who signs in waits for it:
//! whatever breaks it off, what is written is written down, and the next reading goes on from there. What is taken away is taken away whole,
//! roles included, in one of them; what is given may come in steps, roles last.

mod farewell;
pub mod fields;
mod foreseen;
mod groups;
mod people;
mod roles;
mod turn;
pub mod units;

use super::super::context::Context;
use super::super::error::Error;
use super::super::logout_notices::Announced;
use super::super::roles::{Telling, effects};
use super::inbox::Inbox;
use super::journal::Journal;
use super::plan::Plan;
use crate::store::Tx;
use crate::store::establishment::change::{ChangeKind, Operation};
use crate::store::establishment::proposal;
use crate::store::establishment::sync_run::{Progress, Run};
use crate::types::id::UserId;
use foreseen::Foreseen;

/// What it weighs to propose, or to take a proposal back.
const PROPOSE_WEIGHT: usize = 30;

/// One run's work on its establishment.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of one another")]
pub struct Work<'a> {
    ctx: &'a Context,
    inbox: &'a Inbox,
    plan: &'a Plan,
    /// False for a preview or a held run: changes are noted and nothing else is written.
    writes: bool,
    /// The run with what it counted so far.
    run: Run,
    journal: Journal,
    /// The transaction that is open, and how much it holds.
    open: Option<Tx>,
    spent: usize,
    /// Whether the store was made ready for a large run.
    large: bool,
    /// Whether the open transaction owes the store an index.
    index_aside: bool,
    /// When the open transaction was begun.
    begun: std::time::Instant,
    /// When someone last waited for the store.
    waited_for: Option<std::time::Instant>,
    announced: Option<Announced>,
    /// Who is to be written to about their roles, once, at the end; none where changes of roles have nothing to send.
    telling: Option<Telling>,
    /// People who may have lost roles since the last commit.
    losing: Vec<UserId>,
    /// People whose roles may be others now.
    touched: Vec<UserId>,
    /// Whether anyone's may: groups within groups changed.
    everyone: bool,
    /// Facts as they would be, where nothing is written and some rule looks at them.
    supposed: Option<Foreseen>,
}

/// Notes every change, and makes it when `writes`. The last transaction is handed back open, for the end of the run to be written with it.
///
/// # Errors
/// Whatever broke it off; what was committed before stays, and is in the change log.
pub async fn carry<'a>(ctx: &'a Context, run: Run, inbox: &'a Inbox, plan: &'a Plan, writes: bool) -> Result<Carried, Error> {
    let journal = Journal::after(run.id, run.progress.map_or(0, |progress| progress.noted));
    let mut work = Work {
        ctx,
        inbox,
        plan,
        writes,
        run,
        journal,
        open: None,
        spent: 0,
        large: false,
        index_aside: false,
        begun: std::time::Instant::now(),
        waited_for: None,
        announced: None,
        telling: (writes && effects::are_sent_by_runs(ctx).await?).then(Telling::default),
        losing: Vec::new(),
        touched: Vec::new(),
        // Whoever broke off may have left roles behind.
        everyone: plan.roles_due,
        supposed: foreseen::begin(ctx, writes).await?,
    };
    work.run.counts.read = inbox.read();
    let carried = work.stages().await;
    // Whatever came of it, the connection serves others next.
    match carried {
        Ok(mut tx) => {
            tx.set_large(false).await?;
            Ok(Carried { tx, run: work.run, announced: work.announced })
        }
        Err(error) => {
            if work.large
                && let Ok(mut tx) = ctx.store.begin().await
            {
                tx.set_large(false).await?;
                tx.commit().await?;
            }
            Err(error)
        }
    }
}

/// What is left to commit.
#[derive(Debug)]
pub struct Carried {
    /// The last transaction.
    pub tx: Tx,
    /// The run with everything it counted.
    pub run: Run,
    /// To be hurried after the commit.
    pub announced: Option<Announced>,
}

impl Work<'_> {
    async fn stages(&mut self) -> Result<Tx, Error> {
        self.people().await?;
        self.quarantined().await?;
        self.proposed().await?;
        self.groups().await?;
        if self.writes {
            self.units().await?;
            self.roles().await?;
        }
        self.foretell_roles().await?;
        let mut tx = self.take().await?;
        self.journal.flush(&mut tx).await?;
        Ok(tx)
    }

    async fn quarantined(&mut self) -> Result<(), Error> {
        let set_aside = |kind| (kind, Operation::Quarantined);
        let (inbox, plan) = (self.inbox, self.plan);
        let mut tx = self.take().await?;
        for (at, reason) in &plan.people.quarantined {
            let Some(person) = inbox.people.get(*at) else { continue };
            let id = plan.people.ids.get(*at).copied().flatten().map(UserId::uuid);
            let detail = serde_json::json!({ "reason": reason.sentence(&person.username) });
            self.run.counts.quarantined += 1;
            self.journal.note(&mut tx, set_aside(ChangeKind::User), id, &person.username, Some(detail)).await?;
        }
        for entry in &inbox.unreadable {
            let kind = if entry.kind == connectors::Kind::Person { ChangeKind::User } else { ChangeKind::Group };
            let name = entry.dn.as_deref().or(entry.external_id.as_deref()).unwrap_or("?");
            let detail = serde_json::json!({ "reason": entry.reason });
            self.journal.note(&mut tx, set_aside(kind), None, name, Some(detail)).await?;
        }
        self.run.counts.quarantined += inbox.unreadable_count;
        self.give_back(tx, plan.people.quarantined.len() + inbox.unreadable.len()).await
    }

    /// Writes who may be whom, and takes back what is no question any more.
    async fn proposed(&mut self) -> Result<(), Error> {
        let (proposals, answered) = (&self.inbox.proposals, &self.inbox.answered);
        if !self.writes || (proposals.is_empty() && answered.is_empty()) {
            return Ok(());
        }
        let mut tx = self.take().await?;
        for id in answered {
            proposal::withdraw(&mut tx, *id).await?;
        }
        for one in proposals {
            proposal::propose(&mut tx, one).await?;
        }
        self.give_back(tx, (proposals.len() + answered.len()) * PROPOSE_WEIGHT).await
    }

    /// Where the run stands, for whoever may have to go on with it.
    fn progress(&self) -> Progress {
        let before = self.run.progress.unwrap_or(self.plan.before);
        let counts = &self.run.counts;
        Progress {
            noted: self.journal.written(),
            people_taken: counts.disabled,
            groups_taken: counts.removed,
            memberships_taken: counts.memberships_removed,
            ..before
        }
    }
}
