//! What hangs on a unit beside the tree: the caller's own roles, which no change of units may touch, and rules that speak of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::roles::{Case, Pattern};
use super::NamingRule;
use crate::store::Tx;
use crate::store::establishment::assignment;
use crate::store::establishment::rule::{self, Rule};

/// What the caller holds, as it was before a change.
#[derive(Debug)]
pub struct Own(BTreeSet<(String, String, String)>);

impl Own {
    /// What the caller holds now; nothing for whoever is no person.
    pub async fn read(tx: &mut Tx, ctx: &Context) -> Result<Self, Error> {
        let Actor::User { id, .. } = &ctx.actor else { return Ok(Self(BTreeSet::new())) };
        let held = assignment::list_of_user(tx, *id).await?;
        Ok(Self(held.into_iter().map(|a| (a.application, a.role, a.scope)).collect()))
    }

    /// Checks that the change left it alone: nobody changes their own roles (OME-69), also not through units.
    ///
    /// # Errors
    /// `Forbidden`; then the transaction is to be dropped.
    pub async fn unchanged(self, tx: &mut Tx, ctx: &Context) -> Result<(), Error> {
        if Self::read(tx, ctx).await?.0 == self.0 {
            return Ok(());
        }
        Err(Error::Forbidden("this would change your own roles: ask another administrator".to_owned()))
    }
}

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
