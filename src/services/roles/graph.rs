//! Groups and what they lie in: the shortest ways up, cycles included. Pure; knows nothing of people.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::store::establishment::group::{Group, LOCAL};
use crate::types::id::{GroupId, SourceId};

/// A group's place in the graph. Places go by name, so that ties are settled the same way every time.
pub type Place = u32;

/// One group as rules look at it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its normalised DN, letters of values as the directory writes them.
    pub dn: Option<String>,
    /// The name of the source that states it, or `local`.
    pub source: Arc<str>,
}

/// Every group, and for each the matched groups above it.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    places: HashMap<GroupId, Place>,
    parents: Vec<Vec<Place>>,
    above: Vec<Vec<(Place, u32)>>,
}

impl Graph {
    /// From groups, nestings (parent, child) and the names of sources.
    pub fn new(mut groups: Vec<Group>, nestings: &[(GroupId, GroupId)], sources: &HashMap<SourceId, String>) -> Self {
        groups.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        let places: HashMap<GroupId, Place> = groups.iter().map(|g| g.id).zip(0..).collect();
        let mut parents = vec![Vec::new(); groups.len()];
        for (parent, child) in nestings {
            if let (Some(parent), Some(child)) = (places.get(parent), places.get(child))
                && let Some(list) = parents.get_mut(*child as usize)
            {
                list.push(*parent);
            }
        }
        for list in &mut parents {
            list.sort_unstable();
            list.dedup();
        }
        let local: Arc<str> = Arc::from(LOCAL);
        let names: HashMap<SourceId, Arc<str>> = sources.iter().map(|(id, name)| (*id, Arc::from(name.as_str()))).collect();
        // One of a source that nobody knows is nobody's, and not the establishment's own.
        let source = |g: &Group| g.source_id.map_or_else(|| local.clone(), |id| names.get(&id).cloned().unwrap_or_default());
        let nodes = groups.into_iter().map(|g| Node { source: source(&g), dn: seen_dn(&g), name: g.name }).collect();
        Self { nodes, places, parents, above: Vec::new() }
    }

    /// Notes for every group which of the wanted groups it is or lies in, and how far up they are.
    pub fn reach(&mut self, wanted: impl Fn(Place) -> bool) {
        let mut seen = vec![Place::MAX; self.nodes.len()];
        let mut queue = VecDeque::new();
        let mut above = Vec::with_capacity(self.nodes.len());
        for start in self.all() {
            let mut found = Vec::new();
            queue.push_back((start, 0));
            if let Some(mark) = seen.get_mut(start as usize) {
                *mark = start;
            }
            while let Some((at, distance)) = queue.pop_front() {
                if wanted(at) {
                    found.push((at, distance));
                }
                for parent in self.parents.get(at as usize).into_iter().flatten() {
                    // A mark of this very start means that a shorter way, or a cycle, led there before.
                    if let Some(mark) = seen.get_mut(*parent as usize)
                        && *mark != start
                    {
                        *mark = start;
                        queue.push_back((*parent, distance + 1));
                    }
                }
            }
            found.sort_unstable();
            above.push(found);
        }
        self.above = above;
    }

    /// Whether there is no group at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every place.
    pub fn all(&self) -> impl Iterator<Item = Place> + use<> {
        0..Place::try_from(self.nodes.len()).unwrap_or(Place::MAX)
    }

    /// A group's place.
    pub fn place(&self, id: GroupId) -> Option<Place> {
        self.places.get(&id).copied()
    }

    /// The group at a place.
    pub fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place as usize)
    }

    /// The wanted groups that someone directly in these groups is in, with the shortest distance, by place.
    pub fn effective(&self, direct: &[Place]) -> Vec<(Place, u32)> {
        let mut all: Vec<(Place, u32)> = direct.iter().filter_map(|place| self.above.get(*place as usize)).flatten().copied().collect();
        all.sort_unstable();
        all.dedup_by_key(|(place, _)| *place);
        all
    }

    /// The shortest way from one of the direct groups up to a wanted one, both ends included.
    pub fn way(&self, direct: &[Place], target: Place) -> Vec<&str> {
        let Some((_, mut at)) = direct.iter().filter_map(|place| Some((self.distance(*place, target)?, *place))).min() else {
            return Vec::new();
        };
        let mut names = Vec::new();
        while let Some(node) = self.node(at) {
            names.push(node.name.as_str());
            let Some(left) = self.distance(at, target).filter(|left| *left > 0) else { break };
            let nearer = |parent: &&Place| self.distance(**parent, target) == Some(left - 1);
            let Some(next) = self.parents.get(at as usize).into_iter().flatten().find(nearer) else { break };
            at = *next;
        }
        names
    }

    fn distance(&self, from: Place, target: Place) -> Option<u32> {
        let above = self.above.get(from as usize)?;
        let at = above.binary_search_by_key(&target, |(place, _)| *place).ok()?;
        above.get(at).map(|(_, distance)| *distance)
    }

    /// Places of all groups, wanted or not, that someone directly in these groups is in: for telling why a rule gives nothing.
    pub fn all_above(&self, direct: &[Place]) -> Vec<Place> {
        let mut seen = vec![false; self.nodes.len()];
        let mut waiting: Vec<Place> = direct.to_vec();
        let mut found = Vec::new();
        while let Some(at) = waiting.pop() {
            let Some(mark) = seen.get_mut(at as usize).filter(|mark| !**mark) else { continue };
            *mark = true;
            found.push(at);
            waiting.extend(self.parents.get(at as usize).into_iter().flatten());
        }
        found.sort_unstable();
        found
    }
}

/// The stored key folds letters for comparison; captures want them as the directory writes them.
fn seen_dn(group: &Group) -> Option<String> {
    let written = group.dn.as_deref().and_then(|dn| connectors::dn::normalise_keeping_case(dn).ok());
    written.or_else(|| group.dn_key.clone())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;
    use crate::types::time::Timestamp;

    fn group(name: &str) -> Group {
        Group {
            id: GroupId::new(),
            source_id: None,
            external_id: None,
            name: name.to_owned(),
            display_name: None,
            dn: Some(format!("CN={name}, ou=Groups")),
            dn_key: Some(format!("cn={name},ou=groups")),
            place: None,
            dangling: None,
            content_hash: Vec::new(),
            members_hash: Vec::new(),
            member_count: 0,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
    }

    #[test]
    fn the_shortest_way_is_found_and_cycles_end() {
        let groups: Vec<Group> = ["a", "b", "c", "top"].into_iter().map(group).collect();
        let id = |name: &str| groups.iter().find(|g| g.name == name).unwrap().id;
        // a ⊂ b ⊂ c ⊂ top, a ⊂ c, and c ⊂ a closes a cycle.
        let nestings = [("b", "a"), ("c", "b"), ("top", "c"), ("c", "a"), ("a", "c")].map(|(p, c)| (id(p), id(c)));
        let mut graph = Graph::new(groups.clone(), &nestings, &HashMap::new());
        graph.reach(|_| true);
        let a = graph.place(id("a")).unwrap();
        let top = graph.place(id("top")).unwrap();
        assert_eq!(graph.way(&[a], top), ["a", "c", "top"]);
        assert_eq!(graph.effective(&[a]).len(), 4);
        assert_eq!(graph.all_above(&[top]), [top]);
        assert_eq!(graph.node(top).unwrap().dn.as_deref(), Some("cn=top,ou=Groups"));
    }
}
