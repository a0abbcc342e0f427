//! Why someone holds what they hold, and why not something else.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::compile::{Compiled, Subject, Test, condition_label};
use super::crowd::{self, Crowd, Loaded};
use super::decide::{Catalogue, Engine};
use super::evaluate::{Facts, step};
use super::graph::Node;
use super::held::counting;
use super::leaves::Seen;
use super::window::Opening;
use super::work::Work;
use crate::store::establishment::application::Cardinality;
use crate::store::establishment::assignment::{self, Assignment, Origin, Standing, Step};
use crate::store::establishment::rule::Condition;
use crate::store::establishment::user::{self, User, UserStatus};
use crate::types::fold;
use crate::types::id::{AssignmentId, RuleId, UserId};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// Most misses told.
const MISSES_MAX: usize = 10;
/// Most values that are compared with a pattern to find the closest.
const VALUES_MAX: usize = 5_000;

/// One assignment with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explained {
    /// Key.
    pub id: AssignmentId,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that gave it.
    pub rule: Option<RuleId>,
    /// The way from the entry to the role.
    pub path: Vec<Step>,
    /// Whether it counts today: the person is active, it is valid now, and nothing stronger stands before it.
    pub counts: bool,
    /// A person's words, for a role given by hand.
    pub reason: Option<String>,
    /// It holds until then.
    pub valid_until: Option<Timestamp>,
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
    /// What did not hold, in words.
    pub failed_condition: String,
    /// The condition as the rule has it, when it is one of its conditions that failed.
    pub condition: Option<Condition>,
    /// The value seen that comes closest; none when there is no value at all.
    pub value: Option<String>,
}

/// Why, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// What is recorded, each with its reason.
    pub assignments: Vec<Explained>,
    /// Rules that gave nothing, those that failed least first.
    pub nearest_misses: Vec<Miss>,
}

/// Explains someone's roles, in one application or all, one role or all.
///
/// # Errors
/// `NotFound` for an unknown person or application.
pub async fn explain(ctx: &Context, id: UserId, application: Option<&str>, role: Option<&str>) -> Result<Explanation, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let person = user::get(&mut tx, id).await?;
    let work = Work::default();
    let rules = crowd::stored_rules(&mut tx, &work).await?;
    let loaded = Loaded::load_for(&mut tx, &work, rules, &[id]).await?;
    if let Some(name) = application
        && !loaded.engine.catalogues().any(|(catalogue, _)| catalogue.name == name)
    {
        return Err(Error::not_found(format!("application «{name}»")));
    }
    let in_question = |name: &str| application.is_none_or(|wanted| wanted == name);
    let all: Vec<Assignment> = assignment::list_of_user(&mut tx, id).await?.into_iter().filter(|a| in_question(&a.application)).collect();
    let mut explanation = Explanation { assignments: explained(&loaded.engine, &person, &all, ctx.now), nearest_misses: Vec::new() };
    explanation.assignments.retain(|a| role.is_none_or(|wanted| wanted == a.role));
    let mut crowd = Crowd::of(&[id]);
    while let Some(step) = crowd.next(&mut tx, &loaded).await? {
        let (application, role) = (application.map(str::to_owned), role.map(str::to_owned));
        let now = ctx.now;
        let look = move |loaded: &Loaded, facts: &Facts<'_>, _: &[Standing]| {
            Ok(misses(&loaded.engine, facts, now, &|name| application.as_deref().is_none_or(|wanted| wanted == name), role.as_deref()))
        };
        explanation.nearest_misses = step.each(&work, &loaded, look).await?.into_iter().flatten().collect();
    }
    Ok(explanation)
}

