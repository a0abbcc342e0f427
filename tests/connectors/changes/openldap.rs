//! Content synchronisation against a real slapd: every row of the table of its answers.

use std::fmt::Write as _;
use std::path::PathBuf;

use connectors::{Bookmark, Cause, Directory, Extent, Kind};
use serde_json::{Value, json};

use super::{CHANGES, Said, WHOLE, marked, refusal, since};
use crate::connectors::directory;
use crate::harness::slapd::{BASE, Setup, Slapd};

/// People `p0` to `p9` and the groups `even` and `odd`.
fn ldif(folder: &tempfile::TempDir) -> PathBuf {
    let mut text = format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: acad-test\n\n");
    for unit in ["people", "groups"] {
        writeln!(text, "dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n").unwrap();
    }
    for at in 0..10 {
        writeln!(
            text,
            "dn: uid=p{at},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: p{at}\ncn: P {at}\nsn: {at}\nemployeeNumber: {at}\n"
        )
        .unwrap();
    }
    for (name, first) in [("even", 0), ("odd", 1)] {
        writeln!(text, "dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}").unwrap();
        for at in (first..10).step_by(2) {
            writeln!(text, "member: uid=p{at},ou=people,{BASE}").unwrap();
        }
        text.push('\n');
    }
    let path = folder.path().join("small.ldif");
    std::fs::write(&path, text).unwrap();
    path
}

pub fn started() -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    Slapd::start(&ldif(&folder))
}

pub async fn source(slapd: &Slapd, own: Value) -> Directory {
    let mut settings = json!({"profile": "inetorgperson"});
    let Value::Object(own) = own else { panic!("settings are an object") };
    settings.as_object_mut().unwrap().extend(own);
    directory(&slapd.url(), settings).await
}

/// The key that the server gave an entry.
pub fn key_of(slapd: &Slapd, filter: &str) -> String {
    let found = slapd.search(filter, &["entryUUID"]);
    found.lines().find_map(|line| line.strip_prefix("entryUUID: ")).unwrap().to_owned()
}

fn all_keys(slapd: &Slapd) -> Vec<String> {
    let found = slapd.search("(|(objectClass=inetOrgPerson)(objectClass=groupOfNames))", &["entryUUID"]);
    let mut keys: Vec<String> = found.lines().filter_map(|line| line.strip_prefix("entryUUID: ")).map(str::to_owned).collect();
    keys.sort_unstable();
    keys
}

pub fn rename(slapd: &Slapd, person: &str) {
    slapd.modify(&format!("dn: uid={person},ou=people,{BASE}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
}

fn delete(slapd: &Slapd, person: &str) {
    slapd.modify(&format!("dn: uid={person},ou=people,{BASE}\nchangetype: delete\n"));
}

#[tokio::test]
async fn nothing_changed_says_nothing_and_keeps_the_bookmark() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    assert_eq!(bookmark.method, "syncrepl");
    assert!(bookmark.people.contains("csn=") && bookmark.belongs_to == directory.belongs_to());
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!((said, extents, next), (Said::default(), CHANGES, Some(bookmark)));
}

#[tokio::test]
async fn what_changed_is_stated_and_what_went_is_named() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    let deleted = key_of(&slapd, "(uid=p3)");
    rename(&slapd, "p1");
    delete(&slapd, "p3");
    slapd.modify(&format!("dn: uid=p2,ou=people,{BASE}\nchangetype: modrdn\nnewrdn: uid=moved\ndeleteoldrdn: 1\n"));
    slapd.modify(&format!("dn: uid=new,ou=people,{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\ncn: N\nsn: N\n"));
    slapd.modify(&format!("dn: cn=odd,ou=groups,{BASE}\nchangetype: modify\nadd: member\nmember: uid=new,ou=people,{BASE}\n"));

    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents, CHANGES);
    assert_eq!(Said { gone: Vec::new(), ..said }, Said::stated(&["moved", "new", "p1"], &["odd"]));
    // A search names whatever was deleted, of its kind or not.
    assert!(said.gone.contains(&(Kind::Person, deleted)), "{:?}", said.gone);
    let next = next.unwrap();
    assert_ne!(next, bookmark);
    assert_eq!(since(&directory, &next).await, (Said::default(), CHANGES, Some(next)));
}

#[tokio::test]
async fn what_leaves_the_filter_is_gone_although_it_is_there() {
    let slapd = started();
    let directory = source(&slapd, json!({"user_filter": "(&(objectClass=inetOrgPerson)(employeeNumber=*))"})).await;
    let bookmark = marked(&directory).await;
    let key = key_of(&slapd, "(uid=p4)");
    slapd.modify(&format!("dn: uid=p4,ou=people,{BASE}\nchangetype: modify\ndelete: employeeNumber\n"));
    let (said, extents, _) = since(&directory, &bookmark).await;
    assert_eq!(extents, CHANGES);
    assert!(said.people.is_empty() && said.gone.contains(&(Kind::Person, key)), "{said:?}");
}

#[tokio::test]
async fn after_a_restart_what_is_there_is_named_and_what_changed_stated() {
    let mut slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    let deleted = key_of(&slapd, "(uid=p7)");
    delete(&slapd, "p7");
    rename(&slapd, "p8");
    slapd.restart("");
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents[0], Extent::Whole);
    assert_eq!(said.people, ["p8"]);
    assert!(!said.present.contains(&deleted) && said.gone.is_empty());
    assert_eq!(said.present, all_keys(&slapd));
    let next = next.unwrap();
    assert_eq!(since(&directory, &next).await, (Said::default(), CHANGES, Some(next)));
}

