//! One person whom several sources state: found again, described without going back and forth, and asked about where it is not certain.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use passerelle::services::error::Error;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::sync::{self, proposals};
use passerelle::services::users;
use passerelle::store::establishment::proposal::{Filter as Asked, Proposal};
use passerelle::store::establishment::sync_run::{Counts, Mode, Run, State};
use passerelle::store::establishment::user::{DisabledBy, Filter, User, UserStatus};
use passerelle::types::page::PageRequest;
use serde_json::{Value, json};

use super::{EMPTY, Fed, delete, fields, open_guard, settings};
use crate::harness::generator::generate;
use crate::harness::slapd::{BASE, Slapd};

/// An establishment fed by a directory and by a list of its staff.
struct Two {
    fed: Fed,
    staff: Slapd,
}

/// One entry of the staff's list.
fn member(key: &str, name: &str, more: &[(&str, &str)]) -> String {
    let mut entry = format!(
        "dn: cn={key},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: supannPerson\nobjectClass: ENTPerson\ncn: {key}\nuid: {name}\n"
    );
    for (attribute, value) in more {
        writeln!(entry, "{attribute}: {value}").unwrap();
    }
    if more.iter().all(|(attribute, _)| *attribute != "sn") {
        writeln!(entry, "sn: {name}").unwrap();
    }
    entry + "\n"
}

fn server(entries: &str) -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("staff.ldif");
    std::fs::write(&ldif, format!("{EMPTY}{entries}")).unwrap();
    Slapd::start(&ldif)
}

impl Two {
    async fn over(directory: Slapd, staff: Slapd, matching: Value) -> Self {
        let fed = Fed::over(directory).await;
        fed.change(|fields| {
            fields.settings["mapping"] =
                json!({ "employee_number": "supannEmpId", "student_number": "supannEtuId", "birth_date": "ENTPersonDateNaissance" });
        })
        .await;
        let mapping =
            json!({ "key": "cn", "number": "employeeNumber", "birth_date": "ENTPersonDateNaissance", "department": "departmentNumber" });
        let mut of_staff = SourceFields { name: "staff".to_owned(), ..fields(&staff, open_guard()) };
        of_staff.settings = settings(&staff.url());
        of_staff.settings["mapping"] = mapping;
        of_staff.matching = serde_json::from_value(matching).unwrap();
        sources::create(&fed.ctx, &of_staff).await.unwrap();
        fed.sync().await;
        Self { fed, staff }
    }

    async fn sync_staff(&self) -> Run {
        let run = sync::run_to_end(&self.fed.ctx, "staff", Mode::Full).await.unwrap();
        assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
        run
    }

    /// Everyone by the key in the staff's list.
    async fn by_key(&self) -> BTreeMap<String, User> {
        let everyone = self.everyone().await.into_values();
        everyone.filter_map(|user| Some((user.attributes.get("key")?.first()?.clone(), user))).collect()
    }

    /// Everyone by user name.
    async fn everyone(&self) -> BTreeMap<String, User> {
        let mut found = BTreeMap::new();
        let mut request = PageRequest::first(500);
        loop {
            let page = users::list(&self.fed.ctx, &request, &Filter::default()).await.unwrap();
            found.extend(page.items.into_iter().map(|user| (user.username.clone(), user)));
            let Some(cursor) = page.next_cursor else { return found };
            request = PageRequest::parse(Some(500), Some(&cursor), None).unwrap();
        }
    }

    async fn open(&self) -> Vec<Proposal> {
        let open = Asked { source: Some("staff".to_owned()), state: Some("open".to_owned()) };
        proposals::list(&self.fed.ctx, &PageRequest::first(500), &open).await.unwrap().items
    }
}

/// What a run did, but for what it read and set aside.
fn done(run: &Run) -> Counts {
    Counts { read: 0, quarantined: 0, ..run.counts }
}

