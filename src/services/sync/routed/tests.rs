//! Whom a reading gives to which establishment.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use connectors::record::Unreadable;
use connectors::{Group, Kind, Member, Record, Routed};

use super::super::super::roles::{Case, Pattern};
use super::super::spool::Spool;
use super::super::tests::person;
use super::{Gathered, names};

const A: &str = "0990001N";
const B: &str = "0990002P";

fn one(number: u32, username: &str, to: &[&str]) -> Routed {
    Routed { record: Record::Person(person(number, username)), to: texts(to) }
}

fn group(name: &str, members: &[&str], to: &[&str]) -> Routed {
    let dn_key = format!("cn={name},dc=test");
    let members = members.iter().map(|member| match member.strip_prefix('@') {
        Some(username) => Member::Username(username.to_owned()),
        None if member.contains('=') => Member::Dn(format!("{member},dc=test")),
        None => Member::Dn(format!("uid={member},dc=test")),
    });
    let group = Group {
        external_id: format!("g-{name}"),
        dn: dn_key.clone(),
        dn_key,
        name: name.to_owned(),
        display_name: None,
        members: members.collect(),
    };
    Routed { record: Record::Group(group), to: texts(to) }
}

fn texts(to: &[&str]) -> Vec<String> {
    to.iter().map(|text| (*text).to_owned()).collect()
}

fn gathered(pattern: Option<&str>, pages: Vec<Vec<Routed>>) -> Gathered {
    let folder = tempfile::tempdir().unwrap();
    let pattern = pattern.map(|text| Pattern::compile("route", text, Case::Ignored).unwrap());
    let mut gathered = Gathered::new(Spool::new(folder.path()).unwrap(), pattern);
    for page in pages {
        gathered.take(page).unwrap();
    }
    gathered.close().unwrap();
    gathered
}

/// Where values lead when A and B are there, in this order.
fn known(gathered: &Gathered) -> Vec<Option<u32>> {
    let places = [A, B];
    gathered.values().map(|value| places.iter().position(|place| *place == value).map(|at| u32::try_from(at).unwrap())).collect()
}

/// What A and B get: names of people, and groups with their members.
fn sorted(gathered: Gathered) -> [Vec<String>; 2] {
    let known = known(&gathered);
    let sorted = gathered.sort(&known, 2).unwrap();
    [0, 1].map(|at| {
        let records = sorted.part(at).pages().flat_map(Result::unwrap).collect::<Vec<_>>();
        let told = records.into_iter().map(|record| match record {
            Record::Person(person) => person.username,
            Record::Group(group) => {
                let members = group.members.iter().map(|member| match member {
                    Member::Dn(dn) => dn.strip_suffix(",dc=test").unwrap().to_owned(),
                    Member::Username(name) => format!("@{name}"),
                });
                format!("{}: {}", group.name, members.collect::<Vec<_>>().join(" "))
            }
            Record::Unreadable(entry) => format!("? {}", entry.reason),
        });
        told.collect()
    })
}

#[test]
fn everyone_goes_where_their_record_says_and_to_several_places_when_it_says_several() {
    let people = vec![one(1, "ana", &[A]), one(2, "bob", &[A, B]), one(3, "cid", &["0990003C"]), one(4, "dan", &[])];
    let gathered = gathered(None, vec![people]);
    let unplaced = gathered.unplaced(&known(&gathered)).unwrap();
    let told: Vec<_> = unplaced.iter().map(|one| (one.value.as_deref(), one.people, one.names.join(" "))).collect();
    assert_eq!(told, [(None, 1, "dan".to_owned()), (Some("0990003C"), 1, "cid".to_owned())]);
    assert_eq!(sorted(gathered), [vec!["ana", "bob"], vec!["bob"]]);
}

