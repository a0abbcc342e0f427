//! A person's password checked by bind, on connections of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use connectors::{Cause, Directory, Settings, Verdict};
use serde_json::json;
use tokio::net::TcpListener;

use super::misbehaving::{Fault, start};
use super::{DEADLINE, assert_prompt, directory, impatient, read, settings};
use crate::harness::generator::generate;
use crate::harness::slapd::{ADMIN_PASSWORD, BASE, Setup, Slapd};

/// The key of an entry that a test gives one.
const KEY: &str = "0a1b2c3d-0000-4000-8000-000000000001";
/// A directory with a place for people.
const TOP: &str = "dn: dc=acad-test,dc=fr\nobjectClass: dcObject\nobjectClass: organization\no: Test\ndc: acad-test\n\n\
    dn: ou=people,dc=acad-test,dc=fr\nobjectClass: organizationalUnit\nou: people\n\n";

fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

fn entry(uid: &str, password: &str) -> String {
    format!("dn: {}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\nuserPassword: {password}\n", dn(uid))
}

/// A directory of Anne and Bob, with these directives.
fn small(directives: &str) -> Slapd {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("small.ldif");
    std::fs::write(&ldif, format!("{TOP}{}\n{}\n", entry("anne", "Essai-anne"), entry("bob", "Essai-bob"))).unwrap();
    Slapd::start_with(&Setup { ldif: Some(&ldif), directives, ..Setup::default() })
}

/// The key of a person, as the administrator reads it.
fn key_of(slapd: &Slapd, uid: &str) -> String {
    let found = slapd.search(&format!("(uid={uid})"), &["entryUUID"]);
    found.lines().find_map(|line| line.strip_prefix("entryUUID: ")).unwrap().to_owned()
}

#[tokio::test]
async fn another_entry_at_the_same_dn_signs_nobody_in_as_the_first() {
    let rights = ["", "access to attrs=userPassword by anonymous auth by * none\naccess to * by * none"];
    for slapd in rights.map(small) {
        let directory = directory(&slapd.url(), json!({})).await;
        let (anne, key) = (dn("anne"), key_of(&slapd, "anne"));
        let verdict = async |dn: &str, key: &str, password: &str| directory.verify_password(dn, key, &password.into()).await.unwrap();
        assert_eq!(verdict(&anne, &key, "Essai-anne").await, Verdict::Accepted);
        slapd.modify(&format!("dn: {anne}\nchangetype: delete\n\n"));
        assert_eq!(verdict(&anne, &key, "Essai-anne").await, Verdict::Refused);
        let newcomer = entry("anne", "Essai-autre").replacen('\n', "\nchangetype: add\n", 1);
        slapd.modify(&newcomer);
        assert_eq!(verdict(&anne, &key, "Essai-autre").await, Verdict::Refused);
        assert_eq!(verdict(&anne, &key, "Essai-anne").await, Verdict::Refused);
        assert_eq!(verdict(&anne, &key_of(&slapd, "anne"), "Essai-autre").await, Verdict::Accepted);

        // Somebody moved to where another was.
        let (bob, key) = (key_of(&slapd, "bob"), key_of(&slapd, "anne"));
        slapd.modify(&format!("dn: {anne}\nchangetype: delete\n\n"));
        slapd.modify(&format!("dn: {}\nchangetype: modrdn\nnewrdn: uid=anne\ndeleteoldrdn: 1\n\n", dn("bob")));
        assert_eq!(verdict(&anne, &key, "Essai-bob").await, Verdict::Refused);
        assert_eq!(verdict(&anne, &bob, "Essai-bob").await, Verdict::Accepted);
    }
}

#[tokio::test]
async fn a_key_hidden_from_its_person_is_read_by_the_service_account() {
    let auth = "access to attrs=userPassword by anonymous auth by * none";
    for rest in ["access to attrs=entryUUID by * none\naccess to * by * read", "access to * by * none"] {
        let slapd = small(&format!("{auth}\n{rest}"));
        let directory = directory(&slapd.url(), json!({})).await;
        let (anne, bob) = (key_of(&slapd, "anne"), key_of(&slapd, "bob"));
        for (key, password, verdict) in [
            (&anne, "Essai-anne", Verdict::Accepted),
            (&bob, "Essai-anne", Verdict::Refused),
            (&anne, "Essai-bob", Verdict::Refused),
            (&anne, "Essai-anne", Verdict::Accepted),
        ] {
            assert_eq!(directory.verify_password(&dn("anne"), key, &password.into()).await.unwrap(), verdict, "{rest}");
        }
        // An account that reads nothing proves nobody.
        let blind = Directory::new(settings(&slapd.url(), json!({"bind_dn": null})), None).await.unwrap();
        assert_eq!(blind.verify_password(&dn("anne"), &anne, &"Essai-anne".into()).await.unwrap(), Verdict::Refused);
    }
}

