//! `passerelle user …`: people of an establishment.

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::Rows;
use super::exclusion;
use super::explanation;
use super::local::Local;
use super::output::{Output, beside, collect, or_dash};
use super::user_shown;
use super::word;
use crate::services::context::Context;
use crate::services::explanations::Question;
use crate::services::scim;
use crate::services::users::{self, NewUser};
use crate::store::establishment::scim_resource::Kind;
use crate::store::establishment::user::{Filter, User};
use crate::types::id::UserId;

/// What to do with people. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a person by hand; prints the one-time link by which they choose a password.
    Create(Create),
    /// List people.
    List {
        /// The establishment.
        est: String,
        /// Only people of this state: pending, active or disabled.
        #[arg(long, value_parser = ["pending", "active", "disabled"])]
        status: Option<String>,
        /// Only whom the identity provider that pushed them knows by this identifier (`externalId`).
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// List people who may sign in and do not.
    Unused(exclusion::UnusedAccounts),
    /// Show a person.
    Show(Named),
    /// Why a person holds which role, and why not another: entry, group, rule, capture, role.
    Explain {
        #[command(flatten)]
        named: Named,
        /// Only this application.
        #[arg(long)]
        application: Option<String>,
        /// Only this role.
        #[arg(long)]
        role: Option<String>,
        /// What this client would get now: its application's roles, down to the claim.
        #[arg(long, value_name = "CLIENT_ID", conflicts_with = "application")]
        client: Option<String>,
    },
    /// Refuse a person from now on: sessions and tokens end at once.
    Disable(Named),
    /// Let a disabled person sign in again.
    Enable(Named),
    /// Remove a person for good.
    Delete {
        #[command(flatten)]
        named: Named,
        /// Say that it is meant: nothing brings the person back.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Print a new one-time link for someone who has no password yet.
    Invite(Named),
    /// Print a one-time link to choose another password.
    Reset(Named),
}

/// A person of an establishment.
#[derive(Debug, Args)]
pub struct Named {
    /// The establishment.
    pub est: String,
    /// User name or identifier.
    pub user: String,
}

/// What a new person is.
#[derive(Debug, Args)]
pub struct Create {
    /// The establishment.
    est: String,
    /// The name to sign in with.
    username: String,
    /// Given name.
    #[arg(long)]
    given_name: Option<String>,
    /// Family name.
    #[arg(long)]
    family_name: Option<String>,
    /// Address.
    #[arg(long)]
    email: Option<String>,
    /// fr or en.
    #[arg(long)]
    locale: Option<String>,
    /// The unit the person belongs to first.
    #[arg(long)]
    home_unit: Option<String>,
    /// A unit the person is in; repeatable.
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<String>,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(new) => create(local, output, new).await,
        Command::Unused(wanted) => exclusion::unused_accounts(local, output, wanted).await,
        Command::List { est, status, external_id, rows } => {
            let ctx = local.establishment(&est).await?;
            let people = if let Some(external_id) = &external_id {
                called(&ctx, external_id, status.as_deref()).await?
            } else {
                let filter = Filter { status, ..Filter::default() };
                collect(rows.limit, rows.query.as_deref(), async |page| Ok(users::list(&ctx, &page, &filter).await?)).await?
            };
            output.list(&people, &["cli-username", "cli-name", "cli-email", "cli-status", "cli-last-sign-in"], |u| {
                let first = [u.username.clone(), u.display_name.clone(), or_dash(u.email.as_ref()), output.word(u.status)];
                first.into_iter().chain([or_dash(u.last_sign_in_at.as_ref())]).collect()
            })
        }
        Command::Show(named) => {
            let (ctx, user) = find(local, &named).await?;
            user_shown::show(&ctx, output, &user).await
        }
        Command::Explain { named, application, role, client } => {
            let (ctx, user) = find(local, &named).await?;
            let question = Question { application: application.as_deref(), role: role.as_deref(), client: client.as_deref() };
            Box::pin(explanation::show(&ctx, output, &user, question)).await
        }
        Command::Disable(named) => {
            let (ctx, user) = find(local, &named).await?;
            let user = users::disable(&ctx, user.id).await?;
            output.done(&user, &output.text("cli-user-disabled", &[("name", user.display_name.as_str().into())]))
        }
        Command::Enable(named) => {
            let (ctx, user) = find(local, &named).await?;
            let user = users::enable(&ctx, user.id).await?;
            output.done(&user, &output.text("cli-user-enabled", &[("name", user.display_name.as_str().into())]))
        }
        Command::Delete { named, .. } => {
            let (ctx, user) = find(local, &named).await?;
            users::delete(&ctx, user.id).await?;
            output.done(&json!({ "deleted": user.id }), &output.text("cli-user-deleted", &[("name", user.display_name.as_str().into())]))
        }
        Command::Invite(named) => {
            let (ctx, user) = find(local, &named).await?;
            let link = users::invite(&ctx, user.id).await?;
            output.link(&json!({ "url": link.url.expose(), "expires_at": link.expires_at }), "cli-invite-link", &user.username, &link)
        }
        Command::Reset(named) => {
            let (ctx, user) = find(local, &named).await?;
            let link = users::reset(&ctx, user.id).await?;
            output.link(&json!({ "url": link.url.expose(), "expires_at": link.expires_at }), "cli-reset-link", &user.username, &link)
        }
    }
}

/// Whom identity providers call so.
async fn called(ctx: &Context, external_id: &str, status: Option<&str>) -> anyhow::Result<Vec<User>> {
    let mut people = Vec::new();
    for id in scim::called::called(ctx, Kind::User, external_id).await? {
        let user = users::get(ctx, UserId::from(id)).await?;
        if status.is_none_or(|status| status == word(user.status)) {
            people.push(user);
        }
    }
    Ok(people)
}

async fn find(local: &Local, named: &Named) -> anyhow::Result<(Context, User)> {
    let ctx = local.establishment(&named.est).await?;
    let user = users::resolve(&ctx, &named.user).await?;
    Ok((ctx, user))
}

async fn create(local: &Local, output: Output, new: Create) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.est).await?;
    let Create { username, given_name, family_name, email, locale, home_unit, units, .. } = new;
    let new = NewUser { username, given_name, family_name, display_name: None, email, locale, home_unit, units };
    let (user, link) = users::create(&ctx, &new).await?;
    let value = beside(&user, [("link", json!({ "url": link.url.expose(), "expires_at": link.expires_at }))])?;
    output.link(&value, "cli-invite-link", &user.username, &link)
}
