//! `passerelle source …`: where people and groups come from.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use connectors::Content;
use serde_json::{Map, Value, json};

use super::local::Local;
use super::output::{Output, print_json};
use super::run as sync_run;
use crate::config::variable;
use crate::services::source_files;
use crate::services::sources::{self, SourceFields};
use crate::services::sync;
use crate::store::establishment::source::{Guard, SourceKind};
use crate::store::establishment::sync_run::Mode;

/// The environment variable that carries a bind password, so that it stands in no shell history.
const PASSWORD_VARIABLE: &str = "PASSERELLE_BIND_PASSWORD";

/// What to do with sources. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a source.
    Add(Box<Add>),
    /// List sources.
    List {
        /// The establishment.
        est: String,
    },
    /// Show a source's settings, without its secrets.
    Show(Named),
    /// Try a source: connection, certificate, bind, base, filters, and some people as they would arrive.
    Check(Once),
    /// What a sync would change, name by name. Writes none of it.
    Preview(Once),
    /// Read the source and apply what changed.
    Sync(Once),
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
    /// Turn a source on or off.
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

/// A source to read, and for a source of files the file.
#[derive(Debug, Args)]
pub struct Once {
    #[command(flatten)]
    named: Named,
    /// The file to read. A sync keeps it as the source's; a check or a preview does not.
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
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Tls {
    /// TLS from the first byte.
    Ldaps,
    /// TLS after a plain start.
    Starttls,
    /// None.
    None,
}

/// What a new source is. The bind password comes from `PASSERELLE_BIND_PASSWORD` or from a file.
#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    named: Named,
    /// What it reads.
    #[arg(long, value_enum, default_value_t = Kind::Ldap)]
    kind: Kind,
    /// Address of the directory, for instance ldaps://annuaire.exemple.fr; repeatable.
    #[arg(long = "url")]
    urls: Vec<String>,
    /// Whom to bind as.
    #[arg(long)]
    bind_dn: Option<String>,
    /// A file that holds the bind password.
    #[arg(long, value_name = "FILE")]
    bind_password_file: Option<PathBuf>,
    /// Where people are.
    #[arg(long)]
    base_dn: Option<String>,
    /// Which entries are people.
    #[arg(long)]
    user_filter: Option<String>,
    /// Where groups are; the base when left out.
    #[arg(long)]
    group_base_dn: Option<String>,
    /// Which entries are groups.
    #[arg(long)]
    group_filter: Option<String>,
    /// Ready mapping: inetorgperson, supann or active-directory; for a spreadsheet sacoche-pupils.
    #[arg(long)]
    profile: Option<String>,
    /// How the connection is protected.
    #[arg(long)]
    tls: Option<Tls>,
    /// A file of certificates to trust instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
    /// Map a field, as FIELD=ATTRIBUTE; repeatable.
    #[arg(long = "map", value_name = "FIELD=ATTRIBUTE")]
    mapping: Vec<String>,
    /// Let people sign in with the directory's password (bind), or not (none).
    #[arg(long)]
    sign_in: Option<String>,
    /// A JSON file of settings; options win over it.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(new) => add(local, output, *new).await,
        Command::List { est } => {
            let ctx = local.establishment(&est).await?;
            let shown: Vec<Value> = sources::list(&ctx).await?.iter().map(sources::shown).collect();
            output.list(&shown, &["cli-name", "cli-kind", "cli-enabled", "cli-address"], |s| {
                let urls = s.pointer("/settings/urls").map(ToString::to_string).unwrap_or_default();
                vec![text(s, "name"), text(s, "kind"), s.get("enabled").map(ToString::to_string).unwrap_or_default(), urls]
            })
        }
        Command::Show(named) => {
            let ctx = local.establishment(&named.est).await?;
            print_json(&sources::shown(&sources::get(&ctx, &named.source).await?))
        }
        Command::Check(once) => check(local, output, &once).await,
        Command::Preview(once) => read_once(local, output, &once, Mode::Preview).await,
        Command::Sync(once) => read_once(local, output, &once, Mode::Full).await,
        Command::Runs { named, limit } => sync_run::list(&local.establishment(&named.est).await?, output, &named.source, limit).await,
        Command::Run { est, id, approve, refuse } => {
            let ctx = local.establishment(&est).await?;
            sync_run::one(&ctx, output, id.parse()?, sync_run::Decision::of(approve, refuse)).await
        }
        Command::Enable { named, off } => {
            let ctx = local.establishment(&named.est).await?;
            let mut fields = SourceFields::from(&sources::get(&ctx, &named.source).await?);
            fields.enabled = !off;
            let source = sources::update(&ctx, &named.source, &fields).await?;
            print_json(&sources::shown(&source))
        }
    }
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn add(local: &Local, output: Output, new: Add) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.named.est).await?;
    let name = new.named.source.clone();
    let kind = match new.kind {
        Kind::Ldap => SourceKind::Ldap,
        Kind::Csv => SourceKind::Csv,
        Kind::Ldif => SourceKind::Ldif,
    };
    let fields = SourceFields { name, kind, settings: settings(new)?, schedule: None, guard: Guard::default(), enabled: true };
    let source = sources::create(&ctx, &fields).await?;
    output.done(&sources::shown(&source), &output.text("cli-source-added", &[("name", source.name.as_str().into())]))
}

