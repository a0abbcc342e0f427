//! Export: one moment of a store, row by row, into an archive.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;

use super::apart;
use super::envelope::Lock;
use super::format::{Header, Manifest, Secrets};
use super::progress::Progress;
use super::read::{PAGE_ROWS, Page};
use super::secrets;
use super::write::Writer;
use crate::services::audit;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::store::Tx;
use crate::store::establishment::archive::{self, Row};
use crate::store::establishment::archive_tables::{TABLES, Table};
use crate::types::permission::{GatewayRole, Permission};

/// What the reader of the store tells the writer of the file. Without the end there is no archive: half of one must not look whole.
enum Step {
    Rows(Page),
    End,
}

/// Pages that wait between the store and the file.
const PAGES_WAITING: usize = 4;

/// Writes the whole establishment into an archive. Everything in it is of one moment, and nobody waits meanwhile.
///
/// Operators write secrets open, for any installation; an administrator's archive keeps them sealed, for this installation only: nobody reads in an
/// archive what they may not read here.
///
/// # Errors
/// `Outside` when the file cannot be written.
pub async fn export<W: Write + Send + 'static>(
    ctx: &Context,
    lock: &Lock,
    out: W,
    progress: &Arc<Progress>,
) -> Result<(Manifest, W), Error> {
    ctx.require(Permission::Archive)?;
    let secrets = if ctx.actor.may_act_as(GatewayRole::Operator) { Secrets::Open } else { Secrets::Sealed };
    let header = Header::new(&ctx.establishment, secrets, ctx.now);
    let (pages, taken) = mpsc::channel(PAGES_WAITING);
    // The trail is written before anything leaves, and is part of what does.
    let mut tx = ctx.store.begin().await?;
    audit::record_in(&mut tx, ctx, "establishment.exported", ("establishment", ctx.slug()), json!({ "secrets": secrets })).await?;
    tx.commit().await?;
    let writing = apart({
        let (ctx, lock, progress) = (ctx.clone(), lock.clone(), progress.clone());
        move || write(&ctx, &lock, &header, out, taken, &progress)
    });
    let reading = async {
        let mut tx = ctx.store.snapshot().await?;
        read(&mut tx, progress, &pages).await
    };
    let (read, written) = tokio::join!(reading, writing);
    // When the writer stopped, the reader only noticed that nobody takes its pages.
    match (read, written) {
        // A writer that was told no end only says so; the reader says why.
        (Err(read), Ok(None)) => Err(read),
        // A reader whose pages nobody takes only says so; the writer says why.
        (_, Err(written)) => Err(written),
        (Ok(()), Ok(Some(written))) => Ok(written),
        (read, Ok(_)) => Err(read.err().unwrap_or_else(|| Error::Internal("an archive was read and not ended".to_owned()))),
    }
}

/// Reads every table in the order of its key, page by page.
async fn read(tx: &mut Tx, progress: &Progress, pages: &mpsc::Sender<Step>) -> Result<(), Error> {
    for table in TABLES {
        progress.expect(u64::try_from(archive::count_rows(tx, table).await?).unwrap_or_default());
    }
    for table in TABLES {
        let mut after: Option<Row> = None;
        loop {
            let rows = next_page(tx, table, after.as_ref()).await?;
            after = rows.last().cloned();
            let last = rows.len() < PAGE_ROWS;
            if !rows.is_empty() {
                pages.send(Step::Rows(Page { table, rows })).await.map_err(|_| untaken())?;
            }
            if last {
                break;
            }
        }
    }
    pages.send(Step::End).await.map_err(|_| untaken())
}

fn untaken() -> Error {
    Error::Internal("nobody takes the rows any more".to_owned())
}

/// The next rows of a table.
pub async fn next_page(tx: &mut Tx, table: &Table, after: Option<&Row>) -> Result<Vec<Row>, Error> {
    Ok(archive::list_rows(tx, table, after, i64::try_from(PAGE_ROWS).unwrap_or(i64::MAX)).await?)
}

/// Writes what comes until the end is told; nothing when it never is.
fn write<W: Write>(
    ctx: &Context,
    lock: &Lock,
    header: &Header,
    out: W,
    mut steps: mpsc::Receiver<Step>,
    progress: &Progress,
) -> Result<Option<(Manifest, W)>, Error> {
    let mut writer = Writer::begin(lock.close(out)?, header)?;
    let vault = &ctx.gateway.vault;
    while let Some(step) = steps.blocking_recv() {
        let Step::Rows(mut page) = step else {
            let id = header.establishment.id.to_string();
            return writer.end(|digest| secrets::sign(vault, ctx.slug(), &id, digest).map(Some)).map(Some);
        };
        for row in &mut page.rows {
            secrets::pack(vault, ctx.slug(), header.secrets, page.table, row)?;
        }
        writer.add(page.table, &page.rows)?;
        progress.advance(page.rows.len());
    }
    Ok(None)
}
