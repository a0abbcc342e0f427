//! Roles follow facts: at once in a small run, in steps at the end of a large one.

use super::super::super::error::Error;
use super::super::super::roles::{self, Pass, Telling};
use super::Work;
use crate::store::Tx;
use crate::types::id::UserId;

/// Beyond so many people touched, everyone's roles are computed again: one pass is cheaper.
const TOUCHED_MAX: usize = 5_000;
/// What one step of the pass weighs.
const STEP_WEIGHT: usize = 15_000;

impl Work<'_> {
    /// Computes the roles of whoever was touched.
    pub(super) async fn roles(&mut self) -> Result<(), Error> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.append(&mut self.losing);
        touched.sort_unstable();
        touched.dedup();
        if touched.is_empty() && !self.everyone {
            return Ok(());
        }
        let all = self.everyone || touched.len() > TOUCHED_MAX;
        let begun = std::time::Instant::now();
        let people = touched.len();
        let changed = if all { self.everyone_in_steps().await? } else { self.some_in_steps(&touched).await? };
        tracing::debug!(run.id = %self.run.id, took = ?begun.elapsed(), people, all, gained = changed.gained, lost = changed.lost, "roles written");
        Ok(())
    }

    async fn everyone_in_steps(&mut self) -> Result<roles::Changed, Error> {
        let mut pass = Pass::over_everyone().telling(self.told());
        loop {
            let mut tx = self.take().await?;
            if !pass.step_in(&mut tx, self.ctx).await? {
                let changed = pass.note_in(&mut tx, self.ctx).await?;
                self.give_back(tx, 1).await?;
                return Ok(changed);
            }
            self.give_back(tx, STEP_WEIGHT).await?;
        }
    }

    async fn some_in_steps(&mut self, touched: &[UserId]) -> Result<roles::Changed, Error> {
        let mut tx = self.take().await?;
        let changed = self.follow(&mut tx, touched).await?;
        self.told().write_in(&mut tx, self.ctx).await?;
        self.give_back(tx, touched.len()).await?;
        Ok(changed)
    }

    /// Computes some people's roles, and remembers who is to be written to at the end.
    pub(super) async fn follow(&mut self, tx: &mut Tx, users: &[UserId]) -> Result<roles::Changed, Error> {
        let mut telling = self.told();
        let changed = roles::recompute_part_in(tx, self.ctx, users, &mut telling).await?;
        if let Some(kept) = &mut self.telling {
            *kept = telling;
        }
        Ok(changed)
    }

    /// Who is to be written to so far.
    fn told(&mut self) -> Telling {
        self.telling.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
