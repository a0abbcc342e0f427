//! The doctor of a SCIM source: what it finds where all is well, and the step that fails where it is not.

use connectors::scim::Scim;
use connectors::{CheckStep, Level};
use serde_json::{Value, json};

use super::{settings, source, source_of, whole};
use crate::harness::remote_scim::{Fault, Habits, LONG_AGO, ScimService, TOKEN};

/// Now, near enough: what the machine's clock says of the year.
fn now() -> i64 {
    passerelle::types::time::Timestamp::now().seconds()
}

async fn codes(scim: &Scim) -> Vec<(&'static str, &'static str)> {
    scim.check(now()).await.iter().map(|step| (step.name, step.code)).collect()
}

#[tokio::test]
async fn every_step_says_what_was_found() {
    let service = ScimService::start().await;
    service.users(25);
    service.group("g1", "ens", LONG_AGO, &[("User", "u00001"), ("Group", "g2")]);
    service.group("g2", "RT", LONG_AGO, &[]);
    let scim = source(&service, &json!({})).await;
    let wanted = [
        ("dns", "resolved"),
        ("tcp", "connected"),
        ("tls", "plain_loopback"),
        ("service", "service"),
        ("people", "people"),
        ("groups", "groups"),
        ("nesting", "nesting"),
        ("paging", "paging"),
        ("clock", "clock"),
        ("changes", "changes_by_last_modified"),
    ];
    assert_eq!(codes(&scim).await, wanted);
    let steps = scim.check(now()).await;
    let step = |name: &str| -> CheckStep { steps.iter().find(|step| step.name == name).unwrap().clone() };
    assert_eq!((step("people").count, step("people").sample.len()), (Some(25), 10));
    assert_eq!(step("groups").sample[0].member_count, Some(2));
    let trace = &step("people").sample[0].trace;
    let email = trace.iter().find(|field| field.field == "email").unwrap();
    assert_eq!(
        (email.from.as_str(), email.values.as_slice()),
        ("emails[type eq \"work\"].value", ["user00000@acad-test.fr".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn what_a_service_lacks_is_told_and_fails_nothing() {
    let service = ScimService::with(Habits { no_filter: true, members_apart: true, ..Habits::default() }).await;
    service.users(5);
    service.group("g1", "ens", LONG_AGO, &[("User", "u00001")]);
    let scim = source(&service, &json!({})).await;
    service.fail("/ServiceProviderConfig", &[Fault::Refused(404, "no")]);
    let found = scim.check(now()).await;
    let of = |name: &str| found.iter().find(|step| step.name == name).map(|step| (step.level, step.code)).unwrap();
    assert_eq!(of("service"), (Level::Warning, "service_untold"));
    assert_eq!(of("groups"), (Level::Warning, "members_none"));
    assert_eq!(of("changes"), (Level::Ok, "changes_by_content"));
    let each = source(&service, &json!({"groups": "each"})).await;
    assert!(codes(&each).await.contains(&("groups", "groups")));
}

#[tokio::test]
async fn the_first_step_that_fails_is_the_last_and_says_why() {
    let service = ScimService::start().await;
    let last = async |own: Value, token: &str| codes(&source_of(settings(&service.base, &own), token).await).await.pop().unwrap();
    assert_eq!(last(json!({}), TOKEN).await, ("people", "people_none"));
    assert_eq!(last(json!({}), "other").await, ("service", "token_refused"));
    service.users(3);
    service.fail("/ServiceProviderConfig", &[Fault::WebPage]);
    assert_eq!(last(json!({}), TOKEN).await, ("service", "not_scim"));
    service.fail("/Users", &[Fault::Redirect]);
    assert_eq!(last(json!({}), TOKEN).await, ("people", "redirected"));
    service.habit(|habits| habits.no_groups = true);
    assert_eq!(last(json!({}), TOKEN).await, ("groups", "endpoint_missing"));
    assert_eq!(last(json!({"groups": "none"}), TOKEN).await, ("changes", "changes_by_last_modified"));
    assert_eq!(last(json!({"user_filter": "userName eq \"nobody\""}), TOKEN).await, ("people", "people_none"));
    let named = service.base.replace("127.0.0.1", "localhost");
    let refused = codes(&source_of(settings(&named, &json!({})), TOKEN).await).await;
    assert_eq!(refused, [("dns", "private_address")]);
}

#[tokio::test]
async fn one_resource_is_read_by_its_id_with_the_way_each_field_came() {
    let service = ScimService::start().await;
    service.users(3);
    service.user("A b/é", "anne", LONG_AGO, &json!({}));
    service.group("g1", "ens", LONG_AGO, &[("User", "u00001")]);
    let scim = source(&service, &json!({})).await;
    let found = async |named: &str| serde_json::to_value(scim.one(named).await.unwrap().found.unwrap()).unwrap();
    assert_eq!(found("u00002").await["username"], "user00002");
    assert_eq!(found("uid=u00002,ou=users").await["username"], "user00002");
    assert_eq!(found("uid=g1,ou=groups").await["name"], "ens");
    assert_eq!(found("g1").await["name"], "ens");
    let filtered = source(&service, &json!({"user_filter": "userName eq \"anne\""})).await;
    assert!(scim.one("nobody").await.unwrap().found.is_err());
    assert!(filtered.one("u00002").await.unwrap().found.is_err());
    assert!(!filtered.one("A b/é").await.unwrap().trace.is_empty());
    assert_eq!(whole(&scim).await.0.len(), 4);
}
