//! The whole plan of a run, and what the guard has to know of it. Writes nothing.

use std::collections::{HashMap, HashSet};

use super::super::error::Error;
use super::guard::{Approved, Loss, Losses};
use super::inbox::Inbox;
use super::members::{self, Groups};
use super::reconcile::{self, Before, People, Standing, Turn};
use crate::store::Tx;
use crate::types::id::{GroupId, UserId};

/// What a run would change.
#[derive(Debug)]
pub struct Plan {
    /// People.
    pub people: People,
    /// Groups and memberships.
    pub groups: Groups,
}

/// Works a plan out. The store is read only where groups' members differ.
pub async fn make(tx: &mut Tx, inbox: &Inbox) -> Result<Plan, Error> {
    let before = Before { known: &inbox.known.people, others: &inbox.known.others, unreadable: &inbox.unreadable_people };
    let people = reconcile::people(&before, &inbox.people);
    let groups = members::plan(tx, inbox, &people).await?;
    Ok(Plan { people, groups })
}

impl Plan {
    /// What the plan takes away beyond what was approved.
    pub fn losses(&self, inbox: &Inbox, approved: Option<&Approved>) -> Losses {
        let none = Approved::default();
        let covered = approved.unwrap_or(&none);
        let known = &inbox.known;
        let person = |at: usize| known.people.get(at).map(|person| person.user);
        let gone = self.people.gone.iter().filter(|gone| gone.disabled).filter_map(|gone| person(gone.known));
        let shut = self.people.refreshed.iter().filter(|one| one.turn == Turn::Disable).filter_map(|one| person(one.known));
        let disabled = gone.chain(shut).filter(|user| !covered.covers(user.uuid())).count();
        let removed = self.removed_groups(inbox, covered);
        // Those who were shut out already and are gone now were never named; an approval counts them in.
        let told = |known: usize, disabled: bool| {
            (approved.is_some() && !disabled) || person(known).is_some_and(|user| covered.covers(user.uuid()))
        };
        let approved_gone = self.people.gone.iter().filter(|gone| told(gone.known, gone.disabled)).count();
        let unreadable = inbox.unreadable_people.len();
        Losses {
            people: Loss { before: known.people.iter().filter(|p| p.standing == Standing::Free).count() as u64, taken: disabled as u64 },
            groups: Loss { before: known.groups.len() as u64, taken: removed as u64 },
            memberships: Loss { before: known.memberships(), taken: self.memberships_taken(inbox, covered) },
            present: known.present().saturating_sub(approved_gone) as u64,
            read: (inbox.people.len() + unreadable) as u64,
            approved: approved.is_some(),
        }
    }

    fn removed_groups(&self, inbox: &Inbox, covered: &Approved) -> usize {
        let gone = self.groups.gone.iter().filter_map(|at| inbox.known.groups.get(*at));
        gone.filter(|group| !covered.covers(group.id.uuid())).count()
    }

    fn memberships_taken(&self, inbox: &Inbox, covered: &Approved) -> u64 {
        let gone = self.groups.gone.iter().filter_map(|at| inbox.known.groups.get(*at));
        let with_groups: u64 =
            gone.filter(|group| !covered.covers(group.id.uuid())).map(|group| u64::try_from(group.member_count).unwrap_or_default()).sum();
        let losing = self.groups.steps.iter().filter(|step| !step.removed.is_empty() || !step.unnested.is_empty());
        let losing: Vec<_> = losing.collect();
        if losing.is_empty() {
            return with_groups;
        }
        let names = self.names(inbox);
        let taken = losing.iter().map(|step| {
            let left = |name: &str| !covered.covers_member(step.id.uuid(), name);
            let people = step.removed.iter().filter(|user| left(names.person(**user))).count();
            people + step.unnested.iter().filter(|group| left(names.group(**group))).count()
        });
        with_groups + taken.sum::<usize>() as u64
    }

    /// The names of the people and groups whose memberships change.
    pub fn names<'a>(&self, inbox: &'a Inbox) -> Names<'a> {
        let mut wanted: HashSet<UserId> = HashSet::new();
        for step in &self.groups.steps {
            wanted.extend(step.added.iter().chain(&step.removed));
        }
        let known = inbox.known.people.iter().map(|person| (person.user, &*person.username));
        let seen = inbox.people.iter().zip(&self.people.ids).filter_map(|(person, id)| Some(((*id)?, &*person.username)));
        let people = known.chain(seen).filter(|(user, _)| wanted.contains(user)).collect();
        let known = inbox.known.groups.iter().map(|group| (group.id, group.name.as_str()));
        let seen = inbox.groups.iter().zip(&self.groups.ids).map(|(group, id)| (*id, &*group.name));
        Names { people, groups: known.chain(seen).collect() }
    }
}

/// Names for people who read the changes.
#[derive(Debug)]
pub struct Names<'a> {
    people: HashMap<UserId, &'a str>,
    groups: HashMap<GroupId, &'a str>,
}

impl<'a> Names<'a> {
    /// A person's user name.
    pub fn person(&self, user: UserId) -> &'a str {
        self.people.get(&user).copied().unwrap_or_default()
    }

    /// A group's name.
    pub fn group(&self, group: GroupId) -> &'a str {
        self.groups.get(&group).copied().unwrap_or_default()
    }
}
