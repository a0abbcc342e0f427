//! `passerelle unit …`: departments, classes and other units, as a tree.

use clap::{Args, Subcommand};

use super::args::Rows;
use super::local::Local;
use super::output::{Output, collect, or_dash};
use crate::services::units::{self, NamingRule, UnitFields};
use crate::store::establishment::unit::Filter;

/// What to do with units. EST is the slug of an establishment, a unit goes by its name.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List units.
    List {
        /// The establishment.
        est: String,
        /// Only units right below this one; empty for those at the top.
        #[arg(long)]
        parent: Option<String>,
        /// Only units of this source; empty for those added by hand.
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        rows: Rows,
    },
    /// Add a unit.
    Add {
        /// The establishment.
        est: String,
        /// Its name: what people's units, rules and scopes say.
        name: String,
        /// What people read.
        #[arg(long)]
        title: Option<String>,
        /// The unit above.
        #[arg(long)]
        parent: Option<String>,
    },
    /// Rename or move a unit, or give it another title. People in it and scopes of roles given by hand follow a new name.
    Edit(Edit),
    /// Remove a unit.
    Delete {
        /// The establishment.
        est: String,
        /// Its name.
        name: String,
        /// The unit that takes over units below, people, and roles given by hand.
        #[arg(long)]
        move_to: Option<String>,
    },
}

/// What changes of a unit.
#[derive(Debug, Args)]
pub struct Edit {
    /// The establishment.
    est: String,
    /// Its name.
    name: String,
    /// Another name.
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// What people read.
    #[arg(long)]
    title: Option<String>,
    /// The unit above.
    #[arg(long, conflicts_with = "top")]
    parent: Option<String>,
    /// Put it at the top.
    #[arg(long)]
    top: bool,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { est, parent, source, rows } => {
            let ctx = local.establishment(&est).await?;
            let filter = Filter { parent, source, ..Filter::default() };
            let found = collect(rows.limit, rows.query.as_deref(), async |page| Ok(units::list(&ctx, &page, &filter).await?)).await?;
            output.list(&found, &["cli-unit", "cli-title", "cli-parent", "cli-source"], |unit| {
                vec![unit.name.clone(), unit.title.clone(), or_dash(unit.parent.as_ref()), or_dash(unit.source.as_ref())]
            })
        }
        Command::Add { est, name, title, parent } => {
            let ctx = local.establishment(&est).await?;
            let made = units::create(&ctx, &UnitFields { name, title: title.unwrap_or_default(), parent }).await?;
            output.done(&made, &output.text("cli-unit-added", &[("name", made.name.as_str().into())]))
        }
        Command::Edit(edit) => change(local, output, edit).await,
        Command::Delete { est, name, move_to } => {
            let ctx = local.establishment(&est).await?;
            let gone = units::named(&ctx, &name).await?;
            let removed = units::remove(&ctx, gone.id, move_to.as_deref()).await?;
            let arguments = [
                ("name", name.as_str().into()),
                ("units", removed.units.into()),
                ("people", removed.people.into()),
                ("assignments", removed.assignments.into()),
            ];
            output.done(&removed, &(output.text("cli-unit-deleted", &arguments) + &warned(output, &removed.rules)))
        }
    }
}

async fn change(local: &Local, output: Output, edit: Edit) -> anyhow::Result<()> {
    let ctx = local.establishment(&edit.est).await?;
    let standing = units::named(&ctx, &edit.name).await?;
    let mut fields = UnitFields::from(&standing);
    fields.name = edit.rename.unwrap_or(fields.name);
    fields.title = edit.title.unwrap_or(fields.title);
    if edit.parent.is_some() || edit.top {
        fields.parent = edit.parent;
    }
    let changed = units::update(&ctx, &standing, &fields).await?;
    let arguments =
        [("name", changed.unit.name.as_str().into()), ("people", changed.people.into()), ("assignments", changed.assignments.into())];
    output.done(&changed, &(output.text("cli-unit-edited", &arguments) + &warned(output, &changed.rules)))
}

/// Rules that speak of a unit by the name it had.
fn warned(output: Output, rules: &[NamingRule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let named: Vec<String> = rules.iter().map(|rule| format!("{} ({} {})", rule.id, rule.application, rule.role)).collect();
    format!("\n{}", output.text("cli-unit-rules", &[("rules", named.join(", ").into())]))
}
