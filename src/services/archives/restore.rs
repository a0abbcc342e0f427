//! Restore: an archive put back in the place of what is there, whole or not at all.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::envelope::Key;
use super::landing::{Coming, Landing};
use super::progress::Progress;
use super::read::Checked;
use super::{refusal, secrets, verify};
use crate::services::audit;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::logout_notices;
use crate::services::schedules;
use crate::store::establishment::{archive, sync_run};
use crate::store::{Tx, notices};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::permission::{GatewayRole, Permission};
use crate::types::time::Timestamp;

/// What is said of a run that nobody carries on any more.
const ENDED: &str = "ended when the establishment was put back from an archive: start it again";

/// An archive that was put back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Restored {
    /// The establishment.
    pub slug: String,
    /// When the archive was written: what is there now is of that moment.
    pub archived_at: Timestamp,
    /// Rows written.
    pub rows: u64,
    /// Names the notices of the sign-outs that this brought about.
    pub batch: Uuid,
}

/// Puts an archive of this very establishment back, in one transaction: while it is under way and when it fails, the old content stands. Sessions,
/// grants and tokens of applications end for everyone. The trail is kept and completed, never taken back.
///
/// Operators may put back any archive of the establishment. Its administrators may put back those that this installation wrote for it: so nobody
/// brings in rights or secrets that were never here.
///
/// # Errors
/// `Archive` with the reason; then nothing was written.
pub async fn restore(ctx: &Context, path: &Path, key: &Key, progress: &Arc<Progress>) -> Result<Restored, Error> {
    ctx.require(Permission::Archive)?;
    let checked = verify(&ctx.gateway, path, key, progress).await?;
    admissible(ctx, &checked)?;
    let (announced, batch) = (logout_notices::announce(ctx).await?, Uuid::now_v7());
    let landing = Landing { gateway: &ctx.gateway, path, key, progress, slug: ctx.slug(), home: ctx.is_platform(), with_tokens: true };
    let coming = landing.open().await;
    let mut tx = ctx.store.begin().await?;
    tx.set_large(true).await?;
    let replaced = replace_in(&mut tx, ctx, &landing, coming, (&checked, batch)).await;
    tx.set_large(false).await?;
    replaced?;
    tx.commit().await?;
    ctx.gateway.keys.forget(ctx.slug()).await;
    if let Err(error) = tell_others(ctx).await {
        tracing::warn!(establishment = ctx.slug(), %error, "other nodes sign with the keys of before for up to a minute");
    }
    announced.hurry(ctx).await;
    schedules::look_at_all(ctx).await?;
    tracing::info!(establishment = ctx.slug(), rows = checked.manifest.rows, "establishment put back from an archive");
    Ok(Restored { slug: ctx.slug().to_owned(), archived_at: checked.header.created_at, rows: checked.manifest.rows, batch })
}

/// Puts the rows of an archive in the place of those that are there.
async fn replace_in(
    tx: &mut Tx,
    ctx: &Context,
    landing: &Landing<'_>,
    coming: Coming,
    (checked, batch): (&Checked, Uuid),
) -> Result<(), Error> {
    // Applications hear of the end of the sessions that are there now, by the addresses they gave until now.
    logout_notices::for_everyone_in(tx, ctx, batch).await?;
    archive::delete_everything(tx).await?;
    landing.fill(tx, checked, coming).await?;
    settle_in(tx, ctx).await?;
    let detail = json!({ "archived_at": checked.header.created_at, "rows": checked.manifest.rows, "sha256": checked.manifest.sha256, "batch": batch });
    audit::record_in(tx, ctx, "establishment.restored", ("establishment", ctx.slug()), detail).await
}

/// Has every node drop what it keeps of the establishment. A restore writes nothing into the registry that would say so.
async fn tell_others(ctx: &Context) -> Result<(), Error> {
    let mut tx = ctx.gateway.stores.registry().begin().await?;
    notices::announce(&mut tx, ctx.slug()).await?;
    Ok(tx.commit().await?)
}

/// What has to be done to a store after rows came into it from an archive.
pub async fn settle_in(tx: &mut Tx, ctx: &Context) -> Result<(), Error> {
    // One a source at most is unfinished.
    for state in ["queued", "running"] {
        let filter = sync_run::Filter { state: Some(state.to_owned()), ..sync_run::Filter::default() };
        for run in sync_run::list(tx, &PageRequest::first(LIMIT_MAX), &filter).await?.items {
            sync_run::fail(tx, run.id, ENDED).await?;
        }
    }
    crate::services::establishments::prepare_in(tx, ctx).await
}

/// Whether an archive may be put back here by this actor.
pub fn admissible(ctx: &Context, checked: &Checked) -> Result<(), Error> {
    let stated = &checked.header.establishment;
    if stated.slug != ctx.slug() {
        return Err(refusal::unfit(format!(
            "this archive is of «{}», and not of «{}»: put it back there, or import it beside",
            stated.slug,
            ctx.slug()
        )));
    }
    let (id, digest) = (ctx.establishment.id.to_string(), &checked.manifest.sha256);
    let ours = secrets::is_signed(&ctx.gateway.vault, ctx.slug(), &id, digest, checked.manifest.seal.as_deref());
    if ours || ctx.actor.may_act_as(GatewayRole::Operator) {
        return Ok(());
    }
    Err(refusal::unfit("this archive was not written by this installation for this establishment: only an operator may put it back"))
}
