//! `passerelle rule …`: which directory facts give which role.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::output::{Output, or_dash, print_json};
use super::rule_set;
use crate::services::context::Context;
use crate::services::roles::{self, Opening, RuleFields};
use crate::store::establishment::rule::{Condition, Rule};
use crate::types::time::Timestamp;

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
        /// So many roles may be taken away, where that is a large loss.
        #[arg(long, value_name = "COUNT")]
        confirm_losses: Option<u64>,
    },
    /// What is remarkable about the rules: one that matches nobody, one that another stands before, a capture that nothing uses.
    Lint {
        /// The establishment.
        est: String,
    },
    /// Remove a rule; what it gave goes.
    Delete {
        /// The establishment.
        est: String,
        /// The rule.
        id: String,
        /// So many roles may be taken away, where that is a large loss.
        #[arg(long, value_name = "COUNT")]
        confirm_losses: Option<u64>,
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
    /// Patterns for groups of which one must match; repeatable.
    #[arg(long = "any-group", value_name = "PATTERN")]
    any_groups: Vec<String>,
    /// The source that states the groups of --group, --not-group and --any-group; local for groups that none states. Of any source when left
    /// out, which rules of passerelle may not. Where it differs from one to the next, write them with --when.
    #[arg(long, value_name = "NAME")]
    group_source: Option<String>,
    /// Conditions as JSON, beside the others: '[{"any":[{"group":"a"},{"unit":"b"}]}]'.
    #[arg(long, value_name = "JSON")]
    when: Option<String>,
    /// The scope, with {captures}.
    #[arg(long)]
    scope: Option<String>,
    /// It gives nothing before, as 2026-09-01T00:00:00+02:00.
    #[arg(long, value_name = "TIME")]
    valid_from: Option<String>,
    /// It gives nothing from then on.
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,
    /// The day of the year, as 08-31, at whose end it stops giving until it is renewed: any edit does.
    #[arg(long, value_name = "MM-DD")]
    ends: Option<String>,
    /// Smaller is stronger.
    #[arg(long, default_value_t = 100)]
    priority: i64,
}

impl Written {
    fn regular(&self, application: &str, role: &str) -> anyhow::Result<RuleFields> {
        let group = |p: &String, not| Condition { group: Some(p.clone()), source: self.group_source.clone(), not, ..Condition::default() };
        let any_group = [&self.groups, &self.not_groups, &self.any_groups].iter().any(|patterns| !patterns.is_empty());
        anyhow::ensure!(
            any_group || self.group_source.is_none(),
            "--group-source is for --group, --not-group and --any-group: give one of these"
        );
        let mut when: Vec<Condition> = self.groups.iter().map(|p| group(p, false)).collect();
        when.extend(self.not_groups.iter().map(|p| group(p, true)));
        for pair in &self.attributes {
            let (name, pattern) = pair.split_once('=').with_context(|| format!("--attribute {pair}: write it as NAME=PATTERN"))?;
            when.push(Condition { attribute: Some(name.to_owned()), matches: Some(pattern.to_owned()), ..Condition::default() });
        }
        when.extend(self.units.iter().map(|p| Condition { unit: Some(p.clone()), ..Condition::default() }));
        when.extend(self.sources.iter().map(|s| Condition { source: Some(s.clone()), ..Condition::default() }));
        if !self.any_groups.is_empty() {
            when.push(Condition { any: Some(self.any_groups.iter().map(|p| group(p, false)).collect()), ..Condition::default() });
        }
        if let Some(text) = &self.when {
            when.extend(serde_json::from_str::<Vec<Condition>>(text).with_context(|| format!("--when {text}"))?);
        }
        Ok(RuleFields {
            application: application.to_owned(),
            when,
            role: role.to_owned(),
            scope: self.scope.clone(),
            priority: self.priority,
            enabled: true,
            valid_from: instant("--valid-from", self.valid_from.as_deref())?,
            valid_until: instant("--valid-until", self.valid_until.as_deref())?,
            ends: self.ends.clone(),
        })
    }
}

fn instant(flag: &str, text: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
    let read = |text: &str| serde_json::from_value(json!(text)).with_context(|| format!("{flag} {text}"));
    text.map(read).transpose()
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Add(fields) => {
            let ctx = local.establishment(&fields.est).await?;
            let made = roles::rules::create(&ctx, &fields.written.regular(&fields.application, &fields.role)?).await?;
            output.done(&made, &output.text("cli-rule-added", &[("id", made.id.to_string().into())]))?;
            if !output.is_json() {
                let findings = roles::lint_rule(&Context { locale: output.locale(), ..ctx }, made.id).await?;
                for finding in &findings {
                    eprintln!("{}: {}", finding.place, finding.message);
                }
            }
            Ok(())
        }
        Command::List { est } => {
            let ctx = local.establishment(&est).await?;
            let (rules, now) = (roles::rules::list(&ctx).await?, ctx.now);
            output.list(&rules, &["cli-id", "cli-application", "cli-role", "cli-scope", "cli-when", "cli-state"], |r| {
                vec![
                    r.id.to_string(),
                    r.application.clone(),
                    r.role.clone(),
                    or_dash(r.scope.as_ref()),
                    conditions(r),
                    state(output, r, now),
                ]
            })
        }
        Command::Edit { est, id, patch, confirm_losses } => {
            let ctx = local.establishment(&est).await?;
            let standing = roles::rules::get(&ctx, id.parse()?).await?;
            let fields = super::patched(&RuleFields::from(&standing), &patch)?;
            print_json(&roles::rules::update_confirmed(&ctx, &standing, &fields, confirm_losses).await?)
        }
        Command::Lint { est } => {
            let ctx = Context { locale: output.locale(), ..local.establishment(&est).await? };
            let findings = roles::lint(&ctx).await?;
            if findings.is_empty() {
                return output.done(&findings, &output.text("cli-rules-fine", &[]));
            }
            output
                .list(&findings, &["cli-rule", "cli-place", "cli-remark"], |f| vec![f.rule.to_string(), f.place.clone(), f.message.clone()])
        }
        Command::Delete { est, id, confirm_losses } => {
            roles::rules::delete_confirmed(&local.establishment(&est).await?, id.parse()?, confirm_losses).await?;
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

/// Whether a rule counts, and until when.
fn state(output: Output, rule: &Rule, now: Timestamp) -> String {
    let (opening, start, end) = roles::window_of(rule, now);
    let at = |key: &str, at: Option<Timestamp>| output.text(key, &[("at", at.unwrap_or(now).to_string().into())]);
    match opening {
        _ if !rule.enabled => output.text("cli-rule-disabled", &[]),
        Opening::Waiting => at("cli-rule-waiting", start),
        Opening::Ended => at("cli-rule-ended", end),
        Opening::Open if end.is_some() => at("cli-rule-until", end),
        Opening::Open => output.text("cli-rule-open", &[]),
    }
}

fn conditions(rule: &Rule) -> String {
    rule.conditions.iter().map(|c| serde_json::to_string(c).unwrap_or_default()).collect::<Vec<_>>().join(" ")
}
