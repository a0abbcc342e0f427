//! `passerelle application …`: applications, their catalogues of roles, and their clients.

use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::output::{Output, or_dash, print_json};
use super::{application_catalogue, client, provisioning};
use crate::services::applications::{self, ApplicationFields};
use crate::services::oidc::claim_shape::ClaimShape;

/// What to do with applications. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add an application without a catalogue file.
    Add {
        /// The establishment.
        est: String,
        /// Its name in tokens and addresses.
        name: String,
        /// What people read.
        #[arg(long)]
        title: Option<String>,
        /// Its roles, strongest first; repeatable.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// multi, single or single_per_scope.
        #[arg(long, default_value = "multi")]
        cardinality: String,
        /// The role of everyone whom no rule gives one.
        #[arg(long)]
        default_role: Option<String>,
    },
    /// Change an application by a JSON merge patch, for instance '{"default_role":"USER"}'.
    Edit {
        #[command(flatten)]
        named: Named,
        /// The merge patch (RFC 7396).
        patch: String,
        /// So many roles may be taken away, where that is a large loss.
        #[arg(long, value_name = "COUNT")]
        confirm_losses: Option<u64>,
    },
    /// List applications.
    List {
        /// The establishment.
        est: String,
    },
    /// Show an application with its catalogue.
    Show(Named),
    #[command(flatten)]
    Catalogue(application_catalogue::Command),
    /// Clients: what an application signs people in with.
    #[command(subcommand, arg_required_else_help = true)]
    Client(client::Command),
    /// People and groups written to an application that has a SCIM service of its own.
    #[command(subcommand, arg_required_else_help = true)]
    Provisioning(provisioning::Command),
}

/// An application of an establishment.
#[derive(Debug, Args)]
pub struct Named {
    /// The establishment.
    pub est: String,
    /// The application.
    pub application: String,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { est, name, title, roles, cardinality, default_role } => {
            let roles: Vec<_> = roles.into_iter().map(|r| json!({ "name": r })).collect();
            let title = title.unwrap_or_else(|| name.clone());
            let fields = json!({ "name": name, "title": title, "roles": roles, "cardinality": cardinality, "default_role": default_role });
            let fields: ApplicationFields = serde_json::from_value(fields)?;
            let made = applications::create(&local.establishment(&est).await?, &fields).await?;
            let roles = i64::try_from(made.roles.len()).unwrap_or(i64::MAX);
            output.done(&made, &output.text("cli-application-added", &[("name", made.name.as_str().into()), ("roles", roles.into())]))
        }
        Command::Edit { named, patch, confirm_losses } => {
            let ctx = local.establishment(&named.est).await?;
            let standing = applications::get(&ctx, &named.application).await?;
            let fields: ApplicationFields = super::patched(&ApplicationFields::from(&standing), &patch)?;
            ClaimShape::parse(&fields.claim_shape)?;
            let saved = applications::update_confirmed(&ctx, &standing, &fields, confirm_losses).await?;
            output.done(&saved, &output.text("cli-application-edited", &[("name", saved.name.as_str().into())]))
        }
        Command::List { est } => {
            let found = applications::list(&local.establishment(&est).await?).await?;
            output.list(&found, &["cli-name", "cli-title", "cli-cardinality", "cli-default-role", "cli-roles"], |a| {
                let roles = a.roles.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(" ");
                vec![a.name.clone(), a.title.clone(), super::word(a.cardinality), or_dash(a.default_role.as_ref()), roles]
            })
        }
        Command::Show(named) => print_json(&applications::get(&local.establishment(&named.est).await?, &named.application).await?),
        Command::Catalogue(command) => application_catalogue::run(local, output, command).await,
        Command::Client(command) => client::run(local, output, command).await,
        Command::Provisioning(command) => Box::pin(provisioning::run(local, output, command)).await,
    }
}
