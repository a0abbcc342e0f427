//! The single conditions of all rules, each once however many rules write it, and which of them hold for someone. Pure.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::compile::{Compiled, Subject, Test};
use super::evaluate::{Evidence, Facts};
use super::graph::{Node, Place};
use super::pattern::{Captures, Pattern};

/// A single condition's number.
pub type LeafId = u32;
/// Most values of one attribute for which is kept what matches them: bounds memory.
const VALUES_MAX: usize = 4_096;
/// Longest value for which that is kept, in bytes.
const VALUE_LENGTH_MAX: usize = 200;

/// Every single condition.
#[derive(Debug, Default)]
pub struct Leaves {
    known: HashMap<(Kind, String, String), LeafId>,
    /// Patterns for groups.
    pub groups: Vec<OfGroups>,
    attributes: Vec<Field>,
    units: Field,
    sources: HashMap<String, LeafId>,
}

/// A condition on groups.
#[derive(Debug)]
pub struct OfGroups {
    leaf: LeafId,
    /// For names and DNs.
    pub pattern: Arc<Pattern>,
    /// Whose groups; any source's when none.
    source: Option<Arc<str>>,
}

/// One way in which a group makes a condition hold.
#[derive(Clone, Debug)]
pub struct Matched {
    /// The condition.
    pub leaf: LeafId,
    /// Whether it names the group's source.
    sourced: bool,
    captures: Captures,
}

impl OfGroups {
    /// The ways in which a group makes it hold: by its name, by its DN.
    pub fn ways(&self, node: &Node) -> Vec<Matched> {
        if self.source.as_ref().is_some_and(|source| *source != node.source) {
            return Vec::new();
        }
        let read = [Some(node.name.as_str()), node.dn.as_deref()];
        let taken = read.into_iter().flatten().filter_map(|text| self.pattern.captures(text));
        taken.map(|captures| Matched { leaf: self.leaf, sourced: self.source.is_some(), captures }).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Group,
    Attribute,
    Unit,
    Source,
}

/// What one pattern after another makes of a value: each that matches it, with its captures.
type Found = Arc<[(LeafId, Captures)]>;

/// The patterns for values of one attribute, or for units.
#[derive(Debug, Default)]
struct Field {
    name: String,
    patterns: Vec<(LeafId, Arc<Pattern>)>,
    /// Values seen: many people have the same.
    seen: Mutex<HashMap<Box<str>, Found>>,
}

impl Field {
    fn of(&self, value: &str) -> Found {
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(value) {
            return found.clone();
        }
        let found: Found = self.patterns.iter().filter_map(|(leaf, pattern)| Some((*leaf, pattern.captures(value)?))).collect();
        let mut seen = lock();
        if seen.len() < VALUES_MAX && value.len() <= VALUE_LENGTH_MAX {
            seen.insert(value.into(), found.clone());
        }
        found
    }
}

/// One single condition that holds for someone, in one way.
#[derive(Clone, Debug)]
pub struct Hit<'m> {
    leaf: LeafId,
    /// What its pattern took.
    pub captures: Cow<'m, Captures>,
    /// What made it hold.
    pub evidence: Evidence,
}

/// Every single condition that holds for someone.
#[derive(Clone, Debug, Default)]
pub struct Seen<'m> {
    hits: Vec<Hit<'m>>,
    bits: Vec<u64>,
}

impl<'m> Seen<'m> {
    /// The ways in which one holds.
    pub fn of(&self, leaf: LeafId) -> &[Hit<'m>] {
        let start = self.hits.partition_point(|hit| hit.leaf < leaf);
        let end = self.hits.partition_point(|hit| hit.leaf <= leaf);
        self.hits.get(start..end).unwrap_or_default()
    }

    /// Whether one holds.
    pub fn holds(&self, leaf: LeafId) -> bool {
        self.bits.get(leaf as usize / 64).is_some_and(|word| word >> (leaf % 64) & 1 == 1)
    }

    /// Whether a rule can hold at all.
    pub fn may_hold(&self, rule: &Compiled) -> bool {
        rule.anchors.as_ref().is_none_or(|anchors| anchors.iter().any(|leaf| self.holds(*leaf)))
    }

    /// Adds one way; [`Self::finish`] comes after the last.
    pub fn add(&mut self, leaf: LeafId, captures: Cow<'m, Captures>, evidence: Evidence) {
        let word = leaf as usize / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= 1 << (leaf % 64);
        }
        self.hits.push(Hit { leaf, captures, evidence });
    }

    /// Puts them in order.
    pub fn finish(&mut self) {
        self.hits.sort_by_key(|hit| hit.leaf);
    }
}

