//! What a reading of some entries means for groups that it did not state: members that come to be known, and members that go. Reads the store,
//! writes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::error::Error;
use super::digest::{self, Digest, Kind};
use super::inbox::Inbox;
use super::members::{GroupStep, Index, members_hash};
use super::reconcile::{People, SeenPerson};
use crate::store::Tx;
use crate::store::establishment::group::{self, Group};
use crate::store::establishment::{link, membership, user};
use crate::types::id::{GroupId, SourceId, UserId};

/// Bytes of a place.
const PLACE_BYTES: usize = 16;

/// Adds to the index whoever is named by a group that was stated and is not among the entries stated themselves.
pub async fn find_elsewhere(
    tx: &mut Tx,
    source: SourceId,
    inbox: &Inbox,
    (people, groups_gone): (&People, &[usize]),
    index: &mut Index,
) -> Result<(), Error> {
    let unknown: HashSet<Digest> = inbox.members.iter().copied().filter(|member| !index.knows(*member)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    // Whoever is stated or gone has no other place than the one stated, and none at all.
    let stated: HashSet<UserId> =
        inbox.people.iter().filter_map(|seen| inbox.known.people.get(seen.known?)).map(|known| known.user).collect();
    let gone = gone_people(inbox, people);
    let places: Vec<Vec<u8>> = unknown.iter().map(|place| place.to_be_bytes().to_vec()).collect();
    for (place, user) in link::list_at(tx, source, &places).await? {
        if let Some(place) = digest_of(&place).filter(|_| !stated.contains(&user) && !gone.contains(&user)) {
            index.person_at(place, user);
        }
    }
    let stated = inbox.groups.iter().filter_map(|seen| seen.known).chain(groups_gone.iter().copied());
    let restated: HashSet<GroupId> = stated.filter_map(|at| inbox.known.groups.get(at)).map(|known| known.id).collect();
    for (place, group) in group::list_at(tx, source, &places).await? {
        if let Some(place) = digest_of(&place).filter(|_| !restated.contains(&group)) {
            index.group_at(place, group);
        }
    }
    if !inbox.member_names.is_empty() {
        let accounts = user::list_accounts_named(tx, &inbox.member_names).await?;
        let ids: Vec<UserId> = accounts.iter().map(|account| account.id).collect();
        let here: HashSet<UserId> =
            link::list_of_users_from(tx, source, &ids).await?.into_iter().filter(|link| link.present).map(|link| link.user_id).collect();
        for account in accounts.iter().filter(|account| here.contains(&account.id) && !gone.contains(&account.id)) {
            index.person_at(digest::of(Kind::Username, &account.username_folded), account.id);
        }
    }
    Ok(())
}

fn gone_people(inbox: &Inbox, people: &People) -> HashSet<UserId> {
    people.gone.iter().filter_map(|gone| inbox.known.people.get(gone.known)).map(|person| person.user).collect()
}

/// What changes of one group that was not stated.
#[derive(Debug, Default)]
struct Beside {
    people_in: Vec<UserId>,
    people_out: Vec<UserId>,
    groups_in: Vec<GroupId>,
    groups_out: Vec<GroupId>,
    named: Vec<Digest>,
    unnamed: Vec<Digest>,
}

/// Groups that were not stated and change all the same, with their steps. They are added to those known.
pub async fn steps(
    tx: &mut Tx,
    source: SourceId,
    inbox: &Inbox,
    people: &People,
    (group_ids, groups_gone): (&[GroupId], &[usize]),
) -> Result<Vec<(Group, GroupStep)>, Error> {
    let mut found: BTreeMap<GroupId, (Group, Beside)> = BTreeMap::new();
    let arriving = arriving(inbox, people, group_ids);
    if !arriving.is_empty() {
        for group in group::list_dangling(tx, source).await? {
            joining(&mut found, group, &arriving);
        }
    }
    newcomers(inbox, people, &mut found);
    leaving(tx, source, inbox, people, groups_gone, &mut found).await?;
    let stated: HashSet<GroupId> = group_ids.iter().copied().collect();
    let removed: HashSet<GroupId> = groups_gone.iter().filter_map(|at| inbox.known.groups.get(*at)).map(|group| group.id).collect();
    let mut steps = Vec::with_capacity(found.len());
    for (id, (group, beside)) in found {
        if !stated.contains(&id) && !removed.contains(&id) {
            let step = step(tx, &group, beside).await?;
            if step.members_hash.as_slice() != group.members_hash || step.dangling != group.dangling {
                steps.push((group, step));
            }
        }
    }
    Ok(steps)
}

/// Who stands now where nobody stood before, by every name that a group may use.
fn arriving(inbox: &Inbox, people: &People, group_ids: &[GroupId]) -> HashMap<Digest, Arriving> {
    let mut arriving = HashMap::new();
    for (seen, id) in inbox.people.iter().zip(&people.ids) {
        let Some(id) = id else { continue };
        arriving.insert(seen.dn, Arriving::Person(*id));
        if let Some(name) = seen.name {
            arriving.insert(name, Arriving::Person(*id));
        }
    }
    arriving.extend(inbox.groups.iter().zip(group_ids).map(|(seen, id)| (seen.dn, Arriving::Group(*id))));
    arriving
}

#[derive(Clone, Copy, Debug)]
enum Arriving {
    Person(UserId),
    Group(GroupId),
}

fn joining(found: &mut BTreeMap<GroupId, (Group, Beside)>, group: Group, arriving: &HashMap<Digest, Arriving>) {
    let names = digests_of(group.dangling.as_deref().unwrap_or_default());
    let known: Vec<(Digest, Arriving)> = names.filter_map(|name| Some((name, *arriving.get(&name)?))).collect();
    if known.is_empty() {
        return;
    }
    let (_, beside) = found.entry(group.id).or_insert_with(|| (group, Beside::default()));
    for (name, one) in known {
        beside.named.push(name);
        match one {
            Arriving::Person(user) => beside.people_in.push(user),
            Arriving::Group(child) => beside.groups_in.push(child),
        }
    }
}

/// Who was not there before joins the groups that their own entries name; whoever was there has joined already, and a group that is left so is
/// stated again.
fn newcomers(inbox: &Inbox, people: &People, found: &mut BTreeMap<GroupId, (Group, Beside)>) {
    if inbox.joined.is_empty() {
        return;
    }
    let there = |seen: &SeenPerson| seen.known.and_then(|at| inbox.known.people.get(at)).is_some_and(|known| known.present);
    let stated = inbox.people.iter().zip(&people.ids).filter(|(seen, _)| !there(seen));
    let new: HashMap<Digest, UserId> = stated.filter_map(|(seen, id)| Some((seen.dn, (*id)?))).collect();
    for (group, member) in &inbox.joined {
        let group = inbox.known.groups_by_key.get(group).and_then(|at| inbox.known.groups.get(*at));
        if let (Some(group), Some(user)) = (group, new.get(member)) {
            let (_, beside) = found.entry(group.id).or_insert_with(|| (group.clone(), Beside::default()));
            beside.people_in.push(*user);
        }
    }
}

async fn leaving(
    tx: &mut Tx,
    source: SourceId,
    inbox: &Inbox,
    people: &People,
    groups_gone: &[usize],
    found: &mut BTreeMap<GroupId, (Group, Beside)>,
) -> Result<(), Error> {
    let gone: Vec<UserId> = gone_people(inbox, people).into_iter().collect();
    let places: HashMap<UserId, Digest> = link::list_of_users_from(tx, source, &gone)
        .await?
        .into_iter()
        .filter_map(|link| Some((link.user_id, digest_of(link.place.as_deref()?)?)))
        .collect();
    for user in gone {
        for group in group::list_of_member(tx, source, user).await? {
            let (_, beside) = found.entry(group.id).or_insert_with(|| (group, Beside::default()));
            beside.people_out.push(user);
            // A group names its members by place or by user name: whichever it was, they are known again when they return.
            beside.unnamed.extend(places.get(&user));
            beside.unnamed.extend(inbox.known.people.iter().find(|known| known.user == user).map(|known| known.name));
        }
    }
    for child in groups_gone.iter().filter_map(|at| inbox.known.groups.get(*at)) {
        for group in group::list_of_child(tx, source, child.id).await? {
            let (_, beside) = found.entry(group.id).or_insert_with(|| (group, Beside::default()));
            beside.groups_out.push(child.id);
            beside.unnamed.extend(child.place.as_deref().and_then(digest_of));
        }
    }
    Ok(())
}

/// The step of one group, from who is in it now.
async fn step(tx: &mut Tx, group: &Group, beside: Beside) -> Result<GroupStep, Error> {
    let (mut people, mut groups) = (membership::users_of_group(tx, group.id).await?, membership::children_of_group(tx, group.id).await?);
    let added = change(&mut people, beside.people_in, &beside.people_out);
    let nested = change(&mut groups, beside.groups_in.into_iter().filter(|child| *child != group.id).collect(), &beside.groups_out);
    let names = digests_of(group.dangling.as_deref().unwrap_or_default()).filter(|name| !beside.named.contains(name));
    let dangling = packed(names.chain(beside.unnamed.iter().copied()).collect());
    Ok(GroupStep {
        id: group.id,
        seen: None,
        // Set by whoever adds the group to those known.
        known: None,
        added,
        removed: beside.people_out,
        nested,
        unnested: beside.groups_out,
        member_count: people.len() + groups.len(),
        members_hash: members_hash(&people, &groups),
        dangling,
    })
}

/// Puts some in and takes others out of a sorted list. Answers who is new to it.
fn change<T: Ord + Copy>(list: &mut Vec<T>, mut coming: Vec<T>, going: &[T]) -> Vec<T> {
    coming.sort_unstable();
    coming.dedup();
    coming.retain(|one| list.binary_search(one).is_err());
    list.retain(|one| !going.contains(one));
    list.extend(&coming);
    list.sort_unstable();
    coming
}

/// Digests as a group's row keeps them; none when there is none.
pub fn packed(mut digests: Vec<Digest>) -> Option<Vec<u8>> {
    digests.sort_unstable();
    digests.dedup();
    (!digests.is_empty()).then(|| digests.iter().flat_map(|one| one.to_be_bytes()).collect())
}

fn digests_of(packed: &[u8]) -> impl Iterator<Item = Digest> {
    packed.chunks_exact(PLACE_BYTES).filter_map(digest_of)
}

fn digest_of(place: &[u8]) -> Option<Digest> {
    <[u8; PLACE_BYTES]>::try_from(place).ok().map(Digest::from_be_bytes)
}
