//! What a run reads: compact facts in memory, new and changed records in the spool. Applies nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use connectors::record::Unreadable;
use connectors::{Extent, Group, Member, Person, Record, StatedUnit, Step};

use super::super::context::Context;
use super::super::error::Error;
use super::digest::{self, Digest, Hash, Kind};
use super::known::Known;
use super::matching::authority::Word;
use super::reconcile::{KnownPerson, Reason, SeenPerson, Turn};
use super::spool::Spool;
use crate::store::establishment::link;
use crate::store::establishment::proposal::Proposal;
use crate::store::establishment::unit::UNITS_MAX;
use crate::types::fold_case;
use crate::types::id::{ProposalId, SourceId};
use crate::types::username::Username;

/// Entries set aside that a run names; beyond, they are counted only.
const UNREADABLE_NAMED_MAX: usize = 10_000;

/// A group the source states now.
#[derive(Debug)]
pub struct SeenGroup {
    /// Its name.
    pub name: Box<str>,
    /// The digest of its normalised DN.
    pub dn: Digest,
    /// Hash of the record without its members.
    pub hash: Hash,
    /// Its members, among those of the inbox.
    pub members: Range<usize>,
    /// The record without its members, when it is new or changed.
    pub record: Option<Box<Group>>,
    /// Which one it is, when known.
    pub known: Option<usize>,
}

/// Everything one run read.
#[derive(Debug)]
pub struct Inbox {
    /// What the store held before.
    pub known: Known,
    /// People, in the order read.
    pub people: Vec<SeenPerson>,
    /// Groups, in the order read.
    pub groups: Vec<SeenGroup>,
    /// Members of all groups: digests of DNs or of user names.
    pub members: Vec<Digest>,
    /// Whether some group names its members by user name.
    pub by_username: bool,
    /// Entries that cannot be used.
    pub unreadable: Vec<Unreadable>,
    /// How many those are, named or not.
    pub unreadable_count: u64,
    /// Known people among them.
    pub unreadable_people: HashSet<usize>,
    /// Known groups among them.
    pub unreadable_groups: HashSet<usize>,
    /// Where known people among them are, by DN.
    pub unreadable_places: HashMap<Digest, usize>,
    /// The records to apply.
    pub spool: Spool,
    /// Whether every entry was read in full: then whatever else is known is gone. Otherwise what follows tells.
    pub full: bool,
    /// How much was said, when not in full.
    pub extent: Extent,
    /// Keys said to be gone: of people, and of groups. What is of the other kind changed, and is no member of this one.
    pub gone: [HashSet<Digest>; 2],
    /// Keys said to be there, unchanged.
    pub there: HashSet<Digest>,
    /// How many of those are people.
    pub people_there: usize,
    /// Memberships that no group states: the group by its key, the member by where it stands.
    pub joined: Vec<(Digest, Digest)>,
    /// User names of members that some group states, folded, when not everyone was read.
    pub member_names: Vec<String>,
    /// When someone's account next opens or closes by a date of its own, in seconds since 1970.
    pub next_turn: Option<i64>,
    now: i64,
    /// Why some of the people are set aside whatever their user names are, by their place.
    pub aside: HashMap<usize, Reason>,
    /// Who may be whom, for a person to decide.
    pub proposals: Vec<Proposal>,
    /// What was proposed before, and is no question any more.
    pub answered: Vec<ProposalId>,
    /// The names of units that people are stated in, as many as an establishment may have.
    pub units: HashSet<String>,
    /// The units that the source keeps entries of, when it keeps such and they were read.
    pub tree: Option<Vec<StatedUnit>>,
    keys: HashSet<Digest>,
}

impl Inbox {
    /// An empty inbox over what is known. Accounts stand as their dates say at `now`, in seconds since 1970.
    pub fn new(known: Known, spool: Spool, now: i64) -> Self {
        Self {
            known,
            people: Vec::new(),
            groups: Vec::new(),
            members: Vec::new(),
            by_username: false,
            unreadable: Vec::new(),
            unreadable_count: 0,
            unreadable_people: HashSet::new(),
            unreadable_groups: HashSet::new(),
            unreadable_places: HashMap::new(),
            spool,
            full: true,
            extent: Extent::Whole,
            gone: [HashSet::new(), HashSet::new()],
            there: HashSet::new(),
            people_there: 0,
            joined: Vec::new(),
            member_names: Vec::new(),
            next_turn: None,
            now,
            aside: HashMap::new(),
            proposals: Vec::new(),
            answered: Vec::new(),
            units: HashSet::new(),
            tree: None,
            keys: HashSet::new(),
        }
    }

