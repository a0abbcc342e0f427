//! The transactions of a run: begun when they are needed, committed when they hold enough. Knows nothing of what is written.

use std::time::{Duration, Instant};

use super::super::super::error::Error;
use super::super::super::logout_notices;
use super::super::run::still_ours_in;
use super::Work;
use crate::store::Tx;
use crate::store::establishment::{membership, source_state, sync_run};

/// What one transaction holds at most, in units of about a microsecond, where nobody knows who waits for it.
const WEIGHT_MAX: usize = 30_000;
/// What it holds at most while nobody waits: long ones write each page of the store less often.
const ALONE_WEIGHT_MAX: usize = 2_000_000;
/// What it holds at most while others write too.
const POLITE_WEIGHT: usize = 1_000;
/// Rows written by one statement meanwhile.
const POLITE_ROWS: usize = 40;
/// Longest pause between two transactions meanwhile: half the time of the machine is others'.
const POLITE_PAUSE_MAX: Duration = Duration::from_millis(5);
/// For how long after someone waited others are taken to write.
const POLITE_FOR: Duration = Duration::from_millis(500);
/// From how many new memberships on it pays to build their index once.
const INDEX_ASIDE_MIN: usize = 20_000;

impl Work<'_> {
    /// The open transaction, or a new one.
    pub(super) async fn take(&mut self) -> Result<Tx, Error> {
        if let Some(tx) = self.open.take() {
            return Ok(tx);
        }
        if self.writes && self.announced.is_none() && (self.plan.ends_sessions() || self.telling.is_some()) {
            // Before the transaction, as long as it is not known how long that takes: whoever is disabled is signed out everywhere, and
            // applications and people hear of roles.
            self.announced = Some(logout_notices::announce_also(self.ctx, self.telling.is_some()).await?);
        }
        let mut tx = self.ctx.store.begin().await?;
        self.begun = Instant::now();
        still_ours_in(&mut tx, &self.run).await?;
        if !self.large {
            tx.set_large(true).await?;
            self.large = true;
        }
        Ok(tx)
    }

    /// Gives the transaction back with what it was used for; one that holds enough is committed.
    pub(super) async fn give_back(&mut self, tx: Tx, weight: usize) -> Result<(), Error> {
        self.spent += weight;
        if self.is_full(0) {
            return self.settle(tx).await;
        }
        self.open = Some(tx);
        Ok(())
    }

    /// What the open transaction may hold. What a commit costs grows with what it holds, and whoever waits waits for that too: so it is short for as
    /// long as others write, and not only once someone waits.
    fn most(&mut self) -> usize {
        match self.others_wait() {
            None => WEIGHT_MAX,
            Some(_) if self.is_polite() => POLITE_WEIGHT,
            Some(_) => ALONE_WEIGHT_MAX,
        }
    }

    /// Whether the open transaction is full with so much more.
    pub(super) fn is_full(&mut self, more: usize) -> bool {
        self.spent + more >= self.most()
    }

    /// How many rows to write at once, `usual` of them while nobody else writes.
    pub(super) fn at_once(&self, usual: usize) -> usize {
        if self.is_polite() { POLITE_ROWS } else { usual }
    }

    fn is_polite(&self) -> bool {
        self.waited_for.is_some_and(|at| at.elapsed() < POLITE_FOR)
    }

    /// Whether someone waits for the store, where that is known.
    fn others_wait(&mut self) -> Option<bool> {
        let wait = self.ctx.store.others_wait().filter(|_| self.ctx.gateway.node.serves());
        if wait == Some(true) {
            self.waited_for = Some(Instant::now());
        }
        wait
    }

    /// Before many people are put into groups of which nobody has members: the index of memberships by person is built once at the end, a fifth of
    /// the time that it takes row by row. Whoever comes to wait meanwhile waits until it stands.
    pub(super) async fn set_index_aside(&mut self, tx: &mut Tx, coming: usize) -> Result<(), Error> {
        let alone = self.others_wait() == Some(false) && !self.is_polite();
        if coming >= INDEX_ASIDE_MIN && alone && !membership::any(tx).await? {
            membership::drop_index(tx).await?;
            self.index_aside = true;
        }
        Ok(())
    }

    /// Builds the index again that was set aside.
    pub(super) async fn put_index_back(&mut self, tx: &mut Tx) -> Result<(), Error> {
        if std::mem::take(&mut self.index_aside) {
            // What is sorted for it takes the memory that the cache gives back.
            tx.set_large(false).await?;
            membership::build_index(tx).await?;
            tx.set_large(true).await?;
        }
        Ok(())
    }

    /// Commits what was done so far, whole: whoever lost something loses the roles that went with it.
    pub(super) async fn settle(&mut self, mut tx: Tx) -> Result<(), Error> {
        self.put_index_back(&mut tx).await?;
        if self.writes {
            let losing = std::mem::take(&mut self.losing);
            self.follow(&mut tx, &losing).await?;
            self.touched.extend(losing);
            let mut state = source_state::get(&mut tx, self.run.source_id).await?;
            if !state.roles_due {
                state.roles_due = true;
                source_state::keep(&mut tx, &state).await?;
            }
        }
        self.journal.flush(&mut tx).await?;
        if self.writes {
            self.run.progress = Some(self.progress());
        }
        sync_run::update(&mut tx, &self.run).await?;
        tx.commit().await?;
        self.spent = 0;
        if let Some(announced) = self.announced.take() {
            announced.hurry(self.ctx).await;
        }
        if self.is_polite() {
            tokio::time::sleep(self.begun.elapsed().min(POLITE_PAUSE_MAX)).await;
        }
        Ok(())
    }
}
