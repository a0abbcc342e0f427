//! Properties of planning, over people made up at random.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that meets the unexpected fails")]

use std::collections::{BTreeMap, HashMap, HashSet};

use connectors::Person;
use proptest::collection::vec;
use proptest::prelude::*;

use super::digest::{self, Digest, Kind};
use super::matching::authority::Others;
use super::reconcile::{Before, KnownPerson, People, SeenPerson, Standing, Turn, people};
use super::spool::Place;

/// A person of a source.
pub fn person(number: u32, username: &str) -> Person {
    Person {
        external_id: format!("{number:08}"),
        dn: format!("uid={username},dc=test"),
        dn_key: format!("uid={username},dc=test"),
        username: username.to_owned(),
        given_name: None,
        family_name: None,
        display_name: username.to_owned(),
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

/// What a store would hold of one person.
#[derive(Clone, Debug)]
struct Stored {
    number: u8,
    person: KnownPerson,
}

/// One entry of a directory made up.
#[derive(Clone, Debug)]
struct Entry {
    number: u8,
    username: String,
    active: bool,
    readable: bool,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0..10_u8, "[a-f]|deux mots|taken", any::<bool>(), 0..8_u8);
    let entry = entry.prop_map(|(number, username, active, luck)| Entry { number, username, active, readable: luck > 0 });
    vec(entry, 0..10).prop_map(|mut all| {
        let mut met = HashSet::new();
        all.retain(|entry| met.insert(entry.number));
        all
    })
}

fn name(username: &str) -> Digest {
    digest::of(Kind::Username, username)
}

/// What a run reads, as the inbox takes it.
fn read(stored: &[Stored], directory: &[Entry]) -> (Vec<SeenPerson>, HashSet<usize>) {
    let (mut seen, mut unreadable) = (Vec::new(), HashSet::new());
    for entry in directory {
        let at = stored.iter().position(|one| one.number == entry.number);
        if !entry.readable {
            unreadable.extend(at);
            continue;
        }
        let hash = digest::of(Kind::Key, &format!("{} {}", entry.username, entry.active)).to_be_bytes();
        let known = at.and_then(|at| stored.get(at)).map(|one| &one.person);
        let unchanged = known.is_some_and(|k| k.present && k.hash == hash && Turn::of(k.standing, entry.active) == Turn::Keep);
        seen.push(SeenPerson {
            username: entry.username.as_str().into(),
            name: (!entry.username.contains(' ')).then(|| name(&entry.username)),
            dn: 0,
            hash,
            active: entry.active,
            spooled: (!unchanged).then(Place::default),
            known: at,
        });
    }
    (seen, unreadable)
}

fn plan(stored: &[Stored], directory: &[Entry]) -> (Vec<SeenPerson>, People) {
    let known: Vec<KnownPerson> = stored.iter().map(|one| one.person.clone()).collect();
    let (seen, unreadable) = read(stored, directory);
    let others = HashSet::from([name("taken")]);
    let plan =
        people(&Before { known: &known, others: &others, unreadable: &unreadable, untold: &HashSet::new(), aside: &HashMap::new() }, &seen);
    (seen, plan)
}

/// What a store would hold after the plan.
fn apply(stored: &mut Vec<Stored>, directory: &[Entry], seen: &[SeenPerson], plan: &People) {
    let turned = |standing: Standing, turn: Turn| match turn {
        Turn::Keep => standing,
        Turn::Disable => Standing::ShutBySource,
        Turn::Enable => Standing::Free,
    };
    for gone in &plan.gone {
        let person = &mut stored[gone.known].person;
        person.present = false;
        person.standing = turned(person.standing, if gone.disabled { Turn::Disable } else { Turn::Keep });
    }
    for at in &plan.released {
        let person = &mut stored[*at].person;
        person.username = format!("{}~{}", person.username, person.user).into();
        person.name = name(&person.username);
    }
    for one in &plan.refreshed {
        let (person, seen) = (&mut stored[one.known].person, &seen[one.seen]);
        person.standing = turned(person.standing, one.turn);
        if one.fields {
            (person.username, person.name, person.hash, person.present) = (seen.username.clone(), seen.name.unwrap(), seen.hash, true);
        }
    }
    let readable: Vec<&Entry> = directory.iter().filter(|entry| entry.readable).collect();
    for at in &plan.created {
        let (seen, number) = (&seen[*at], readable[*at].number);
        let standing = if seen.active { Standing::Free } else { Standing::ShutBySource };
        let (user, username, hash) = (plan.ids[*at].unwrap(), seen.username.clone(), seen.hash);
        stored.push(Stored {
            number,
            person: KnownPerson { user, username, name: seen.name.unwrap(), hash, present: true, standing, others: Others::NONE },
        });
    }
}

proptest! {
    #[test]
    fn planning_again_after_applying_gives_nothing(directories in vec(entries(), 1..5)) {
        let mut stored = Vec::new();
        for directory in &directories {
            let (seen, first) = plan(&stored, directory);
            apply(&mut stored, directory, &seen, &first);

            let names: HashSet<Digest> = stored.iter().map(|one| one.person.name).collect();
            prop_assert_eq!(names.len(), stored.len(), "two people have one user name");
            prop_assert!(!names.contains(&name("taken")), "a name of someone else is given");
            for entry in directory {
                let one = stored.iter().find(|one| one.number == entry.number);
                let shut = one.is_none_or(|one| one.person.standing != Standing::Free);
                prop_assert!(shut || entry.active || !entry.readable, "someone inactive may sign in");
            }

            let (_, again) = plan(&stored, directory);
            prop_assert!(again.created.is_empty() && again.refreshed.iter().all(|one| !one.fields), "{:?}", again);
            prop_assert!(again.gone.is_empty() && again.released.is_empty(), "{:?}", again);
            prop_assert_eq!(again.quarantined.len(), first.quarantined.len());
        }
    }

    #[test]
    fn nobody_whose_entry_is_there_is_taken_for_gone(before in entries(), after in entries()) {
        let mut stored = Vec::new();
        let (seen, first) = plan(&stored, &before);
        apply(&mut stored, &before, &seen, &first);
        let (_, second) = plan(&stored, &after);
        for gone in second.gone {
            let number = stored[gone.known].number;
            prop_assert!(after.iter().all(|entry| entry.number != number));
        }
    }
}