impl Leaves {
    /// Numbers the single conditions of rules, and says which of them a rule cannot hold without.
    pub fn of(rules: &mut [Compiled]) -> Self {
        let mut leaves = Self::default();
        for rule in rules {
            rule.tests.iter_mut().for_each(|test| leaves.enter(test));
            rule.anchors = of_all(&rule.tests);
        }
        leaves
    }

    fn enter(&mut self, test: &mut Test) {
        let condition = &test.condition;
        let said = |part: &Option<String>| part.clone().unwrap_or_default();
        let (kind, name, written) = match &mut test.subject {
            Subject::Any(tests) | Subject::All(tests) => return tests.iter_mut().for_each(|test| self.enter(test)),
            Subject::Group(_, source) => (Kind::Group, source.as_deref().unwrap_or_default().to_owned(), said(&condition.group)),
            Subject::Attribute(name, _) => (Kind::Attribute, name.clone(), said(&condition.matches)),
            Subject::Unit(_) => (Kind::Unit, String::new(), said(&condition.unit)),
            Subject::Source(name) => (Kind::Source, name.clone(), String::new()),
        };
        let next = LeafId::try_from(self.known.len()).unwrap_or(LeafId::MAX);
        test.leaf = *self.known.entry((kind, name, written)).or_insert(next);
        if test.leaf != next {
            return;
        }
        match &test.subject {
            Subject::Group(pattern, source) => {
                self.groups.push(OfGroups { leaf: next, pattern: pattern.clone(), source: source.clone() });
            }
            Subject::Attribute(name, pattern) => match self.attributes.iter_mut().find(|field| field.name == *name) {
                Some(field) => field.patterns.push((next, pattern.clone())),
                None => self.attributes.push(Field { name: name.clone(), patterns: vec![(next, pattern.clone())], ..Field::default() }),
            },
            Subject::Unit(pattern) => self.units.patterns.push((next, pattern.clone())),
            Subject::Source(name) => drop(self.sources.insert(name.clone(), next)),
            Subject::Any(_) | Subject::All(_) => {}
        }
    }

    /// Names of the attributes and fields that any condition looks at.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|field| field.name.as_str())
    }

    /// How many single conditions there are.
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// Adds what holds of someone's own facts.
    pub fn look(&self, facts: &Facts<'_>, seen: &mut Seen<'_>) {
        for field in &self.attributes {
            for value in facts.values(&field.name) {
                for (leaf, captures) in field.of(value).iter() {
                    seen.add(*leaf, Cow::Owned(captures.clone()), Evidence::Fact(format!("{}: {value}", field.name).into()));
                }
            }
        }
        if !self.units.patterns.is_empty() {
            for unit in facts.units() {
                for (leaf, captures) in self.units.of(unit).iter() {
                    seen.add(*leaf, Cow::Owned(captures.clone()), Evidence::Fact(format!("unit: {unit}").into()));
                }
            }
        }
        for source in facts.sources {
            if let Some(leaf) = self.sources.get(*source) {
                seen.add(*leaf, Cow::Owned(Captures::new()), Evidence::Fact(format!("source: {source}").into()));
            }
        }
    }

    /// Adds what holds because of a group.
    pub fn look_at_group<'m>(found: &'m [Matched], (place, distance): (Place, u32), seen: &mut Seen<'m>) {
        for Matched { leaf, sourced, captures } in found {
            seen.add(*leaf, Cow::Borrowed(captures), Evidence::Group(distance, place, *sourced));
        }
    }
}

/// Of conditions that must all hold, the anchors of the one that has fewest.
fn of_all(tests: &[Test]) -> Option<Vec<LeafId>> {
    tests.iter().filter_map(anchors).min_by_key(Vec::len)
}

/// Single conditions of which one holds whenever this one does.
fn anchors(test: &Test) -> Option<Vec<LeafId>> {
    match (&test.subject, test.negated) {
        (_, true) => None,
        (Subject::Any(branches), false) => {
            let each: Option<Vec<Vec<LeafId>>> = branches.iter().map(anchors).collect();
            each.map(|each| each.into_iter().flatten().collect())
        }
        (Subject::All(tests), false) => of_all(tests),
        _ => Some(vec![test.leaf]),
    }
}
