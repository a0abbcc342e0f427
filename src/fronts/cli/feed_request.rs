//! Requests of a SCIM feed at the terminal.

use uuid::Uuid;

use super::output::{Output, collect, or_dash, print_json};
use crate::services::context::Context;
use crate::services::scim::inspector;
use crate::store::establishment::scim_request::Filter;

/// What to do with the requests of a feed.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// Show one request: what it brought, what it changed, why it was refused.
    #[arg(long, value_name = "REQUEST", conflicts_with = "replay")]
    show: Option<Uuid>,
    /// Try a request again against what stands now, leaving nothing: what it would change, or why it would be refused.
    #[arg(long, value_name = "REQUEST")]
    replay: Option<Uuid>,
    /// Only requests that were refused.
    #[arg(long)]
    refused: bool,
    /// Most rows printed.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// `passerelle source requests`.
pub async fn run(ctx: &Context, output: Output, source: &str, asked: &Asked) -> anyhow::Result<()> {
    if let Some(id) = asked.show {
        return print_json(&inspector::show(ctx, source, id).await?);
    }
    if let Some(id) = asked.replay {
        return print_json(&inspector::replay(ctx, source, id).await?);
    }
    let filter = Filter { refused: asked.refused.then_some(true), ..Filter::default() };
    let requests = collect(asked.limit, None, async |page| Ok(inspector::list(ctx, source, &page, &filter).await?)).await?;
    let headings = ["cli-id", "cli-when", "cli-dialect", "cli-method", "cli-address", "cli-status", "cli-failing"];
    output.list(&requests, &headings, |r| {
        vec![
            r.id.to_string(),
            r.at.to_string(),
            r.dialect.clone(),
            r.method.clone(),
            r.path.clone(),
            r.status.to_string(),
            or_dash(r.failing.as_ref()),
        ]
    })
}
