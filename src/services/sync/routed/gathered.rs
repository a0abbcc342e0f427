//! A routed source as it was read: every record in one file, and in memory only what tells where each belongs. Knows no establishment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use connectors::record::Unreadable;
use connectors::{Group, Member, Record, Routed};

use super::super::super::error::Error;
use super::super::super::roles::Pattern;
use super::super::digest::{self, Digest, Kind};
use super::super::spool::{Place, Spool};
use super::values::{NONE, Set, Values, number};
use crate::types::fold_case;

/// Entries that cannot be used and that are kept; beyond, they are counted only.
const UNREADABLE_KEPT_MAX: usize = 10_000;
/// People named of each value that names no establishment.
const NAMED_MAX: usize = 3;
/// Values that name no establishment and that are told.
const TOLD_MAX: usize = 1_000;

/// Everything one reading found.
#[derive(Debug)]
pub struct Gathered {
    pub(super) spool: Spool,
    pub(super) people: Vec<Someone>,
    pub(super) groups: Vec<SomeGroup>,
    pub(super) members: Vec<Digest>,
    pub(super) by_username: bool,
    pub(super) values: Values,
    pub(super) unreadable: Vec<(Unreadable, Set)>,
    unreadable_count: u64,
    pattern: Option<Pattern>,
}

/// A person, and what names their establishments.
#[derive(Debug)]
pub struct Someone {
    pub(super) dn: Digest,
    pub(super) name: Digest,
    pub(super) place: Place,
    pub(super) to: Set,
}

/// A group, and what names its establishments.
#[derive(Debug)]
pub struct SomeGroup {
    pub(super) dn: Digest,
    pub(super) place: Place,
    pub(super) to: Set,
    /// What it names for whoever is in it.
    gives: Set,
    pub(super) members: Range<usize>,
}

/// Someone or some group, by their place among those read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A person.
    Person(u32),
    /// A group.
    Group(u32),
}

/// What names no establishment that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// What the records say; none for those who say nothing.
    pub value: Option<String>,
    /// How many people.
    pub people: u64,
    /// How many groups.
    pub groups: u64,
    /// Some of those people.
    pub names: Vec<String>,
}

impl Gathered {
    /// Nothing yet.
    pub fn new(spool: Spool, pattern: Option<Pattern>) -> Self {
        Self {
            spool,
            people: Vec::new(),
            groups: Vec::new(),
            members: Vec::new(),
            by_username: false,
            values: Values::default(),
            unreadable: Vec::new(),
            unreadable_count: 0,
            pattern,
        }
    }

