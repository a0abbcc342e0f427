//! A rule as people write it and read it. Checks nothing: compiling does.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::establishment::application::Application;
use crate::store::establishment::rule::{Condition, Rule};
use crate::types::Invalid;
use crate::types::id::RuleId;
use crate::types::nul;
use crate::types::time::Timestamp;

/// A rule as it is written: when all conditions hold, the role is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFields {
    /// The application's name.
    pub application: String,
    /// Conditions that must all hold.
    pub when: Vec<Condition>,
    /// The role, with `{captures}`.
    pub role: String,
    /// The scope, with `{captures}`; everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// Smaller is stronger when two rules give the same role in the same scope.
    #[serde(default = "usual_priority")]
    pub priority: i64,
    /// Whether the rule counts.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// It gives nothing before.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// It gives nothing from then on.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
    /// The day of the year, `08-31`, at whose end (Europe/Paris) it stops giving, until somebody renews it: any change does.
    #[serde(default)]
    pub ends: Option<String>,
}

/// Room on both sides.
fn usual_priority() -> i64 {
    100
}

fn yes() -> bool {
    true
}

impl Default for RuleFields {
    /// With the usual priority, enabled, and nothing said otherwise.
    fn default() -> Self {
        Self {
            application: String::new(),
            when: Vec::new(),
            role: String::new(),
            scope: None,
            priority: usual_priority(),
            enabled: yes(),
            valid_from: None,
            valid_until: None,
            ends: None,
        }
    }
}

/// A file of rules: `rules` and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSet {
    rules: Vec<RuleFields>,
}

impl RuleFields {
    /// Reads a rule set as people keep it in a file: `[[rules]]` of TOML, or `{"rules": […]}` of JSON.
    ///
    /// # Errors
    /// `Invalid` with the place of the mistake in the text.
    pub fn read_set(text: &str) -> Result<Vec<Self>, Invalid> {
        let set: RuleSet = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| Invalid::new("rules", error.to_string()))?
        } else {
            toml::from_str(text).map_err(|error| Invalid::new("rules", error.to_string()))?
        };
        let rules = serde_json::to_value(&set.rules).map_err(|error| Invalid::new("rules", error.to_string()))?;
        nul::refuse("rules", &rules)?;
        Ok(set.rules)
    }

    /// The rule of an application that these fields make.
    pub(super) fn made(&self, of: &Application, id: RuleId, now: Timestamp) -> Rule {
        Rule {
            id,
            application_id: of.id,
            application: of.name.clone(),
            conditions: self.when.clone(),
            role: self.role.clone(),
            scope: self.scope.clone().filter(|scope| !scope.is_empty()),
            priority: self.priority,
            enabled: self.enabled,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            ends: self.ends.clone(),
            created_at: now,
            updated_at: now,
        }
    }

    /// As people read it in a reason: `group ens-(?<unit>[A-Z]+) → Ens @ {unit}`.
    pub fn label(&self) -> String {
        let when = joined(&self.when, " and ");
        match self.scope.as_deref().filter(|scope| !scope.is_empty()) {
            Some(scope) => format!("{when} → {} @ {scope}", self.role),
            None => format!("{when} → {}", self.role),
        }
    }
}

impl From<&Rule> for RuleFields {
    fn from(rule: &Rule) -> Self {
        Self {
            application: rule.application.clone(),
            when: rule.conditions.clone(),
            role: rule.role.clone(),
            scope: rule.scope.clone(),
            priority: rule.priority,
            enabled: rule.enabled,
            valid_from: rule.valid_from,
            valid_until: rule.valid_until,
            ends: rule.ends.clone(),
        }
    }
}

/// A condition as people read it.
pub fn condition_label(condition: &Condition) -> String {
    let not = if condition.not { "not " } else { "" };
    let Condition { group, attribute, matches, unit, source, any, all, not: _ } = condition;
    match (group, attribute, unit, source, any, all) {
        (Some(pattern), .., Some(name), _, _) => format!("{not}group {pattern} of {name}"),
        (Some(pattern), ..) => format!("{not}group {pattern}"),
        (_, Some(name), ..) => format!("{not}attribute {name} matches {}", matches.as_deref().unwrap_or_default()),
        (_, _, Some(pattern), ..) => format!("{not}unit {pattern}"),
        (_, _, _, Some(name), ..) => format!("{not}source {name}"),
        (_, _, _, _, Some(some), _) => format!("{not}({})", joined(some, " or ")),
        (.., Some(every)) => format!("{not}({})", joined(every, " and ")),
        _ => "nothing".to_owned(),
    }
}

fn joined(conditions: &[Condition], between: &str) -> String {
    conditions.iter().map(condition_label).collect::<Vec<_>>().join(between)
}
