//! Acts on many chosen establishments at once (SAC-29 to SAC-33). What is asked for is a run in the platform's own store, with one item an
//! establishment; a job carries it on, on whichever node. One that fails is listed and does not stop the rest, and what is done is not repeated.

mod act;
mod carry;
mod choice;
mod letter;

pub use act::{Act, Closing};
pub use carry::carry_on;
pub use choice::{CHOSEN_MAX, Choice, ChosenFilter};
pub use letter::{Letters, NewLetter, To, write};

use serde_json::json;

use super::audit;
use super::context::PlatformContext;
use super::error::Error;
use super::leases::{self, Lease};
use crate::store::Tx;
use crate::store::establishment::bulk_item::{self, BulkItem, ItemOutcome};
use crate::store::establishment::bulk_run::{self, BulkRun, BulkState, Verb};
use crate::store::registry::job::Kind;
use crate::types::id::{BulkItemId, BulkRunId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::slug::PLATFORM;
use crate::types::time::Timestamp;

/// How long a run that ended stays listed, in seconds: 90 days.
const KEPT_S: i64 = 90 * 24 * 3600;
/// What the platform's trail says of a run.
const STARTED: &str = "bulk.started";

/// Has an act on many establishments begun by whichever node is free, and answers the run at once.
///
/// # Errors
/// As for [`begin`].
pub async fn start(platform: &PlatformContext, choice: &Choice, act: Act) -> Result<BulkRun, Error> {
    let ctx = platform.context();
    let (run, lease) = begin(platform, choice, act).await?;
    lease.finish(Some(ctx.now)).await?;
    ctx.gateway.node.wake();
    Ok(run)
}

/// Begins an act on many establishments in this process's hands: whoever gets the lease carries it on with [`carry_on`]. Should the process
/// end before, another node takes it over.
///
/// # Errors
/// `Invalid` when the choice, the letter, the recipient or the confirmation does not fit.
pub async fn begin(platform: &PlatformContext, choice: &Choice, act: Act) -> Result<(BulkRun, Lease), Error> {
    let ctx = platform.context();
    ctx.require(Permission::ManageEstablishments)?;
    let slugs = choice.resolve(platform).await?;
    let act = act.checked(ctx, slugs.len())?;
    let run = BulkRun {
        id: BulkRunId::new(),
        verb: act.verb(),
        state: BulkState::Running,
        wanted: serde_json::to_value(&act).map_err(|e| Error::Internal(format!("an act does not serialise: {e}")))?,
        total: i64::try_from(slugs.len()).unwrap_or(i64::MAX),
        done: 0,
        failed: 0,
        sums: json!({}),
        started_by: ctx.actor.label(),
        started_at: ctx.now,
        ended_at: None,
    };
    // Held before anything is written: when this process dies, another one takes over, or finds no run and nothing to do.
    let lease = leases::begin(&ctx.gateway, Kind::Bulk, PLATFORM, &run.id.to_string(), ctx.now).await?;
    let lease = lease.ok_or_else(|| Error::Internal("a new run is held by another node, though its key is new".to_owned()))?;
    let mut tx = ctx.store.begin().await?;
    bulk_run::insert(&mut tx, &run).await?;
    bulk_item::insert_all(&mut tx, &slugs.iter().map(|slug| item(&run, slug)).collect::<Vec<_>>()).await?;
    let detail = json!({ "verb": run.verb, "total": run.total, "establishments": slugs });
    audit::record_in(&mut tx, ctx, STARTED, ("bulk_run", &run.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok((run, lease))
}

fn item(run: &BulkRun, slug: &str) -> BulkItem {
    BulkItem {
        id: BulkItemId::new(),
        run_id: run.id,
        slug: slug.to_owned(),
        outcome: ItemOutcome::Waiting,
        attempts: 0,
        error: None,
        detail: None,
        ended_at: None,
    }
}

/// How far a run came.
///
/// # Errors
/// `NotFound`.
pub async fn show(platform: &PlatformContext, id: BulkRunId) -> Result<BulkRun, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    find_in(&mut platform.context().store.read().await?, id).await
}

/// A page of runs, newest first; of one verb when it is named.
pub async fn list(platform: &PlatformContext, page: &PageRequest, verb: Option<Verb>) -> Result<Page<BulkRun>, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    Ok(bulk_run::list(&mut platform.context().store.read().await?, page, verb).await?)
}

/// A page of a run's establishments and how each fared, in the order in which they were chosen.
///
/// # Errors
/// `NotFound`.
pub async fn items(
    platform: &PlatformContext,
    id: BulkRunId,
    page: &PageRequest,
    outcome: Option<ItemOutcome>,
) -> Result<Page<BulkItem>, Error> {
    platform.context().require(Permission::ManageEstablishments)?;
    let mut tx = platform.context().store.read().await?;
    find_in(&mut tx, id).await?;
    Ok(bulk_item::list(&mut tx, id, page, outcome).await?)
}

async fn find_in(tx: &mut Tx, id: BulkRunId) -> Result<BulkRun, Error> {
    bulk_run::find(tx, id).await?.ok_or_else(|| Error::not_found(format!("bulk run {id}")))
}

/// Removes runs that ended long ago.
pub(in crate::services) async fn sweep_in(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    Ok(bulk_run::delete_ended(tx, now.plus_s(-KEPT_S)).await?)
}
