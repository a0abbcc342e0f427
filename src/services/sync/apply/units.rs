//! The units that a source's people are in become units of the establishment. What is gone was no one's any more.

use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::super::units::{self, Stated};
use super::super::inbox::Inbox;
use super::Work;
use crate::store::Tx;
use crate::types::id::SourceId;

/// What it weighs to look at the tree.
const LOOK_WEIGHT: usize = 500;

impl Work<'_> {
    /// Adds units that were stated for the first time, and takes away those that a whole reading states no more and nothing hangs on.
    pub(super) async fn units(&mut self) -> Result<(), Error> {
        if self.inbox.units.is_empty() && !self.inbox.full {
            return Ok(());
        }
        let mut tx = self.take().await?;
        follow_in(&mut tx, self.ctx, self.run.source_id, self.inbox).await?;
        self.give_back(tx, LOOK_WEIGHT).await
    }
}

/// Brings the tree to what was read.
pub async fn follow_in(tx: &mut Tx, ctx: &Context, source: SourceId, inbox: &Inbox) -> Result<(), Error> {
    let stated = Stated { people: &inbox.units, tree: inbox.tree.as_deref(), whole: inbox.full };
    units::follow_in(tx, ctx, source, &stated).await
}
