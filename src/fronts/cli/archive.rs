//! `passerelle establishment export|import|restore`: a whole establishment in one encrypted file.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::bulk::{self, Several};
use super::local::Local;
use super::output::{Output, print_line};
use crate::config::variable;
use crate::services::archives::{self, Key, Lock, Notice, Progress, Rehearsed, Saved};
use crate::services::bulk::Act;
use crate::services::context::Context;
use crate::services::error::Error;

/// The variable that holds the passphrase.
const VARIABLE: &str = "PASSERELLE_PASSPHRASE";
/// How often a bar moves.
const TICK: Duration = Duration::from_millis(120);

/// What to do with archives.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write an establishment into an encrypted file; the passphrase comes from PASSERELLE_PASSPHRASE or is asked for. Several go into a folder,
    /// closed with a public key.
    Export(Export),
    /// Take an archive in as a new establishment.
    Import(Import),
    /// Put an archive back in the place of what is there.
    Restore(Restore),
    /// Move its store to another placement; to the one it lies in, remove what an interrupted move left.
    Move {
        /// Its slug.
        slug: String,
        /// `default`, or a name of `store.placements`.
        #[arg(long, value_name = "PLACEMENT")]
        to: String,
    },
}

/// What to write where.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    several: Several,
    /// The file to write, for one establishment; `platform` names the platform's own people.
    #[arg(short, long, value_name = "FILE", required_unless_present = "into", conflicts_with_all = ["into", "all", "zone", "status"])]
    output: Option<PathBuf>,
    /// The folder in which each establishment gets a file of its own; they are closed with a public key.
    #[arg(long, value_name = "DIR", conflicts_with = "force")]
    into: Option<PathBuf>,
    /// Close it with this public key of age instead of a passphrase; several, when left out, with archives.recipient.
    #[arg(long, value_name = "age1…")]
    recipient: Option<String>,
    /// Overwrite the file when it is there.
    #[arg(long)]
    force: bool,
}

/// One file of one establishment.
#[derive(Debug)]
pub(super) struct One<'a> {
    pub(super) slug: &'a str,
    pub(super) output: &'a Path,
    pub(super) recipient: Option<&'a str>,
    pub(super) force: bool,
}

/// What to take in.
#[derive(Debug, Args)]
pub struct Import {
    /// The archive.
    file: PathBuf,
    /// Its name in addresses here; that of the archive when left out.
    #[arg(long)]
    slug: Option<String>,
    /// Try it in a store of its own, compare, and remove that store.
    #[arg(long, conflicts_with = "slug")]
    rehearse: bool,
    /// Open it with the private key in this file of age-keygen.
    #[arg(long, value_name = "KEY")]
    identity_file: Option<PathBuf>,
}

/// What to put back.
#[derive(Debug, Args)]
pub struct Restore {
    /// Its slug.
    slug: String,
    /// The archive.
    file: PathBuf,
    /// The slug once more; asked for on the terminal when left out.
    #[arg(long, value_name = "SLUG", conflicts_with = "rehearse")]
    confirm: Option<String>,
    /// Try it in a store of its own, compare, and remove that store.
    #[arg(long)]
    rehearse: bool,
    /// Open it with the private key in this file of age-keygen.
    #[arg(long, value_name = "KEY")]
    identity_file: Option<PathBuf>,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Export(wanted) => export(local, output, wanted).await,
        Command::Import(wanted) => import(local, output, wanted).await,
        Command::Restore(wanted) => restore(local, output, wanted).await,
        Command::Move { slug, to } => relocate(local, output, &slug, &to).await,
    }
}

async fn export(local: &Local, output: Output, wanted: Export) -> anyhow::Result<()> {
    let Export { several, output: file, into, recipient, force } = wanted;
    if let Some(folder) = into {
        return bulk::carry_out(local, output, &several, Act::Export(bulk::closing(recipient, &folder)?)).await;
    }
    let (Some(slug), Some(file)) = (several.alone(), &file) else { anyhow::bail!(output.text("cli-several-into", &[])) };
    anyhow::ensure!(force || !file.exists(), output.text("cli-file-there", &[("file", file.display().to_string().into())]));
    let saved = save(local, output, &One { slug, output: file, recipient: recipient.as_deref(), force }).await?;
    output.done(&saved, &sentence(output, &saved))
}

/// Writes an archive, with its progress shown.
pub(super) async fn save(local: &Local, output: Output, wanted: &One<'_>) -> anyhow::Result<Saved> {
    let ctx = local.establishment(wanted.slug).await?;
    let lock = match wanted.recipient {
        Some(key) => Lock::recipient(key).map_err(Error::from)?,
        None => Lock::passphrase(passphrase(output, true)?).map_err(Error::from)?,
    };
    watched(output, async |progress| Ok(archives::save(&ctx, &lock, wanted.output, wanted.force, progress).await?)).await
}

/// What is told of a written archive.
pub(super) fn sentence(output: Output, saved: &Saved) -> String {
    let file = saved.path.display().to_string();
    output.text("cli-exported", &[("name", saved.slug.clone().into()), ("file", file.into()), ("rows", saved.rows.to_string().into())])
}

async fn import(local: &Local, output: Output, wanted: Import) -> anyhow::Result<()> {
    let platform = local.platform().await?;
    let key = key(output, wanted.identity_file.as_deref())?;
    if wanted.rehearse {
        return rehearse(platform.context(), output, &wanted.file, &key).await;
    }
    let slug = wanted.slug.as_deref();
    let made = watched(output, async |progress| Ok(archives::import(&platform, &wanted.file, &key, slug, progress).await?)).await?;
    let arguments = [("name", made.establishment.slug.clone().into()), ("rows", made.rows.to_string().into())];
    let mut sentences = vec![output.text("cli-imported", &arguments)];
    sentences.extend(made.notices.iter().map(|notice| told(output, notice)));
    output.done(&made, &sentences.join("\n"))
}

