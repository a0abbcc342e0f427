//! What a transaction promises: all or nothing, seen by others only when committed, one writer at a time.

use std::task::Poll;

use futures::FutureExt;
use passerelle::store::establishment::user::{self, User};
use passerelle::store::{Error, Store};

use super::engine::{at, on_every_engine};
use super::samples::person;

/// Rounds of futures given up half-way.
const CANCELLED: usize = 60;

pub async fn usernames(store: &Store) -> Vec<String> {
    let mut tx = store.read().await.unwrap();
    user::usernames(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect()
}

#[tokio::test]
async fn a_transaction_dropped_without_commit_leaves_nothing() {
    on_every_engine(async |bed| {
        let mut tx = bed.store.begin().await.unwrap();
        user::insert(&mut tx, &person("perdue")).await.unwrap();
        drop(tx);
        bed.write(async |tx| user::insert(tx, &person("gardée")).await).await;
        assert_eq!(usernames(&bed.store).await, ["gardée"]);
    })
    .await;
}

#[tokio::test]
async fn a_reader_sees_only_what_is_committed_and_the_writer_sees_its_own() {
    on_every_engine(async |bed| {
        let mut reader = bed.read().await;
        let mut tx = bed.store.begin().await.unwrap();
        user::insert(&mut tx, &person("nouvelle")).await.unwrap();
        assert!(user::find_by_username(&mut tx, "nouvelle").await.unwrap().is_some());
        assert!(user::find_by_username(&mut reader, "nouvelle").await.unwrap().is_none());
        tx.commit().await.unwrap();
        assert!(user::find_by_username(&mut reader, "nouvelle").await.unwrap().is_some(), "each statement sees the last commit");
        reader.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_met_an_error_and_is_dropped_leaves_nothing() {
    on_every_engine(async |bed| {
        let mut tx = bed.store.begin().await.unwrap();
        user::insert(&mut tx, &person("a")).await.unwrap();
        assert!(matches!(user::insert(&mut tx, &person("A")).await, Err(Error::Taken(_))));
        drop(tx);
        assert_eq!(usernames(&bed.store).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn readers_go_on_while_a_writer_works() {
    on_every_engine(async |bed| {
        bed.write(async |tx| user::insert(tx, &person("là")).await).await;
        let mut tx = bed.store.begin().await.unwrap();
        let many: Vec<User> = (0..600).map(|n| person(&format!("p{n}"))).collect();
        user::insert_all(&mut tx, &many).await.unwrap();
        let reads = (0..32).map(|_| usernames(&bed.store));
        assert!(futures::future::join_all(reads).await.iter().all(|names| *names == ["là"]));
        drop(tx);
    })
    .await;
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    on_every_engine(async |bed| {
        let mut first = bed.store.begin().await.unwrap();
        let mut waiting = Box::pin(bed.store.begin());
        assert!(matches!(futures::poll!(&mut waiting), Poll::Pending));
        user::insert(&mut first, &person("première")).await.unwrap();
        assert!(waiting.as_mut().now_or_never().is_none(), "two writing transactions at once");
        first.commit().await.unwrap();
        let mut second = waiting.await.unwrap();
        assert!(user::find_by_username(&mut second, "première").await.unwrap().is_some(), "the second sees the first's commit");
        user::insert(&mut second, &person("seconde")).await.unwrap();
        second.commit().await.unwrap();
        assert_eq!(usernames(&bed.store).await.len(), 2);
    })
    .await;
}

/// Writes two people in one transaction; yields to whoever drives it after each step.
async fn write_two(store: &Store, n: usize) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    user::insert(&mut tx, &person(&format!("{n}-un"))).await?;
    user::insert(&mut tx, &person(&format!("{n}-deux"))).await?;
    tx.commit().await
}

/// Drives a future for some steps, each of them when it was woken, and gives it up there; true when it ended before.
pub async fn given_up_after<T>(steps: usize, work: impl Future<Output = T>) -> bool {
    let (mut work, mut taken) = (Box::pin(work), 0);
    std::future::poll_fn(move |cx| {
        if taken == steps {
            return Poll::Ready(false);
        }
        taken += 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if taken == steps => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_future_given_up_anywhere_writes_all_or_nothing_and_blocks_nobody() {
    on_every_engine(async |bed| {
        let mut ended = Vec::new();
        for n in 0..CANCELLED {
            ended.push(given_up_after(n, write_two(&bed.store, n)).await);
        }
        assert!(!ended[0] && ended[CANCELLED - 1], "every place of the work was met: {ended:?}");
        bed.write(async |tx| user::insert(tx, &person("fin")).await).await;
        let names = usernames(&bed.store).await;
        for (n, ended) in ended.into_iter().enumerate() {
            let written = names.iter().filter(|name| name.starts_with(&format!("{n}-"))).count();
            assert!(written == 2 || (written == 0 && !ended), "round {n}, ended: {ended}, wrote {written} of 2");
        }
    })
    .await;
}

#[tokio::test]
async fn a_read_given_up_anywhere_leaves_readers_for_others() {
    on_every_engine(async |bed| {
        bed.write(async |tx| user::insert(tx, &person("là")).await).await;
        for n in 0..CANCELLED {
            given_up_after(n % 8, usernames(&bed.store)).await;
        }
        assert_eq!(usernames(&bed.store).await, ["là"]);
    })
    .await;
}

#[tokio::test]
async fn a_larger_cache_for_a_large_run_changes_nothing_else() {
    on_every_engine(async |bed| {
        bed.write(async |tx| {
            tx.set_large(true).await?;
            user::insert(tx, &person("a")).await?;
            tx.set_large(false).await
        })
        .await;
        assert_eq!(usernames(&bed.store).await, ["a"]);
    })
    .await;
}

#[tokio::test]
async fn establishments_share_nothing() {
    on_every_engine(async |bed| {
        let other = bed.stores.provision_new(at("lycee-de-la-mer")).await.unwrap();
        // A writer of one does not hold up the other.
        let held = bed.store.begin().await.unwrap();
        let same = person("élodie");
        super::engine::write_in(&other, async |tx| user::insert(tx, &same).await).await;
        drop(held);
        assert_eq!(usernames(&bed.store).await, [""; 0]);
        bed.write(async |tx| user::insert(tx, &same).await).await;
        assert_eq!((usernames(&bed.store).await, usernames(&other).await), (vec!["élodie".to_owned()], vec!["élodie".to_owned()]));
    })
    .await;
}
