//! `passerelle operator …`: the platform's own people.

use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::output::{Output, collect, or_dash};
use crate::services::users::{self, NewUser};
use crate::services::{establishments, links::Link};
use crate::store::establishment::user::Filter;

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make one; prints the one-time link by which the person chooses a password.
    Create {
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
    },
    /// List them.
    List,
    /// Print a new one-time link for someone who lost the password.
    Reset {
        /// The name to sign in with.
        username: String,
    },
}

impl Command {
    /// Whether the command may begin an installation.
    pub fn begins(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    let platform = local.platform().await?;
    let ctx = platform.context();
    match command {
        Command::Create { username, given_name, family_name, email } => {
            let new = NewUser { username, given_name, family_name, email, ..NewUser::default() };
            let (made, link) = establishments::create_operator(&platform, &new).await?;
            output.link(&shown(&made.username, &link), "cli-operator-link", &made.username, &link)
        }
        Command::List => {
            let filter = Filter::default();
            let people = collect(usize::MAX, None, async |page| Ok(users::list(ctx, &page, &filter).await?)).await?;
            output.list(&people, &["cli-username", "cli-name", "cli-email", "cli-status", "cli-last-sign-in"], |u| {
                let status = format!("{:?}", u.status).to_lowercase();
                vec![u.username.clone(), u.display_name.clone(), or_dash(u.email.as_ref()), status, or_dash(u.last_sign_in_at.as_ref())]
            })
        }
        Command::Reset { username } => {
            let person = users::resolve(ctx, &username).await?;
            let link = users::reset(ctx, person.id).await?;
            output.link(&shown(&person.username, &link), "cli-reset-link", &person.username, &link)
        }
    }
}

fn shown(username: &str, link: &Link) -> serde_json::Value {
    json!({ "username": username, "link": { "url": link.url.expose(), "expires_at": link.expires_at } })
}