async fn restore(local: &Local, output: Output, wanted: Restore) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.slug).await?;
    let key = key(output, wanted.identity_file.as_deref())?;
    if wanted.rehearse {
        return rehearse(&ctx, output, &wanted.file, &key).await;
    }
    confirmed(output, &ctx, wanted.confirm)?;
    let back = watched(output, async |progress| Ok(archives::restore(&ctx, &wanted.file, &key, progress).await?)).await?;
    let (slug, at) = (back.slug.as_str(), back.archived_at.to_string());
    let restored = output.text("cli-restored", &[("name", slug.into()), ("at", at.into()), ("rows", back.rows.to_string().into())]);
    let later = output.text("cli-receipt-later", &[("slug", slug.into()), ("batch", back.batch.to_string().into())]);
    output.done(&back, &format!("{restored}\n{later}"))
}

/// Whether everything there is may be replaced: its slug was said again, in the command or at the terminal.
fn confirmed(output: Output, ctx: &Context, given: Option<String>) -> anyhow::Result<()> {
    let slug = ctx.slug();
    let given = match given {
        None if std::io::stdin().is_terminal() => {
            Some(super::establishment_life::typed(&output.text("cli-restore-confirm", &[("slug", slug.into())]))?)
        }
        given => given,
    };
    if given.as_deref() == Some(slug) {
        return Ok(());
    }
    let name = &ctx.establishment.name;
    let told = format!("this replaces everyone and everything in {name} by what the archive holds: say «{slug}» here to confirm it");
    Err(Error::invalid("confirm", told).into())
}

async fn relocate(local: &Local, output: Output, slug: &str, to: &str) -> anyhow::Result<()> {
    let platform = local.platform().await?;
    let moved = watched(output, async |progress| Ok(archives::relocate(&platform, slug, to, progress).await?)).await?;
    let arguments = [("name", moved.slug.clone().into()), ("place", moved.to.clone().into()), ("rows", moved.rows.to_string().into())];
    output.done(&moved, &output.text("cli-moved-to", &arguments))
}

async fn rehearse(ctx: &Context, output: Output, file: &Path, key: &Key) -> anyhow::Result<()> {
    let found: Rehearsed = watched(output, async |progress| Ok(archives::rehearse(ctx, file, key, progress).await?)).await?;
    if output.is_json() {
        super::output::print_json(&found)?;
    } else {
        output.list(&found.tables, &["cli-table", "cli-archived", "cli-put-back", "cli-result"], |table| {
            let result = output.text(if table.same { "cli-same" } else { "cli-different" }, &[]);
            vec![table.name.clone(), table.archived.to_string(), table.restored.to_string(), result]
        })?;
    }
    anyhow::ensure!(found.whole, output.text("cli-rehearsal-failed", &[]));
    if output.is_json() { Ok(()) } else { print_line(&output.text("cli-rehearsed", &[])) }
}

fn told(output: Output, notice: &Notice) -> String {
    match notice {
        Notice::NumberTaken { number } => output.text("cli-notice-number", &[("number", number.to_string().into())]),
        Notice::UaiTaken { uai } => output.text("cli-notice-uai", &[("uai", uai.clone().into())]),
        Notice::ZoneUnknown { zone } => output.text("cli-notice-zone", &[("zone", zone.clone().into())]),
        Notice::TokensDropped { count } => output.text("cli-notice-tokens", &[("count", count.to_string().into())]),
    }
}

/// Runs long work under a bar on the terminal's standard error; nothing shows when no person watches.
async fn watched<T>(output: Output, work: impl AsyncFnOnce(&Arc<Progress>) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let progress = Arc::new(Progress::default());
    let bar = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{bar:40} {percent} %  {elapsed}")?);
    let moving = tokio::spawn({
        let (bar, progress) = (bar.clone(), progress.clone());
        async move {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                ticks.tick().await;
                let (done, all) = progress.so_far();
                bar.set_length(all);
                bar.set_position(done);
            }
        }
    });
    let ended = work(&progress).await;
    moving.abort();
    bar.finish_and_clear();
    ended
}

fn key(output: Output, identity_file: Option<&Path>) -> anyhow::Result<Key> {
    let Some(path) = identity_file else {
        return Ok(Key::passphrase(passphrase(output, false)?).map_err(Error::from)?);
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Key::identities(&text).map_err(Error::from)?)
}

/// The passphrase: from the environment, or typed at the terminal without being shown; a new one twice.
fn passphrase(output: Output, is_new: bool) -> anyhow::Result<String> {
    if let Some(given) = variable(VARIABLE) {
        return Ok(given);
    }
    anyhow::ensure!(std::io::stdin().is_terminal(), output.text("cli-no-passphrase", &[]));
    let typed = typed(&output.text("cli-passphrase", &[]))?;
    if is_new {
        let again = self::typed(&output.text("cli-passphrase-again", &[]))?;
        anyhow::ensure!(typed == again, output.text("cli-passphrases-differ", &[]));
    }
    Ok(typed)
}

fn typed(prompt: &str) -> anyhow::Result<String> {
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{prompt} ")?;
    terminal.flush()?;
    let echo = |mode: &str| Program::new("stty").arg(mode).stdin(Stdio::inherit()).stderr(Stdio::null()).status();
    // What is typed must not be read over a shoulder: without stty, the variable is the way.
    let hidden = echo("-echo").is_ok_and(|status| status.success());
    anyhow::ensure!(hidden, "the terminal cannot hide what is typed: give the passphrase in {VARIABLE}");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    let _shown = echo("echo");
    writeln!(terminal)?;
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
