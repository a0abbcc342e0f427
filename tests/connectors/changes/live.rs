//! Listening to a real slapd: what changes there arrives in batches, each complete, each with the bookmark after it.

use connectors::{Batch, Cause, Directory, Extent, Following, Kind};
use serde_json::json;

use super::openldap::{key_of, rename, source, started};
use super::{CHANGES, Said, changes, marked, next, since};
use crate::harness::slapd::{BASE, Slapd};

/// Listens from now on, past the first batch, which says that both searches have caught up.
async fn listening(directory: &Directory) -> Following {
    let bookmark = marked(directory).await;
    let mut following = directory.follow(&bookmark).unwrap();
    let first = next(&mut following).await;
    assert_eq!((Said::of(&first.steps), [first.people, first.groups]), (Said::default(), CHANGES));
    assert_eq!(first.bookmark, Some(bookmark));
    following
}

/// What came until something was said of a kind: one search may be ahead of the other by a batch.
async fn until(following: &mut Following, enough: impl Fn(&Said) -> bool) -> (Said, Batch) {
    let mut steps = Vec::new();
    loop {
        let batch = next(following).await;
        steps.extend(batch.steps.clone());
        let said = Said::of(&steps);
        if enough(&said) {
            return (said, batch);
        }
    }
}

#[tokio::test]
async fn what_changes_arrives_by_itself_and_the_bookmark_goes_along() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let mut following = listening(&directory).await;

    rename(&slapd, "p1");
    let (said, batch) = until(&mut following, |said| !said.people.is_empty()).await;
    assert_eq!((said.people, said.groups, [batch.people, batch.groups]), (vec!["p1".to_owned()], Vec::new(), CHANGES));
    let between = batch.bookmark.unwrap();

    let key = key_of(&slapd, "(uid=p3)");
    slapd.modify(&format!("dn: uid=p3,ou=people,{BASE}\nchangetype: delete\n"));
    let (said, _) = until(&mut following, |said| !said.gone.is_empty()).await;
    assert_eq!(said.gone, [(Kind::Person, key.clone())]);

    slapd.modify(&format!("dn: cn=even,ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: uid=p1,ou=people,{BASE}\n"));
    let (said, batch) = until(&mut following, |said| !said.groups.is_empty()).await;
    assert_eq!(said.groups, ["even"]);

    // The same again, from a bookmark that a batch gave: nothing is lost between the two ways of asking.
    let (said, extents, _) = since(&directory, &between).await;
    assert_eq!((said.groups, extents), (vec!["even".to_owned()], CHANGES));
    assert!(said.gone.contains(&(Kind::Person, key)), "{:?}", said.gone);
    let latest = batch.bookmark.unwrap();
    assert_eq!(since(&directory, &latest).await.0.groups, Vec::<String>::new());
}

#[tokio::test]
async fn what_happens_at_once_is_one_batch_and_each_entry_is_in_it_once() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let mut following = listening(&directory).await;
    let change = |at: usize| format!("dn: uid=p{},ou=people,{BASE}\nchangetype: modify\nreplace: sn\nsn: at {at}\n\n", at % 2);
    slapd.modify(&(0..200).map(change).collect::<String>());
    let mut steps = Vec::new();
    let mut batches = 0;
    loop {
        let batch = next(&mut following).await;
        batches += 1;
        assert!(batch.steps.len() <= 2, "{batch:?}");
        steps.extend(batch.steps);
        let last = |name: &str, sn: &str| {
            let said = steps.iter().rev().find_map(|step| match step {
                connectors::Step::Stated(connectors::Record::Person(person)) if person.username == name => Some(person),
                _ => None,
            });
            said.is_some_and(|person| person.family_name.as_deref() == Some(sn))
        };
        if last("p0", "at 198") && last("p1", "at 199") {
            break;
        }
    }
    assert!(batches < 100, "{batches} batches for 200 changes at once");
}

#[tokio::test]
async fn what_changed_before_one_listened_comes_first() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    rename(&slapd, "p5");
    let mut following = directory.follow(&bookmark).unwrap();
    let first = next(&mut following).await;
    assert_eq!((Said::of(&first.steps).people, [first.people, first.groups]), (vec!["p5".to_owned()], CHANGES));
}

#[tokio::test]
async fn after_a_restart_of_the_server_the_first_batch_is_whole() {
    let mut slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    rename(&slapd, "p5");
    slapd.restart("");
    let mut following = directory.follow(&bookmark).unwrap();
    let first = next(&mut following).await;
    assert_eq!((Said::of(&first.steps).people, first.people), (vec!["p5".to_owned()], Extent::Whole));
    assert!(first.bookmark.is_some());
}

#[tokio::test]
async fn listening_ends_with_the_server_and_says_so() {
    let mut slapd: Slapd = started();
    let directory = source(&slapd, json!({})).await;
    let mut following = listening(&directory).await;
    slapd.stop();
    assert_eq!(following.batches.recv().await, None);
    let error = following.outcome.await.unwrap().unwrap_err();
    assert!(matches!(&error.cause, Cause::Dropped(_) | Cause::Notice { .. } | Cause::Busy { .. }), "{error:?}");
}

#[tokio::test]
async fn listening_ends_when_nobody_listens() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let following = listening(&directory).await;
    drop(following.batches);
    following.outcome.await.unwrap().unwrap();
    // The server is still there for others.
    let bookmark = marked(&directory).await;
    assert!(changes(&directory, &bookmark).await.1.is_ok());
}

#[tokio::test]
async fn a_deletion_is_told_by_comparison_where_the_key_is_an_attribute() {
    let slapd = started();
    let directory = source(&slapd, json!({"mapping": {"external_id": "employeeNumber"}, "group_filter": "(objectClass=posixGroup)"})).await;
    let mut following = listening(&directory).await;
    slapd.modify(&format!("dn: uid=p3,ou=people,{BASE}\nchangetype: delete\n"));
    let batch = next(&mut following).await;
    assert_eq!(batch.people, Extent::Whole);
    let present = Said::of(&batch.steps).present;
    assert_eq!((present.len(), present.contains(&"3".to_owned())), (9, false));
}
