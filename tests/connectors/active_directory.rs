//! Active Directory read from a real controller (Samba): people with their state, primary groups, and what changed since.

use std::collections::BTreeSet;

use connectors::ldap::Settings;
use connectors::{Bar, Bookmark, Caught, Connector, Directory, Error, Extent, Group, Member, Person, Record, Step, Verdict};
use serde_json::{Value, json};

use super::controller::{self, Controller, READER, Running, Someone};
use super::{DEADLINE, read};
use crate::harness::samba::{ADMIN, ADMIN_PASSWORD, BASE, PEOPLE, Samba, password, person};

/// A source of the whole domain, read by this account, with some keys of its own.
async fn source(samba: &Samba, account: (&str, &str), own: Value) -> Directory {
    let mut json = json!({"urls": [samba.url()], "bind_dn": account.0, "base_dn": BASE, "profile": "active-directory", "page_size": 50});
    let Value::Object(own) = own else { panic!("settings are an object") };
    json.as_object_mut().unwrap().extend(own);
    Directory::new(Settings::parse(&json).unwrap(), Some(account.1.into())).await.unwrap()
}

async fn as_admin(samba: &Samba, own: Value) -> Directory {
    source(samba, (ADMIN, ADMIN_PASSWORD), own).await
}

struct All {
    people: Vec<Person>,
    groups: Vec<Group>,
    bookmark: Option<Bookmark>,
}

async fn everything(directory: &Directory) -> All {
    let (records, outcome) = read(directory, DEADLINE).await;
    let (mut people, mut groups) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Person(person) => people.push(person),
            Record::Group(group) => groups.push(group),
            Record::Unreadable(entry) => panic!("{entry:?}"),
        }
    }
    All { people, groups, bookmark: outcome.unwrap().bookmark }
}

impl All {
    fn person(&self, username: &str) -> &Person {
        self.people.iter().find(|person| person.username == username).unwrap()
    }

    fn group(&self, name: &str) -> &Group {
        self.groups.iter().find(|group| group.name == name).unwrap()
    }
}

async fn changes(directory: &Directory, since: &Bookmark) -> Result<(Vec<Step>, Caught), Error> {
    let mut changes = directory.changes(since, DEADLINE).unwrap();
    let mut steps = Vec::new();
    while let Some(some) = changes.steps.recv().await {
        steps.extend(some);
    }
    changes.outcome.await.unwrap().map(|caught| (steps, caught))
}

fn stated(steps: &[Step]) -> BTreeSet<&str> {
    let names = steps.iter().filter_map(|step| match step {
        Step::Stated(Record::Person(person)) => Some(person.username.as_str()),
        Step::Stated(Record::Group(group)) => Some(group.name.as_str()),
        _ => None,
    });
    names.collect()
}

fn gone(steps: &[Step]) -> BTreeSet<&str> {
    steps.iter().filter_map(|step| if let Step::Gone { external_id, .. } = step { Some(external_id.as_str()) } else { None }).collect()
}

fn stated_group<'a>(steps: &'a [Step], name: &str) -> &'a Group {
    let found = steps.iter().find_map(|step| match step {
        Step::Stated(Record::Group(group)) if group.name == name => Some(group),
        _ => None,
    });
    found.unwrap()
}

fn member(dn: &str) -> Member {
    Member::Dn(connectors::dn::normalise(dn).unwrap())
}

#[tokio::test]
async fn a_whole_domain_arrives_with_its_states_and_primary_groups() {
    let samba = Samba::start();
    let all = everything(&as_admin(&samba, json!({})).await).await;
    let others: BTreeSet<&str> = all.people.iter().map(|person| person.username.as_str()).filter(|name| !name.starts_with('p')).collect();
    assert_eq!((all.people.len(), others), (PEOPLE + 4, BTreeSet::from(["Administrator", "Guest", "dns-dc1", "krbtgt"])));
    let seventh = all.person("p007");
    assert_eq!((seventh.active, seventh.inactive_reason.as_deref()), (false, Some("userAccountControl 514")));
    let third = all.person("p003");
    assert!(third.active && third.email.as_deref() == Some("p003@ad.test"));
    assert_eq!(third.attributes["userPrincipalName"], ["p003@ad.test"]);
    assert_eq!(all.group("everyone").members.len(), PEOPLE);
    assert_eq!(all.group("nest").members.len(), 2);
    // In no `member` of the directory: each person's own entry says so.
    let users = all.group("Domain Users");
    assert!((0..PEOPLE).all(|at| users.members.binary_search(&member(&person(at))).is_ok()));
    assert!(users.members.contains(&member(&format!("CN=Administrator,CN=Users,{BASE}"))));
    assert!(!users.members.contains(&member(&format!("CN=Guest,CN=Users,{BASE}"))), "whose primary group is another");
    assert_eq!(all.bookmark.unwrap().method, "dirsync");
}