    /// An empty inbox for some of the entries.
    pub fn partial(known: Known, spool: Spool, now: i64, extent: Extent) -> Self {
        Self { full: false, extent, ..Self::new(known, spool, now) }
    }

    /// Whether a known entry that was not stated is gone.
    pub fn is_gone(&self, kind: connectors::Kind, key: &Digest) -> bool {
        let [people, groups] = &self.gone;
        match self.extent {
            Extent::Whole => !self.there.contains(key),
            Extent::Changes if kind == connectors::Kind::Person => people.contains(key),
            Extent::Changes => groups.contains(key),
        }
    }

    /// Takes what a source says when it is asked for changes.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn take_step(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Stated(record) => self.take(vec![record])?,
            Step::Gone { kind, external_id } => {
                let key = digest::of(Kind::Key, &external_id);
                let [people, groups] = &mut self.gone;
                if kind != Some(connectors::Kind::Group) {
                    people.insert(key);
                }
                if kind != Some(connectors::Kind::Person) {
                    groups.insert(key);
                }
            }
            Step::Present { kind, external_ids } => {
                if kind == connectors::Kind::Person {
                    self.people_there += external_ids.len();
                }
                self.there.extend(external_ids.iter().map(|key| digest::of(Kind::Key, key)));
            }
            Step::Joined { group, dn_key } => self.joined.push((digest::of(Kind::Key, &group), digest::of(Kind::Dn, &dn_key))),
        }
        Ok(())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub async fn close(&mut self, ctx: &Context, source: SourceId) -> Result<(), Error> {
        self.spool.flush()?;
        self.keys = HashSet::new();
        if self.unreadable_count > 0 {
            self.recognise(ctx, source).await?;
        }
        Ok(())
    }

    /// People and groups that can be used.
    pub fn read(&self) -> u64 {
        (self.people.len() + self.groups.len()) as u64
    }

    /// Takes a page of records.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn take(&mut self, page: Vec<Record>) -> Result<(), Error> {
        for record in page {
            match record {
                Record::Person(mut person) => {
                    person.settle(self.now);
                    self.next_turn = self.next_turn.into_iter().chain(person.next_turn(self.now)).min();
                    self.take_person(&person)?;
                }
                Record::Group(group) => self.take_group(group),
                Record::Unreadable(entry) => self.take_unreadable(entry),
            }
        }
        Ok(())
    }

    fn take_person(&mut self, person: &Person) -> Result<(), Error> {
        let key = digest::of(Kind::Key, &person.external_id);
        // An entry that moves while pages are read may come twice: the first is enough.
        if !self.keys.insert(key) {
            return Ok(());
        }
        self.note_units(person);
        let hash = person.content_hash();
        let at = self.known.people_by_key.get(&key).copied();
        let known = at.and_then(|at| self.known.people.get(at));
        let name = Username::parse(&person.username).ok().map(|name| digest::of(Kind::Username, &name.folded()));
        let keeps = |k: &KnownPerson| k.turn(Word::of(true, person.active)) == Turn::Keep;
        // Someone shared may have to take this source's user name, once the one that gave it before is gone.
        let named = |k: &KnownPerson| !k.others.shared || k.name_after(name) == Some(k.name);
        let unchanged = known.is_some_and(|k| k.present && k.hash == hash && keeps(k) && named(k));
        let spooled = if unchanged { None } else { Some(self.spool.put(person)?) };
        let dn = digest::of(Kind::Dn, &person.dn_key);
        self.people.push(SeenPerson {
            username: person.username.as_str().into(),
            name,
            dn,
            hash,
            active: person.active,
            spooled,
            known: at,
        });
        Ok(())
    }

    fn note_units(&mut self, person: &Person) {
        for unit in person.home_unit.iter().chain(&person.units) {
            if !self.units.contains(unit) && self.units.len() < UNITS_MAX {
                self.units.insert(unit.clone());
            }
        }
    }

    /// Someone seen for the first time turns out to be known by other sources: from now on by this one too.
    pub fn recognise_stranger(&mut self, seen: usize, external_id: &str, person: KnownPerson) {
        self.known.others.remove(&person.name);
        self.known.people_by_key.insert(digest::of(Kind::Key, external_id), self.known.people.len());
        if let Some(seen) = self.people.get_mut(seen) {
            seen.known = Some(self.known.people.len());
        }
        self.known.people.push(person);
    }

    fn take_group(&mut self, mut group: Group) {
        let key = digest::of(Kind::Key, &group.external_id);
        if !self.keys.insert(key) {
            return;
        }
        let start = self.members.len();
        for member in std::mem::take(&mut group.members) {
            self.members.push(match member {
                Member::Dn(dn) => digest::of(Kind::Dn, &dn),
                Member::Username(name) => {
                    self.by_username = true;
                    let name = fold_case(&name);
                    let member = digest::of(Kind::Username, &name);
                    if !self.full {
                        self.member_names.push(name);
                    }
                    member
                }
            });
        }
        let hash = group.content_hash();
        let at = self.known.groups_by_key.get(&key).copied();
        let unchanged = at.and_then(|at| self.known.groups.get(at)).is_some_and(|known| known.content_hash == hash);
        self.groups.push(SeenGroup {
            name: group.name.as_str().into(),
            dn: digest::of(Kind::Dn, &group.dn_key),
            hash,
            members: start..self.members.len(),
            record: (!unchanged).then(|| Box::new(group)),
            known: at,
        });
    }

    fn take_unreadable(&mut self, entry: Unreadable) {
        self.unreadable_count += 1;
        if let Some(key) = entry.external_id.as_deref().map(|key| digest::of(Kind::Key, key)) {
            match entry.kind {
                connectors::Kind::Person => {
                    if let Some(at) = self.known.people_by_key.get(&key).copied() {
                        self.unreadable_people.insert(at);
                        self.note_place(entry.dn.as_deref(), at);
                    }
                }
                connectors::Kind::Group => self.unreadable_groups.extend(self.known.groups_by_key.get(&key)),
            }
        }
        if self.unreadable.len() < UNREADABLE_NAMED_MAX {
            self.unreadable.push(entry);
        }
    }

    fn note_place(&mut self, dn: Option<&str>, known: usize) {
        if let Some(Ok(dn)) = dn.map(connectors::dn::normalise) {
            self.unreadable_places.insert(digest::of(Kind::Dn, &dn), known);
        }
    }

    /// Finds out, by where they were, who the unreadable entries without a key are. Nobody there may be taken for gone.
    async fn recognise(&mut self, ctx: &Context, source: SourceId) -> Result<(), Error> {
        let keyless = |entry: &&Unreadable| entry.external_id.is_none();
        let places: HashSet<String> =
            self.unreadable.iter().filter(keyless).filter_map(|entry| connectors::dn::normalise(entry.dn.as_deref()?).ok()).collect();
        if places.is_empty() {
            return Ok(());
        }
        let mut tx = ctx.store.read().await?;
        for link in link::list_of_source(&mut tx, source).await? {
            let Some(dn) = link.dn.as_deref().and_then(|dn| connectors::dn::normalise(dn).ok()) else { continue };
            let known = self.known.people_by_key.get(&digest::of(Kind::Key, &link.external_id)).copied();
            if let Some(at) = known.filter(|_| places.contains(&dn)) {
                self.unreadable_people.insert(at);
                self.unreadable_places.insert(digest::of(Kind::Dn, &dn), at);
            }
        }
        let groups = self.known.groups.iter().enumerate();
        let there = groups.filter(|(_, group)| group.dn_key.as_ref().is_some_and(|dn| places.contains(dn)));
        self.unreadable_groups.extend(there.map(|(at, _)| at));
        Ok(())
    }
}
