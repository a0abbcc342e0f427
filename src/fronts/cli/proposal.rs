//! Proposals at the terminal: entries that may be someone known already, and what a person decides of them.

use super::output::{Output, collect, print_json};
use super::word;
use crate::services::context::Context;
use crate::services::sync::proposals;
use crate::store::establishment::proposal::Filter;
use crate::types::id::ProposalId;

/// `passerelle source proposals`: decides one, or lists those of a source that are open.
pub async fn run(ctx: &Context, output: Output, source: &str, decision: (Option<&str>, Option<&str>)) -> anyhow::Result<()> {
    match decision {
        (Some(id), _) => print_json(&proposals::accept(ctx, id.parse::<ProposalId>()?).await?),
        (None, Some(id)) => print_json(&proposals::reject(ctx, id.parse::<ProposalId>()?).await?),
        (None, None) => list(ctx, output, source).await,
    }
}

async fn list(ctx: &Context, output: Output, source: &str) -> anyhow::Result<()> {
    let filter = Filter { source: Some(source.to_owned()), state: Some("open".to_owned()) };
    let open = collect(usize::MAX, None, async |page| Ok(proposals::list(ctx, &page, &filter).await?)).await?;
    output.list(&open, &["cli-id", "cli-proposed-entry", "cli-user", "cli-alike", "cli-state"], |proposal| {
        let entry = proposal.detail.pointer("/entry/display_name").and_then(serde_json::Value::as_str).unwrap_or(&proposal.external_id);
        vec![proposal.id.to_string(), entry.to_owned(), proposal.username.clone(), proposal.rule.clone(), word(proposal.state)]
    })
}
