//! What an establishment sends, at the terminal: what waits, was sent or was given up, and giving it another try.

use clap::{Args, ValueEnum};

use super::args::Rows;
use super::local::Local;
use super::output::{Output, collect, or_dash};
use super::word;
use crate::services::outbox::{self, Filter, State};

/// Which of them.
#[derive(Debug, Args)]
pub struct Wanted {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
    /// Only those in this state.
    #[arg(long)]
    state: Option<Shown>,
    #[command(flatten)]
    rows: Rows,
}

/// The states, as words of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shown {
    /// To be sent when it is due.
    Waiting,
    /// Being sent.
    Sending,
    /// Accepted by the other side.
    Sent,
    /// Given up.
    Dead,
}

impl From<Shown> for State {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Waiting => Self::Waiting,
            Shown::Sending => Self::Sending,
            Shown::Sent => Self::Sent,
            Shown::Dead => Self::Dead,
        }
    }
}

/// `passerelle establishment outbox`.
pub async fn list(local: &Local, output: Output, wanted: Wanted) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.slug).await?;
    let filter = Filter { state: wanted.state.map(|shown| word(State::from(shown))), ..Filter::default() };
    let rows = wanted.rows;
    let found = collect(rows.limit, rows.query.as_deref(), async |page| Ok(outbox::list(&ctx, &page, &filter).await?)).await?;
    let headings = ["cli-id", "cli-kind", "cli-recipient", "cli-topic", "cli-state", "cli-attempts", "cli-due", "cli-detail"];
    output.list(&found, &headings, |o| {
        let first = [o.id.to_string(), word(o.kind), o.recipient.clone(), o.topic.clone(), word(o.state)];
        first.into_iter().chain([o.attempts.to_string(), o.due_at.to_string(), or_dash(o.error.as_ref())]).collect()
    })
}

/// `passerelle establishment outbox-retry`.
pub async fn retry(local: &Local, output: Output, slug: &str, id: &str) -> anyhow::Result<()> {
    let again = outbox::retry(&local.establishment(slug).await?, id.parse()?).await?;
    output.done(&again, &output.text("cli-outbox-retried", &[("recipient", again.recipient.as_str().into())]))
}