fn explained(engine: &Engine, person: &User, all: &[Assignment], now: Timestamp) -> Vec<Explained> {
    let valid = |a: &&Assignment| a.valid_from.is_none_or(|from| from <= now) && a.valid_until.is_none_or(|until| until > now);
    let mut rows = Vec::new();
    for (catalogue, _) in engine.catalogues() {
        let own: Vec<&Assignment> = all.iter().filter(|a| a.application_id == catalogue.id).collect();
        let holding =
            if person.status == UserStatus::Active { own.iter().filter(|a| valid(a)).map(|a| (*a).clone()).collect() } else { Vec::new() };
        let counted: Vec<AssignmentId> = counting(catalogue, holding).into_iter().map(|a| a.id).collect();
        rows.extend(own.into_iter().map(|a| {
            let by_hand = a.origin == Origin::Manual;
            Explained {
                id: a.id,
                application: a.application.clone(),
                role: a.role.clone(),
                scope: a.scope.clone(),
                origin: a.origin,
                rule: a.rule_id,
                path: if by_hand { vec![step("entry", &person.username), step("role", &a.role)] } else { a.reason.clone() },
                counts: counted.contains(&a.id),
                reason: a.reason.first().filter(|_| by_hand).map(|words| words.name.clone()),
                valid_until: a.valid_until,
            }
        }));
    }
    rows
}

fn misses(engine: &Engine, facts: &Facts<'_>, now: Timestamp, in_question: &impl Fn(&str) -> bool, role: Option<&str>) -> Vec<Miss> {
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
            let miss = |failed_condition: String, condition: Option<Condition>, value: Option<String>| {
                let (application, role) = (catalogue.name.clone(), rule.role.to_string());
                Miss { rule: id, application, role, failed_condition, condition, value }
            };
            let failed = rule.tests.iter().flat_map(|test| engine.matcher.lacking(rule, test, &seen));
            let mut failed: Vec<Miss> = failed
                .map(|test| miss(condition_label(&test.condition), Some(test.condition.clone()), closest(test, facts, &groups)))
                .collect();
            if failed.is_empty() {
                let (why, value) = without_effect(engine, catalogue, rule, facts, &seen, now);
                failed.push(miss(why, None, value));
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
) -> (String, Option<String>) {
    if !facts.active() {
        return ("the person is active".to_owned(), Some(format!("{:?}", facts.user.status).to_lowercase()));
    }
    match rule.window.opening(now) {
        Opening::Waiting => return ("the rule counts already".to_owned(), rule.window.start().map(|from| from.to_string())),
        Opening::Ended => return ("the rule counts still".to_owned(), rule.window.end(now).map(|until| until.to_string())),
        Opening::Open => {}
    }
    let gifts = engine.matcher.gifts_of(rule, seen);
    let Some(first) = gifts.given.first() else {
        return ("captures of different conditions agree, and none that is wanted is empty".to_owned(), None);
    };
    match gifts.given.iter().find(|given| catalogue.rank(&given.role).is_none()) {
        Some(unknown) if gifts.given.iter().all(|given| catalogue.rank(&given.role).is_none()) => {
            (format!("the role is in the catalogue of {}", catalogue.name), Some(unknown.role.clone()))
        }
        _ if catalogue.cardinality() == Cardinality::Multi => ("no stronger rule gives the same role".to_owned(), Some(first.role.clone())),
        _ => ("no stronger role is held".to_owned(), Some(first.role.clone())),
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

/// What a pattern for groups was meant for: DNs when it has an equals sign, names otherwise.
fn seen_by<'a>(pattern: &str, groups: &[&'a Node]) -> Vec<&'a str> {
    if pattern.contains('=') {
        groups.iter().filter_map(|node| node.dn.as_deref()).collect()
    } else {
        groups.iter().map(|node| node.name.as_str()).collect()
    }
}

/// The value that comes closest to a pattern; for a condition that must not hold, the value that makes it hold.
fn closest(test: &Test, facts: &Facts<'_>, groups: &[&Node]) -> Option<String> {
    let (pattern, written, values) = match &test.subject {
        Subject::Group(pattern) => {
            let written = test.condition.group.as_deref();
            (pattern, written, seen_by(written.unwrap_or_default(), groups))
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
