//! Directories read over the wire: a real slapd for what must work, a server that misbehaves for what must fail clearly.

mod active_directory;
mod certificates;
mod changes;
mod check;
pub mod controller;
mod faults;
mod files;
mod misbehaving;
mod odd;
mod reading;
mod scim;
mod sign_in;

use std::time::{Duration, Instant};

use connectors::ldap::Limits;
use connectors::{Cause, Directory, Error, Record, Settings, Summary};
use serde_json::{Value, json};

use crate::harness::slapd::{ADMIN_DN, ADMIN_PASSWORD, BASE};

/// Far beyond what any of these readings takes.
const DEADLINE: Duration = Duration::from_mins(1);

/// The settings of the generated directory, with some keys of its own.
fn settings(url: &str, own: Value) -> Settings {
    let mut json = json!({
        "urls": [url],
        "bind_dn": ADMIN_DN,
        "base_dn": format!("ou=people,{BASE}"),
        "group_base_dn": format!("ou=groups,{BASE}"),
        "profile": "supann",
    });
    let Value::Object(own) = own else { panic!("settings are an object") };
    json.as_object_mut().unwrap().extend(own);
    Settings::parse(&json).unwrap()
}

async fn directory(url: &str, own: Value) -> Directory {
    Directory::new(settings(url, own), Some(ADMIN_PASSWORD.into())).await.unwrap()
}

/// Everything that came, and whether it is everything.
async fn read(directory: &Directory, deadline: Duration) -> (Vec<Record>, Result<Summary, Error>) {
    let mut reading = directory.read(deadline);
    let mut records = Vec::new();
    while let Some(page) = reading.pages.recv().await {
        records.extend(page);
    }
    (records, reading.outcome.await.unwrap())
}

/// The error of a reading that must fail.
async fn failure(directory: &Directory) -> Error {
    read(directory, DEADLINE).await.1.expect_err("the reading must not count as complete")
}

/// Deadlines short enough for a test that meets them.
fn impatient() -> Limits {
    let short = Duration::from_millis(400);
    Limits { connect: short, handshake: short, answer: short, stall: short, sign_in: short, ..Limits::default() }
}

/// Fails when an answer took much longer than the deadlines of [`impatient`].
fn assert_prompt(started: Instant, cause: &Cause) {
    assert!(started.elapsed() < Duration::from_secs(5), "{} took {:?}", cause.code(), started.elapsed());
}
