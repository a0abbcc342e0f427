//! Where an application allows one role, or one in each scope: what somebody would hold besides, what it gave way to, and what decided. Pure.

use serde::Serialize;
use utoipa::ToSchema;

use super::decide::{Candidate, Catalogue, Engine};
use super::evaluate::Facts;
use crate::store::establishment::application::Cardinality;
use crate::store::establishment::assignment::{Origin, Standing};
use crate::types::id::RuleId;
use crate::types::time::Timestamp;

/// Most losers told.
const LOSERS_MAX: usize = 50;

/// What decided between two roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// The order of the catalogue's roles: the one that stands before.
    CatalogueOrder,
    /// The same role in two scopes: the priority of the rules, then their age.
    RulePriority,
    /// The same role in two scopes: the scope that comes first.
    Scope,
}

/// A role that gave way to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Loser {
    /// The application's name.
    pub application: String,
    /// The role that gave way.
    pub role: String,
    /// Where it would hold; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that gives it.
    pub rule: Option<RuleId>,
    /// Its place in the catalogue's order; the strongest is 1.
    pub rank: usize,
    /// The role that it gave way to.
    pub winner: String,
    /// Where that one holds.
    pub winner_scope: String,
    /// The rule that gives that one.
    pub winner_rule: Option<RuleId>,
    /// That one's place in the catalogue's order.
    pub winner_rank: usize,
    /// What decided.
    pub decided_by: Decider,
}

/// One role that somebody would hold if there were room for all.
#[derive(Clone, Debug)]
struct Runner {
    rank: usize,
    /// By hand goes before rules of the same role, as both are held then.
    strength: Option<usize>,
    role: String,
    scope: String,
    origin: Origin,
    rule: Option<RuleId>,
}

/// What gave way, in the applications in question.
pub(super) fn losers(
    engine: &Engine,
    facts: &Facts<'_>,
    standing: &[Standing],
    now: Timestamp,
    in_question: &impl Fn(&str) -> bool,
    role: Option<&str>,
) -> Vec<Loser> {
    if !facts.active() {
        return Vec::new();
    }
    let seen = engine.matcher.see(facts, &engine.matcher.graph.effective(facts.direct));
    let mut found = Vec::new();
    for (catalogue, rules) in engine.catalogues().filter(|(catalogue, _)| in_question(&catalogue.name)) {
        if catalogue.cardinality() == Cardinality::Multi {
            continue;
        }
        let mut runners: Vec<Runner> =
            engine.candidates(catalogue, rules, facts, &seen, now).iter().filter_map(|c| by_rule(catalogue, c)).collect();
        runners.extend(standing.iter().filter_map(|held| by_hand(catalogue, held, now)));
        runners.sort_by(|a, b| (a.rank, a.strength, &a.scope).cmp(&(b.rank, b.strength, &b.scope)));
        found.extend(given_way(catalogue, &runners));
    }
    found.retain(|loser| role.is_none_or(|wanted| wanted == loser.role));
    found.truncate(LOSERS_MAX);
    found
}

fn by_rule(catalogue: &Catalogue, candidate: &Candidate<'_>) -> Option<Runner> {
    Some(Runner {
        rank: catalogue.rank(&candidate.given.role)?,
        strength: Some(candidate.strength),
        role: candidate.given.role.clone(),
        scope: candidate.given.scope.clone(),
        origin: Origin::Rule,
        rule: candidate.rule.id,
    })
}

fn by_hand(catalogue: &Catalogue, held: &Standing, now: Timestamp) -> Option<Runner> {
    let counts = held.application_id == catalogue.id && held.origin == Origin::Manual && now.is_within(held.valid_from, held.valid_until);
    let rank = catalogue.rank(&held.role).filter(|_| counts && catalogue.admits(&held.role, &held.scope))?;
    Some(Runner { rank, strength: None, role: held.role.clone(), scope: held.scope.clone(), origin: Origin::Manual, rule: None })
}

/// Those that gave way; the strongest come first.
fn given_way<'r>(catalogue: &'r Catalogue, runners: &'r [Runner]) -> impl Iterator<Item = Loser> + 'r {
    runners.iter().filter_map(|loser| {
        let rivals = |runner: &&Runner| catalogue.cardinality() == Cardinality::Single || runner.scope == loser.scope;
        let winner = runners.iter().find(rivals)?;
        // The same role in the same scope by rule and by hand is held once, and gives way to nothing.
        if winner.role == loser.role && winner.scope == loser.scope {
            return None;
        }
        let decided_by = match (winner.rank == loser.rank, winner.strength == loser.strength) {
            (false, _) => Decider::CatalogueOrder,
            (true, false) => Decider::RulePriority,
            (true, true) => Decider::Scope,
        };
        Some(Loser {
            application: catalogue.name.clone(),
            role: loser.role.clone(),
            scope: loser.scope.clone(),
            origin: loser.origin,
            rule: loser.rule,
            rank: loser.rank + 1,
            winner: winner.role.clone(),
            winner_scope: winner.scope.clone(),
            winner_rule: winner.rule,
            winner_rank: winner.rank + 1,
            decided_by,
        })
    })
}