/// A directory entry out of a record of the generator's second source.
fn entry_of(record: &Value) -> String {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str);
    let staff = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let more = [
        ("sn", text("/name/familyName")),
        ("givenName", text("/name/givenName")),
        ("mail", text("/emails/0/value")),
        ("employeeNumber", text("/externalId")),
        ("departmentNumber", text(&format!("{staff}/department"))),
        ("ENTPersonDateNaissance", text("/urn:test:acad-test:2.0:User/birthDate")),
        ("supannRessourceEtat", Some(if record["active"] == true { "{COMPTE}A" } else { "{COMPTE}I" })),
    ];
    let more: Vec<(&str, &str)> = more.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    member(text("/id").unwrap(), text("/userName").unwrap(), &more)
}

fn usual() -> Value {
    json!({ "anchor": { "number": ["employee_number", "student_number"] },
        "soft": [{ "fields": ["family_name", "given_name", "birth_date"] }, { "fields": ["email"], "link": true }] })
}

#[tokio::test]
async fn the_generators_second_source_comes_out_as_it_expects() {
    let generated = generate(1, 1_500, 1);
    let records: Value = serde_json::from_slice(&std::fs::read(&generated.second).unwrap()).unwrap();
    let entries: String = records["Resources"].as_array().unwrap().iter().map(entry_of).collect();
    let two = Two::over(Slapd::start(&generated.ldif), server(&entries), usual()).await;
    let before: BTreeMap<String, User> = two.everyone().await;
    let run = two.sync_staff().await;

    let (people, open) = (two.by_key().await, two.open().await);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let expected = generated.expected["cross_source_links"].as_array().unwrap();
    for link in expected {
        let (key, uid) = (link["scim_id"].as_str().unwrap(), link["uid"].as_str());
        kinds.insert(link["kind"].as_str().unwrap());
        let whom = people.get(key);
        let asked: Vec<&Proposal> = open.iter().filter(|one| one.detail["entry"]["attributes"]["key"] == json!([key])).collect();
        match link["expected"].as_str().unwrap() {
            "review" => {
                assert!(whom.is_none() && asked.iter().any(|one| Some(one.username.as_str()) == uid), "{link}: {asked:?}");
                continue;
            }
            "merge" => {
                assert_eq!(whom.map(|user| (user.username.as_str(), user.status)), uid.map(|uid| (uid, before[uid].status)), "{link}");
            }
            "merge_disabled" => {
                let off = Some((UserStatus::Disabled, Some(DisabledBy::Source)));
                assert_eq!(whom.map(|user| user.username.as_str()), uid, "{link}");
                assert_eq!(whom.map(|user| (user.status, user.disabled_by)), off, "{link}");
            }
            "separate" | "create" => {
                assert!(whom.is_some_and(|user| !before.contains_key(&user.username)), "{link}: {whom:?}");
            }
            other => panic!("unknown outcome {other}"),
        }
        assert!(asked.is_empty(), "{link}: {asked:?}");
    }
    assert_eq!(kinds.len(), 6, "every kind is tried: {kinds:?}");
    let reviews = expected.iter().filter(|link| link["expected"] == "review").count() as u64;
    assert_eq!((run.counts.quarantined, run.counts.created), (reviews, (expected.len() as u64) - reviews - merged(expected)));

    for again in [two.fed.run(Mode::Full).await, two.sync_staff().await, two.fed.run(Mode::Full).await] {
        assert_eq!(done(&again), Counts::default(), "{}: nothing goes back and forth", again.source);
    }
    assert_eq!(two.open().await, open, "what is asked stays as it is");
}

fn merged(expected: &[Value]) -> u64 {
    expected.iter().filter(|link| link["expected"].as_str().unwrap().starts_with("merge")).count() as u64
}

/// Anne and Bob in the directory, Anne in the staff's list too, where somebody else always is.
async fn anne(matching: Value) -> Two {
    let directory = ["anne", "bob"].map(super::person).concat();
    let staff = member("S1", "a.martin", &[("mail", "ANNE@acad-test.fr"), ("givenName", "Anne"), ("departmentNumber", "GEII")]);
    let staff = staff + &member("S9", "c.durand", &[]);
    Two::over(server(&directory), server(&staff), matching).await
}

