//! `passerelle assignment …`: who holds which role.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::brought;
use super::exclusion;
use super::local::Local;
use super::output::{Output, collect, or_dash};
use crate::services::brought_rows;
use crate::services::context::Context;
use crate::services::roles;
use crate::services::roles::assignments::{self, AssignmentFields, NewAssignment};
use crate::services::users;
use crate::store::establishment::assignment::{Assignment, Filter};
use crate::store::establishment::ended_assignment::{Compared, Span, Way};
use crate::types::id::UserId;
use crate::types::page::{LIMIT_MAX, PageRequest};
use crate::types::time::Timestamp;

/// What to do with assignments. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List assignments.
    List {
        /// The establishment.
        est: String,
        /// Only this person's.
        #[arg(long)]
        user: Option<String>,
        /// Only this application's.
        #[arg(long)]
        application: Option<String>,
        /// Most rows printed.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Give a role by hand.
    Add {
        /// The establishment.
        est: String,
        /// User name or identifier.
        user: String,
        /// The application.
        application: String,
        /// The role.
        role: String,
        /// Where it holds.
        #[arg(long)]
        scope: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Until when: an instant, for instance 2027-08-31T22:00:00Z, or a day, which is counted in.
        #[arg(long)]
        until: Option<String>,
    },
    /// Change the end or the reason of a role given by hand.
    Edit {
        /// The establishment.
        est: String,
        /// The assignment.
        id: String,
        /// Until when: an instant, or a day, which is counted in.
        #[arg(long, conflicts_with = "no_end")]
        until: Option<String>,
        /// Let it hold without end.
        #[arg(long)]
        no_end: bool,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Give the roles of a file: a spreadsheet with the titles username, application, role, scope, until, reason, or the same as JSON.
    Import {
        /// The establishment.
        est: String,
        /// The file.
        file: PathBuf,
        /// Tell what would become of the rows, and write nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List roles whose holders do not use the application.
    Unused(exclusion::Unused),
    /// Decide that someone is not to hold a role, whatever rules give.
    Exclude(exclusion::Exclude),
    /// List what people are not to hold.
    Exclusions(exclusion::Wanted),
    /// End an exclusion: rules give again what they give.
    Include {
        /// The establishment.
        est: String,
        /// The exclusion.
        id: String,
    },
    /// Who gained and who lost what between two dates, by name.
    Compare {
        /// The establishment.
        est: String,
        /// The earlier instant, for instance 2026-08-31T00:00:00Z.
        #[arg(long)]
        from: String,
        /// The later instant; now when left out.
        #[arg(long)]
        to: Option<String>,
        /// Only this person's.
        #[arg(long)]
        user: Option<String>,
        /// Only this application's.
        #[arg(long)]
        application: Option<String>,
        /// Most rows printed.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// End an assignment given by hand.
    End {
        /// The establishment.
        est: String,
        /// The assignment.
        id: String,
    },
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { est, user, application, limit } => {
            let ctx = local.establishment(&est).await?;
            list(&ctx, output, user, application, limit).await
        }
        Command::Add { est, user, application, role, scope, reason, until } => {
            let ctx = local.establishment(&est).await?;
            let person = users::resolve(&ctx, &user).await?;
            let until = until.map(|raw| brought_rows::end("--until", &raw)).transpose()?;
            let new =
                NewAssignment { user: person.id, application, role, scope, valid_from: None, valid_until: until, reason: Some(reason) };
            done(&ctx, output, "cli-assignment-added", &assignments::add(&ctx, &new).await?).await
        }
        Command::Edit { est, id, until, no_end, reason } => {
            let ctx = local.establishment(&est).await?;
            let standing = assignments::get(&ctx, id.parse()?).await?;
            let mut fields = AssignmentFields::from(&standing);
            if until.is_some() || no_end {
                fields.valid_until = until.map(|raw| brought_rows::end("--until", &raw)).transpose()?;
            }
            fields.reason = reason.or(fields.reason);
            done(&ctx, output, "cli-assignment-edited", &assignments::edit(&ctx, &standing, &fields).await?).await
        }
        Command::Import { est, file, dry_run } => {
            let ctx = local.establishment(&est).await?;
            brought::tell(output, &roles::import(&ctx, brought::read(&file)?, dry_run).await?)
        }
        Command::Unused(wanted) => exclusion::unused(local, output, wanted).await,
        Command::Exclude(new) => exclusion::add(local, new).await,
        Command::Exclusions(wanted) => exclusion::list(local, output, wanted).await,
        Command::Include { est, id } => exclusion::end(local, output, &est, &id).await,
        Command::Compare { est, from, to, user, application, limit } => {
            let ctx = local.establishment(&est).await?;
            let user = match user {
                Some(name) => Some(users::resolve(&ctx, &name).await?.id),
                None => None,
            };
            let to = to.map(|raw| instant("--to", raw)).transpose()?.unwrap_or(ctx.now);
            let span = Span { from: instant("--from", from)?, to, application, user, ..Span::default() };
            compare(&ctx, output, &span, limit).await
        }
        Command::End { est, id } => {
            let ctx = local.establishment(&est).await?;
            let ended = assignments::get(&ctx, id.parse()?).await?;
            assignments::end(&ctx, ended.id).await?;
            done(&ctx, output, "cli-assignment-ended", &ended).await
        }
    }
}

/// A sentence about a role that someone holds, or held.
async fn done(ctx: &Context, output: Output, key: &str, held: &Assignment) -> anyhow::Result<()> {
    let names = users::named(ctx, &[held.user_id]).await?;
    let user = names.get(&held.user_id).cloned().unwrap_or_else(|| held.user_id.to_string());
    let place = if held.scope.is_empty() { output.text("cli-everywhere", &[]) } else { held.scope.clone() };
    let role = format!("{} ({place})", held.role);
    output.done(held, &output.text(key, &[("user", user.into()), ("role", role.into()), ("application", held.application.as_str().into())]))
}

async fn list(ctx: &Context, output: Output, user: Option<String>, application: Option<String>, limit: usize) -> anyhow::Result<()> {
    let user = match user {
        Some(name) => Some(users::resolve(ctx, &name).await?.id),
        None => None,
    };
    let filter = Filter { user, application, ..Filter::default() };
    let found = collect(limit, None, async |page: PageRequest| Ok(assignments::list(ctx, &page, &filter).await?)).await?;
    let ids: Vec<UserId> = found.iter().map(|held| held.user_id).collect();
    let names = if output.is_json() { HashMap::new() } else { users::named(ctx, &ids).await? };
    output.list(
        &found,
        &["cli-id", "cli-username", "cli-application", "cli-role", "cli-scope", "cli-origin", "cli-given-by", "cli-expires"],
        |a| {
            let who = names.get(&a.user_id).cloned().unwrap_or_else(|| a.user_id.to_string());
            let fixed = [a.id.to_string(), who, a.application.clone(), a.role.clone(), a.scope.clone()];
            fixed.into_iter().chain([output.word(a.origin), or_dash(a.given_by.as_ref()), or_dash(a.valid_until.as_ref())]).collect()
        },
    )
}

async fn compare(ctx: &Context, output: Output, span: &Span, limit: usize) -> anyhow::Result<()> {
    let mut rows: Vec<Compared> = Vec::new();
    while rows.len() < limit {
        let place = i64::try_from(rows.len())?;
        let wanted = i64::try_from(limit - rows.len())?.min(LIMIT_MAX);
        let (page, total) = roles::compare(ctx, span, place, wanted).await?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
        if i64::try_from(rows.len())? >= total {
            break;
        }
    }
    output.list(&rows, &["cli-change", "cli-username", "cli-name", "cli-application", "cli-role", "cli-scope"], |row| {
        let sign = if row.change == Way::Gained { "+" } else { "-" };
        [sign, &row.username, &row.display_name, &row.application, &row.role, &row.scope].map(ToString::to_string).to_vec()
    })
}

fn instant(option: &str, raw: String) -> anyhow::Result<Timestamp> {
    serde_json::from_value::<Timestamp>(raw.into()).with_context(|| option.to_owned())
}
