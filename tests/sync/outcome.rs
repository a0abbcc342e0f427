//! The generator's expected outcome against what a run makes of the directory it wrote.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use connectors::dn::normalise;
use passerelle::services::{groups, users};
use passerelle::store::establishment::group;
use passerelle::store::establishment::user::{Filter, UserStatus};
use passerelle::types::page::PageRequest;

use super::Fed;
use crate::harness::generator::{Generated, generate};
use crate::harness::slapd::Slapd;

async fn everyone(fed: &Fed) -> BTreeMap<String, UserStatus> {
    let mut found = BTreeMap::new();
    let mut request = PageRequest::first(500);
    loop {
        let page = users::list(&fed.ctx, &request, &Filter::default()).await.unwrap();
        found.extend(page.items.iter().map(|user| (user.username.clone(), user.status)));
        let Some(cursor) = page.next_cursor else { return found };
        request = PageRequest::parse(Some(500), Some(&cursor), None).unwrap();
    }
}

/// Effective members of every group by normalised DN: how many, and the generator's digest of their names.
async fn effective(fed: &Fed) -> BTreeMap<String, (usize, String)> {
    let mut found = BTreeMap::new();
    let page = groups::list(&fed.ctx, &PageRequest::first(500), &group::Filter::default()).await.unwrap();
    assert_eq!(page.next_cursor, None);
    for group in page.items {
        let mut names = Vec::new();
        let mut request = PageRequest::first(500);
        loop {
            let page = groups::members(&fed.ctx, group.id, true, &request).await.unwrap();
            names.extend(page.items.into_iter().map(|member| member.username));
            let Some(cursor) = page.next_cursor else { break };
            request = PageRequest::parse(Some(500), Some(&cursor), None).unwrap();
        }
        names.sort();
        let hash = digest(&SHA256, names.join("\n").as_bytes());
        let hex = hash.as_ref().iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        found.insert(group.dn_key.unwrap(), (names.len(), hex));
    }
    found
}

fn expected_groups(generated: &Generated) -> BTreeMap<String, (usize, String)> {
    let groups = generated.expected["groups"].as_object().unwrap();
    groups
        .iter()
        .map(|(dn, group)| {
            let size = usize::try_from(group["effective_users"].as_u64().unwrap()).unwrap();
            (normalise(dn).unwrap(), (size, group["effective_sha256_16"].as_str().unwrap().to_owned()))
        })
        .collect()
}

async fn matches_the_generator(seed: u32) {
    let generated = generate(5, 2000, seed);
    let fed = Fed::over(Slapd::start(&generated.ldif)).await;
    let run = fed.sync().await;

    let mut found = everyone(&fed).await;
    found.remove("admin");
    let users = generated.expected["users"].as_array().unwrap();
    let status = |active: bool| if active { UserStatus::Active } else { UserStatus::Disabled };
    let expected: BTreeMap<String, UserStatus> =
        users.iter().map(|user| (user["uid"].as_str().unwrap().to_owned(), status(user["active"].as_bool().unwrap()))).collect();
    assert_eq!(found, expected);

    let (found, expected) = (effective(&fed).await, expected_groups(&generated));
    let different: Vec<_> = expected.iter().filter(|(dn, group)| found.get(*dn) != Some(group)).collect();
    assert!(different.is_empty() && found.len() == expected.len(), "{different:?}");
    assert_eq!(run.counts.created, (users.len() + expected.len()) as u64);
    assert_eq!((run.counts.read, run.counts.quarantined), (run.counts.created, 0));

    let again = fed.sync().await;
    assert_eq!(again.counts, passerelle::store::establishment::sync_run::Counts { read: run.counts.read, ..Default::default() });
    assert_eq!(fed.changes(&again).await, []);
}

#[tokio::test]
async fn two_thousand_people_come_as_the_generator_expects_with_seed_1() {
    matches_the_generator(1).await;
}

#[tokio::test]
async fn two_thousand_people_come_as_the_generator_expects_with_seed_2() {
    matches_the_generator(2).await;
}
