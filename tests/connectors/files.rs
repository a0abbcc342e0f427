//! Files against the directory they were exported from: both must state the same people and groups.

use connectors::ldif::{self, Ldif};
use connectors::{Content, Record};
use serde_json::json;

use super::{DEADLINE, directory, read};
use crate::harness::generator::generate;
use crate::harness::slapd::{BASE, Slapd};

fn by_key(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| match record {
        Record::Person(person) => (0, person.external_id.clone()),
        Record::Group(group) => (1, group.external_id.clone()),
        Record::Unreadable(entry) => (2, entry.dn.clone().unwrap_or_default()),
    });
    records
}

#[tokio::test]
async fn an_export_of_a_directory_states_what_the_directory_states() {
    let slapd = Slapd::start(&generate(5, 400, 1).ldif);
    let (stated, outcome) = read(&directory(&slapd.url(), json!({})).await, DEADLINE).await;
    outcome.unwrap();
    let settings = json!({ "base_dn": format!("ou=people,{BASE}"), "group_base_dn": format!("ou=groups,{BASE}"), "profile": "supann" });
    let content = Content { name: "export.ldif".to_owned(), bytes: slapd.export().into_bytes().into() };
    let file = Ldif::new(ldif::Settings::parse(&settings).unwrap(), content);
    let mut reading = file.read(DEADLINE);
    let mut exported = Vec::new();
    while let Some(page) = reading.pages.recv().await {
        exported.extend(page);
    }
    let summary = reading.outcome.await.unwrap().unwrap();
    let (stated, exported) = (by_key(stated), by_key(exported));
    assert!(summary.people == 400 && summary.groups > 0 && exported.len() == stated.len(), "{summary:?}");
    for (one, other) in exported.iter().zip(&stated) {
        assert_eq!(one, other);
    }
}
