//! Why not: rules that gave someone nothing, those that failed least first, each with the condition that failed and the value seen. Pure.

use serde::Serialize;
use utoipa::ToSchema;

use super::compile::{Compiled, Subject, Test, condition_label};
use super::decide::{Catalogue, Engine};
use super::evaluate::Facts;
use super::graph::Node;
use super::leaves::Seen;
use super::pattern::Pattern;
use super::window::Opening;
use crate::store::establishment::application::Cardinality;
use crate::store::establishment::rule::Condition;
use crate::types::fold;
use crate::types::id::RuleId;
use crate::types::time::Timestamp;

/// Most misses told.
const MISSES_MAX: usize = 10;
/// Most values that are compared with a pattern to find the closest.
const VALUES_MAX: usize = 5_000;

/// Why a rule gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// One of its conditions does not hold.
    Condition,
    /// Its conditions hold each alone, and their captures do not agree.
    Captures,
    /// The person is not active.
    PersonNotActive,
    /// It counts from a later instant on.
    NotYet,
    /// It counted until an earlier instant.
    NoLonger,
    /// The catalogue does not know the role.
    UnknownRole,
    /// The catalogue binds the role to a scope that it is not given in, or to none.
    Scope,
    /// A stronger rule gives the same role.
    StrongerRule,
    /// The application allows one role, and a stronger one is held.
    StrongerRole,
    /// Someone decided that the person is not to hold the role.
    Excluded,
}

/// One condition for want of which a rule gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Miss {
    /// The rule.
    pub rule: RuleId,
    /// The application's name.
    pub application: String,
    /// The role that the rule gives, with its `{captures}`.
    pub role: String,
    /// Why it gave nothing: a word for programs.
    pub why: WhyNot,
    /// What did not hold, in words.
    pub failed_condition: String,
    /// The condition as the rule has it, when it is one of its conditions that failed.
    pub condition: Option<Condition>,
    /// The value seen that comes closest; none when there is no value at all.
    pub value: Option<String>,
}

pub(super) fn misses(
    engine: &Engine,
    facts: &Facts<'_>,
    now: Timestamp,
    in_question: &impl Fn(&str) -> bool,
    role: Option<&str>,
) -> Vec<Miss> {
    let effective = engine.matcher.graph.effective(facts.direct);
    let groups = groups(engine, facts);
    // What was given by hand only keeps a default role away, which no rule gives.
    let decided = engine.decide(facts, &[], now);
    let seen = engine.matcher.see(facts, &effective);
    let mut found: Vec<Vec<Miss>> = Vec::new();
    for (catalogue, rules) in engine.catalogues().filter(|(catalogue, _)| in_question(&catalogue.name)) {
        for rule in rules.iter().filter(|rule| role.is_none_or(|wanted| could_give(rule, wanted))) {
            let gives = decided.iter().any(|d| d.by.as_ref().is_some_and(|(by, _)| by.id == rule.id));
            let (Some(id), false) = (rule.id, gives) else { continue };
            let miss = |why: WhyNot, failed_condition: String, condition: Option<Condition>, value: Option<String>| {
                let (application, role) = (catalogue.name.clone(), rule.role.to_string());
                Miss { rule: id, application, role, why, failed_condition, condition, value }
            };
            let failed = rule.tests.iter().flat_map(|test| engine.matcher.lacking(rule, test, &seen));
            let mut failed: Vec<Miss> = failed
                .map(|test| {
                    let label = condition_label(&test.condition);
                    miss(WhyNot::Condition, label, Some(test.condition.clone()), closest(test, facts, &groups))
                })
                .collect();
            if failed.is_empty() {
                let (why, said, value) = without_effect(engine, catalogue, rule, facts, &seen, now);
                failed.push(miss(why, said, None, value));
            }
            found.push(failed);
        }
    }
    found.sort_by_key(Vec::len);
    found.into_iter().flatten().take(MISSES_MAX).collect()
}

