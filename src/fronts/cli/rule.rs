//! `passerelle rule …`: which directory facts give which role.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::output::{Output, or_dash, print_json};
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
    /// Who would gain or lose what, by name, if this rule were added. Writes nothing.
    Simulate(Fields),
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

impl Fields {
    fn regular(&self) -> anyhow::Result<RuleFields> {
        let group = |p: &String, not| Condition { group: Some(p.clone()), not, ..Condition::default() };
        let mut when: Vec<Condition> = self.groups.iter().map(|p| group(p, false)).collect();
        when.extend(self.not_groups.iter().map(|p| group(p, true)));
        for pair in &self.attributes {
            let (name, pattern) = pair.split_once('=').with_context(|| format!("--attribute {pair}: write it as NAME=PATTERN"))?;
            when.push(Condition { attribute: Some(name.to_owned()), matches: Some(pattern.to_owned()), ..Condition::default() });
        }
        when.extend(self.units.iter().map(|p| Condition { unit: Some(p.clone()), ..Condition::default() }));
        when.extend(self.sources.iter().map(|s| Condition { source: Some(s.clone()), ..Condition::default() }));
        let Self { application, role, scope, priority, .. } = self;
        Ok(RuleFields {
            application: application.clone(),
            when,
            role: role.clone(),
            scope: scope.clone(),
            priority: *priority,
            enabled: true,
        })
    }
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(fields) => {
            let ctx = local.establishment(&fields.est).await?;
            let made = roles::rules::create(&ctx, &fields.regular()?).await?;
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
        Command::Simulate(fields) => simulate(local, output, &fields).await,
    }
}

async fn simulate(local: &Local, output: Output, fields: &Fields) -> anyhow::Result<()> {
    let ctx = local.establishment(&fields.est).await?;
    let mut rules: Vec<RuleFields> = roles::rules::list(&ctx).await?.iter().map(RuleFields::from).collect();
    rules.push(fields.regular()?);
    let outcome = roles::simulate(&ctx, &rules).await?;
    if output.is_json() {
        return print_json(&outcome);
    }
    let signed = outcome.gained.iter().map(|row| ("+", row)).chain(outcome.lost.iter().map(|row| ("-", row)));
    let rows: Vec<[String; 5]> = signed
        .map(|(sign, row)| [sign, &row.user.username, &row.user.display_name, &row.role, &row.scope].map(ToString::to_string))
        .collect();
    output.list(&rows, &["cli-change", "cli-username", "cli-name", "cli-role", "cli-scope"], |row| row.to_vec())
}

fn conditions(rule: &Rule) -> String {
    rule.conditions.iter().map(|c| serde_json::to_string(c).unwrap_or_default()).collect::<Vec<_>>().join(" ")
}
