//! What hangs on a unit beside the tree: rules that speak of it.

use serde_json::Value;

use super::super::error::Error;
use super::super::roles::{Case, Pattern};
use super::NamingRule;
use crate::store::Tx;
use crate::store::establishment::rule::{self, Rule};

/// Rules with a condition on units that this name fits, or with this very scope.
pub async fn rules_naming(tx: &mut Tx, unit: &str) -> Result<Vec<NamingRule>, Error> {
    let all = rule::list(tx).await?;
    let naming = all.into_iter().filter(|rule| rule.scope.as_deref() == Some(unit) || conditions_name(rule, unit));
    Ok(naming.map(|rule| NamingRule { id: rule.id, application: rule.application, role: rule.role }).collect())
}

fn conditions_name(rule: &Rule, unit: &str) -> bool {
    serde_json::to_value(&rule.conditions).is_ok_and(|conditions| names(&conditions, unit))
}

/// Whether a condition on units, however deep it stands, has a pattern that the name fits.
fn names(conditions: &Value, unit: &str) -> bool {
    match conditions {
        Value::Array(all) => all.iter().any(|one| names(one, unit)),
        Value::Object(members) => members.iter().any(|(key, value)| match value {
            Value::String(pattern) if key == "unit" => fits(pattern, unit),
            nested => names(nested, unit),
        }),
        _ => false,
    }
}

fn fits(pattern: &str, unit: &str) -> bool {
    Pattern::compile("unit", pattern, Case::Exact).is_ok_and(|pattern| pattern.captures(unit).is_some())
}
