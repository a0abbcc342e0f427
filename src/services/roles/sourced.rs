//! Rules that name a source, of whoever comes from it or of the groups that it states: those that must, and those that follow it to another name.
//! Recomputes nothing.

use super::super::context::Context;
use super::super::error::Error;
use super::compile::{Compiled, Subject, Test};
use super::prepared::{rewrite_prepared_in, rules_of};
use crate::store::Tx;
use crate::store::establishment::group::LOCAL;
use crate::store::establishment::rule::{self, Condition, Rule};
use crate::store::establishment::rule_set::{self, RuleSetState};
use crate::types::Invalid;
use crate::types::permission::APPLICATION;

/// Conditions in which a source is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// All of them.
    Any,
    /// On groups that it states.
    Groups,
    /// On people who come from it.
    People,
}

/// The conditions by which a rule of the gateway gives a role to whoever is in a group of any source. Whoever feeds one of them could make a
/// group of that name.
pub(super) fn of_any_source(rule: &Compiled) -> Vec<&Test> {
    let mut found = Vec::new();
    if rule.application == APPLICATION {
        rule.tests.iter().for_each(|test| test.each_single(&mut |single| found.push(single)));
        found.retain(|test| matches!(test.subject, Subject::Group(_, None)));
    }
    found
}

/// Checks that a rule of the gateway says whose groups it looks at.
///
/// # Errors
/// `Invalid` for each condition that does not.
pub(super) fn check_sources(rule: &Compiled) -> Result<(), Vec<Invalid>> {
    let wrong: Vec<Invalid> = of_any_source(rule).into_iter().map(unnamed).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn unnamed(test: &Test) -> Invalid {
    let why = "or whoever feeds another one makes a group of that name";
    let how = format!("name the source whose groups are meant (--group-source at the terminal), {LOCAL} for the establishment's own");
    Invalid::new(format!("{}.source", test.place), format!("a rule of {APPLICATION} that looks at a group names its source, {why}: {how}"))
}

/// Has rules, those that are prepared for a date too, follow a source to another name. Whether any of those that stand did: then the caller
/// recomputes everyone, who keeps what they have for a reason with another name in it.
pub(in crate::services) async fn follow_source_in(
    tx: &mut Tx,
    ctx: &Context,
    (from, to): (&str, &str),
    naming: Naming,
) -> Result<bool, Error> {
    let mut any = false;
    for mut rule in rule::list(tx).await? {
        if rename(&mut rule.conditions, (from, to), naming) {
            any = true;
            // A yearly end counts from when a person last wrote the rule.
            rule::update(tx, &rule).await?;
        }
    }
    rewrite_prepared_in(tx, ctx, |fields| rename(&mut fields.when, (from, to), naming)).await?;
    Ok(any)
}

fn rename(conditions: &mut [Condition], (from, to): (&str, &str), naming: Naming) -> bool {
    let mut any = false;
    for condition in conditions {
        if names(condition, from, naming) {
            condition.source = Some(to.to_owned());
            any = true;
        }
        for inside in [&mut condition.any, &mut condition.all].into_iter().flatten() {
            any |= rename(inside, (from, to), naming);
        }
    }
    any
}

fn names(condition: &Condition, source: &str, naming: Naming) -> bool {
    let meant = match naming {
        Naming::Any => true,
        Naming::Groups => condition.group.is_some(),
        Naming::People => condition.group.is_none(),
    };
    meant && condition.source.as_deref().is_some_and(|named| named.trim() == source)
}

fn any_names(conditions: &[Condition], source: &str, naming: Naming) -> bool {
    let inside = |condition: &Condition| condition.any.iter().chain(&condition.all).any(|inside| any_names(inside, source, naming));
    conditions.iter().any(|condition| names(condition, source, naming) || inside(condition))
}

/// Refuses to let a source go that rules name: the next one of that name would be taken for it.
///
/// # Errors
/// `Conflict`.
pub(in crate::services) async fn check_unnamed_in(tx: &mut Tx, source: &str, naming: Naming) -> Result<(), Error> {
    let rules = rule::list(tx).await?.iter().filter(|rule: &&Rule| any_names(&rule.conditions, source, naming)).count();
    let mut sets = Vec::new();
    for set in rule_set::list(tx).await? {
        // Others are checked, and can be changed, before they are applied.
        let scheduled = matches!(set.state, RuleSetState::Scheduled | RuleSetState::Held);
        if scheduled && rules_of(&set).iter().any(|fields| any_names(&fields.when, source, naming)) {
            sets.push(set.name);
        }
    }
    if rules == 0 && sets.is_empty() {
        return Ok(());
    }
    let scheduled = if sets.is_empty() { String::new() } else { format!(", and scheduled rule sets ({})", sets.join(", ")) };
    let next = "change or remove those first, so that no other source of that name is taken for it";
    Err(Error::Conflict(format!("{rules} rules name the source «{source}»{scheduled}: {next}")))
}
