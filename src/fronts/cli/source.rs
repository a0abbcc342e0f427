//! `passerelle source …`: where people and groups come from.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Map;

use super::feed_request;
use super::held;
use super::local::Local;
use super::output::Output;
use super::proposal;
use super::routed;
use super::run as sync_run;
use super::source_delete;
use super::source_file::{self, Once};
use super::source_shown;
use super::source_told::Told;
use crate::services::routing;
use crate::services::scim::feeds;
use crate::services::sources::{self, SourceFields};
use crate::services::sync;
use crate::store::establishment::source::{Guard, SourceKind};
use crate::store::establishment::sync_run::Mode;
use crate::types::leaving::Leaving;
use crate::types::matching::Matching;

/// What to do with sources. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a source.
    Add(Box<Add>),
    /// Change a source: its settings, its name, when it runs by itself, what becomes of who is gone from it.
    Edit(Box<Edit>),
    /// List sources, with when they run.
    List {
        /// The establishment.
        est: String,
    },
    /// Show a source without its secrets, and how its last runs went.
    Show(Named),
    /// Try a source: connection, certificate, account, server, bases, filters with their counts, clock, and people as they would arrive.
    Check(Once),
    /// What a sync would change, name by name. Writes none of it.
    Preview(Once),
    /// Read the source and apply what changed.
    Sync {
        #[command(flatten)]
        once: Once,
        /// Read and apply one entry alone, by its DN or its SCIM `id`, and show where each of its fields comes from.
        #[arg(long, value_name = "DN", conflicts_with_all = ["changes", "file"])]
        only: Option<String>,
        /// Ask only for what changed since the last run.
        #[arg(long)]
        changes: bool,
    },
    /// What the last sync became in each establishment that a source of the platform feeds.
    Establishments(Named),
    /// List runs, newest first.
    Runs {
        #[command(flatten)]
        named: Named,
        /// Most rows printed.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show a run and its named changes; approve or refuse a held one.
    Run {
        /// The establishment.
        est: String,
        /// The run.
        id: String,
        /// Approve a held run, once: a new run carries out what it named.
        #[arg(long, conflicts_with = "refuse")]
        approve: bool,
        /// Refuse a held run.
        #[arg(long)]
        refuse: bool,
    },
    /// Take a run back, as far as nothing touched the same things since. The source then runs by itself no more, until `source sync` or
    /// `source enable`.
    Undo {
        /// The establishment.
        est: String,
        /// The run.
        id: String,
        /// Only name what would be taken back, and what would not.
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove a source: alone when nobody came from it, or with what came from it.
    Delete(source_delete::Delete),
    /// List what a SCIM feed asked of late, newest first; show one request, or try it again without leaving anything.
    Requests {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        asked: feed_request::Asked,
    },
    /// List entries that may be someone known already; say that one is, or is not.
    Proposals {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        asked: proposal::Asked,
    },
    /// List what a feed asked for and waits for a person; let it pass when the feed asks again, or refuse it.
    Held {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        asked: held::Asked,
    },
    /// Turn a source on or off. On, it also runs by itself again where failures or an undo had it left alone.
    Enable {
        #[command(flatten)]
        named: Named,
        /// Off instead of on: no runs, no sign-ins through it.
        #[arg(long)]
        off: bool,
    },
}

/// A source of an establishment.
#[derive(Debug, Args)]
pub struct Named {
    /// The establishment.
    pub est: String,
    /// The source.
    pub source: String,
}

/// What a new source is. A directory's bind password comes from `PASSERELLE_BIND_PASSWORD` or from a file, a SCIM service's token or client secret
/// from `PASSERELLE_SCIM_SECRET` or from a file.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").args(["urls", "settings", "kind"]).required(true).multiple(true)))]
pub struct Add {
    #[command(flatten)]
    named: Named,
    /// What it reads; a directory when left out.
    #[arg(long)]
    kind: Option<source_file::Kind>,
    #[command(flatten)]
    told: Told,
}

/// What changes of a source: what is not told stays as it is.
#[derive(Debug, Args)]
pub struct Edit {
    #[command(flatten)]
    named: Named,
    /// Its new name.
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    #[command(flatten)]
    told: Told,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(new) => add(local, output, *new).await,
        Command::Edit(changed) => edit(local, output, *changed).await,
        Command::List { est } => source_shown::list(&local.establishment(&est).await?, output).await,
        Command::Show(named) => {
            let ctx = local.establishment(&named.est).await?;
            source_shown::show(&ctx, output, &sources::get(&ctx, &named.source).await?).await
        }
        Command::Check(once) => source_file::check(local, output, &once).await,
        Command::Preview(once) => Box::pin(source_file::read(local, output, &once, Mode::Preview)).await,
        Command::Sync { once, only: Some(dn), .. } => one(local, output, &once.named, &dn).await,
        Command::Sync { once, changes, .. } => {
            Box::pin(source_file::read(local, output, &once, if changes { Mode::Changes } else { Mode::Full })).await
        }
        Command::Establishments(named) => {
            let ctx = local.establishment(&named.est).await?;
            routed::list(output, &routing::parts(&ctx, &named.source).await?)
        }
        Command::Runs { named, limit } => sync_run::list(&local.establishment(&named.est).await?, output, &named.source, limit).await,
        Command::Run { est, id, approve, refuse } => {
            let ctx = local.establishment(&est).await?;
            sync_run::one(&ctx, output, id.parse()?, sync_run::Decision::of(approve, refuse)).await
        }
        Command::Undo { est, id, dry_run } => {
            let ctx = local.establishment(&est).await?;
            let run = sync::undo_to_end(&ctx, id.parse()?, dry_run).await?;
            sync_run::report(&ctx, output, &run).await
        }
        Command::Delete(wanted) => source_delete::run(local, output, &wanted).await,
        Command::Proposals { named, asked } => proposal::run(&local.establishment(&named.est).await?, output, &named.source, &asked).await,
        Command::Held { named, asked } => held::run(&local.establishment(&named.est).await?, output, &named.source, &asked).await,
        Command::Requests { named, asked } => {
            feed_request::run(&local.establishment(&named.est).await?, output, &named.source, &asked).await
        }
        Command::Enable { named, off } => {
            let ctx = local.establishment(&named.est).await?;
            let standing = sources::get(&ctx, &named.source).await?;
            let mut source = sources::update(&ctx, &standing, &SourceFields { enabled: !off, ..SourceFields::from(&standing) }).await?;
            if !off {
                source = sources::resume(&ctx, &named.source).await?;
            }
            let key = if off { "cli-source-is-off" } else { "cli-source-is-on" };
            output.done(&sources::shown(&source), &output.text(key, &[("name", source.name.as_str().into())]))
        }
    }
}

