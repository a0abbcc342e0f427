//! Who is in which group: names of members become people and groups, and what differs from the store is worked out.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::error::Error;
use super::beside;
use super::digest::{self, Digest, Hash};
use super::inbox::{Inbox, SeenGroup};
use super::reconcile::People;
use crate::store::Tx;
use crate::store::establishment::group::Group;
use crate::store::establishment::membership;
use crate::types::id::{GroupId, SourceId, UserId};

/// What a run would change of one group.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupStep {
    /// Its key.
    pub id: GroupId,
    /// Among those seen; none for one that changes because its members do.
    pub seen: Option<usize>,
    /// Among those known.
    pub known: Option<usize>,
    /// People put in.
    pub added: Vec<UserId>,
    /// People taken out.
    pub removed: Vec<UserId>,
    /// Groups put in.
    pub nested: Vec<GroupId>,
    /// Groups taken out.
    pub unnested: Vec<GroupId>,
    /// Direct members afterwards.
    pub member_count: usize,
    /// Hash of the direct members afterwards.
    pub members_hash: Hash,
    /// Members that name nobody, afterwards.
    pub dangling: Option<Vec<u8>>,
}

/// What a run would change of groups.
#[derive(Debug, Default)]
pub struct Groups {
    /// New and changed ones.
    pub steps: Vec<GroupStep>,
    /// Gone ones, among those known.
    pub gone: Vec<usize>,
    /// The keys of those seen.
    pub ids: Vec<GroupId>,
}

/// The direct members of one group, resolved.
#[derive(Debug, Default)]
struct Resolved {
    people: Vec<UserId>,
    groups: Vec<GroupId>,
    dangling: Vec<Digest>,
}

/// Where every name a member may have leads.
#[derive(Debug)]
pub struct Index {
    people: HashMap<Digest, UserId>,
    groups: HashMap<Digest, GroupId>,
}

/// Works out what a run would change of groups. Groups whose members are as before cost no reading.
pub async fn plan(tx: &mut Tx, source: SourceId, inbox: &mut Inbox, people: &People) -> Result<Groups, Error> {
    let known = &inbox.known;
    let id_of = |group: &SeenGroup| group.known.and_then(|at| known.groups.get(at)).map_or_else(GroupId::new, |group| group.id);
    let mut plan = Groups { ids: inbox.groups.iter().map(id_of).collect(), ..Groups::default() };
    let mut met = vec![false; known.groups.len()];
    for known in inbox.groups.iter().filter_map(|group| group.known) {
        if let Some(flag) = met.get_mut(known) {
            *flag = true;
        }
    }
    let keys = known.groups_by_key.iter().filter(|(key, at)| {
        let stays = met.get(**at).copied().unwrap_or_default() || inbox.unreadable_groups.contains(*at);
        !stays && (inbox.full || inbox.is_gone(connectors::Kind::Group, key))
    });
    plan.gone = keys.map(|(_, at)| *at).collect();
    plan.gone.sort_unstable();
    let mut index = Index::new(inbox, people, &plan.ids);
    if !inbox.full {
        beside::find_elsewhere(tx, source, inbox, (people, &plan.gone), &mut index).await?;
    }
    for (at, (group, id)) in inbox.groups.iter().zip(&plan.ids).enumerate() {
        let before = group.known.and_then(|k| known.groups.get(k));
        let resolved = index.resolve(inbox.members.get(group.members.clone()).unwrap_or_default(), *id);
        plan.steps.extend(step(tx, (at, group), *id, before, resolved).await?);
    }
    if !inbox.full {
        for (group, step) in beside::steps(tx, source, inbox, people, (&plan.ids, &plan.gone)).await? {
            let known = Some(inbox.known.take_group(group));
            plan.steps.push(GroupStep { known, ..step });
        }
    }
    Ok(plan)
}

