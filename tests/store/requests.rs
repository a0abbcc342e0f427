//! Requests that are carried out once: the keys that tell them, and the answers kept with them.

use passerelle::store::establishment::idempotency_key;

use super::engine::{Bed, on_every_engine};
use super::samples::{LATER, NOW};

/// What is kept of a key: the request, the answer.
async fn kept(bed: &Bed, key: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let found = idempotency_key::find(&mut bed.read().await, key).await.unwrap();
    found.map(|kept| (kept.request_hash, kept.answer_sealed))
}

#[tokio::test]
async fn a_key_is_noted_once_with_its_request_and_then_keeps_the_answer() {
    on_every_engine(async |bed| {
        assert_eq!(kept(bed, b"k").await, None);
        bed.write(async |tx| {
            idempotency_key::insert(tx, b"k", &[0, 255, 7], NOW).await?;
            idempotency_key::insert(tx, b"other", b"o", NOW).await
        })
        .await;
        assert_eq!(kept(bed, b"k").await, Some((vec![0, 255, 7], None)), "no answer while the request is being carried out");
        bed.refuses_as_taken("idempotency_keys.key_hash", async |tx| idempotency_key::insert(tx, b"k", b"another", LATER).await).await;
        bed.write(async |tx| idempotency_key::set_answer(tx, b"k", &[1, 0, 2]).await).await;
        assert_eq!(kept(bed, b"k").await, Some((vec![0, 255, 7], Some(vec![1, 0, 2]))));
        assert_eq!(kept(bed, b"other").await, Some((b"o".to_vec(), None)), "an answer to one is none to another");
        let noted = idempotency_key::find(&mut bed.read().await, b"k").await.unwrap().unwrap();
        assert_eq!(noted.created_at, NOW);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_forgotten_so_that_its_request_may_be_sent_again() {
    on_every_engine(async |bed| {
        bed.write(async |tx| {
            idempotency_key::insert(tx, b"k", b"first", NOW).await?;
            idempotency_key::insert(tx, b"other", b"o", NOW).await?;
            idempotency_key::delete(tx, b"k").await
        })
        .await;
        assert_eq!(kept(bed, b"k").await, None);
        bed.write(async |tx| idempotency_key::insert(tx, b"k", b"second", LATER).await).await;
        assert_eq!(kept(bed, b"k").await, Some((b"second".to_vec(), None)));
        assert!(kept(bed, b"other").await.is_some());
    })
    .await;
}

#[tokio::test]
async fn keys_from_before_an_instant_are_forgotten_and_later_ones_stay() {
    on_every_engine(async |bed| {
        bed.write(async |tx| {
            for (key, at) in [(b"old", NOW.plus_s(-1)), (b"now", NOW), (b"new", LATER)] {
                idempotency_key::insert(tx, key, b"r", at).await?;
            }
            idempotency_key::delete_before(tx, NOW).await
        })
        .await;
        assert_eq!(kept(bed, b"old").await, None);
        assert!(kept(bed, b"now").await.is_some());
        assert!(kept(bed, b"new").await.is_some());
    })
    .await;
}
