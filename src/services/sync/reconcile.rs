//! What a run would change of people, worked out from compact facts. Pure: planning again after applying gives nothing.

use std::collections::{HashMap, HashSet};

use super::digest::{Digest, Hash};
use super::matching::authority::{Others, Word};
use super::spool::Place;
use crate::store::establishment::user::{DisabledBy, UserStatus};
use crate::types::id::UserId;

/// Whether someone may sign in, and whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// May sign in.
    Free,
    /// Disabled by a source.
    ShutBySource,
    /// Disabled by a person, whose word outlives the source's.
    ShutByAdministrator,
}

impl Standing {
    /// From what the store holds.
    pub fn of(status: UserStatus, by: Option<DisabledBy>) -> Self {
        match (status, by) {
            (UserStatus::Disabled, Some(DisabledBy::Source)) => Self::ShutBySource,
            (UserStatus::Disabled, _) => Self::ShutByAdministrator,
            _ => Self::Free,
        }
    }
}

/// Someone the source stated before.
#[derive(Clone, Debug)]
pub struct KnownPerson {
    /// The person.
    pub user: UserId,
    /// The user name, folded.
    pub username: Box<str>,
    /// Its digest.
    pub name: Digest,
    /// Hash of the record last applied.
    pub hash: Hash,
    /// Whether the last complete run saw the entry.
    pub present: bool,
    /// Whether the person may sign in.
    pub standing: Standing,
    /// What other sources say of the person.
    pub others: Others,
}

impl KnownPerson {
    /// What becomes of the right to sign in once the source has spoken.
    pub fn turn(&self, word: Word) -> Turn {
        Turn::of(self.standing, self.others.may_enter(word))
    }

    /// The user name the person will have when the source states this one.
    pub fn name_after(&self, stated: Option<Digest>) -> Option<Digest> {
        if self.others.names { stated } else { Some(self.name) }
    }
}

/// Someone the source states now.
#[derive(Clone, Debug)]
pub struct SeenPerson {
    /// The user name as stated.
    pub username: Box<str>,
    /// The digest of its folded form; none when it is no user name.
    pub name: Option<Digest>,
    /// The digest of the normalised DN.
    pub dn: Digest,
    /// Hash of the record.
    pub hash: Hash,
    /// Whether the source lets the person in.
    pub active: bool,
    /// Where the record lies, when it has to be applied.
    pub spooled: Option<Place>,
    /// Who it is, when known.
    pub known: Option<usize>,
}

/// What becomes of someone's right to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Keep,
    /// It is taken away.
    Disable,
    /// It is given back.
    Enable,
}

impl Turn {
    /// What a source's word makes of a standing.
    pub fn of(standing: Standing, active: bool) -> Self {
        match (standing, active) {
            (Standing::Free, false) => Self::Disable,
            (Standing::ShutBySource, true) => Self::Enable,
            _ => Self::Keep,
        }
    }
}

/// Why a person is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The user name has a form that is not accepted.
    NoUsername,
    /// Someone outside the source has it.
    Taken,
    /// Two entries of the source state it.
    Twice,
    /// Someone of the source who is set aside keeps it.
    Kept,
    /// It may be someone whom another source states: a person decides.
    Asked,
    /// Another entry of the source states the same person.
    Doubled,
}

impl Reason {
    /// In words, for whoever has to mend the entry.
    pub fn sentence(self, username: &str) -> String {
        match self {
            Self::NoUsername => format!("«{username}» is not a user name: 1 to 128 characters without spaces; correct it in the source"),
            Self::Taken => format!("the user name «{username}» belongs to someone whom this source does not state: rename one of the two"),
            Self::Twice => format!("two entries state the user name «{username}»: correct one of them in the source"),
            Self::Asked => format!("«{username}» may be someone who is known already: accept or reject what is proposed"),
            Self::Doubled => format!("«{username}» states the same key as another entry of the source: correct one of them"),
            Self::Kept => format!("the user name «{username}» is still kept by an entry that is set aside itself: correct that one first"),
        }
    }
}

/// Someone known whose record is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// Among those seen.
    pub seen: usize,
    /// Among those known.
    pub known: usize,
    /// What becomes of the right to sign in.
    pub turn: Turn,
    /// False for someone set aside: only a right that ends is applied.
    pub fields: bool,
    /// Whether the user name changes.
    pub renamed: bool,
}

/// Someone whose entry is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Among those known.
    pub known: usize,
    /// Whether a right to sign in ends with it.
    pub disabled: bool,
    /// Whether it comes back with it: this source alone denied it.
    pub enabled: bool,
}

/// What a run would change of people.
#[derive(Debug, Default)]
pub struct People {
    /// Who each one seen is; none for someone new who is set aside.
    pub ids: Vec<Option<UserId>>,
    /// New ones, among those seen.
    pub created: Vec<usize>,
    /// Known ones whose record is applied.
    pub refreshed: Vec<Refresh>,
    /// Known ones whose entry is gone.
    pub gone: Vec<Gone>,
    /// Gone ones, now or before, whose user name someone else gets.
    pub released: Vec<usize>,
    /// Ones set aside, among those seen.
    pub quarantined: Vec<(usize, Reason)>,
}

