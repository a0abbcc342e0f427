//! Runs of changes: what a source says of a few entries must leave what a reading of all of them would.

use std::collections::{BTreeMap, BTreeSet};

use connectors::{Batch, Extent, Group, Kind, Member, Person, Record, Step};
use passerelle::services::context::Context;
use passerelle::services::{groups, sources, sync, users};
use passerelle::store::establishment::change::{self, Operation};
use passerelle::store::establishment::group as stored;
use passerelle::store::establishment::sync_run::{self, Run, StartedBy, State};
use passerelle::store::establishment::user::{Filter, UserStatus};
use passerelle::types::page::PageRequest;

use super::{open_guard, settings};
use crate::harness::gateway::TestGateway;

/// A directory as a list of entries, without a server: what it says is handed to runs.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entries {
    people: BTreeMap<u32, Person>,
    groups: BTreeMap<u32, Group>,
}

fn dn_of(name: &str) -> String {
    format!("uid={name},dc=acad-test,dc=fr")
}

fn person(key: u32, name: &str) -> Person {
    Person {
        external_id: format!("person-{key}"),
        dn: dn_of(name),
        dn_key: dn_of(name),
        username: name.to_owned(),
        given_name: None,
        family_name: None,
        display_name: name.to_owned(),
        email: None,
        locale: None,
        active: true,
        inactive_reason: None,
        opens: None,
        closes: None,
        home_unit: None,
        units: Vec::new(),
        attributes: BTreeMap::new(),
    }
}

fn group(key: u32, members: &[&str]) -> Group {
    let dn = format!("cn=g{key},dc=acad-test,dc=fr");
    let mut members: Vec<Member> = members.iter().map(|name| Member::Dn(dn_of(name))).collect();
    members.sort_unstable();
    Group { external_id: format!("group-{key}"), dn_key: dn.clone(), dn, name: format!("g{key}"), display_name: None, members }
}

impl Entries {
    /// Everything there is.
    fn whole(&self) -> Vec<Step> {
        let people = self.people.values().cloned().map(Record::Person);
        people.chain(self.groups.values().cloned().map(Record::Group)).map(Step::Stated).collect()
    }

    /// What changed since.
    fn since(&self, before: &Self) -> Vec<Step> {
        let gone = |kind, external_id: &str| Step::Gone { kind: Some(kind), external_id: external_id.to_owned() };
        let people = self.people.iter().filter(|(key, person)| before.people.get(key) != Some(person));
        let groups = self.groups.iter().filter(|(key, group)| before.groups.get(key) != Some(group));
        let mut steps: Vec<Step> = people.map(|(_, person)| Step::Stated(Record::Person(person.clone()))).collect();
        steps.extend(groups.map(|(_, group)| Step::Stated(Record::Group(group.clone()))));
        let people = before.people.iter().filter(|(key, _)| !self.people.contains_key(key));
        steps.extend(people.map(|(_, person)| gone(Kind::Person, &person.external_id)));
        let groups = before.groups.iter().filter(|(key, _)| !self.groups.contains_key(key));
        steps.extend(groups.map(|(_, group)| gone(Kind::Group, &group.external_id)));
        steps
    }

    /// The same as one that restarted says it: what changed, and the keys of what did not.
    fn since_restart(&self, before: &Self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.since(before).into_iter().filter(|step| matches!(step, Step::Stated(_))).collect();
        let same = |kind, external_ids| Step::Present { kind, external_ids };
        let people = self.people.iter().filter(|(key, person)| before.people.get(key) == Some(person));
        steps.push(same(Kind::Person, people.map(|(_, person)| person.external_id.clone()).collect()));
        let groups = self.groups.iter().filter(|(key, group)| before.groups.get(key) == Some(group));
        steps.push(same(Kind::Group, groups.map(|(_, group)| group.external_id.clone()).collect()));
        steps
    }
}

async fn fed(gateway: &TestGateway, name: &str) -> Context {
    let (_, ctx) = gateway.establishment(name).await;
    let fields = sources::SourceFields { settings: settings("ldap://127.0.0.1:9"), guard: open_guard(), ..super::unfed() };
    sources::create(&ctx, &fields).await.unwrap();
    ctx
}

async fn told(ctx: &Context, steps: Vec<Step>, extent: Extent) -> Run {
    let batch = Batch { steps, people: extent, groups: extent, bookmark: None };
    let run = sync::run_batch(ctx, "ldap", batch, StartedBy::Live).await.unwrap();
    assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
    run
}

