//! Who is in each establishment: names, user names, functions, classes. Draws from a seed; writes no entry.

use std::collections::HashMap;

use super::establishments::{Establishment, Kind};
use super::names::{FAMILY, GIVEN_F, GIVEN_M, SUBJECTS};
use super::random::Random;

/// The departments of the IUT: code and title.
pub(super) const DEPARTMENTS: [(&str, &str); 4] = [
    ("RT", "Réseaux et télécommunications"),
    ("GEII", "Génie électrique et informatique industrielle"),
    ("INFO", "Informatique"),
    ("GEA", "Gestion des entreprises et des administrations"),
];

/// Longest part of a user name made of a name.
const UID_LENGTH_MAX: usize = 16;
/// One in so many people bears the name of someone drawn before.
const HOMONYM_EVERY: usize = 40;
/// How many in a hundred have left.
const LEAVERS_PERCENT: usize = 5;

/// What someone does in the establishment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Head,
    Computers,
    Teacher,
    Staff,
    Pupil,
    Apprentice,
    /// A parent in a school, an apprentice's tutor in the IUT.
    Outside,
}

/// Someone drawn.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) number: usize,
    pub(super) uid: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) civility: &'static str,
    /// The part of the address before the `@`.
    pub(super) mailbox: String,
    pub(super) function: Function,
    /// Classes, or departments in the IUT.
    pub(super) units: Vec<String>,
    pub(super) subject: &'static str,
    /// Year, month, day.
    pub(super) born: (usize, usize, usize),
    pub(super) children: Vec<String>,
    /// The day of July 2026 the person left, if so.
    pub(super) left: Option<usize>,
}

