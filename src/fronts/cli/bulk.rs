//! `passerelle establishment mail|stats`, and `export|block|unblock|delete` of several: acts on many establishments, carried on in this process.
//! Should it end before, a gateway that serves the same stores goes on.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::local::Local;
use super::output::{Output, beside, collect, or_dash, print_json};
use crate::services::bulk::{self, Act, CHOSEN_MAX, Choice, ChosenFilter, Closing, NewLetter, To};
use crate::services::statistics::Statistics;
use crate::store::establishment::bulk_item::{BulkItem, ItemOutcome};
use crate::store::establishment::bulk_run::{BulkRun, BulkState, Verb};
use crate::store::registry::establishment::EstablishmentStatus;

/// Which establishments.
#[derive(Debug, Args)]
pub struct Several {
    /// Their slugs.
    #[arg(required_unless_present_any = ["all", "zone", "status"], conflicts_with_all = ["all", "zone", "status"], value_name = "SLUG")]
    slugs: Vec<String>,
    /// All establishments.
    #[arg(long, conflicts_with_all = ["zone", "status"])]
    all: bool,
    /// Those of this zone.
    #[arg(long)]
    zone: Option<String>,
    /// Those of this state.
    #[arg(long)]
    status: Option<Standing>,
}

/// The states, as words of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Standing {
    /// Serving.
    Active,
    /// Blocked.
    Blocked,
}

/// A letter to write.
#[derive(Debug, Args)]
pub struct Mail {
    #[command(flatten)]
    several: Several,
    /// To whom in each.
    #[arg(long, value_enum, default_value = "contacts")]
    to: Addressees,
    /// The subject.
    #[arg(long)]
    subject: String,
    /// The text.
    #[arg(long, required_unless_present = "body_file", conflicts_with = "body_file")]
    body: Option<String>,
    /// The file that the text is in; `-` for the standard input.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// Write nothing: tell to whom it would go.
    #[arg(long)]
    dry_run: bool,
}

/// To whom, as words of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Addressees {
    /// The contact of each establishment.
    Contacts,
    /// The people who administer each.
    Administrators,
}

impl Several {
    /// The one that is meant, when one alone is named.
    pub(super) fn alone(&self) -> Option<&str> {
        match self.slugs.as_slice() {
            [slug] => Some(slug),
            _ => None,
        }
    }

    fn choice(&self) -> Choice {
        let status = self.status.map(|status| match status {
            Standing::Active => EstablishmentStatus::Active,
            Standing::Blocked => EstablishmentStatus::Blocked,
        });
        let is_filtered = self.zone.is_some() || status.is_some();
        let filter = is_filtered.then(|| ChosenFilter { zone: self.zone.clone(), status, placement: None });
        Choice { slugs: (!self.slugs.is_empty()).then(|| self.slugs.clone()), all: self.all, filter }
    }

    /// How many are meant.
    pub(super) async fn count(&self, local: &Local) -> anyhow::Result<usize> {
        Ok(self.choice().resolve(&local.platform().await?).await?.len())
    }
}

/// `passerelle establishment mail`.
pub async fn mail(local: &Local, output: Output, wanted: Mail) -> anyhow::Result<()> {
    let body = match (wanted.body, wanted.body_file.as_deref()) {
        (Some(body), _) => body,
        (None, Some(path)) => read(path)?,
        (None, None) => String::new(),
    };
    let to = match wanted.to {
        Addressees::Contacts => To::Contacts,
        Addressees::Administrators => To::Administrators,
    };
    let act = Act::Mail { letter: NewLetter { to, subject: wanted.subject, body }, dry_run: wanted.dry_run };
    carry_out(local, output, &wanted.several, act).await
}

/// How archives of many are closed, and where they go.
pub fn closing(recipient: Option<String>, folder: &Path) -> anyhow::Result<Closing> {
    // Whoever carries the work on may stand in another folder.
    let folder = std::path::absolute(folder).with_context(|| format!("finding {}", folder.display()))?;
    Ok(Closing { recipient: recipient.unwrap_or_default(), folder: Some(folder) })
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the standard input")?;
    Ok(text)
}

