//! Changes asked of a real 389 Directory Server: content synchronisation as an ordinary account, and the retro changelog.

use connectors::{Bookmark, Cause, Directory, Extent, Kind, Record, Settings, Step};
use serde_json::{Value, json};

use super::{CHANGES, Said, WHOLE, changes, marked, next, refusal, since};
use crate::harness::ds389::{Ds389, PASSWORD, READER, ROOT};

/// The server, a branch of it, and a source of that branch.
async fn source(name: &str, account: &str, own: Value) -> (&'static Ds389, String, Directory) {
    let (server, base) = branch(name, Ds389::shared).await;
    let directory = of(server, &base, account, own).await;
    (server, base, directory)
}

/// A server, and a branch of it.
async fn branch(name: &str, server: fn() -> &'static Ds389) -> (&'static Ds389, String) {
    let name = name.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let server = server();
        (server, server.branch(&name))
    });
    made.await.unwrap()
}

async fn of(server: &Ds389, base: &str, account: &str, own: Value) -> Directory {
    let mut json = json!({
        "urls": [server.url()], "bind_dn": account,
        "base_dn": format!("ou=people,{base}"), "group_base_dn": format!("ou=groups,{base}"),
    });
    let Value::Object(own) = own else { panic!("settings are an object") };
    json.as_object_mut().unwrap().extend(own);
    Directory::new(Settings::parse(&json).unwrap(), Some(PASSWORD.into())).await.unwrap()
}

/// Someone changed, someone else moved, someone left, someone came, who is of the group.
fn change(server: &Ds389, base: &str) {
    let people = format!("ou=people,{base}");
    server.modify(&format!("dn: uid=p0,{people}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    server.modify(&format!("dn: uid=p1,{people}\nchangetype: modrdn\nnewrdn: uid=moved\ndeleteoldrdn: 1\n"));
    server.modify(&format!("dn: uid=p2,{people}\nchangetype: delete\n"));
    server.modify(&format!("dn: uid=new,{people}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: new\ncn: N\nsn: N\n"));
    server.modify(&format!("dn: cn=all,ou=groups,{base}\nchangetype: modify\nadd: member\nmember: uid=new,{people}\n"));
}

#[tokio::test]
async fn content_synchronisation_states_changes_and_never_takes_the_rest_for_gone() {
    let (server, base, directory) = source("sync", READER, json!({"server": "389ds"})).await;
    let bookmark = marked(&directory).await;
    assert_eq!(bookmark.method, "syncrepl");
    let (said, extents, unchanged) = since(&directory, &bookmark).await;
    assert_eq!((said, extents), (Said::default(), CHANGES));
    assert!(unchanged.is_some());

    let key = server.value(&format!("uid=p2,ou=people,{base}"), "nsUniqueId");
    change(server, &base);
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents, CHANGES);
    assert!(said.gone.contains(&(Kind::Person, key)), "{:?}", said.gone);
    assert_eq!(Said { gone: Vec::new(), ..said }, Said::stated(&["moved", "new", "p0"], &["all"]));
    let next = next.unwrap();
    assert_eq!(since(&directory, &next).await.0, Said::default());

    // In such an answer the server leaves out what is asked for by name, a lock for instance: the entry is read again.
    server.modify(&format!("dn: uid=p4,ou=people,{base}\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: true\n"));
    let (steps, _) = changes(&directory, &next).await;
    let locked = |step: &Step| matches!(step, Step::Stated(Record::Person(person)) if person.username == "p4" && !person.active);
    assert!(steps.iter().any(locked), "{steps:?}");
}

#[tokio::test]
async fn a_cookie_of_other_settings_or_of_no_time_is_refused_by_the_server() {
    let (server, base, directory) = source("cookies", READER, json!({"server": "389ds"})).await;
    let bookmark = marked(&directory).await;
    let other = of(server, &base, READER, json!({"server": "389ds", "user_filter": "(uid=*)"})).await;
    let error = refusal(&other, &bookmark).await;
    assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 4096, .. }), "{error}");
    let future = |cookie: &str| format!("{}#99999999", cookie.rsplit_once('#').unwrap().0);
    let stale = Bookmark { people: future(&bookmark.people), groups: future(&bookmark.groups), ..bookmark.clone() };
    let error = refusal(&directory, &stale).await;
    assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 4096, .. }), "{error}");
    for nonsense in ["nonsense", "a#b", ""] {
        let error = refusal(&directory, &Bookmark { people: nonsense.to_owned(), ..bookmark.clone() }).await;
        assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 0, .. }), "{nonsense}: {error}");
    }
}

