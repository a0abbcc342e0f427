//! Several bases, and groups whose members a search stands for: what one answer leaves open, another tells.

use connectors::{Directory, Extent, Kind, Member, Record, Step};
use serde_json::json;

use super::openldap::{key_of, rename, source, started};
use super::{CHANGES, Said, changes, marked, next, since};
use crate::harness::slapd::{BASE, Slapd};

/// The people of two branches: `p0` to `p9`, and `q0` and `q1`.
async fn two_branches() -> (Slapd, Directory) {
    let slapd = started();
    slapd.modify(&format!("dn: ou=others,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\nou: others\n"));
    for name in ["q0", "q1"] {
        slapd.modify(&format!("dn: uid={name},ou=others,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {name}\ncn: Q\nsn: Q\n"));
    }
    let directory = source(&slapd, json!({"base_dn": [format!("ou=people,{BASE}"), format!("ou=others,{BASE}")]})).await;
    (slapd, directory)
}

fn move_to(slapd: &Slapd, person: &str, from: &str, to: &str) {
    slapd.modify(&format!(
        "dn: uid={person},ou={from},{BASE}\nchangetype: modrdn\nnewrdn: uid={person}\ndeleteoldrdn: 1\nnewsuperior: ou={to},{BASE}\n"
    ));
}

#[tokio::test]
async fn who_changes_under_one_base_is_not_gone_from_another() {
    let (slapd, directory) = two_branches().await;
    let bookmark = marked(&directory).await;
    assert_eq!(bookmark.people.lines().count(), 2);
    rename(&slapd, "p1");
    move_to(&slapd, "p2", "people", "others");
    move_to(&slapd, "q0", "others", "people");
    let key = key_of(&slapd, "(uid=q1)");
    slapd.modify(&format!("dn: uid=q1,ou=others,{BASE}\nchangetype: delete\n"));
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents, CHANGES);
    let people: Vec<&(Kind, String)> = said.gone.iter().filter(|(kind, _)| *kind == Kind::Person).collect();
    assert_eq!(people, [&(Kind::Person, key)]);
    let mut stated = said.people.clone();
    stated.dedup();
    assert_eq!(stated, ["p1", "p2", "q0"]);
    assert_eq!(since(&directory, &next.unwrap()).await.0, Said::default());
}

#[tokio::test]
async fn who_moves_from_base_to_base_stays_while_one_listens() {
    let (slapd, directory) = two_branches().await;
    let bookmark = marked(&directory).await;
    let mut following = directory.follow(&bookmark).unwrap();
    next(&mut following).await;
    move_to(&slapd, "p2", "people", "others");
    move_to(&slapd, "q0", "others", "people");
    let key = key_of(&slapd, "(uid=q1)");
    slapd.modify(&format!("dn: uid=q1,ou=others,{BASE}\nchangetype: delete\n"));
    let mut steps: Vec<Step> = Vec::new();
    while !Said::of(&steps).gone.contains(&(Kind::Person, key.clone())) {
        steps.extend(next(&mut following).await.steps);
    }
    let said = Said::of(&steps);
    assert_eq!(said.gone, [(Kind::Person, key)]);
    assert!(said.people.contains(&"p2".to_owned()) && said.people.contains(&"q0".to_owned()), "{said:?}");
}

/// The members of the group `found`, as stated last.
fn members(steps: &[Step]) -> Option<Vec<Member>> {
    steps.iter().rev().find_map(|step| match step {
        Step::Stated(Record::Group(group)) if group.name == "found" => Some(group.members.clone()),
        _ => None,
    })
}

/// A group of whoever has the employee number 1 or 2.
fn found_group(slapd: &Slapd) {
    slapd.modify(&format!(
        "dn: cn=found,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfURLs\ncn: found\n\
         memberURL: ldap:///ou=people,{BASE}??sub?(|(employeeNumber=1)(employeeNumber=2))\n"
    ));
}

#[tokio::test]
async fn members_found_by_a_search_are_found_again_when_people_change() {
    let slapd = started();
    found_group(&slapd);
    let own = json!({"group_filter": "(|(objectClass=groupOfNames)(objectClass=groupOfURLs))"});
    let directory = source(&slapd, own).await;
    let bookmark = marked(&directory).await;
    // Nothing changed, and nothing is asked.
    let (steps, _) = changes(&directory, &bookmark).await;
    assert_eq!(members(&steps), None);

    slapd.modify(&format!("dn: uid=p2,ou=people,{BASE}\nchangetype: modify\nreplace: employeeNumber\nemployeeNumber: 99\n"));
    let (steps, outcome) = changes(&directory, &bookmark).await;
    let caught = outcome.unwrap();
    assert_eq!((caught.people, caught.groups), (Extent::Changes, Extent::Changes));
    assert_eq!(members(&steps), Some(vec![Member::Dn(format!("uid=p1,ou=people,{BASE}"))]));

    let mut following = directory.follow(&caught.bookmark.unwrap()).unwrap();
    next(&mut following).await;
    slapd.modify(&format!("dn: uid=p3,ou=people,{BASE}\nchangetype: modify\nreplace: employeeNumber\nemployeeNumber: 2\n"));
    let batch = next(&mut following).await;
    let wanted = ["p1", "p3"].map(|name| Member::Dn(format!("uid={name},ou=people,{BASE}")));
    assert_eq!(members(&batch.steps).unwrap(), wanted);
}
