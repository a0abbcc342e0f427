//! `passerelle token …`: bearer tokens of the admin API and of SCIM feeds. EST `platform` is the platform itself.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::local::Local;
use super::output::{Output, beside, collect, or_dash, print_line};
use super::word;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::tokens::{self, NewToken};
use crate::store::establishment::api_token::{ApiToken, Filter, TokenKind};
use crate::types::page::PageRequest;
use crate::types::secret::Secret;
use crate::types::time::Timestamp;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make one; its secret is shown once, with what it opens and until when.
    Create {
        /// The establishment, or `platform`.
        est: String,
        /// What people read.
        name: String,
        /// What it opens: the admin API, or SCIM for the source that is named.
        #[arg(long, value_enum, default_value = "api")]
        kind: Kind,
        /// With --kind scim, and needed there: the feed that it stands for.
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// The role it acts with in the admin API: operator (platform only), administrator, auditor, unit_administrator, help_desk or
        /// responsible. Left out, the strongest: administrator, on the platform operator.
        #[arg(long)]
        scope: Option<String>,
        /// Where its role holds: a unit, an application, or application/service.
        #[arg(long)]
        within: Option<String>,
        /// Days it lives; for ever when left out: it works until it is revoked.
        #[arg(long)]
        days: Option<i64>,
    },
    /// List them, without secrets.
    List {
        /// The establishment, or `platform`.
        est: String,
    },
    /// Make another that does the same; the one before lives on for some days.
    Rotate {
        /// The establishment, or `platform`.
        est: String,
        /// The token's identifier.
        id: String,
        /// For how many days the one before lives on.
        #[arg(long, default_value_t = 0)]
        days: i64,
    },
    /// End one at once.
    Revoke {
        /// The establishment, or `platform`.
        est: String,
        /// The token's identifier.
        id: String,
    },
}

/// What a token opens.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// The admin API.
    Api,
    /// SCIM, for one feed.
    Scim,
}

/// What was made: what it opens, as whom, until when, and the secret.
fn told(output: Output, (token, secret): &(ApiToken, Secret), notes: &[String]) -> anyhow::Result<()> {
    let value = beside(token, [("secret", secret.expose().into())])?;
    let sentence = output.text("cli-token-created", &[("name", token.name.as_str().into())]);
    let mut pairs = vec![("cli-id", token.id.to_string())];
    if token.kind == TokenKind::Scim {
        pairs.push(("cli-token-opens", output.text("cli-token-feed", &[("name", token.scope.as_str().into())])));
    } else {
        pairs.push(("cli-token-opens", output.text("cli-token-api", &[])));
        pairs.push(("cli-token-acts-as", acts_as(token)));
    }
    pairs.push(("cli-expires", token.expires_at.map_or_else(|| output.text("cli-for-ever", &[]), |end| end.to_string())));
    // The secret is meant for the person at the terminal; the store keeps its hash only.
    output.done(&value, &format!("{sentence}\n\n  {}\n", secret.expose()))?;
    if output.is_json() {
        return Ok(());
    }
    output.thing(&value, &pairs)?;
    if notes.is_empty() { Ok(()) } else { print_line(&format!("\n{}", notes.join("\n"))) }
}

/// Its role, and where that holds.
fn acts_as(token: &ApiToken) -> String {
    token.within.as_ref().map_or_else(|| token.scope.clone(), |within| format!("{} @ {within}", token.scope))
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { est, name, kind, source, scope, within, days } => {
            let ctx = local.establishment(&est).await?;
            let kind = if matches!(kind, Kind::Scim) { TokenKind::Scim } else { TokenKind::Api };
            if kind == TokenKind::Scim && source.is_none() {
                return Err(Error::invalid("--source", "with --kind scim, name the feed that the token stands for").into());
            }
            if kind == TokenKind::Api && source.is_some() {
                return Err(Error::invalid("--source", "is of a feed's tokens: say --kind scim with it").into());
            }
            let mut notes = Vec::new();
            let default = if ctx.is_platform() { "operator" } else { "administrator" };
            if kind == TokenKind::Api {
                if scope.is_none() {
                    notes.push(output.text("cli-token-default-role", &[("role", default.into())]));
                }
                if days.is_none() {
                    notes.push(output.text("cli-token-for-ever", &[]));
                }
            }
            let expires_at = days.map(|d| Timestamp::now().plus_s(d.saturating_mul(DAY_S)));
            let default = if kind == TokenKind::Scim { "" } else { default };
            let scope = scope.unwrap_or_else(|| default.to_owned());
            let new = NewToken { name, kind, source, scope, within, expires_at };
            told(output, &tokens::create(&ctx, &new).await?, &notes)
        }
        Command::Rotate { est, id, days } => {
            let ctx = local.establishment(&est).await?;
            told(output, &tokens::rotate(&ctx, id.parse()?, days.saturating_mul(DAY_S)).await?, &[])
        }
        Command::List { est } => list(&local.establishment(&est).await?, output).await,
        Command::Revoke { est, id } => {
            let ctx = local.establishment(&est).await?;
            tokens::revoke(&ctx, id.parse()?).await?;
            output.done(&json!({ "revoked": id }), &output.text("cli-token-revoked", &[]))
        }
    }
}

async fn list(ctx: &Context, output: Output) -> anyhow::Result<()> {
    let filter = Filter::default();
    let found = collect(usize::MAX, None, async |page: PageRequest| Ok(tokens::list(ctx, &page, &filter).await?)).await?;
    let headings = ["cli-id", "cli-name", "cli-kind", "cli-role", "cli-source", "cli-created", "cli-last-used", "cli-expires"];
    output.list(&found, &headings, |t| {
        let (role, source) = if t.kind == TokenKind::Scim { ("–".to_owned(), t.scope.clone()) } else { (acts_as(t), "–".to_owned()) };
        let end = t.expires_at.map_or_else(|| output.text("cli-for-ever", &[]), |end| end.to_string());
        let fixed = [t.id.to_string(), t.name.clone(), word(t.kind), role, source, t.created_at.to_string()];
        fixed.into_iter().chain([or_dash(t.last_used_at.as_ref()), end]).collect()
    })
}
