//! The test of a source, as an administrator sees it.

use connectors::{CheckStep, Directory, Record};
use serde_json::json;

use super::{directory, settings};
use crate::harness::generator::generate;
use crate::harness::slapd::{BASE, Slapd};

fn names(steps: &[CheckStep]) -> Vec<(&'static str, bool)> {
    steps.iter().map(|step| (step.name, step.ok)).collect()
}

#[tokio::test]
async fn a_sound_source_shows_every_step_and_some_people() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let steps = directory(&slapd.url(), json!({"page_size": 30})).await.check().await;
    let all = ["dns", "tcp", "tls", "bind", "base", "people", "groups"].map(|name| (name, true));
    assert_eq!(names(&steps), all);
    assert_eq!((steps[5].count, steps[5].sample.len()), (Some(30), 5));
    assert!(steps[5].detail.contains("30 on the first page (more follow), 0 of them unreadable"), "{}", steps[5].detail);
    assert!(steps[5].sample.iter().all(|record| matches!(record, Record::Person(p) if p.email.is_some())));
    assert!(serde_json::to_value(&steps).unwrap()[5]["sample"][0]["username"].is_string());
}

#[tokio::test]
async fn the_step_that_fails_is_the_last_and_says_what_to_do() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let wrong = Directory::new(settings(&slapd.url(), json!({})), Some("wrong-password".into())).await.unwrap().check().await;
    assert_eq!(names(&wrong), [("dns", true), ("tcp", true), ("tls", true), ("bind", false)]);
    assert!(wrong[3].detail.contains("cn=admin") && wrong[3].advice.unwrap().contains("bind_password"));
    assert!(!format!("{wrong:?}").contains("wrong-password"));

    let steps = directory(&slapd.url(), json!({"group_base_dn": format!("ou=groupes,{BASE}")})).await.check().await;
    assert_eq!(names(&steps).last(), Some(&("base", false)));
    assert!(steps[4].detail.contains("ou=groupes"));

    let steps = directory(&slapd.url(), json!({"user_filter": "(uid=nobody)"})).await.check().await;
    assert_eq!(names(&steps)[5..], [("people", false), ("groups", true)]);
    assert!(steps[5].advice.unwrap().contains("user_filter"));
}

#[tokio::test]
async fn a_server_that_fails_is_shown_before_the_one_that_answers() {
    let slapd = Slapd::start(&generate(2, 100, 7).ldif);
    let steps = directory("", json!({"urls": ["ldap://127.0.0.1:1", slapd.url()]})).await.check().await;
    assert_eq!(names(&steps)[..3], [("dns", true), ("tcp", false), ("dns", true)]);
    assert_eq!(names(&steps).last(), Some(&("groups", true)));
}
