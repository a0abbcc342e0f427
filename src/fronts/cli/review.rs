//! `passerelle review …`: whether people are to keep what they hold.

use clap::{Args, Subcommand, ValueEnum};

use super::exclusion::instant;
use super::local::Local;
use super::output::{Output, collect, or_dash, print_json};
use super::word;
use crate::services::reviews::{self, NewCampaign, Verdict};
use crate::services::users;
use crate::store::establishment::campaign::{self, Extent};
use crate::store::establishment::review_item::{Decision, Filter};
use crate::types::id::ReviewItemId;

/// What to do with reviews. EST is the slug of an establishment, REVIEW a review's name or identifier.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List reviews and how far they are.
    List {
        /// The establishment.
        est: String,
        /// Most rows printed.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Begin a review.
    Create(Box<Create>),
    /// Show what a review looks at, with what was decided.
    Show {
        /// The establishment.
        est: String,
        /// The review.
        review: String,
        /// Only what is still to be decided.
        #[arg(long)]
        open: bool,
        /// Most rows printed.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Decide on roles of a review, one or several.
    Decide {
        /// The establishment.
        est: String,
        /// The review.
        review: String,
        /// Keep them or withdraw them.
        decision: Word,
        /// The roles under review, as `review show` lists them.
        #[arg(required = true)]
        items: Vec<String>,
        /// Why; needed to withdraw.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Write to whoever has still to decide.
    Remind {
        /// The establishment.
        est: String,
        /// The review.
        review: String,
    },
    /// End a review: its result stays as it is.
    Close {
        /// The establishment.
        est: String,
        /// The review.
        review: String,
    },
}

/// A decision, as a word of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Word {
    /// The person keeps the role.
    Keep,
    /// The role is taken away.
    Withdraw,
}

/// A review to begin.
#[derive(Debug, Args)]
pub struct Create {
    /// The establishment.
    est: String,
    /// Its name.
    name: String,
    /// What people read.
    #[arg(long, default_value = "")]
    title: String,
    /// Until when, for instance 2027-08-31T00:00:00Z.
    #[arg(long)]
    due: String,
    /// Roles of this application alone.
    #[arg(long)]
    application: Option<String>,
    /// This role alone.
    #[arg(long)]
    role: Option<String>,
    /// People of this unit alone, and of those below it.
    #[arg(long)]
    unit: Option<String>,
    /// Only roles unused since then.
    #[arg(long)]
    unused_since: Option<String>,
    /// Who decides: a user name or identifier. Repeatable.
    #[arg(long = "reviewer", value_name = "USER")]
    reviewers: Vec<String>,
    /// The administrators of each person's unit decide.
    #[arg(long)]
    by_unit: bool,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { est, limit } => {
            let ctx = local.establishment(&est).await?;
            let filter = campaign::Filter::default();
            let found = collect(limit, None, async |page| Ok(reviews::list(&ctx, &page, &filter).await?)).await?;
            let headings = ["cli-id", "cli-name", "cli-title", "cli-state", "cli-expires", "cli-review-decided", "cli-review-open"];
            output.list(&found, &headings, |review| {
                let (one, progress) = (&review.campaign, review.progress);
                let first = [one.id.to_string(), one.name.clone(), one.title.clone(), word(one.state), one.due_at.to_string()];
                first.into_iter().chain([(progress.items - progress.open).to_string(), progress.open.to_string()]).collect()
            })
        }
        Command::Create(new) => create(local, *new).await,
        Command::Show { est, review, open, limit } => show(local, output, &est, &review, open, limit).await,
        Command::Decide { est, review, decision, items, reason } => {
            let ctx = local.establishment(&est).await?;
            let decision = match decision {
                Word::Keep => Decision::Keep,
                Word::Withdraw => Decision::Withdraw,
            };
            let items: Vec<ReviewItemId> = items.iter().map(|item| item.parse()).collect::<Result<_, _>>()?;
            let verdicts: Vec<Verdict> = items.into_iter().map(|item| Verdict { item, decision, reason: reason.clone() }).collect();
            let id = reviews::get(&ctx, &review).await?.campaign.id;
            print_json(&reviews::decide(&ctx, id, &verdicts).await?)
        }
        Command::Remind { est, review } => {
            let ctx = local.establishment(&est).await?;
            let id = reviews::get(&ctx, &review).await?.campaign.id;
            print_json(&reviews::remind(&ctx, id).await?)
        }
        Command::Close { est, review } => {
            let ctx = local.establishment(&est).await?;
            let id = reviews::get(&ctx, &review).await?.campaign.id;
            print_json(&reviews::close(&ctx, id).await?)
        }
    }
}

async fn create(local: &Local, new: Create) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.est).await?;
    let mut reviewers = Vec::with_capacity(new.reviewers.len());
    for name in &new.reviewers {
        reviewers.push(users::resolve(&ctx, name).await?.id);
    }
    let Create { name, title, due, application, role, unit, unused_since, by_unit, .. } = new;
    let due_at = instant("--due", Some(due))?.unwrap_or(ctx.now);
    let extent = Extent { application, role, unit, unused_since: instant("--unused-since", unused_since)?, by_unit, reviewers };
    print_json(&reviews::create(&ctx, &NewCampaign { name, title, due_at, extent }).await?)
}

async fn show(local: &Local, output: Output, est: &str, review: &str, open: bool, limit: usize) -> anyhow::Result<()> {
    let ctx = local.establishment(est).await?;
    let id = reviews::get(&ctx, review).await?.campaign.id;
    let filter = Filter { decided: open.then_some(false), ..Filter::default() };
    let found = collect(limit, None, async |page| Ok(reviews::items(&ctx, id, &page, &filter).await?)).await?;
    let headings = [
        "cli-id",
        "cli-user",
        "cli-application",
        "cli-role",
        "cli-scope",
        "cli-origin",
        "cli-last-used",
        "cli-review-decision",
        "cli-reason",
    ];
    output.list(&found, &headings, |item| {
        let first = [item.id.to_string(), item.username.clone(), item.application.clone(), item.role.clone(), item.scope.clone()];
        let rest = [
            word(item.origin),
            or_dash(item.last_used_at.as_ref()),
            or_dash(item.decision.map(word).as_ref()),
            or_dash(item.reason.as_ref()),
        ];
        first.into_iter().chain(rest).collect()
    })
}
