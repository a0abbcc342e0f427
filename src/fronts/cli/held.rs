//! What feeds asked for and a person has to see to, at the terminal.

use serde_json::json;
use uuid::Uuid;

use super::output::{Output, collect};
use super::word;
use crate::services::context::Context;
use crate::services::scim::held;
use crate::store::establishment::scim_held::Filter;

/// `passerelle source held`: lets some pass (all, with no list), refuses some, or lists those that wait.
pub async fn run(ctx: &Context, output: Output, source: &str, approve: Option<&[Uuid]>, refuse: &[Uuid]) -> anyhow::Result<()> {
    let decided = match approve {
        None => held::approve(ctx, source, None).await?,
        Some([]) if refuse.is_empty() => return list(ctx, output, source).await,
        Some([]) => held::refuse(ctx, source, Some(refuse)).await?,
        Some(ids) => held::approve(ctx, source, Some(ids)).await?,
    };
    let count = i64::try_from(decided).unwrap_or(i64::MAX);
    output.done(&json!({ "decided": decided }), &output.text("cli-held-decided", &[("count", count.into())]))
}

async fn list(ctx: &Context, output: Output, source: &str) -> anyhow::Result<()> {
    let filter = Filter { state: Some("open".to_owned()), ..Filter::default() };
    let open = collect(usize::MAX, None, async |page| Ok(held::list(ctx, source, &page, &filter).await?)).await?;
    output.list(&open, &["cli-id", "cli-held-reason", "cli-held-operation", "cli-name", "cli-held-times", "cli-held-last"], |one| {
        let fixed = [one.id.to_string(), word(one.reason), one.operation.clone(), one.name.clone()];
        fixed.into_iter().chain([one.times.to_string(), one.last_at.to_string()]).collect()
    })
}
