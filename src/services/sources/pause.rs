//! Sources that are left alone until a person says otherwise. How long failures leave one alone, `schedules` knows.

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::schedules;
use super::find_in;
use crate::store::Tx;
use crate::store::establishment::source::{self, Source};
use crate::store::establishment::source_state;
use crate::types::id::SourceId;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// Until when a source is left alone that waits for a person: the end of the calendar.
const FOR_EVER: Timestamp = Timestamp::from_seconds(253_402_300_799);

/// Has a source run by itself no more until a person runs or resumes it, and read whole when it does run. The caller announced it to
/// `schedules`.
pub(in crate::services) async fn pause_in(tx: &mut Tx, ctx: &Context, id: SourceId, why: String) -> Result<(), Error> {
    let mut state = source_state::get(tx, id).await?;
    (state.bookmark, state.paused_until, state.error) = (None, Some(FOR_EVER), Some(why));
    source_state::keep(tx, &state).await?;
    touch_in(tx, ctx, id).await
}

/// Why a source waits for a person to run or to resume it; none when it does not.
pub(in crate::services) async fn waits(ctx: &Context, id: SourceId) -> Result<Option<String>, Error> {
    let state = source_state::get(&mut ctx.store.read().await?, id).await?;
    Ok(state.error.filter(|_| state.paused_until == Some(FOR_EVER)))
}

/// Whoever listens to a source, on any node, looks at it anew.
async fn touch_in(tx: &mut Tx, ctx: &Context, id: SourceId) -> Result<(), Error> {
    if let Some(mut source) = source::find(tx, id).await? {
        source.updated_at = ctx.now;
        source::update(tx, &source).await?;
    }
    Ok(())
}

/// Has a source that was left alone, after failures or after an undo, run by itself again.
///
/// # Errors
/// `NotFound`.
pub async fn resume(ctx: &Context, name: &str) -> Result<Source, Error> {
    ctx.require(Permission::ManageSources)?;
    let standing = find_in(&mut ctx.store.read().await?, name).await?;
    let announced = schedules::announce(ctx, standing.id, standing.schedule.is_some()).await?;
    let mut tx = ctx.store.begin().await?;
    let mut state = source_state::get(&mut tx, standing.id).await?;
    if state.paused_until.is_some() {
        (state.paused_until, state.failures, state.error) = (None, 0, None);
        source_state::keep(&mut tx, &state).await?;
        touch_in(&mut tx, ctx, standing.id).await?;
        audit::record_in(&mut tx, ctx, "source.resumed", ("source", &standing.name), json!({})).await?;
    }
    let resumed = find_in(&mut tx, name).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok(resumed)
}
