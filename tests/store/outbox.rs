//! The outbox: taken by one, settled once, given another try, removed when old.

use std::sync::Arc;

use passerelle::store::establishment::outbox::{self, Filter, Kind, Outgoing, State};
use passerelle::types::id::OutboxId;
use passerelle::types::time::Timestamp;
use tokio::sync::Barrier;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine, walk, write_in};
use super::samples::{LATER, NOW};

/// Which rows a filter lets through.
type Fits = fn(&Outgoing) -> bool;

fn letter(recipient: &str, due_at: Timestamp) -> Outgoing {
    Outgoing {
        id: OutboxId::new(),
        kind: Kind::Mail,
        recipient: recipient.to_owned(),
        topic: "invitation".to_owned(),
        content_sealed: Some(vec![0, 159, 146, 150]),
        batch: None,
        state: State::Waiting,
        attempts: 0,
        due_at,
        error: None,
        created_at: NOW,
        ended_at: None,
    }
}

async fn with(bed: &Bed, all: &[Outgoing]) {
    bed.write(async |tx| {
        for one in all {
            outbox::insert(tx, one).await?;
        }
        Ok(())
    })
    .await;
}

async fn find(bed: &Bed, id: OutboxId) -> Option<Outgoing> {
    outbox::find(&mut bed.read().await, id).await.unwrap()
}

async fn take(bed: &Bed, now: Timestamp, limit: i64) -> Vec<Outgoing> {
    bed.write(async |tx| outbox::take(tx, now, limit).await).await
}

async fn settle(bed: &Bed, outgoing: &Outgoing) -> bool {
    bed.write(async |tx| outbox::settle(tx, outgoing).await).await
}

