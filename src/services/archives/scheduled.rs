//! Archives that the gateway writes by itself: one of an establishment, and the oldest ones removed. Who calls it, and when, is the work of jobs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::apart;
use super::envelope::Lock;
use super::progress::Progress;
use super::save::{Saved, save};
use crate::config::Archives;
use crate::services::context::{Context, Gateway, PlatformContext};
use crate::services::error::Error;
use crate::store::registry::establishment::{self, Filter};
use crate::store::registry::job::{self, Kind};
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::slug::PLATFORM;
use crate::types::time::Timestamp;

/// What archives end in.
const ENDING: &str = ".age";
/// Files looked at in one folder.
const FILES_MAX: usize = 10_000;

/// Writes an establishment's archive into the folder of the configuration, then removes all but the newest.
///
/// # Errors
/// When it cannot be written; then none is removed.
pub async fn write_scheduled(ctx: &Context, settings: &Archives) -> Result<Saved, Error> {
    let lock = Lock::recipient(&settings.recipient)?;
    let folder = settings.folder.join(ctx.slug());
    let stamp = ctx.now.to_string().replace([':', '-'], "");
    let path = folder.join(format!("{}-{stamp}{ENDING}", ctx.slug()));
    make_folder(folder.clone()).await?;
    let saved = save(ctx, &lock, &path, true, &Arc::new(Progress::default())).await?;
    let (slug, keep) = (ctx.slug().to_owned(), usize::try_from(settings.keep).unwrap_or(usize::MAX));
    apart(move || prune(&folder, &slug, keep)).await?;
    tracing::info!(establishment = ctx.slug(), path = %saved.path.display(), size_bytes = saved.size_bytes, "archive written");
    Ok(saved)
}

/// Writes an establishment's archive beside those of the schedule, under a name of its own, which keeps it from being removed with the old ones.
/// Written again, it replaces itself.
///
/// # Errors
/// When it cannot be written.
pub async fn write_apart(ctx: &Context, recipient: &str, folder: &Path, name: &str) -> Result<Saved, Error> {
    let lock = Lock::recipient(recipient)?;
    make_folder(folder.to_owned()).await?;
    save(ctx, &lock, &folder.join(format!("{name}{ENDING}")), true, &Arc::new(Progress::default())).await
}

/// Has rounds of archives begin, where they are wanted and have not begun.
///
/// # Errors
/// When the registry fails.
pub async fn plan(gateway: &Gateway, now: Timestamp) -> Result<(), Error> {
    if !gateway.archives.are_wanted() {
        return Ok(());
    }
    let mut registry = gateway.stores.registry().begin().await?;
    if job::find(&mut registry, Kind::ArchiveRound, PLATFORM, "").await?.is_none() {
        job::ask(&mut registry, Kind::ArchiveRound, PLATFORM, now).await?;
    }
    Ok(registry.commit().await?)
}

/// Asks for an archive of every establishment and of the platform. Answers when the next round is due; never when none are wanted any more.
///
/// # Errors
/// When the registry fails.
pub async fn round(platform: &PlatformContext) -> Result<Option<Timestamp>, Error> {
    let ctx = platform.context();
    if !ctx.gateway.archives.are_wanted() {
        return Ok(None);
    }
    let mut page = PageRequest::first(LIMIT_MAX);
    let mut slugs = vec![PLATFORM.to_owned()];
    loop {
        let found = establishment::list(&mut platform.registry().read().await?, &page, &Filter::default()).await?;
        slugs.extend(found.items.into_iter().map(|e| e.slug));
        let mut registry = platform.registry().begin().await?;
        for slug in slugs.drain(..) {
            job::ask(&mut registry, Kind::Archive, &slug, ctx.now).await?;
        }
        registry.commit().await?;
        match found.next_cursor {
            Some(cursor) => page = PageRequest::parse(Some(LIMIT_MAX), Some(&cursor), None)?,
            None => return Ok(Some(ctx.now.plus_s(i64::from(ctx.gateway.archives.every_h) * 3600))),
        }
    }
}

async fn make_folder(folder: PathBuf) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    apart(move || {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|e| Error::Outside(format!("the folder {} cannot be made: {e}", folder.display())))
    })
    .await
}

/// Removes all but the newest archives of an establishment. Their names sort as they were written; other files are not touched.
fn prune(folder: &Path, slug: &str, keep: usize) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::Outside(format!("the archives in {} cannot be tidied: {e}", folder.display()));
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)?.take(FILES_MAX) {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let stamp = name.strip_prefix(slug).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_suffix(ENDING));
        if stamp.is_some_and(|stamp| stamp.ends_with('Z') && stamp.bytes().all(|b| b.is_ascii_digit() || b == b'T' || b == b'Z')) {
            names.push(name);
        }
    }
    names.sort_unstable();
    let old = names.len().saturating_sub(keep);
    for name in names.iter().take(old) {
        std::fs::remove_file(folder.join(name)).map_err(failed)?;
    }
    Ok(())
}
