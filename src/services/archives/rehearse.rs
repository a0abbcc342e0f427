//! Rehearsal: an archive put into a store made for it, compared row for row, and taken away again.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Key;
use super::export::next_page;
use super::format::TableSum;
use super::landing::{Landing, Sums};
use super::progress::Progress;
use super::read::Checked;
use super::{leftover, restore, secrets, verify};
use crate::services::context::{Context, Gateway};
use crate::services::error::Error;
use crate::services::leases;
use crate::store::Address;
use crate::store::establishment::archive_tables::TABLES;
use crate::store::registry::job::Kind;
use crate::types::id::EstablishmentId;
use crate::types::permission::Permission;
use crate::types::slug::{PLATFORM, Slug};
use crate::types::time::Timestamp;

/// What a rehearsal found of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableCheck {
    /// The table.
    pub name: String,
    /// Its rows in the archive.
    pub archived: u64,
    /// Its rows once put back.
    pub restored: u64,
    /// Whether every row is the same.
    pub same: bool,
}

/// What a rehearsal found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Rehearsed {
    /// Whose archive it is.
    pub slug: String,
    /// When it was written.
    pub archived_at: Timestamp,
    /// Whether all of it came back.
    pub whole: bool,
    /// Table by table.
    pub tables: Vec<TableCheck>,
}

/// Puts an archive into a store of its own, reads it back, compares, and removes that store whatever happens. Nothing else is touched.
///
/// # Errors
/// `Archive` with the reason, as putting it back would.
pub async fn rehearse(ctx: &Context, path: &Path, key: &Key, progress: &Arc<Progress>) -> Result<Rehearsed, Error> {
    // On the platform any archive may be tried; in an establishment its own.
    ctx.require(if ctx.is_platform() { Permission::ManageEstablishments } else { Permission::Archive })?;
    let checked = verify(&ctx.gateway, path, key, progress).await?;
    if !ctx.is_platform() {
        restore::admissible(ctx, &checked)?;
    }
    let (slug, placement) = (Slug::scratch(), ctx.establishment.placement.clone());
    let scratch = Address { id: EstablishmentId::new(), slug: slug.as_str().to_owned(), placement };
    // When this process dies, another one removes what it made.
    let subject = leftover::subject(&scratch);
    let lease = leases::begin(&ctx.gateway, Kind::Rehearsal, PLATFORM, &subject, ctx.now).await?;
    let tried = attempt(&ctx.gateway, &scratch, (path, key, progress), &checked).await;
    let removed = ctx.gateway.stores.remove(&scratch).await;
    if let Some(lease) = lease {
        lease.finish(removed.is_err().then(|| ctx.now.plus_s(leftover::AGAIN_AFTER_S))).await?;
    }
    removed?;
    let (archived, restored) = tried?;
    let tables = compare(&archived, &restored);
    let stated = &checked.header.establishment;
    Ok(Rehearsed {
        slug: stated.slug.clone(),
        archived_at: checked.header.created_at,
        whole: tables.iter().all(|table| table.same),
        tables,
    })
}

async fn attempt(
    gateway: &Arc<Gateway>,
    scratch: &Address,
    (path, key, progress): (&Path, &Key, &Arc<Progress>),
    checked: &Checked,
) -> Result<(Vec<TableSum>, Vec<TableSum>), Error> {
    let store = gateway.stores.provision_new(scratch).await?;
    // An operator's rights may stand in an archive of the platform only.
    let home = checked.header.establishment.slug == PLATFORM;
    let landing = Landing { gateway, path, key, progress, slug: &scratch.slug, home, with_tokens: true };
    let coming = landing.open().await;
    let mut tx = store.begin().await?;
    tx.set_large(true).await?;
    let landed = landing.fill(&mut tx, checked, coming).await?;
    tx.set_large(false).await?;
    tx.commit().await?;
    let mut sums = Sums::default();
    let mut tx = store.snapshot().await?;
    for table in TABLES {
        let mut after = None;
        loop {
            let mut rows = next_page(&mut tx, table, after.as_ref()).await?;
            let Some(last) = rows.last().cloned() else { break };
            for row in &mut rows {
                secrets::open(&gateway.vault, &scratch.slug, table, row)?;
                sums.add(table, row)?;
            }
            after = Some(last);
        }
    }
    Ok((landed.tables, sums.end()))
}

fn compare(archived: &[TableSum], restored: &[TableSum]) -> Vec<TableCheck> {
    let of = |sums: &[TableSum], name: &str| sums.iter().find(|sum| sum.name == name).cloned();
    let checks = TABLES.iter().map(|table| {
        let (archived, restored) = (of(archived, table.name), of(restored, table.name));
        TableCheck {
            name: table.name.to_owned(),
            archived: archived.as_ref().map_or(0, |sum| sum.rows),
            restored: restored.as_ref().map_or(0, |sum| sum.rows),
            same: archived == restored,
        }
    });
    checks.collect()
}
