//! What becomes of an act on many when its node goes away half-way: the next one carries on, and nothing is done twice.

use passerelle::services::bulk::{self, Act, To};
use passerelle::services::leases::{HOLD_S, Lease};
use passerelle::services::{establishments, jobs, outbox};
use passerelle::store::establishment::bulk_item::{self, ItemOutcome};
use passerelle::store::establishment::bulk_run::{BulkRun, BulkState};
use passerelle::types::page::PageRequest;

use super::{ended, everyone, letter, these, with_schools};
use crate::harness::gateway::TestGateway;
use crate::harness::mailbox::Mailbox;

/// Marks the next establishment of a run as a node does before it begins, and says which.
async fn begin_one(test: &TestGateway, run: &BulkRun) -> String {
    let store = test.gateway.stores.platform().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let taken = bulk_item::take(&mut tx, run.id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    taken.slug
}

/// The node goes away: nothing is let go of, and its hold runs out.
async fn goes_away(test: &TestGateway, run: &BulkRun, lease: Lease) {
    let now = lease.now();
    drop(lease);
    jobs::run_due(&test.gateway, now).await.unwrap();
    let standing = bulk::show(&test.platform().await, run.id).await.unwrap();
    assert_eq!((standing.state, standing.done), (BulkState::Running, 0), "it may still live");
    jobs::run_due(&test.gateway, now.plus_s(HOLD_S + 1)).await.unwrap();
}

#[tokio::test]
async fn a_letter_that_was_written_and_not_marked_is_not_written_again() {
    let mailbox = Mailbox::start().await;
    let settings = mailbox.settings();
    let test = with_schools(4, |config| config.mail = settings).await;
    let platform = test.platform().await;
    let chosen = these(&["ecole-1", "ecole-2", "ecole-3"]);
    let act = Act::Mail { letter: letter(To::Contacts), dry_run: false };
    let (run, lease) = bulk::begin(&platform, &chosen, act).await.unwrap();
    let slug = begin_one(&test, &run).await;
    let ctx = test.context(&slug).await;
    bulk::write(&ctx, &letter(To::Contacts), run.id.uuid(), false).await.unwrap();
    goes_away(&test, &run, lease).await;
    let (run, items) = ended(&platform, &run).await;
    assert_eq!((run.done, run.sums["letters"].as_i64()), (3, Some(3)));
    assert_eq!(items.iter().map(|item| item.attempts).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(outbox::batch(&ctx, run.id.uuid()).await.unwrap().len(), 1);
    jobs::run_due(&test.gateway, ctx.now.plus_s(2 * HOLD_S)).await.unwrap();
    assert_eq!(mailbox.letters().len(), 3, "one each");
    let again = bulk::write(&ctx, &letter(To::Contacts), run.id.uuid(), false).await.unwrap();
    assert_eq!((again.letters, outbox::batch(&ctx, run.id.uuid()).await.unwrap().len()), (1, 1), "asked for once more");
}

#[tokio::test]
async fn what_was_deleted_and_not_marked_is_done() {
    let test = with_schools(3, |_| {}).await;
    let platform = test.platform().await;
    let act = Act::Delete { confirm: Some("delete 3".to_owned()), archive: None };
    let (run, lease) = bulk::begin(&platform, &everyone(), act).await.unwrap();
    let slug = begin_one(&test, &run).await;
    establishments::delete(&platform, &slug, Some(&slug)).await.unwrap();
    goes_away(&test, &run, lease).await;
    let (run, _) = ended(&platform, &run).await;
    assert_eq!((run.done, run.failed), (3, 0));
}

#[tokio::test]
async fn what_is_done_is_not_repeated_by_the_node_that_carries_on() {
    let test = with_schools(3, |_| {}).await;
    let platform = test.platform().await;
    let (run, lease) = bulk::begin(&platform, &everyone(), Act::Block).await.unwrap();
    // The first node is asked to stop after one.
    let stopped = bulk::carry_on(&test.gateway, &lease, |_| test.gateway.node.stop()).await.unwrap();
    assert_eq!((stopped.state, stopped.done), (BulkState::Running, 1));
    drop(lease);
    let other = passerelle::app::open(test.config()).await.unwrap();
    let later = platform.context().now.plus_s(HOLD_S + 1);
    jobs::run_due(&other, later).await.unwrap();
    let (run, items) = ended(&platform, &run).await;
    assert_eq!((run.done, run.failed), (3, 0));
    assert!(items.iter().all(|item| item.attempts == 1 && item.outcome == ItemOutcome::Done), "{items:?}");
}

#[tokio::test]
async fn a_run_of_more_than_a_turn_goes_on_and_old_runs_are_swept() {
    let test = TestGateway::start().await;
    let platform = test.platform().await;
    let many: Vec<String> = (0..120).map(|n| format!("nowhere-{n}")).collect();
    let chosen = bulk::Choice { slugs: Some(many), ..bulk::Choice::default() };
    let run = bulk::start(&platform, &chosen, Act::Stats).await.unwrap();
    let now = platform.context().now;
    assert!(jobs::run_due(&test.gateway, now).await.unwrap() >= 2, "others have a turn in between");
    let (run, _) = ended(&platform, &run).await;
    assert_eq!(run.failed, 120);
    passerelle::services::housekeeping::sweep(&test.gateway, now.plus_s(80 * 24 * 3600)).await;
    assert_eq!(bulk::list(&platform, &PageRequest::first(10), None).await.unwrap().total, 1);
    passerelle::services::housekeeping::sweep(&test.gateway, now.plus_s(91 * 24 * 3600)).await;
    assert_eq!(bulk::list(&platform, &PageRequest::first(10), None).await.unwrap().total, 0);
    assert!(bulk::show(&platform, run.id).await.is_err());
}
