//! What feeds asked for and a person has to see to, at the terminal.

use serde_json::{Value, json};
use uuid::Uuid;

use super::feed_request::feed;
use super::output::{Output, collect, or_dash, print_line};
use crate::services::context::Context;
use crate::services::scim::held;
use crate::store::establishment::scim_held::{Filter, HeldState};

/// What to do with requests that wait.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// One that may pass; repeatable.
    #[arg(long, value_name = "ID", value_parser = super::identifier, conflicts_with = "refuse")]
    approve: Vec<Uuid>,
    /// Everything that the guard holds may pass.
    #[arg(long, conflicts_with_all = ["approve", "refuse"])]
    approve_all: bool,
    /// One that is refused for good; repeatable.
    #[arg(long, value_name = "ID", value_parser = super::identifier)]
    refuse: Vec<Uuid>,
    /// List those that are open, approved or refused, or all of them.
    #[arg(long, default_value = "open", value_parser = ["open", "approved", "refused", "all"])]
    state: String,
}

/// `passerelle source held`: lets some pass, refuses some, or lists them.
pub async fn run(ctx: &Context, output: Output, source: &str, asked: &Asked) -> anyhow::Result<()> {
    feed(ctx, output, source).await?;
    let decided = if asked.approve_all {
        held::approve(ctx, source, None).await?
    } else if !asked.approve.is_empty() {
        held::approve(ctx, source, Some(&asked.approve)).await?
    } else if !asked.refuse.is_empty() {
        held::refuse(ctx, source, Some(&asked.refuse)).await?
    } else {
        return list(ctx, output, source, &asked.state).await;
    };
    let count = i64::try_from(decided).unwrap_or(i64::MAX);
    output.done(&json!({ "decided": decided }), &output.text("cli-held-decided", &[("count", count.into())]))
}

async fn list(ctx: &Context, output: Output, source: &str, state: &str) -> anyhow::Result<()> {
    let filter = Filter { state: (state != "all").then(|| state.to_owned()), ..Filter::default() };
    let found = collect(usize::MAX, None, async |page| Ok(held::list(ctx, source, &page, &filter).await?)).await?;
    let headings = [
        "cli-id",
        "cli-held-reason",
        "cli-held-operation",
        "cli-name",
        "cli-state",
        "cli-held-times",
        "cli-held-last",
        "cli-decided-by",
        "cli-detail",
    ];
    output.list(&found, &headings, |one| {
        let first = [one.id.to_string(), output.word(one.reason), output.word(&one.operation), one.name.clone(), output.word(one.state)];
        let rest = [one.times.to_string(), one.last_at.to_string(), or_dash(one.decided_by.as_ref()), why(&one.detail)];
        first.into_iter().chain(rest).collect()
    })?;
    if output.is_json() || !found.iter().any(|one| one.state == HeldState::Open) {
        return Ok(());
    }
    let about = [("slug", ctx.slug().into()), ("name", source.into())];
    print_line(&format!("\n{}", output.text("cli-held-approve", &about)))
}

/// The bound that was passed, with its numbers; of whom a feed brought, how it names them.
fn why(detail: &Value) -> String {
    let text = |key: &str| detail.get(key).and_then(Value::as_str);
    or_dash(text("why").or_else(|| text("externalId")).map(str::to_owned).as_ref())
}
