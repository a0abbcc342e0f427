//! Rules that are prepared in rule sets, and those that stood before one was applied: rewritten when something that they name gets another name.

use serde::Deserialize;
use serde_json::Value;

use super::super::context::Context;
use super::super::error::Error;
use super::fields::RuleFields;
use crate::store::Tx;
use crate::store::establishment::rule_set::{self, RuleSet};

/// Goes over every rule of every rule set. `change` answers whether it changed one. A rule that cannot be read any more stays as it is: whoever
/// applies its set is told.
pub(in crate::services) async fn rewrite_prepared_in(
    tx: &mut Tx,
    ctx: &Context,
    change: impl Fn(&mut RuleFields) -> bool,
) -> Result<(), Error> {
    for mut set in rule_set::list(tx).await? {
        let RuleSet { rules, previous, .. } = &mut set;
        let mut changed = false;
        for rule in std::iter::once(rules).chain(previous).filter_map(Value::as_array_mut).flatten() {
            let Ok(mut fields) = RuleFields::deserialize(&*rule) else { continue };
            if change(&mut fields) {
                *rule = serde_json::to_value(&fields).map_err(|e| Error::Internal(format!("rules are always JSON, and are not: {e}")))?;
                changed = true;
            }
        }
        if changed {
            rule_set::update(tx, &RuleSet { updated_at: ctx.now, ..set }).await?;
        }
    }
    Ok(())
}

/// The rules that a set prepares, as far as they can be read.
pub(super) fn rules_of(set: &RuleSet) -> Vec<RuleFields> {
    set.rules.as_array().into_iter().flatten().filter_map(|rule| RuleFields::deserialize(rule).ok()).collect()
}
