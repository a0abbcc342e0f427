//! Tests of: the demo's directory read by the gateway's own connector, as the demo does.

use std::time::Duration;

use anyhow::{Context, Result};
use connectors::{Directory as Source, Password, Record, Settings, Summary, Verdict};
use passerelle::demo::directory::{Directory, Limits};
use passerelle::demo::people::{COUNT_DEFAULT, ESTABLISHMENTS, Establishment, generate};
use serde_json::json;
use tokio::net::TcpListener;

use super::wire::{SERVICE_PASSWORD, account};

const DEADLINE: Duration = Duration::from_mins(1);

async fn demo(count: usize) -> Result<Directory> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let accounts: Result<Vec<_>> = ESTABLISHMENTS.iter().map(|e| account(&e.bind_dn(), &e.base_dn())).collect();
    Ok(Directory::start(listener, generate(count)?, accounts?, Limits::default())?)
}

async fn source(directory: &Directory, of: &Establishment, page_size: u16) -> Result<Source> {
    let settings = Settings::parse(&json!({
        "urls": [directory.url()], "bind_dn": of.bind_dn(), "base_dn": of.base_dn(), "profile": "supann", "tls": {"mode": "none"}, "page_size": page_size,
    }))?;
    Ok(Source::new(settings, Some(Password::from(SERVICE_PASSWORD))).await?)
}

async fn read(source: &Source) -> Result<(Vec<Record>, Summary)> {
    let mut reading = source.read(DEADLINE);
    let mut records = Vec::new();
    while let Some(page) = reading.pages.recv().await {
        records.extend(page);
    }
    Ok((records, reading.outcome.await??))
}

#[tokio::test]
async fn connector_reads_each_establishment_whole() -> Result<()> {
    let directory = demo(COUNT_DEFAULT).await?;
    let mut people = 0;
    for establishment in &ESTABLISHMENTS {
        let (records, summary) = read(&source(&directory, establishment, 25).await?).await?;
        assert_eq!((records.len(), summary.unreadable), (summary.people + summary.groups, 0));
        let groups = directory.groups(&establishment.base_dn())?.len();
        assert_eq!(summary.groups, groups);
        people += summary.people;
        let teacher = establishment.person_dn(establishment.teacher.uid);
        let found = records.iter().find_map(|record| match record {
            Record::Person(person) if person.dn == teacher => Some(person),
            _ => None,
        });
        let found = found.context("the teacher was read")?;
        assert_eq!((found.username.as_str(), found.active), (establishment.teacher.uid, true));
        assert_eq!(found.display_name, establishment.teacher.display_name());
        assert!(records.iter().any(|record| matches!(record, Record::Person(person) if !person.active)), "nobody left");
    }
    assert_eq!(people, COUNT_DEFAULT);
    Ok(())
}

#[tokio::test]
async fn connector_checks_and_passwords_go_well() -> Result<()> {
    let directory = demo(60).await?;
    let establishment = &ESTABLISHMENTS[1];
    let source = source(&directory, establishment, 1000).await?;
    for step in source.check(4_000_000_000).await {
        assert_eq!(step.level, connectors::Level::Ok, "{step:?}");
    }
    let dn = establishment.person_dn(establishment.pupil.uid);
    let (records, _) = read(&source).await?;
    let key = records.iter().find_map(|record| match record {
        Record::Person(person) if person.dn == dn => Some(person.external_id.clone()),
        _ => None,
    });
    let (key, right) = (key.context("the pupil was read")?, Password::from(establishment.pupil.password()));
    let known = source.verify_password(&dn, &key, &right).await?;
    let wrong = source.verify_password(&dn, &key, &Password::from("Essai-autre")).await?;
    let another = source.verify_password(&dn, "another", &right).await?;
    assert_eq!([known, wrong, another], [Verdict::Accepted, Verdict::Refused, Verdict::Refused]);
    Ok(())
}