fn settings(new: Add) -> anyhow::Result<Value> {
    let mut settings = match &new.settings {
        Some(path) => {
            let raw = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_str::<Map<String, Value>>(&raw).with_context(|| format!("{} is not a JSON object", path.display()))?
        }
        None => Map::new(),
    };
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings.insert(key.to_owned(), value);
        }
    };
    set("urls", Some(json!(new.urls)).filter(|_| !new.urls.is_empty()));
    set("bind_dn", new.bind_dn.map(Value::from));
    set("base_dn", new.base_dn.map(Value::from));
    set("user_filter", new.user_filter.map(Value::from));
    set("group_base_dn", new.group_base_dn.map(Value::from));
    set("group_filter", new.group_filter.map(Value::from));
    set("profile", new.profile.map(Value::from));
    set("sign_in", new.sign_in.map(Value::from));
    let password = match &new.bind_password_file {
        Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?.trim_end().to_owned()),
        None => variable(PASSWORD_VARIABLE),
    };
    set("bind_password", password.map(Value::from));
    let mode = new.tls.map(|t| match t {
        Tls::Ldaps => "ldaps",
        Tls::Starttls => "starttls",
        Tls::None => "none",
    });
    let tls: Map<String, Value> = [("mode", mode.map(str::to_owned)), ("ca_file", new.ca_file)]
        .into_iter()
        .filter_map(|(k, v)| Some((k.to_owned(), Value::from(v?))))
        .collect();
    set("tls", Some(Value::Object(tls.clone())).filter(|_| !tls.is_empty()));
    let pairs = new.mapping.iter().map(|pair| {
        let (field, attribute) = pair.split_once('=').with_context(|| format!("--map {pair}: write it as FIELD=ATTRIBUTE"))?;
        Ok((field.to_owned(), Value::from(attribute)))
    });
    let mapping = pairs.collect::<anyhow::Result<Map<String, Value>>>()?;
    set("mapping", Some(Value::Object(mapping.clone())).filter(|_| !mapping.is_empty()));
    Ok(Value::Object(settings))
}

async fn check(local: &Local, output: Output, once: &Once) -> anyhow::Result<()> {
    let Once { named: Named { est, source }, file } = once;
    let ctx = local.establishment(est).await?;
    let steps = match file.as_deref().map(content).transpose()? {
        Some(content) => sources::check_file(&ctx, source, content).await?,
        None => sources::check(&ctx, source).await?,
    };
    output.list(&steps, &["cli-step", "cli-result", "cli-detail"], |s| {
        let advice = s.advice.map(|a| format!(" → {a}")).unwrap_or_default();
        vec![s.name.to_string(), if s.ok { "✓" } else { "✗" }.to_owned(), format!("{}{advice}", s.detail)]
    })?;
    anyhow::ensure!(steps.iter().all(|s| s.ok), "{}", output.text("cli-check-failed", &[]));
    Ok(())
}

async fn read_once(local: &Local, output: Output, once: &Once, mode: Mode) -> anyhow::Result<()> {
    let Once { named: Named { est, source }, file } = once;
    let ctx = local.establishment(est).await?;
    let content = file.as_deref().map(content).transpose()?;
    let waiting = output.waiting("cli-reading");
    let run = match (content, mode) {
        (Some(content), Mode::Preview) => sync::preview_file(&ctx, source, content).await,
        (Some(content), _) => match source_files::give(&ctx, source, content).await {
            Ok(_) => sync::run_to_end(&ctx, source, mode).await,
            Err(refused) => Err(refused),
        },
        (None, _) => sync::run_to_end(&ctx, source, mode).await,
    };
    waiting.finish_and_clear();
    sync_run::report(&ctx, output, &run?).await
}

fn content(path: &Path) -> anyhow::Result<Content> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Content { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes: bytes.into() })
}
