//! Sources that keep up by themselves: run at the times of their schedule, or listened to all the time. When that is, `schedules` says; what a
//! run does, `sync`.

mod live;
mod measures;
mod scheduled;

pub use live::listen;
pub use measures::measure;
pub use scheduled::take_turn;

use super::context::Context;
use super::error::Error;
use super::schedules::Pace;
use crate::types::id::SourceId;

/// The source that a job is about.
fn subject(raw: &str) -> Result<SourceId, Error> {
    raw.parse().map_err(|_| Error::Internal(format!("a job names «{raw}», which is no source")))
}

/// The source and its pace, while it is to keep up by itself; none when it is gone, off, without a schedule, or its establishment is blocked.
async fn wanted(ctx: &Context, id: SourceId) -> Result<Option<Pace>, Error> {
    if !ctx.is_open() {
        return Ok(None);
    }
    let pace = Pace::find_in(&mut ctx.store.read().await?, id).await?;
    Ok(pace.filter(|pace| pace.due().is_some()))
}
