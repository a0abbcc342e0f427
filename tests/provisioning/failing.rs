//! What goes wrong: services that are slow, busy, broken, or forget what they were told.

use axum::http::Method;
use passerelle::services::egress::{Carried, Egress, Verb};
use passerelle::services::provisioning;
use passerelle::types::network::Hosts;
use serde_json::json;

use super::Written;
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;
use crate::harness::scim_service::{Fault, ScimService};

#[tokio::test]
async fn one_that_is_refused_stops_no_other_and_is_given_up_at_last() {
    let service = ScimService::start().await;
    service.refuse("anne");
    let mut written = Written::over(TestGateway::start().await, service, (&["anne", "bob"], &[], &["anne", "bob"]), json!({})).await;
    assert_eq!(written.named(), ["bob"]);
    let failed = written.queue("failed").await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0].error.as_deref().unwrap().contains("this name is not taken") && failed[0].attempts == 1, "{failed:?}");
    for _ in 0..9 {
        written.later(7 * 3600).await;
    }
    assert_eq!(written.queue("given_up").await.len(), 1);
    written.service.take_asked();
    written.later(7 * 3600).await;
    assert!(written.service.take_asked().is_empty(), "it is not tried any more");
    assert_eq!(provisioning::retry(written.ctx(), "wiki").await.unwrap(), 1);
    written.later(1).await;
    assert_eq!(written.queue("failed").await.len(), 1);
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    let service = ScimService::start().await;
    service.fail(Method::POST, "/Users", Fault::Busy(120));
    let mut written = Written::over(TestGateway::start().await, service, (&["anne", "bob"], &[], &["anne", "bob"]), json!({})).await;
    assert!(written.named().is_empty());
    assert_eq!(written.service.take_asked().iter().filter(|one| one.method == Method::POST).count(), 1);
    written.later(119).await;
    assert!(written.service.take_asked().is_empty());
    written.later(2).await;
    assert_eq!(written.named(), ["anne", "bob"]);
    assert_eq!(written.shown().await.state.rest_until, None);
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_longer_and_longer() {
    let service = ScimService::start().await;
    for _ in 0..3 {
        service.fail(Method::POST, "/Users", Fault::Status(500));
    }
    let people = ["anne", "bob", "chloe", "david", "eve"];
    let mut written = Written::over(TestGateway::start().await, service, (&people, &[], &people), json!({})).await;
    assert_eq!(written.service.take_asked().iter().filter(|one| one.method == Method::POST).count(), 3);
    let state = written.shown().await.state;
    assert!(state.failures == 1 && state.rest_until.is_some(), "{state:?}");
    written.later(3600).await;
    assert_eq!(written.named(), people);
    assert_eq!(written.shown().await.state.failures, 0);
}

#[tokio::test]
async fn a_lost_answer_creates_nobody_twice_and_leaves_nobody_behind() {
    let service = ScimService::start().await;
    service.fail(Method::POST, "/Users", Fault::Lost);
    service.fail(Method::POST, "/Users", Fault::Lost);
    let mut written = Written::over(TestGateway::start().await, service, (&["anne", "bob"], &[], &["anne", "bob"]), json!({})).await;
    assert_eq!(written.named(), ["anne", "bob"], "they were created, and nobody knows");
    assert_eq!(written.queue("failed").await.len(), 2);
    // She loses her role before it is tried again.
    written.school.put("anne", "membres", false).await;
    written.later(3600).await;
    assert_eq!(written.named(), ["-anne", "bob"]);
    assert_eq!(written.queue("done").await.len(), 2);
}

#[tokio::test]
async fn what_was_deleted_there_is_created_again() {
    let written = Written::new(&["anne"], &["anne"], &[], json!({ "groups": "roles" })).await;
    assert_eq!(written.service.groups(), [("chef".to_owned(), vec!["anne".to_owned()])]);
    for group in written.service.inner().groups.values_mut() {
        group["members"] = json!([]);
    }
    written.service.inner().users.clear();
    written.school.change("anne", |anne| anne.display_name = "Anne".to_owned()).await;
    written.work().await;
    assert_eq!(written.service.user("anne")["displayName"], "Anne");
    assert_eq!(written.service.groups(), [("chef".to_owned(), vec!["anne".to_owned()])], "with all that was theirs");
}

