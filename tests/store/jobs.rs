//! Jobs: asked for, taken by one node, held, renewed, let go of.

use std::sync::Arc;

use passerelle::store::registry::job::{self, Hold, Job, Kind};
use passerelle::types::time::Timestamp;
use tokio::sync::Barrier;

use super::engine::{Bed, on_every_engine, write_in};
use super::samples::{LATER, NOW};

const KINDS: [Kind; 4] = [Kind::Outbox, Kind::Sync, Kind::Archive, Kind::ArchiveRound];
/// How long holds last here.
const HOLD_S: i64 = 60;
/// Nodes that ask at once.
const NODES: usize = 64;

fn by(holder: &str, now: Timestamp) -> Hold<'_> {
    Hold { holder, now, until: now.plus_s(HOLD_S) }
}

async fn ask(bed: &Bed, kind: Kind, slug: &str, due_at: Timestamp) {
    write_in(bed.stores.registry(), async |tx| job::ask(tx, kind, slug, due_at).await).await;
}

async fn take(bed: &Bed, kinds: &[Kind], hold: Hold<'_>) -> Option<Job> {
    write_in(bed.stores.registry(), async |tx| job::take(tx, kinds, hold).await).await
}

async fn renew(bed: &Bed, job: &Job, until: Timestamp) -> bool {
    write_in(bed.stores.registry(), async |tx| job::renew(tx, job, until).await).await
}

async fn finish(bed: &Bed, job: &Job, next_due: Option<Timestamp>) -> bool {
    write_in(bed.stores.registry(), async |tx| job::finish(tx, job, next_due).await).await
}

