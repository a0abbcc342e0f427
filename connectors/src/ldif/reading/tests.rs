//! Exports as directories write them, and the records they become.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]

use serde_json::{Value, json};

use super::{Settings, read};
use crate::record::{Group, Member, Person, Record};

const SLAPCAT: &str = "dn: dc=x\nobjectClass: dcObject\nobjectClass: organization\no: X\ndc: x\n\n\
    dn: uid=zoe,ou=people,dc=x\nobjectClass: inetOrgPerson\nuid: zoe\ncn:: Wm/DqSBMZWbDqHZyZQ==\nsn: L\nmail: zoe@x.test\n\
    userPassword:: e1NTSEF9eA==\nentryUUID: AB-1\nstructuralObjectClass: inetOrgPerson\n\n\
    dn: uid=out,ou=old,dc=x\nobjectClass: inetOrgPerson\nuid: out\ncn: Out\nsn: Out\nentryUUID: AB-2\npwdAccountLockedTime: 000001010000Z\n\n\
    dn: cn=staff,ou=groups,dc=x\nobjectClass: groupOfNames\ncn: staff\nmember: UID=zoe, ou=people,dc=x\nentryUUID: AB-3\n\n\
    dn: uid=nokey,ou=people,dc=x\nobjectClass: inetOrgPerson\nuid: nokey\ncn: N\nsn: N\n";

fn records(text: &str, settings: &Value) -> Result<Vec<Record>, String> {
    let mut out = Vec::new();
    let outcome = read(text.as_bytes(), &Settings::parse(settings).unwrap(), &mut |record| {
        out.push(record);
        Ok(())
    });
    outcome.map_err(|cause| cause.to_string()).map(|()| out)
}

fn people(records: &[Record]) -> Vec<&Person> {
    records.iter().filter_map(|record| if let Record::Person(person) = record { Some(person) } else { None }).collect()
}

fn groups(records: &[Record]) -> Vec<&Group> {
    records.iter().filter_map(|record| if let Record::Group(group) = record { Some(group) } else { None }).collect()
}

#[test]
fn an_export_gives_the_people_and_groups_of_the_directory() {
    let read = records(SLAPCAT, &json!({})).unwrap();
    let [zoe, out] = people(&read)[..] else { panic!("{read:?}") };
    assert_eq!((zoe.external_id.as_str(), zoe.username.as_str(), zoe.display_name.as_str()), ("ab-1", "zoe", "Zoé Lefèvre"));
    assert_eq!((zoe.dn_key.as_str(), zoe.active, out.active), ("uid=zoe,ou=people,dc=x", true, false));
    let [staff] = groups(&read)[..] else { panic!("{read:?}") };
    assert_eq!(
        (staff.external_id.as_str(), staff.members.as_slice()),
        ("ab-3", [Member::Dn("uid=zoe,ou=people,dc=x".to_owned())].as_slice())
    );
    let aside = read.iter().find_map(|record| if let Record::Unreadable(entry) = record { Some(entry) } else { None }).unwrap();
    assert!(aside.dn.as_deref() == Some("uid=nokey,ou=people,dc=x") && aside.reason.starts_with("no key"), "{aside:?}");
}

#[test]
fn base_filter_and_mapping_select_as_a_directory_does() {
    let settings = json!({ "base_dn": "ou=people,dc=x", "user_filter": "(&(objectClass=person)(!(uid=nokey)))", "group_base_dn": "dc=x",
        "mapping": { "username": "mail", "external_id": "uid" } });
    let read = records(SLAPCAT, &settings).unwrap();
    assert_eq!(
        people(&read).iter().map(|person| (person.external_id.as_str(), person.username.as_str())).collect::<Vec<_>>(),
        [("zoe", "zoe@x.test")]
    );
    assert_eq!((read.len(), groups(&read).len()), (2, 0), "a group without the key asked for is set aside: {read:?}");
}

#[test]
fn groups_that_are_searches_find_their_members_in_the_file() {
    let group = |name: &str, url: &str| {
        format!("\ndn: cn={name},dc=x\nobjectClass: groupOfURLs\ncn: {name}\nentryUUID: {name}\nmemberURL: {url}\n")
    };
    let text = [
        SLAPCAT,
        &group("all", "ldap:///ou=people,dc=x??sub?(objectClass=inetOrgPerson)"),
        &group("right", "ldap:///dc=x??one?(objectClass=*)"),
        &group("elsewhere", "ldap://other/dc=x??sub?(uid=*)"),
    ];
    let read = records(&text.concat(), &json!({ "group_filter": "(objectClass=groupOfURLs)" })).unwrap();
    let members: Vec<(&str, usize)> = groups(&read).iter().map(|group| (group.name.as_str(), group.members.len())).collect();
    assert_eq!(members, [("all", 2), ("right", 3)], "the groups themselves lie right below");
    let aside = read.iter().filter(|record| matches!(record, Record::Unreadable(entry) if entry.reason.starts_with("memberURL"))).count();
    assert_eq!(aside, 1, "{read:?}");
}

#[test]
fn a_file_that_breaks_anywhere_gives_nothing_to_use() {
    let refused = records(&format!("{SLAPCAT}\ndn: uid=b,dc=x\nmail b\n"), &json!({})).unwrap_err();
    assert!(refused.starts_with("line 38: no colon"), "{refused}");
    assert!(records("dn: dc=x\njpegPhoto:< file:///etc/passwd\n", &json!({})).unwrap_err().contains("URL"));
}
