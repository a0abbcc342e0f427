//! `passerelle application provisioning …`: people and groups written to an application that has a SCIM service of its own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::application::Named;
use super::args::Rows;
use super::local::Local;
use super::output::{Output, collect, or_dash};
use super::{patched, word};
use crate::config::variable;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::provisioning::{self, ProvisioningFields, Shown, Step};
use crate::store::establishment::provisioned::Filter;
use crate::store::establishment::provisioning_drift;

/// The variable that holds the secret when no file does.
const SECRET: &str = "PASSERELLE_PROVISIONING_SECRET";

/// What to do. EST is the slug of an establishment, APPLICATION the name of an application.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set it up, where nothing is written yet. The secret comes from a file or from PASSERELLE_PROVISIONING_SECRET.
    Set(Box<New>),
    /// Change it by a JSON merge patch, for instance '{"dry_run":false}', or its secret; all else stays.
    Edit {
        #[command(flatten)]
        named: Named,
        /// The merge patch (RFC 7396).
        #[arg(default_value = "{}", hide_default_value = true)]
        patch: String,
        /// A file with the new secret; `-` is the standard input.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// Show it, and how it goes.
    Show(Named),
    /// Forget it. Accounts and groups there stay as they are.
    Delete(Named),
    /// Try the service step by step; when all is well, what was paused goes on.
    Check(Named),
    /// Have everything there compared with what is to be. The running gateway does it; `show` and `drift` tell what it found.
    Reconcile {
        #[command(flatten)]
        named: Named,
        /// Put right what differs.
        #[arg(long)]
        repair: bool,
    },
    /// List who is there, was written, or is still to be.
    Queue {
        #[command(flatten)]
        named: Named,
        /// user or group.
        #[arg(long, value_parser = ["user", "group"])]
        kind: Option<String>,
        /// marked, waiting, held, done, failed or given_up.
        #[arg(long, value_parser = ["marked", "waiting", "held", "done", "failed", "given_up"])]
        state: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// List how the application differed when everything was last compared.
    Drift {
        #[command(flatten)]
        named: Named,
        /// missing, unknown or differs.
        #[arg(long, value_parser = ["missing", "unknown", "differs"])]
        what: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// Approve what is held, for a day: it is deactivated or deleted there.
    Approve {
        #[command(flatten)]
        named: Named,
        /// How many you saw to be held; nothing is approved when there are more by now.
        #[arg(long)]
        rows: u64,
    },
    /// Try anew what was not taken.
    Retry(Named),
}

/// A provisioning to set up. What is not named here has its usual value, and `edit` changes it.
#[derive(Debug, Args)]
pub struct New {
    #[command(flatten)]
    named: Named,
    /// The base of the SCIM service, for instance https://wiki.example.fr/scim/v2.
    url: String,
    /// A file with the bearer token, or with the client's secret; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Where tokens are asked for: client credentials instead of a bearer token.
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,
    /// The client's name there.
    #[arg(long, requires = "token_url")]
    client_id: Option<String>,
    /// The scope that is asked for.
    #[arg(long, requires = "token_url")]
    scope: Option<String>,
    /// Only whoever holds one of these roles; repeatable.
    #[arg(long = "role")]
    roles: Vec<String>,
    /// deactivate or delete.
    #[arg(long, default_value = "deactivate", value_parser = ["deactivate", "delete"])]
    on_loss: String,
    /// What stands there already and is taken for somebody's here: external_id (only what bears the externalId that the gateway writes), or name
    /// (also accounts and groups of the same name).
    #[arg(long, default_value = "external_id")]
    adopt: String,
    /// none, roles or groups.
    #[arg(long, default_value = "none", value_parser = ["none", "roles", "groups"])]
    groups: String,
    /// Names of groups that are written, as a regular expression.
    #[arg(long)]
    group_pattern: Option<String>,
    /// Hours from one comparison to the next that nobody asked for; 0 is never.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    compare_every: u32,
    /// Have those comparisons put right what differs, too.
    #[arg(long)]
    compare_repairs: bool,
    /// Write nothing, and only tell what would be.
    #[arg(long)]
    dry_run: bool,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(new) => set(local, output, *new).await,
        Command::Edit { named, patch, secret_file } => {
            let ctx = local.establishment(&named.est).await?;
            let standing = provisioning::get(&ctx, &named.application).await?;
            let mut fields: ProvisioningFields = patched(&ProvisioningFields::from(&standing), &patch)?;
            if let Some(path) = secret_file {
                let auth = json!({ "auth": { "secret": secret(Some(&path))? } });
                fields = patched(&fields, &auth.to_string())?;
            }
            let saved = provisioning::put(&ctx, &named.application, Some(&standing), &fields).await?;
            let sentence = output.text("cli-provisioning-edited", &[("name", named.application.as_str().into())]);
            output.done(&provisioning::shown(&ctx, &saved).await?, &sentence)
        }
        Command::Show(named) => {
            let ctx = local.establishment(&named.est).await?;
            let standing = provisioning::get(&ctx, &named.application).await?;
            show(output, &provisioning::shown(&ctx, &standing).await?)
        }
        Command::Delete(named) => {
            provisioning::delete(&local.establishment(&named.est).await?, &named.application).await?;
            let sentence = output.text("cli-provisioning-deleted", &[("name", named.application.as_str().into())]);
            output.done(&json!({ "deleted": named.application }), &sentence)
        }
        Command::Check(named) => {
            let ctx = local.establishment(&named.est).await?;
            steps(output, &provisioning::check(&ctx, &named.application).await?)
        }
        Command::Reconcile { named, repair } => {
            let ctx = local.establishment(&named.est).await?;
            let standing = provisioning::reconcile(&ctx, &named.application, repair).await?;
            let sentence = output.text("cli-provisioning-asked", &[("name", named.application.as_str().into())]);
            output.done(&provisioning::shown(&ctx, &standing).await?, &sentence)
        }
        Command::Queue { named, kind, state, rows } => queue(local, output, named, Filter { kind, state, ..Filter::default() }, rows).await,
        Command::Drift { named, what, rows } => drift(local, output, named, what, rows).await,
        Command::Approve { named, rows } => {
            let rows = provisioning::approve(&local.establishment(&named.est).await?, &named.application, rows).await?;
            output.done(&json!({ "rows": rows }), &output.text("cli-provisioning-approved", &[("count", rows.into())]))
        }
        Command::Retry(named) => {
            let rows = provisioning::retry(&local.establishment(&named.est).await?, &named.application).await?;
            output.done(&json!({ "rows": rows }), &output.text("cli-provisioning-retried", &[("count", rows.into())]))
        }
    }
}

async fn set(local: &Local, output: Output, new: New) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.named.est).await?;
    let name = &new.named.application;
    // Whatever is not named here would have its usual value again: groups would be written no more, a dry run would be none.
    let standing = standing(&ctx, name).await?;
    let slug = ctx.slug();
    anyhow::ensure!(standing.is_none(), output.text("cli-provisioning-stands", &[("name", name.as_str().into()), ("slug", slug.into())]));
    let kind = if new.token_url.is_some() { "client_credentials" } else { "bearer" };
    let fields = json!({
        "url": new.url,
        "auth": { "kind": kind, "secret": secret(new.secret_file.as_deref())?, "token_url": new.token_url, "client_id": new.client_id,
            "scope": new.scope },
        "roles": new.roles,
        "on_loss": new.on_loss,
        "adopt": new.adopt,
        "groups": new.groups,
        "group_pattern": new.group_pattern,
        "compare_every": new.compare_every,
        "compare_repairs": new.compare_repairs,
        "dry_run": new.dry_run,
    });
    let fields: ProvisioningFields = serde_json::from_value(fields)?;
    let saved = provisioning::put(&ctx, name, None, &fields).await?;
    let told = if saved.settings.dry_run { "cli-provisioning-dry" } else { "cli-provisioning-set" };
    let sentence = output.text(told, &[("name", name.as_str().into()), ("url", saved.settings.url.as_str().into())]);
    output.done(&provisioning::shown(&ctx, &saved).await?, &sentence)
}

