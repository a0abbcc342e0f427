//! `passerelle token …`: bearer tokens for the admin API. EST `platform` is the platform itself.

use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::output::{Output, beside, collect, or_dash};
use crate::services::tokens::{self, NewToken};
use crate::store::establishment::api_token::{Filter, TokenKind};
use crate::types::page::PageRequest;
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
    /// End one at once.
    Revoke {
        /// The establishment, or `platform`.
        est: String,
        /// The token's identifier.
        id: String,
    },
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { est, name, scope, within, days } => {
            let ctx = local.establishment(&est).await?;
            let default = if ctx.is_platform() { "operator" } else { "administrator" };
            let expires_at = days.map(|d| Timestamp::now().plus_s(d.saturating_mul(DAY_S)));
            let scope = scope.unwrap_or_else(|| default.to_owned());
            let new = NewToken { name, kind: TokenKind::Api, source: None, scope, within, expires_at };
            let (token, secret) = tokens::create(&ctx, &new).await?;
            let value = beside(&token, [("secret", secret.expose().into())])?;
            let sentence = output.text("cli-token-created", &[("name", token.name.as_str().into())]);
            // The secret is meant for the person at the terminal; the store keeps its hash only.
            output.done(&value, &format!("{sentence}\n\n  {}\n", secret.expose()))
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