/// A modification of each kind, and what each way of asking has to tell of it.
async fn a_day(samba: &Samba, directory: &Directory, method: &str, extent: Extent) {
    let before = everything(directory).await;
    let first = before.bookmark.clone().unwrap();
    assert_eq!(first.method, method);
    let (steps, caught) = changes(directory, &first).await.unwrap();
    assert_eq!((stated(&steps), gone(&steps), caught.people, caught.groups), (BTreeSet::new(), BTreeSet::new(), extent, extent));

    samba.modify(&format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: other@ad.test\n", person(1)));
    samba.modify(&format!("dn: {}\nchangetype: delete\n", person(2)));
    samba.modify(&format!(
        "dn: {}\nchangetype: modrdn\nnewrdn: CN=Elsewhere\ndeleteoldrdn: 1\nnewsuperior: OU=elsewhere,{BASE}\n",
        person(3)
    ));
    samba.modify(&format!("dn: CN=few,OU=groups,{BASE}\nchangetype: modify\ndelete: member\nmember: {}\n", person(4)));
    samba.modify(&format!("dn: {}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 514\n", person(5)));
    samba.modify(&format!("dn: CN=New One,OU=people,{BASE}\nchangetype: add\nobjectClass: user\nsAMAccountName: new1\nsn: One\n"));
    samba.modify(&format!(
        "dn: CN=fresh,OU=groups,{BASE}\nchangetype: add\nobjectClass: group\nsAMAccountName: fresh\nmember: {}\n",
        person(6)
    ));

    let (steps, caught) = changes(directory, caught.bookmark.as_ref().unwrap()).await.unwrap();
    let told = stated(&steps);
    assert!(["p001", "p003", "p005", "new1", "few", "fresh"].iter().all(|name| told.contains(name)), "{told:?}");
    assert!(!["p002", "p010", "p199"].iter().any(|name| told.contains(name)), "{told:?}");
    let second = before.person("p002").external_id.as_str();
    match extent {
        Extent::Changes => assert!(gone(&steps).contains(second)),
        Extent::Whole => {
            let named = steps.iter().filter_map(|step| match step {
                Step::Present { external_ids, .. } => Some(external_ids.iter().map(String::as_str)),
                _ => None,
            });
            let named: BTreeSet<&str> = named.flatten().collect();
            assert!(named.contains(before.person("p010").external_id.as_str()) && !named.contains(second));
        }
    }
    let find = |username: &str| {
        let found = steps.iter().find_map(|step| match step {
            Step::Stated(Record::Person(person)) if person.username == username => Some(person),
            _ => None,
        });
        found.unwrap()
    };
    assert_eq!(find("p001").email.as_deref(), Some("other@ad.test"));
    assert_eq!(find("p003").dn, format!("CN=Elsewhere,OU=elsewhere,{BASE}"));
    assert_eq!(find("p003").external_id, before.person("p003").external_id);
    assert!(!find("p005").active);
    assert_eq!(stated_group(&steps, "few").members.len(), 3, "one was taken out, one is deleted");
    assert_eq!(stated_group(&steps, "fresh").members, [member(&person(6))]);
    let (steps, _) = changes(directory, caught.bookmark.as_ref().unwrap()).await.unwrap();
    assert!(stated(&steps).is_empty() && gone(&steps).is_empty(), "what was told once is told again: {steps:?}");
}

#[tokio::test]
async fn dirsync_tells_every_change_to_who_may_replicate() {
    let samba = Samba::start();
    a_day(&samba, &as_admin(&samba, json!({})).await, "dirsync", Extent::Changes).await;
}

#[tokio::test]
async fn an_ordinary_account_learns_of_every_change_by_numbers_and_keys() {
    let samba = Samba::start();
    let account = (person(50), password(50));
    a_day(&samba, &source(&samba, (&account.0, &account.1), json!({})).await, "usn", Extent::Whole).await;
}

#[tokio::test]
async fn a_place_that_moves_moves_everyone_beneath_it() {
    let samba = Samba::start();
    let bases = json!({"base_dn": format!("OU=people,{BASE}"), "group_base_dn": format!("OU=groups,{BASE}")});
    let directory = as_admin(&samba, bases).await;
    let since = everything(&directory).await.bookmark.unwrap();
    samba.modify(&format!("dn: OU=team,OU=people,{BASE}\nchangetype: add\nobjectClass: organizationalUnit\n"));
    let team = |at: usize, place: &str| {
        format!(
            "dn: CN=Person {at:03},{place}\nchangetype: modrdn\nnewrdn: CN=Person {at:03}\ndeleteoldrdn: 1\nnewsuperior: OU=team,OU=people,{BASE}\n"
        )
    };
    for at in [20, 21] {
        samba.modify(&team(at, &format!("OU=people,{BASE}")));
    }
    let (steps, caught) = changes(&directory, &since).await.unwrap();
    assert_eq!(stated(&steps), BTreeSet::from(["p020", "p021"]));

    samba.modify(&format!("dn: OU=team,OU=people,{BASE}\nchangetype: modrdn\nnewrdn: OU=crew\ndeleteoldrdn: 1\n"));
    let (steps, caught) = changes(&directory, caught.bookmark.as_ref().unwrap()).await.unwrap();
    assert_eq!(stated(&steps), BTreeSet::from(["p020", "p021"]));
    let dns = steps.iter().filter_map(|step| if let Step::Stated(Record::Person(person)) = step { Some(person.dn.as_str()) } else { None });
    assert!(dns.into_iter().all(|dn| dn.ends_with(&format!("OU=crew,OU=people,{BASE}"))));

    // Out of the source's base: they are gone, though nothing says so but the place itself.
    samba.modify(&format!(
        "dn: OU=crew,OU=people,{BASE}\nchangetype: modrdn\nnewrdn: OU=crew\ndeleteoldrdn: 1\nnewsuperior: OU=elsewhere,{BASE}\n"
    ));
    let (steps, _) = changes(&directory, caught.bookmark.as_ref().unwrap()).await.unwrap();
    let everyone = everything(&as_admin(&samba, json!({})).await).await;
    let both = BTreeSet::from(["p020", "p021"].map(|name| everyone.person(name).external_id.as_str()));
    assert!(stated(&steps).is_empty() && gone(&steps).is_superset(&both), "{steps:?}");
}

#[tokio::test]
async fn a_change_of_primary_group_is_told_of_both_groups() {
    let samba = Samba::start();
    let directory = as_admin(&samba, json!({"user_filter": "(&(objectCategory=person)(objectClass=user)(sAMAccountName=p*))"})).await;
    let before = everything(&directory).await;
    let number = before.group("everyone").external_id.clone();
    // The number of a group is the end of its SID, which the directory also shows as a number.
    let shown = samba.search("(sAMAccountName=everyone)", &["primaryGroupToken"]);
    let token = shown.lines().find_map(|line| line.strip_prefix("primaryGroupToken: ")).unwrap();
    samba.modify(&format!("dn: {}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {token}\n", person(9)));
    let (steps, _) = changes(&directory, before.bookmark.as_ref().unwrap()).await.unwrap();
    let (left, joined) = (stated_group(&steps, "Domain Users"), stated_group(&steps, "everyone"));
    assert_eq!(joined.external_id, number);
    assert_eq!((left.members.len(), joined.members.len()), (PEOPLE, PEOPLE));
    assert!(joined.members.contains(&member(&person(9))) && left.members.contains(&member(&person(9))));
    let all = everything(&directory).await;
    assert_eq!((&all.group("Domain Users").members, &all.group("everyone").members), (&left.members, &joined.members));
}

#[tokio::test]
async fn a_cookie_that_is_not_as_it_was_given_is_refused_and_never_asked_for_changes() {
    let samba = Samba::start();
    let directory = &as_admin(&samba, json!({})).await;
    let connector = Connector::Ldap(directory.clone());
    let bookmark = everything(directory).await.bookmark.unwrap();
    let text = bookmark.to_text();
    assert_eq!(connector.bookmark(&text).unwrap(), bookmark);
    // One digit: the server would take it for another cookie, and say nothing.
    let digit = if &bookmark.people[60..61] == "f" { "0" } else { "f" };
    let other = [&bookmark.people[..60], digit, &bookmark.people[61..]].concat();
    assert!(connector.bookmark(&text.replace(&bookmark.people, &other)).is_err());
    for people in ["00", "4d534453", &bookmark.people[..40], "", "nonsense"] {
        let error = changes(directory, &Bookmark { people: people.to_owned(), ..bookmark.clone() }).await.expect_err(people);
        assert!(error.cause.bookmark_refused(), "{people}: {error}");
    }
    // Another account may see other things, and what it may see decides what is gone.
    let ordinary = source(&samba, (&person(50), &password(50)), json!({})).await;
    assert!(Connector::Ldap(ordinary.clone()).bookmark(&text).is_err());
    let error = changes(&ordinary, &bookmark).await.unwrap_err();
    assert!(error.cause.bookmark_refused(), "{error}");
}

#[tokio::test]
async fn who_is_chosen_by_what_other_entries_say_is_read_whole() {
    let samba = Samba::start();
    let few = json!({"user_filter": format!("(&(objectCategory=person)(memberOf=CN=few,OU=groups,{BASE}))")});
    let all = everything(&as_admin(&samba, few).await).await;
    assert_eq!((all.people.len(), all.bookmark), (5, None));
}

#[tokio::test]
async fn a_right_password_of_a_closed_account_is_told_from_a_wrong_one() {
    let samba = Samba::start();
    let directory = as_admin(&samba, json!({})).await;
    let all = everything(&directory).await;
    let verdict = async |at: usize, typed: &str| {
        let key = &all.person(&format!("p{at:03}")).external_id;
        directory.verify_password(&person(at), key, &typed.into()).await.unwrap()
    };
    assert_eq!(verdict(1, &password(1)).await, Verdict::Accepted);
    assert_eq!(verdict(1, "wrong").await, Verdict::Refused);
    assert_eq!(verdict(7, &password(7)).await, Verdict::Barred(Bar::AccountDisabled));
    assert_eq!(verdict(7, "wrong").await, Verdict::Refused);
    // The reason concerns whoever stands at the DN now: somebody else's is nobody's business.
    let another = &all.person("p001").external_id;
    assert_eq!(directory.verify_password(&person(7), another, &password(7).as_str().into()).await.unwrap(), Verdict::Refused);
}

/// A source of a controller that plays a part.
async fn played(urls: &[&str], own: Value) -> Directory {
    let mut json = json!({"urls": urls, "bind_dn": READER.0, "base_dn": controller::BASE, "profile": "active-directory"});
    let Value::Object(own) = own else { panic!("settings are an object") };
    json.as_object_mut().unwrap().extend(own);
    Directory::new(Settings::parse(&json).unwrap(), Some(READER.1.into())).await.unwrap()
}

#[tokio::test]
async fn pages_smaller_than_asked_for_are_all_read() {
    let running = Running::start(Controller { page_max: 3, ..Controller::with(10) }).await;
    let all = everything(&played(&[&running.url], json!({"page_size": 1000})).await).await;
    assert_eq!(all.people.len(), 10);
}

#[tokio::test]
async fn numbers_of_one_controller_are_of_no_use_to_another() {
    let running = Running::start(Controller::with(5)).await;
    let directory = played(&[&running.url], json!({})).await;
    let bookmark = everything(&directory).await.bookmark.unwrap();
    assert_eq!(bookmark.method, "usn");
    running.change(|controller| {
        controller.number = 2001;
        controller.people[2] = Someone { name: "renamed".to_owned(), key: 3, number: 2001 };
    });
    let (steps, caught) = changes(&directory, &bookmark).await.unwrap();
    assert_eq!((stated(&steps), caught.people), (BTreeSet::from(["renamed"]), Extent::Whole));
    let bookmark = caught.bookmark.unwrap();

    // Another controller answers to the same name, or the same one was put back: its numbers mean something else.
    let refused = async |change: fn(&mut Controller)| {
        running.change(change);
        let error = changes(&directory, &bookmark).await.unwrap_err();
        assert!(error.cause.bookmark_refused(), "{error}");
    };
    refused(|controller| controller.database = 2).await;
    refused(|controller| (controller.database, controller.number) = (1, 1500)).await;

    // Where several servers are named, the one that gave the bookmark is looked for.
    running.change(|controller| controller.number = 2001);
    let another = Running::start(Controller { database: 9, ..Controller::with(5) }).await;
    let both = played(&[&another.url, &running.url], json!({})).await;
    let (steps, _) = changes(&both, &bookmark).await.unwrap();
    assert!(stated(&steps).is_empty());
}
