//! Whose word counts when several sources state one person. What comes of it depends on what they say and on nothing else: neither on who spoke
//! first nor on who spoke last, so that fields do not change back and forth between runs. Pure.

use std::collections::BTreeMap;

use crate::store::establishment::statement::Stated;
use crate::types::id::SourceId;
use crate::types::matching::Matching;

/// The field by which a source says whether someone may sign in.
const ACTIVE: &str = "active";

/// What one source says of a person.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    /// The source.
    pub source: SourceId,
    /// What is declared of it.
    pub declared: &'a Matching,
    /// The fields.
    pub stated: &'a Stated,
}

/// The person, from what all sources say that state them now: each field from the first that says anything of it. Nothing when none does.
pub fn merged(voices: &[Voice<'_>]) -> Option<Stated> {
    let first = |field: &str| -> Vec<Voice<'_>> { ranked(voices, field) };
    let leading = *ranked(voices, "username").first()?;
    let text = |field: &str, of: fn(&Stated) -> &Option<String>| first(field).iter().find_map(|voice| of(voice.stated).clone());
    let display_name = *first("display_name").first()?;
    let units = first("units").into_iter().find(|voice| !voice.stated.units.is_empty());
    Some(Stated {
        username: leading.stated.username.clone(),
        given_name: text("given_name", |stated| &stated.given_name),
        family_name: text("family_name", |stated| &stated.family_name),
        display_name: display_name.stated.display_name.clone(),
        email: text("email", |stated| &stated.email),
        locale: text("locale", |stated| &stated.locale),
        home_unit: text("home_unit", |stated| &stated.home_unit),
        units: units.map(|voice| voice.stated.units.clone()).unwrap_or_default(),
        attributes: attributes(voices),
    })
}

/// Each attribute from the first source that states it: those of different names stand beside each other.
fn attributes(voices: &[Voice<'_>]) -> BTreeMap<String, Vec<String>> {
    let names = voices.iter().flat_map(|voice| voice.stated.attributes.keys());
    let mut merged = BTreeMap::new();
    for name in names {
        if merged.contains_key(name) {
            continue;
        }
        let mut stating = ranked(voices, name).into_iter().filter_map(|voice| voice.stated.attributes.get(name));
        if let Some(values) = stating.find(|values| !values.is_empty()) {
            merged.insert(name.clone(), values.clone());
        }
    }
    merged
}

fn ranked<'a>(voices: &[Voice<'a>], field: &str) -> Vec<Voice<'a>> {
    let mut ranked = voices.to_vec();
    ranked.sort_by_key(|voice| rank(voice.declared, voice.source, field));
    ranked
}

/// The order in which sources are heard on a field: those with authority over it first, then by priority, then by age.
fn rank(declared: &Matching, source: SourceId, field: &str) -> (bool, i32, SourceId) {
    (!has_authority(declared, field), declared.priority, source)
}

fn has_authority(declared: &Matching, field: &str) -> bool {
    let is_attribute =
        !matches!(field, "username" | "given_name" | "family_name" | "display_name" | "email" | "locale" | "home_unit" | "units" | ACTIVE);
    declared.authority.contains(field) || (is_attribute && declared.authority.contains("attributes"))
}

/// Whether a source's user name is the person's, among those that state the person now.
pub fn names(source: SourceId, voices: &[(SourceId, &Matching)]) -> bool {
    let first = voices.iter().min_by_key(|(source, declared)| rank(declared, *source, "username"));
    first.is_none_or(|(first, _)| *first == source)
}

/// What a source says of someone's right to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// They may.
    Yes,
    /// They may not.
    No,
    /// It stated them before, and does no more.
    Gone,
}

impl Word {
    /// From what a link holds.
    pub fn of(present: bool, active: bool) -> Self {
        match (present, active) {
            (true, true) => Self::Yes,
            (true, false) => Self::No,
            (false, _) => Self::Gone,
        }
    }
}

/// Whether someone may sign in, from what every source says that ever stated them. A source with authority over it decides alone, also by no
/// longer stating them. Otherwise one that says no is enough, and one that stopped speaking says nothing as long as another speaks.
pub fn may_enter(words: &[(SourceId, &Matching, Word)]) -> bool {
    let deciding = words.iter().filter(|(_, declared, _)| has_authority(declared, ACTIVE));
    if let Some((_, _, word)) = deciding.min_by_key(|(source, declared, _)| rank(declared, *source, ACTIVE)) {
        return *word == Word::Yes;
    }
    let speaking = || words.iter().filter(|(_, _, word)| *word != Word::Gone);
    speaking().next().is_some() && speaking().all(|(_, _, word)| *word == Word::Yes)
}

/// What comes of each thing that a source may say of someone, given what the others say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Others {
    /// Whether the person may sign in when this source says they may.
    if_yes: bool,
    /// The same when it says they may not.
    if_no: bool,
    /// The same when it stops stating them.
    if_gone: bool,
    /// Whether the user name is this source's to give.
    pub names: bool,
    /// Whether other sources state or stated the person too.
    pub shared: bool,
}

impl Others {
    /// There are none: the source's word is all there is.
    pub const NONE: Self = Self { if_yes: true, if_no: false, if_gone: false, names: true, shared: false };

    /// Works it out, from what the others say.
    pub fn of((source, declared): (SourceId, &Matching), others: &[(SourceId, &Matching, Word)]) -> Self {
        if others.is_empty() {
            return Self::NONE;
        }
        let with = |word: Word| may_enter(&[others, &[(source, declared, word)]].concat());
        let mut here: Vec<(SourceId, &Matching)> =
            others.iter().filter(|(_, _, word)| *word != Word::Gone).map(|(other, declared, _)| (*other, *declared)).collect();
        here.push((source, declared));
        Self { if_yes: with(Word::Yes), if_no: with(Word::No), if_gone: with(Word::Gone), names: names(source, &here), shared: true }
    }

    /// Whether the person may sign in once this source has spoken.
    pub fn may_enter(self, word: Word) -> bool {
        match word {
            Word::Yes => self.if_yes,
            Word::No => self.if_no,
            Word::Gone => self.if_gone,
        }
    }
}