async fn all(bed: &Bed) -> Vec<Job> {
    job::list(&mut bed.stores.registry().read().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_nodes_takes_a_job() {
    on_every_engine(async |bed| {
        ask(bed, Kind::Outbox, "jaures", NOW).await;
        let start = Arc::new(Barrier::new(NODES));
        let nodes = (0..NODES).map(|node| {
            let (registry, start) = (bed.stores.registry().clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                write_in(&registry, async |tx| job::take(tx, &KINDS, by(&format!("n{node}:0"), NOW)).await).await
            })
        });
        let taken: Vec<Job> = futures::future::join_all(nodes).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(taken.len(), 1, "{taken:?}");
        assert_eq!(all(bed).await, taken);
    })
    .await;
}

#[tokio::test]
async fn a_job_is_taken_when_due_the_oldest_first_and_only_of_the_kinds_asked_for() {
    on_every_engine(async |bed| {
        ask(bed, Kind::Outbox, "jaures", LATER).await;
        ask(bed, Kind::Archive, "curie", NOW.plus_s(-5)).await;
        ask(bed, Kind::ArchiveRound, "platform", NOW.plus_s(-3)).await;
        assert_eq!(take(bed, &[Kind::Outbox, Kind::Sync], by("a:0", NOW)).await, None);
        let taken = take(bed, &[Kind::ArchiveRound], by("a:1", NOW)).await.unwrap();
        let expected = Job {
            kind: Kind::ArchiveRound,
            slug: "platform".to_owned(),
            subject: String::new(),
            due_at: NOW.plus_s(-3),
            seq: 1,
            holder: Some("a:1".to_owned()),
            held_until: Some(NOW.plus_s(HOLD_S)),
        };
        assert_eq!(taken, expected);
        let order: Vec<Option<String>> = [
            take(bed, &KINDS, by("a:2", LATER.plus_s(-1))).await,
            take(bed, &KINDS, by("a:3", LATER.plus_s(-1))).await,
            take(bed, &KINDS, by("a:4", LATER.plus_s(-1))).await,
        ]
        .map(|job| job.map(|job| job.slug))
        .to_vec();
        assert_eq!(order, [Some("curie".to_owned()), Some("platform".to_owned()), None], "the second one's hold ran out");
    })
    .await;
}

#[tokio::test]
async fn asking_twice_is_one_job_due_at_the_earlier_instant() {
    on_every_engine(async |bed| {
        ask(bed, Kind::Outbox, "jaures", LATER).await;
        ask(bed, Kind::Outbox, "jaures", NOW).await;
        ask(bed, Kind::Outbox, "jaures", LATER).await;
        let found = all(bed).await;
        assert_eq!(found.iter().map(|job| (job.due_at, job.seq)).collect::<Vec<_>>(), [(NOW, 3)]);
    })
    .await;
}

#[tokio::test]
async fn a_hold_that_runs_out_is_another_nodes_and_the_first_can_change_nothing() {
    on_every_engine(async |bed| {
        ask(bed, Kind::Outbox, "jaures", NOW).await;
        let first = take(bed, &KINDS, by("a:0", NOW)).await.unwrap();
        assert!(renew(bed, &first, NOW.plus_s(100)).await);
        assert_eq!(take(bed, &KINDS, by("b:0", NOW.plus_s(99))).await, None);
        let second = take(bed, &KINDS, by("b:0", NOW.plus_s(100))).await.unwrap();
        assert!(!renew(bed, &first, LATER).await);
        assert!(!finish(bed, &first, None).await);
        assert!(!finish(bed, &first, Some(LATER)).await);
        assert_eq!(all(bed).await, [second]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_done_is_gone_or_due_again_and_one_asked_for_meanwhile_stays_due() {
    on_every_engine(async |bed| {
        ask(bed, Kind::Outbox, "jaures", NOW).await;
        let job = take(bed, &KINDS, by("a:0", NOW)).await.unwrap();
        assert!(finish(bed, &job, Some(LATER)).await);
        let again = all(bed).await;
        assert_eq!((again[0].due_at, again[0].seq, again[0].holder.as_deref(), again[0].held_until), (LATER, 0, None, None));

        let job = take(bed, &KINDS, by("a:1", LATER)).await.unwrap();
        ask(bed, Kind::Outbox, "jaures", LATER.plus_s(1)).await;
        assert!(finish(bed, &job, None).await, "it was still ours");
        let asked = take(bed, &KINDS, by("a:2", LATER)).await.expect("asked for meanwhile, it stays due");
        assert_eq!(asked.seq, 1);
        ask(bed, Kind::Outbox, "jaures", LATER).await;
        assert!(finish(bed, &asked, Some(LATER.plus_s(500))).await);
        let asked = take(bed, &KINDS, by("a:3", LATER)).await.expect("also where it would be due later");
        assert!(finish(bed, &asked, None).await);
        assert_eq!(all(bed).await, []);
    })
    .await;
}

#[tokio::test]
async fn two_things_of_one_establishment_are_held_apart_and_one_thing_once() {
    on_every_engine(async |bed| {
        let hold = async |subject: &str, hold: Hold<'_>| {
            write_in(bed.stores.registry(), async |tx| job::hold(tx, Kind::Sync, "jaures", subject, hold).await).await
        };
        let first = hold("run-1", by("a:0", NOW)).await.unwrap();
        assert_eq!((first.subject.as_str(), first.seq, first.held_until), ("run-1", 0, Some(NOW.plus_s(HOLD_S))));
        assert!(hold("run-2", by("b:0", NOW)).await.is_some());
        assert_eq!(hold("run-1", by("b:1", NOW)).await, None);
        assert!(hold("run-1", by("b:1", NOW.plus_s(HOLD_S))).await.is_some());
        let mut tx = bed.stores.registry().read().await.unwrap();
        let holder = job::find(&mut tx, Kind::Sync, "jaures", "run-1").await.unwrap().and_then(|job| job.holder);
        assert_eq!(holder.as_deref(), Some("b:1"));
        assert_eq!(job::find(&mut tx, Kind::Archive, "jaures", "run-1").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_node_that_stops_lets_go_of_its_own_and_what_is_gone_has_no_jobs() {
    on_every_engine(async |bed| {
        for slug in ["jaures", "curie", "mermoz"] {
            ask(bed, Kind::Outbox, slug, NOW).await;
        }
        for holder in ["a:0", "a:1", "ab:0"] {
            assert!(take(bed, &KINDS, by(holder, NOW)).await.is_some());
        }
        let released = write_in(bed.stores.registry(), async |tx| job::release_all(tx, "a").await).await;
        assert_eq!(released, 2);
        let held: Vec<_> = all(bed).await.into_iter().filter_map(|job| job.holder).collect();
        assert_eq!(held, ["ab:0"]);
        let gone = write_in(bed.stores.registry(), async |tx| job::delete_of_establishment(tx, "curie").await).await;
        assert_eq!((gone, all(bed).await.len()), (1, 2));
    })
    .await;
}
