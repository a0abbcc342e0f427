//! From facts to what each rule gives. Pure and bounded: no store, no clock.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

use super::compile::{Compiled, Subject, Test};
use super::graph::{Graph, Place};
use super::leaves::{LeafId, Leaves, Matched, Seen};
use super::pattern::{Captures, merged};
use super::work::Stop;
use crate::store::establishment::assignment::Step;
use crate::store::establishment::exclusion::Excluded;
use crate::store::establishment::user::{User, UserStatus};
use crate::types::Invalid;
use crate::types::id::ApplicationId;
use crate::types::time::Timestamp;

/// Most assignments of one person by one rule.
pub const GIVEN_MAX: usize = 100;
/// Most sets of captures kept while conditions are combined.
const COMBINATIONS_MAX: usize = 1_000;
/// Most pairs of sets looked at while conditions are combined.
const PAIRS_MAX: usize = 100_000;
/// Most matches of patterns with groups kept for one evaluation: bounds memory.
const MATCHES_MAX: usize = 1_000_000;

/// What rules look at of one person.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The person.
    pub user: &'a User,
    /// The directory entry's DN, or the user name.
    pub entry: &'a str,
    /// Groups the person is in directly.
    pub direct: &'a [Place],
    /// Names of the sources of present entries.
    pub sources: &'a [&'a str],
    /// What someone decided that the person is not to hold.
    pub excluded: &'a [Excluded],
}

impl Facts<'_> {
    /// Whether the person counts at all.
    pub fn active(&self) -> bool {
        self.user.status == UserStatus::Active
    }

    /// Whether someone decided that the person is not to hold a role in a scope, whatever rules give.
    pub fn is_excluded(&self, application: ApplicationId, given: &Given, now: Timestamp) -> bool {
        self.excluded.iter().any(|one| {
            one.application_id == application
                && one.role == given.role
                && one.scope == given.scope
                && one.valid_until.is_none_or(|until| until > now)
        })
    }

    /// Values of a built-in field or an attribute.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let user = self.user;
        let built_in = match name {
            "username" => Some(user.username.as_str()),
            "given_name" => user.given_name.as_deref(),
            "family_name" => user.family_name.as_deref(),
            "display_name" => Some(user.display_name.as_str()),
            "email" => user.email.as_deref(),
            "locale" => user.locale.as_deref(),
            "home_unit" => user.home_unit.as_deref(),
            _ => return user.attributes.get(name).into_iter().flatten().map(String::as_str).collect(),
        };
        built_in.into_iter().collect()
    }

    /// Whether a name is a field of every person, and no attribute that a mapping makes.
    pub fn is_built_in(name: &str) -> bool {
        ["username", "given_name", "family_name", "display_name", "email", "locale", "home_unit"].contains(&name)
    }

    /// Every unit, the home unit first.
    pub fn units(&self) -> Vec<&str> {
        let home = self.user.home_unit.as_deref();
        home.into_iter().chain(self.user.units.iter().map(String::as_str).filter(|unit| Some(*unit) != home)).collect()
    }
}

/// What made a condition hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// An effective group: how far up, its place, and whether the condition names its source.
    Group(u32, Place, bool),
    /// A fact of the entry, as people read it.
    Fact(Arc<str>),
}

/// One role that a rule gives someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// What filled the templates.
    pub captures: Captures,
    /// Why, condition by condition.
    pub evidence: Vec<Evidence>,
}

/// Everything a rule gives someone, by role and scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gifts {
    /// At most [`GIVEN_MAX`].
    pub given: Vec<Given>,
    /// Whether more was left out.
    pub truncated: bool,
}

/// Rules bound to the groups of one establishment.
#[derive(Debug, Default)]
pub struct Matcher {
    /// The groups.
    pub graph: Graph,
    /// The single conditions of the rules.
    pub leaves: Leaves,
    /// What each group makes hold, by place: worked out once a group and not once a person.
    at: Vec<Vec<Matched>>,
    stop: Stop,
}

/// Matching every group against every pattern of the rules, in pieces.
#[derive(Debug)]
pub struct Matching {
    graph: Graph,
    leaves: Leaves,
    pattern: usize,
    next: Place,
    at: Vec<Vec<Matched>>,
    found: usize,
    stop: Stop,
}