    /// Takes a page.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn take(&mut self, page: Vec<Routed>) -> Result<(), Error> {
        for Routed { record, to } in page {
            let to = self.values.set_of(to.iter().map(String::as_str));
            match record {
                Record::Person(person) => {
                    let place = self.spool.put_any(&person)?;
                    let name = digest::of(Kind::Username, &fold_case(person.username.trim()));
                    self.people.push(Someone { dn: digest::of(Kind::Dn, &person.dn_key), name, place, to });
                }
                Record::Group(group) => self.take_group(&group, to)?,
                Record::Unreadable(entry) => {
                    self.unreadable_count += 1;
                    if self.unreadable.len() < UNREADABLE_KEPT_MAX {
                        self.unreadable.push((entry, to));
                    }
                }
            }
        }
        Ok(())
    }

    fn take_group(&mut self, group: &Group, to: Set) -> Result<(), Error> {
        let start = self.members.len();
        self.by_username |= group.members.iter().any(|member| matches!(member, Member::Username(_)));
        self.members.extend(group.members.iter().map(of_member));
        let captured = self.pattern.as_ref().and_then(|pattern| pattern.captures(&group.name)).unwrap_or_default();
        let gives = self.values.set_of(captured.first().map(|(_, value)| &**value));
        let place = self.spool.put_any(group)?;
        let to = if to == NONE { gives } else { to };
        let dn = digest::of(Kind::Dn, &group.dn_key);
        self.groups.push(SomeGroup { dn, place, to, gives, members: start..self.members.len() });
        Ok(())
    }

    /// Nothing more comes: whoever names nothing belongs where groups put them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn close(&mut self) -> Result<(), Error> {
        self.spool.flush()?;
        if self.groups.iter().any(|group| group.gives != NONE) {
            for (person, values) in self.given() {
                let set = self.values.set(values.into_iter().collect());
                if let Some(person) = self.people.get_mut(person as usize) {
                    person.to = set;
                }
            }
        }
        Ok(())
    }

    /// What groups give to people who name nothing themselves.
    fn given(&self) -> BTreeMap<u32, BTreeSet<u32>> {
        let targets = self.targets();
        let mut given: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for (at, group) in self.groups.iter().enumerate().filter(|(_, group)| group.gives != NONE) {
            let mut seen = BTreeSet::from([number(at)]);
            let mut waiting = vec![group];
            while let Some(group) = waiting.pop() {
                for target in self.members_of(group).iter().filter_map(|member| targets.get(member)) {
                    match *target {
                        Target::Person(person) => {
                            if self.people.get(person as usize).is_some_and(|person| person.to == NONE) {
                                given.entry(person).or_default().extend(self.values.of(self.gives(at)));
                            }
                        }
                        Target::Group(child) if seen.insert(child) => waiting.extend(self.groups.get(child as usize)),
                        Target::Group(_) => {}
                    }
                }
            }
        }
        given
    }

    fn gives(&self, group: usize) -> Set {
        self.groups.get(group).map_or(NONE, |group| group.gives)
    }

    /// Who is named by what.
    pub(super) fn targets(&self) -> HashMap<Digest, Target> {
        let mut targets = HashMap::with_capacity(self.people.len() + self.groups.len());
        for (at, person) in self.people.iter().enumerate() {
            targets.insert(person.dn, Target::Person(number(at)));
            if self.by_username {
                targets.insert(person.name, Target::Person(number(at)));
            }
        }
        targets.extend(self.groups.iter().enumerate().map(|(at, group)| (group.dn, Target::Group(number(at)))));
        targets
    }

    pub(super) fn members_of(&self, group: &SomeGroup) -> &[Digest] {
        self.members.get(group.members.clone()).unwrap_or_default()
    }

    /// Everything that records name, in the order of their numbers.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> {
        self.values.texts()
    }

    /// People and groups that can be used.
    pub fn read(&self) -> u64 {
        (self.people.len() + self.groups.len()) as u64
    }

    /// Entries that cannot be used.
    pub const fn unreadable_count(&self) -> u64 {
        self.unreadable_count
    }

    /// The entries that cannot be used and that name no establishment that is there.
    pub fn unreadable_nowhere(&self, known: &[Option<u32>]) -> impl Iterator<Item = &Unreadable> {
        let lost = move |set: &Set| self.values.of(*set).iter().all(|value| place_of(known, *value).is_none());
        self.unreadable.iter().filter(move |(_, set)| lost(set)).map(|(entry, _)| entry)
    }

    /// What names no establishment, given where each value leads: first those who name nothing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn unplaced(&self, known: &[Option<u32>]) -> Result<Vec<Unplaced>, Error> {
        let mut found: BTreeMap<Option<u32>, Unplaced> = BTreeMap::new();
        for person in &self.people {
            for value in self.lost(person.to, known) {
                if let Some(one) = self.told(&mut found, value) {
                    one.people += 1;
                    if one.names.len() < NAMED_MAX {
                        one.names.push(self.spool.get(person.place)?.username);
                    }
                }
            }
        }
        for group in self.groups.iter().filter(|group| group.to != NONE) {
            for value in self.lost(group.to, known) {
                if let Some(one) = self.told(&mut found, value) {
                    one.groups += 1;
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// What of a set leads nowhere: its values, or that there are none.
    fn lost(&self, set: Set, known: &[Option<u32>]) -> Vec<Option<u32>> {
        if set == NONE {
            return vec![None];
        }
        self.values.of(set).iter().filter(|value| place_of(known, **value).is_none()).map(|value| Some(*value)).collect()
    }

    fn told<'a>(&self, found: &'a mut BTreeMap<Option<u32>, Unplaced>, value: Option<u32>) -> Option<&'a mut Unplaced> {
        if found.len() >= TOLD_MAX && !found.contains_key(&value) {
            return None;
        }
        let text = || value.and_then(|value| self.values.texts().nth(value as usize)).map(str::to_owned);
        Some(found.entry(value).or_insert_with(|| Unplaced { value: text(), ..Unplaced::default() }))
    }
}

/// How a group names a member, as a digest.
pub(super) fn of_member(member: &Member) -> Digest {
    match member {
        Member::Dn(dn) => digest::of(Kind::Dn, dn),
        Member::Username(name) => digest::of(Kind::Username, &fold_case(name)),
    }
}

/// The establishment that a value leads to.
pub(super) fn place_of(known: &[Option<u32>], value: u32) -> Option<u32> {
    known.get(value as usize).copied().flatten()
}
