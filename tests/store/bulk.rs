//! Acts on many establishments: a run with its items, each taken by one and settled once.

use passerelle::store::establishment::bulk_item::{self, BulkItem, ItemOutcome};
use passerelle::store::establishment::bulk_run::{self, BulkRun, BulkState, Verb};
use passerelle::types::id::{BulkItemId, BulkRunId};
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{LATER, NOW};

fn run(verb: Verb) -> BulkRun {
    BulkRun {
        id: BulkRunId::new(),
        verb,
        state: BulkState::Running,
        wanted: json!({ "verb": "mail", "letter": { "subject": "Rentrée «2026»", "body": "é\nb" } }),
        total: 3,
        done: 0,
        failed: 0,
        sums: json!({}),
        started_by: "user:élodie".to_owned(),
        started_at: NOW,
        ended_at: None,
    }
}

fn item(run: &BulkRun, slug: &str) -> BulkItem {
    BulkItem {
        id: BulkItemId::new(),
        run_id: run.id,
        slug: slug.to_owned(),
        outcome: ItemOutcome::Waiting,
        attempts: 0,
        error: None,
        detail: None,
        ended_at: None,
    }
}

async fn with(bed: &Bed, run: &BulkRun, items: &[BulkItem]) {
    bed.write(async |tx| {
        bulk_run::insert(tx, run).await?;
        bulk_item::insert_all(tx, items).await
    })
    .await;
}

async fn take(bed: &Bed, run: &BulkRun) -> Option<BulkItem> {
    bed.write(async |tx| bulk_item::take(tx, run.id).await).await
}

#[tokio::test]
async fn a_run_is_found_as_it_was_written_and_listed_newest_first() {
    on_every_engine(async |bed| {
        let verbs = [Verb::Mail, Verb::Stats, Verb::Export, Verb::Block, Verb::Unblock, Verb::Delete];
        let mut runs: Vec<BulkRun> = verbs.into_iter().map(run).collect();
        for run in &runs {
            with(bed, run, &[]).await;
        }
        let last = runs.last_mut().unwrap();
        (last.state, last.done, last.failed, last.ended_at) = (BulkState::Done, 2, 1, Some(LATER));
        last.sums = json!({ "letters": 3, "people": { "active": 7 } });
        bed.write(async |tx| bulk_run::update(tx, last).await).await;
        for run in &runs {
            assert_eq!(bulk_run::find(&mut bed.read().await, run.id).await.unwrap().as_ref(), Some(run));
        }
        assert_eq!(bulk_run::find(&mut bed.read().await, BulkRunId::new()).await.unwrap(), None);
        let mut tx = bed.read().await;
        let listed = walk(4, None, async |page| bulk_run::list(&mut tx, page, None).await).await;
        runs.reverse();
        assert_eq!(listed, runs);
        let exports = walk(4, None, async |page| bulk_run::list(&mut tx, page, Some(Verb::Export)).await).await;
        assert_eq!(exports, [runs[3].clone()]);
        let found = walk(4, Some("block"), async |page| bulk_run::list(&mut tx, page, None).await).await;
        assert_eq!(found.iter().map(|run| run.verb).collect::<Vec<_>>(), [Verb::Unblock, Verb::Block]);
    })
    .await;
}

#[tokio::test]
async fn what_was_left_half_way_comes_before_what_waits_and_is_settled_once() {
    on_every_engine(async |bed| {
        let (run, other) = (run(Verb::Block), run(Verb::Stats));
        let items = [item(&run, "a"), item(&run, "b"), item(&run, "c")];
        with(bed, &run, &items).await;
        with(bed, &other, &[item(&other, "a")]).await;
        let first = take(bed, &run).await.unwrap();
        assert_eq!(first, BulkItem { outcome: ItemOutcome::Working, attempts: 1, ..items[0].clone() });
        let again = take(bed, &run).await.unwrap();
        assert_eq!((&again.slug, again.attempts), (&"a".to_owned(), 2), "its node went away");
        let ended = |item: &BulkItem, outcome| BulkItem { outcome, ended_at: Some(LATER), ..item.clone() };
        let settle = async |item: BulkItem| bed.write(async |tx| bulk_item::settle(tx, &item).await).await;
        assert!(!settle(ended(&first, ItemOutcome::Failed)).await, "it was begun again since");
        let done = BulkItem { detail: Some(json!({ "file": "à.age", "rows": 3 })), ..ended(&again, ItemOutcome::Done) };
        assert!(settle(done.clone()).await);
        assert!(!settle(ended(&again, ItemOutcome::Failed)).await, "it ended already");
        let failed =
            BulkItem { error: Some("le fichier manque".to_owned()), ..ended(&take(bed, &run).await.unwrap(), ItemOutcome::Failed) };
        assert!(settle(failed.clone()).await);
        let mut tx = bed.read().await;
        let all = walk(2, None, async |page| bulk_item::list(&mut tx, run.id, page, None).await).await;
        assert_eq!(all, [done, failed.clone(), items[2].clone()]);
        let those = walk(2, None, async |page| bulk_item::list(&mut tx, run.id, page, Some(ItemOutcome::Failed)).await).await;
        assert_eq!(those, [failed]);
        let named = walk(2, Some("c"), async |page| bulk_item::list(&mut tx, run.id, page, None).await).await;
        assert_eq!(named, [items[2].clone()]);
        drop(tx);
        assert_eq!(take(bed, &run).await.unwrap().slug, "c");
        let last = bed.write(async |tx| bulk_item::take(tx, BulkRunId::new()).await).await;
        assert_eq!(last, None);
    })
    .await;
}

#[tokio::test]
async fn a_large_choice_is_written_whole_and_goes_with_its_run() {
    on_every_engine(async |bed| {
        let (old, young) = (BulkRun { ended_at: Some(NOW), ..run(Verb::Stats) }, run(Verb::Stats));
        let many: Vec<BulkItem> = (0..1234).map(|n| item(&old, &format!("ecole-{n}"))).collect();
        with(bed, &old, &many).await;
        with(bed, &young, &[item(&young, "a")]).await;
        let total = async |run: &BulkRun| bulk_item::list(&mut bed.read().await, run.id, &PageRequest::first(1), None).await.unwrap().total;
        assert_eq!(total(&old).await, 1234);
        bed.write(async |tx| bulk_run::delete_ended(tx, NOW).await).await;
        assert_eq!(total(&old).await, 1234, "it ended at that instant, and not before");
        bed.write(async |tx| bulk_run::delete_ended(tx, LATER).await).await;
        assert_eq!((total(&old).await, total(&young).await), (0, 1));
        assert_eq!(bulk_run::find(&mut bed.read().await, old.id).await.unwrap(), None);
    })
    .await;
}