impl Matching {
    /// Nothing is matched yet. Numbers the conditions of the rules.
    pub fn new(graph: Graph, rules: &mut [Compiled], stop: Stop) -> Self {
        let at = vec![Vec::new(); graph.all().count()];
        Self { graph, leaves: Leaves::of(rules), pattern: 0, next: 0, at, found: 0, stop }
    }

    /// Looks at up to `most` pairs of a pattern and a group; whether some are left.
    ///
    /// # Errors
    /// `Invalid` when the patterns match more than is kept.
    pub fn advance(&mut self, most: usize) -> Result<bool, Invalid> {
        for _ in 0..most {
            let Some(wanted) = self.leaves.groups.get(self.pattern) else { return Ok(false) };
            let (Some(node), Some(found)) = (self.graph.node(self.next), self.at.get_mut(self.next as usize)) else {
                self.pattern += 1;
                self.next = 0;
                continue;
            };
            self.next += 1;
            let ways = wanted.ways(node);
            if ways.is_empty() {
                continue;
            }
            self.found += 1;
            if self.found > MATCHES_MAX {
                let pattern = wanted.pattern.text();
                let why = format!("the patterns of these rules match groups more than {MATCHES_MAX} times in all, «{pattern}» too");
                return Err(Invalid::new("rules", format!("{why}: write fewer patterns, that match fewer groups")));
            }
            found.extend(ways);
            if self.stop.is_set() {
                return Ok(false);
            }
        }
        Ok(self.pattern < self.leaves.groups.len())
    }

    /// With everything matched.
    pub fn finish(mut self) -> Matcher {
        let matched = |place: Place| self.at.get(place as usize).is_some_and(|found| !found.is_empty());
        self.graph.reach(matched);
        Matcher { graph: self.graph, leaves: self.leaves, at: self.at, stop: self.stop }
    }
}

/// Ways in which a condition holds: sets of captures, in order, each with its nearest evidence.
type Ways = Vec<(Captures, Vec<Evidence>)>;