#[tokio::test]
async fn a_service_that_refuses_the_gateway_is_told_to_administrators_and_goes_on_after_a_check() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let test = TestGateway::start_with(|config| config.mail = settings).await;
    let mut written = Written::over(test, ScimService::start().await, (&["anne", "bob"], &[], &["anne"]), json!({})).await;
    let administrator = crate::roles::assigning::new(written.school.people["anne"], "passerelle", "administrator");
    passerelle::services::roles::assignments::add(written.ctx(), &administrator).await.unwrap();
    written.service.change_token("un-autre");
    written.school.put("bob", "membres", true).await;
    written.work().await;
    let paused = written.shown().await.state.paused.unwrap();
    assert!(paused.contains("401") && paused.contains("who are you?"), "{paused}");
    written.later(1).await;
    let letters = mailbox.letters();
    let letter = letters.iter().find(|letter| letter.text.contains("provisioning check universite-d-evrecy wiki"));
    assert!(letter.is_some_and(|letter| letter.text.contains("who are you?")), "{letters:?}");
    written.service.take_asked();
    written.later(24 * 3600).await;
    assert!(written.service.take_asked().is_empty(), "nothing is tried until a person sees to it");
    let steps = provisioning::check(written.ctx(), "wiki").await.unwrap();
    assert!(steps.iter().any(|step| !step.ok && step.detail.contains("401")), "{steps:?}");
    written.edit(json!({ "auth": { "kind": "bearer", "secret": "un-autre" } })).await;
    let steps = provisioning::check(written.ctx(), "wiki").await.unwrap();
    assert!(steps.iter().all(|step| step.ok), "{steps:?}");
    written.work().await;
    assert_eq!(written.named(), ["anne", "bob"]);
}

#[tokio::test]
async fn with_client_credentials_a_token_is_asked_for_and_a_wrong_secret_pauses() {
    let service = ScimService::start().await;
    let token_url = service.url.replace("/scim/v2", "/token");
    let auth = |secret: &str| json!({ "kind": "client_credentials", "token_url": token_url, "client_id": "passerelle", "secret": secret });
    let (test, everybody) = (TestGateway::start().await, (&["anne"][..], &[][..], &["anne"][..]));
    let written = Written::over(test, service, everybody, json!({ "auth": auth("secret!ha") })).await;
    assert_eq!(written.named(), ["anne"]);
    written.edit(json!({ "auth": auth("faux"), "on_loss": "delete", "mapping": { "userName": "{username}2" } })).await;
    assert!(written.shown().await.state.paused.unwrap().contains("invalid_client"));
    assert_eq!(written.named(), ["anne"]);
}

#[tokio::test]
async fn a_slow_service_is_not_waited_for_for_ever() {
    let service = ScimService::start().await;
    service.fail(Method::GET, "/ServiceProviderConfig", Fault::Never);
    let test = TestGateway::start().await;
    let egress = Egress::new(Hosts::default(), true);
    let egress = egress.with_deadline(std::time::Duration::from_millis(200));
    let mut line = egress.line(&service.url).unwrap();
    let asked = line.send(Verb::Get, "/scim/v2/ServiceProviderConfig", Carried::default()).await;
    assert!(asked.unwrap_err().to_string().contains("no answer within"));
    // The next question has a connection of its own.
    let answer = line.send(Verb::Get, "/scim/v2/Users", Carried::default()).await.unwrap();
    assert_eq!(answer.status, 401);
    drop(test);
}

#[tokio::test]
async fn a_large_loss_is_held_until_it_is_approved_and_everything_else_goes_on() {
    let names: Vec<String> = (0..30).map(|n| format!("p{n:02}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut written = Written::new(&people, &[], &people, json!({})).await;
    assert_eq!(written.service.people().len(), 30);
    for name in people.iter().take(12) {
        written.school.put(name, "membres", false).await;
    }
    written.school.put("p29", "chefs", true).await;
    written.work().await;
    assert_eq!(written.queue("held").await.len(), 12);
    assert!(written.service.people().iter().all(|(_, active)| *active));
    assert_eq!(written.service.user("p29")["roles"].as_array().unwrap().len(), 2);
    // Whoever has the role again is held no more.
    written.school.put("p00", "membres", true).await;
    written.later(1).await;
    assert_eq!(written.queue("held").await.len(), 11);
    let refused = provisioning::approve(written.ctx(), "wiki", 10).await.unwrap_err().to_string();
    assert!(refused.contains("11 of «wiki» are held by now, and not 10"), "{refused}");
    assert_eq!(provisioning::approve(written.ctx(), "wiki", 12).await.unwrap(), 11);
    written.later(1).await;
    assert_eq!(written.service.people().iter().filter(|(_, active)| !active).count(), 11);
    assert!(provisioning::approve(written.ctx(), "wiki", 12).await.is_err());
}
