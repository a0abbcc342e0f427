//! Facts as they would be, laid over those that are stored: what a simulation of a source's reading looks at. Reads and writes no store.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::crowd::Step;
use super::graph::{Graph, Place};
use crate::store::establishment::facts::Sketch;
use crate::store::establishment::group::Group;
use crate::store::establishment::user::User;
use crate::types::id::{GroupId, SourceId, UserId};

/// What is different from the store. Nothing, unless something is put in.
#[derive(Debug, Default)]
pub struct Supposed {
    /// People who are stored, with other fields or another standing.
    pub restated: HashMap<UserId, User>,
    /// People who would be new.
    pub new: BTreeMap<UserId, User>,
    /// Entries that would be there: whose, in which source, and their DN.
    pub present: HashMap<UserId, (SourceId, Option<String>)>,
    /// Entries that would be gone: whose, and from which source.
    pub gone: HashMap<UserId, SourceId>,
    /// Groups that would be new or have another name or place.
    pub groups: HashMap<GroupId, Group>,
    /// Groups that would be removed.
    pub removed: HashSet<GroupId>,
    /// Groups that people would be in beside those they are in.
    pub joined: HashMap<UserId, Vec<GroupId>>,
    /// Groups that people would not be in any more.
    pub left: HashMap<UserId, HashSet<GroupId>>,
    /// Groups that would lie in others: (parent, child).
    pub nested: Vec<(GroupId, GroupId)>,
    /// Groups that would not lie in others any more: (parent, child).
    pub unnested: HashSet<(GroupId, GroupId)>,
}

impl Supposed {
    /// People who would be new, by key.
    pub(super) fn newcomers(&self) -> Vec<Sketch> {
        self.new.values().cloned().map(Sketch::from).collect()
    }

    /// Groups and nestings as they would be.
    pub(super) fn over_groups(
        &self,
        mut groups: Vec<Group>,
        mut nestings: Vec<(GroupId, GroupId)>,
    ) -> (Vec<Group>, Vec<(GroupId, GroupId)>) {
        if self.groups.is_empty() && self.removed.is_empty() && self.nested.is_empty() && self.unnested.is_empty() {
            return (groups, nestings);
        }
        groups.retain(|group| !self.removed.contains(&group.id) && !self.groups.contains_key(&group.id));
        groups.extend(self.groups.values().cloned());
        nestings.retain(|pair| !self.unnested.contains(pair));
        nestings.extend(&self.nested);
        (groups, nestings)
    }

    /// People of one step as they would be. Everything in it goes by the people's keys.
    pub(super) fn over_step(&self, step: &mut Step, graph: &Graph) {
        for person in &mut step.people {
            if let Some(restated) = self.restated.get(&person.user.id) {
                *person = Sketch::from(restated.clone());
            }
        }
        self.over_links(step);
        if self.joined.is_empty() && self.left.is_empty() {
            return;
        }
        let places =
            |groups: &mut dyn Iterator<Item = &GroupId>| groups.filter_map(|group| graph.place(*group)).collect::<HashSet<Place>>();
        let left: HashMap<UserId, HashSet<Place>> =
            self.left.iter().map(|(person, groups)| (*person, places(&mut groups.iter()))).collect();
        step.held.memberships.retain(|(person, place)| left.get(person).is_none_or(|left| !left.contains(place)));
        for person in step.people.iter().map(|person| person.user.id) {
            if let Some(joined) = self.joined.get(&person) {
                step.held.memberships.extend(places(&mut joined.iter()).into_iter().map(|place| (person, place)));
            }
        }
        step.held.memberships.sort_unstable();
        step.held.memberships.dedup();
    }

    fn over_links(&self, step: &mut Step) {
        if self.present.is_empty() && self.gone.is_empty() {
            return;
        }
        let here = |(user, source, _): &(UserId, SourceId, Option<String>)| {
            self.gone.get(user) != Some(source) && self.present.get(user).is_none_or(|(restated, _)| restated != source)
        };
        step.held.links.retain(here);
        let stated = step.people.iter().filter_map(|person| Some((person.user.id, self.present.get(&person.user.id)?)));
        step.held.links.extend(stated.map(|(user, (source, dn))| (user, *source, dn.clone())));
        step.held.links.sort_by_key(|(user, source, _)| (*user, *source));
    }
}