#[test]
fn a_group_goes_wherever_a_member_is_and_shows_each_only_its_own() {
    let people = vec![one(1, "ana", &[A]), one(2, "bob", &[B]), one(3, "cid", &[])];
    let groups = vec![
        group("mixed", &["ana", "bob", "cid", "nobody"], &[]),
        group("named", &["ana", "@bob"], &[B]),
        group("empty", &[], &[]),
        group("over", &["cn=mixed", "cn=inner"], &[]),
        group("inner", &["ana"], &[]),
    ];
    let [a, b] = sorted(gathered(None, vec![people, groups]));
    assert_eq!(a, ["ana", "mixed: uid=ana", "over: cn=mixed cn=inner", "inner: uid=ana"]);
    assert_eq!(b, ["bob", "mixed: uid=bob", "named: @bob", "over: cn=mixed"]);
}

#[test]
fn groups_in_a_circle_go_where_anyone_in_the_circle_is() {
    let people = vec![one(1, "ana", &[A]), one(2, "bob", &[B])];
    let groups = vec![group("x", &["ana", "cn=y"], &[]), group("y", &["cn=z"], &[]), group("z", &["bob", "cn=x"], &[])];
    let [a, b] = sorted(gathered(None, vec![people, groups]));
    assert_eq!(a, ["ana", "x: uid=ana cn=y", "y: cn=z", "z: cn=x"]);
    assert_eq!(b, ["bob", "x: cn=y", "y: cn=z", "z: uid=bob cn=x"]);
}

#[test]
fn a_pattern_of_groups_places_whoever_says_nothing_themselves() {
    let people = vec![one(1, "ana", &[]), one(2, "bob", &[B]), one(3, "cid", &[]), one(4, "dan", &[])];
    let groups = vec![
        group("0990001N_tous", &["cn=profs", "bob"], &[]),
        group("profs", &["ana", "cn=0990001N_tous"], &[]),
        group("0990002P_eleves", &["@cid", "@ana"], &[]),
        group("autres", &["dan"], &[]),
    ];
    let gathered = gathered(Some("(?<uai>[0-9]{7}[A-Z])_.*"), vec![people, groups]);
    assert_eq!(gathered.unplaced(&known(&gathered)).unwrap().len(), 1, "nobody but dan is left over");
    let [a, b] = sorted(gathered);
    assert_eq!(a, ["ana", "0990001N_tous: cn=profs", "profs: uid=ana cn=0990001N_tous"]);
    assert_eq!(b, ["ana", "bob", "cid", "profs: uid=ana", "0990002P_eleves: @ana @cid"].map(|text| text.replace("@ana @cid", "@cid @ana")));
}

#[test]
fn what_cannot_be_used_goes_where_it_says_or_else_to_whoever_knows_it() {
    let broken = |reason: &str, to: &[&str]| {
        let entry = Unreadable { dn: None, external_id: None, kind: Kind::Person, reason: reason.to_owned() };
        Routed { record: Record::Unreadable(entry), to: texts(to) }
    };
    let gathered = gathered(None, vec![vec![broken("here", &[B]), broken("lost", &[]), broken("elsewhere", &["0990003C"])]]);
    let known = known(&gathered);
    assert_eq!(gathered.unreadable_nowhere(&known).map(|entry| entry.reason.as_str()).collect::<Vec<_>>(), ["lost", "elsewhere"]);
    assert_eq!(gathered.unreadable_count(), 3);
    let sorted = gathered.sort(&known, 2).unwrap();
    assert_eq!(sorted.part(0).pages().count(), 0);
    assert_eq!(sorted.part(1).pages().map(|page| page.unwrap().len()).collect::<Vec<_>>(), [1]);
    assert_eq!(sorted.part(0).unplaced().len(), 2);
}

#[test]
fn a_value_names_an_establishment_by_uai_or_slug() {
    assert!(names("0990001n", "college", Some(A)) && names(" College", "college", Some(A)) && names("0990001N", "0990001n", None));
    assert!(!names("0990002P", "college", Some(A)) && !names("platform", "college", None));
    // One that has another UAI is not meant, whatever its slug looks like.
    assert!(!names("0990001N", "0990001n", Some(B)));
}
