//! What becomes of entries that the source never stated before: someone known, someone new, or a question for a person. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::digest::Digest;
use super::likeness::{Key, Trait};
use crate::store::establishment::proposal::ProposalState;
use crate::types::id::UserId;
use crate::types::matching::Matching;

/// Most people whom one entry is proposed to be.
const PROPOSED_MAX: usize = 10;

/// How someone who may be meant is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// Stated by another source.
    Elsewhere,
    /// Stated by another source before, and by none now.
    Left,
    /// Made by hand, or holding a role of the gateway: never taken for an entry without a person's word.
    Apart,
    /// Stated by this source too, under another key.
    Here,
}

/// Someone who has something in common with an entry.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The person.
    pub user: UserId,
    /// How they are known.
    pub stand: Stand,
    /// Their keys.
    pub keys: Vec<Key>,
}

/// An entry that the source never stated before.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its keys.
    pub keys: Vec<Key>,
    /// What a person decided before of it and someone.
    pub decided: Vec<(UserId, ProposalState)>,
}

/// What becomes of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nobody known.
    New,
    /// Someone known; by what, unless a person said so.
    Is(UserId, Option<Trait>),
    /// Perhaps one of these: a person decides.
    Perhaps(Vec<(UserId, Trait)>),
    /// This source states the same person by another entry; by what, unless a person said so.
    Twice(UserId, Option<Trait>),
}

/// Which keys are looked for.
pub fn wanted(entries: &[Entry]) -> HashMap<Key, Vec<usize>> {
    let mut wanted: HashMap<Key, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for key in &entry.keys {
            wanted.entry(*key).or_default().push(at);
        }
    }
    wanted
}

/// Decides of every entry; the candidates are those who have something in common with any of them, in any order.
pub fn decide(declared: &Matching, entries: &[Entry], candidates: &[Candidate]) -> Vec<Decision> {
    let wanted = wanted(entries);
    let mut hits: Vec<Vec<(Trait, usize)>> = vec![Vec::new(); entries.len()];
    for (who, candidate) in candidates.iter().enumerate() {
        let common: BTreeSet<(usize, Trait)> =
            candidate.keys.iter().flat_map(|key| wanted.get(key).into_iter().flatten().map(|entry| (*entry, key.0))).collect();
        for (entry, what) in common {
            hits.get_mut(entry).into_iter().for_each(|list| list.push((what, who)));
        }
    }
    let here: HashSet<UserId> = candidates.iter().filter(|one| one.stand == Stand::Here).map(|one| one.user).collect();
    let decisions = entries.iter().zip(&mut hits).map(|(entry, hits)| {
        hits.sort_by_key(|(what, who)| (*what, candidates.get(*who).map(|candidate| candidate.user)));
        // What a person said stands, but for someone whom another entry of this source is by now.
        match entry.decided.iter().find(|(_, state)| *state == ProposalState::Accepted) {
            Some((user, _)) if here.contains(user) => Decision::Twice(*user, None),
            Some((user, _)) => Decision::Is(*user, None),
            None => one(declared, entry, hits, candidates),
        }
    });
    settle(decisions.collect())
}

/// What becomes of an entry of which nobody said who it is, whatever becomes of the others.
fn one(declared: &Matching, entry: &Entry, hits: &[(Trait, usize)], candidates: &[Candidate]) -> Decision {
    let rejected: HashSet<UserId> = entry.decided.iter().map(|(user, _)| *user).collect();
    let meant = hits.iter().filter_map(|(what, who)| Some((*what, candidates.get(*who)?)));
    let meant: Vec<(Trait, &Candidate)> =
        meant.filter(|(_, one)| !rejected.contains(&one.user)).filter(|(what, one)| is_anchor(*what) || !contradicts(entry, one)).collect();
    let anchored = distinct(meant.iter().filter(|(what, _)| is_anchor(*what)));
    match anchored.as_slice() {
        [] => {}
        [(what, one)] => {
            return match one.stand {
                Stand::Here => Decision::Twice(one.user, Some(*what)),
                Stand::Apart => Decision::Perhaps(vec![(one.user, *what)]),
                Stand::Elsewhere | Stand::Left => Decision::Is(one.user, Some(*what)),
            };
        }
        several => return perhaps(several),
    }
    let alike = distinct(meant.iter().filter(|(_, one)| one.stand != Stand::Here));
    let linking = |what: Trait| matches!(what, Trait::Soft(at) if declared.soft.get(at).is_some_and(|rule| rule.link));
    match alike.as_slice() {
        [] => Decision::New,
        // An address is given again to others: one whom nobody states any more is for a person to tell.
        [(_, only)] if only.stand == Stand::Elsewhere => {
            let by = meant.iter().find(|(what, one)| one.user == only.user && linking(*what));
            by.map_or_else(|| perhaps(&alike), |(what, _)| Decision::Is(only.user, Some(*what)))
        }
        several => perhaps(several),
    }
}

fn is_anchor(what: Trait) -> bool {
    matches!(what, Trait::Anchor(_))
}

/// Each person once, with the first thing in common.
fn distinct<'a>(meant: impl Iterator<Item = &'a (Trait, &'a Candidate)>) -> Vec<(Trait, &'a Candidate)> {
    let mut met = HashSet::new();
    meant.filter(|(_, one)| met.insert(one.user)).copied().collect()
}

fn perhaps(several: &[(Trait, &Candidate)]) -> Decision {
    Decision::Perhaps(several.iter().take(PROPOSED_MAX).map(|(what, one)| (one.user, *what)).collect())
}

/// Whether both state an anchor, and not the same: then they are two people, however alike.
fn contradicts(entry: &Entry, candidate: &Candidate) -> bool {
    let anchors = |keys: &[Key]| -> HashMap<Trait, HashSet<Digest>> {
        let mut anchors: HashMap<Trait, HashSet<Digest>> = HashMap::new();
        for (what, digest) in keys.iter().filter(|(what, _)| is_anchor(*what)) {
            anchors.entry(*what).or_default().insert(*digest);
        }
        anchors
    };
    let theirs = anchors(&candidate.keys);
    anchors(&entry.keys).iter().any(|(what, ours)| theirs.get(what).is_some_and(|theirs| ours.is_disjoint(theirs)))
}

/// Two entries of a source are not one person: what is sure goes before what is likely, and of equals none.
fn settle(mut decisions: Vec<Decision>) -> Vec<Decision> {
    let strength = |what: Option<Trait>| what.map_or(2, |what| u8::from(is_anchor(what)));
    let mut best: HashMap<UserId, (u8, usize)> = HashMap::new();
    for decision in &decisions {
        let Decision::Is(user, what) = decision else { continue };
        let strength = strength(*what);
        let held = best.entry(*user).or_insert((strength, 0));
        if strength > held.0 {
            *held = (strength, 1);
        } else if strength == held.0 {
            held.1 += 1;
        }
    }
    for decision in &mut decisions {
        let Decision::Is(user, what) = *decision else { continue };
        let Some((strongest, count)) = best.get(&user) else { continue };
        if strength(what) < *strongest || *count > 1 {
            *decision = what.map_or(Decision::New, |what| Decision::Perhaps(vec![(user, what)]));
        }
    }
    decisions
}