/// The classes of a school by level, or the departments.
pub(super) fn levels(kind: Kind) -> Vec<(&'static str, Vec<String>)> {
    let classes = |names: [&'static str; 4], letters: &'static str| {
        names
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(|name| (name, letters.chars().map(|c| format!("{name} {c}")).collect()))
            .collect()
    };
    match kind {
        Kind::College => classes(["6e", "5e", "4e", "3e"], "AB"),
        Kind::Lycee => classes(["2nde", "1re", "Tle", ""], "123"),
        Kind::Iut => DEPARTMENTS.iter().map(|(code, _)| (*code, vec![(*code).to_owned()])).collect(),
    }
}

/// Draws people; remembers what is taken.
pub(super) struct Drawing {
    random: Random,
    names: Vec<(String, String, &'static str)>,
    uids: HashMap<String, usize>,
    mailboxes: HashMap<String, usize>,
    number: usize,
}

impl Drawing {
    pub(super) fn new(seed: u64, reserved: impl Iterator<Item = &'static str>) -> Self {
        Self {
            random: Random::seeded(seed),
            names: Vec::new(),
            uids: reserved.map(|uid| (uid.to_owned(), 1)).collect(),
            mailboxes: HashMap::new(),
            number: 0,
        }
    }

    /// So many people of one establishment, the well-known ones first.
    pub(super) fn establishment(&mut self, establishment: &Establishment, count: usize) -> Vec<Person> {
        let units: Vec<String> = levels(establishment.kind).into_iter().flat_map(|(_, classes)| classes).collect();
        // Each establishment has a domain of its own.
        self.mailboxes.clear();
        let functions = [Function::Head, Function::Computers, Function::Teacher, Function::Pupil];
        let mut people: Vec<Person> = Vec::with_capacity(count);
        let mut pupils = vec![establishment.pupil.uid.to_owned()];
        for (known, function) in establishment.well_known().into_iter().zip(functions) {
            let name = (known.given_name.to_owned(), known.family_name.to_owned(), known.civility);
            let first = units.first().cloned().into_iter().collect();
            people.push(self.person(Some(known.uid), name, function, first));
        }
        for place in people.len()..count {
            let name = self.name();
            let function = self.function(establishment.kind, place, count);
            let units = self.units(establishment.kind, function, place, &units);
            let mut person = self.person(None, name, function, units);
            if function == Function::Outside && establishment.kind != Kind::Iut {
                person.children = self.children(&pupils);
            }
            if self.random.percent(LEAVERS_PERCENT) && !matches!(function, Function::Head | Function::Computers) {
                person.left = Some(1 + self.random.below(28));
            }
            if function == Function::Pupil {
                pupils.push(person.uid.clone());
            }
            people.push(person);
        }
        people
    }

    fn function(&mut self, kind: Kind, place: usize, count: usize) -> Function {
        let share = place * 1000 / count.max(1);
        match kind {
            Kind::College | Kind::Lycee => match (place, share) {
                (..=6, _) | (_, ..=99) => Function::Teacher,
                (7, _) | (_, 100..=139) => Function::Staff,
                (8..=11, _) | (_, 140..=759) => Function::Pupil,
                _ => Function::Outside,
            },
            // The first department's head is well known, the three others follow.
            Kind::Iut => match (place, share) {
                (4..=6, _) => Function::Head,
                (..=10, _) | (_, ..=139) => Function::Teacher,
                (11..=14, _) | (_, 140..=189) => Function::Staff,
                (15, _) | (_, 190..=219) => Function::Outside,
                _ if self.random.percent(12) => Function::Apprentice,
                _ => Function::Pupil,
            },
        }
    }

    fn units(&mut self, kind: Kind, function: Function, place: usize, units: &[String]) -> Vec<String> {
        let turn = |place: usize| units.get(place % units.len().max(1)).cloned();
        let mut chosen: Vec<String> = match (kind, function) {
            // Places 4, 5 and 6 are the heads of departments 1, 2 and 3.
            (Kind::Iut, Function::Head) => turn(place - 3).into_iter().collect(),
            (Kind::Iut, Function::Teacher) if self.random.percent(20) => {
                turn(place).into_iter().chain(self.random.pick(units).cloned()).collect()
            }
            (Kind::Iut, _) | (_, Function::Pupil | Function::Apprentice) => turn(place).into_iter().collect(),
            (_, Function::Teacher) => (0..3).filter_map(|_| self.random.pick(units).cloned()).collect(),
            _ => Vec::new(),
        };
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn name(&mut self) -> (String, String, &'static str) {
        if self.number % HOMONYM_EVERY == HOMONYM_EVERY - 1
            && let Some(same) = self.random.pick(&self.names)
        {
            return same.clone();
        }
        let (list, civility) = if self.random.percent(50) { (&GIVEN_F, "Mme") } else { (&GIVEN_M, "M.") };
        let given = self.random.pick(list).copied().unwrap_or("Camille").to_owned();
        let mut family = self.random.pick(&FAMILY).copied().unwrap_or("Martin").to_owned();
        if self.random.percent(8) {
            let second = self.random.pick(&FAMILY).copied().unwrap_or("Petit");
            family = format!("{family}-{}", second.replace(' ', "-"));
        }
        (given, family, civility)
    }

    fn person(&mut self, uid: Option<&str>, name: (String, String, &'static str), function: Function, units: Vec<String>) -> Person {
        self.number += 1;
        let (given, family, civility) = name.clone();
        self.names.push(name);
        let (first, last) = (plain(&given), plain(&family));
        let initial = first.chars().next().unwrap_or('x');
        let base: String = format!("{initial}{}", last.replace('-', "")).chars().take(UID_LENGTH_MAX).collect();
        let uid = uid.map_or_else(|| numbered(&mut self.uids, &base, ""), str::to_owned);
        let mailbox = numbered(&mut self.mailboxes, &mailbox(&given, &family), ".");
        let (from, years) = match function {
            Function::Pupil | Function::Apprentice => (2005, 10),
            _ => (1962, 36),
        };
        let born = (from + self.random.below(years), 1 + self.random.below(12), 1 + self.random.below(28));
        let subject = self.random.pick(&SUBJECTS).copied().unwrap_or("mathématiques");
        Person {
            number: self.number,
            uid,
            given,
            family,
            civility,
            mailbox,
            function,
            units,
            subject,
            born,
            children: Vec::new(),
            left: None,
        }
    }

    /// One or two children among the pupils so far.
    fn children(&mut self, pupils: &[String]) -> Vec<String> {
        let mut children: Vec<String> = (0..=self.random.below(2)).filter_map(|_| self.random.pick(pupils).cloned()).collect();
        children.sort_unstable();
        children.dedup();
        children
    }
}

/// The name itself when it is free, else with the next number. Numbered names are kept as taken too.
fn numbered(taken: &mut HashMap<String, usize>, base: &str, between: &str) -> String {
    let mut name = base.to_owned();
    while taken.contains_key(&name) {
        let next = taken.entry(base.to_owned()).or_insert(1);
        *next += 1;
        name = format!("{base}{between}{next}");
    }
    taken.insert(name.clone(), 1);
    name
}

/// The part of an address before the `@`, but for the number of a homonym.
pub(super) fn mailbox(given: &str, family: &str) -> String {
    format!("{}.{}", plain(given), plain(family))
}

/// Lower-case ASCII letters and hyphens only: what user names and addresses are made of.
pub(super) fn plain(name: &str) -> String {
    crate::types::fold(name).chars().filter(|c| c.is_ascii_lowercase() || *c == '-').collect()
}
