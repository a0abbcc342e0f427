//! `passerelle rule …`: which directory facts give which role.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::output::{Output, or_dash, print_json};
use super::rule_set;
use crate::services::roles::{self, RuleFields};
use crate::store::establishment::rule::{Condition, Rule};

/// What to do with rules. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a rule; everyone's roles are recomputed.
    Add(Fields),
    /// List rules.
    List {
        /// The establishment.
        est: String,
    },
    /// Change a rule by a JSON merge patch, for instance '{"enabled":false}'.
    Edit {
        /// The establishment.
        est: String,
        /// The rule.
        id: String,
        /// The merge patch (RFC 7396).
        patch: String,
    },
    /// Remove a rule; what it gave goes.
    Delete {
        /// The establishment.
        est: String,
        /// The rule.
        id: String,
    },
    /// Who would gain or lose what, by name, if this rule were added, or if the rules were those of a file. Writes nothing.
    Simulate(Trial),
    /// Put the rules of a file in the place of all that stand. A large loss is held until its number is confirmed.
    Apply {
        /// The establishment.
        est: String,
        /// A file of rules: `[[rules]]` of TOML, or JSON as `rule list --json` prints it.
        file: PathBuf,
        /// So many roles may be taken away.
        #[arg(long, value_name = "N")]
        confirm_losses: Option<u64>,
    },
    /// Rules prepared for a date, such as the first day of a school year.
    #[command(subcommand, arg_required_else_help = true)]
    Set(rule_set::Command),
}

/// A rule: when all conditions hold, the role is given. A pattern is a regular expression that must match the whole value; named
/// captures such as (?<unit>[A-Z]+) fill {unit} in role and scope.
#[derive(Debug, Args)]
pub struct Fields {
    /// The establishment.
    est: String,
    /// The application.
    application: String,
    /// The role, with {captures}.
    role: String,
    #[command(flatten)]
    written: Written,
}

/// A rule that is tried, or a file of rules.
#[derive(Debug, Args)]
pub struct Trial {
    /// The establishment.
    est: String,
    /// The application.
    #[arg(required_unless_present = "file")]
    application: Option<String>,
    /// The role, with {captures}.
    #[arg(required_unless_present = "file")]
    role: Option<String>,
    /// All rules as they would be: `[[rules]]` of TOML, or JSON as `rule list --json` prints it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["application", "role"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    written: Written,
}

/// Conditions, and what else a rule says.
#[derive(Debug, Args)]
pub struct Written {
    /// A pattern for the name or DN of an effective group; repeatable.
    #[arg(long = "group", value_name = "PATTERN")]
    groups: Vec<String>,
    /// An attribute and a pattern for its values, as NAME=PATTERN; repeatable.
    #[arg(long = "attribute", value_name = "NAME=PATTERN")]
    attributes: Vec<String>,
    /// A pattern for one of the person's units; repeatable.
    #[arg(long = "unit", value_name = "PATTERN")]
    units: Vec<String>,
    /// The name of a source the person comes from; repeatable.
    #[arg(long = "source", value_name = "NAME")]
    sources: Vec<String>,
    /// A pattern that no effective group may match; repeatable.
    #[arg(long = "not-group", value_name = "PATTERN")]
    not_groups: Vec<String>,
    /// The scope, with {captures}.
    #[arg(long)]
    scope: Option<String>,
    /// Smaller is stronger.
    #[arg(long, default_value_t = 100)]
    priority: i64,
}

impl Written {
    fn regular(&self, application: &str, role: &str) -> anyhow::Result<RuleFields> {
        let group = |p: &String, not| Condition { group: Some(p.clone()), not, ..Condition::default() };
        let mut when: Vec<Condition> = self.groups.iter().map(|p| group(p, false)).collect();
        when.extend(self.not_groups.iter().map(|p| group(p, true)));
        for pair in &self.attributes {
            let (name, pattern) = pair.split_once('=').with_context(|| format!("--attribute {pair}: write it as NAME=PATTERN"))?;
            when.push(Condition { attribute: Some(name.to_owned()), matches: Some(pattern.to_owned()), ..Condition::default() });
        }
        when.extend(self.units.iter().map(|p| Condition { unit: Some(p.clone()), ..Condition::default() }));
        when.extend(self.sources.iter().map(|s| Condition { source: Some(s.clone()), ..Condition::default() }));
        let (application, role, scope) = (application.to_owned(), role.to_owned(), self.scope.clone());
        Ok(RuleFields { application, when, role, scope, priority: self.priority, enabled: true })
    }
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(fields) => {
            let ctx = local.establishment(&fields.est).await?;
            let made = roles::rules::create(&ctx, &fields.written.regular(&fields.application, &fields.role)?).await?;
            output.done(&made, &output.text("cli-rule-added", &[("id", made.id.to_string().into())]))
        }
        Command::List { est } => {
            let rules = roles::rules::list(&local.establishment(&est).await?).await?;
            output.list(&rules, &["cli-id", "cli-application", "cli-role", "cli-scope", "cli-when", "cli-enabled"], |r| {
                vec![
                    r.id.to_string(),
                    r.application.clone(),
                    r.role.clone(),
                    or_dash(r.scope.as_ref()),
                    conditions(r),
                    r.enabled.to_string(),
                ]
            })
        }
        Command::Edit { est, id, patch } => {
            let ctx = local.establishment(&est).await?;
            let standing = roles::rules::get(&ctx, id.parse()?).await?;
            let fields = super::patched(&RuleFields::from(&standing), &patch)?;
            print_json(&roles::rules::update(&ctx, &standing, &fields).await?)
        }
        Command::Delete { est, id } => {
            roles::rules::delete(&local.establishment(&est).await?, id.parse()?).await?;
            output.done(&json!({ "deleted": id }), &output.text("cli-rule-deleted", &[]))
        }
        Command::Simulate(trial) => simulate(local, output, &trial).await,
        Command::Apply { est, file, confirm_losses } => {
            let ctx = local.establishment(&est).await?;
            let rules = rule_set::read(&file)?;
            let simulation = roles::simulate(&ctx, &rules).await?.simulation.unwrap_or_default();
            let done = roles::apply(&ctx, &rules, &simulation, confirm_losses).await?;
            output.done(&done, &rule_set::told(output, "cli-rules-applied", &done))
        }
        Command::Set(command) => rule_set::run(local, output, command).await,
    }
}

async fn simulate(local: &Local, output: Output, trial: &Trial) -> anyhow::Result<()> {
    let ctx = local.establishment(&trial.est).await?;
    let rules = match (&trial.file, &trial.application, &trial.role) {
        (Some(file), ..) => rule_set::read(file)?,
        (None, Some(application), Some(role)) => {
            let mut rules: Vec<RuleFields> = roles::rules::list(&ctx).await?.iter().map(RuleFields::from).collect();
            rules.push(trial.written.regular(application, role)?);
            rules
        }
        _ => anyhow::bail!("name an application and a role, or a file of rules"),
    };
    rule_set::show(output, &roles::simulate(&ctx, &rules).await?)
}

fn conditions(rule: &Rule) -> String {
    rule.conditions.iter().map(|c| serde_json::to_string(c).unwrap_or_default()).collect::<Vec<_>>().join(" ")
}
