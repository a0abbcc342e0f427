//! Tests of: what is done once, by one node, and survives a crash: the outbox, jobs, and sync runs whose node is gone.

mod outbox;
mod runs;
mod upgrades;

use passerelle::app::worker;
use passerelle::services::leases::{self, HOLD_S};
use passerelle::services::{dispatch, jobs, outbox as outbox_service};
use passerelle::store::registry::job::{self, Job, Kind};
use passerelle::types::time::Timestamp;

use crate::harness::gateway::TestGateway;

async fn all_jobs(test: &TestGateway) -> Vec<Job> {
    job::list(&mut test.gateway.stores.registry().read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_job_whose_hold_ran_out_is_another_nodes() {
    let test = TestGateway::start().await;
    let now = Timestamp::now();
    let first = leases::begin(&test.gateway, Kind::Outbox, "platform", "", now).await.unwrap().unwrap();
    assert!(jobs::take(&test.gateway, now.plus_s(HOLD_S - 1)).await.unwrap().is_none());
    let second = jobs::take(&test.gateway, now.plus_s(HOLD_S)).await.unwrap().unwrap();
    assert!(!first.finish(None).await.unwrap(), "what is no longer held is not ended");
    assert_eq!(all_jobs(&test).await, [second.job().clone()]);
}

async fn ask(test: &TestGateway, kind: Kind, slug: &str, due_at: Timestamp) {
    let mut tx = test.gateway.stores.registry().begin().await.unwrap();
    job::ask(&mut tx, kind, slug, due_at).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn letters_never_wait_behind_a_round_of_archives() {
    let test = TestGateway::start().await;
    let now = Timestamp::now();
    for number in 0..20 {
        ask(&test, Kind::Archive, &format!("college-{number}"), now.plus_s(-600)).await;
    }
    ask(&test, Kind::Outbox, "platform", now).await;
    let first = jobs::take(&test.gateway, now).await.unwrap().unwrap();
    assert_eq!(first.job().kind, Kind::Outbox);
    assert!(jobs::take_prompt(&test.gateway, now).await.unwrap().is_none(), "archives have a place of their own");
    assert_eq!(jobs::take_bulk(&test.gateway, now).await.unwrap().unwrap().job().kind, Kind::Archive);
    let short = [Kind::Outbox, Kind::Sync, Kind::Archive, Kind::ArchiveRound, Kind::Establishment, Kind::Import, Kind::Rehearsal];
    for kind in short.into_iter().chain([Kind::Bulk, Kind::Schedule, Kind::Live, Kind::RuleSet, Kind::Provision]) {
        let lanes = [dispatch::PROMPT, dispatch::RUNS, dispatch::LIVE, dispatch::OUTWARD, dispatch::BULK];
        assert_eq!(lanes.iter().filter(|lane| lane.contains(&kind)).count(), 1, "{kind:?} has one place");
    }
}

#[tokio::test]
async fn a_backlog_goes_behind_what_others_have_waited_for() {
    let test = TestGateway::start().await;
    let ctx = test.platform().await.context().clone();
    // Waiting for an hour, and still waiting when the round ends, because the node stops.
    outbox::put(&ctx, outbox_service::Kind::Logout).await;
    let now = ctx.now.plus_s(3600);
    ask(&test, Kind::Outbox, "platform", ctx.now).await;
    let lease = jobs::take(&test.gateway, now).await.unwrap().unwrap();
    test.gateway.node.stop();
    dispatch::carry_out(&test.gateway, lease).await;
    let left = all_jobs(&test).await;
    assert!(left.len() == 1 && left[0].due_at >= now, "{left:?}");
}

#[tokio::test]
async fn jobs_of_an_establishment_that_is_gone_end() {
    let test = TestGateway::start().await;
    let now = Timestamp::now();
    let mut tx = test.gateway.stores.registry().begin().await.unwrap();
    job::ask(&mut tx, Kind::Outbox, "never-there", now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(jobs::run_due(&test.gateway, now).await.unwrap(), 1);
    assert_eq!(all_jobs(&test).await, []);
}

#[tokio::test]
async fn a_node_that_stops_begins_nothing_and_lets_go_of_what_it_holds() {
    let test = TestGateway::start().await;
    let now = Timestamp::now();
    let held = leases::begin(&test.gateway, Kind::Archive, "platform", "", now).await.unwrap().unwrap();
    let mut tx = test.gateway.stores.registry().begin().await.unwrap();
    job::ask(&mut tx, Kind::Outbox, "platform", now).await.unwrap();
    tx.commit().await.unwrap();
    test.gateway.node.stop();
    worker::work(test.gateway.clone()).await;
    let found: Vec<_> = all_jobs(&test).await.into_iter().map(|job| (job.kind, job.holder)).collect();
    assert_eq!(found, [(Kind::Archive, None), (Kind::Outbox, None)]);
    assert!(!held.finish(None).await.unwrap());
}
