//! Whatever a service does, a reading ends with a cause of its own, and never counts as complete.

use std::time::Duration;

use connectors::Cause;
use connectors::scim::Fault as Told;
use serde_json::json;

use super::{fault, read, settings, source, source_of, whole};
use crate::harness::remote_scim::{Fault, Habits, ScimService, TOKEN};

/// What the service does at its second page of users, and the one cause that tells it.
type Case = (Fault, fn(&Told) -> bool);

const CASES: [Case; 11] = [
    (Fault::Refused(401, "expired"), |told| matches!(told, Told::TokenRefused(said) if said == "expired")),
    (Fault::Refused(403, "no"), |told| matches!(told, Told::TokenForbidden { path, .. } if path == "/Users")),
    (Fault::Refused(404, "no"), |told| matches!(told, Told::EndpointMissing(path) if path == "/Users")),
    (
        Fault::Refused(400, "count is too large"),
        |told| matches!(told, Told::RequestRefused { status: 400, text, .. } if text == "count is too large"),
    ),
    (Fault::Refused(500, "oops"), |told| matches!(told, Told::ServiceFailed { status: 500, text } if text == "oops")),
    (Fault::Redirect, |told| matches!(told, Told::Redirected { status: 307, to } if to == "https://elsewhere.test/scim")),
    (Fault::WebPage, |told| matches!(told, Told::NotScim(said) if said.starts_with("text/html"))),
    (Fault::OtherJson, |told| matches!(told, Told::NotScim(said) if said.starts_with("no list"))),
    (Fault::Truncated, |told| matches!(told, Told::AnswerBroken(said) if said.contains("no end"))),
    (Fault::Dropped, |told| matches!(told, Told::AnswerBroken(_))),
    (Fault::Deep, |told| matches!(told, Told::NotScim(said) if said.contains("recursion"))),
];

#[tokio::test]
async fn every_fault_in_the_middle_has_a_cause_of_its_own() {
    for (wrong, is_told) in CASES {
        let service = ScimService::start().await;
        service.users(25);
        let scim = source(&service, &json!({})).await;
        // As often as it is asked: a line that broke is tried once more.
        let mut faults = vec![wrong.clone(); 12];
        faults.insert(0, Fault::None);
        service.fail("/Users", &faults);
        let mut reading = scim.read(super::DEADLINE);
        while reading.pages.recv().await.is_some() {}
        let failed = reading.outcome.await.unwrap();
        match failed.expect_err("the reading must not count as complete").cause {
            Cause::Service(told) => assert!(is_told(&told), "{wrong:?}: {told:?}"),
            other => panic!("{wrong:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_endless_answer_and_a_silent_service_end_by_their_bounds() {
    let service = ScimService::start().await;
    service.users(5);
    service.fail("/Users", &[Fault::Endless]);
    assert!(matches!(fault(&source(&service, &json!({})).await).await, Told::AnswerTooLarge(_)));
    service.fail("/Users", &[Fault::Silent]);
    let mut impatient = settings(&service.base, &json!({}));
    impatient.limits.answer = Duration::from_millis(300);
    let outcome = read(&source_of(impatient, TOKEN).await).await.1;
    assert!(matches!(outcome.unwrap_err().cause, Cause::Silent { what: "answer", .. }));
}

#[tokio::test]
async fn a_busy_service_is_waited_for_as_it_asks_and_not_beyond_the_run() {
    let service = ScimService::start().await;
    service.users(25);
    service.fail(
        "/Users",
        &[Fault::Busy(429, Some("0")), Fault::Busy(503, Some("0")), Fault::Busy(429, Some("Sun, 06 Nov 1994 08:49:37 GMT"))],
    );
    assert_eq!(whole(&source(&service, &json!({})).await).await.0.len(), 25);
    service.fail("/Users", &[Fault::Busy(429, Some("86400"))]);
    assert!(matches!(fault(&source(&service, &json!({})).await).await, Told::ServiceBusy { status: 429 }));
    service.fail("/Users", &vec![Fault::Busy(503, Some("0")); 11]);
    assert!(matches!(fault(&source(&service, &json!({})).await).await, Told::ServiceBusy { status: 503 }));
}

#[tokio::test]
async fn the_same_page_for_ever_is_told_as_that() {
    let service = ScimService::with(Habits { same_page: true, ..Habits::default() }).await;
    service.users(25);
    let outcome = read(&source(&service, &json!({})).await).await.1;
    assert!(matches!(outcome.unwrap_err().cause, Cause::RepeatedPage(_)));
}

#[tokio::test]
async fn nobody_at_the_address_and_an_address_that_is_not_admitted_are_told_apart() {
    let gone = {
        let service = ScimService::start().await;
        service.base.clone()
    };
    // Whatever the port was given to meanwhile is not this service.
    let outcome = read(&source_of(settings(&gone, &json!({})), TOKEN).await).await.1;
    assert!(outcome.is_err());
    let named = gone.replace("127.0.0.1", "localhost");
    assert!(matches!(fault(&source_of(settings(&named, &json!({})), TOKEN).await).await, Told::PrivateAddress));
}
