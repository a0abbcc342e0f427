//! `passerelle source delete`: a source that goes, with what becomes of its people, once that was confirmed.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::establishment_life::typed;
use super::local::Local;
use super::output::Output;
use super::source::Named;
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::leaving::{self, Fate, Removal};
use crate::services::sources;

/// Which source goes, and how.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    named: Named,
    /// What becomes of the people who came from it.
    #[arg(long)]
    people: Option<FateOfPeople>,
    /// The source's name once more, to confirm that people are removed for good; asked for on the terminal when left out.
    #[arg(long, value_name = "SOURCE")]
    confirm: Option<String>,
    /// With --people disable: do it without asking.
    #[arg(long)]
    yes: bool,
    /// Only count what would happen.
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of the people of a source that is removed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FateOfPeople {
    /// They stay, the establishment's own from then on; so do the groups.
    Keep,
    /// They are disabled; the groups go.
    Disable,
    /// They are removed for good; the groups go.
    Purge,
}

/// Carries it out.
pub async fn run(local: &Local, output: Output, wanted: &Delete) -> anyhow::Result<()> {
    let ctx = local.establishment(&wanted.named.est).await?;
    let name = wanted.named.source.as_str();
    let Some(people) = wanted.people else {
        if wanted.dry_run {
            return told(output, &leaving::remove(&ctx, name, Fate::Keep, None, true).await?);
        }
        return delete_alone(&ctx, output, name).await;
    };
    let fate = match people {
        FateOfPeople::Disable => Fate::Disable,
        FateOfPeople::Purge => Fate::Purge,
        FateOfPeople::Keep => Fate::Keep,
    };
    if !wanted.dry_run && fate == Fate::Disable && !wanted.yes {
        confirm_disabling(&ctx, output, name).await?;
    }
    let mut confirm = wanted.confirm.clone();
    if !wanted.dry_run && fate == Fate::Purge && confirm.is_none() && std::io::stdin().is_terminal() {
        let count = leaving::remove(&ctx, name, fate, None, true).await?.purged;
        confirm =
            Some(typed(&output.text("cli-source-purge-ask", &[("count", count.into()), ("name", name.into()), ("word", name.into())]))?);
    }
    told(output, &leaving::remove(&ctx, name, fate, confirm.as_deref(), wanted.dry_run).await?)
}

/// A source that nobody came from; of another, what has to be said first.
async fn delete_alone(ctx: &Context, output: Output, name: &str) -> anyhow::Result<()> {
    let named = ("name", name.into());
    let there = leaving::remove(ctx, name, Fate::Keep, None, true).await?;
    if there.people > 0 || there.groups_kept > 0 {
        let about = [named, ("slug", ctx.slug().into()), ("people", there.people.into()), ("groups", there.groups_kept.into())];
        return Err(Error::Conflict(output.text("cli-source-delete-which", &about)).into());
    }
    sources::delete(ctx, name).await?;
    output.done(&json!({ "deleted": name }), &output.text("cli-source-deleted", &[named]))
}

/// Asks whoever sits at a terminal; elsewhere it has to be said beforehand.
async fn confirm_disabling(ctx: &Context, output: Output, name: &str) -> anyhow::Result<()> {
    let count = leaving::remove(ctx, name, Fate::Disable, None, true).await?.disabled;
    if count == 0 {
        return Ok(());
    }
    let about = [("count", count.into()), ("name", name.into()), ("word", name.into())];
    if !std::io::stdin().is_terminal() {
        return Err(Error::invalid("--yes", output.text("cli-source-unconfirmed", &about[..2])).into());
    }
    let said = typed(&output.text("cli-source-disable-ask", &about))?;
    anyhow::ensure!(said == name, output.text("cli-source-not-meant", &[("word", name.into())]));
    Ok(())
}

fn told(output: Output, removal: &Removal) -> anyhow::Result<()> {
    let counts = [
        ("cli-removal-people", removal.people),
        ("cli-stated-elsewhere", removal.stated_elsewhere),
        ("cli-kept", removal.kept),
        ("cli-without-password", removal.without_password),
        ("cli-disabled", removal.disabled),
        ("cli-purged", removal.purged),
        ("cli-groups-kept", removal.groups_kept),
        ("cli-groups-removed", removal.groups_removed),
    ];
    output.thing(removal, &counts.map(|(key, count)| (key, count.to_string())))
}