#[tokio::test]
async fn an_access_rule_that_hides_people_shows_as_their_absence_only_in_a_whole_answer() {
    let mut slapd = started();
    let anonymous = json!({"bind_dn": null});
    let directory = source(&slapd, anonymous).await;
    let bookmark = marked(&directory).await;
    rename(&slapd, "p1");
    slapd.restart(&format!("access to dn.exact=\"uid=p1,ou=people,{BASE}\" by * read\naccess to dn.subtree=\"ou=people,{BASE}\" attrs=children,entry by * read\naccess to dn.one=\"ou=people,{BASE}\" by * none\naccess to * by * read"));
    let (said, extents, _) = since(&directory, &bookmark).await;
    assert_eq!(extents[0], Extent::Whole);
    assert_eq!(said.people, ["p1"]);
}

/// The bookmark with other words of the server's.
fn with_cookie(bookmark: &Bookmark, cookie: &str) -> Bookmark {
    Bookmark { people: cookie.to_owned(), groups: cookie.to_owned(), ..bookmark.clone() }
}

#[tokio::test]
async fn a_cookie_that_is_none_is_never_sent() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    for nonsense in ["nonsense", "", "rid=000", "rid=000,csn=yesterday"] {
        let error = refusal(&directory, &with_cookie(&bookmark, nonsense)).await;
        assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 0, .. }) && error.cause.bookmark_refused(), "{nonsense}: {error}");
    }
}

#[tokio::test]
async fn an_old_cookie_gives_everything_and_a_future_one_is_refused() {
    let slapd = started();
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    let (said, extents, next) = since(&directory, &with_cookie(&bookmark, "rid=000,csn=20200101000000.000000Z#000000#000#000000")).await;
    assert_eq!((said.people.len() + said.groups.len() + said.present.len(), extents), (12, WHOLE), "{said:?}");
    assert!(next.is_some());
    let error = refusal(&directory, &with_cookie(&bookmark, "rid=000,csn=20990101000000.000000Z#000000#000#000000")).await;
    assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 53, text } if text.contains("newer")), "{error}");
}

#[tokio::test]
async fn a_size_limit_makes_the_whole_answer_void() {
    let mut slapd = started();
    let directory = source(&slapd, json!({"bind_dn": null})).await;
    let bookmark = marked(&directory).await;
    for at in 0..6 {
        rename(&slapd, &format!("p{at}"));
    }
    slapd.restart("sizelimit 3");
    let error = refusal(&directory, &bookmark).await;
    assert!(matches!(&error.cause, Cause::SizeLimit { code: 4, .. }), "{error}");
}

#[tokio::test]
async fn deletions_show_by_a_comparison_where_the_key_is_an_attribute_of_the_people() {
    let slapd = started();
    let own = json!({"mapping": {"external_id": "employeeNumber"}, "group_filter": "(objectClass=posixGroup)"});
    let directory = source(&slapd, own).await;
    let bookmark = marked(&directory).await;
    rename(&slapd, "p1");
    let (said, extents, next) = since(&directory, &bookmark).await;
    // The search for groups names the person too, as one that is no group: by its own key, so that all are compared.
    let all: Vec<String> = (0..10).map(|at| at.to_string()).collect();
    assert_eq!((said, extents), (Said { present: all, ..Said::stated(&["p1"], &[]) }, WHOLE));
    delete(&slapd, "p2");
    let (said, extents, _) = since(&directory, &next.unwrap()).await;
    assert_eq!(extents, WHOLE);
    let left: Vec<String> = [0, 1, 3, 4, 5, 6, 7, 8, 9].iter().map(ToString::to_string).collect();
    assert_eq!((said.present, said.gone), (left, Vec::new()));
}

#[tokio::test]
async fn a_bookmark_holds_for_the_settings_it_was_made_with() {
    let slapd = started();
    let first = source(&slapd, json!({})).await.belongs_to();
    assert_eq!(first, source(&slapd, json!({"page_size": 10, "page_pause_ms": 5, "sign_in": "none"})).await.belongs_to());
    for other in [
        json!({"user_filter": "(objectClass=person)"}),
        json!({"base_dn": BASE}),
        json!({"bind_dn": null}),
        json!({"mapping": {"display_name": "{sn} {givenName}"}}),
        json!({"server": "openldap"}),
    ] {
        assert_ne!(first, source(&slapd, other.clone()).await.belongs_to(), "{other}");
    }
}

#[tokio::test]
async fn without_content_synchronisation_times_tell_and_keys_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let slapd = Slapd::start_with(&Setup { ldif: Some(&ldif(&folder)), without_sync: true, ..Setup::default() });
    let directory = source(&slapd, json!({})).await;
    let bookmark = marked(&directory).await;
    assert_eq!((bookmark.method.as_str(), bookmark.people.len()), ("timestamp", 15));
    delete(&slapd, "p9");
    rename(&slapd, "p1");
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents, WHOLE);
    // All are as young as the directory itself, and what is younger than the overlap is stated again.
    assert!(said.people.contains(&"p1".to_owned()) && !said.people.contains(&"p9".to_owned()));
    assert_eq!(said.present, all_keys(&slapd));
    assert!(next.unwrap().people >= bookmark.people);

    // As if an hour had passed: only what changed since.
    let later = Bookmark { people: "20990101000000Z".to_owned(), groups: "20990101000000Z".to_owned(), ..bookmark };
    let (said, _, next) = since(&directory, &later).await;
    assert!(said.people.is_empty() && said.groups.is_empty());
    assert_eq!(next.unwrap().people, "20990101000000Z");
}