/// Does it with each establishment, under a bar on the terminal, and prints how each fared. Fails once all had their turn when any failed.
pub async fn carry_out(local: &Local, output: Output, several: &Several, act: Act) -> anyhow::Result<()> {
    let platform = local.platform().await?;
    let (mut run, lease) = bulk::begin(&platform, &several.choice(), act).await?;
    let bar = if output.is_json() { ProgressBar::hidden() } else { ProgressBar::new(u64::try_from(run.total)?) };
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len}  {elapsed}")?);
    while run.state == BulkState::Running {
        let told = |run: &BulkRun| bar.set_position(u64::try_from(run.done + run.failed).unwrap_or_default());
        run = bulk::carry_on(&local.gateway, &lease, told).await?;
    }
    bar.finish_and_clear();
    lease.finish(None).await?;
    let items = collect(CHOSEN_MAX, None, async |page| Ok(bulk::items(&platform, run.id, &page, None).await?)).await?;
    if output.is_json() {
        print_json(&beside(&run, [("items", json!(items))])?)?;
    } else if run.verb == Verb::Stats {
        figures(output, &run, &items)?;
    } else {
        output.list(&items, &["cli-slug", "cli-result", "cli-detail"], |item| {
            vec![item.slug.clone(), outcome(output, item), detail(output, item)]
        })?;
    }
    let counts = [("failed", run.failed.into()), ("total", run.total.into())];
    anyhow::ensure!(run.failed == 0, output.text("cli-bulk-some-failed", &counts));
    Ok(())
}

fn outcome(output: Output, item: &BulkItem) -> String {
    output.text(if item.outcome == ItemOutcome::Done { "cli-bulk-done" } else { "cli-bulk-failed" }, &[])
}

/// Why it failed, or what came of it: the archive's file, the addresses of letters, the batch of a receipt.
fn detail(output: Output, item: &BulkItem) -> String {
    let Some(detail) = &item.detail else { return or_dash(item.error.as_ref()) };
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    match detail.get("to").and_then(Value::as_array) {
        Some(to) => to.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        None => match text("batch") {
            Some(batch) => output.text("cli-bulk-receipt", &[("slug", item.slug.clone().into()), ("batch", batch.into())]),
            None => or_dash(text("file").as_ref()),
        },
    }
}

/// The figures of each establishment, and their sums below.
fn figures(output: Output, run: &BulkRun, items: &[BulkItem]) -> anyhow::Result<()> {
    let headings = [
        "cli-slug",
        "cli-people-active",
        "cli-people-pending",
        "cli-people-disabled",
        "cli-signed-in",
        "cli-sessions",
        "cli-size-kb",
        "cli-last-sync",
    ];
    let mut rows: Vec<Vec<String>> = items.iter().map(|item| row(output, item)).collect();
    let sum = |pointer: &str| run.sums.pointer(pointer).and_then(Value::as_i64).unwrap_or_default();
    let kb = (sum("/size_bytes") / 1000).to_string();
    let sums = ["/people/active", "/people/pending", "/people/disabled", "/signed_in/last_30_days", "/sessions"]
        .map(|pointer| sum(pointer).to_string());
    rows.push([vec![output.text("cli-sum", &[])], sums.into(), vec![kb, String::new()]].concat());
    output.list(&rows, &headings, Clone::clone)
}

fn row(output: Output, item: &BulkItem) -> Vec<String> {
    let counted = item.detail.as_ref().and_then(|detail| Statistics::deserialize(detail).ok());
    let Some(s) = counted else { return vec![item.slug.clone(), format!("{}: {}", outcome(output, item), or_dash(item.error.as_ref()))] };
    let numbers = [s.people.active, s.people.pending, s.people.disabled, s.signed_in.last_30_days, s.sessions, s.size_bytes / 1000];
    let last_sync = or_dash(s.last_sync.map(|sync| format!("{} ({})", sync.at, super::word(sync.state))).as_ref());
    std::iter::once(item.slug.clone()).chain(numbers.map(|n| n.to_string())).chain([last_sync]).collect()
}