#[tokio::test]
async fn only_the_right_password_of_the_right_person_is_accepted() {
    let generated = generate(2, 100, 7);
    let slapd = Slapd::start(&generated.ldif);
    let directory = directory(&slapd.url(), json!({})).await;
    let uid = generated.expected["users"][0]["uid"].as_str().unwrap();
    let dn = format!("uid={uid},ou=people,{BASE}");
    let right = format!("Essai-{uid}");
    let key = key_of(&slapd, uid);
    for (dn, password, verdict) in [
        (dn.as_str(), right.as_str(), Verdict::Accepted),
        (&dn, "Essai-autre", Verdict::Refused),
        (&dn, "", Verdict::Refused),
        ("", &right, Verdict::Refused),
        (" ", &right, Verdict::Refused),
        (&format!("uid=nobody,ou=people,{BASE}"), &right, Verdict::Refused),
        ("not a dn", &right, Verdict::Refused),
        (&dn, &right, Verdict::Accepted),
    ] {
        assert_eq!(directory.verify_password(dn, &key, &password.into()).await.unwrap(), verdict, "{dn}");
    }
}

#[tokio::test]
async fn many_at_once_are_each_told_apart() {
    let generated = generate(2, 100, 7);
    let slapd = Slapd::start(&generated.ldif);
    let directory = directory(&slapd.url(), json!({})).await;
    let mut checks = tokio::task::JoinSet::new();
    for (at, user) in generated.expected["users"].as_array().unwrap().iter().enumerate() {
        let (directory, uid) = (directory.clone(), user["uid"].as_str().unwrap().to_owned());
        let key = key_of(&slapd, &uid);
        checks.spawn(async move {
            let right = at % 2 == 0;
            let password = if right { format!("Essai-{uid}") } else { "wrong".to_owned() };
            let verdict = directory.verify_password(&format!("uid={uid},ou=people,{BASE}"), &key, &password.into()).await.unwrap();
            (verdict == Verdict::Accepted) == right
        });
    }
    assert!(checks.join_all().await.into_iter().all(|told| told));
    // Signing in as people has not changed who reads.
    assert_eq!(read(&directory, DEADLINE).await.1.unwrap().people, 100);
}

#[tokio::test]
async fn a_restart_of_the_directory_between_two_checks_is_not_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("one.ldif");
    // The same key on both, as on replicas.
    std::fs::write(&ldif, format!("{TOP}{}entryUUID: {KEY}\n\n", entry("anne", "Essai-anne"))).unwrap();
    let (dn, password) = (dn("anne"), "Essai-anne".to_owned());
    let (first, second) = (Slapd::start(&ldif), Slapd::start(&ldif));
    let both = Directory::new(settings("", json!({"urls": [first.url(), second.url()]})), Some(ADMIN_PASSWORD.into())).await.unwrap();
    assert_eq!(both.verify_password(&dn, KEY, &password.as_str().into()).await.unwrap(), Verdict::Accepted);
    drop(first);
    assert_eq!(both.verify_password(&dn, KEY, &password.as_str().into()).await.unwrap(), Verdict::Accepted);
}

#[tokio::test]
async fn a_source_without_sign_in_asks_nobody() {
    let directory = directory("ldap://127.0.0.1:1", json!({"sign_in": "none"})).await;
    assert_eq!(directory.verify_password("uid=a,dc=x", "key", &"b".into()).await.unwrap(), Verdict::Refused);
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_an_error_and_not_a_refusal() {
    let json = json!({"urls": [start(Fault::BindSilent).await], "base_dn": "dc=x"});
    let mut settings = Settings::parse(&json).unwrap();
    settings.limits = impatient();
    let directory = Directory::new(settings, None).await.unwrap();
    let started = Instant::now();
    let error = directory.verify_password("uid=a,dc=x", "key", &"b".into()).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Silent { .. }), "{error:?}");
    assert_prompt(started, &error.cause);
}

/// A door that closes at once: its address, and how often somebody came.
async fn slammed() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let counted = came.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (url, came)
}

#[tokio::test]
async fn a_directory_that_is_away_is_not_asked_at_every_sign_in() {
    let (url, came) = slammed().await;
    let settings = Settings::parse(&json!({"urls": [url], "base_dn": "dc=x"})).unwrap();
    let directory = Directory::new(settings, None).await.unwrap();
    let sign_in = async || directory.verify_password("uid=a,dc=x", "key", &"b".into()).await.unwrap_err().cause;
    for _ in 0..3 {
        let cause = sign_in().await;
        assert!(!matches!(cause, Cause::Resting(_)), "{cause:?}");
    }
    let before = came.load(Ordering::SeqCst);
    for _ in 0..20 {
        assert!(matches!(sign_in().await, Cause::Resting(_)));
    }
    assert_eq!(came.load(Ordering::SeqCst), before, "nobody was asked");
}

#[tokio::test]
async fn the_server_that_answered_last_is_asked_first() {
    let slapd = small("");
    let (away, came) = slammed().await;
    let own = json!({"urls": [away, slapd.url()], "group_base_dn": format!("ou=people,{BASE}")});
    let directory = directory(&away, own).await;
    let key = key_of(&slapd, "anne");
    assert_eq!(directory.answering(), Some(away.as_str()));
    for _ in 0..3 {
        read(&directory, DEADLINE).await.1.unwrap();
    }
    assert_eq!((directory.answering(), came.load(Ordering::SeqCst)), (Some(slapd.url().as_str()), 1), "the other was tried once");
    for _ in 0..3 {
        assert_eq!(directory.verify_password(&dn("anne"), &key, &"Essai-anne".into()).await.unwrap(), Verdict::Accepted);
    }
    assert_eq!(came.load(Ordering::SeqCst), 2, "and once for sign-ins, which go their own way");
    directory.prefer(&away);
    read(&directory, DEADLINE).await.1.unwrap();
    assert_eq!(came.load(Ordering::SeqCst), 3, "as an earlier program remembers");
}
