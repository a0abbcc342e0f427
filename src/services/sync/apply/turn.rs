//! The transactions of a run: begun when they are needed, committed when they hold enough. Knows nothing of what is written.

use super::super::super::error::Error;
use super::super::super::logout_notices;
use super::super::super::roles;
use super::super::run::still_ours_in;
use super::Work;
use crate::store::Tx;
use crate::store::establishment::{membership, source_state, sync_run};

/// What one transaction holds at most, in units of about a microsecond, where nobody knows who waits for it.
const WEIGHT_MAX: usize = 30_000;
/// What it holds at most while nobody waits: long ones write each page of the store less often.
const ALONE_WEIGHT_MAX: usize = 2_000_000;
/// What it holds at least before it makes way for someone who waits.
const YIELD_WEIGHT: usize = 2_000;
/// From how many new memberships on it pays to build their index once.
const INDEX_ASIDE_MIN: usize = 20_000;

impl Work<'_> {
    /// The open transaction, or a new one.
    pub(super) async fn take(&mut self) -> Result<Tx, Error> {
        if let Some(tx) = self.open.take() {
            return Ok(tx);
        }
        if self.writes && self.announced.is_none() && (self.plan.ends_sessions() || self.sends_for_roles) {
            // Before the transaction, as long as it is not known how long that takes: whoever is disabled is signed out everywhere, and
            // applications and people hear of roles.
            self.announced = Some(logout_notices::announce_also(self.ctx, self.sends_for_roles).await?);
        }
        let mut tx = self.ctx.store.begin().await?;
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
        if self.spent < self.most() {
            self.open = Some(tx);
            return Ok(());
        }
        self.settle(tx).await
    }

    /// What the open transaction may hold.
    fn most(&self) -> usize {
        match self.others_wait() {
            Some(true) => YIELD_WEIGHT,
            Some(false) => ALONE_WEIGHT_MAX,
            None => WEIGHT_MAX,
        }
    }

    /// Whether someone waits for the store, where that is known.
    fn others_wait(&self) -> Option<bool> {
        self.ctx.store.others_wait().filter(|_| self.ctx.gateway.node.serves())
    }

    /// Before many people are put into groups of which nobody has members: the index of memberships by person is built once at the end, a fifth of
    /// the time that it takes row by row. Whoever comes to wait meanwhile waits until it stands.
    pub(super) async fn set_index_aside(&mut self, tx: &mut Tx, coming: usize) -> Result<(), Error> {
        if coming >= INDEX_ASIDE_MIN && self.others_wait() == Some(false) && !membership::any(tx).await? {
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
            roles::recompute_part_in(&mut tx, self.ctx, &losing, &mut self.telling).await?;
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
        Ok(())
    }
}
