//! A routed source sorted by establishment: for each the places of its people and of its own groups in the one file. Reads no directory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use connectors::record::Unreadable;
use connectors::{Group, Person, Record};

use super::super::super::error::Error;
use super::super::digest::Digest;
use super::super::spool::{Place, Spool};
use super::gathered::{Gathered, Target, of_member, place_of};
use super::values::{NONE, number};

/// Records taken up at once.
const PAGE: usize = 500;

/// Everything one reading found, sorted.
#[derive(Debug)]
pub struct Sorted {
    spool: Spool,
    parts: Vec<Places>,
    unplaced: Vec<Unreadable>,
}

/// What one establishment gets.
#[derive(Debug, Default)]
struct Places {
    people: Vec<Place>,
    groups: Vec<Place>,
    unreadable: Vec<Unreadable>,
}

/// One establishment's part of a reading.
#[derive(Clone, Debug)]
pub struct Part {
    sorted: Arc<Sorted>,
    at: u32,
}

/// The establishments that each group belongs to, in order.
type Belongings = Vec<Vec<u32>>;

impl Gathered {
    /// Sorts what was read, given where each value leads: one of so many establishments.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn sort(mut self, known: &[Option<u32>], establishments: usize) -> Result<Arc<Sorted>, Error> {
        let places: Vec<Vec<u32>> = self.values.sets().map(|set| ordered(set.iter().filter_map(|value| place_of(known, *value)))).collect();
        let of = |set: u32| places.get(set as usize).map_or(&[][..], Vec::as_slice);
        let mut parts: Vec<Places> = (0..establishments).map(|_| Places::default()).collect();
        for person in &self.people {
            for at in of(person.to) {
                if let Some(part) = parts.get_mut(*at as usize) {
                    part.people.push(person.place);
                }
            }
        }
        let targets = self.targets();
        let belongings = self.belongings(&targets, &of);
        let people: Vec<u32> = self.people.iter().map(|person| person.to).collect();
        for (group, here) in self.groups.iter().zip(&belongings) {
            for (at, record) in cut(&self.spool.get_any(group.place)?, here, &targets, |target| match target {
                Target::Person(person) => people.get(person as usize).map_or(&[], |set| of(*set)),
                Target::Group(child) => belongings.get(child as usize).map_or(&[], Vec::as_slice),
            }) {
                let place = self.spool.put_any(&record)?;
                if let Some(part) = parts.get_mut(at as usize) {
                    part.groups.push(place);
                }
            }
        }
        self.spool.flush()?;
        let mut unplaced = Vec::new();
        for (entry, set) in self.unreadable {
            if of(set).is_empty() {
                unplaced.push(entry);
                continue;
            }
            for at in of(set) {
                if let Some(part) = parts.get_mut(*at as usize) {
                    part.unreadable.push(entry.clone());
                }
            }
        }
        Ok(Arc::new(Sorted { spool: self.spool, parts, unplaced }))
    }

    /// A group belongs where it says itself, else wherever one of its members does, through groups in groups.
    fn belongings<'a>(&self, targets: &HashMap<Digest, Target>, of: &impl Fn(u32) -> &'a [u32]) -> Belongings {
        let mut belongings: Belongings = self.groups.iter().map(|group| of(group.to).to_vec()).collect();
        let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
        for (at, group) in self.groups.iter().enumerate().filter(|(_, group)| group.to == NONE) {
            let mut here = Vec::new();
            for target in self.members_of(group).iter().filter_map(|member| targets.get(member)) {
                match *target {
                    Target::Person(person) => here.extend(self.people.get(person as usize).map_or(&[][..], |person| of(person.to))),
                    Target::Group(child) => parents.entry(child).or_default().push(number(at)),
                }
            }
            if let Some(place) = belongings.get_mut(at) {
                *place = ordered(here.into_iter());
            }
        }
        // Each group goes up once more whenever it came to belong somewhere else: sets only grow, so this ends, cycles or not.
        let mut waiting: Vec<u32> = parents.keys().copied().collect();
        while let Some(child) = waiting.pop() {
            let here = belongings.get(child as usize).cloned().unwrap_or_default();
            for parent in parents.get(&child).into_iter().flatten() {
                let Some(place) = belongings.get_mut(*parent as usize) else { continue };
                let grown = ordered(place.iter().chain(&here).copied());
                if grown.len() > place.len() {
                    *place = grown;
                    waiting.push(*parent);
                }
            }
        }
        belongings
    }
}

/// One group as each of its establishments sees it: with the members that are there too.
fn cut<'a>(group: &Group, here: &[u32], targets: &HashMap<Digest, Target>, belongs: impl Fn(Target) -> &'a [u32]) -> BTreeMap<u32, Group> {
    let bare = Group { members: Vec::new(), ..group.clone() };
    let mut found: BTreeMap<u32, Group> = here.iter().map(|at| (*at, bare.clone())).collect();
    for member in &group.members {
        let Some(target) = targets.get(&of_member(member)) else { continue };
        for at in belongs(*target) {
            if let Some(group) = found.get_mut(at) {
                group.members.push(member.clone());
            }
        }
    }
    found
}

fn ordered(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Sorted {
    /// The part of one establishment.
    pub fn part(self: &Arc<Self>, at: u32) -> Part {
        Part { sorted: self.clone(), at }
    }
}

impl Part {
    /// How many people there are in it.
    pub fn people(&self) -> usize {
        self.places().map_or(0, |places| places.people.len())
    }

    /// How many groups there are in it.
    pub fn groups(&self) -> usize {
        self.places().map_or(0, |places| places.groups.len())
    }

    /// Entries that cannot be used and of which it is not known where they belong: wherever they are known, nobody may take them for gone.
    pub fn unplaced(&self) -> &[Unreadable] {
        &self.sorted.unplaced
    }

    /// Its records, page by page: people first.
    pub fn pages(&self) -> impl Iterator<Item = Result<Vec<Record>, Error>> {
        let (people, groups, unreadable) =
            self.places().map_or((&[][..], &[][..], &[][..]), |here| (&here.people, &here.groups, &here.unreadable));
        let spool = &self.sorted.spool;
        let people = people.chunks(PAGE).map(|chunk| {
            let read = |place: &Place| spool.get_any::<Person>(*place).map(Record::Person);
            chunk.iter().map(read).collect()
        });
        let groups = groups.chunks(PAGE).map(|chunk| {
            let read = |place: &Place| spool.get_any::<Group>(*place).map(Record::Group);
            chunk.iter().map(read).collect()
        });
        let unreadable = unreadable.chunks(PAGE).map(|chunk| Ok(chunk.iter().cloned().map(Record::Unreadable).collect()));
        people.chain(groups).chain(unreadable)
    }

    fn places(&self) -> Option<&Places> {
        self.sorted.parts.get(self.at as usize)
    }
}
