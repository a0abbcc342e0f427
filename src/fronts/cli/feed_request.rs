//! Requests of a SCIM feed at the terminal.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::output::{Output, collect, or_dash, print_line};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::scim::inspector;
use crate::services::scim_services::is_pushed;
use crate::services::sources;
use crate::services::users;
use crate::store::establishment::scim_request::{Changed, Filter};
use crate::store::establishment::source::Source;
use crate::types::id::UserId;

/// What to do with the requests of a feed.
#[derive(Clone, Debug, clap::Args)]
pub struct Asked {
    /// Show one request: what it brought, what it changed, why it was refused.
    #[arg(long, value_name = "REQUEST", value_parser = super::identifier, conflicts_with = "replay")]
    show: Option<Uuid>,
    /// Try a request again against what stands now, leaving nothing: what it would change, or why it would be refused.
    #[arg(long, value_name = "REQUEST", value_parser = super::identifier)]
    replay: Option<Uuid>,
    /// Only requests that were refused.
    #[arg(long)]
    refused: bool,
    /// Only requests of this method.
    #[arg(long, ignore_case = true, value_parser = ["GET", "POST", "PUT", "PATCH", "DELETE"])]
    method: Option<String>,
    /// Only requests answered with this status.
    #[arg(long, value_parser = clap::value_parser!(i64).range(100..=599))]
    status: Option<i64>,
    /// Only requests in this way of writing.
    #[arg(long, value_parser = ["entra", "okta", "other"])]
    dialect: Option<String>,
    /// Only requests about this person: a user name or identifier.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Words to look for in the address.
    #[arg(short, long, value_name = "WORDS")]
    query: Option<String>,
    /// Most rows printed.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// A source that is pushed into; of one that is read, that it is.
pub async fn feed(ctx: &Context, output: Output, name: &str) -> anyhow::Result<Source> {
    let source = sources::get(ctx, name).await?;
    if is_pushed(&source) {
        return Ok(source);
    }
    Err(Error::Conflict(output.text("cli-no-feed", &[("slug", ctx.slug().into()), ("name", name.into())])).into())
}

/// `passerelle source requests`.
pub async fn run(ctx: &Context, output: Output, source: &str, asked: &Asked) -> anyhow::Result<()> {
    feed(ctx, output, source).await?;
    if let Some(id) = asked.show {
        return show(ctx, output, source, id).await;
    }
    if let Some(id) = asked.replay {
        return replay(ctx, output, source, id).await;
    }
    let subject_id = match &asked.user {
        Some(name) => Some(users::resolve(ctx, name).await?.id.uuid()),
        None => None,
    };
    let filter = Filter {
        method: asked.method.as_ref().map(|method| method.to_uppercase()),
        dialect: asked.dialect.clone(),
        status: asked.status,
        refused: asked.refused.then_some(true),
        subject_id,
    };
    let list = async |page| Ok(inspector::list(ctx, source, &page, &filter).await?);
    let requests = collect(asked.limit, asked.query.as_deref(), list).await?;
    let ids: Vec<UserId> = requests.iter().filter_map(|request| request.subject_id).map(UserId::from).collect();
    let names = if output.is_json() { HashMap::new() } else { users::named(ctx, &ids).await? };
    let headings = ["cli-id", "cli-when", "cli-dialect", "cli-method", "cli-address", "cli-user", "cli-status", "cli-failing"];
    output.list(&requests, &headings, |r| {
        let who = r.subject_id.and_then(|id| names.get(&UserId::from(id)));
        let first = [r.id.to_string(), r.at.to_string(), r.dialect.clone(), r.method.clone(), r.path.clone()];
        first.into_iter().chain([or_dash(who), r.status.to_string(), or_dash(r.failing.as_ref())]).collect()
    })
}

async fn show(ctx: &Context, output: Output, source: &str, id: Uuid) -> anyhow::Result<()> {
    let whole = inspector::show(ctx, source, id).await?;
    let seen = &whole.seen;
    let pairs = [
        ("cli-id", seen.id.to_string()),
        ("cli-when", seen.at.to_string()),
        ("cli-dialect", seen.dialect.clone()),
        ("cli-method", seen.method.clone()),
        ("cli-address", seen.path.clone()),
        ("cli-status", seen.status.to_string()),
        ("cli-duration", format!("{} µs", seen.duration_us)),
        ("cli-failing", or_dash(seen.failing.as_ref())),
    ];
    output.thing(&whole, &pairs)?;
    if output.is_json() {
        return Ok(());
    }
    document(output, "cli-request-body", whole.request.as_ref())?;
    if whole.answer.is_some() {
        document(output, "cli-request-answer", whole.answer.as_ref())?;
    }
    changes(output, "cli-request-changes", &whole.changes)
}

async fn replay(ctx: &Context, output: Output, source: &str, id: Uuid) -> anyhow::Result<()> {
    let replayed = inspector::replay(ctx, source, id).await?;
    output.thing(&replayed, &[("cli-status", replayed.status.to_string())])?;
    if output.is_json() {
        return Ok(());
    }
    if replayed.answer.is_some() {
        document(output, "cli-request-answer", replayed.answer.as_ref())?;
    }
    if replayed.resource.is_some() {
        document(output, "cli-replay-resource", replayed.resource.as_ref())?;
    }
    changes(output, "cli-replay-changes", &replayed.changes)
}

/// A heading, and a document under it.
fn document(output: Output, key: &str, body: Option<&Value>) -> anyhow::Result<()> {
    let text = match body {
        Some(body) => serde_json::to_string_pretty(body)?,
        None => output.text("cli-nothing", &[]),
    };
    print_line(&format!("\n{}\n{}", output.text(key, &[]), indented(&text)))
}

fn changes(output: Output, key: &str, changes: &[Changed]) -> anyhow::Result<()> {
    let mut lines: Vec<String> = changes
        .iter()
        .map(|change| {
            let detail = if change.detail == json!({}) { String::new() } else { format!("  {}", change.detail) };
            format!("{}  {} {}{detail}", change.action, change.subject_kind, change.subject_id)
        })
        .collect();
    if lines.is_empty() {
        lines.push(output.text("cli-nothing", &[]));
    }
    print_line(&format!("\n{}\n{}", output.text(key, &[]), indented(&lines.join("\n"))))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
