//! Proposals at the terminal: entries that may be someone known already, and what a person decides of them.

use serde_json::Value;

use super::output::{Output, collect, or_dash};
use crate::services::context::Context;
use crate::services::scim_services::is_pushed;
use crate::services::sources;
use crate::services::sync::proposals;
use crate::store::establishment::proposal::Filter;
use crate::types::id::ProposalId;

/// What to do with proposals.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// The proposal that is right: the entry is that person's from now on.
    #[arg(long, value_name = "ID", conflicts_with = "reject")]
    accept: Option<ProposalId>,
    /// The proposal that is wrong: someone new is made of the entry.
    #[arg(long, value_name = "ID")]
    reject: Option<ProposalId>,
    /// List those that are open, accepted or rejected, or all of them.
    #[arg(long, default_value = "open", value_parser = ["open", "accepted", "rejected", "all"])]
    state: String,
}

/// `passerelle source proposals`: decides one, or lists those of a source.
pub async fn run(ctx: &Context, output: Output, source: &str, asked: &Asked) -> anyhow::Result<()> {
    let standing = sources::get(ctx, source).await?;
    let (decided, key) = match (asked.accept, asked.reject) {
        (Some(id), _) if is_pushed(&standing) => (proposals::accept(ctx, id).await?, "cli-proposal-accepted-feed"),
        (Some(id), _) => (proposals::accept(ctx, id).await?, "cli-proposal-accepted"),
        (None, Some(id)) => (proposals::reject(ctx, id).await?, "cli-proposal-rejected"),
        (None, None) => return list(ctx, output, source, &asked.state).await,
    };
    output.done(&decided, &output.text(key, &[("user", decided.username.as_str().into())]))
}

async fn list(ctx: &Context, output: Output, source: &str, state: &str) -> anyhow::Result<()> {
    let filter = Filter { source: Some(source.to_owned()), state: (state != "all").then(|| state.to_owned()) };
    let found = collect(usize::MAX, None, async |page| Ok(proposals::list(ctx, &page, &filter).await?)).await?;
    output.list(&found, &["cli-id", "cli-proposed-entry", "cli-user", "cli-alike", "cli-state", "cli-decided-by"], |proposal| {
        let named = ["/entry/display_name", "/stated/display_name"].into_iter().find_map(|place| proposal.detail.pointer(place));
        let entry = named.and_then(Value::as_str).unwrap_or(&proposal.external_id);
        let first = [proposal.id.to_string(), entry.to_owned(), proposal.username.clone(), proposal.rule.clone()];
        first.into_iter().chain([output.word(proposal.state), or_dash(proposal.decided_by.as_ref())]).collect()
    })
}