/// Everyone with whether they may sign in and the groups they are in, and every group with how many it holds.
async fn outcome(ctx: &Context) -> (BTreeMap<String, (bool, BTreeSet<String>)>, BTreeMap<String, i64>) {
    let all = PageRequest::first(500);
    let mut people = BTreeMap::new();
    for user in users::list(ctx, &all, &Filter::default()).await.unwrap().items {
        let free = user.status != UserStatus::Disabled;
        // Of someone gone, only that is compared.
        let held = stored::list_direct_of_user(&mut ctx.store.read().await.unwrap(), user.id).await.unwrap();
        let groups = held.into_iter().map(|group| group.name).filter(|_| free).collect();
        // Whoever gave a user name up has a mark behind it, which is each establishment's own.
        let name = user.username.split('~').next().unwrap_or_default().to_owned();
        let mark = if name == user.username { "" } else { "~" };
        people.insert(format!("{name}{mark}"), (free, groups));
    }
    let groups = groups::list(ctx, &all, &stored::Filter::default()).await.unwrap().items;
    (people, groups.into_iter().map(|group| (group.name, group.member_count)).collect())
}

#[tokio::test]
async fn members_that_arrive_later_leave_and_return_are_where_their_groups_say() {
    let gateway = TestGateway::start().await;
    let ctx = fed(&gateway, "Lycée").await;
    let mut now = Entries::default();
    now.people.insert(1, person(1, "anne"));
    now.groups.insert(1, group(1, &["anne", "bob"]));
    told(&ctx, now.whole(), Extent::Whole).await;
    assert_eq!(outcome(&ctx).await.1["g1"], 1, "nobody is bob yet");

    let before = now.clone();
    now.people.insert(2, person(2, "bob"));
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.created, run.counts.memberships_added), (1, 1), "the group named bob before he came");
    assert_eq!(outcome(&ctx).await.0["bob"], (true, BTreeSet::from(["g1".to_owned()])));

    let before = now.clone();
    now.people.remove(&1);
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.disabled, run.counts.memberships_removed), (1, 1));
    assert_eq!(outcome(&ctx).await.1["g1"], 1);

    let before = now.clone();
    now.people.insert(1, person(1, "anne"));
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.enabled, run.counts.created, run.counts.memberships_added), (1, 0, 1), "the group names her still");
    assert_eq!(outcome(&ctx).await.0["anne"], (true, BTreeSet::from(["g1".to_owned()])));
}

#[tokio::test]
async fn someone_who_moves_stays_in_groups_that_were_not_told_of() {
    let gateway = TestGateway::start().await;
    let ctx = fed(&gateway, "Lycée").await;
    let mut now = Entries::default();
    now.people.insert(1, person(1, "anne"));
    now.groups.insert(1, group(1, &["anne"]));
    told(&ctx, now.whole(), Extent::Whole).await;
    let before = now.clone();
    now.people.insert(1, Person { username: "anne".to_owned(), ..person(1, "anne.martin") });
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.moved, run.counts.memberships_removed), (1, 0));
    // A directory that keeps references whole tells of the group a moment later.
    let before = now.clone();
    now.groups.insert(1, group(1, &["anne.martin"]));
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.memberships_added, run.counts.memberships_removed), (0, 0));
    assert_eq!(outcome(&ctx).await.0["anne"], (true, BTreeSet::from(["g1".to_owned()])));
}

#[tokio::test]
async fn names_that_go_round_among_people_told_of_are_given_in_one_run() {
    let gateway = TestGateway::start().await;
    let ctx = fed(&gateway, "Lycée").await;
    let mut now = Entries::default();
    for (key, name) in [(1, "anne"), (2, "bob"), (3, "chloé")] {
        now.people.insert(key, person(key, name));
    }
    told(&ctx, now.whole(), Extent::Whole).await;
    let of = async |name: &str| users::resolve(&ctx, name).await.unwrap().id;
    let (anne, bob) = (of("anne").await, of("bob").await);
    let before = now.clone();
    now.people.insert(1, person(1, "bob"));
    now.people.insert(2, person(2, "anne"));
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.quarantined, of("anne").await, of("bob").await), (0, bob, anne));
    // Chloé keeps hers: nothing was told of her, and another may not have it.
    let before = now.clone();
    now.people.insert(4, person(4, "chloé"));
    let run = told(&ctx, now.since(&before), Extent::Changes).await;
    assert_eq!((run.counts.quarantined, run.counts.created), (1, 0));
    let set_aside = sync::changes(&ctx, run.id, 0, 10, &change::Filter::default()).await.unwrap().0;
    assert_eq!(set_aside[0].operation, Operation::Quarantined);
}