/// Everything known of a source's people before it is read.
#[derive(Debug)]
pub struct Before<'a> {
    /// Whom the source stated before.
    pub known: &'a [KnownPerson],
    /// Names of people whom the source does not state.
    pub others: &'a HashSet<Digest>,
    /// Known ones whose entry is there but could not be read.
    pub unreadable: &'a HashSet<usize>,
    /// Known ones who are there although nothing was said of them: when everything was read, nobody.
    pub untold: &'a HashSet<usize>,
    /// Why some of those seen are set aside whatever their user names are.
    pub aside: &'a HashMap<usize, Reason>,
}

/// Works out what a run would change.
pub fn people(before: &Before<'_>, seen: &[SeenPerson]) -> People {
    let mut names = Names::new(before, seen);
    names.settle();
    let mut plan = People { ids: Vec::with_capacity(seen.len()), ..People::default() };
    let mut met = vec![false; before.known.len()];
    for (at, person) in seen.iter().enumerate() {
        let known = person.known.and_then(|k| before.known.get(k).map(|known| (k, known)));
        if let Some(flag) = known.and_then(|(k, _)| met.get_mut(k)) {
            *flag = true;
        }
        let reason = names.refused.get(&at).copied();
        plan.ids.push(match (known, reason) {
            (Some((_, known)), _) => Some(known.user),
            (None, None) => Some(UserId::new()),
            (None, Some(_)) => None,
        });
        match (known, reason) {
            (None, None) => plan.created.push(at),
            (Some((k, known)), None) if person.spooled.is_some() => {
                let turn = known.turn(Word::of(true, person.active));
                let renamed = known.name_after(person.name) != Some(known.name);
                plan.refreshed.push(Refresh { seen: at, known: k, turn, fields: true, renamed });
            }
            (Some((k, known)), Some(_)) if known.turn(Word::of(true, person.active)) == Turn::Disable => {
                plan.refreshed.push(Refresh { seen: at, known: k, turn: Turn::Disable, fields: false, renamed: false });
            }
            _ => {}
        }
        plan.quarantined.extend(reason.map(|reason| (at, reason)));
    }
    for (k, known) in before.known.iter().enumerate() {
        if met.get(k).copied().unwrap_or_default() || before.unreadable.contains(&k) || before.untold.contains(&k) {
            continue;
        }
        if known.present {
            let turn = known.turn(Word::Gone);
            plan.gone.push(Gone { known: k, disabled: turn == Turn::Disable, enabled: turn == Turn::Enable });
        }
        if names.claims.contains_key(&known.name) {
            plan.released.push(k);
        }
    }
    plan
}

/// Who gets which user name.
struct Names<'a> {
    before: &'a Before<'a>,
    seen: &'a [SeenPerson],
    claims: HashMap<Digest, usize>,
    refused: HashMap<usize, Reason>,
}

impl<'a> Names<'a> {
    fn new(before: &'a Before<'a>, seen: &'a [SeenPerson]) -> Self {
        Self { before, seen, claims: HashMap::with_capacity(seen.len()), refused: HashMap::new() }
    }

    fn known(&self, at: usize) -> Option<(usize, &'a KnownPerson)> {
        let known = self.seen.get(at)?.known?;
        self.before.known.get(known).map(|person| (known, person))
    }

    /// Whoever has a name already keeps it before whoever wants it; otherwise the entry read first gets it.
    fn settle(&mut self) {
        for (at, person) in self.seen.iter().enumerate() {
            if let Some(reason) = self.before.aside.get(&at) {
                self.refused.insert(at, *reason);
                continue;
            }
            let wanted = self.known(at).map_or(person.name, |(_, known)| known.name_after(person.name));
            let Some(name) = wanted else {
                self.refused.insert(at, Reason::NoUsername);
                continue;
            };
            if self.before.others.contains(&name) {
                self.refused.insert(at, Reason::Taken);
                continue;
            }
            let Some(first) = self.claims.insert(name, at) else { continue };
            let has_it = self.known(at).is_some_and(|(_, known)| known.name == name);
            let loser = if has_it { first } else { at };
            if !has_it {
                self.claims.insert(name, first);
            }
            self.refused.insert(loser, Reason::Twice);
        }
        self.keep_old_names();
    }

    /// Someone set aside keeps the old name, so whoever was to get that one is set aside too.
    fn keep_old_names(&mut self) {
        let mut keeping: Vec<usize> = self.before.unreadable.union(self.before.untold).copied().collect();
        keeping.extend(self.refused.keys().filter_map(|at| self.known(*at)).map(|(k, _)| k));
        while let Some(k) = keeping.pop() {
            let Some(keeper) = self.before.known.get(k) else { continue };
            let Some(at) = self.claims.get(&keeper.name).copied() else { continue };
            let claimant = self.known(at).map(|(claimant, _)| claimant);
            if claimant == Some(k) {
                continue;
            }
            self.claims.remove(&keeper.name);
            self.refused.insert(at, Reason::Kept);
            keeping.extend(claimant);
        }
    }
}