/// How it is set up, and how it goes.
fn show(output: Output, shown: &Shown) -> anyhow::Result<()> {
    let (fields, state) = (&shown.fields, &shown.state);
    let counted = |counts: &BTreeMap<String, i64>| {
        let told: Vec<String> = counts.iter().map(|(state, count)| format!("{}: {count}", output.word(state))).collect();
        if told.is_empty() { "–".to_owned() } else { told.join(", ") }
    };
    let found = state.report.as_ref().map(|report| {
        let counts = [("missing", report.missing), ("unknown", report.unknown), ("differs", report.differs)];
        let counts = counts.map(|(name, count)| (name, count.into()));
        output.text("cli-report", &[&[("at", report.at.to_string().into())][..], &counts[..]].concat())
    });
    output.thing(
        shown,
        &[
            ("cli-application", shown.application.clone()),
            ("cli-url", fields.url.clone()),
            ("cli-enabled", output.whether(fields.enabled)),
            ("cli-dry-run", output.whether(fields.dry_run)),
            ("cli-roles", if fields.roles.is_empty() { "–".to_owned() } else { fields.roles.join(" ") }),
            ("cli-groups", word(fields.groups)),
            ("cli-paused", or_dash(state.paused.as_ref())),
            ("cli-rest-until", or_dash(state.rest_until.as_ref())),
            ("cli-failures", state.failures.to_string()),
            ("cli-provisioned-people", counted(&shown.queue.users)),
            ("cli-provisioned-groups", counted(&shown.queue.groups)),
            ("cli-last-written", or_dash(state.written_at.as_ref())),
            ("cli-compared", or_dash(found.as_ref())),
            ("cli-created", shown.created_at.to_string()),
            ("cli-updated-at", shown.updated_at.to_string()),
        ],
    )
}