#[tokio::test]
async fn nothing_changed_leaves_no_run_behind() {
    let gateway = TestGateway::start().await;
    let ctx = fed(&gateway, "Lycée").await;
    let mut now = Entries::default();
    now.people.insert(1, person(1, "anne"));
    told(&ctx, now.whole(), Extent::Whole).await;
    told(&ctx, now.whole(), Extent::Changes).await;
    told(&ctx, Vec::new(), Extent::Changes).await;
    let runs = sync::runs(&ctx, &PageRequest::first(50), &sync_run::Filter::default()).await.unwrap();
    assert_eq!(runs.total, 1);
}

#[tokio::test]
async fn people_taken_away_one_by_one_are_held_together() {
    let gateway = TestGateway::start().await;
    let (_, ctx) = gateway.establishment("Lycée").await;
    let fields = sources::SourceFields { settings: settings("ldap://127.0.0.1:9"), ..super::unfed() };
    sources::create(&ctx, &fields).await.unwrap();
    let mut now = Entries::default();
    for key in 0..40 {
        now.people.insert(key, person(key, &format!("p{key:02}")));
    }
    told(&ctx, now.whole(), Extent::Whole).await;
    let mut left = 0;
    let held = loop {
        let before = now.clone();
        now.people.remove(&left);
        let batch = Batch { steps: now.since(&before), people: Extent::Changes, groups: Extent::Changes, bookmark: None };
        let run = sync::run_batch(&ctx, "ldap", batch, StartedBy::Live).await.unwrap();
        if run.state == State::Held {
            break run;
        }
        left += 1;
        assert!(left < 10, "a directory that empties itself entry by entry is held by the bound of one run");
    };
    assert!(held.error.unwrap().contains("people"));
    assert_eq!(left, 4, "10 % of those who were there");
}

/// A small generator, so that every machine walks the same way.
struct Walk(u64);

impl Walk {
    fn next(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(below)).unwrap()
    }

    /// One thing that happens in a directory that keeps references whole.
    fn happen(&mut self, now: &mut Entries) {
        let key = self.next(8);
        match self.next(7) {
            0 | 1 => {
                let name = format!("n{}", self.next(10));
                if !now.people.values().any(|other| other.username == name) {
                    let before = now.people.insert(key, person(key, &name));
                    rename(now, before.as_ref(), &name);
                }
            }
            2 => drop(now.people.remove(&key)),
            3 => {
                if let Some(person) = now.people.get_mut(&key) {
                    person.active = !person.active;
                    person.inactive_reason = (!person.active).then(|| "closed".to_owned());
                }
            }
            4 => drop(now.groups.remove(&(key % 4))),
            _ => {
                let members: Vec<String> = (0..self.next(6)).map(|_| format!("n{}", self.next(10))).collect();
                let mut group = group(key % 4, &members.iter().map(String::as_str).collect::<Vec<_>>());
                if self.next(2) == 0 {
                    group.members.push(Member::Dn(format!("cn=g{},dc=acad-test,dc=fr", self.next(4))));
                }
                group.members.sort_unstable();
                group.members.dedup();
                now.groups.insert(key % 4, group);
            }
        }
    }
}

/// What a directory that keeps references whole does to its groups.
fn rename(now: &mut Entries, before: Option<&Person>, name: &str) {
    let Some(before) = before else { return };
    for group in now.groups.values_mut() {
        for member in &mut group.members {
            if *member == Member::Dn(before.dn_key.clone()) {
                *member = Member::Dn(dn_of(name));
            }
        }
        group.members.sort_unstable();
        group.members.dedup();
    }
}

#[tokio::test]
async fn told_of_changes_or_of_everything_an_establishment_comes_out_the_same() {
    let gateway = TestGateway::start().await;
    for seed in 1..4 {
        let by_changes = fed(&gateway, &format!("Changements {seed}")).await;
        let restarted = fed(&gateway, &format!("Reprises {seed}")).await;
        let whole = fed(&gateway, &format!("Tout {seed}")).await;
        let (mut walk, mut now) = (Walk(seed), Entries::default());
        // Somebody always stays: a source without anybody is held.
        now.people.insert(100, person(100, "stable"));
        for told_first in [&by_changes, &restarted, &whole] {
            told(told_first, now.whole(), Extent::Whole).await;
        }
        for round in 0..25 {
            let before = now.clone();
            for _ in 0..=walk.next(4) {
                walk.happen(&mut now);
            }
            told(&by_changes, now.since(&before), Extent::Changes).await;
            told(&restarted, now.since_restart(&before), Extent::Whole).await;
            told(&whole, now.whole(), Extent::Whole).await;
            let expected = outcome(&whole).await;
            assert_eq!(outcome(&by_changes).await, expected, "seed {seed}, round {round}: {before:#?} became {now:#?}");
            assert_eq!(outcome(&restarted).await, expected, "seed {seed}, round {round}, after a restart");
        }
    }
}
