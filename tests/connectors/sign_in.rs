//! A person's password checked by bind, on connections of its own.

use std::time::Instant;

use connectors::{Cause, Directory, Settings, Verdict};
use serde_json::json;

use super::misbehaving::{Fault, start};
use super::{DEADLINE, assert_prompt, directory, impatient, read, settings};
use crate::harness::generator::generate;
use crate::harness::slapd::{ADMIN_PASSWORD, BASE, Slapd};

#[tokio::test]
async fn only_the_right_password_of_the_right_person_is_accepted() {
    let generated = generate(2, 100, 7);
    let slapd = Slapd::start(&generated.ldif);
    let directory = directory(&slapd.url(), json!({})).await;
    let uid = generated.expected["users"][0]["uid"].as_str().unwrap();
    let dn = format!("uid={uid},ou=people,{BASE}");
    let right = format!("Essai-{uid}");
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
        assert_eq!(directory.verify_password(dn, &password.into()).await.unwrap(), verdict, "{dn}");
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
        checks.spawn(async move {
            let right = at % 2 == 0;
            let password = if right { format!("Essai-{uid}") } else { "wrong".to_owned() };
            let verdict = directory.verify_password(&format!("uid={uid},ou=people,{BASE}"), &password.into()).await.unwrap();
            (verdict == Verdict::Accepted) == right
        });
    }
    assert!(checks.join_all().await.into_iter().all(|told| told));
    // Signing in as people has not changed who reads.
    assert_eq!(read(&directory, DEADLINE).await.1.unwrap().people, 100);
}

#[tokio::test]
async fn a_restart_of_the_directory_between_two_checks_is_not_noticed() {
    let generated = generate(2, 100, 7);
    let uid = generated.expected["users"][0]["uid"].as_str().unwrap();
    let (dn, password) = (format!("uid={uid},ou=people,{BASE}"), format!("Essai-{uid}"));
    let first = Slapd::start(&generated.ldif);
    let second = Slapd::start(&generated.ldif);
    let both = Directory::new(settings("", json!({"urls": [first.url(), second.url()]})), Some(ADMIN_PASSWORD.into())).await.unwrap();
    assert_eq!(both.verify_password(&dn, &password.as_str().into()).await.unwrap(), Verdict::Accepted);
    drop(first);
    assert_eq!(both.verify_password(&dn, &password.as_str().into()).await.unwrap(), Verdict::Accepted);
}

#[tokio::test]
async fn a_source_without_sign_in_asks_nobody() {
    let directory = directory("ldap://127.0.0.1:1", json!({"sign_in": "none"})).await;
    assert_eq!(directory.verify_password("uid=a,dc=x", &"b".into()).await.unwrap(), Verdict::Refused);
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_an_error_and_not_a_refusal() {
    let json = json!({"urls": [start(Fault::BindSilent).await], "base_dn": "dc=x"});
    let mut settings = Settings::parse(&json).unwrap();
    settings.limits = impatient();
    let directory = Directory::new(settings, None).await.unwrap();
    let started = Instant::now();
    let error = directory.verify_password("uid=a,dc=x", &"b".into()).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Silent { .. }), "{error:?}");
    assert_prompt(started, &error.cause);
}
