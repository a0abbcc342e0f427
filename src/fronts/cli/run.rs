//! Sync runs at the terminal: their counts, their named changes, and the decision on a held one.

use anyhow::anyhow;
use connectors::Traced;
use serde_json::{Value, json};

use super::output::{Output, collect, or_dash, print_json, print_line};
use super::source_check;
use super::word;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::sync::{self, OneRun};
use crate::store::establishment::change::{self, Change};
use crate::store::establishment::sync_run::{Filter, Run, State};
use crate::types::id::RunId;

/// Most changes printed; the API pages through the rest.
const CHANGES_MAX: i64 = 500;

/// What to do with a held run.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// Nothing: show it.
    Show,
    /// Carry out what it named.
    Approve,
    /// Leave everything as it is.
    Refuse,
}

impl Decision {
    /// From two options that exclude each other.
    pub fn of(approve: bool, refuse: bool) -> Self {
        match (approve, refuse) {
            (true, _) => Self::Approve,
            (false, true) => Self::Refuse,
            (false, false) => Self::Show,
        }
    }
}

/// `passerelle source runs`.
pub async fn list(ctx: &Context, output: Output, source: &str, limit: usize) -> anyhow::Result<()> {
    let filter = Filter { source: Some(source.to_owned()), ..Filter::default() };
    let runs = collect(limit, None, async |page| Ok(sync::runs(ctx, &page, &filter).await?)).await?;
    let headings = [
        "cli-id",
        "cli-started",
        "cli-mode",
        "cli-state",
        "cli-read",
        "cli-created-count",
        "cli-updated",
        "cli-disabled",
        "cli-quarantined",
    ];
    output.list(&runs, &headings, |r| {
        let c = &r.counts;
        let counts = [c.read, c.created, c.updated, c.disabled, c.quarantined].map(|n| n.to_string());
        [r.id.to_string(), r.started_at.to_string(), word(r.mode), word(r.state)].into_iter().chain(counts).collect()
    })
}

/// `passerelle source run`.
pub async fn one(ctx: &Context, output: Output, id: RunId, decision: Decision) -> anyhow::Result<()> {
    let run = match decision {
        Decision::Show => sync::run(ctx, id).await?,
        Decision::Approve => sync::approve_to_end(ctx, id).await?,
        Decision::Refuse => sync::refuse(ctx, id).await?,
    };
    report(ctx, output, &run).await
}

/// Prints a run with its changes. A held run ends with the exit code of a guard, a failed one as a failure.
pub async fn report(ctx: &Context, output: Output, run: &Run) -> anyhow::Result<()> {
    report_with(ctx, output, run, None).await
}

/// The same of one entry, with the way each field came.
pub async fn report_one(ctx: &Context, output: Output, one: &OneRun) -> anyhow::Result<()> {
    report_with(ctx, output, &one.run, Some(&one.trace)).await
}

async fn report_with(ctx: &Context, output: Output, run: &Run, trace: Option<&[Traced]>) -> anyhow::Result<()> {
    let (changes, total) = sync::changes(ctx, run.id, 0, CHANGES_MAX, &change::Filter::default()).await?;
    if output.is_json() {
        let mut shown = json!({ "run": run, "changes": changes, "changes_total": total });
        if let (Value::Object(shown), Some(trace)) = (&mut shown, trace) {
            shown.insert("trace".to_owned(), json!(trace));
        }
        print_json(&shown)?;
    } else {
        if let Some(trace) = trace {
            source_check::print_trace(trace)?;
        }
        print(output, run, &changes, total)?;
    }
    let why = run.error.clone().unwrap_or_default();
    match run.state {
        State::Held => Err(Error::Held(
            output.text("cli-held", &[("why", why.into()), ("slug", ctx.slug().into()), ("run", run.id.to_string().into())]),
        )
        .into()),
        State::Failed => Err(anyhow!("{why}")),
        _ => Ok(()),
    }
}

fn print(output: Output, run: &Run, changes: &[Change], total: i64) -> anyhow::Result<()> {
    output.list(changes, &["cli-change", "cli-kind", "cli-name", "cli-detail"], |c| {
        vec![word(c.operation), word(c.kind), c.name.clone(), or_dash(c.detail.as_ref())]
    })?;
    let hidden = total - i64::try_from(changes.len()).unwrap_or(total);
    if hidden > 0 {
        print_line(&output.text("cli-more-changes", &[("count", hidden.into())]))?;
    }
    print_line("")?;
    let c = &run.counts;
    let counts = [
        ("cli-read", c.read),
        ("cli-created-count", c.created),
        ("cli-updated", c.updated),
        ("cli-moved", c.moved),
        ("cli-disabled", c.disabled),
        ("cli-enabled-again", c.enabled),
        ("cli-removed", c.removed),
        ("cli-quarantined", c.quarantined),
        ("cli-memberships-added", c.memberships_added),
        ("cli-memberships-removed", c.memberships_removed),
        ("cli-skipped", c.skipped),
        ("cli-roles-gained", c.roles_gained),
        ("cli-roles-lost", c.roles_lost),
    ];
    let mut pairs: Vec<(&str, String)> = vec![("cli-id", run.id.to_string()), ("cli-mode", word(run.mode)), ("cli-state", word(run.state))];
    pairs.extend(counts.into_iter().filter(|(_, n)| *n > 0).map(|(key, n)| (key, n.to_string())));
    pairs.push(("cli-duration", run.duration_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"))));
    output.thing(run, &pairs)
}