#[tokio::test]
async fn fields_are_whose_they_are_declared_to_be_and_stay_so() {
    let two = anne(json!({ "soft": [{ "fields": ["email"], "link": true }], "authority": ["email"] })).await;
    let (anne, run) = (two.fed.user("anne").await, two.sync_staff().await);
    assert_eq!((run.counts.created, run.counts.updated), (1, 1));
    let joined = two.fed.user("anne").await;
    assert_eq!((joined.id, joined.display_name.as_str()), (anne.id, anne.display_name.as_str()), "the elder's word goes first");
    assert_eq!(joined.email.as_deref(), Some("ANNE@acad-test.fr"), "but of what is the other's");
    assert_eq!(
        (joined.given_name.as_deref(), joined.attributes["department"][0].as_str()),
        (Some("Anne"), "GEII"),
        "and of what it does not say"
    );
    let profile = users::profile(&two.fed.ctx, anne.id).await.unwrap();
    assert_eq!(
        profile.links.iter().map(|link| (link.source.as_str(), link.present)).collect::<Vec<_>>(),
        [("ldap", true), ("staff", true)]
    );

    two.fed.slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nreplace: mail\nmail: other@acad-test.fr\n-\nreplace: cn\ncn: Anne M\n\n",
        super::dn("anne")
    ));
    two.fed.sync().await;
    let after = two.fed.user("anne").await;
    assert_eq!(after.email.as_deref(), Some("ANNE@acad-test.fr"));
    assert_eq!(after.attributes["department"][0], "GEII", "what the other states is not taken away");
    for again in [two.sync_staff().await, two.fed.sync().await] {
        assert_eq!(done(&again), Counts::default());
    }
}

#[tokio::test]
async fn someone_gone_from_one_source_stays_as_long_as_the_other_states_them() {
    let two = anne(json!({ "soft": [{ "fields": ["email"], "link": true }] })).await;
    two.sync_staff().await;
    let before = two.fed.user("anne").await;
    two.fed.slapd.modify(&delete("anne"));
    let run = two.fed.sync().await;
    assert_eq!((run.counts.disabled, run.counts.updated), (0, 1));
    let left = two.fed.user("anne").await;
    assert_eq!((left.id, left.status, left.email.as_deref()), (before.id, UserStatus::Active, Some("ANNE@acad-test.fr")));
    two.sync_staff().await;
    assert_eq!(two.fed.user("a.martin").await.id, before.id, "the user name is given by whoever states them now");

    let off = format!("dn: cn=S1,ou=people,{BASE}\nchangetype: modify\nreplace: supannRessourceEtat\nsupannRessourceEtat: {{COMPTE}}I\n\n");
    two.staff.modify(&off);
    assert_eq!(two.sync_staff().await.counts.disabled, 1);
    assert_eq!(two.fed.user("a.martin").await.disabled_by, Some(DisabledBy::Source));
    two.staff.modify(&format!("dn: cn=S1,ou=people,{BASE}\nchangetype: delete\n\n"));
    two.sync_staff().await;
    assert_eq!(two.fed.user("a.martin").await.status, UserStatus::Disabled, "nobody states them any more");
}

#[tokio::test]
async fn one_source_that_says_no_is_enough_and_its_leaving_gives_back() {
    let two = anne(json!({ "soft": [{ "fields": ["email"], "link": true }] })).await;
    let state = |letter: &str| {
        format!("dn: cn=S1,ou=people,{BASE}\nchangetype: modify\nreplace: supannRessourceEtat\nsupannRessourceEtat: {{COMPTE}}{letter}\n\n")
    };
    two.sync_staff().await;
    two.staff.modify(&state("I"));
    assert_eq!(two.sync_staff().await.counts.disabled, 1);
    assert_eq!(done(&two.fed.sync().await), Counts::default(), "the directory does not give it back");
    two.staff.modify(&format!("dn: cn=S1,ou=people,{BASE}\nchangetype: delete\n\n"));
    assert_eq!(two.sync_staff().await.counts.enabled, 1);
    assert_eq!(two.fed.user("anne").await.status, UserStatus::Active);
}

