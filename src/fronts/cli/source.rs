//! `passerelle source …`: where people and groups come from.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::local::Local;
use super::output::{Output, print_json};
use super::routed;
use super::run as sync_run;
use crate::config::variable;
use crate::services::routing::{self, Outcomes};
use crate::services::sources::{self, SourceFields};
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
    Check(Named),
    /// What a sync would change, name by name. Writes none of it.
    Preview(Named),
    /// Read the source and apply what changed.
    Sync(Named),
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
    /// Address of the directory, for instance ldaps://annuaire.exemple.fr; repeatable.
    #[arg(long = "url", required_unless_present = "settings")]
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
    /// Ready mapping: inetorgperson, supann or active-directory.
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
    /// On the platform: what gives each record its establishments, for instance supannEtablissement{UAI}.
    #[arg(long, value_name = "EXPR")]
    route: Option<String>,
    /// With --route: whether an establishment that is not there is only told (report), or made (create).
    #[arg(long, value_name = "WHAT")]
    unknown_establishments: Option<String>,
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
        Command::Check(named) => check(local, output, &named).await,
        Command::Preview(named) => once(local, output, &named, Mode::Preview).await,
        Command::Sync(named) => once(local, output, &named, Mode::Full).await,
        Command::Establishments(named) => {
            let ctx = local.establishment(&named.est).await?;
            routed::list(output, &routing::parts(&ctx, &named.source).await?)
        }
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
    let (name, route) = (new.named.source.clone(), new.route.clone());
    let (kind, settings, guard) = (SourceKind::Ldap, settings(new)?, Guard::default());
    let fields = SourceFields { name, kind, settings, schedule: None, guard, route, enabled: true };
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
    set("unknown_establishments", new.unknown_establishments.map(Value::from));
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

async fn check(local: &Local, output: Output, named: &Named) -> anyhow::Result<()> {
    let ctx = local.establishment(&named.est).await?;
    let steps = sources::check(&ctx, &named.source).await?;
    output.list(&steps, &["cli-step", "cli-result", "cli-detail"], |s| {
        let advice = s.advice.map(|a| format!(" → {a}")).unwrap_or_default();
        vec![s.name.to_string(), if s.ok { "✓" } else { "✗" }.to_owned(), format!("{}{advice}", s.detail)]
    })?;
    anyhow::ensure!(steps.iter().all(|s| s.ok), "{}", output.text("cli-check-failed", &[]));
    Ok(())
}

async fn once(local: &Local, output: Output, named: &Named, mode: Mode) -> anyhow::Result<()> {
    let ctx = local.establishment(&named.est).await?;
    let waiting = output.waiting("cli-reading");
    let ended = routing::run_to_end(&ctx, &named.source, mode).await;
    waiting.finish_and_clear();
    match ended? {
        Outcomes::One(run) => sync_run::report(&ctx, output, &run).await,
        Outcomes::All(passed) => routed::report(output, &passed),
    }
}