async fn add(local: &Local, output: Output, new: Add) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.named.est).await?;
    let kind = new.kind.map_or(SourceKind::Ldap, SourceKind::from);
    let fields = SourceFields {
        name: new.named.source,
        kind,
        settings: new.told.settings(kind, Map::new())?,
        schedule: new.told.schedule(None)?,
        guard: new.told.guard(Guard::default())?,
        leaving: new.told.leaving(Leaving::default()),
        matching: new.told.matching(Matching::default())?,
        route: new.told.route,
        enabled: true,
    };
    let source = sources::create(&ctx, &fields).await?;
    if let Some(feed) = feeds::standing(&ctx, &source).await? {
        let arguments =
            [("name", source.name.as_str().into()), ("url", feed.base_url.as_str().into()), ("est", new.named.est.as_str().into())];
        return output.done(&source_shown::with_standing(&ctx, &source).await?, &output.text("cli-feed-added", &arguments));
    }
    output.done(&sources::shown(&source), &output.text("cli-source-added", &[("name", source.name.as_str().into())]))
}

async fn edit(local: &Local, output: Output, edit: Edit) -> anyhow::Result<()> {
    let ctx = local.establishment(&edit.named.est).await?;
    let read = sources::get(&ctx, &edit.named.source).await?;
    let mut fields = SourceFields::from(&read);
    let standing = fields.settings.as_object().cloned().unwrap_or_default();
    fields.settings = edit.told.settings(fields.kind, standing)?;
    fields.schedule = edit.told.schedule(fields.schedule)?;
    fields.leaving = edit.told.leaving(fields.leaving);
    fields.guard = edit.told.guard(fields.guard)?;
    fields.matching = edit.told.matching(fields.matching)?;
    fields.route = edit.told.route.or(fields.route);
    fields.name = edit.rename.unwrap_or(fields.name);
    let source = sources::update(&ctx, &read, &fields).await?;
    output.done(&sources::shown(&source), &output.text("cli-source-edited", &[("name", source.name.as_str().into())]))
}

async fn one(local: &Local, output: Output, named: &Named, dn: &str) -> anyhow::Result<()> {
    let ctx = local.establishment(&named.est).await?;
    let waiting = output.waiting("cli-reading");
    let one = sync::run_one(&ctx, &named.source, dn).await;
    waiting.finish_and_clear();
    let one = one?;
    sync_run::report_one(&ctx, output, &one).await
}