#[tokio::test]
async fn what_is_proposed_is_decided_once() {
    let directory = ["anne", "bob"].map(super::person).concat();
    let staff = member("S1", "a.martin", &[("mail", "anne@acad-test.fr")]) + &member("S2", "b.martin", &[("mail", "bob@acad-test.fr")]);
    let two = Two::over(server(&directory), server(&staff), json!({ "soft": [{ "fields": ["email"] }] })).await;
    let ctx = &two.fed.ctx;
    assert_eq!(two.sync_staff().await.counts.quarantined, 2);
    let open = two.open().await;
    assert_eq!(
        open.iter().map(|one| (one.username.as_str(), one.rule.as_str())).collect::<BTreeSet<_>>(),
        [("anne", "email"), ("bob", "email")].into()
    );
    let of = |name: &str| open.iter().find(|one| one.username == name).unwrap().id;

    let accepted = proposals::accept(ctx, of("anne")).await.unwrap();
    assert_eq!(accepted.decided_by.as_deref(), Some("system"));
    let anne = two.fed.user("anne").await;
    assert_eq!(users::profile(ctx, anne.id).await.unwrap().links.len(), 2, "they are one at once");
    proposals::reject(ctx, of("bob")).await.unwrap();
    for again in [proposals::accept(ctx, of("bob")).await, proposals::reject(ctx, of("anne")).await] {
        assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    }
    let run = two.sync_staff().await;
    assert_eq!((run.counts.created, run.counts.quarantined), (1, 0));
    assert_eq!(two.fed.user("b.martin").await.attributes["key"], ["S2"]);
    assert!(two.open().await.is_empty());
    assert_eq!(done(&two.sync_staff().await), Counts::default());
}

#[tokio::test]
async fn a_question_that_the_source_answers_is_taken_back() {
    let two = anne(json!({ "soft": [{ "fields": ["email"] }] })).await;
    two.sync_staff().await;
    assert_eq!(two.open().await.len(), 1);
    two.staff.modify(&format!("dn: cn=S1,ou=people,{BASE}\nchangetype: modify\nreplace: mail\nmail: new@acad-test.fr\n\n"));
    assert_eq!(two.sync_staff().await.counts.created, 1);
    assert!(two.open().await.is_empty());
}

#[tokio::test]
async fn someone_made_by_hand_is_never_taken_for_an_entry_unasked() {
    let two = anne(json!({ "anchor": { "username": "username" } })).await;
    let by_hand = users::NewUser { username: "a.martin".to_owned(), ..Default::default() };
    let (made, _) = users::create(&two.fed.ctx, &by_hand).await.unwrap();
    assert_eq!(two.sync_staff().await.counts.quarantined, 1);
    let open = two.open().await;
    assert_eq!((open[0].user_id, open[0].rule.as_str()), (made.id, "username"));
    let preview = sync::run_to_end(&two.fed.ctx, "staff", Mode::Preview).await.unwrap();
    assert_eq!((preview.state, preview.counts.quarantined), (State::Done, 1));
    proposals::accept(&two.fed.ctx, open[0].id).await.unwrap();
    let adopted = two.fed.user("a.martin").await;
    assert_eq!((adopted.id, adopted.attributes["department"][0].as_str()), (made.id, "GEII"));
}

#[tokio::test]
async fn a_run_that_joined_two_is_taken_back_like_any_other() {
    let two = anne(json!({ "soft": [{ "fields": ["email"], "link": true }], "authority": ["email"] })).await;
    let (ctx, before) = (&two.fed.ctx, two.fed.user("anne").await);
    let run = two.sync_staff().await;
    assert_ne!(two.fed.user("anne").await.email, before.email);
    let undone = sync::undo_to_end(ctx, run.id, false).await.unwrap();
    assert_eq!((undone.state, undone.error.as_deref()), (State::Done, None));
    let after = two.fed.user("anne").await;
    assert_eq!(User { updated_at: before.updated_at, ..after.clone() }, before);
    let links = users::profile(ctx, after.id).await.unwrap().links;
    assert_eq!(links.iter().map(|link| link.source.as_str()).collect::<Vec<_>>(), ["ldap"]);
}
