//! `passerelle token …`: bearer tokens for the admin API. EST `platform` is the platform itself.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::local::Local;
use super::output::{Output, beside, collect, or_dash};
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
    /// Make one; its secret is shown once.
    Create {
        /// The establishment, or `platform`.
        est: String,
        /// What people read.
        name: String,
        /// What it opens: the admin API, or SCIM for the source that is named.
        #[arg(long, value_enum, default_value = "api")]
        kind: Kind,
        /// With --kind scim: the source that it stands for.
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// The role it acts with: operator (platform only), administrator, auditor, unit_administrator, help_desk or responsible.
        #[arg(long)]
        scope: Option<String>,
        /// Where its role holds: a unit, an application, or application/service.
        #[arg(long)]
        within: Option<String>,
        /// Days it lives; for ever when left out.
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

fn told(output: Output, (token, secret): &(ApiToken, Secret)) -> anyhow::Result<()> {
    let value = beside(token, [("secret", secret.expose().into())])?;
    let sentence = output.text("cli-token-created", &[("name", token.name.as_str().into())]);
    // The secret is meant for the person at the terminal; the store keeps its hash only.
    output.done(&value, &format!("{sentence}\n\n  {}\n", secret.expose()))
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { est, name, kind, source, scope, within, days } => {
            let ctx = local.establishment(&est).await?;
            let default = if ctx.is_platform() { "operator" } else { "administrator" };
            let expires_at = days.map(|d| Timestamp::now().plus_s(d.saturating_mul(DAY_S)));
            let kind = if matches!(kind, Kind::Scim) { TokenKind::Scim } else { TokenKind::Api };
            let default = if kind == TokenKind::Scim { "" } else { default };
            let scope = scope.unwrap_or_else(|| default.to_owned());
            let new = NewToken { name, kind, source, scope, within, expires_at };
            told(output, &tokens::create(&ctx, &new).await?)
        }
        Command::Rotate { est, id, days } => {
            let ctx = local.establishment(&est).await?;
            told(output, &tokens::rotate(&ctx, id.parse()?, days.saturating_mul(DAY_S)).await?)
        }
        Command::List { est } => {
            let ctx = local.establishment(&est).await?;
            let filter = Filter::default();
            let found = collect(usize::MAX, None, async |page: PageRequest| Ok(tokens::list(&ctx, &page, &filter).await?)).await?;
            output.list(&found, &["cli-id", "cli-name", "cli-role", "cli-scope", "cli-last-used", "cli-expires"], |t| {
                let fixed = [t.id.to_string(), t.name.clone(), t.scope.clone(), or_dash(t.within.as_ref())];
                fixed.into_iter().chain([or_dash(t.last_used_at.as_ref()), or_dash(t.expires_at.as_ref())]).collect()
            })
        }
        Command::Revoke { est, id } => {
            let ctx = local.establishment(&est).await?;
            tokens::revoke(&ctx, id.parse()?).await?;
            output.done(&json!({ "revoked": id }), &output.text("cli-token-revoked", &[]))
        }
    }
}
