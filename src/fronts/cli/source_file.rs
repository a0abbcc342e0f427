//! `passerelle source check|preview|sync`, with a file at hand or without.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use connectors::Content;

use super::local::Local;
use super::output::Output;
use super::routed;
use super::run as sync_run;
use super::source::Named;
use super::source_check;
use crate::services::routing::{self, Outcomes};
use crate::services::{source_files, sources, sync};
use crate::store::establishment::source::SourceKind;
use crate::store::establishment::sync_run::Mode;

/// A source to read, and for a source of files the file.
#[derive(Debug, Args)]
pub struct Once {
    #[command(flatten)]
    pub named: Named,
    /// The file to read, for a source of files. A sync keeps it as the source's; a check or a preview does not.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What a source reads.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// A directory.
    Ldap,
    /// A spreadsheet.
    Csv,
    /// A file of directory entries.
    Ldif,
    /// SCIM: with --url a service that is read, without it a feed that an identity provider pushes to.
    Scim,
}

impl From<Kind> for SourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Ldap => Self::Ldap,
            Kind::Csv => Self::Csv,
            Kind::Ldif => Self::Ldif,
            Kind::Scim => Self::Scim,
        }
    }
}

/// Tries a source and prints what was found.
pub async fn check(local: &Local, output: Output, once: &Once) -> anyhow::Result<()> {
    let Once { named: Named { est, source }, file } = once;
    let ctx = local.establishment(est).await?;
    let steps = match file.as_deref().map(content).transpose()? {
        Some(content) => source_files::check(&ctx, source, content).await?,
        None => sources::check(&ctx, source).await?,
    };
    source_check::report(output, &steps)
}

/// Reads a source, or the file at hand, and reports what the run did.
pub async fn read(local: &Local, output: Output, once: &Once, mode: Mode) -> anyhow::Result<()> {
    let Once { named: Named { est, source }, file } = once;
    let ctx = local.establishment(est).await?;
    let content = file.as_deref().map(content).transpose()?;
    let waiting = output.waiting("cli-reading");
    let ended = match (content, mode) {
        (Some(content), Mode::Preview) => sync::preview_file(&ctx, source, content).await.map(Outcomes::One),
        (Some(content), _) => match source_files::give(&ctx, source, content).await {
            Ok(_) => Box::pin(routing::run_to_end(&ctx, source, mode)).await,
            Err(refused) => Err(refused),
        },
        (None, _) => Box::pin(routing::run_to_end(&ctx, source, mode)).await,
    };
    waiting.finish_and_clear();
    match ended? {
        Outcomes::One(run) => sync_run::report(&ctx, output, &run).await,
        Outcomes::All(passed) => routed::report(output, &passed),
    }
}

fn content(path: &Path) -> anyhow::Result<Content> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Content { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes: bytes.into() })
}