async fn standing(ctx: &Context, name: &str) -> Result<Option<crate::store::establishment::provisioning::Provisioning>, Error> {
    match provisioning::get(ctx, name).await {
        Ok(standing) => Ok(Some(standing)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The secret, from where it was said to be; none when nowhere: then the one before stays.
fn secret(file: Option<&Path>) -> anyhow::Result<Option<String>> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("reading the standard input")?;
            Some(text)
        }
        Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?),
        None => variable(SECRET),
    };
    Ok(text.map(|text| text.trim().to_owned()))
}

fn steps(output: Output, steps: &[Step]) -> anyhow::Result<()> {
    output.list(steps, &["cli-step", "cli-result", "cli-detail"], |step| {
        vec![step.name.to_owned(), if step.ok { "ok" } else { "✗" }.to_owned(), step.detail.clone()]
    })?;
    anyhow::ensure!(steps.iter().all(|step| step.ok), output.text("cli-provisioning-check-failed", &[]));
    Ok(())
}

async fn queue(local: &Local, output: Output, named: Named, filter: Filter, rows: Rows) -> anyhow::Result<()> {
    let ctx = local.establishment(&named.est).await?;
    let list = async |page| Ok(provisioning::queue(&ctx, &named.application, &page, &filter).await?);
    let found = collect(rows.limit, rows.query.as_deref(), list).await?;
    let headings = ["cli-kind", "cli-name", "cli-state", "cli-act", "cli-attempts", "cli-due", "cli-detail"];
    output.list(&found, &headings, |row| {
        let action = row.action.map(|action| output.word(action)).unwrap_or_default();
        let first = [output.word(row.kind), row.name.clone(), output.word(row.state), action];
        first.into_iter().chain([row.attempts.to_string(), row.due_at.to_string(), or_dash(row.error.as_ref())]).collect()
    })
}

async fn drift(local: &Local, output: Output, named: Named, what: Option<String>, rows: Rows) -> anyhow::Result<()> {
    let ctx = local.establishment(&named.est).await?;
    let filter = provisioning_drift::Filter { what, ..provisioning_drift::Filter::default() };
    let list = async |page| Ok(provisioning::drift(&ctx, &named.application, &page, &filter).await?);
    let found = collect(rows.limit, rows.query.as_deref(), list).await?;
    output.list(&found, &["cli-kind", "cli-name", "cli-difference", "cli-field"], |row| {
        let fields: Vec<String> = row.fields.iter().map(|(name, one)| format!("{name}: {} → {}", one.there, one.wanted)).collect();
        vec![output.word(row.kind), row.name.clone(), output.word(row.what), fields.join("; ")]
    })
}
