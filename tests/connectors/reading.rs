//! A whole directory read from a real slapd: people, groups, members, states, and what a wrong setting says.

use std::collections::{BTreeMap, BTreeSet};

use connectors::{Cause, Directory, Group, Member, Person, Record};
use serde_json::{Value, json};

use super::{DEADLINE, directory, failure, read, settings};
use crate::harness::generator::{Generated, generate};
use crate::harness::slapd::{BASE, Setup, Slapd};

fn generated() -> Generated {
    generate(5, 400, 1)
}

async fn people_and_groups(directory: &Directory) -> (Vec<Person>, Vec<Group>) {
    let (records, outcome) = read(directory, DEADLINE).await;
    let summary = outcome.unwrap();
    let (mut people, mut groups) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Person(person) => people.push(person),
            Record::Group(group) => groups.push(group),
            Record::Unreadable(entry) => panic!("{entry:?}"),
        }
    }
    assert_eq!((summary.people, summary.groups, summary.unreadable), (people.len(), groups.len(), 0));
    (people, groups)
}

#[tokio::test]
async fn everybody_arrives_with_names_addresses_and_state() {
    let generated = generated();
    let slapd = Slapd::start(&generated.ldif);
    let (people, _) = people_and_groups(&directory(&slapd.url(), json!({"page_size": 100})).await).await;

    let by_username: BTreeMap<&str, &Person> = people.iter().map(|p| (p.username.as_str(), p)).collect();
    let expected = generated.expected["users"].as_array().unwrap();
    assert_eq!((by_username.len(), people.len()), (expected.len(), expected.len()));
    for wanted in expected {
        let person = by_username[wanted["uid"].as_str().unwrap()];
        assert_eq!(person.display_name, wanted["name"].as_str().unwrap());
        assert_eq!(person.email.as_deref(), wanted["mail"].as_str());
        assert_eq!(Value::from(person.active), wanted["active"]);
        assert_eq!(person.inactive_reason.as_deref(), (!person.active).then_some("supannRessourceEtat {COMPTE}I"));
        let uais: BTreeSet<&str> = person.attributes["uai"].iter().map(String::as_str).collect();
        let establishments = wanted["establishments"].as_array().unwrap();
        assert_eq!(uais, establishments.iter().map(|uai| uai.as_str().unwrap()).collect());
        assert!(person.units.contains(person.home_unit.as_ref().unwrap()));
        assert_eq!(person.external_id.len(), 36);
    }
    assert_eq!(people.iter().map(|p| &p.external_id).collect::<BTreeSet<_>>().len(), people.len());
}

#[tokio::test]
async fn groups_of_every_kind_arrive_with_members_that_resolve() {
    let generated = generated();
    let slapd = Slapd::start(&generated.ldif);
    let (people, groups) = people_and_groups(&directory(&slapd.url(), json!({"page_size": 50})).await).await;

    let expected = generated.expected["groups"].as_object().unwrap();
    let by_dn: BTreeMap<&str, &Group> = groups.iter().map(|g| (g.dn_key.as_str(), g)).collect();
    let known: BTreeSet<&str> = people.iter().map(|p| p.dn_key.as_str()).chain(by_dn.keys().copied()).collect();
    let usernames: BTreeSet<&str> = people.iter().map(|p| p.username.as_str()).collect();
    let mut seen = 0;
    for (dn, wanted) in expected.iter().filter(|(_, wanted)| wanted["class"] != "groupOfURLs") {
        let group = by_dn[connectors::dn::normalise(dn).unwrap().as_str()];
        let count = |key: &str| usize::try_from(wanted[key].as_u64().unwrap()).unwrap();
        assert_eq!(group.members.len(), count("direct_people") + count("nested_groups") + count("dangling"), "{dn}");
        let unknown = group.members.iter().filter(|member| match member {
            Member::Dn(dn) => !known.contains(dn.as_str()),
            Member::Username(name) => !usernames.contains(name.as_str()),
        });
        assert_eq!(unknown.count(), count("dangling"), "{dn}");
        seen += 1;
    }
    let searched = groups.iter().filter(|group| group.name == "dyn-etudiants").count();
    assert_eq!(seen + searched, groups.len());
    assert!(groups.iter().any(|g| g.name == "Club échecs, mercredi + samedi"));
}