/// What changes of a group that was stated; none when nothing does.
async fn step(
    tx: &mut Tx,
    (at, group): (usize, &SeenGroup),
    id: GroupId,
    before: Option<&Group>,
    resolved: Resolved,
) -> Result<Option<GroupStep>, Error> {
    let members_hash = members_hash(&resolved.people, &resolved.groups);
    let dangling = beside::packed(resolved.dangling);
    let same_members = before.is_some_and(|before| before.members_hash == members_hash);
    if group.record.is_none() && same_members && before.is_some_and(|before| before.dangling == dangling) {
        return Ok(None);
    }
    let mut step = GroupStep {
        id,
        seen: Some(at),
        known: group.known,
        added: Vec::new(),
        removed: Vec::new(),
        nested: Vec::new(),
        unnested: Vec::new(),
        member_count: resolved.people.len() + resolved.groups.len(),
        members_hash,
        dangling,
    };
    if before.is_none() {
        (step.added, step.nested) = (resolved.people, resolved.groups);
    } else if !same_members {
        let (users, children) = (membership::users_of_group(tx, id).await?, membership::children_of_group(tx, id).await?);
        (step.added, step.removed) = differences(&users, resolved.people);
        (step.nested, step.unnested) = differences(&children, resolved.groups);
    }
    Ok(Some(step))
}

/// What came and what went, both lists in order.
fn differences<T: Ord + Copy>(before: &[T], after: Vec<T>) -> (Vec<T>, Vec<T>) {
    let removed = before.iter().filter(|one| after.binary_search(one).is_err()).copied().collect();
    let added = after.into_iter().filter(|one| before.binary_search(one).is_err()).collect();
    (added, removed)
}

impl Index {
    /// Whether a name leads somewhere.
    pub fn knows(&self, member: Digest) -> bool {
        self.people.contains_key(&member) || self.groups.contains_key(&member)
    }

    /// Says who a name leads to.
    pub fn person_at(&mut self, member: Digest, user: UserId) {
        self.people.insert(member, user);
    }

    /// Says which group a name leads to.
    pub fn group_at(&mut self, member: Digest, group: GroupId) {
        self.groups.insert(member, group);
    }

    fn new(inbox: &Inbox, people: &People, groups: &[GroupId]) -> Self {
        let mut found = HashMap::with_capacity(inbox.people.len());
        // Someone whose entry is unreadable stays where they were.
        let unreadable = inbox.unreadable_places.iter().filter_map(|(dn, at)| Some((*dn, inbox.known.people.get(*at)?)));
        for (dn, person) in unreadable {
            found.insert(dn, person.user);
            found.insert(person.name, person.user);
        }
        for (person, id) in inbox.people.iter().zip(&people.ids) {
            let Some(id) = id else { continue };
            found.insert(person.dn, *id);
            if let Some(name) = person.name.filter(|_| inbox.by_username) {
                found.insert(name, *id);
            }
        }
        Self { people: found, groups: inbox.groups.iter().map(|group| group.dn).zip(groups.iter().copied()).collect() }
    }

    fn resolve(&self, members: &[Digest], own: GroupId) -> Resolved {
        let mut resolved = Resolved::default();
        for member in members {
            match (self.people.get(member), self.groups.get(member)) {
                (Some(user), _) => resolved.people.push(*user),
                // A group within itself says nothing.
                (None, Some(group)) if *group == own => {}
                (None, Some(group)) => resolved.groups.push(*group),
                (None, None) => resolved.dangling.push(*member),
            }
        }
        resolved.people.sort_unstable();
        resolved.people.dedup();
        resolved.groups.sort_unstable();
        resolved.groups.dedup();
        resolved
    }
}

/// The hash of a group's direct members, given in order.
pub fn members_hash(people: &[UserId], groups: &[GroupId]) -> Hash {
    let people: Vec<_> = people.iter().map(|id| id.uuid()).collect();
    let groups: Vec<_> = groups.iter().map(|id| id.uuid()).collect();
    digest::of_members(people.iter().map(Uuid::as_bytes), groups.iter().map(Uuid::as_bytes))
}
