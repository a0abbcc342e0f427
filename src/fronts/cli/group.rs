//! `passerelle group …`: groups as sources state them, with their people. It changes none: their sources do.

use std::collections::HashMap;

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::args::Rows;
use super::local::Local;
use super::output::{Output, beside, collect, or_dash, print_line};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::scim::called;
use crate::services::{groups, sources};
use crate::store::establishment::group::{Filter, Group};
use crate::store::establishment::scim_resource::Kind;
use crate::types::id::{GroupId, SourceId};
use crate::types::page::PageRequest;

/// What to do with groups. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List groups.
    List {
        /// The establishment.
        est: String,
        /// Only those of this source.
        #[arg(long)]
        source: Option<String>,
        /// Only the one that its source, or the identity provider that pushed it, knows by this key.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// Show a group with its people.
    Show {
        /// The establishment.
        est: String,
        /// Its name or identifier.
        group: String,
        /// People of the groups inside too.
        #[arg(long)]
        transitive: bool,
        #[command(flatten)]
        rows: Rows,
    },
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { est, source, external_id, rows } => {
            let ctx = local.establishment(&est).await?;
            let source_id = match &source {
                Some(name) => Some(sources::get(&ctx, name).await?.id),
                None => None,
            };
            let filter = Filter { source_id, external_id: external_id.clone(), ..Filter::default() };
            let mut found = collect(rows.limit, rows.query.as_deref(), async |page| Ok(groups::list(&ctx, &page, &filter).await?)).await?;
            for id in pushed(&ctx, external_id.as_deref()).await? {
                let group = groups::get(&ctx, GroupId::from(id)).await?;
                if source_id.is_none_or(|of| group.source_id == Some(of)) && found.iter().all(|one| one.id != group.id) {
                    found.push(group);
                }
            }
            let names = source_names(&ctx).await?;
            let headings = ["cli-id", "cli-group", "cli-title", "cli-source", "cli-entry"];
            output.list(&found, &headings, |g| {
                let first = [g.id.to_string(), g.name.clone(), or_dash(g.display_name.as_ref()), source_of(&names, g)];
                first.into_iter().chain([or_dash(g.dn.as_ref().or(g.external_id.as_ref()))]).collect()
            })
        }
        Command::Show { est, group, transitive, rows } => {
            let ctx = local.establishment(&est).await?;
            let group = find(&ctx, &group).await?;
            let list = async |page: PageRequest| Ok(groups::members(&ctx, group.id, transitive, &page).await?);
            let members = collect(rows.limit, rows.query.as_deref(), list).await?;
            let names = source_names(&ctx).await?;
            let external = called::external_ids(&ctx, Kind::Group, group.id.uuid()).await?;
            let value = beside(
                &group,
                [
                    ("external_ids", json!(external)),
                    ("members", json!(members)),
                    ("source", json!(group.source_id.and_then(|id| names.get(&id)))),
                ],
            )?;
            let theirs: Vec<String> = external.iter().map(|(source, id)| format!("{source} {id}")).collect();
            let pairs = [
                ("cli-id", group.id.to_string()),
                ("cli-group", group.name.clone()),
                ("cli-title", or_dash(group.display_name.as_ref())),
                ("cli-source", source_of(&names, &group)),
                ("cli-entry", or_dash(group.dn.as_ref().or(group.external_id.as_ref()))),
                ("cli-external-id", if theirs.is_empty() { "–".to_owned() } else { theirs.join(", ") }),
                ("cli-members", members.len().to_string()),
            ];
            output.thing(&value, &pairs)?;
            if output.is_json() || members.is_empty() {
                return Ok(());
            }
            print_line("")?;
            output.list(&members, &["cli-username", "cli-name"], |member| vec![member.username.clone(), member.display_name.clone()])
        }
    }
}

/// Those that identity providers call so.
async fn pushed(ctx: &Context, external_id: Option<&str>) -> anyhow::Result<Vec<Uuid>> {
    match external_id {
        Some(external_id) => Ok(called::called(ctx, Kind::Group, external_id).await?),
        None => Ok(Vec::new()),
    }
}

/// By identifier, or by a name that one group alone has.
async fn find(ctx: &Context, named: &str) -> anyhow::Result<Group> {
    if let Ok(id) = named.parse::<GroupId>() {
        return Ok(groups::get(ctx, id).await?);
    }
    let filter = Filter { name: Some(named.to_owned()), ..Filter::default() };
    let mut found = groups::list(ctx, &PageRequest::first(2), &filter).await?.items;
    if found.len() > 1 {
        return Err(
            Error::Conflict(format!("several groups are called «{named}»: name one by its identifier, as `group list` shows it")).into()
        );
    }
    found.pop().ok_or_else(|| Error::not_found(format!("group «{named}»")).into())
}

async fn source_names(ctx: &Context) -> anyhow::Result<HashMap<SourceId, String>> {
    Ok(sources::list(ctx).await?.into_iter().map(|source| (source.id, source.name)).collect())
}

fn source_of(names: &HashMap<SourceId, String>, group: &Group) -> String {
    or_dash(group.source_id.and_then(|id| names.get(&id)))
}
