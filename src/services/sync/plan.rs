//! The whole plan of a run, and what the guard has to know of it. Writes nothing.

use std::collections::{HashMap, HashSet};

use connectors::Extent;

use super::super::error::Error;
use super::guard::{Approved, Loss, Losses, Whole};
use super::inbox::Inbox;
use super::members::{self, Groups};
use super::reconcile::{self, Before, People, Standing, Turn};
use crate::store::Tx;
use crate::store::establishment::source_state::{self, Taken};
use crate::store::establishment::sync_run::{Progress, Run};
use crate::store::establishment::{group, link, membership};
use crate::types::id::{GroupId, SourceId, UserId};

/// What a run would change.
#[derive(Debug)]
pub struct Plan {
    /// People.
    pub people: People,
    /// Groups and memberships.
    pub groups: Groups,
    /// How many there were before the run began.
    pub before: Progress,
    /// What this run took away before it was broken off, or what runs of changes did since the last whole reading.
    pub taken: Taken,
    /// What runs of changes took away since the last whole reading, without this one.
    pub earlier: Taken,
    /// Whether an earlier run left roles to be computed again.
    pub roles_due: bool,
}

/// Works a plan out. The store is read only where groups' members differ, and where not everything was read.
pub async fn make(tx: &mut Tx, run: &Run, inbox: &mut Inbox) -> Result<Plan, Error> {
    let source = run.source_id;
    let untold = untold(inbox);
    let before = Before {
        known: &inbox.known.people,
        others: &inbox.known.others,
        unreadable: &inbox.unreadable_people,
        untold: &untold,
        aside: &inbox.aside,
    };
    let people = reconcile::people(&before, &inbox.people);
    let groups = members::plan(tx, source, inbox, &people).await?;
    let state = source_state::get(tx, source).await?;
    let so_far = run.progress.map(|p| Taken { people: p.people_taken, groups: p.groups_taken, memberships: p.memberships_taken });
    let earlier = if inbox.full { Taken::default() } else { state.taken };
    let mut plan = Plan {
        people,
        groups,
        before: Progress::default(),
        taken: so_far.unwrap_or_default().and(earlier),
        earlier,
        roles_due: state.roles_due,
    };
    plan.before = match run.progress {
        Some(progress) => progress,
        None => plan.count_before(tx, source, inbox).await?,
    };
    Ok(plan)
}

/// Known ones of whom nothing was said, and who are not gone for that.
fn untold(inbox: &Inbox) -> HashSet<usize> {
    if inbox.full {
        return HashSet::new();
    }
    let stated: HashSet<usize> = inbox.people.iter().filter_map(|seen| seen.known).collect();
    let left = inbox.known.people_by_key.iter().filter(|(key, at)| !stated.contains(at) && !inbox.is_gone(connectors::Kind::Person, key));
    // Whoever was gone before is still: their name is free for whom the source gives it to.
    left.map(|(_, at)| *at).filter(|at| inbox.known.people.get(*at).is_some_and(|person| person.present)).collect()
}

impl Plan {
    /// Whether someone is signed out by it.
    pub fn ends_sessions(&self) -> bool {
        self.people.gone.iter().any(|gone| gone.disabled) || self.people.refreshed.iter().any(|one| one.turn == Turn::Disable)
    }

    /// Whether there is nothing to do, and nothing to say.
    pub fn is_empty(&self, inbox: &Inbox) -> bool {
        let People { created, refreshed, gone, released, quarantined, .. } = &self.people;
        let people = created.is_empty() && refreshed.is_empty() && gone.is_empty() && released.is_empty() && quarantined.is_empty();
        people
            && self.groups.steps.is_empty()
            && self.groups.gone.is_empty()
            && inbox.unreadable_count == 0
            && inbox.answered.is_empty()
            && !self.roles_due
    }

    /// Whether it takes anything from anyone.
    fn takes(&self, inbox: &Inbox) -> bool {
        self.ends_sessions() || !self.groups.gone.is_empty() || self.memberships_taken(inbox, &Approved::default()) > 0
    }

    async fn count_before(&self, tx: &mut Tx, source: SourceId, inbox: &Inbox) -> Result<Progress, Error> {
        let known = &inbox.known;
        if !inbox.full && !self.takes(inbox) {
            return Ok(Progress::default());
        }
        if inbox.full || inbox.extent == Extent::Whole {
            return Ok(Progress {
                people_before: known.people.iter().filter(|person| person.standing == Standing::Free).count() as u64,
                groups_before: known.groups.len() as u64,
                memberships_before: known.memberships(),
                ..Progress::default()
            });
        }
        let count = |counted: i64| u64::try_from(counted).unwrap_or_default();
        Ok(Progress {
            people_before: count(link::count_free_of_source(tx, source).await?),
            groups_before: count(group::count_of_source(tx, source).await?),
            memberships_before: count(membership::count_of_source(tx, source).await?),
            ..Progress::default()
        })
    }

    /// What the plan takes away beyond what was approved.
    pub fn losses(&self, inbox: &Inbox, approved: Option<&Approved>) -> Losses {
        let none = Approved::default();
        let covered = approved.unwrap_or(&none);
        let known = &inbox.known;
        let person = |at: usize| known.people.get(at).map(|person| person.user);
        let gone = self.people.gone.iter().filter(|gone| gone.disabled).filter_map(|gone| person(gone.known));
        let shut = self.people.refreshed.iter().filter(|one| one.turn == Turn::Disable).filter_map(|one| person(one.known));
        let disabled = gone.chain(shut).filter(|user| !covered.covers(user.uuid())).count() as u64;
        let removed = self.removed_groups(inbox, covered) as u64;
        let memberships = self.memberships_taken(inbox, covered);
        // Those who were shut out already and are gone now were never named; an approval counts them in.
        let told = |known: usize, disabled: bool| {
            (approved.is_some() && !disabled) || person(known).is_some_and(|user| covered.covers(user.uuid()))
        };
        let approved_gone = self.people.gone.iter().filter(|gone| told(gone.known, gone.disabled)).count();
        let there = inbox.people_there + inbox.people.len() + inbox.unreadable_people.len();
        // What was taken before counts only together with something more.
        let with = |now: u64, earlier: u64| if now == 0 { 0 } else { now + earlier };
        Losses {
            people: Loss { before: self.before.people_before + self.earlier.people, taken: with(disabled, self.taken.people) },
            groups: Loss { before: self.before.groups_before + self.earlier.groups, taken: with(removed, self.taken.groups) },
            memberships: Loss {
                before: self.before.memberships_before + self.earlier.memberships,
                taken: with(memberships, self.taken.memberships),
            },
            whole: (inbox.full || inbox.extent == Extent::Whole)
                .then(|| Whole { present: known.present().saturating_sub(approved_gone) as u64, read: there as u64 }),
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
