//! SCIM services read over the wire: what must work, what must fail clearly, tokens, changes, and the check.

mod access;
mod changes;
mod check;
mod encrypted;
mod faults;
mod peer;
mod reading;

use std::net::IpAddr;
use std::sync::Arc;

use connectors::scim::{Admission, Fault, Scim, Settings};
use connectors::{Cause, Error, Group, Person, Record, Summary};
use serde_json::{Value, json};

use super::DEADLINE;
use crate::harness::remote_scim::{ScimService, TOKEN};

/// Everybody may be called, but for one host.
#[derive(Debug)]
struct Anybody;

impl Admission for Anybody {
    fn admits(&self, host: &str, _: IpAddr) -> bool {
        host != "localhost"
    }
}

fn settings(base: &str, own: &Value) -> Settings {
    let mut json = json!({ "url": base, "page_size": 10 });
    json.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    Settings::parse(&json).unwrap()
}

async fn source_of(settings: Settings, secret: &str) -> Scim {
    Scim::new(settings, Some(secret.into()), Arc::new(Anybody)).await.unwrap()
}

async fn source(service: &ScimService, own: &Value) -> Scim {
    source_of(settings(&service.base, own), TOKEN).await
}

/// Everything that came, and whether it is everything.
async fn read(scim: &Scim) -> (Vec<Record>, Result<Summary, Error>) {
    let mut reading = scim.read(DEADLINE);
    let mut records = Vec::new();
    while let Some(page) = reading.pages.recv().await {
        records.extend(page);
    }
    (records, reading.outcome.await.unwrap())
}

/// Everything of a reading that must be whole.
async fn whole(scim: &Scim) -> (Vec<Person>, Vec<Group>, Vec<String>, Summary) {
    let (records, outcome) = read(scim).await;
    let (mut people, mut groups, mut aside) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Person(person) => people.push(person),
            Record::Group(group) => groups.push(group),
            Record::Unreadable(entry) => aside.push(entry.reason),
        }
    }
    (people, groups, aside, outcome.unwrap())
}

/// The fault by which a reading fails, which must be one.
async fn fault(scim: &Scim) -> Fault {
    let error = read(scim).await.1.expect_err("the reading must not count as complete");
    let (text, cause) = (error.to_string(), error.cause);
    let Cause::Service(fault) = cause else { panic!("{cause:?}") };
    assert!(text.contains(fault.advice()) && !text.contains(TOKEN), "{text}");
    fault
}