#[tokio::test]
async fn what_is_due_is_taken_oldest_first_and_then_it_is_being_sent() {
    on_every_engine(async |bed| {
        let (late, early, not_yet) = (letter("b@acad-test.fr", NOW), letter("a@acad-test.fr", NOW.plus_s(-9)), letter("c", LATER));
        with(bed, &[late.clone(), early.clone(), not_yet.clone()]).await;
        assert_eq!(find(bed, early.id).await, Some(early.clone()));
        assert_eq!(find(bed, OutboxId::new()).await, None);
        assert_eq!(outbox::next_due(&mut bed.read().await).await.unwrap(), Some(early.due_at));
        let taken = take(bed, NOW, 1).await;
        assert_eq!(taken, [Outgoing { state: State::Sending, attempts: 1, due_at: NOW, ..early }]);
        assert_eq!(outbox::list_sending(&mut bed.read().await).await.unwrap(), taken);
        assert_eq!(take(bed, NOW, 5).await.iter().map(|o| o.id).collect::<Vec<_>>(), [late.id]);
        assert_eq!(take(bed, NOW, 5).await, []);
        assert_eq!(outbox::next_due(&mut bed.read().await).await.unwrap(), Some(LATER));
        take(bed, LATER, 5).await;
        assert_eq!(outbox::next_due(&mut bed.read().await).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_is_taken_by_one_of_many() {
    on_every_engine(async |bed| {
        let letters: Vec<Outgoing> = (0..10).map(|n| letter(&format!("{n}@acad-test.fr"), NOW)).collect();
        with(bed, &letters).await;
        let start = Arc::new(Barrier::new(64));
        let takers = (0..64).map(|_| {
            let (store, start) = (bed.store.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                write_in(&store, async |tx| outbox::take(tx, NOW, 1).await).await
            })
        });
        let taken = futures::future::join_all(takers).await.into_iter().flat_map(Result::unwrap);
        let mut ids: Vec<OutboxId> = taken.map(|o| o.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, letters.iter().map(|o| o.id).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn an_attempt_is_settled_once_and_only_while_it_is_the_last() {
    on_every_engine(async |bed| {
        let sent = letter("a@acad-test.fr", NOW);
        with(bed, std::slice::from_ref(&sent)).await;
        let attempt = take(bed, NOW, 1).await.remove(0);
        let later = Outgoing { state: State::Waiting, due_at: LATER, error: Some("occupé".to_owned()), ..attempt.clone() };
        assert!(settle(bed, &later).await);
        assert_eq!(find(bed, sent.id).await, Some(later));
        assert!(!settle(bed, &Outgoing { state: State::Sent, ..attempt.clone() }).await, "it was settled before");
        let second = take(bed, LATER, 1).await.remove(0);
        assert_eq!(second.attempts, 2);
        assert!(!settle(bed, &Outgoing { state: State::Sent, ..attempt }).await, "another attempt was made since");
        let given_up = Outgoing { state: State::Dead, ended_at: Some(LATER), ..second };
        assert!(settle(bed, &given_up).await);
        let known = Outgoing { state: State::Sent, content_sealed: None, error: None, ..given_up };
        assert!(settle(bed, &known).await, "what was believed lost is known to be sent");
        assert_eq!(find(bed, sent.id).await, Some(known));
    })
    .await;
}

#[tokio::test]
async fn what_was_given_up_waits_again_while_its_content_is_there() {
    on_every_engine(async |bed| {
        let dead =
            Outgoing { state: State::Dead, attempts: 19, error: Some("refusé".to_owned()), ended_at: Some(NOW), ..letter("a", NOW) };
        let empty = Outgoing { id: OutboxId::new(), content_sealed: None, ..dead.clone() };
        let waiting = letter("b", NOW);
        with(bed, &[dead.clone(), empty.clone(), waiting.clone()]).await;
        for (id, expected) in [(dead.id, true), (dead.id, false), (empty.id, false), (waiting.id, false), (OutboxId::new(), false)] {
            assert_eq!(bed.write(async |tx| outbox::retry(tx, id, LATER).await).await, expected);
        }
        let again = Outgoing { state: State::Waiting, due_at: LATER, ended_at: None, ..dead.clone() };
        assert_eq!(find(bed, again.id).await, Some(again));
        let another = take(bed, LATER, 9).await.into_iter().find(|o| o.id == dead.id).unwrap();
        assert!(!settle(bed, &dead).await, "an attempt from before the retry settles none after it");
        assert_eq!(find(bed, dead.id).await, Some(another));
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_one_recipient_is_put_off_together() {
    on_every_engine(async |bed| {
        let notice = |recipient: &str, due_at| Outgoing { kind: Kind::Logout, ..letter(recipient, due_at) };
        let rows = [notice("app", NOW), notice("app", LATER.plus_s(9)), notice("other", NOW), letter("app", NOW)];
        let ended = Outgoing { state: State::Dead, ended_at: Some(NOW), ..notice("app", NOW) };
        with(bed, &rows).await;
        with(bed, std::slice::from_ref(&ended)).await;
        assert_eq!(bed.write(async |tx| outbox::put_off(tx, Kind::Logout, "app", LATER).await).await, 1);
        let mut due = Vec::new();
        for row in rows.iter().chain([&ended]) {
            due.push(find(bed, row.id).await.unwrap().due_at);
        }
        assert_eq!(due, [LATER, LATER.plus_s(9), NOW, NOW, NOW]);
    })
    .await;
}

#[tokio::test]
async fn lists_are_narrowed_by_every_field_and_searched() {
    on_every_engine(async |bed| {
        let batch = Uuid::now_v7();
        let notice = Outgoing { kind: Kind::Logout, topic: "signed_out".to_owned(), batch: Some(batch), ..letter("client-1", NOW) };
        let sent = Outgoing { state: State::Sent, content_sealed: None, batch: Some(batch), ..letter("Élodie@acad-test.fr", NOW) };
        let mut everything = vec![letter("a@acad-test.fr", NOW), Outgoing { id: OutboxId::new(), ..notice }, sent];
        everything.sort_by_key(|o| o.id);
        with(bed, &everything).await;
        let of_batch: Vec<Outgoing> = everything.iter().filter(|o| o.batch.is_some()).cloned().collect();
        let mut tx = bed.read().await;
        assert_eq!(outbox::list_of_batch(&mut tx, batch).await.unwrap(), of_batch);
        everything.reverse();
        let text = |t: &str| Some(t.to_owned());
        let cases: [(Filter, Fits); 6] = [
            (Filter::default(), |_| true),
            (Filter { kind: text("logout"), ..Filter::default() }, |o| o.kind == Kind::Logout),
            (Filter { state: text("waiting"), ..Filter::default() }, |o| o.state == State::Waiting),
            (Filter { recipient: text("client-1"), ..Filter::default() }, |o| o.recipient == "client-1"),
            (Filter { topic: text("invitation"), ..Filter::default() }, |o| o.topic == "invitation"),
            (Filter { batch: Some(batch), ..Filter::default() }, |o| o.batch.is_some()),
        ];
        for (filter, fits) in cases {
            let expected: Vec<Outgoing> = everything.iter().filter(|o| fits(o)).cloned().collect();
            assert!(!expected.is_empty());
            assert_eq!(walk(2, None, async |page| outbox::list(&mut tx, page, &filter).await).await, expected, "{filter:?}");
        }
        let found = walk(2, Some("SIGNED"), async |page| outbox::list(&mut tx, page, &Filter::default()).await).await;
        assert_eq!(found.iter().map(|o| o.kind).collect::<Vec<_>>(), [Kind::Logout]);
    })
    .await;
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_and_what_waits_stays() {
    on_every_engine(async |bed| {
        let ended = |state, at| Outgoing { state, ended_at: Some(at), ..letter("a", NOW) };
        let rows = [
            ended(State::Sent, NOW),
            ended(State::Sent, LATER),
            ended(State::Dead, NOW),
            ended(State::Dead, NOW.plus_s(-7200)),
            letter("b", NOW.plus_s(-100_000)),
        ];
        with(bed, &rows).await;
        bed.write(async |tx| outbox::delete_ended(tx, LATER, NOW).await).await;
        let mut left = Vec::new();
        for row in &rows {
            left.push(find(bed, row.id).await.is_some());
        }
        assert_eq!(left, [false, true, true, false, true]);
    })
    .await;
}
