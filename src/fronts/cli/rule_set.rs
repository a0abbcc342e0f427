//! `passerelle rule set …`: rules prepared for a date; and how simulations are shown.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::output::{Output, or_dash, print_json, print_line};
use crate::services::roles::{Replaced, RuleFields, Simulation, View};
use crate::services::rule_sets::{self, RuleSetFields};
use crate::types::time::Timestamp;

/// What the gateway adds to rules that it lists.
const SHOWN_ONLY: [&str; 3] = ["id", "created_at", "updated_at"];

/// What to do with rule sets. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prepare the rules of a file under a name. Nothing of them stands yet.
    Add {
        #[command(flatten)]
        named: Named,
        /// A file of rules: `[[rules]]` of TOML, or JSON as `rule list --json` prints it.
        file: PathBuf,
        /// What people read.
        #[arg(long)]
        title: Option<String>,
    },
    /// List rule sets.
    List {
        /// The establishment.
        est: String,
    },
    /// Show a rule set with its rules.
    Show(Named),
    /// Who would gain or lose what, by name, if it were applied now. Writes nothing.
    Simulate(Named),
    /// Have it applied by itself at an instant; held when it takes away much more by then than is foretold now.
    Schedule {
        #[command(flatten)]
        named: Named,
        /// From when on, for instance 2027-09-01T04:00:00Z.
        at: String,
        /// So many roles may be taken away.
        #[arg(long, value_name = "N")]
        confirm_losses: Option<u64>,
    },
    /// Apply it now: its rules stand in the place of all others.
    Apply(Confirmed),
    /// Put the rules back that stood before it was applied.
    Rollback(Confirmed),
    /// Have it not applied.
    Cancel(Named),
    /// Remove it. Rules that stand stay.
    Delete(Named),
}

/// A rule set of an establishment.
#[derive(Debug, Args)]
pub struct Named {
    /// The establishment.
    est: String,
    /// The rule set.
    name: String,
}

/// A rule set, and a word on what it takes away.
#[derive(Debug, Args)]
pub struct Confirmed {
    #[command(flatten)]
    named: Named,
    /// So many roles may be taken away.
    #[arg(long, value_name = "N")]
    confirm_losses: Option<u64>,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add { named, file, title } => {
            let ctx = local.establishment(&named.est).await?;
            let fields = RuleSetFields { name: named.name, title: title.unwrap_or_default(), rules: read(&file)? };
            let made = rule_sets::create(&ctx, &fields).await?;
            output.done(&made, &output.text("cli-rule-set-added", &[("name", made.name.as_str().into())]))
        }
        Command::List { est } => {
            let sets = rule_sets::list(&local.establishment(&est).await?).await?;
            output.list(&sets, &["cli-name", "cli-title", "cli-state", "cli-apply-at", "cli-detail"], |set| {
                let (apply_at, note) = (or_dash(set.apply_at.as_ref()), or_dash(set.note.as_ref()));
                vec![set.name.clone(), set.title.clone(), super::word(set.state), apply_at, note]
            })
        }
        Command::Show(named) => print_json(&rule_sets::get(&local.establishment(&named.est).await?, &named.name).await?),
        Command::Simulate(named) => {
            let ctx = local.establishment(&named.est).await?;
            show(output, &rule_sets::simulate(&ctx, &named.name, &View::default()).await?)
        }
        Command::Schedule { named, at, confirm_losses } => {
            let ctx = local.establishment(&named.est).await?;
            let apply_at: Timestamp = serde_json::from_value(at.into()).context("AT")?;
            let set = rule_sets::schedule(&ctx, &named.name, apply_at, confirm_losses).await?;
            let arguments = [("name", set.name.as_str().into()), ("at", apply_at.to_string().into())];
            output.done(&set, &output.text("cli-rule-set-scheduled", &arguments))
        }
        Command::Apply(Confirmed { named, confirm_losses }) => {
            let ctx = local.establishment(&named.est).await?;
            let applied = rule_sets::apply(&ctx, &named.name, confirm_losses).await?;
            output.done(&applied, &told(output, "cli-rules-applied", &applied.changes))
        }
        Command::Rollback(Confirmed { named, confirm_losses }) => {
            let ctx = local.establishment(&named.est).await?;
            let applied = rule_sets::roll_back(&ctx, &named.name, confirm_losses).await?;
            output.done(&applied, &told(output, "cli-rules-rolled-back", &applied.changes))
        }
        Command::Cancel(named) => {
            let set = rule_sets::cancel(&local.establishment(&named.est).await?, &named.name).await?;
            output.done(&set, &output.text("cli-rule-set-cancelled", &[("name", set.name.as_str().into())]))
        }
        Command::Delete(named) => {
            rule_sets::delete(&local.establishment(&named.est).await?, &named.name).await?;
            let sentence = output.text("cli-rule-set-deleted", &[("name", named.name.as_str().into())]);
            output.done(&json!({ "deleted": named.name }), &sentence)
        }
    }
}

/// A sentence with what a set of rules did.
pub fn told(output: Output, key: &str, done: &Replaced) -> String {
    let numbers = [("added", done.added), ("removed", done.removed), ("kept", done.kept), ("gained", done.gained), ("lost", done.lost)];
    output.text(key, &numbers.map(|(name, number)| (name, number.into())))
}

/// Prints who would gain and lose what.
pub fn show(output: Output, outcome: &Simulation) -> anyhow::Result<()> {
    if output.is_json() {
        return print_json(outcome);
    }
    let signed = outcome.gained.iter().map(|row| ("+", row)).chain(outcome.lost.iter().map(|row| ("-", row)));
    let rows: Vec<[String; 5]> = signed
        .map(|(sign, row)| [sign, &row.user.username, &row.user.display_name, &row.role, &row.scope].map(ToString::to_string))
        .collect();
    output.list(&rows, &["cli-change", "cli-username", "cli-name", "cli-role", "cli-scope"], |row| row.to_vec())?;
    let numbers = [("gained", outcome.gained_count), ("lost", outcome.lost_count), ("unchanged", outcome.unchanged_count)];
    print_line(&format!("\n{}", output.text("cli-simulated", &numbers.map(|(name, number)| (name, number.into())))))?;
    Ok(())
}

/// Reads a file of rules; a list that the gateway printed too.
pub fn read(path: &Path) -> anyhow::Result<Vec<RuleFields>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let Ok(listed) = serde_json::from_str::<Value>(&text) else { return Ok(RuleFields::read_set(&text).map_err(refused)?) };
    let mut rules = if listed.is_array() { json!({ "rules": listed }) } else { listed };
    for rule in rules.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        rule.retain(|name, _| !SHOWN_ONLY.contains(&name.as_str()));
    }
    Ok(RuleFields::read_set(&rules.to_string()).map_err(refused)?)
}

fn refused(invalid: crate::types::Invalid) -> crate::services::error::Error {
    invalid.into()
}
