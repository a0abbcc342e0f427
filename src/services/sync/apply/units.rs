//! The units that a source's people are in become units of the establishment. What is gone was no one's any more.

use super::super::super::error::Error;
use super::super::super::units;
use super::Work;

/// What it weighs to look at the tree.
const LOOK_WEIGHT: usize = 500;

impl Work<'_> {
    /// Adds units that were stated for the first time, and takes away those that a whole reading states no more and nothing hangs on.
    pub(super) async fn units(&mut self) -> Result<(), Error> {
        let stated = &self.inbox.units;
        if stated.is_empty() && !self.inbox.full {
            return Ok(());
        }
        let mut tx = self.take().await?;
        units::follow_in(&mut tx, self.ctx, self.run.source_id, stated, self.inbox.full).await?;
        self.give_back(tx, LOOK_WEIGHT).await
    }
}
