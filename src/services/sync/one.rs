//! One entry on demand: read by its DN, applied as a run of changes, and told with the way each field came. Plans and writes nothing itself.

use connectors::{Batch, Extent, Step, Traced};

use super::super::context::Context;
use super::super::error::Error;
use super::super::source_routes;
use super::super::sources;
use super::run;
use crate::store::establishment::sync_run::{Run, StartedBy};
use crate::types::permission::Permission;

/// A run of one entry.
#[derive(Clone, Debug)]
pub struct OneRun {
    /// The run, ended.
    pub run: Run,
    /// Where each field of a person came from.
    pub trace: Vec<Traced>,
}

/// Reads one entry of a source and applies it. Whoever the source does not state there stays as they are: only a whole reading tells who left.
///
/// # Errors
/// `NotFound`, `Invalid` when the source states no such entry, `Outside` when it could not tell, and as `start`; how the run itself ended is
/// in its `state`.
pub async fn run_one(ctx: &Context, name: &str, dn: &str) -> Result<OneRun, Error> {
    ctx.require(Permission::ManageSources)?;
    let source = sources::get(ctx, name).await?;
    // What the platform's directory says of others is nobody's business here.
    source_routes::has_settings(&source)?;
    super::routed::may_begin(ctx, &source, false)?;
    if !source.enabled {
        return Err(Error::Conflict(format!("the source «{name}» is disabled: enable it first")));
    }
    let connector = sources::connector(ctx, &source).await?;
    let one = connector.one(dn).await.map_err(|failed| Error::Outside(failed.to_string()))?;
    let one = one.ok_or_else(|| Error::invalid("only", "this kind of source is read whole: leave `only` out"))?;
    let record = one.found.map_err(|absent| Error::invalid("only", format!("«{dn}»: {absent}")))?;
    let steps = vec![Step::Stated(record)];
    let batch = Batch { steps, people: Extent::Changes, groups: Extent::Changes, bookmark: None };
    let run = Box::pin(run::run_batch(ctx, name, batch, StartedBy::Hand)).await?;
    Ok(OneRun { run, trace: one.trace })
}
