//! From facts to what each rule gives. Pure and bounded: no store, no clock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::compile::{Compiled, Subject, Test};
use super::graph::{Graph, Place};
use super::pattern::{Captures, Pattern, merged};
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

    /// Every unit, the home unit first.
    pub fn units(&self) -> Vec<&str> {
        let home = self.user.home_unit.as_deref();
        home.into_iter().chain(self.user.units.iter().map(String::as_str).filter(|unit| Some(*unit) != home)).collect()
    }
}

/// What made a condition hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// An effective group: how far up, and its place.
    Group(u32, Place),
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
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    /// The groups.
    pub graph: Graph,
    /// What each pattern makes of each group that it matches: worked out once a group and not once a person.
    matches: HashMap<String, Matches>,
    stop: Stop,
}

/// The groups that one pattern matches, each with its captures.
type Matches = HashMap<Place, Vec<Captures>>;

/// Matching every group against every pattern of the rules, in pieces.
#[derive(Debug)]
pub struct Matching {
    graph: Graph,
    waiting: Vec<(String, Arc<Pattern>)>,
    next: Place,
    matches: HashMap<String, Matches>,
    found: usize,
    stop: Stop,
}

impl Matching {
    /// Nothing is matched yet.
    pub fn new<'r>(graph: Graph, rules: impl Iterator<Item = &'r Compiled>, stop: Stop) -> Self {
        let mut matches = HashMap::new();
        let mut waiting = Vec::new();
        for test in rules.flat_map(|rule| &rule.tests) {
            let (Subject::Group(pattern), Some(text)) = (&test.subject, &test.condition.group) else { continue };
            if matches.insert(text.clone(), Matches::new()).is_none() {
                waiting.push((text.clone(), pattern.clone()));
            }
        }
        Self { graph, waiting, next: 0, matches, found: 0, stop }
    }

    /// Looks at up to `most` pairs of a pattern and a group; whether some are left.
    ///
    /// # Errors
    /// `Invalid` when the patterns match more than is kept.
    pub fn advance(&mut self, most: usize) -> Result<bool, Invalid> {
        for _ in 0..most {
            let Some((text, pattern)) = self.waiting.last() else { return Ok(false) };
            let place = self.next;
            let Some(node) = self.graph.node(place) else {
                self.waiting.pop();
                self.next = 0;
                continue;
            };
            self.next += 1;
            let by_name = pattern.captures(&node.name);
            let by_dn = node.dn.as_deref().and_then(|dn| pattern.captures(dn));
            let sets: Vec<Captures> = by_name.into_iter().chain(by_dn).collect();
            if sets.is_empty() {
                continue;
            }
            self.found += 1;
            if self.found > MATCHES_MAX {
                let why = format!("the patterns of these rules match groups more than {MATCHES_MAX} times in all, «{text}» too");
                return Err(Invalid::new("rules", format!("{why}: write fewer patterns, that match fewer groups")));
            }
            if let Some(found) = self.matches.get_mut(text) {
                found.insert(place, sets);
            }
            if self.stop.is_set() {
                return Ok(false);
            }
        }
        Ok(!self.waiting.is_empty())
    }

    /// With everything matched.
    pub fn finish(mut self) -> Matcher {
        let wanted: HashSet<Place> = self.matches.values().flat_map(HashMap::keys).copied().collect();
        self.graph.reach(|place| wanted.contains(&place));
        Matcher { graph: self.graph, matches: self.matches, stop: self.stop }
    }
}