#[tokio::test]
async fn a_deletion_is_told_by_comparison_where_the_key_is_the_entrys_uuid() {
    let (server, base, directory) = source("uuids", READER, json!({})).await;
    let bookmark = marked(&directory).await;
    server.modify(&format!("dn: uid=p3,ou=people,{base}\nchangetype: delete\n"));
    let (said, extents, _) = since(&directory, &bookmark).await;
    assert_eq!((extents[0], said.people.len(), said.gone.len()), (Extent::Whole, 0, 0));
    let keys: Vec<String> = [0, 1, 2, 4].iter().map(|at| server.value(&format!("uid=p{at},ou=people,{base}"), "entryUUID")).collect();
    assert!(keys.iter().all(|key| said.present.contains(key)), "{said:?}");
}

#[tokio::test]
async fn what_changes_arrives_by_itself() {
    let (server, base, directory) = source("live", READER, json!({"server": "389ds"})).await;
    let bookmark = marked(&directory).await;
    server.modify(&format!("dn: uid=p4,ou=people,{base}\nchangetype: modify\nreplace: sn\nsn: changed before\n"));
    let mut following = directory.follow(&bookmark).unwrap();
    let first = next(&mut following).await;
    assert_eq!((Said::of(&first.steps), [first.people, first.groups]), (Said::stated(&["p4"], &[]), CHANGES));
    let key = server.value(&format!("uid=p2,ou=people,{base}"), "nsUniqueId");
    change(server, &base);
    let mut steps = Vec::new();
    let mut latest = None;
    loop {
        let batch = next(&mut following).await;
        assert_eq!([batch.people, batch.groups], CHANGES);
        steps.extend(batch.steps);
        latest = batch.bookmark.or(latest);
        let said = Said::of(&steps);
        if said.people.contains(&"new".to_owned()) && said.groups.contains(&"all".to_owned()) && !said.gone.is_empty() {
            assert!(said.people.contains(&"moved".to_owned()) && said.people.contains(&"p0".to_owned()), "{said:?}");
            assert!(said.gone.contains(&(Kind::Person, key)), "{said:?}");
            break;
        }
    }
    changes(&directory, &latest.unwrap()).await.1.unwrap();
}

#[tokio::test]
async fn the_retro_changelog_names_what_to_read_again() {
    let (server, base, directory) = source("retro", ROOT, json!({"server": "other", "mapping": {"external_id": "nsUniqueId"}})).await;
    let bookmark = marked(&directory).await;
    assert_eq!(bookmark.method, "retro-changelog");
    let key = server.value(&format!("uid=p2,ou=people,{base}"), "nsUniqueId");
    change(server, &base);
    let (said, extents, next) = since(&directory, &bookmark).await;
    assert_eq!(extents, CHANGES);
    assert!(said.gone.contains(&(Kind::Person, key)), "{:?}", said.gone);
    assert_eq!(Said { gone: Vec::new(), ..said }, Said::stated(&["moved", "new", "p0"], &["all"]));
    assert_eq!(since(&directory, &next.clone().unwrap()).await.0, Said::default());

    // A change that is not in the log any more, or not yet, or is another one there, tells that something is missing.
    let (number, _) = bookmark.people.split_once(' ').unwrap();
    for change in ["0", "99999999", "many", number, &format!("{number} 00000000-00000000-00000000-00000000 20260101000000Z")] {
        let error = refusal(&directory, &Bookmark { people: change.to_owned(), ..bookmark.clone() }).await;
        assert!(matches!(&error.cause, Cause::BookmarkRefused { code: 0, .. }), "{change}: {error}");
    }
    // A branch that is renamed takes everyone below along, and the log says one word of it.
    server.modify(&format!("dn: ou=below,ou=people,{base}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    server.modify(&format!("dn: ou=below,ou=people,{base}\nchangetype: modrdn\nnewrdn: ou=above\ndeleteoldrdn: 1\n"));
    let error = refusal(&directory, &next.unwrap()).await;
    assert!(error.to_string().contains("neither person nor group was renamed"), "{error}");
}

#[tokio::test]
async fn an_account_that_may_not_read_the_changelog_goes_by_times() {
    let (server, base, directory) = source("times", READER, json!({"server": "other"})).await;
    let bookmark = marked(&directory).await;
    assert_eq!(bookmark.method, "timestamp");
    server.modify(&format!("dn: uid=p3,ou=people,{base}\nchangetype: delete\n"));
    server.modify(&format!("dn: uid=p4,ou=people,{base}\nchangetype: modify\nreplace: sn\nsn: changed\n"));
    let (said, extents, _) = since(&directory, &bookmark).await;
    assert_eq!((extents, said.present.len()), (WHOLE, 5));
    assert!(said.people.contains(&"p4".to_owned()) && !said.people.contains(&"p3".to_owned()), "{said:?}");
}

#[tokio::test]
async fn a_server_that_gives_cookies_and_never_tells_is_found_out() {
    let (server, base) = branch("nameless", Ds389::nameless).await;
    for account in [READER, ROOT] {
        let bookmark = marked(&of(server, &base, account, json!({"server": "389ds"})).await).await;
        assert_eq!(bookmark.method, "timestamp", "{account}");
    }
}