impl Matcher {
    /// The single conditions that hold for someone.
    pub fn see(&self, facts: &Facts<'_>, effective: &[(Place, u32)]) -> Seen<'_> {
        let mut seen = Seen::default();
        for (place, distance) in effective {
            if let Some(found) = self.at.get(*place as usize) {
                Leaves::look_at_group(found, (*place, *distance), &mut seen);
            }
        }
        self.leaves.look(facts, &mut seen);
        seen.finish();
        seen
    }

    /// Whether any group makes a condition hold for whoever is in it.
    pub fn matches_a_group(&self, leaf: LeafId) -> bool {
        self.at.iter().flatten().any(|matched| matched.leaf == leaf)
    }

    /// The ways in which a condition holds, and whether some were left out.
    fn ways(&self, rule: &Compiled, test: &Test, seen: &Seen<'_>) -> (Ways, bool) {
        let (ways, cut) = self.ways_unturned(rule, test, seen);
        match (test.negated, ways.is_empty()) {
            (false, _) => (ways, cut),
            (true, true) => (vec![(Captures::new(), Vec::new())], false),
            (true, false) => (Ways::new(), false),
        }
    }

    /// The same of what a condition says before it is turned round.
    fn ways_unturned(&self, rule: &Compiled, test: &Test, seen: &Seen<'_>) -> (Ways, bool) {
        let mut cut = false;
        let mut ways: Ways = match &test.subject {
            Subject::All(tests) => return self.together(rule, tests, seen),
            Subject::Any(branches) => {
                let mut ways = Ways::new();
                for branch in branches {
                    let (more, left_out) = self.ways(rule, branch, seen);
                    ways.extend(more);
                    cut |= left_out;
                }
                ways
            }
            _ => seen.of(test.leaf).iter().map(|hit| (rule.that_matter(&hit.captures), vec![hit.evidence.clone()])).collect(),
        };
        if ways.len() > 1 {
            ways.sort_unstable();
            ways.dedup_by(|next, kept| next.0 == kept.0);
            cut |= ways.len() > COMBINATIONS_MAX;
            ways.truncate(COMBINATIONS_MAX);
        }
        (ways, cut)
    }

    /// The ways in which conditions hold together.
    fn together(&self, rule: &Compiled, tests: &[Test], seen: &Seen<'_>) -> (Ways, bool) {
        let mut combined: Option<Ways> = None;
        let mut truncated = false;
        for test in tests {
            // Nobody reads what a stopped evaluation finds.
            if self.stop.is_set() {
                return (Ways::new(), false);
            }
            let (ways, cut) = self.ways(rule, test, seen);
            truncated |= cut;
            let next = match combined {
                None => ways,
                Some(sets) => {
                    let (next, cut) = joined(&sets, &ways);
                    truncated |= cut;
                    next
                }
            };
            if next.is_empty() {
                return (next, truncated);
            }
            combined = Some(next);
        }
        (combined.unwrap_or_default(), truncated)
    }

    /// Single conditions for want of which a condition does not hold; of an `any`, those of the branch that lacks fewest. One that must not
    /// hold and does stands for itself. Nothing when it holds.
    pub fn lacking<'t>(&self, rule: &Compiled, test: &'t Test, seen: &Seen<'_>) -> Vec<&'t Test> {
        if !self.ways(rule, test, seen).0.is_empty() {
            return Vec::new();
        }
        if test.negated {
            return vec![test];
        }
        match &test.subject {
            Subject::Any(branches) => {
                branches.iter().map(|branch| self.lacking(rule, branch, seen)).min_by_key(Vec::len).unwrap_or_default()
            }
            Subject::All(tests) => tests.iter().flat_map(|test| self.lacking(rule, test, seen)).collect(),
            _ => vec![test],
        }
    }

    /// What a rule gives someone of whom this was seen. Whether they are active, whether the rule counts now, and what the catalogue knows, is
    /// the caller's to look at.
    pub fn gifts_of(&self, rule: &Compiled, seen: &Seen<'_>) -> Gifts {
        if !seen.may_hold(rule) {
            return Gifts::default();
        }
        let (combined, mut truncated) = self.together(rule, &rule.tests, seen);
        let mut given: Vec<Given> = Vec::with_capacity(combined.len());
        for (captures, evidence) in combined {
            let scope = rule.scope.as_ref().map_or(Some(String::new()), |template| template.expand(&captures));
            let (Some(name), Some(scope)) = (rule.role.expand(&captures), scope) else { continue };
            given.push(Given { role: name, scope, captures, evidence });
        }
        // Of several ways to the same, the first one stays.
        given.sort_by(|a, b| (&a.role, &a.scope).cmp(&(&b.role, &b.scope)));
        given.dedup_by(|next, kept| next.role == kept.role && next.scope == kept.scope);
        truncated |= given.len() > GIVEN_MAX;
        given.truncate(GIVEN_MAX);
        Gifts { given, truncated }
    }

    /// The way from the entry to the role.
    pub fn path<'a>(&'a self, rule: &'a Compiled, given: &'a Given, facts: &Facts<'a>) -> Vec<Told<'a>> {
        let mut path = vec![told("entry", facts.entry)];
        for evidence in &given.evidence {
            match evidence {
                Evidence::Group(_, place, sourced) => {
                    path.extend(self.graph.way(facts.direct, *place).into_iter().map(|name| told("group", name)));
                    path.extend(self.graph.node(*place).filter(|_| *sourced).map(|node| told("source", &*node.source)));
                }
                Evidence::Fact(fact) => path.push(told("entry", &**fact)),
            }
        }
        path.push(told("rule", &*rule.label));
        path.extend(given.captures.iter().map(|(name, text)| told("capture", format!("{name} = {text}"))));
        path.push(told("role", &*given.role));
        path
    }
}

/// One step of a reason, as it is written down. Reads back as a [`Step`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told<'a> {
    kind: &'static str,
    name: Cow<'a, str>,
}

/// One step of a reason.
pub fn told<'a>(kind: &'static str, name: impl Into<Cow<'a, str>>) -> Told<'a> {
    Told { kind, name: name.into() }
}

/// One step of a reason, to be kept.
pub fn step(kind: &str, name: &str) -> Step {
    Step { kind: kind.to_owned(), name: name.to_owned() }
}

/// Each set with each alternative that agrees with it, up to the bounds.
fn joined(sets: &Ways, alternatives: &Ways) -> (Ways, bool) {
    let mut next = Vec::new();
    let mut pairs = 0;
    for (captures, evidence) in sets {
        for (more, why) in alternatives {
            pairs += 1;
            if next.len() >= COMBINATIONS_MAX || pairs > PAIRS_MAX {
                return (next, true);
            }
            if let Some(both) = merged(captures, more) {
                let evidence = evidence.iter().chain(why).cloned().collect();
                next.push((both, evidence));
            }
        }
    }
    (next, false)
}