impl Matcher {
    /// The sets of captures under which a condition holds, each with its nearest evidence.
    pub fn alternatives(
        &self,
        rule: &Compiled,
        test: &Test,
        facts: &Facts<'_>,
        effective: &[(Place, u32)],
    ) -> BTreeMap<Captures, Evidence> {
        let mut found: BTreeMap<Captures, Evidence> = BTreeMap::new();
        let mut add = |captures: &Captures, evidence: Evidence| {
            let entry = found.entry(rule.that_matter(captures)).or_insert_with(|| evidence.clone());
            if evidence < *entry {
                *entry = evidence;
            }
        };
        match &test.subject {
            Subject::Group(_) => {
                let Some(matches) = test.condition.group.as_ref().and_then(|text| self.matches.get(text)) else { return found };
                for (place, distance) in effective {
                    for captures in matches.get(place).into_iter().flatten() {
                        add(captures, Evidence::Group(*distance, *place));
                    }
                }
            }
            Subject::Attribute(name, pattern) => {
                for value in facts.values(name) {
                    if let Some(captures) = pattern.captures(value) {
                        add(&captures, Evidence::Fact(format!("{name}: {value}").into()));
                    }
                }
            }
            Subject::Unit(pattern) => {
                for unit in facts.units() {
                    if let Some(captures) = pattern.captures(unit) {
                        add(&captures, Evidence::Fact(format!("unit: {unit}").into()));
                    }
                }
            }
            Subject::Source(name) => {
                if facts.sources.contains(&name.as_str()) {
                    add(&Captures::new(), Evidence::Fact(format!("source: {name}").into()));
                }
            }
        }
        found
    }

    /// What a rule gives someone. Whether they are active, and what the catalogue knows, is the caller's to look at.
    pub fn gifts(&self, rule: &Compiled, facts: &Facts<'_>, effective: &[(Place, u32)]) -> Gifts {
        let mut combined: Vec<(Captures, Vec<Evidence>)> = vec![(Captures::new(), Vec::new())];
        let mut truncated = false;
        for test in &rule.tests {
            // Nobody reads what a stopped evaluation finds.
            if self.stop.is_set() {
                return Gifts::default();
            }
            let alternatives = self.alternatives(rule, test, facts, effective);
            if test.negated {
                if alternatives.is_empty() {
                    continue;
                }
                return Gifts::default();
            }
            let (next, cut) = joined(&combined, &alternatives);
            truncated |= cut;
            combined = next;
            if combined.is_empty() {
                return Gifts { given: Vec::new(), truncated };
            }
        }
        let mut given: BTreeMap<(String, String), Given> = BTreeMap::new();
        for (captures, evidence) in combined {
            let scope = rule.scope.as_ref().map_or(Some(String::new()), |template| template.expand(&captures));
            let (Some(name), Some(scope)) = (rule.role.expand(&captures), scope) else { continue };
            let one = Given { role: name.clone(), scope: scope.clone(), captures, evidence };
            given.entry((name, scope)).or_insert(one);
        }
        truncated |= given.len() > GIVEN_MAX;
        Gifts { given: given.into_values().take(GIVEN_MAX).collect(), truncated }
    }

    /// The way from the entry to the role.
    pub fn path(&self, rule: &Compiled, given: &Given, facts: &Facts<'_>) -> Vec<Step> {
        let mut path = vec![step("entry", facts.entry)];
        for evidence in &given.evidence {
            match evidence {
                Evidence::Group(_, place) => path.extend(self.graph.way(facts.direct, *place).into_iter().map(|name| step("group", name))),
                Evidence::Fact(fact) => path.push(step("entry", fact)),
            }
        }
        path.push(step("rule", &rule.label));
        path.extend(given.captures.iter().map(|(name, text)| step("capture", &format!("{name} = {text}"))));
        path.push(step("role", &given.role));
        path
    }
}

/// One step of a reason.
pub fn step(kind: &str, name: &str) -> Step {
    Step { kind: kind.to_owned(), name: name.to_owned() }
}

/// Each set with each alternative that agrees with it, up to the bounds.
fn joined(sets: &[(Captures, Vec<Evidence>)], alternatives: &BTreeMap<Captures, Evidence>) -> (Vec<(Captures, Vec<Evidence>)>, bool) {
    let mut next = Vec::new();
    let mut pairs = 0;
    for (captures, evidence) in sets {
        for (more, why) in alternatives {
            pairs += 1;
            if next.len() >= COMBINATIONS_MAX || pairs > PAIRS_MAX {
                return (next, true);
            }
            if let Some(both) = merged(captures, more) {
                let evidence = evidence.iter().chain([why]).cloned().collect();
                next.push((both, evidence));
            }
        }
    }
    (next, false)
}
