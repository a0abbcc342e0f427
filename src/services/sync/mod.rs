//! Sync runs: read a source, plan, let the guard look, apply, in one transaction and by name. Speaks no protocol and writes no fact
//! itself: `connectors` reads, `users` writes.

mod apply;
mod attempt;
mod beside;
mod broken;
mod digest;
mod feed;
mod guard;
mod inbox;
mod journal;
mod known;
mod matching;
mod meet;
mod members;
mod one;
mod plan;
pub mod proposals;
mod reconcile;
mod routed;
mod run;
mod spool;
mod tell;
#[cfg(test)]
mod tests;
mod undo;
mod voices;

pub(in crate::services) use apply::fields::{differences, state};
pub(in crate::services) use matching::authority::{Others, Word};
pub(in crate::services) use matching::decide::{Candidate, Decision, Entry, Stand, decide};
pub(in crate::services) use matching::likeness::{Key, named as named_trait, of_entry, of_person};
pub(in crate::services) use reconcile::{Standing, Turn};
pub(in crate::services) use voices::{Declared, Voices, elsewhere};

pub use broken::{carry_on, recover};
pub use one::{OneRun, run_one};
pub use routed::{Ended, Gathered, Part, Pass, Unplaced, begin_pass, names, receive, run_part, would_be};
pub use run::{approve, approve_to_end, preview_file, preview_with, preview_with_to_end, refuse, run_batch, run_by, run_to_end, start};
pub use undo::{undo, undo_to_end};

use super::context::Context;
use super::error::Error;
use crate::store::establishment::change::{self, Change};
use crate::store::establishment::sync_run::{self, Filter, Run};
use crate::types::id::RunId;
use crate::types::page::{LIMIT_MAX, Page, PageRequest};
use crate::types::permission::Permission;

/// A page of runs, newest first.
pub async fn runs(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Run>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(sync_run::list(&mut tx, page, filter).await?)
}

/// One run.
///
/// # Errors
/// `NotFound`.
pub async fn run(ctx: &Context, id: RunId) -> Result<Run, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    sync_run::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("run"))
}

/// The named changes of a run after a place, at most 500 of them, and how many there are in all.
///
/// # Errors
/// `NotFound`, `Invalid` for a limit out of bounds.
pub async fn changes(ctx: &Context, id: RunId, after: i64, limit: i64, filter: &change::Filter) -> Result<(Vec<Change>, i64), Error> {
    run(ctx, id).await?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid("limit", format!("{limit} is out of bounds: 1 to {LIMIT_MAX}")));
    }
    let mut tx = ctx.store.read().await?;
    Ok(change::list(&mut tx, id, after, limit, filter).await?)
}