#[tokio::test]
async fn a_second_reading_states_the_same() {
    let slapd = Slapd::start(&generated().ldif);
    let digests = |people: &[Person], groups: &[Group]| {
        let people = people.iter().map(|p| (p.external_id.clone(), p.content_hash()));
        people.chain(groups.iter().map(|g| (g.external_id.clone(), g.content_hash()))).collect::<BTreeMap<_, _>>()
    };
    let (people, groups) = people_and_groups(&directory(&slapd.url(), json!({"page_size": 37})).await).await;
    let first = digests(&people, &groups);
    let (people, groups) = people_and_groups(&directory(&slapd.url(), json!({})).await).await;
    let second = digests(&people, &groups);
    assert_eq!(first, second);

    let changed = groups.iter().find(|group| group.name == "tous").unwrap();
    slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: description\ndescription: x\n", changed.dn));
    let (people, groups) = people_and_groups(&directory(&slapd.url(), json!({})).await).await;
    let third = digests(&people, &groups);
    let differing: Vec<&String> = third.iter().filter(|(key, digest)| second[*key] != **digest).map(|(key, _)| key).collect();
    assert_eq!(differing, [&changed.external_id]);
}

#[tokio::test]
async fn an_entry_without_login_name_is_set_aside_with_the_attribute_named() {
    let slapd = Slapd::start(&generated().ldif);
    let (records, outcome) = read(&directory(&slapd.url(), json!({"mapping": {"username": "supannEtuId"}})).await, DEADLINE).await;
    let summary = outcome.unwrap();
    assert!(summary.people > 0 && summary.unreadable > 0 && summary.people + summary.unreadable == 400, "{summary:?}");
    let aside = records.iter().find_map(|r| if let Record::Unreadable(u) = r { Some(u) } else { None }).unwrap();
    assert_eq!(aside.reason, "supannEtuId: no login name");
    assert!(aside.dn.is_some() && aside.external_id.is_some());
}

#[tokio::test]
async fn a_wrong_password_names_the_account_and_not_the_password() {
    let slapd = Slapd::start(&generated().ldif);
    let directory = Directory::new(settings(&slapd.url(), json!({})), Some("wrong-password".into())).await.unwrap();
    let error = failure(&directory).await;
    assert!(matches!(&error.cause, Cause::BindRefused { dn, code: 49, .. } if dn.starts_with("cn=admin")), "{error:?}");
    assert!(!error.to_string().contains("wrong-password") && !format!("{error:?}{directory:?}").contains("wrong-password"));
}

#[tokio::test]
async fn a_wrong_base_is_named() {
    let slapd = Slapd::start(&generated().ldif);
    let wrong = format!("ou=peuple,{BASE}");
    let error = failure(&directory(&slapd.url(), json!({"base_dn": wrong})).await).await;
    assert!(matches!(&error.cause, Cause::BaseMissing(base) if *base == wrong), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_the_next_is_tried() {
    let slapd = Slapd::start(&generated().ldif);
    // Port 1 is reserved and nothing listens there.
    let error = failure(&directory("ldap://127.0.0.1:1", json!({})).await).await;
    assert!(matches!(&error.cause, Cause::Unreachable { address, .. } if address == "127.0.0.1:1"), "{error:?}");
    let (people, _) = people_and_groups(&directory("", json!({"urls": ["ldap://127.0.0.1:1", slapd.url()]})).await).await;
    assert_eq!(people.len(), 400);
    let error = failure(&directory("ldap://no-such-host.invalid", json!({"tls": {"mode": "none"}})).await).await;
    assert!(matches!(&error.cause, Cause::UnknownHost(_)), "{error:?}");
}

#[tokio::test]
async fn a_real_size_limit_is_told() {
    let generated = generated();
    let slapd = Slapd::start_with(&Setup {
        ldif: Some(&generated.ldif),
        directives: "sizelimit size.soft=50 size.hard=50 size.prtotal=120",
        ..Setup::default()
    });
    let anonymous = json!({"bind_dn": null, "page_size": 40});
    let error = failure(&directory(&slapd.url(), anonymous).await).await;
    assert!(matches!(&error.cause, Cause::SizeLimit { code: 4 | 11, .. }), "{error:?}");
}

#[tokio::test]
async fn an_account_without_its_password_is_refused_before_any_socket() {
    let error = Directory::new(settings("ldap://127.0.0.1:1", json!({})), None).await.unwrap_err();
    assert!(matches!(error.cause, Cause::NoBindPassword));
}
