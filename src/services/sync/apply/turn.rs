//! The transactions of a run: begun when they are needed, committed when they hold enough. Knows nothing of what is written.

use super::super::super::error::Error;
use super::super::super::logout_notices;
use super::super::super::roles;
use super::super::run::still_ours_in;
use super::Work;
use crate::store::Tx;
use crate::store::establishment::{source_state, sync_run};

/// What one transaction holds at most, in units of about a microsecond: others wait so long for their turn.
const WEIGHT_MAX: usize = 30_000;

impl Work<'_> {
    /// The open transaction, or a new one.
    pub(super) async fn take(&mut self) -> Result<Tx, Error> {
        if let Some(tx) = self.open.take() {
            return Ok(tx);
        }
        if self.writes && self.announced.is_none() && self.plan.ends_sessions() {
            // Before the transaction, as long as it is not known how long that takes: whoever is disabled is signed out everywhere.
            self.announced = Some(logout_notices::announce(self.ctx).await?);
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
        if self.spent < WEIGHT_MAX {
            self.open = Some(tx);
            return Ok(());
        }
        self.settle(tx).await
    }

    /// Commits what was done so far, whole: whoever lost something loses the roles that went with it.
    pub(super) async fn settle(&mut self, mut tx: Tx) -> Result<(), Error> {
        if self.writes {
            let losing = std::mem::take(&mut self.losing);
            roles::recompute_users_in(&mut tx, self.ctx, &losing).await?;
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