/// Why a rule whose conditions all hold gives nothing.
fn without_effect(
    engine: &Engine,
    catalogue: &Catalogue,
    rule: &Compiled,
    facts: &Facts<'_>,
    seen: &Seen<'_>,
    now: Timestamp,
) -> (WhyNot, String, Option<String>) {
    if !facts.active() {
        return (WhyNot::PersonNotActive, "the person is active".to_owned(), Some(format!("{:?}", facts.user.status).to_lowercase()));
    }
    match rule.window.opening(now) {
        Opening::Waiting => {
            return (WhyNot::NotYet, "the rule counts already".to_owned(), rule.window.start().map(|from| from.to_string()));
        }
        Opening::Ended => {
            return (WhyNot::NoLonger, "the rule counts still".to_owned(), rule.window.end(now).map(|until| until.to_string()));
        }
        Opening::Open => {}
    }
    let gifts = engine.matcher.gifts_of(rule, seen);
    let Some(first) = gifts.given.first() else {
        return (WhyNot::Captures, "captures of different conditions agree, and none that is wanted is empty".to_owned(), None);
    };
    // A role that a person decided against is named as such, whatever else stands in its way.
    if let Some(one) = gifts.given.iter().find(|given| facts.is_excluded(catalogue.id, given, now)) {
        let named = if one.scope.is_empty() { one.role.clone() } else { format!("{} @ {}", one.role, one.scope) };
        return (WhyNot::Excluded, "nobody decided that the person is not to hold the role".to_owned(), Some(named));
    }
    match gifts.given.iter().find(|given| catalogue.rank(&given.role).is_none()) {
        Some(unknown) if gifts.given.iter().all(|given| catalogue.rank(&given.role).is_none()) => {
            (WhyNot::UnknownRole, format!("the role is in the catalogue of {}", catalogue.name), Some(unknown.role.clone()))
        }
        _ if gifts.given.iter().all(|given| !catalogue.admits(&given.role, &given.scope)) => {
            let scope = if first.scope.is_empty() { "everywhere".to_owned() } else { first.scope.clone() };
            (WhyNot::Scope, "the catalogue has the role hold in such a scope".to_owned(), Some(scope))
        }
        _ if catalogue.cardinality() == Cardinality::Multi => {
            (WhyNot::StrongerRule, "no stronger rule gives the same role".to_owned(), Some(first.role.clone()))
        }
        _ => (WhyNot::StrongerRole, "no stronger role is held".to_owned(), Some(first.role.clone())),
    }
}

/// Whether a rule could give a role: it names it, or has captures.
fn could_give(rule: &Compiled, wanted: &str) -> bool {
    rule.role.literal().is_none_or(|literal| literal == wanted)
}

/// The person's effective groups.
fn groups<'a>(engine: &'a Engine, facts: &Facts<'_>) -> Vec<&'a Node> {
    let graph = &engine.matcher.graph;
    graph.all_above(facts.direct).into_iter().filter_map(|place| graph.node(place)).take(VALUES_MAX).collect()
}

/// What a pattern for groups was meant for: the DN when it has an equals sign, the name otherwise.
fn meant_by<'a>(pattern: &str, node: &'a Node) -> Option<&'a str> {
    if pattern.contains('=') { node.dn.as_deref() } else { Some(node.name.as_str()) }
}

/// A group that a condition would take if another source stated it.
fn of_another(pattern: &Pattern, source: &str, groups: &[&Node]) -> Option<String> {
    let others = groups.iter().filter(|node| *node.source != *source);
    let mut named = others.filter_map(|node| Some((meant_by(pattern.text(), node)?, &node.source)));
    named.find(|(name, _)| pattern.captures(name).is_some()).map(|(name, stated_by)| format!("{name} of {stated_by}"))
}

/// The value that comes closest to a pattern; for a condition that must not hold, the value that makes it hold.
fn closest(test: &Test, facts: &Facts<'_>, groups: &[&Node]) -> Option<String> {
    let (pattern, written, values) = match &test.subject {
        Subject::Group(pattern, source) => {
            if let Some(told) = source.as_deref().filter(|_| !test.negated).and_then(|source| of_another(pattern, source, groups)) {
                return Some(told);
            }
            let own = groups.iter().filter(|node| source.as_ref().is_none_or(|source| *source == node.source));
            (pattern, test.condition.group.as_deref(), own.filter_map(|node| meant_by(pattern.text(), node)).collect())
        }
        Subject::Attribute(name, pattern) => (pattern, test.condition.matches.as_deref(), facts.values(name)),
        Subject::Unit(pattern) => (pattern, test.condition.unit.as_deref(), facts.units()),
        // Only one that must not hold comes here whole: several values make it hold.
        Subject::Any(_) | Subject::All(_) => return None,
        Subject::Source(name) => {
            let held = facts.sources.contains(&name.as_str());
            return if held { Some(name.clone()) } else { facts.sources.first().map(|source| (*source).to_owned()) };
        }
    };
    if test.negated {
        return values.into_iter().find(|value| pattern.captures(value).is_some()).map(str::to_owned);
    }
    let wanted = pairs(&without_names(written.unwrap_or_default()));
    let score = |value: &str| {
        let seen = pairs(value);
        let common = seen.iter().filter(|pair| wanted.contains(pair)).count();
        // Dice's coefficient, in thousandths, so that it can be ordered.
        common * 2_000 / (seen.len() + wanted.len()).max(1)
    };
    values.into_iter().max_by_key(|value| (score(value), std::cmp::Reverse(*value))).map(str::to_owned)
}

/// A pattern without the names of its captures, which no value has.
fn without_names(pattern: &str) -> String {
    let mut parts = pattern.split("(?");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
    }
    kept
}

/// Pairs of neighbouring letters and digits, folded.
fn pairs(text: &str) -> Vec<(char, char)> {
    let letters: Vec<char> = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
    letters.iter().copied().zip(letters.iter().copied().skip(1)).collect()
}
