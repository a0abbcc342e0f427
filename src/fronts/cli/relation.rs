//! `passerelle relation …`: who stands in which relation to whom.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::args::Rows;
use super::brought;
use super::local::Local;
use super::output::{Output, collect, or_dash};
use crate::services::brought_rows;
use crate::services::context::Context;
use crate::services::relations::{self, NewRelation};
use crate::services::users;
use crate::store::establishment::relation::Filter;
use crate::types::id::UserId;
use crate::types::page::PageRequest;

/// What to do with relations. EST is the slug of an establishment; USER is the KIND of OTHER, for instance the tutor of an apprentice.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List relations.
    List {
        /// The establishment.
        est: String,
        /// Only of this kind.
        #[arg(long)]
        kind: Option<String>,
        /// Only those of this person to others.
        #[arg(long)]
        user: Option<String>,
        /// Only those of others to this person.
        #[arg(long)]
        other: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// Add a relation.
    Add {
        #[command(flatten)]
        pair: Pair,
        /// Until when: an instant, or a day, which is counted in.
        #[arg(long)]
        until: Option<String>,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// End a relation that was added by hand.
    End {
        #[command(flatten)]
        pair: Pair,
    },
    /// Add the relations of a file: a spreadsheet with the titles kind, username, other_username, until, reason, or the same as JSON.
    Import {
        /// The establishment.
        est: String,
        /// The file.
        file: PathBuf,
        /// Tell what would become of the rows, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Two people, and what the one is to the other.
#[derive(Debug, Args)]
pub struct Pair {
    /// The establishment.
    est: String,
    /// What the one is to the other: `tutor`.
    kind: String,
    /// The one: user name or identifier.
    user: String,
    /// The other.
    other: String,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { est, kind, user, other, rows } => {
            let ctx = local.establishment(&est).await?;
            let filter = Filter { kind, user: person(&ctx, user).await?, other: person(&ctx, other).await? };
            let found = collect(rows.limit, rows.query.as_deref(), async |page| Ok(relations::list(&ctx, &page, &filter).await?)).await?;
            output.list(&found, &["cli-username", "cli-kind", "cli-other", "cli-expires"], |r| {
                let fixed = [r.username.clone(), r.kind.clone(), r.other_username.clone()];
                fixed.into_iter().chain([or_dash(r.valid_until.as_ref())]).collect()
            })
        }
        Command::Add { pair, until, reason } => {
            let ctx = local.establishment(&pair.est).await?;
            let valid_until = until.map(|raw| brought_rows::end("--until", &raw)).transpose()?;
            let (user, other) = (users::resolve(&ctx, &pair.user).await?.id, users::resolve(&ctx, &pair.other).await?.id);
            let new = NewRelation { kind: pair.kind, user, other, valid_from: None, valid_until, reason };
            let made = relations::add(&ctx, &new).await?;
            let told = [("user", pair.user.into()), ("kind", new.kind.as_str().into()), ("other", pair.other.into())];
            output.done(&made, &output.text("cli-relation-added", &told))
        }
        Command::End { pair } => end(local, output, pair).await,
        Command::Import { est, file, dry_run } => {
            let ctx = local.establishment(&est).await?;
            brought::tell(output, &relations::import(&ctx, brought::read(&file)?, dry_run).await?)
        }
    }
}

async fn end(local: &Local, output: Output, pair: Pair) -> anyhow::Result<()> {
    let ctx = local.establishment(&pair.est).await?;
    let (user, other) = (users::resolve(&ctx, &pair.user).await?.id, users::resolve(&ctx, &pair.other).await?.id);
    let filter = Filter { kind: Some(pair.kind.clone()), user: Some(user), other: Some(other) };
    let found = relations::list(&ctx, &PageRequest::first(1), &filter).await?.items;
    let standing = found.first().with_context(|| format!("{} is not {} of {}", pair.user, pair.kind, pair.other))?;
    relations::end(&ctx, standing.id).await?;
    let told = [("user", pair.user.into()), ("kind", pair.kind.into()), ("other", pair.other.into())];
    output.done(&json!({ "ended": standing.id }), &output.text("cli-relation-ended", &told))
}

async fn person(ctx: &Context, name: Option<String>) -> anyhow::Result<Option<UserId>> {
    match name {
        Some(name) => Ok(Some(users::resolve(ctx, &name).await?.id)),
        None => Ok(None),
    }
}
